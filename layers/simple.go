package layers

import (
	"fmt"

	"github.com/meseta-go/meseta/ops"
)

// InputLayer is where samples of the given shape enter a network.
type InputLayer struct {
	Name  string
	Shape Shape // of one sample: H,W,C
}

// ClassName is "InputLayer".
func (*InputLayer) ClassName() string { return "InputLayer" }

// GivenName is the field Name.
func (l *InputLayer) GivenName() string { return l.Name }

// OutputShape is the field Shape.
func (l *InputLayer) OutputShape(in []Shape) (Shape, error) {
	if len(l.Shape) == 0 {
		return nil, fmt.Errorf("layers: an input without dimensions: %w", ErrConfig)
	}
	for _, d := range l.Shape {
		if d < 1 {
			return nil, fmt.Errorf("layers: input of shape %v, every dimension must be known and at least 1: %w", l.Shape, ErrConfig)
		}
	}
	return l.Shape, inputs(l, in, 0)
}

// Weights is none.
func (*InputLayer) Weights([]Shape) []Weight { return nil }

// Lower is not called: the planner makes the value of an input.
func (l *InputLayer) Lower(*Builder, []ops.Value, []ops.Value) (ops.Value, error) {
	return ops.None, fmt.Errorf("layers: an input stands for no operation")
}

// Flatten makes one dimension of all.
type Flatten struct{ Name string }

// ClassName is "Flatten".
func (*Flatten) ClassName() string { return "Flatten" }

// GivenName is the field Name.
func (l *Flatten) GivenName() string { return l.Name }

// OutputShape is [H·W·C].
func (l *Flatten) OutputShape(in []Shape) (Shape, error) {
	if err := inputs(l, in, 1); err != nil {
		return nil, err
	}
	return Shape{in[0].Size()}, nil
}

// Weights is none.
func (*Flatten) Weights([]Shape) []Weight { return nil }

// Lower adds a reshape.
func (*Flatten) Lower(b *Builder, in, _ []ops.Value) (ops.Value, error) {
	s := b.Type(in[0]).Shape
	return b.Add1(ops.Reshape{Shape: ops.Shape{s[0], s[1:].Size()}}, in[0])
}
