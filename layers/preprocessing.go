package layers

import (
	"fmt"
	"slices"

	"github.com/meseta-go/meseta/ops"
)

// Rescaling computes x·Scale + Offset.
type Rescaling struct {
	Name   string
	Scale  float64
	Offset float64

	// One number for each channel, instead of those above. nil means none.
	Scales, Offsets []float64
}

// ClassName is "Rescaling".
func (*Rescaling) ClassName() string { return "Rescaling" }

// GivenName is the field Name.
func (l *Rescaling) GivenName() string { return l.Name }

// OutputShape is the input's.
func (l *Rescaling) OutputShape(in []Shape) (Shape, error) {
	if l.Scale == 0 && l.Scales == nil || slices.Contains(l.Scales, 0) {
		return nil, fmt.Errorf("layers: Rescaling has scale 0, which loses its input: %w", ErrConfig)
	}
	for _, list := range [][]float64{l.Scales, l.Offsets} {
		if list == nil || len(in) != 1 {
			continue
		}
		if c := len(list); len(in[0]) == 0 || c != in[0][len(in[0])-1] {
			return nil, fmt.Errorf("layers: Rescaling has %d numbers for the channels of its input %v: %w", c, in[0], ops.ErrShape)
		}
	}
	return passThrough(l, in, Linear)
}

// Weights is none.
func (*Rescaling) Weights([]Shape) []Weight { return nil }

// Lower adds an affine operation, or a product and a sum with a number for each channel.
func (l *Rescaling) Lower(b *Builder, in, _ []ops.Value) (ops.Value, error) {
	v := in[0]
	if l.Scales == nil && l.Offsets == nil {
		return b.Add1(ops.Affine{Scale: float32(l.Scale), Offset: float32(l.Offset)}, v)
	}
	for _, part := range []struct {
		do   ops.BinaryFunc
		one  float64
		list []float64
	}{{ops.Times, l.Scale, l.Scales}, {ops.Plus, l.Offset, l.Offsets}} {
		list := part.list
		if list == nil {
			list = []float64{part.one}
		}
		number, err := b.constant(list...)
		if err != nil {
			return ops.None, err
		}
		if v, err = b.Add1(ops.Binary{Func: part.do}, v, number); err != nil {
			return ops.None, err
		}
	}
	return v, nil
}

// constant adds a vector of fixed numbers.
func (b *Builder) constant(values ...float64) (ops.Value, error) {
	narrow := make([]float32, len(values))
	for i, v := range values {
		narrow[i] = float32(v)
	}
	return b.Add1(ops.Constant{Values: narrow})
}

// Normalization subtracts a mean and divides by a deviation that were measured beforehand: (x-mean)/max(√variance, 1e-7), or with Invert
// takes that back. Give Mean and Variance, or let meseta.Adapt measure them; without, they are weights, as a layer that Keras adapted has
// them in its file.
//
// Input and output [...,C]. Weights, unless Mean is given: mean and variance, of the shape of the axes, and count, which says nothing.
type Normalization struct {
	Name   string
	Axis   []int // dimensions with numbers of their own, counted as Keras does with the batch as 0, or -1 for the last; nil means the last, empty none
	Mean   []float64
	Invert bool

	Variance []float64 // like Mean: one number for everything, or one for each element of the only axis
}

// ClassName is "Normalization".
func (*Normalization) ClassName() string { return "Normalization" }

// GivenName is the field Name.
func (l *Normalization) GivenName() string { return l.Name }

// Axes are the dimensions of a sample of so many that have numbers of their own, in order, the first being 0; nil if Axis names others.
func (l *Normalization) Axes(dimensions int) []int {
	if l.Axis == nil {
		return sampleAxes([]int{-1}, dimensions)
	}
	return sampleAxes(l.Axis, dimensions)
}

// OutputShape is the input's.
func (l *Normalization) OutputShape(in []Shape) (Shape, error) {
	if err := inputs(l, in, 1); err != nil {
		return nil, err
	}
	axes := l.Axes(len(in[0]))
	if axes == nil {
		return nil, fmt.Errorf("layers: Normalization has axis %v, its input %v has 1 to %d: %w", l.Axis, in[0], len(in[0]), ErrConfig)
	}
	if n := len(l.Mean); n != len(l.Variance) || n > 1 && (len(axes) != 1 || n != in[0][axes[0]]) {
		return nil, fmt.Errorf("layers: Normalization of %v along %v has %d means and %d variances, want one of each, or as many as the only axis has elements: %w",
			in[0], l.Axis, n, len(l.Variance), ErrConfig)
	}
	for _, v := range l.Variance {
		if !(v >= 0) {
			return nil, fmt.Errorf("layers: Normalization has variance %g, want at least 0: %w", v, ErrConfig)
		}
	}
	return in[0], nil
}

// Weights lists mean, variance and count.
func (l *Normalization) Weights(in []Shape) []Weight {
	if l.Mean != nil {
		return nil
	}
	shape := Shape{}
	for _, a := range l.Axes(len(in[0])) {
		shape = append(shape, in[0][a])
	}
	return []Weight{
		{Name: "mean", Shape: shape, Initializer: Zeros{}},
		{Name: "variance", Shape: shape, Initializer: Ones{}},
		{Name: "count", Shape: Shape{}, Initializer: Zeros{}},
	}
}

// Lower adds a difference and a quotient.
func (l *Normalization) Lower(b *Builder, in, w []ops.Value) (ops.Value, error) {
	s := b.Type(in[0]).Shape
	// The numbers as they are broadcast: 1 in the dimensions that have none of their own.
	shape := slices.Repeat([]int{1}, len(s)-1)
	for _, a := range l.Axes(len(s) - 1) {
		shape[a] = s[a+1]
	}
	number := func(i int, given []float64) (ops.Value, error) {
		if given == nil {
			return b.reshape(w[i], shape...)
		}
		v, err := b.constant(given...)
		if err != nil || len(given) == 1 {
			return v, err
		}
		return b.reshape(v, shape...)
	}
	mean, err := number(0, l.Mean)
	if err != nil {
		return ops.None, err
	}
	variance, err := number(1, l.Variance)
	if err != nil {
		return ops.None, err
	}
	deviation, err := b.Add1(ops.Unary{Func: ops.Sqrt}, variance)
	if err != nil {
		return ops.None, err
	}
	least, err := b.constant(1e-7)
	if err != nil {
		return ops.None, err
	}
	if deviation, err = b.Add1(ops.Binary{Func: ops.Maximum}, deviation, least); err != nil {
		return ops.None, err
	}
	first, firstWith, then, thenWith := ops.Minus, mean, ops.Divide, deviation
	if l.Invert {
		first, firstWith, then, thenWith = ops.Times, deviation, ops.Plus, mean
	}
	v, err := b.Add1(ops.Binary{Func: first}, in[0], firstWith)
	if err != nil {
		return ops.None, err
	}
	return b.Add1(ops.Binary{Func: then}, v, thenWith)
}
