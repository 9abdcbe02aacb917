package layers

import (
	"fmt"

	"github.com/meseta-go/meseta/ops"
)

// BatchNormalization gives every channel the mean Beta and the deviation Gamma (arXiv:1502.03167): over the batch while
// training, by moving statistics otherwise.
//
// Input and output [...,C]. Weights: gamma, beta, moving_mean, moving_variance, each [C]; the last two are not trained.
type BatchNormalization struct {
	Name     string
	Momentum float64 // of the moving statistics, in [0,1); NewBatchNormalization gives Keras's 0.99
	Epsilon  float64 // added to the variance, > 0; NewBatchNormalization gives Keras's 0.001

	BetaInitializer  Initializer // nil means Zeros
	GammaInitializer Initializer // nil means Ones
	BetaRegularizer  Regularizer // nil means none, here and below
	GammaRegularizer Regularizer
	BetaConstraint   Constraint
	GammaConstraint  Constraint
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
	if !(l.Epsilon > 0) {
		return nil, fmt.Errorf("layers: BatchNormalization has epsilon %g, want more than 0; NewBatchNormalization has Keras's defaults: %w", l.Epsilon, ErrConfig)
	}
	return passThrough(l, in, Linear)
}

// Weights lists gamma, beta and the moving statistics.
func (l *BatchNormalization) Weights(in []Shape) []Weight {
	c := Shape{in[0][len(in[0])-1]}
	return []Weight{
		{
			Name: "gamma", Shape: c, Trainable: true, Initializer: initializerOr(l.GammaInitializer, Ones{}),
			Regularizer: l.GammaRegularizer, Constraint: l.GammaConstraint,
		},
		{
			Name: "beta", Shape: c, Trainable: true, Initializer: initializerOr(l.BetaInitializer, Zeros{}),
			Regularizer: l.BetaRegularizer, Constraint: l.BetaConstraint,
		},
		{Name: "moving_mean", Shape: c, Initializer: Zeros{}},
		{Name: "moving_variance", Shape: c, Initializer: Ones{}},
	}
}

// Lower adds a batch norm, and while training defers the update of the moving statistics.
func (l *BatchNormalization) Lower(b *Builder, in, w []ops.Value) (ops.Value, error) {
	if !b.Training {
		return b.Add1(ops.BatchNormInference{Epsilon: float32(l.Epsilon)}, in[0], w[0], w[1], w[2], w[3])
	}
	out, err := b.Add(ops.BatchNorm{Epsilon: float32(l.Epsilon)}, in[0], w[0], w[1])
	if err != nil {
		return ops.None, err
	}
	average := ops.MovingAverage{Momentum: float32(l.Momentum)}
	b.Defer(average, w[2], out[1])
	b.Defer(average, w[3], out[2])
	return out[0], nil
}
