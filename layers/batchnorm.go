package layers

import (
	"fmt"

	"github.com/meseta-go/meseta/ops"
)

// BatchNormalization gives every channel the mean Beta and the deviation Gamma (arXiv:1502.03167): over the batch while
// training, by moving statistics otherwise.
//
// Input and output [...,C]. Weights: gamma unless NoScale, beta unless NoCenter, moving_mean, moving_variance, each [C]; the last two are
// not trained.
type BatchNormalization struct {
	Name     string
	Momentum float64 // of the moving statistics, in [0,1); NewBatchNormalization gives Keras's 0.99
	Epsilon  float64 // added to the variance, > 0; NewBatchNormalization gives Keras's 0.001

	NoCenter, NoScale bool        // without beta, without gamma
	BetaInitializer   Initializer // nil means Zeros
	GammaInitializer  Initializer // nil means Ones
	BetaRegularizer   Regularizer // nil means none, here and below
	GammaRegularizer  Regularizer
	BetaConstraint    Constraint
	GammaConstraint   Constraint
}

// NewBatchNormalization has Keras's defaults.
func NewBatchNormalization() *BatchNormalization {
	return &BatchNormalization{Momentum: 0.99, Epsilon: 1e-3}
}

// ClassName is "BatchNormalization".
func (*BatchNormalization) ClassName() string { return "BatchNormalization" }

// GivenName is the field Name.
func (l *BatchNormalization) GivenName() string { return l.Name }

// OutputShape is the input's.
func (l *BatchNormalization) OutputShape(in []Shape) (Shape, error) {
	if !(l.Momentum >= 0 && l.Momentum < 1) {
		return nil, fmt.Errorf("layers: BatchNormalization has momentum %g, want 0 ≤ momentum < 1: %w", l.Momentum, ErrConfig)
	}
	if err := checkEpsilon(l, l.Epsilon); err != nil {
		return nil, err
	}
	return passThrough(l, in, Linear)
}

// Weights lists gamma, beta and the moving statistics.
func (l *BatchNormalization) Weights(in []Shape) []Weight {
	c := Shape{in[0][len(in[0])-1]}
	return append(gammaAndBeta(c, l.NoScale, l.NoCenter,
		Weight{Initializer: l.GammaInitializer, Regularizer: l.GammaRegularizer, Constraint: l.GammaConstraint},
		Weight{Initializer: l.BetaInitializer, Regularizer: l.BetaRegularizer, Constraint: l.BetaConstraint}),
		Weight{Name: "moving_mean", Shape: c, Initializer: Zeros{}},
		Weight{Name: "moving_variance", Shape: c, Initializer: Ones{}})
}

// Lower adds a batch norm, and while training defers the update of the moving statistics.
func (l *BatchNormalization) Lower(b *Builder, in, w []ops.Value) (ops.Value, error) {
	s := b.Type(in[0]).Shape
	// A part that is left out is a constant.
	part := func(missing bool, value float32) (ops.Value, error) {
		if missing {
			return b.Add1(ops.Fill{Type: ops.F32(s[len(s)-1]), Value: value})
		}
		v := w[0]
		w = w[1:]
		return v, nil
	}
	gamma, err := part(l.NoScale, 1)
	if err != nil {
		return ops.None, err
	}
	beta, err := part(l.NoCenter, 0)
	if err != nil {
		return ops.None, err
	}
	mean, variance := w[0], w[1]
	if !b.Training {
		return b.Add1(ops.BatchNormInference{Epsilon: float32(l.Epsilon)}, in[0], gamma, beta, mean, variance)
	}
	out, err := b.Add(ops.BatchNorm{Epsilon: float32(l.Epsilon)}, in[0], gamma, beta)
	if err != nil {
		return ops.None, err
	}
	b.Defer(ops.MovingAverage{Momentum: float32(l.Momentum)}, mean, variance, out[1], out[2])
	return out[0], nil
}
