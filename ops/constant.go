package ops

import "fmt"

// Fill gives a value whose elements are all Value: the seed of a gradient.
type Fill struct {
	Type  Type
	Value float32
}

// Name is "fill".
func (Fill) Name() string { return "fill" }

func (o Fill) String() string { return fmt.Sprintf("%g", o.Value) }

// Infer gives the type.
func (o Fill) Infer([]Type) ([]Type, error) { return []Type{o.Type}, nil }

// Gradient is that of a constant: it depends on nothing.
func (Fill) Gradient(*Graph, Op, []Value) ([]Value, error) { return nil, nil }

// Constant gives a vector of fixed numbers.
//
// In: none. Out: dst [len(Values)].
type Constant struct{ Values []float32 }

// Name is "constant".
func (Constant) Name() string { return "constant" }

func (o Constant) String() string {
	if len(o.Values) > 4 {
		return fmt.Sprintf("%v… (%d)", o.Values[:4], len(o.Values))
	}
	return fmt.Sprint(o.Values)
}

// Infer gives the type of dst.
func (o Constant) Infer([]Type) ([]Type, error) {
	if len(o.Values) == 0 {
		return nil, fmt.Errorf("constant: no numbers: %w", ErrShape)
	}
	return []Type{F32(len(o.Values))}, nil
}

// Gradient is that of a constant: it depends on nothing.
func (Constant) Gradient(*Graph, Op, []Value) ([]Value, error) { return nil, nil }
