package layers

import (
	"fmt"
	"slices"

	"github.com/meseta-go/meseta/ops"
)

// merged is the output shape of a layer that merges inputs element by element. As in Keras they are broadcast: shapes are aligned at the
// last dimension, and where one is 1 or missing, its number stands for all.
func merged(l Layer, in []Shape) (Shape, error) {
	if len(in) < 2 {
		return nil, fmt.Errorf("layers: %s has %d inputs, wants two or more: %w", l.ClassName(), len(in), ErrConfig)
	}
	out := in[0]
	for _, s := range in[1:] {
		var err error
		if out, err = ops.BroadcastShapes(out, s); err != nil {
			return nil, fmt.Errorf("layers: %s: %w", l.ClassName(), err)
		}
	}
	return out, nil
}

// merge adds f of the inputs, from left to right.
func (b *Builder) merge(f ops.BinaryFunc, in []ops.Value) (ops.Value, error) {
	rank := 0
	for _, v := range in {
		rank = max(rank, len(b.Type(v).Shape))
	}
	v := ops.None
	for i, x := range in {
		s := b.Type(x).Shape
		shape := slices.Concat(s[:1], slices.Repeat(ops.Shape{1}, rank-len(s)), s[1:]) // samples stay in front
		x, err := b.reshape(x, shape...)
		if err != nil {
			return ops.None, err
		}
		switch {
		case i == 0:
			v = x
		case f == ops.Plus && shape.Equal(b.Type(v).Shape):
			v, err = b.Add1(ops.Add{}, v, x)
		default:
			v, err = b.Add1(ops.Binary{Func: f}, v, x)
		}
		if err != nil {
			return ops.None, err
		}
	}
	return v, nil
}

// Add adds two or more inputs, which are broadcast.
type Add struct{ Name string }

// ClassName is "Add".
func (*Add) ClassName() string { return "Add" }

// GivenName is the field Name.
func (l *Add) GivenName() string { return l.Name }

// OutputShape is that which the inputs are broadcast to.
func (l *Add) OutputShape(in []Shape) (Shape, error) { return merged(l, in) }

// Weights is none.
func (*Add) Weights([]Shape) []Weight { return nil }

// Lower adds the inputs from left to right.
func (*Add) Lower(b *Builder, in, _ []ops.Value) (ops.Value, error) { return b.merge(ops.Plus, in) }

// Subtract takes the second of two inputs, which are broadcast, from the first.
type Subtract struct{ Name string }

// ClassName is "Subtract".
func (*Subtract) ClassName() string { return "Subtract" }

// GivenName is the field Name.
func (l *Subtract) GivenName() string { return l.Name }

// OutputShape is that which the inputs are broadcast to.
func (l *Subtract) OutputShape(in []Shape) (Shape, error) {
	if err := inputs(l, in, 2); err != nil {
		return nil, err
	}
	return merged(l, in)
}

// Weights is none.
func (*Subtract) Weights([]Shape) []Weight { return nil }

// Lower adds a difference.
func (*Subtract) Lower(b *Builder, in, _ []ops.Value) (ops.Value, error) {
	return b.merge(ops.Minus, in)
}

// Multiply multiplies two or more inputs, which are broadcast.
type Multiply struct{ Name string }

// ClassName is "Multiply".
func (*Multiply) ClassName() string { return "Multiply" }

// GivenName is the field Name.
func (l *Multiply) GivenName() string { return l.Name }

// OutputShape is that which the inputs are broadcast to.
func (l *Multiply) OutputShape(in []Shape) (Shape, error) { return merged(l, in) }

// Weights is none.
func (*Multiply) Weights([]Shape) []Weight { return nil }

// Lower adds products from left to right.
func (*Multiply) Lower(b *Builder, in, _ []ops.Value) (ops.Value, error) {
	return b.merge(ops.Times, in)
}

// Average is the mean of two or more inputs, which are broadcast.
type Average struct{ Name string }

// ClassName is "Average".
func (*Average) ClassName() string { return "Average" }

// GivenName is the field Name.
func (l *Average) GivenName() string { return l.Name }

// OutputShape is that which the inputs are broadcast to.
func (l *Average) OutputShape(in []Shape) (Shape, error) { return merged(l, in) }

