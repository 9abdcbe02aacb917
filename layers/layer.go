// Package layers holds what a user names when building a network: each layer's configuration in Keras's words, the
// weights that it has, and the operations that it stands for. A Graph connects layers into a network.
//
// There is no arithmetic here, and no weights: package plan keeps those, package checkpoint stores them.
package layers

import (
	"errors"

	"github.com/meseta-go/meseta/ops"
)

// Shape is the shape of one sample, without the batch: H,W,C for images.
type Shape = ops.Shape

// ErrConfig is wrapped by errors about a layer's configuration.
var ErrConfig = errors.New("bad layer configuration")

// Layer is one layer's configuration. Its methods do not change it.
type Layer interface {
	// ClassName is Keras's name of the class: "Conv2D".
	ClassName() string
	// GivenName is the name that the user gave, or "".
	GivenName() string
	// OutputShape gives the shape of the output for inputs of the shapes in, all of one sample.
	// Errors wrap ErrConfig or ops.ErrShape.
	OutputShape(in []Shape) (Shape, error)
	// Weights lists the layer's weights for such inputs in Keras's order: trainable ones first.
	Weights(in []Shape) []Weight
	// Lower adds the layer's operations to b and returns the output. The values w are those of Weights.
	Lower(b *Builder, in, w []ops.Value) (ops.Value, error)
}

// Weight describes one weight of a layer.
type Weight struct {
	Name        string // Keras's: "kernel", "bias", "gamma", …
	Shape       Shape
	Trainable   bool
	Initializer Initializer
	Regularizer Regularizer // nil for none; read of trainable weights only
	Constraint  Constraint  // nil for none; likewise
}

// check asks initializer, regularizer and constraint what is wrong with them.
func (w Weight) check() error {
	if err := w.Shape.Check(); err != nil {
		return err
	}
	if i, ok := w.Initializer.(checked); ok {
		if err := i.check(w.Shape); err != nil {
			return err
		}
	}
	if w.Regularizer != nil {
		if _, err := w.Regularizer.Penalty(); err != nil {
			return err
		}
	}
	if w.Constraint != nil {
		if _, err := w.Constraint.Constrain(w.Shape); err != nil {
			return err
		}
	}
	return nil
}

// Builder receives a network's operations for one batch size and mode.
type Builder struct {
	*ops.Graph
	Training bool
	Counter  ops.Value // seed and step, for random operations; see ops.CounterType
	Layer    int       // index of the layer being lowered: the stream of its random numbers
	// Deferred operations change states once it is known that the step is finite: the planner appends them to the
	// update phase with the flag as last input.
	Deferred []Deferred
}

// Deferred is an operation of the update phase that lacks only its last input, the flag of ops.FlagType.
type Deferred struct {
	Op    ops.Operator
	In    []ops.Value
	Label string
}

// Defer notes an operation for the update phase.
func (b *Builder) Defer(o ops.Operator, in ...ops.Value) {
	b.Deferred = append(b.Deferred, Deferred{o, in, b.Label})
}

// activate adds the activation a to v.
func (b *Builder) activate(a ActivationName, v ops.Value) (ops.Value, error) {
	a, err := ParseActivation(string(a))
	if err != nil || a == Linear {
		return v, err
	}
	if a == GLU {
		return b.gate(v)
	}
	return b.Add1(activations[a], v)
}

// gate multiplies the first half of the last dimension by the sigmoid of the second.
func (b *Builder) gate(v ops.Value) (ops.Value, error) {
	s := b.Type(v).Shape
	half := s[len(s)-1] / 2
	x, err := b.Add1(ops.Channels{First: 0, Count: half}, v)
	if err != nil {
		return ops.None, err
	}
	y, err := b.Add1(ops.Channels{First: half, Count: half}, v)
	if err != nil {
		return ops.None, err
	}
	if y, err = b.Add1(ops.Unary{Func: ops.Sigmoid}, y); err != nil {
		return ops.None, err
	}
	return b.Add1(ops.Binary{Func: ops.Times}, x, y)
}
