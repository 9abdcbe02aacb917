package ops

import "fmt"

// OneHot turns labels into rows of zeros with a 1 at the label. A row whose label is outside 0 to Classes-1 is NaN.
//
// In: labels int32 [...]. Out: dst float32 [...,Classes]. It has no gradient.
type OneHot struct{ Classes int }

// Name is "one_hot".
func (OneHot) Name() string { return "one_hot" }

func (o OneHot) String() string { return fmt.Sprint(o.Classes) }

// Infer gives the type of dst.
func (o OneHot) Infer(in []Type) ([]Type, error) {
	if in[0].DType != Int32 || o.Classes < 1 {
		return nil, fmt.Errorf("one_hot: labels are %v, of %d classes; want int32, and at least 1 class: %w", in[0], o.Classes, ErrShape)
	}
	return []Type{{Float32, append(append(Shape{}, in[0].Shape...), o.Classes)}}, nil
}

// Gradient is none.
func (OneHot) Gradient(*Graph, Op, []Value) ([]Value, error) { return []Value{None}, nil }

// ArgMax gives the index of the first largest number of each row; NaN counts as the largest.
//
// In: src [...,C]. Out: dst int32 [...]. It has no gradient.
type ArgMax struct{}

// Name is "argmax".
func (ArgMax) Name() string { return "argmax" }

// Infer gives the type of dst.
func (ArgMax) Infer(in []Type) ([]Type, error) {
	s := in[0].Shape
	if in[0].DType != Float32 || len(s) == 0 {
		return nil, fmt.Errorf("argmax: src is %v, want float32 [...,C]: %w", in[0], ErrShape)
	}
	return []Type{{Int32, append(Shape{}, s[:len(s)-1]...)}}, nil
}

// Gradient is none.
func (ArgMax) Gradient(*Graph, Op, []Value) ([]Value, error) { return []Value{None}, nil }
