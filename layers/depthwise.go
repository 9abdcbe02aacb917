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

func (l *DepthwiseConv2D) depthwise() depthwise {
	return depthwise{
		newConvolution(l, l.KernelSize, l.Strides, l.DilationRate, l.Padding), orOne(l.DepthMultiplier), l.NoBias, l.Activation,
		Weight{Initializer: l.DepthwiseInitializer, Regularizer: l.DepthwiseRegularizer, Constraint: l.DepthwiseConstraint},
		Weight{Initializer: l.BiasInitializer, Regularizer: l.BiasRegularizer, Constraint: l.BiasConstraint},
	}
}

// OutputShape is [P,Q,C·DepthMultiplier].
func (l *DepthwiseConv2D) OutputShape(in []Shape) (Shape, error) { return l.depthwise().shape(in) }

// Weights lists kernel and bias.
func (l *DepthwiseConv2D) Weights(in []Shape) []Weight { return l.depthwise().weights(in) }

// Lower adds a convolution with a group for each channel, a bias and the activation.
func (l *DepthwiseConv2D) Lower(b *Builder, in, w []ops.Value) (ops.Value, error) {
	return l.depthwise().lower(b, in[0], w)
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

func (l *DepthwiseConv1D) depthwise() depthwise {
	return depthwise{
		newConvolution1D(l, l.KernelSize, l.Strides, l.DilationRate, l.Padding), orOne(l.DepthMultiplier), l.NoBias, l.Activation,
		Weight{Initializer: l.DepthwiseInitializer, Regularizer: l.DepthwiseRegularizer, Constraint: l.DepthwiseConstraint},
		Weight{Initializer: l.BiasInitializer, Regularizer: l.BiasRegularizer, Constraint: l.BiasConstraint},
	}
}

// OutputShape is [Q,C·DepthMultiplier].
func (l *DepthwiseConv1D) OutputShape(in []Shape) (Shape, error) { return l.depthwise().shape(in) }

// Weights lists kernel and bias.
func (l *DepthwiseConv1D) Weights(in []Shape) []Weight { return l.depthwise().weights(in) }

// Lower adds a convolution with a group for each channel, a bias and the activation.
func (l *DepthwiseConv1D) Lower(b *Builder, in, w []ops.Value) (ops.Value, error) {
	return l.depthwise().lower(b, in[0], w)
}

// depthwise is a convolution of each channel alone.
type depthwise struct {
	convolution
	multiplier   int
	noBias       bool
	activation   ActivationName
	kernel, bias Weight // as far as the layer says
}

func (d depthwise) shape(in []Shape) (Shape, error) {
	out, err := d.channelwise(in, d.multiplier)
	if err != nil {
		return nil, err
	}
	return out, d.activation.check(out)
}

func (d depthwise) weights(in []Shape) []Weight {
	c := in[0][len(in[0])-1]
	return kernelAndBias(d.filter(c, d.multiplier), c*d.multiplier, d.noBias, d.kernel, d.bias)
}

func (d depthwise) lower(b *Builder, src ops.Value, w []ops.Value) (ops.Value, error) {
	v, err := d.convolution.lower(b, src, w[0], b.channels(src))
	if err != nil {
		return ops.None, err
	}
	return d.finish(b, v, w[1:], d.activation)
}

// channelwise is the output's shape where each channel has its own filters.
func (c convolution) channelwise(in []Shape, multiplier int) (Shape, error) {
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
