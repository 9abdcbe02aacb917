package layers

import (
	"fmt"
	"slices"

	"github.com/meseta-go/meseta/ops"
)

// ActivationName names a function applied to each element or, for Softmax and the like, to each row of the last dimension. The zero value is
// linear. The names are those of keras.activations; threshold, which is none without arguments, has no name.
type ActivationName string

// The activations. Package ops has the formulas of those that are applied to each element.
const (
	Linear        ActivationName = ""
	ReLU          ActivationName = "relu"         // max(x, 0)
	ReLU6         ActivationName = "relu6"        // min(max(x, 0), 6)
	LeakyReLU     ActivationName = "leaky_relu"   // of slope 0.2
	ELU           ActivationName = "elu"          // of alpha 1
	SELU          ActivationName = "selu"         //
	CELU          ActivationName = "celu"         // of alpha 1: ELU
	GELU          ActivationName = "gelu"         // the exact one
	SiLU          ActivationName = "silu"         // also called "swish"
	Mish          ActivationName = "mish"         //
	Sigmoid       ActivationName = "sigmoid"      //
	Tanh          ActivationName = "tanh"         //
	Softplus      ActivationName = "softplus"     //
	Softsign      ActivationName = "softsign"     //
	Exponential   ActivationName = "exponential"  //
	HardSigmoid   ActivationName = "hard_sigmoid" // clip(x/6+1/2, 0, 1)
	HardSiLU      ActivationName = "hard_silu"    // also called "hard_swish"
	HardTanh      ActivationName = "hard_tanh"    // clip(x, -1, 1)
	HardShrink    ActivationName = "hard_shrink"  // of threshold 0.5
	SoftShrink    ActivationName = "soft_shrink"  // of threshold 0.5
	TanhShrink    ActivationName = "tanh_shrink"  //
	LogSigmoid    ActivationName = "log_sigmoid"  //
	Squareplus    ActivationName = "squareplus"   // of b 4
	SparsePlus    ActivationName = "sparse_plus"  //
	SparseSigmoid ActivationName = "sparse_sigmoid"

	Softmax    ActivationName = "softmax"     // exp(x)/Σ exp(x) over the last dimension
	LogSoftmax ActivationName = "log_softmax" // x - log Σ exp(x) over the last dimension
	// Sparsemax is arXiv:1602.02068 over the last dimension. Keras 3.15 computes something else by that name: it subtracts the sum of
	// the sums of the largest scores where the sum belongs, so that what it gives does not sum to 1.
	Sparsemax ActivationName = "sparsemax"
	GLU       ActivationName = "glu" // the first half of the last dimension times the sigmoid of the second; in an Activation only
)

// activations has the operator of each activation but Linear and GLU.
var activations = map[ActivationName]ops.Operator{
	ReLU: ops.Relu{}, ReLU6: ops.Relu{Six: true}, LeakyReLU: ops.Unary{Func: ops.LeakyRelu, A: 0.2}, ELU: ops.Unary{Func: ops.Elu, A: 1},
	SELU: ops.Unary{Func: ops.Selu}, CELU: ops.Unary{Func: ops.Celu, A: 1}, GELU: ops.Unary{Func: ops.Gelu}, SiLU: ops.Unary{Func: ops.Silu},
	Mish: ops.Unary{Func: ops.Mish}, Sigmoid: ops.Unary{Func: ops.Sigmoid}, Tanh: ops.Unary{Func: ops.Tanh}, Softplus: ops.Unary{Func: ops.Softplus},
	Softsign: ops.Unary{Func: ops.Softsign}, Exponential: ops.Unary{Func: ops.Exp}, HardSigmoid: ops.Unary{Func: ops.HardSigmoid},
	HardSiLU: ops.Unary{Func: ops.HardSilu}, HardTanh: ops.Unary{Func: ops.Clip, A: -1, B: 1}, HardShrink: ops.Unary{Func: ops.HardShrink, A: 0.5},
	SoftShrink: ops.Unary{Func: ops.SoftShrink, A: 0.5}, TanhShrink: ops.Unary{Func: ops.TanhShrink}, LogSigmoid: ops.Unary{Func: ops.LogSigmoid},
	Squareplus: ops.Unary{Func: ops.Squareplus, A: 4}, SparsePlus: ops.Unary{Func: ops.SparsePlus}, SparseSigmoid: ops.Unary{Func: ops.SparseSigmoid},
	Softmax: ops.Softmax{}, LogSoftmax: ops.LogSoftmax{}, Sparsemax: ops.Sparsemax{},
}

