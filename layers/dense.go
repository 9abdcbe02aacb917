package layers

import (
	"fmt"

	"github.com/meseta-go/meseta/ops"
)

// Dense multiplies its input by a matrix, along the last dimension.
//
// Input [...,C], output [...,Units]. Weights: kernel [C,Units] and bias [Units] unless NoBias.
type Dense struct {
	Name              string
	Units             int
	Activation        ActivationName
	NoBias            bool
	KernelInitializer Initializer // nil means GlorotUniform
	BiasInitializer   Initializer // nil means Zeros
	KernelRegularizer Regularizer // nil means none, here and below
	BiasRegularizer   Regularizer
	KernelConstraint  Constraint
	BiasConstraint    Constraint
}

// ClassName is "Dense".
func (*Dense) ClassName() string { return "Dense" }

// GivenName is the field Name.
func (l *Dense) GivenName() string { return l.Name }

// OutputShape is [...,Units].
func (l *Dense) OutputShape(in []Shape) (Shape, error) {
	if err := inputs(l, in, 1); err != nil {
		return nil, err
	}
	if l.Units < 1 {
		return nil, fmt.Errorf("layers: Dense has %d units, want at least 1: %w", l.Units, ErrConfig)
	}
	out := append(Shape{}, in[0]...)
	out[len(out)-1] = l.Units
	return out, l.Activation.check(out)
}

// Weights lists kernel and bias.
func (l *Dense) Weights(in []Shape) []Weight {
	return kernelAndBias(Shape{in[0][len(in[0])-1], l.Units}, l.Units, l.NoBias,
		Weight{Initializer: l.KernelInitializer, Regularizer: l.KernelRegularizer, Constraint: l.KernelConstraint},
		Weight{Initializer: l.BiasInitializer, Regularizer: l.BiasRegularizer, Constraint: l.BiasConstraint})
}

// Lower adds a product, a bias and the activation. Of an input of more dimensions, each row of the last is a row of one matrix.
func (l *Dense) Lower(b *Builder, in, w []ops.Value) (ops.Value, error) {
	s := b.Type(in[0]).Shape
	last := len(s) - 1
	v, err := b.reshape(in[0], s[:last].Size(), s[last])
	if err != nil {
		return ops.None, err
	}
	if v, err = b.Add1(ops.MatMul{}, v, w[0]); err != nil {
		return ops.None, err
	}
	if v, err = b.biasAndActivation(v, w[1:], l.Activation); err != nil {
		return ops.None, err
	}
	return b.reshape(v, append(append([]int{}, s[:last]...), l.Units)...)
}
