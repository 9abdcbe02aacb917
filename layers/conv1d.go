package layers

import "github.com/meseta-go/meseta/ops"

// Conv1D convolves a sequence with Filters filters of KernelSize.
//
// Input [L,C], output [Q,Filters]. Weights: kernel [S,C/Groups,Filters] and bias [Filters] unless NoBias.
type Conv1D struct {
	Name              string
	Filters           int
	KernelSize        int
	Strides           int         // zero means 1
	Padding           PaddingMode // Causal too
	DilationRate      int         // zero means 1
	Groups            int         // zero means 1
	Activation        ActivationName
	NoBias            bool
	KernelInitializer Initializer // nil means GlorotUniform
	BiasInitializer   Initializer // nil means Zeros
	KernelRegularizer Regularizer // nil means none, here and below
	BiasRegularizer   Regularizer
	KernelConstraint  Constraint
	BiasConstraint    Constraint
}

// ClassName is "Conv1D".
func (*Conv1D) ClassName() string { return "Conv1D" }

// GivenName is the field Name.
func (l *Conv1D) GivenName() string { return l.Name }

func (l *Conv1D) convolution() convolution {
	c := newConvolution1D(l, l.KernelSize, l.Strides, l.DilationRate, l.Padding)
	c.mayBeCausal = true
	return c
}

// OutputShape is [Q,Filters].
func (l *Conv1D) OutputShape(in []Shape) (Shape, error) {
	return l.convolution().filtered(in, orOne(l.Groups), l.Filters, l.Activation)
}

// Weights lists kernel and bias.
func (l *Conv1D) Weights(in []Shape) []Weight {
	return kernelAndBias(l.convolution().filter(in[0][1]/orOne(l.Groups), l.Filters), l.Filters, l.NoBias,
		Weight{Initializer: l.KernelInitializer, Regularizer: l.KernelRegularizer, Constraint: l.KernelConstraint},
		Weight{Initializer: l.BiasInitializer, Regularizer: l.BiasRegularizer, Constraint: l.BiasConstraint})
}

// Lower adds a convolution, a bias and the activation.
func (l *Conv1D) Lower(b *Builder, in, w []ops.Value) (ops.Value, error) {
	v, err := l.convolution().lower(b, in[0], w[0], orOne(l.Groups))
	if err != nil {
		return ops.None, err
	}
	return l.convolution().finish(b, v, w[1:], l.Activation)
}
