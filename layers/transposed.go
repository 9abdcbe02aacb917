package layers

import "github.com/meseta-go/meseta/ops"

// Conv2DTranspose goes the way of a convolution backwards: its output is an image that a convolution of these filters, strides and padding
// would take to the shape of the input. Where several would fit OutputPadding chooses.
//
// Input [H,W,C], output [P,Q,Filters]. Weights: kernel [R,S,Filters,C] and bias [Filters] unless NoBias.
type Conv2DTranspose struct {
	Name              string
	Filters           int
	KernelSize        Size
	Strides           Size // zero means 1×1
	Padding           PaddingMode
	OutputPadding     *Size // nil means what gives, with Same, strides times the input
	DilationRate      Size  // zero means 1×1
	Activation        ActivationName
	NoBias            bool
	KernelInitializer Initializer // nil means GlorotUniform
	BiasInitializer   Initializer // nil means Zeros
	KernelRegularizer Regularizer // nil means none, here and below
	BiasRegularizer   Regularizer
	KernelConstraint  Constraint
	BiasConstraint    Constraint
}

// ClassName is "Conv2DTranspose".
func (*Conv2DTranspose) ClassName() string { return "Conv2DTranspose" }

// GivenName is the field Name.
func (l *Conv2DTranspose) GivenName() string { return l.Name }

func (l *Conv2DTranspose) convolution() convolution {
	return newConvolution(l, l.KernelSize, l.Strides, l.DilationRate, l.Padding)
}

// OutputShape is [P,Q,Filters].
func (l *Conv2DTranspose) OutputShape(in []Shape) (Shape, error) {
	out, err := l.convolution().transposedShape(in, l.Filters, l.OutputPadding)
	if err != nil {
		return nil, err
	}
	return out, l.Activation.check(out)
}

// Weights lists kernel and bias.
func (l *Conv2DTranspose) Weights(in []Shape) []Weight {
	return kernelAndBias(l.convolution().filter(l.Filters, in[0][2]), l.Filters, l.NoBias,
		Weight{Initializer: l.KernelInitializer, Regularizer: l.KernelRegularizer, Constraint: l.KernelConstraint},
		Weight{Initializer: l.BiasInitializer, Regularizer: l.BiasRegularizer, Constraint: l.BiasConstraint})
}

// Lower adds the gradient of a convolution, a bias and the activation.
func (l *Conv2DTranspose) Lower(b *Builder, in, w []ops.Value) (ops.Value, error) {
	out, err := l.OutputShape([]Shape{b.Type(in[0]).Shape[1:]})
	if err != nil {
		return ops.None, err
	}
	v, err := l.convolution().lowerTransposed(b, in[0], w[0], out)
	if err != nil {
		return ops.None, err
	}
	return l.convolution().finish(b, v, w[1:], l.Activation)
}

// Conv1DTranspose goes the way of a convolution backwards: its output is a sequence that a convolution of these filters, strides and padding
// would take to the shape of the input. Where several would fit OutputPadding chooses.
//
// Input [L,C], output [Q,Filters]. Weights: kernel [S,Filters,C] and bias [Filters] unless NoBias.
type Conv1DTranspose struct {
	Name              string
	Filters           int
	KernelSize        int
	Strides           int // zero means 1
	Padding           PaddingMode
	OutputPadding     *int // nil means what gives, with Same, strides times the input
	DilationRate      int  // zero means 1
	Activation        ActivationName
	NoBias            bool
	KernelInitializer Initializer // nil means GlorotUniform
	BiasInitializer   Initializer // nil means Zeros
	KernelRegularizer Regularizer // nil means none, here and below
	BiasRegularizer   Regularizer
	KernelConstraint  Constraint
	BiasConstraint    Constraint
}

// ClassName is "Conv1DTranspose".
func (*Conv1DTranspose) ClassName() string { return "Conv1DTranspose" }

// GivenName is the field Name.
func (l *Conv1DTranspose) GivenName() string { return l.Name }

func (l *Conv1DTranspose) convolution() convolution {
	return newConvolution1D(l, l.KernelSize, l.Strides, l.DilationRate, l.Padding)
}

// OutputShape is [Q,Filters].
func (l *Conv1DTranspose) OutputShape(in []Shape) (Shape, error) {
	var extra *Size
	if l.OutputPadding != nil {
		extra = &Size{0, *l.OutputPadding}
	}
	out, err := l.convolution().transposedShape(in, l.Filters, extra)
	if err != nil {
		return nil, err
	}
	return out, l.Activation.check(out)
}

// Weights lists kernel and bias.
func (l *Conv1DTranspose) Weights(in []Shape) []Weight {
	return kernelAndBias(l.convolution().filter(l.Filters, in[0][1]), l.Filters, l.NoBias,
		Weight{Initializer: l.KernelInitializer, Regularizer: l.KernelRegularizer, Constraint: l.KernelConstraint},
		Weight{Initializer: l.BiasInitializer, Regularizer: l.BiasRegularizer, Constraint: l.BiasConstraint})
}

// Lower adds the gradient of a convolution, a bias and the activation.
func (l *Conv1DTranspose) Lower(b *Builder, in, w []ops.Value) (ops.Value, error) {
	out, err := l.OutputShape([]Shape{b.Type(in[0]).Shape[1:]})
	if err != nil {
		return ops.None, err
	}
	v, err := l.convolution().lowerTransposed(b, in[0], w[0], out)
	if err != nil {
		return ops.None, err
	}
	return l.convolution().finish(b, v, w[1:], l.Activation)
}
