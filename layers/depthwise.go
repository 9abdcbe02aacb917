package layers

import "github.com/meseta-go/meseta/ops"

// DepthwiseConv2D convolves each channel of an image with DepthMultiplier filters of its own.
//
// Input [H,W,C], output [P,Q,C·DepthMultiplier]. Weights: kernel [R,S,C,DepthMultiplier] and bias [C·DepthMultiplier] unless NoBias.
type DepthwiseConv2D struct {
	Name                 string
	KernelSize           Size
	Strides              Size // zero means 1×1
	Padding              PaddingMode
	DepthMultiplier      int  // zero means 1
	DilationRate         Size // zero means 1×1
	Activation           ActivationName
	NoBias               bool
	DepthwiseInitializer Initializer // nil means GlorotUniform
	BiasInitializer      Initializer // nil means Zeros
	DepthwiseRegularizer Regularizer // nil means none, here and below
	BiasRegularizer      Regularizer
	DepthwiseConstraint  Constraint
	BiasConstraint       Constraint
}

// ClassName is "DepthwiseConv2D".
func (*DepthwiseConv2D) ClassName() string { return "DepthwiseConv2D" }

// GivenName is the field Name.
func (l *DepthwiseConv2D) GivenName() string { return l.Name }

func (l *DepthwiseConv2D) convolution() convolution {
	return newConvolution(l, l.KernelSize, l.Strides, l.DilationRate, l.Padding)
}

// OutputShape is [P,Q,C·DepthMultiplier].
func (l *DepthwiseConv2D) OutputShape(in []Shape) (Shape, error) {
	out, err := l.convolution().depthwise(in, orOne(l.DepthMultiplier))
	if err != nil {
		return nil, err
	}
	return out, l.Activation.check(out)
}

// Weights lists kernel and bias.
func (l *DepthwiseConv2D) Weights(in []Shape) []Weight {
	c, m := in[0][2], orOne(l.DepthMultiplier)
	return kernelAndBias(l.convolution().filter(c, m), c*m, l.NoBias,
		Weight{Initializer: l.DepthwiseInitializer, Regularizer: l.DepthwiseRegularizer, Constraint: l.DepthwiseConstraint},
		Weight{Initializer: l.BiasInitializer, Regularizer: l.BiasRegularizer, Constraint: l.BiasConstraint})
}

// Lower adds a convolution with a group for each channel, a bias and the activation.
func (l *DepthwiseConv2D) Lower(b *Builder, in, w []ops.Value) (ops.Value, error) {
	v, err := l.convolution().lower(b, in[0], w[0], b.channels(in[0]))
	if err != nil {
		return ops.None, err
	}
	return l.convolution().finish(b, v, w[1:], l.Activation)
}

// DepthwiseConv1D convolves each channel of a sequence with DepthMultiplier filters of its own.
//
// Input [L,C], output [Q,C·DepthMultiplier]. Weights: kernel [S,C,DepthMultiplier] and bias [C·DepthMultiplier] unless NoBias.
type DepthwiseConv1D struct {
	Name                 string
	KernelSize           int
	Strides              int // zero means 1
	Padding              PaddingMode
	DepthMultiplier      int // zero means 1
	DilationRate         int // zero means 1
	Activation           ActivationName
	NoBias               bool
	DepthwiseInitializer Initializer // nil means GlorotUniform
	BiasInitializer      Initializer // nil means Zeros
	DepthwiseRegularizer Regularizer // nil means none, here and below
	BiasRegularizer      Regularizer
	DepthwiseConstraint  Constraint
	BiasConstraint       Constraint
}

// ClassName is "DepthwiseConv1D".
func (*DepthwiseConv1D) ClassName() string { return "DepthwiseConv1D" }

// GivenName is the field Name.
func (l *DepthwiseConv1D) GivenName() string { return l.Name }

func (l *DepthwiseConv1D) convolution() convolution {
	return newConvolution1D(l, l.KernelSize, l.Strides, l.DilationRate, l.Padding)
}

// OutputShape is [Q,C·DepthMultiplier].
func (l *DepthwiseConv1D) OutputShape(in []Shape) (Shape, error) {
	out, err := l.convolution().depthwise(in, orOne(l.DepthMultiplier))
	if err != nil {
		return nil, err
	}
	return out, l.Activation.check(out)
}

// Weights lists kernel and bias.
func (l *DepthwiseConv1D) Weights(in []Shape) []Weight {
	c, m := in[0][1], orOne(l.DepthMultiplier)
	return kernelAndBias(l.convolution().filter(c, m), c*m, l.NoBias,
		Weight{Initializer: l.DepthwiseInitializer, Regularizer: l.DepthwiseRegularizer, Constraint: l.DepthwiseConstraint},
		Weight{Initializer: l.BiasInitializer, Regularizer: l.BiasRegularizer, Constraint: l.BiasConstraint})
}

// Lower adds a convolution with a group for each channel, a bias and the activation.
func (l *DepthwiseConv1D) Lower(b *Builder, in, w []ops.Value) (ops.Value, error) {
	v, err := l.convolution().lower(b, in[0], w[0], b.channels(in[0]))
	if err != nil {
		return ops.None, err
	}
	return l.convolution().finish(b, v, w[1:], l.Activation)
}

// depthwise is the output's shape where each channel has its own filters.
func (c convolution) depthwise(in []Shape, multiplier int) (Shape, error) {
	if err := c.atLeastOne("filters a channel", multiplier); err != nil {
		return nil, err
	}
	img, err := c.input(in)
	if err != nil {
		return nil, err
	}
	return c.shape(in, img[2], img[2]*multiplier)
}

// channels is the last dimension of v.
func (b *Builder) channels(v ops.Value) int {
	s := b.Type(v).Shape
	return s[len(s)-1]
}
