package optimizers

import (
	"errors"
	"fmt"

	"github.com/meseta-go/meseta/ops"
)

// RMSprop is Hinton's lecture 6e (ops.RMSprop has the formula).
type RMSprop struct {
	LearningRate float64 // NewRMSprop gives Keras's 0.001
	Rho          float64 // 0.9; how much of the running size is kept
	Momentum     float64 // in [0,1]
	Epsilon      float64 // 1e-7
	Centered     bool    // divide by the variance, not by the mean of squares
	WeightDecay  float64 // decoupled, as in SGD
	Base
}

// NewRMSprop has Keras's defaults.
func NewRMSprop() *RMSprop {
	return &RMSprop{LearningRate: 0.001, Rho: 0.9, Epsilon: 1e-7}
}

// ClassName is "RMSprop".
func (*RMSprop) ClassName() string { return "RMSprop" }

// Rate is the field LearningRate.
func (o *RMSprop) Rate() float64 { return o.LearningRate }

// WithRate copies o.
func (o *RMSprop) WithRate(rate float64) Optimizer {
	with := *o
	with.LearningRate = rate
	return &with
}

// Slots is "velocity", "momentum" where there is one, and "average_gradient" if Centered.
func (o *RMSprop) Slots() []string {
	slots := []string{"velocity"}
	if o.Momentum != 0 {
		slots = append(slots, "momentum")
	}
	if o.Centered {
		slots = append(slots, "average_gradient")
	}
	return slots
}

// Rule checks the configuration.
func (o *RMSprop) Rule() (ops.UpdateRule, error) {
	if err := errors.Join(checkRate(o, o.LearningRate), checkRho(o, o.Rho), inRange(o, "momentum", o.Momentum, 0, 1), checkEpsilon(o, o.Epsilon),
		notNegative(o, "weight decay", o.WeightDecay)); err != nil {
		return nil, err
	}
	return ops.RMSprop{
		Rho: float32(o.Rho), Momentum: float32(o.Momentum), Epsilon: float32(o.Epsilon), WeightDecay: float32(o.WeightDecay), Centered: o.Centered,
	}, nil
}

// Adagrad divides by all that gradients have been so far (ops.Adagrad has the formula).
type Adagrad struct {
	LearningRate            float64 // NewAdagrad gives Keras's 0.001
	InitialAccumulatorValue float64 // 0.1; what the sum of squares starts with
	Epsilon                 float64 // 1e-7
	WeightDecay             float64 // decoupled, as in SGD
	Base
}

// NewAdagrad has Keras's defaults.
func NewAdagrad() *Adagrad {
	return &Adagrad{LearningRate: 0.001, InitialAccumulatorValue: 0.1, Epsilon: 1e-7}
}

// ClassName is "Adagrad".
func (*Adagrad) ClassName() string { return "Adagrad" }

// Rate is the field LearningRate.
func (o *Adagrad) Rate() float64 { return o.LearningRate }

// WithRate copies o.
func (o *Adagrad) WithRate(rate float64) Optimizer {
	with := *o
	with.LearningRate = rate
	return &with
}

// Slots is "accumulator".
func (*Adagrad) Slots() []string { return []string{"accumulator"} }

// Rule checks the configuration.
func (o *Adagrad) Rule() (ops.UpdateRule, error) {
	if err := errors.Join(checkRate(o, o.LearningRate), notNegative(o, "initial accumulator value", o.InitialAccumulatorValue), checkEpsilon(o, o.Epsilon),
		notNegative(o, "weight decay", o.WeightDecay)); err != nil {
		return nil, err
	}
	return ops.Adagrad{Epsilon: float32(o.Epsilon), WeightDecay: float32(o.WeightDecay)}, nil
}

// Adadelta is arXiv:1212.5701 (ops.Adadelta has the formula); the paper's learning rate is 1.
type Adadelta struct {
	LearningRate float64 // NewAdadelta gives Keras's 0.001
	Rho          float64 // 0.95
	Epsilon      float64 // 1e-7
	WeightDecay  float64 // decoupled, as in SGD
	Base
}

// NewAdadelta has Keras's defaults.
func NewAdadelta() *Adadelta {
	return &Adadelta{LearningRate: 0.001, Rho: 0.95, Epsilon: 1e-7}
}

// ClassName is "Adadelta".
func (*Adadelta) ClassName() string { return "Adadelta" }

