package layers

import (
	"fmt"

	"github.com/meseta-go/meseta/ops"
)

// ActivationName names a function applied to each element, or for Softmax to each row. The zero value is linear.
type ActivationName string

// The activations.
const (
	Linear  ActivationName = ""
	ReLU    ActivationName = "relu"    // max(x, 0)
	Softmax ActivationName = "softmax" // exp(x)/Σ exp(x) over the last dimension
)

// Activations lists the names that ParseActivation accepts.
var Activations = []string{"linear", string(ReLU), string(Softmax)}

// ParseActivation finds an activation by Keras's name.
func ParseActivation(name string) (ActivationName, error) {
	switch a := ActivationName(name); a {
	case "linear":
		return Linear, nil
	case Linear, ReLU, Softmax:
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
	if _, err := ParseActivation(string(a)); err != nil {
		return err
	}
	if a == Softmax && len(out) != 1 {
		return fmt.Errorf("layers: softmax wants one dimension, the layer gives %v: %w", out, ops.ErrShape)
	}
	return nil
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

// OutputShape is the input's.
func (l *Activation) OutputShape(in []Shape) (Shape, error) { return passThrough(l, in, l.Function) }

// Weights is none.
func (*Activation) Weights([]Shape) []Weight { return nil }

// Lower adds the function.
func (l *Activation) Lower(b *Builder, in, _ []ops.Value) (ops.Value, error) {
	return b.activate(l.Function, in[0])
}

// ReLULayer is Keras's layer ReLU: max(x, 0). (The activation of that name is the constant ReLU.)
type ReLULayer struct{ Name string }

// ClassName is "ReLU".
func (*ReLULayer) ClassName() string { return "ReLU" }

// GivenName is the field Name.
func (l *ReLULayer) GivenName() string { return l.Name }

// OutputShape is the input's.
func (l *ReLULayer) OutputShape(in []Shape) (Shape, error) { return passThrough(l, in, ReLU) }

// Weights is none.
func (*ReLULayer) Weights([]Shape) []Weight { return nil }

// Lower adds a ReLU.
func (*ReLULayer) Lower(b *Builder, in, _ []ops.Value) (ops.Value, error) {
	return b.activate(ReLU, in[0])
}

// SoftmaxLayer is Keras's layer Softmax over the last axis. (The activation of that name is the constant Softmax.)
type SoftmaxLayer struct{ Name string }

// ClassName is "Softmax".
func (*SoftmaxLayer) ClassName() string { return "Softmax" }

// GivenName is the field Name.
func (l *SoftmaxLayer) GivenName() string { return l.Name }

// OutputShape is the input's, of one dimension.
func (l *SoftmaxLayer) OutputShape(in []Shape) (Shape, error) { return passThrough(l, in, Softmax) }

// Weights is none.
func (*SoftmaxLayer) Weights([]Shape) []Weight { return nil }

// Lower adds a softmax.
func (*SoftmaxLayer) Lower(b *Builder, in, _ []ops.Value) (ops.Value, error) {
	return b.activate(Softmax, in[0])
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
