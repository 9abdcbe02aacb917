package layers

import "github.com/meseta-go/meseta/ops"

// SeparableConv2D convolves each channel of an image with DepthMultiplier filters of its own, and the results with Filters filters of
// one element.
//
// Input [H,W,C], output [P,Q,Filters]. Weights: depthwise_kernel [R,S,C,DepthMultiplier], pointwise_kernel
// [1,1,C·DepthMultiplier,Filters] and bias [Filters] unless NoBias.
type SeparableConv2D struct {
	Name                 string
	Filters              int
	KernelSize           Size
	Strides              Size // zero means 1×1
	Padding              PaddingMode
	DilationRate         Size // zero means 1×1
	DepthMultiplier      int  // zero means 1
	Activation           ActivationName
	NoBias               bool
	DepthwiseInitializer Initializer // nil means GlorotUniform
	PointwiseInitializer Initializer // nil means GlorotUniform
	BiasInitializer      Initializer // nil means Zeros
	DepthwiseRegularizer Regularizer // nil means none, here and below
	PointwiseRegularizer Regularizer
	BiasRegularizer      Regularizer
	DepthwiseConstraint  Constraint
	PointwiseConstraint  Constraint
	BiasConstraint       Constraint
}

// ClassName is "SeparableConv2D".
func (*SeparableConv2D) ClassName() string { return "SeparableConv2D" }

// GivenName is the field Name.
func (l *SeparableConv2D) GivenName() string { return l.Name }

func (l *SeparableConv2D) separable() separable {
	return separable{
		newConvolution(l, l.KernelSize, l.Strides, l.DilationRate, l.Padding), l.Filters, orOne(l.DepthMultiplier), l.NoBias, l.Activation,
		Weight{Initializer: l.DepthwiseInitializer, Regularizer: l.DepthwiseRegularizer, Constraint: l.DepthwiseConstraint},
		Weight{Initializer: l.PointwiseInitializer, Regularizer: l.PointwiseRegularizer, Constraint: l.PointwiseConstraint},
		Weight{Initializer: l.BiasInitializer, Regularizer: l.BiasRegularizer, Constraint: l.BiasConstraint},
	}
}

// OutputShape is [P,Q,Filters].
func (l *SeparableConv2D) OutputShape(in []Shape) (Shape, error) { return l.separable().shape(in) }

// Weights lists both kernels and the bias.
func (l *SeparableConv2D) Weights(in []Shape) []Weight { return l.separable().weights(in) }

// Lower adds two convolutions, a bias and the activation.
func (l *SeparableConv2D) Lower(b *Builder, in, w []ops.Value) (ops.Value, error) {
	return l.separable().lower(b, in[0], w)
}

// SeparableConv1D convolves each channel of a sequence with DepthMultiplier filters of its own, and the results with Filters filters of
// one element.
//
// Input [L,C], output [Q,Filters]. Weights: depthwise_kernel [S,C,DepthMultiplier], pointwise_kernel
// [1,C·DepthMultiplier,Filters] and bias [Filters] unless NoBias.
type SeparableConv1D struct {
	Name                 string
	Filters              int
	KernelSize           int
	Strides              int // zero means 1
	Padding              PaddingMode
	DilationRate         int // zero means 1
	DepthMultiplier      int // zero means 1
	Activation           ActivationName
	NoBias               bool
	DepthwiseInitializer Initializer // nil means GlorotUniform
	PointwiseInitializer Initializer // nil means GlorotUniform
	BiasInitializer      Initializer // nil means Zeros
	DepthwiseRegularizer Regularizer // nil means none, here and below
	PointwiseRegularizer Regularizer
	BiasRegularizer      Regularizer
	DepthwiseConstraint  Constraint
	PointwiseConstraint  Constraint
	BiasConstraint       Constraint
}

// ClassName is "SeparableConv1D".
func (*SeparableConv1D) ClassName() string { return "SeparableConv1D" }

// GivenName is the field Name.
func (l *SeparableConv1D) GivenName() string { return l.Name }

func (l *SeparableConv1D) separable() separable {
	return separable{
		newConvolution1D(l, l.KernelSize, l.Strides, l.DilationRate, l.Padding), l.Filters, orOne(l.DepthMultiplier), l.NoBias, l.Activation,
		Weight{Initializer: l.DepthwiseInitializer, Regularizer: l.DepthwiseRegularizer, Constraint: l.DepthwiseConstraint},
		Weight{Initializer: l.PointwiseInitializer, Regularizer: l.PointwiseRegularizer, Constraint: l.PointwiseConstraint},
		Weight{Initializer: l.BiasInitializer, Regularizer: l.BiasRegularizer, Constraint: l.BiasConstraint},
	}
}

// OutputShape is [Q,Filters].
func (l *SeparableConv1D) OutputShape(in []Shape) (Shape, error) { return l.separable().shape(in) }

// Weights lists both kernels and the bias.
func (l *SeparableConv1D) Weights(in []Shape) []Weight { return l.separable().weights(in) }

// Lower adds two convolutions, a bias and the activation.
func (l *SeparableConv1D) Lower(b *Builder, in, w []ops.Value) (ops.Value, error) {
	return l.separable().lower(b, in[0], w)
}

// separable is a convolution of each channel alone, and one of single elements across channels.
type separable struct {
	convolution
	filters, multiplier              int
	noBias                           bool
	activation                       ActivationName
	depthwiseKernel, pointwise, bias Weight // as far as the layer says
}

func (s separable) shape(in []Shape) (Shape, error) {
	if err := s.atLeastOne("filters", s.filters); err != nil {
		return nil, err
	}
	deep, err := s.channelwise(in, s.multiplier)
	if err != nil {
		return nil, err
	}
	out := append(Shape{}, deep...)
	out[len(out)-1] = s.filters
	return out, s.activation.check(out)
}

// point is the convolution of single elements.
func (s separable) point() convolution {
	p := s.convolution
	p.size, p.strides, p.dilation, p.padding = Square(1), Square(1), Square(1), Valid
	return p
}

func (s separable) weights(in []Shape) []Weight {
	c := in[0][len(in[0])-1]
	depthwise := kernelAndBias(s.filter(c, s.multiplier), 0, true, s.depthwiseKernel, Weight{})[0]
	rest := kernelAndBias(s.point().filter(c*s.multiplier, s.filters), s.filters, s.noBias, s.pointwise, s.bias)
	depthwise.Name, rest[0].Name = "depthwise_kernel", "pointwise_kernel"
	return append([]Weight{depthwise}, rest...)
}

func (s separable) lower(b *Builder, src ops.Value, w []ops.Value) (ops.Value, error) {
	v, err := s.convolution.lower(b, src, w[0], b.channels(src))
	if err != nil {
		return ops.None, err
	}
	if v, err = s.point().lower(b, v, w[1], 1); err != nil {
		return ops.None, err
	}
	return s.finish(b, v, w[2:], s.activation)
}
