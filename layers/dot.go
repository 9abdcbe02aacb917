package layers

import (
	"fmt"

	"github.com/meseta-go/meseta/ops"
)

// Dot sums the products of two inputs along an axis of each, sample by sample.
//
// Inputs [A…,K,B…] and [C…,K,D…], output [A…,B…,C…,D…], or [1] where nothing is left.
type Dot struct {
	Name      string
	Axes      [2]int // of the first and the second input, counted from 1 as in Keras, or from the end where negative
	Normalize bool   // divides each vector along the axis by its norm, so that the output is the cosine
}

// ClassName is "Dot".
func (*Dot) ClassName() string { return "Dot" }

// GivenName is the field Name.
func (l *Dot) GivenName() string { return l.Name }

// axes gives the indices of the axes in the shapes of batches.
func (l *Dot) axes(in []Shape) (axes [2]int, err error) {
	for i := range axes {
		if l.Axes[i] == 0 {
			return axes, fmt.Errorf("layers: Dot has axes %v, which are counted from 1; 0 are the samples: %w", l.Axes, ErrConfig)
		}
		if axes[i], err = axisOf(l, l.Axes[i], in[i]); err != nil {
			return axes, err
		}
	}
	return axes, nil
}

// OutputShape is what is left of both inputs.
func (l *Dot) OutputShape(in []Shape) (Shape, error) {
	if err := inputs(l, in, 2); err != nil {
		return nil, err
	}
	axes, err := l.axes(in)
	if err != nil {
		return nil, err
	}
	a, b := axes[0]-1, axes[1]-1
	if in[0][a] != in[1][b] {
		return nil, fmt.Errorf("layers: Dot has inputs of %v and %v, with %d and %d along the axes %v: %w", in[0], in[1], in[0][a], in[1][b], l.Axes, ops.ErrShape)
	}
	out := append(without(in[0], a), without(in[1], b)...)
	if len(out) == 0 {
		out = Shape{1}
	}
	return out, nil
}

// without leaves a dimension out.
func without(s Shape, d int) Shape { return append(append(Shape{}, s[:d]...), s[d+1:]...) }

// Weights is none.
func (*Dot) Weights([]Shape) []Weight { return nil }

// Lower makes matrices of both inputs, of which one axis is summed over, and adds their products.
func (l *Dot) Lower(b *Builder, in, _ []ops.Value) (ops.Value, error) {
	samples := []Shape{b.Type(in[0]).Shape[1:], b.Type(in[1]).Shape[1:]}
	axes, err := l.axes(samples)
	if err != nil {
		return ops.None, err
	}
	out, err := l.OutputShape(samples)
	if err != nil {
		return ops.None, err
	}
	var matrices [2]ops.Value
	var first [2]bool // the axis is a matrix's first dimension
	for i, v := range in {
		if l.Normalize {
			if v, err = b.normalize(v, axes[i]); err != nil {
				return ops.None, err
			}
		}
		if matrices[i], first[i], err = b.matrices(v, axes[i]); err != nil {
			return ops.None, err
		}
	}
	v, err := b.Add1(ops.BatchMatMul{TransA: first[0], TransB: !first[1]}, matrices[0], matrices[1])
	if err != nil {
		return ops.None, err
	}
	return b.reshape(v, append([]int{b.Type(v).Shape[0]}, out...)...)
}

// matrices gives v as one matrix for each sample, of which an axis is the first or the last dimension.
func (b *Builder) matrices(v ops.Value, axis int) (m ops.Value, first bool, err error) {
	s := b.Type(v).Shape
	k := s[axis]
	switch rest := s[1:].Size() / k; axis {
	case len(s) - 1:
		m, err = b.reshape(v, s[0], rest, k)
		return m, false, err
	case 1:
		m, err = b.reshape(v, s[0], k, rest)
		return m, true, err
	}
	perm := make([]int, 0, len(s))
	for d := range s {
		if d != axis {
			perm = append(perm, d)
		}
	}
	if v, err = b.Add1(ops.Transpose{Perm: append(perm, axis)}, v); err != nil {
		return ops.None, false, err
	}
	m, err = b.reshape(v, s[0], s[1:].Size()/k, k)
	return m, false, err
}

// normalize divides each vector along an axis by its norm, as keras.ops.normalize does: a norm is at least 1e-7.
func (b *Builder) normalize(v ops.Value, axis int) (ops.Value, error) {
	norm, err := b.Add1(ops.Unary{Func: ops.Square}, v)
	if err != nil {
		return ops.None, err
	}
	for _, o := range []ops.Operator{
		ops.Reduce{Func: ops.Sum, Axes: []int{axis}, KeepDims: true}, ops.Unary{Func: ops.Rsqrt}, ops.Unary{Func: ops.Clip, B: 1e7},
	} {
		if norm, err = b.Add1(o, norm); err != nil {
			return ops.None, err
		}
	}
	return b.Add1(ops.Binary{Func: ops.Times}, v, norm)
}
