package optimizers

import (
	"errors"
	"fmt"

	"github.com/meseta-go/meseta/ops"
)

// Lion moves each weight by the learning rate, up or down (arXiv:2302.06675; ops.Lion has the formula).
type Lion struct {
	LearningRate float64 // NewLion gives Keras's 0.001
	Beta1        float64 // 0.9, more than 0
	Beta2        float64 // 0.99
	WeightDecay  float64 // decoupled, as in SGD
	Base
}

// NewLion has Keras's defaults.
func NewLion() *Lion {
	return &Lion{LearningRate: 0.001, Beta1: 0.9, Beta2: 0.99}
}

// ClassName is "Lion".
func (*Lion) ClassName() string { return "Lion" }

// Rate is the field LearningRate.
func (o *Lion) Rate() float64 { return o.LearningRate }

// WithRate copies o.
func (o *Lion) WithRate(rate float64) Optimizer {
	with := *o
	with.LearningRate = rate
	return &with
}

// Slots is "momentum".
func (*Lion) Slots() []string { return []string{"momentum"} }

// Rule checks the configuration.
func (o *Lion) Rule() (ops.UpdateRule, error) {
	if err := errors.Join(checkRate(o, o.LearningRate), o.checkBetas(), notNegative(o, "weight decay", o.WeightDecay)); err != nil {
		return nil, err
	}
	return ops.Lion{Beta1: float32(o.Beta1), Beta2: float32(o.Beta2), WeightDecay: float32(o.WeightDecay)}, nil
}

// checkBetas asks for momentum in the direction, as Keras does, and for a gradient somewhere.
func (o *Lion) checkBetas() error {
	err := errors.Join(inRange(o, "beta 1", o.Beta1, 0, 1), inRange(o, "beta 2", o.Beta2, 0, 1))
	if err == nil && o.Beta1 == 0 {
		err = fmt.Errorf("optimizers: Lion with beta 1 0 looks at no momentum, want more than 0; NewLion has Keras's defaults: %w", ErrConfig)
	}
	if err == nil && o.Beta1 == 1 && o.Beta2 == 1 {
		err = fmt.Errorf("optimizers: Lion with both betas 1 never sees a gradient: %w", ErrConfig)
	}
	return err
}
