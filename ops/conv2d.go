package ops

import "fmt"

// Window is the geometry of an operation that slides over the height and width of an image: first height, then width.
type Window struct {
	Strides   [2]int
	Dilation  [2]int
	PadBefore [2]int // rows of zeros above, columns of zeros to the left
	PadAfter  [2]int // below, to the right
}

// extent is the number of positions of a window of the given size over an image of the given size, along dimension d.
func (w Window) extent(d, size, window int) int {
	span := size + w.PadBefore[d] + w.PadAfter[d] - w.Dilation[d]*(window-1) - 1
	if span < 0 {
		return 0
	}
	return span/w.Strides[d] + 1
}

func (w Window) String() string {
	s := fmt.Sprintf("stride %d×%d", w.Strides[0], w.Strides[1])
	if w.Dilation != [2]int{1, 1} {
		s += fmt.Sprintf(" dilation %d×%d", w.Dilation[0], w.Dilation[1])
	}
	if w.PadBefore != [2]int{} || w.PadAfter != [2]int{} {
		s += fmt.Sprintf(" pad %d,%d,%d,%d", w.PadBefore[0], w.PadAfter[0], w.PadBefore[1], w.PadAfter[1])
	}
	return s
}

// Groups is the number of groups that the channels of a convolution are cut into: those of one group of dst are computed from those of
// one group of src. 0 means 1, all from all; with as many groups as src has channels the convolution is depthwise.
type Groups int

// Count is the number of groups, at least 1.
func (g Groups) Count() int { return max(1, int(g)) }

func (g Groups) String() string {
	if g.Count() == 1 {
		return ""
	}
	return fmt.Sprintf(" groups %d", int(g))
}

// Conv2D computes dst = act(conv2d(src, weights) + bias + residual).
//
// In: src [N,H,W,C], weights [R,S,C/Groups,K], bias [K] when Bias, residual like dst when Add, and what Load wants. Out: dst [N,P,Q,K],
// P = (H + padding - dilation·(R-1) - 1)/stride + 1, likewise Q (arXiv:1603.07285). Channel k of dst belongs to group k/(K/Groups).
type Conv2D struct {
	Window
	Groups     Groups
	Bias       bool
	Add        bool // with a single group
	Activation Activation
	Load       Load
	Fixed      bool // weights stay the same for many steps, so that it pays to bring them into another form
}

// Name is "conv2d".
func (o Conv2D) Name() string { return "conv2d" }

func (o Conv2D) String() string {
	return epilogue(o.Window.String()+o.Groups.String(), o.Bias, o.Add, o.Activation) + o.Load.String()
}

// residual is the place of the residual among the inputs.
func (o Conv2D) residual() int {
	if o.Bias {
		return 3
	}
	return 2
}

// Loaded is the place of what Load wants among the inputs.
func (o Conv2D) Loaded() int {
	if o.Add {
		return o.residual() + 1
	}
	return o.residual()
}

// InPlace allows dst to be residual.
func (o Conv2D) InPlace() []int {
	if o.Add {
		return []int{o.residual()}
	}
	return nil
}

func epilogue(s string, bias, add bool, a Activation) string {
	if bias {
		s += " +bias"
	}
	if add {
		s += " +residual"
	}
	if a != Linear {
		s += " +" + a.String()
	}
	return s
}

// Infer gives the type of dst.
func (o Conv2D) Infer(in []Type) ([]Type, error) {
	if err := rank("conv2d", "src", in[0], 4); err != nil {
		return nil, err
	}
	if err := rank("conv2d", "weights", in[1], 4); err != nil {
		return nil, err
	}
	x, w, groups := in[0].Shape, in[1].Shape, o.Groups.Count()
	if x[3] != w[2]*groups {
		return nil, fmt.Errorf("conv2d: src %v has %d channels, weights %v take %d: %w", x, x[3], w, w[2]*groups, ErrShape)
	}
	if w[3]%groups != 0 {
		return nil, fmt.Errorf("conv2d: weights %v give %d channels, which cannot be cut into %d groups: %w", w, w[3], groups, ErrShape)
	}
	p, q := o.extent(0, x[1], w[0]), o.extent(1, x[2], w[1])
	if p < 1 || q < 1 {
		return nil, fmt.Errorf("conv2d: a filter of %d×%d does not fit into src %v (%v): %w", w[0], w[1], x, o.Window, ErrShape)
	}
	if o.Bias {
		if err := vector("conv2d", "bias", in[2], w[3]); err != nil {
			return nil, err
		}
	}
	dst := F32(x[0], p, q, w[3])
	if o.Add {
		if groups > 1 {
			return nil, fmt.Errorf("conv2d: %d groups and a residual, which must be added by itself: %w", groups, ErrShape)
		}
		if err := same("conv2d", "residual", in[o.residual()], "dst", dst); err != nil {
			return nil, err
		}
	}
	return []Type{dst}, o.Load.check("conv2d", in[o.Loaded():], x[3])
}

// FLOPs counts two for each product.
func (o Conv2D) FLOPs(in, out []Type) int64 {
	w := in[1].Shape
	return 2 * int64(out[0].Shape.Size()) * int64(w[0]*w[1]*w[2])
}