// Weights is none.
func (*Average) Weights([]Shape) []Weight { return nil }

// Lower adds the inputs from left to right and divides.
func (*Average) Lower(b *Builder, in, _ []ops.Value) (ops.Value, error) {
	v, err := b.merge(ops.Plus, in)
	if err != nil {
		return ops.None, err
	}
	return b.Add1(ops.Affine{Scale: 1 / float32(len(in))}, v)
}

// Maximum takes the largest of two or more inputs, which are broadcast.
type Maximum struct{ Name string }

// ClassName is "Maximum".
func (*Maximum) ClassName() string { return "Maximum" }

// GivenName is the field Name.
func (l *Maximum) GivenName() string { return l.Name }

// OutputShape is that which the inputs are broadcast to.
func (l *Maximum) OutputShape(in []Shape) (Shape, error) { return merged(l, in) }

// Weights is none.
func (*Maximum) Weights([]Shape) []Weight { return nil }

// Lower compares the inputs from left to right.
func (*Maximum) Lower(b *Builder, in, _ []ops.Value) (ops.Value, error) {
	return b.merge(ops.Maximum, in)
}

// Minimum takes the smallest of two or more inputs, which are broadcast.
type Minimum struct{ Name string }

// ClassName is "Minimum".
func (*Minimum) ClassName() string { return "Minimum" }

// GivenName is the field Name.
func (l *Minimum) GivenName() string { return l.Name }

// OutputShape is that which the inputs are broadcast to.
func (l *Minimum) OutputShape(in []Shape) (Shape, error) { return merged(l, in) }

// Weights is none.
func (*Minimum) Weights([]Shape) []Weight { return nil }

// Lower compares the inputs from left to right.
func (*Minimum) Lower(b *Builder, in, _ []ops.Value) (ops.Value, error) {
	return b.merge(ops.Minimum, in)
}

// Concatenate puts two or more inputs one after the other along an axis; they agree in all others.
type Concatenate struct {
	Name string
	Axis int // counted as in Keras, the samples being 0, or from the end where negative; zero means -1, the last
}

// ClassName is "Concatenate".
func (*Concatenate) ClassName() string { return "Concatenate" }

// GivenName is the field Name.
func (l *Concatenate) GivenName() string { return l.Name }

// OutputShape is the inputs' with the sum of their extents along the axis.
func (l *Concatenate) OutputShape(in []Shape) (Shape, error) {
	if len(in) < 2 {
		return nil, fmt.Errorf("layers: Concatenate has %d inputs, wants two or more: %w", len(in), ErrConfig)
	}
	axis, err := axisOf(l, l.Axis, in[0])
	if err != nil {
		return nil, err
	}
	axis-- // of a sample
	out := append(Shape{}, in[0]...)
	for _, s := range in[1:] {
		if len(s) != len(out) || !s[:axis].Equal(out[:axis]) || !s[axis+1:].Equal(out[axis+1:]) {
			return nil, fmt.Errorf("layers: Concatenate has inputs of %v and %v, which may differ in axis %d only: %w", in[0], s, axis+1, ops.ErrShape)
		}
		out[axis] += s[axis]
	}
	return out, nil
}

// Weights is none.
func (*Concatenate) Weights([]Shape) []Weight { return nil }

// Lower adds a Concat. Along another axis than the last one, an input is rows of that axis and all behind it.
func (l *Concatenate) Lower(b *Builder, in, _ []ops.Value) (ops.Value, error) {
	s := b.Type(in[0]).Shape
	axis, err := axisOf(l, l.Axis, s[1:])
	if err != nil {
		return ops.None, err
	}
	if axis == len(s)-1 {
		return b.Add1(ops.Concat{}, in...)
	}
	out := append(ops.Shape{}, s...)
	out[axis] = 0
	rows := make([]ops.Value, len(in))
	for i, v := range in {
		t := b.Type(v).Shape
		out[axis] += t[axis]
		if rows[i], err = b.reshape(v, t[:axis].Size(), t[axis:].Size()); err != nil {
			return ops.None, err
		}
	}
	v, err := b.Add1(ops.Concat{}, rows...)
	if err != nil {
		return ops.None, err
	}
	return b.reshape(v, out...)
}
