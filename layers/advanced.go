package layers

import (
	"fmt"
	"math"

	"github.com/meseta-go/meseta/ops"
)

// ReLULayer is Keras's layer ReLU: x above Threshold, NegativeSlope·(x-Threshold) below, and at most MaxValue. (The activation of that
// name is the constant ReLU.)
type ReLULayer struct {
	Name          string
	MaxValue      float64 // zero means none
	NegativeSlope float64 // at least 0
	Threshold     float64 // at least 0
}

// ClassName is "ReLU".
func (*ReLULayer) ClassName() string { return "ReLU" }

// GivenName is the field Name.
func (l *ReLULayer) GivenName() string { return l.Name }

// OutputShape is the input's.
func (l *ReLULayer) OutputShape(in []Shape) (Shape, error) {
	if !(l.NegativeSlope >= 0 && l.Threshold >= 0 && l.MaxValue >= 0) {
		return nil, fmt.Errorf("layers: ReLU has max value %g, negative slope %g and threshold %g, none may be negative: %w", l.MaxValue, l.NegativeSlope, l.Threshold, ErrConfig)
	}
	if l.MaxValue != 0 && l.MaxValue < l.Threshold {
		return nil, fmt.Errorf("layers: ReLU has max value %g below its threshold %g: %w", l.MaxValue, l.Threshold, ErrConfig)
	}
	return passThrough(l, in, Linear)
}

// Weights is none.
func (*ReLULayer) Weights([]Shape) []Weight { return nil }

// Lower adds a ReLU, or the function that does what the fields say.
func (l *ReLULayer) Lower(b *Builder, in, _ []ops.Value) (ops.Value, error) {
	switch {
	case l.MaxValue == 0 && l.NegativeSlope == 0 && l.Threshold == 0:
		return b.Add1(ops.Relu{}, in[0])
	case l.MaxValue == 6 && l.NegativeSlope == 0 && l.Threshold == 0:
		return b.Add1(ops.Relu{Six: true}, in[0])
	case l.MaxValue == 0 && l.Threshold == 0:
		return b.Add1(ops.Unary{Func: ops.LeakyRelu, A: float32(l.NegativeSlope)}, in[0])
	case l.NegativeSlope == 0 && l.Threshold == 0:
		return b.Add1(ops.Unary{Func: ops.Clip, B: float32(l.MaxValue)}, in[0])
	}
	most := float32(math.Inf(1))
	if l.MaxValue != 0 {
		most = float32(l.MaxValue)
	}
	return b.Add1(ops.Unary{Func: ops.Rectify, A: float32(l.NegativeSlope), B: most, C: float32(l.Threshold)}, in[0])
}

// LeakyReLULayer is Keras's layer LeakyReLU: x where it is positive, else NegativeSlope·x. (The activation of that name is the constant
// LeakyReLU, of slope 0.2.)
type LeakyReLULayer struct {
	Name          string
	NegativeSlope float64 // at least 0; NewLeakyReLU gives Keras's 0.3
}

// NewLeakyReLU has Keras's defaults.
func NewLeakyReLU() *LeakyReLULayer { return &LeakyReLULayer{NegativeSlope: 0.3} }

// ClassName is "LeakyReLU".
func (*LeakyReLULayer) ClassName() string { return "LeakyReLU" }

// GivenName is the field Name.
func (l *LeakyReLULayer) GivenName() string { return l.Name }

// OutputShape is the input's.
func (l *LeakyReLULayer) OutputShape(in []Shape) (Shape, error) {
	if !(l.NegativeSlope >= 0) {
		return nil, fmt.Errorf("layers: LeakyReLU has negative slope %g, want at least 0: %w", l.NegativeSlope, ErrConfig)
	}
	return passThrough(l, in, Linear)
}

// Weights is none.
func (*LeakyReLULayer) Weights([]Shape) []Weight { return nil }

// Lower adds the function.
func (l *LeakyReLULayer) Lower(b *Builder, in, _ []ops.Value) (ops.Value, error) {
	return b.Add1(ops.Unary{Func: ops.LeakyRelu, A: float32(l.NegativeSlope)}, in[0])
}

// ELULayer is Keras's layer ELU: x where it is positive, else Alpha·(eˣ-1). (The activation of that name is the constant ELU, of alpha 1.)
type ELULayer struct {
	Name  string
	Alpha float64 // at least 0; NewELU gives Keras's 1
}

// NewELU has Keras's defaults.
func NewELU() *ELULayer { return &ELULayer{Alpha: 1} }

// ClassName is "ELU".
func (*ELULayer) ClassName() string { return "ELU" }

// GivenName is the field Name.
func (l *ELULayer) GivenName() string { return l.Name }

// OutputShape is the input's.
func (l *ELULayer) OutputShape(in []Shape) (Shape, error) {
	if !(l.Alpha >= 0) {
		return nil, fmt.Errorf("layers: ELU has alpha %g, want at least 0: %w", l.Alpha, ErrConfig)
	}
	return passThrough(l, in, Linear)
}

