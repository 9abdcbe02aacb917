package layers

import (
	"fmt"
	"slices"

	"github.com/meseta-go/meseta/ops"
)

// Reshape gives a sample another shape of as many elements.
type Reshape struct {
	Name        string
	TargetShape Shape // one dimension may be -1: what is left
}

// ClassName is "Reshape".
func (*Reshape) ClassName() string { return "Reshape" }

// GivenName is the field Name.
func (l *Reshape) GivenName() string { return l.Name }

// OutputShape is the field TargetShape.
func (l *Reshape) OutputShape(in []Shape) (Shape, error) {
	if err := inputs(l, in, 1); err != nil {
		return nil, err
	}
	out := append(Shape{}, l.TargetShape...)
	open, known, size := -1, 1, in[0].Size()
	for i, d := range out {
		switch {
		case d == -1 && open < 0:
			open = i
		case d > size/known: // before the product is more than an int holds
			return nil, fmt.Errorf("layers: Reshape makes %v of %v, which has %d elements: %w", l.TargetShape, in[0], size, ops.ErrShape)
		case d < 1:
			return nil, fmt.Errorf("layers: Reshape has target shape %v, whose dimensions are at least 1, and one at most -1: %w", l.TargetShape, ErrConfig)
		default:
			known *= d
		}
	}
	if open >= 0 && size%known == 0 {
		out[open] = size / known
	}
	if len(out) == 0 || out.Size() != size {
		return nil, fmt.Errorf("layers: Reshape makes %v of %v, which has %d elements: %w", l.TargetShape, in[0], size, ops.ErrShape)
	}
	return out, nil
}

// Weights is none.
func (*Reshape) Weights([]Shape) []Weight { return nil }

// Lower adds a reshape, which costs nothing.
func (l *Reshape) Lower(b *Builder, in, _ []ops.Value) (ops.Value, error) {
	s := b.Type(in[0]).Shape
	out, err := l.OutputShape([]Shape{s[1:]})
	if err != nil {
		return ops.None, err
	}
	return b.reshape(in[0], append([]int{s[0]}, out...)...)
}

// Permute puts the dimensions of a sample in another order.
type Permute struct {
	Name string
	Dims []int // output dimension i is the input's dimension Dims[i], counted from 1 as in Keras
}

// ClassName is "Permute".
func (*Permute) ClassName() string { return "Permute" }

// GivenName is the field Name.
func (l *Permute) GivenName() string { return l.Name }

// OutputShape is the input's in the order of Dims.
func (l *Permute) OutputShape(in []Shape) (Shape, error) {
	if err := inputs(l, in, 1); err != nil {
		return nil, err
	}
	out := make(Shape, len(in[0]))
	order := slices.Sorted(slices.Values(l.Dims))
	for i := range out {
		if len(order) != len(out) || order[i] != i+1 {
			return nil, fmt.Errorf("layers: Permute has dims %v for an input of %v; want each of 1 to %d once: %w", l.Dims, in[0], len(out), ErrConfig)
		}
	}
	for i, d := range l.Dims {
		out[i] = in[0][d-1]
	}
	return out, nil
}

// Weights is none.
func (*Permute) Weights([]Shape) []Weight { return nil }

// Lower adds a transposition.
func (l *Permute) Lower(b *Builder, in, _ []ops.Value) (ops.Value, error) {
	return b.Add1(ops.Transpose{Perm: append([]int{0}, l.Dims...)}, in[0])
}

// RepeatVector makes N equal rows of one.
//
// Input [C], output [N,C].
type RepeatVector struct {
	Name string
	N    int
}

// ClassName is "RepeatVector".
func (*RepeatVector) ClassName() string { return "RepeatVector" }

// GivenName is the field Name.
func (l *RepeatVector) GivenName() string { return l.Name }

// OutputShape is [N,C].
func (l *RepeatVector) OutputShape(in []Shape) (Shape, error) {
	if err := inputs(l, in, 1); err != nil {
		return nil, err
	}
	if l.N < 1 {
		return nil, fmt.Errorf("layers: RepeatVector has n %d, want at least 1: %w", l.N, ErrConfig)
	}
	if len(in[0]) != 1 {
		return nil, fmt.Errorf("layers: RepeatVector takes [C], its input is %v: %w", in[0], ops.ErrShape)
	}
	return Shape{l.N, in[0][0]}, nil
}

// Weights is none.
func (*RepeatVector) Weights([]Shape) []Weight { return nil }

// Lower adds a broadcast.
func (l *RepeatVector) Lower(b *Builder, in, _ []ops.Value) (ops.Value, error) {
	s := b.Type(in[0]).Shape
	v, err := b.reshape(in[0], s[0], 1, s[1])
	if err != nil {
		return ops.None, err
	}
	return b.Add1(ops.Broadcast{Shape: ops.Shape{s[0], l.N, s[1]}}, v)
}