// Gradient emits Conv2DBackwardData and Conv2DBackwardWeights. A fused epilogue has none: fusion comes after gradients.
func (o Conv2D) Gradient(g *Graph, op Op, diffOut []Value) ([]Value, error) {
	if o.Bias || o.Add || o.Activation != Linear || o.Load.Normalize {
		return nil, fmt.Errorf("ops: conv2d with something fused has no gradient")
	}
	src, weights := op.In[0], op.In[1]
	// That of the weights comes first: src is not needed after it, and what goes on reads dx.
	dw, err := g.Add1(Conv2DBackwardWeights{Window: o.Window, Groups: o.Groups, Filter: g.Type(weights).Shape}, src, diffOut[0])
	if err != nil {
		return nil, err
	}
	dx, err := g.Add1(Conv2DBackwardData{Window: o.Window, Groups: o.Groups, Src: g.Type(src).Shape}, diffOut[0], weights)
	if err != nil {
		return nil, err
	}
	return []Value{dx, dw}, nil
}

// Conv2DBackwardData computes the gradient of a Conv2D's src. It is also the transposed convolution, from a smaller image to a larger.
//
// In: diffDst [N,P,Q,K], weights [R,S,C/Groups,K], and residual, of shape Src, when Add. Out: diffSrc, of shape Src [N,H,W,C], to which residual
// is added.
type Conv2DBackwardData struct {
	Window
	Groups Groups
	Src    Shape
	Add    bool // with a single group
}

// Name is "conv2d_data".
func (o Conv2DBackwardData) Name() string { return "conv2d_data" }

func (o Conv2DBackwardData) String() string {
	s := o.Window.String() + o.Groups.String()
	if o.Add {
		s += " +residual"
	}
	return s
}

// InPlace allows diffSrc to be residual.
func (o Conv2DBackwardData) InPlace() []int {
	if o.Add {
		return []int{2}
	}
	return nil
}

// Infer gives the type of diffSrc.
func (o Conv2DBackwardData) Infer(in []Type) ([]Type, error) {
	t := Type{Float32, o.Src}
	out, err := Conv2D{Window: o.Window, Groups: o.Groups}.Infer([]Type{t, in[1]})
	if err != nil {
		return nil, err
	}
	if err := same("conv2d_data", "diffDst", in[0], "dst", out[0]); err != nil {
		return nil, err
	}
	if o.Add {
		if o.Groups.Count() > 1 {
			return nil, fmt.Errorf("conv2d_data: %d groups and a residual, which must be added by itself: %w", o.Groups, ErrShape)
		}
		return []Type{t}, same("conv2d_data", "residual", in[2], "src", t)
	}
	return []Type{t}, nil
}

// FLOPs are those of the forward pass.
func (o Conv2DBackwardData) FLOPs(in, out []Type) int64 {
	return Conv2D{Window: o.Window}.FLOPs([]Type{out[0], in[1]}, in[:1])
}

// Gradient is the convolution itself for diffDst, and Conv2DBackwardWeights, whose src is what comes from above.
func (o Conv2DBackwardData) Gradient(g *Graph, op Op, diffOut []Value) ([]Value, error) {
	if o.Add {
		return nil, fmt.Errorf("ops: conv2d_data with a fused residual has no gradient")
	}
	dx, err := g.Add1(Conv2D{Window: o.Window, Groups: o.Groups}, diffOut[0], op.In[1])
	if err != nil {
		return nil, err
	}
	dw, err := g.Add1(Conv2DBackwardWeights{Window: o.Window, Groups: o.Groups, Filter: g.Type(op.In[1]).Shape}, diffOut[0], op.In[0])
	if err != nil {
		return nil, err
	}
	return []Value{dx, dw}, nil
}

// Conv2DBackwardWeights computes the gradients of a Conv2D's weights and, when Bias, of its bias.
//
// In: src [N,H,W,C], diffDst [N,P,Q,K], and what Load wants. Out: diffWeights, of shape Filter [R,S,C/Groups,K], and diffBias [K] when Bias.
type Conv2DBackwardWeights struct {
	Window
	Groups Groups
	Filter Shape
	Bias   bool
	Load   Load
}

// Name is "conv2d_weights".
func (o Conv2DBackwardWeights) Name() string { return "conv2d_weights" }

func (o Conv2DBackwardWeights) String() string {
	return epilogue(o.Window.String()+o.Groups.String(), o.Bias, false, Linear) + o.Load.String()
}

// Infer gives the types of diffWeights and diffBias.
func (o Conv2DBackwardWeights) Infer(in []Type) ([]Type, error) {
	t := Type{Float32, o.Filter}
	out, err := Conv2D{Window: o.Window, Groups: o.Groups}.Infer([]Type{in[0], t})
	if err != nil {
		return nil, err
	}
	if err := same("conv2d_weights", "diffDst", in[1], "dst", out[0]); err != nil {
		return nil, err
	}
	if err := o.Load.check("conv2d_weights", in[2:], in[0].Shape[3]); err != nil {
		return nil, err
	}
	if o.Bias {
		return []Type{t, F32(o.Filter[3])}, nil
	}
	return []Type{t}, nil
}

// FLOPs are those of the forward pass.
func (o Conv2DBackwardWeights) FLOPs(in, out []Type) int64 {
	return Conv2D{Window: o.Window}.FLOPs([]Type{in[0], out[0]}, in[1:2])
}
