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
func (l *MaxPooling2D) Window() (pool, strides Size) { return pooled(l.PoolSize, l.Strides) }

func (l *MaxPooling2D) pooling() pooling { return newPooling(l.PoolSize, l.Strides, l.Padding, false) }

// OutputShape is [P,Q,C].
func (l *MaxPooling2D) OutputShape(in []Shape) (Shape, error) { return l.pooling().shape(l, in) }

// Weights is none.
func (*MaxPooling2D) Weights([]Shape) []Weight { return nil }

// Lower adds a max pool.
func (l *MaxPooling2D) Lower(b *Builder, in, _ []ops.Value) (ops.Value, error) {
	return l.pooling().lower(b, in[0])
}

// AveragePooling2D takes the mean of every window. What the padding "same" adds does not count.
//
// Input [H,W,C], output [P,Q,C].
type AveragePooling2D struct {
	Name     string
	PoolSize Size // zero means 2×2
	Strides  Size // zero means PoolSize
	Padding  PaddingMode
}

// ClassName is "AveragePooling2D".
func (*AveragePooling2D) ClassName() string { return "AveragePooling2D" }

// GivenName is the field Name.
func (l *AveragePooling2D) GivenName() string { return l.Name }

// Window gives the sizes with their defaults filled in.
func (l *AveragePooling2D) Window() (pool, strides Size) { return pooled(l.PoolSize, l.Strides) }

func (l *AveragePooling2D) pooling() pooling {
	return newPooling(l.PoolSize, l.Strides, l.Padding, true)
}

// OutputShape is [P,Q,C].
func (l *AveragePooling2D) OutputShape(in []Shape) (Shape, error) { return l.pooling().shape(l, in) }

// Weights is none.
func (*AveragePooling2D) Weights([]Shape) []Weight { return nil }

// Lower adds an average pool.
func (l *AveragePooling2D) Lower(b *Builder, in, _ []ops.Value) (ops.Value, error) {
	return l.pooling().lower(b, in[0])
}

// pooling is what a pooling layer slides over an image.
type pooling struct {
	pool, strides Size
	padding       PaddingMode
	average       bool // else the maximum
}

func newPooling(pool, strides Size, padding PaddingMode, average bool) pooling {
	pool, strides = pooled(pool, strides)
	return pooling{pool, strides, padding, average}
}

// pooled fills in the defaults of a window's sizes.
func pooled(pool, strides Size) (Size, Size) {
	pool = pool.or(Square(2))
	return pool, strides.or(pool)
}

func (p pooling) operator(in Shape) ops.Operator {
	o := ops.MaxPool{Window: window(in, p.pool, p.strides, p.padding), Size: p.pool}
	if p.average {
		return ops.AveragePool(o)
	}
	return o
}

// shape is [P,Q,C] for a layer whose input is an image.
func (p pooling) shape(l Layer, in []Shape) (Shape, error) {
	if err := image(l, in); err != nil {
		return nil, err
	}
	if err := p.check(l); err != nil {
		return nil, err
	}
	return reshaped(p.operator(in[0]), in[0])
}

func (p pooling) check(l Layer) error {
	if err := positive(l, "a pool size of", p.pool); err != nil {
		return err
	}
	if err := positive(l, "strides", p.strides); err != nil {
		return err
	}
	_, err := ParsePadding(string(p.padding))
	return err
}

func (p pooling) lower(b *Builder, src ops.Value) (ops.Value, error) {
	return b.Add1(p.operator(b.Type(src).Shape[1:]), src)
}

// GlobalAveragePooling2D takes the mean of every channel.
//
// Input [H,W,C], output [C], or [1,1,C] with KeepDims.
type GlobalAveragePooling2D struct {
	Name     string
	KeepDims bool
}

// ClassName is "GlobalAveragePooling2D".
func (*GlobalAveragePooling2D) ClassName() string { return "GlobalAveragePooling2D" }

// GivenName is the field Name.
func (l *GlobalAveragePooling2D) GivenName() string { return l.Name }

// OutputShape is [C] or [1,1,C].
func (l *GlobalAveragePooling2D) OutputShape(in []Shape) (Shape, error) {
	return globalShape(in, l.KeepDims, image(l, in))
}

// Weights is none.
func (*GlobalAveragePooling2D) Weights([]Shape) []Weight { return nil }

// Lower adds a global average.
func (l *GlobalAveragePooling2D) Lower(b *Builder, in, _ []ops.Value) (ops.Value, error) {
	return lowerGlobal(b, in[0], true, l.KeepDims)
}

// GlobalMaxPooling2D takes the largest element of every channel, or NaN if there is one. Several that are equal share the gradient.
//
// Input [H,W,C], output [C], or [1,1,C] with KeepDims.
type GlobalMaxPooling2D struct {
	Name     string
	KeepDims bool
}

// ClassName is "GlobalMaxPooling2D".
func (*GlobalMaxPooling2D) ClassName() string { return "GlobalMaxPooling2D" }

// GivenName is the field Name.
func (l *GlobalMaxPooling2D) GivenName() string { return l.Name }

// OutputShape is [C] or [1,1,C].
func (l *GlobalMaxPooling2D) OutputShape(in []Shape) (Shape, error) {
	return globalShape(in, l.KeepDims, image(l, in))
}

// Weights is none.
func (*GlobalMaxPooling2D) Weights([]Shape) []Weight { return nil }

// Lower adds a maximum.
func (l *GlobalMaxPooling2D) Lower(b *Builder, in, _ []ops.Value) (ops.Value, error) {
	return lowerGlobal(b, in[0], false, l.KeepDims)
}

// globalShape is [C], or with keep [1,…,C], for a layer whose inputs may be wrong.
func globalShape(in []Shape, keep bool, wrong error) (Shape, error) {
	if wrong != nil {
		return nil, wrong
	}
	return globally(in[0], keep), nil
}

// globally is the shape of what is left of a sample.
func globally(in Shape, keep bool) Shape {
	last := len(in) - 1
	if !keep {
		return in[last:]
	}
	out := make(Shape, len(in))
	for i := range last {
		out[i] = 1
	}
	out[last] = in[last]
	return out
}

// lowerGlobal adds the mean or the maximum of every channel of src [N,…,C].
func lowerGlobal(b *Builder, src ops.Value, average, keep bool) (ops.Value, error) {
	s := b.Type(src).Shape
	if !average {
		axes := make([]int, len(s)-2)
		for i := range axes {
			axes[i] = i + 1
		}
		return b.Add1(ops.Reduce{Func: ops.Max, Axes: axes, KeepDims: keep}, src)
	}
	n, c := s[0], s[len(s)-1]
	img, err := b.reshape(src, n, s[1], s[1:].Size()/(s[1]*c), c)
	if err != nil {
		return ops.None, err
	}
	v, err := b.Add1(ops.GlobalAveragePool{}, img)
	if err != nil {
		return ops.None, err
	}
	return b.reshape(v, append([]int{n}, globally(s[1:], keep)...)...)
}

// reshape gives v another shape, if it does not have it.
func (b *Builder) reshape(v ops.Value, shape ...int) (ops.Value, error) {
	if b.Type(v).Shape.Equal(shape) {
		return v, nil
	}
	return b.Add1(ops.Reshape{Shape: shape}, v)
}