// Weights is none.
func (*ELULayer) Weights([]Shape) []Weight { return nil }

// Lower adds the function.
func (l *ELULayer) Lower(b *Builder, in, _ []ops.Value) (ops.Value, error) {
	return b.Add1(ops.Unary{Func: ops.Elu, A: float32(l.Alpha)}, in[0])
}

// PReLU is x where it is positive, else x times a learnt slope (arXiv:1502.01852).
//
// Input and output of any shape. Weight: alpha of that shape, with 1 in the dimensions of SharedAxes.
type PReLU struct {
	Name             string
	SharedAxes       []int       // that share a slope, counted from 1 as in Keras: {1, 2} gives each channel of an image one
	AlphaInitializer Initializer // nil means Zeros
	AlphaRegularizer Regularizer // nil means none, here and below
	AlphaConstraint  Constraint
}

// ClassName is "PReLU".
func (*PReLU) ClassName() string { return "PReLU" }

// GivenName is the field Name.
func (l *PReLU) GivenName() string { return l.Name }

// OutputShape is the input's.
func (l *PReLU) OutputShape(in []Shape) (Shape, error) {
	if err := inputs(l, in, 1); err != nil {
		return nil, err
	}
	for _, a := range l.SharedAxes {
		if a < 1 || a > len(in[0]) {
			return nil, fmt.Errorf("layers: PReLU shares axes %v of %v, which are counted from 1: %w", l.SharedAxes, in[0], ErrConfig)
		}
	}
	return in[0], nil
}

// Weights lists alpha.
func (l *PReLU) Weights(in []Shape) []Weight {
	shape := append(Shape{}, in[0]...)
	for _, a := range l.SharedAxes {
		shape[a-1] = 1
	}
	return []Weight{{Name: "alpha", Shape: shape, Trainable: true, Initializer: initializerOr(l.AlphaInitializer, Zeros{}),
		Regularizer: l.AlphaRegularizer, Constraint: l.AlphaConstraint}}
}

// Lower adds max(x, 0) + alpha·min(x, 0).
func (l *PReLU) Lower(b *Builder, in, w []ops.Value) (ops.Value, error) {
	above, err := b.Add1(ops.Relu{}, in[0])
	if err != nil {
		return ops.None, err
	}
	below, err := b.Add1(ops.Unary{Func: ops.Clip, A: float32(math.Inf(-1))}, in[0])
	if err != nil {
		return ops.None, err
	}
	if below, err = b.Add1(ops.Binary{Func: ops.Times}, below, w[0]); err != nil {
		return ops.None, err
	}
	return b.Add1(ops.Add{}, above, below)
}

// SoftmaxLayer is Keras's layer Softmax over one axis. (The activation of that name is the constant Softmax.)
type SoftmaxLayer struct {
	Name string
	Axis int // counted as in Keras, the samples being 0, or from the end where negative; zero means -1, the last
}

// ClassName is "Softmax".
func (*SoftmaxLayer) ClassName() string { return "Softmax" }

// GivenName is the field Name.
func (l *SoftmaxLayer) GivenName() string { return l.Name }

// OutputShape is the input's.
func (l *SoftmaxLayer) OutputShape(in []Shape) (Shape, error) {
	if err := inputs(l, in, 1); err != nil {
		return nil, err
	}
	_, err := axisOf(l, l.Axis, in[0])
	return in[0], err
}

// axisOf gives the index in a batch's shape of an axis that is counted as in Keras. Zero means the last.
func axisOf(l Layer, axis int, sample Shape) (int, error) {
	a := axis
	if a <= 0 {
		a += len(sample) + 1
	}
	if axis == 0 {
		a = len(sample)
	}
	if a < 1 || a > len(sample) {
		return 0, fmt.Errorf("layers: %s has axis %d, its input of %v has axes 1 to %d: %w", l.ClassName(), axis, sample, len(sample), ErrConfig)
	}
	return a, nil
}

// Weights is none.
func (*SoftmaxLayer) Weights([]Shape) []Weight { return nil }

// Lower adds a softmax, between transpositions where the axis is not the last.
func (l *SoftmaxLayer) Lower(b *Builder, in, _ []ops.Value) (ops.Value, error) {
	s := b.Type(in[0]).Shape
	axis, err := axisOf(l, l.Axis, s[1:])
	if err != nil {
		return ops.None, err
	}
	last := len(s) - 1
	if axis == last {
		return b.Add1(ops.Softmax{}, in[0])
	}
	swap := make([]int, len(s)) // its own inverse
	for i := range swap {
		swap[i] = i
	}
	swap[axis], swap[last] = last, axis
	v, err := b.Add1(ops.Transpose{Perm: swap}, in[0])
	if err != nil {
		return ops.None, err
	}
	if v, err = b.Add1(ops.Softmax{}, v); err != nil {
		return ops.None, err
	}
	return b.Add1(ops.Transpose{Perm: swap}, v)
}
