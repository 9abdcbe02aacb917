package ops

import (
	"fmt"
	"strconv"
	"strings"
)

// DType is the type of a value's elements.
type DType uint8

// The element types.
const (
	Float32 DType = iota
	Float64       // sums that outlive a step
	Int32         // labels, flags
	Int64         // counters
)

// Size is the number of bytes an element takes.
func (d DType) Size() int {
	if d == Float32 || d == Int32 {
		return 4
	}
	return 8
}

func (d DType) String() string {
	switch d {
	case Float32:
		return "f32"
	case Float64:
		return "f64"
	case Int32:
		return "i32"
	case Int64:
		return "i64"
	}
	return "unknown type"
}

// Shape is the extent of each dimension, outermost first. Images are N,H,W,C; filters R,S,C,K.
type Shape []int

// Size is the number of elements.
func (s Shape) Size() int {
	n := 1
	for _, d := range s {
		n *= d
	}
	return n
}

// maxElements bounds every value, 64 GiB of float32: numbers of bytes stay far below what an int holds, and so do tables that kernels make.
const maxElements = 1 << 34

// Check says whether a shape can be a value's: every dimension is 0 or more, and there are at most 2^34 elements. The error wraps ErrShape.
func (s Shape) Check() error {
	n := 1
	for _, d := range s {
		if d < 0 || d > 0 && n > maxElements/d {
			return fmt.Errorf("a value of the shape %v, want dimensions from 0 and at most 2^34 elements: %w", s, ErrShape)
		}
		n *= d
	}
	return nil
}

// Equal says whether two shapes are the same.
func (s Shape) Equal(t Shape) bool {
	if len(s) != len(t) {
		return false
	}
	for i := range s {
		if s[i] != t[i] {
			return false
		}
	}
	return true
}

func (s Shape) String() string {
	var b strings.Builder
	b.WriteByte('[')
	for i, d := range s {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.Itoa(d))
	}
	b.WriteByte(']')
	return b.String()
}

// Type is what is known of a value before anything runs.
type Type struct {
	DType DType
	Shape Shape
}

// F32 is the type of a float32 value of the given shape.
func F32(shape ...int) Type { return Type{Float32, shape} }

// Bytes is the number of bytes a value of this type takes.
func (t Type) Bytes() int { return t.Shape.Size() * t.DType.Size() }

func (t Type) String() string { return t.DType.String() + t.Shape.String() }

// rank checks that t is float32 and has n dimensions.
func rank(op, what string, t Type, n int) error {
	if t.DType != Float32 || len(t.Shape) != n {
		return fmt.Errorf("%s: %s is %v, want float32 of %d dimensions: %w", op, what, t, n, ErrShape)
	}
	return nil
}

// same checks that two types are equal.
func same(op, whatA string, a Type, whatB string, b Type) error {
	if a.DType != b.DType || !a.Shape.Equal(b.Shape) {
		return fmt.Errorf("%s: %s is %v, %s is %v: %w", op, whatA, a, whatB, b, ErrShape)
	}
	return nil
}

// vector checks that t is float32 [n].
func vector(op, what string, t Type, n int) error {
	return same(op, what, t, "the size wanted", F32(n))
}
