package ops

import "fmt"

// MaxPool takes the largest element of every window of Size[0]×Size[1]; positions in the padding do not count.
//
// In: src [N,H,W,C]. Out: dst [N,P,Q,C], P and Q as for Conv2D.
type MaxPool struct {
	Window
	Size [2]int
}

// Name is "maxpool".
func (MaxPool) Name() string { return "maxpool" }

func (o MaxPool) String() string { return fmt.Sprintf("%d×%d %v", o.Size[0], o.Size[1], o.Window) }

// Infer gives the type of dst.
func (o MaxPool) Infer(in []Type) ([]Type, error) { return o.pooled("maxpool", in[0], o.Size) }

// pooled gives the type of what windows of the given size make of src.
func (w Window) pooled(op string, src Type, size [2]int) ([]Type, error) {
	if err := rank(op, "src", src, 4); err != nil {
		return nil, err
	}
	x := src.Shape
	p, q := w.extent(0, x[1], size[0]), w.extent(1, x[2], size[1])
	if p < 1 || q < 1 {
		return nil, fmt.Errorf("%s: a window of %d×%d does not fit into src %v: %w", op, size[0], size[1], x, ErrShape)
	}
	return []Type{F32(x[0], p, q, x[3])}, nil
}

// Gradient emits MaxPoolBackward.
func (o MaxPool) Gradient(g *Graph, op Op, diffOut []Value) ([]Value, error) {
	dx, err := g.Add1(MaxPoolBackward(o), diffOut[0], op.In[0], op.Out[0])
	return []Value{dx}, err
}

// MaxPoolBackward gives each element of diffDst to the first largest element of its window.
//
// In: diffDst [N,P,Q,C], src [N,H,W,C], dst [N,P,Q,C]. Out: diffSrc [N,H,W,C].
type MaxPoolBackward MaxPool

// Name is "maxpool_data".
func (MaxPoolBackward) Name() string { return "maxpool_data" }

func (o MaxPoolBackward) String() string { return MaxPool(o).String() }

// Infer gives the type of diffSrc.
func (o MaxPoolBackward) Infer(in []Type) ([]Type, error) {
	if err := same("maxpool_data", "diffDst", in[0], "dst", in[2]); err != nil {
		return nil, err
	}
	return in[1:2], nil
}

// AveragePool takes the mean of every window of Size[0]×Size[1]; positions in the padding do not count.
//
// In: src [N,H,W,C]. Out: dst [N,P,Q,C], P and Q as for Conv2D.
type AveragePool MaxPool

// Name is "average_pool".
func (AveragePool) Name() string { return "average_pool" }

func (o AveragePool) String() string { return MaxPool(o).String() }

// Infer gives the type of dst.
func (o AveragePool) Infer(in []Type) ([]Type, error) { return o.pooled("average_pool", in[0], o.Size) }

// Gradient emits AveragePoolBackward.
func (o AveragePool) Gradient(g *Graph, op Op, diffOut []Value) ([]Value, error) {
	dx, err := g.Add1(AveragePoolBackward{o.Window, o.Size, g.Type(op.In[0]).Shape}, diffOut[0])
	return []Value{dx}, err
}

// AveragePoolBackward spreads each element of diffDst evenly over its window.
//
// In: diffDst [N,P,Q,C]. Out: diffSrc, of shape Src [N,H,W,C].
type AveragePoolBackward struct {
	Window
	Size [2]int
	Src  Shape
}

// Name is "average_pool_data".
func (AveragePoolBackward) Name() string { return "average_pool_data" }

func (o AveragePoolBackward) String() string { return MaxPool{o.Window, o.Size}.String() }

// Infer gives the type of diffSrc.
func (o AveragePoolBackward) Infer(in []Type) ([]Type, error) {
	t := Type{Float32, o.Src}
	out, err := o.pooled("average_pool_data", t, o.Size)
	if err != nil {
		return nil, err
	}
	return []Type{t}, same("average_pool_data", "diffDst", in[0], "dst", out[0])
}

// GlobalAveragePool takes the mean of every channel over the image.
//
// In: src [N,H,W,C]. Out: dst [N,C].
type GlobalAveragePool struct{}

// Name is "global_average".
func (GlobalAveragePool) Name() string { return "global_average" }

// Infer gives the type of dst.
func (GlobalAveragePool) Infer(in []Type) ([]Type, error) {
	if err := rank("global_average", "src", in[0], 4); err != nil {
		return nil, err
	}
	return []Type{F32(in[0].Shape[0], in[0].Shape[3])}, nil
}

// Gradient emits GlobalAveragePoolBackward.
func (GlobalAveragePool) Gradient(g *Graph, op Op, diffOut []Value) ([]Value, error) {
	dx, err := g.Add1(GlobalAveragePoolBackward{g.Type(op.In[0]).Shape}, diffOut[0])
	return []Value{dx}, err
}

// GlobalAveragePoolBackward spreads diffDst evenly over the image.
//
// In: diffDst [N,C]. Out: diffSrc, of shape Src [N,H,W,C].
type GlobalAveragePoolBackward struct{ Src Shape }

// Name is "global_average_data".
func (GlobalAveragePoolBackward) Name() string { return "global_average_data" }

// Infer gives the type of diffSrc.
func (o GlobalAveragePoolBackward) Infer(in []Type) ([]Type, error) {
	return []Type{{Float32, o.Src}}, same("global_average_data", "diffDst", in[0], "dst", F32(o.Src[0], o.Src[3]))
}