// Rate is the field LearningRate.
func (o *Adadelta) Rate() float64 { return o.LearningRate }

// WithRate copies o.
func (o *Adadelta) WithRate(rate float64) Optimizer {
	with := *o
	with.LearningRate = rate
	return &with
}

// Slots is "accumulated_grad" and "accumulated_delta_var".
func (*Adadelta) Slots() []string { return []string{"accumulated_grad", "accumulated_delta_var"} }

// Rule checks the configuration.
func (o *Adadelta) Rule() (ops.UpdateRule, error) {
	if err := errors.Join(checkRate(o, o.LearningRate), checkRho(o, o.Rho), checkEpsilon(o, o.Epsilon),
		notNegative(o, "weight decay", o.WeightDecay)); err != nil {
		return nil, err
	}
	return ops.Adadelta{Rho: float32(o.Rho), Epsilon: float32(o.Epsilon), WeightDecay: float32(o.WeightDecay)}, nil
}

// Adamax is Adam with the largest gradient instead of the mean square (ops.Adamax has the formula).
type Adamax struct {
	LearningRate float64 // NewAdamax gives Keras's 0.001
	Beta1        float64 // 0.9
	Beta2        float64 // 0.999
	Epsilon      float64 // 1e-7
	WeightDecay  float64 // decoupled, as in SGD
	Base
}

// NewAdamax has Keras's defaults.
func NewAdamax() *Adamax {
	return &Adamax{LearningRate: 0.001, Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-7}
}

// ClassName is "Adamax".
func (*Adamax) ClassName() string { return "Adamax" }

// Rate is the field LearningRate.
func (o *Adamax) Rate() float64 { return o.LearningRate }

// WithRate copies o.
func (o *Adamax) WithRate(rate float64) Optimizer {
	with := *o
	with.LearningRate = rate
	return &with
}

// Slots is "momentum" and "norm".
func (*Adamax) Slots() []string { return []string{"momentum", "norm"} }

// Rule checks the configuration.
func (o *Adamax) Rule() (ops.UpdateRule, error) {
	if err := errors.Join(checkRate(o, o.LearningRate), checkBetas(o, o.Beta1, o.Beta2), checkEpsilon(o, o.Epsilon),
		notNegative(o, "weight decay", o.WeightDecay)); err != nil {
		return nil, err
	}
	return ops.Adamax{Beta1: float32(o.Beta1), Beta2: float32(o.Beta2), Epsilon: float32(o.Epsilon), WeightDecay: float32(o.WeightDecay)}, nil
}

// Nadam is Adam with Nesterov's momentum (ops.Nadam has the formula).
type Nadam struct {
	LearningRate float64 // NewNadam gives Keras's 0.001
	Beta1        float64 // 0.9
	Beta2        float64 // 0.999
	Epsilon      float64 // 1e-7
	WeightDecay  float64 // decoupled, as in SGD
	Base
}

// NewNadam has Keras's defaults.
func NewNadam() *Nadam {
	return &Nadam{LearningRate: 0.001, Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-7}
}

// ClassName is "Nadam".
func (*Nadam) ClassName() string { return "Nadam" }

// Rate is the field LearningRate.
func (o *Nadam) Rate() float64 { return o.LearningRate }

// WithRate copies o.
func (o *Nadam) WithRate(rate float64) Optimizer {
	with := *o
	with.LearningRate = rate
	return &with
}

// Slots is "momentum" and "velocity".
func (*Nadam) Slots() []string { return []string{"momentum", "velocity"} }

// Rule checks the configuration.
func (o *Nadam) Rule() (ops.UpdateRule, error) {
	if err := errors.Join(checkRate(o, o.LearningRate), checkBetas(o, o.Beta1, o.Beta2), checkEpsilon(o, o.Epsilon),
		notNegative(o, "weight decay", o.WeightDecay)); err != nil {
		return nil, err
	}
	return ops.Nadam{Beta1: float32(o.Beta1), Beta2: float32(o.Beta2), Epsilon: float32(o.Epsilon), WeightDecay: float32(o.WeightDecay)}, nil
}

func checkRho(o Optimizer, rho float64) error {
	err := inRange(o, "rho", rho, 0, 1)
	if err == nil && float32(rho) == 1 {
		err = fmt.Errorf("optimizers: %s with a rho of 1 never sees a gradient: %w", o.ClassName(), ErrConfig)
	}
	return err
}
