package layers

import (
	"fmt"

	"github.com/meseta-go/meseta/ops"
)

// Size is a height and a width.
type Size [2]int

// Square is the Size n×n.
func Square(n int) Size { return Size{n, n} }

// or gives s, or d where s is zero.
func (s Size) or(d Size) Size {
	if s == (Size{}) {
		return d
	}
	return s
}

// PaddingMode says what a sliding window does at the edges. The zero value is valid padding.
type PaddingMode string

// The paddings.
const (
	Valid  PaddingMode = ""       // the window stays within the image
	Same   PaddingMode = "same"   // zeros around it, so that the output has ceil(size/stride) positions; the odd one goes below and right
	Causal PaddingMode = "causal" // zeros before a sequence, so that no output depends on later inputs; Conv1D only
)

func (p PaddingMode) String() string {
	if p == Valid {
		return "valid"
	}
	return string(p)
}

// ParsePadding finds a padding by Keras's name.
func ParsePadding(name string) (PaddingMode, error) {
	switch p := PaddingMode(name); p {
	case "valid":
		return Valid, nil
	case Valid, Same:
		return p, nil
	}
	return "", fmt.Errorf("layers: padding %q is unknown, there are \"valid\" and \"same\": %w", name, ErrConfig)
}

// window is the geometry of a window of the given size over an image of shape in.
func window(in Shape, size, strides Size, p PaddingMode) ops.Window {
	w := ops.Window{Strides: strides, Dilation: [2]int{1, 1}}
	if p == Same {
		for d := range 2 {
			out := (in[d] + strides[d] - 1) / strides[d]
			total := max(0, (out-1)*strides[d]+size[d]-in[d])
			w.PadBefore[d] = total / 2
			w.PadAfter[d] = total - total/2
		}
	}
	return w
}

func positive(l Layer, what string, s Size) error {
	if s[0] < 1 || s[1] < 1 {
		return fmt.Errorf("layers: %s has %s %d×%d, want at least 1×1: %w", l.ClassName(), what, s[0], s[1], ErrConfig)
	}
	return nil
}

// Conv2D convolves an image with Filters filters of KernelSize.
//
// Input [H,W,C], output [P,Q,Filters]. Weights: kernel [R,S,C/Groups,Filters] and bias [Filters] unless NoBias.
type Conv2D struct {
	Name              string
	Filters           int
	KernelSize        Size
	Strides           Size // zero means 1×1
	Padding           PaddingMode
	DilationRate      Size // zero means 1×1
	Groups            int  // zero means 1
	Activation        ActivationName
	NoBias            bool
	KernelInitializer Initializer // nil means GlorotUniform
	BiasInitializer   Initializer // nil means Zeros
	KernelRegularizer Regularizer // nil means none, here and below
	BiasRegularizer   Regularizer
	KernelConstraint  Constraint
	BiasConstraint    Constraint
}

// ClassName is "Conv2D".
func (*Conv2D) ClassName() string { return "Conv2D" }

// GivenName is the field Name.
func (l *Conv2D) GivenName() string { return l.Name }

func (l *Conv2D) convolution() convolution {
	return newConvolution(l, l.KernelSize, l.Strides, l.DilationRate, l.Padding)
}

// OutputShape is [P,Q,Filters].
func (l *Conv2D) OutputShape(in []Shape) (Shape, error) {
	return l.convolution().filtered(in, orOne(l.Groups), l.Filters, l.Activation)
}

// Weights lists kernel and bias.
func (l *Conv2D) Weights(in []Shape) []Weight {
	return kernelAndBias(l.convolution().filter(in[0][2]/orOne(l.Groups), l.Filters), l.Filters, l.NoBias,
		Weight{Initializer: l.KernelInitializer, Regularizer: l.KernelRegularizer, Constraint: l.KernelConstraint},
		Weight{Initializer: l.BiasInitializer, Regularizer: l.BiasRegularizer, Constraint: l.BiasConstraint})
}

// kernelAndBias completes what a layer says of its kernel and its bias.
func kernelAndBias(shape Shape, units int, noBias bool, kernel, bias Weight) []Weight {
	kernel.Name, kernel.Shape, kernel.Trainable, kernel.Initializer = "kernel", shape, true, initializerOr(kernel.Initializer, GlorotUniform{})
	if noBias {
		return []Weight{kernel}
	}
	bias.Name, bias.Shape, bias.Trainable, bias.Initializer = "bias", Shape{units}, true, initializerOr(bias.Initializer, Zeros{})
	return []Weight{kernel, bias}
}

// Lower adds a convolution, a bias and the activation.
func (l *Conv2D) Lower(b *Builder, in, w []ops.Value) (ops.Value, error) {
	v, err := l.convolution().lower(b, in[0], w[0], orOne(l.Groups))
	if err != nil {
		return ops.None, err
	}
	return l.convolution().finish(b, v, w[1:], l.Activation)
}

func (b *Builder) biasAndActivation(v ops.Value, bias []ops.Value, a ActivationName) (ops.Value, error) {
	if len(bias) > 0 {
		var err error
		if v, err = b.Add1(ops.BiasAdd{}, v, bias[0]); err != nil {
			return ops.None, err
		}
	}
	return b.activate(a, v)
}