// aliases are other names that Keras has.
var aliases = map[string]ActivationName{"linear": Linear, "swish": SiLU, "hard_swish": HardSiLU}

// Activations lists the names that ParseActivation accepts, in alphabetical order.
var Activations = func() []string {
	names := []string{string(GLU)}
	for name := range activations {
		names = append(names, string(name))
	}
	for name := range aliases {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}()

// ParseActivation finds an activation by Keras's name.
func ParseActivation(name string) (ActivationName, error) {
	if a, ok := aliases[name]; ok {
		return a, nil
	}
	a := ActivationName(name)
	if _, ok := activations[a]; ok || a == Linear || a == GLU {
		return a, nil
	}
	return "", fmt.Errorf("layers: activation %q is unknown, there are %q: %w", name, Activations, ErrConfig)
}

func (a ActivationName) String() string {
	if a == Linear {
		return "linear"
	}
	return string(a)
}

// check says whether a may follow an output of the given shape.
func (a ActivationName) check(out Shape) error {
	a, err := ParseActivation(string(a))
	if err == nil && a == GLU {
		err = fmt.Errorf("layers: glu halves the last dimension of %v; put it in an Activation layer of its own: %w", out, ErrConfig)
	}
	return err
}

// Activation applies a function to its input.
type Activation struct {
	Name     string
	Function ActivationName
}

// ClassName is "Activation".
func (*Activation) ClassName() string { return "Activation" }

// GivenName is the field Name.
func (l *Activation) GivenName() string { return l.Name }

// OutputShape is the input's, for GLU with half of the last dimension.
func (l *Activation) OutputShape(in []Shape) (Shape, error) {
	if l.Function != GLU {
		return passThrough(l, in, l.Function)
	}
	if err := inputs(l, in, 1); err != nil {
		return nil, err
	}
	out := append(Shape{}, in[0]...)
	last := len(out) - 1
	if out[last]%2 != 0 {
		return nil, fmt.Errorf("layers: glu takes an even last dimension, its input is %v: %w", in[0], ops.ErrShape)
	}
	out[last] /= 2
	return out, nil
}

// Weights is none.
func (*Activation) Weights([]Shape) []Weight { return nil }

// Lower adds the function.
func (l *Activation) Lower(b *Builder, in, _ []ops.Value) (ops.Value, error) {
	return b.activate(l.Function, in[0])
}

// passThrough is the output shape of a layer with one input that keeps its shape.
func passThrough(l Layer, in []Shape, a ActivationName) (Shape, error) {
	if err := inputs(l, in, 1); err != nil {
		return nil, err
	}
	return in[0], a.check(in[0])
}

// inputs checks the number of inputs.
func inputs(l Layer, in []Shape, want int) error {
	if len(in) != want {
		return fmt.Errorf("layers: %s has %d inputs, wants %d: %w", l.ClassName(), len(in), want, ErrConfig)
	}
	return nil
}

// sequence checks that there is one input of two dimensions.
func sequence(l Layer, in []Shape) error {
	if err := inputs(l, in, 1); err != nil {
		return err
	}
	if len(in[0]) != 2 {
		return fmt.Errorf("layers: %s takes a sequence [L,C], its input is %v: %w", l.ClassName(), in[0], ops.ErrShape)
	}
	return nil
}

// image checks that there is one input of three dimensions.
func image(l Layer, in []Shape) error {
	if err := inputs(l, in, 1); err != nil {
		return err
	}
	if len(in[0]) != 3 {
		return fmt.Errorf("layers: %s takes an image [H,W,C], its input is %v: %w", l.ClassName(), in[0], ops.ErrShape)
	}
	return nil
}
