package layers

import (
	"github.com/meseta-go/meseta/ops"
)

// The poolings of sequences are those of images of one row.

// MaxPooling1D takes the largest element of every window.
//
// Input [L,C], output [Q,C].
type MaxPooling1D struct {
	Name     string
	PoolSize int // zero means 2
	Strides  int // zero means PoolSize
	Padding  PaddingMode
}

// ClassName is "MaxPooling1D".
func (*MaxPooling1D) ClassName() string { return "MaxPooling1D" }

// GivenName is the field Name.
func (l *MaxPooling1D) GivenName() string { return l.Name }

// Window gives the sizes with their defaults filled in.
func (l *MaxPooling1D) Window() (pool, strides int) { return pooled1D(l.PoolSize, l.Strides) }

func (l *MaxPooling1D) pooling() pooling {
	return newPooling1D(l.PoolSize, l.Strides, l.Padding, false)
}

// OutputShape is [Q,C].
func (l *MaxPooling1D) OutputShape(in []Shape) (Shape, error) { return l.pooling().shape1D(l, in) }

// Weights is none.
func (*MaxPooling1D) Weights([]Shape) []Weight { return nil }

// Lower adds a max pool.
func (l *MaxPooling1D) Lower(b *Builder, in, _ []ops.Value) (ops.Value, error) {
	return l.pooling().lower1D(b, in[0])
}

// AveragePooling1D takes the mean of every window. What the padding "same" adds does not count.
//
// Input [L,C], output [Q,C].
type AveragePooling1D struct {
	Name     string
	PoolSize int // zero means 2
	Strides  int // zero means PoolSize
	Padding  PaddingMode
}

// ClassName is "AveragePooling1D".
func (*AveragePooling1D) ClassName() string { return "AveragePooling1D" }

// GivenName is the field Name.
func (l *AveragePooling1D) GivenName() string { return l.Name }

// Window gives the sizes with their defaults filled in.
func (l *AveragePooling1D) Window() (pool, strides int) { return pooled1D(l.PoolSize, l.Strides) }

func (l *AveragePooling1D) pooling() pooling {
	return newPooling1D(l.PoolSize, l.Strides, l.Padding, true)
}

// OutputShape is [Q,C].
func (l *AveragePooling1D) OutputShape(in []Shape) (Shape, error) { return l.pooling().shape1D(l, in) }

// Weights is none.
func (*AveragePooling1D) Weights([]Shape) []Weight { return nil }

// Lower adds an average pool.
func (l *AveragePooling1D) Lower(b *Builder, in, _ []ops.Value) (ops.Value, error) {
	return l.pooling().lower1D(b, in[0])
}

// pooled1D fills in the defaults of a window's sizes.
func pooled1D(pool, strides int) (int, int) {
	if pool == 0 {
		pool = 2
	}
	if strides == 0 {
		strides = pool
	}
	return pool, strides
}

func newPooling1D(pool, strides int, padding PaddingMode, average bool) pooling {
	pool, strides = pooled1D(pool, strides)
	return pooling{Size{1, pool}, Size{1, strides}, padding, average}
}

// shape1D is [Q,C] for a layer whose input is a sequence.
func (p pooling) shape1D(l Layer, in []Shape) (Shape, error) {
	if err := sequence(l, in); err != nil {
		return nil, err
	}
	if err := p.check(l); err != nil {
		return nil, err
	}
	row := Shape{1, in[0][0], in[0][1]}
	out, err := reshaped(p.operator(row), row)
	if err != nil {
		return nil, err
	}
	return out[1:], nil
}

// lower1D adds the pooling of src [N,L,C].
func (p pooling) lower1D(b *Builder, src ops.Value) (ops.Value, error) {
	s := b.Type(src).Shape
	rows, err := b.reshape(src, s[0], 1, s[1], s[2])
	if err != nil {
		return ops.None, err
	}
	v, err := p.lower(b, rows)
	if err != nil {
		return ops.None, err
	}
	return b.reshape(v, s[0], b.Type(v).Shape[2], s[2])
}

// GlobalAveragePooling1D takes the mean of every channel.
//
// Input [L,C], output [C], or [1,C] with KeepDims.
type GlobalAveragePooling1D struct {
	Name     string
	KeepDims bool
}

// ClassName is "GlobalAveragePooling1D".
func (*GlobalAveragePooling1D) ClassName() string { return "GlobalAveragePooling1D" }

// GivenName is the field Name.
func (l *GlobalAveragePooling1D) GivenName() string { return l.Name }

// OutputShape is [C] or [1,C].
func (l *GlobalAveragePooling1D) OutputShape(in []Shape) (Shape, error) {
	return globalShape(in, l.KeepDims, sequence(l, in))
}

// Weights is none.
func (*GlobalAveragePooling1D) Weights([]Shape) []Weight { return nil }

// Lower adds a global average.
func (l *GlobalAveragePooling1D) Lower(b *Builder, in, _ []ops.Value) (ops.Value, error) {
	return lowerGlobal(b, in[0], true, l.KeepDims)
}

// GlobalMaxPooling1D takes the largest element of every channel; see GlobalMaxPooling2D.
//
// Input [L,C], output [C], or [1,C] with KeepDims.
type GlobalMaxPooling1D struct {
	Name     string
	KeepDims bool
}

// ClassName is "GlobalMaxPooling1D".
func (*GlobalMaxPooling1D) ClassName() string { return "GlobalMaxPooling1D" }

// GivenName is the field Name.
func (l *GlobalMaxPooling1D) GivenName() string { return l.Name }

// OutputShape is [C] or [1,C].
func (l *GlobalMaxPooling1D) OutputShape(in []Shape) (Shape, error) {
	return globalShape(in, l.KeepDims, sequence(l, in))
}

// Weights is none.
func (*GlobalMaxPooling1D) Weights([]Shape) []Weight { return nil }

// Lower adds a maximum.
func (l *GlobalMaxPooling1D) Lower(b *Builder, in, _ []ops.Value) (ops.Value, error) {
	return lowerGlobal(b, in[0], false, l.KeepDims)
}
