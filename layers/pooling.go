package layers

import (
	"github.com/meseta-go/meseta/ops"
)

// MaxPooling2D takes the largest element of every window.
//
// Input [H,W,C], output [P,Q,C].
type MaxPooling2D struct {
	Name     string
	PoolSize Size // zero means 2×2
	Strides  Size // zero means PoolSize
	Padding  PaddingMode
}

// ClassName is "MaxPooling2D".
func (*MaxPooling2D) ClassName() string { return "MaxPooling2D" }

// GivenName is the field Name.
func (l *MaxPooling2D) GivenName() string { return l.Name }

// Window gives the sizes with their defaults filled in.
func (l *MaxPooling2D) Window() (pool, strides Size) {
	pool = l.PoolSize.or(Square(2))
	return pool, l.Strides.or(pool)
}

func (l *MaxPooling2D) operator(in Shape) ops.MaxPool {
	pool, strides := l.Window()
	return ops.MaxPool{Window: window(in, pool, strides, l.Padding), Size: pool}
}

// OutputShape is [P,Q,C].
func (l *MaxPooling2D) OutputShape(in []Shape) (Shape, error) {
	if err := image(l, in); err != nil {
		return nil, err
	}
	pool, strides := l.Window()
	if err := positive(l, "a pool size of", pool); err != nil {
		return nil, err
	}
	if err := positive(l, "strides", strides); err != nil {
		return nil, err
	}
	if _, err := ParsePadding(string(l.Padding)); err != nil {
		return nil, err
	}
	t, err := l.operator(in[0]).Infer([]ops.Type{ops.F32(1, in[0][0], in[0][1], in[0][2])})
	if err != nil {
		return nil, err
	}
	return t[0].Shape[1:], nil
}

// Weights is none.
func (*MaxPooling2D) Weights([]Shape) []Weight { return nil }

// Lower adds a max pool.
func (l *MaxPooling2D) Lower(b *Builder, in, _ []ops.Value) (ops.Value, error) {
	return b.Add1(l.operator(b.Type(in[0]).Shape[1:]), in[0])
}

// GlobalAveragePooling2D takes the mean of every channel.
//
// Input [H,W,C], output [C].
type GlobalAveragePooling2D struct{ Name string }

// ClassName is "GlobalAveragePooling2D".
func (*GlobalAveragePooling2D) ClassName() string { return "GlobalAveragePooling2D" }

// GivenName is the field Name.
func (l *GlobalAveragePooling2D) GivenName() string { return l.Name }

// OutputShape is [C].
func (l *GlobalAveragePooling2D) OutputShape(in []Shape) (Shape, error) {
	if err := image(l, in); err != nil {
		return nil, err
	}
	return in[0][2:], nil
}

// Weights is none.
func (*GlobalAveragePooling2D) Weights([]Shape) []Weight { return nil }

// Lower adds a global average.
func (*GlobalAveragePooling2D) Lower(b *Builder, in, _ []ops.Value) (ops.Value, error) {
	return b.Add1(ops.GlobalAveragePool{}, in[0])
}
