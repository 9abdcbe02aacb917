package layers

import (
	"fmt"

	"github.com/meseta-go/meseta/ops"
)

// convolution is what the layers that convolve have in common. Sequences are images of one row, and so are their filters.
type convolution struct {
	layer                   Layer
	sequence                bool // the input is [L,C], the filter [S,…]
	mayBeCausal             bool
	size, strides, dilation Size
	padding                 PaddingMode
}

func newConvolution(l Layer, size, strides, dilation Size, p PaddingMode) convolution {
	return convolution{layer: l, size: size, strides: strides.or(Square(1)), dilation: dilation.or(Square(1)), padding: p}
}

func newConvolution1D(l Layer, size, strides, dilation int, p PaddingMode) convolution {
	return convolution{layer: l, sequence: true, size: Size{1, size}, strides: Size{1, orOne(strides)}, dilation: Size{1, orOne(dilation)}, padding: p}
}

// mostSteps bounds sizes, strides and dilations, so that their products stay far from overflow.
const mostSteps = 1 << 20

// orOne gives n, or 1 where n is zero.
func orOne(n int) int {
	if n == 0 {
		return 1
	}
	return n
}

// input checks the configuration and gives the layer's input as an image [H,W,C], with what a causal convolution puts before a sequence.
func (c convolution) input(in []Shape) (Shape, error) {
	check := image
	if c.sequence {
		check = sequence
	}
	if err := check(c.layer, in); err != nil {
		return nil, err
	}
	for _, s := range []struct {
		what string
		size Size
	}{{"a kernel size of", c.size}, {"strides", c.strides}, {"a dilation rate of", c.dilation}} {
		if err := positive(c.layer, s.what, s.size); err != nil {
			return nil, err
		}
		if max(s.size[0], s.size[1]) > mostSteps {
			return nil, fmt.Errorf("layers: %s has %s %d×%d, want at most %d: %w", c.layer.ClassName(), s.what, s.size[0], s.size[1], mostSteps, ErrConfig)
		}
	}
	if !c.mayBeCausal || c.padding != Causal {
		if _, err := ParsePadding(string(c.padding)); err != nil {
			return nil, err
		}
	}
	img := in[0]
	if c.sequence {
		img = Shape{1, c.causal() + in[0][0], in[0][1]}
	}
	return img, nil
}

// undilatedStrides is for layers that Keras allows either of strides and dilation.
func (c convolution) undilatedStrides() error {
	if max(c.strides[0], c.strides[1]) > 1 && max(c.dilation[0], c.dilation[1]) > 1 {
		return fmt.Errorf("layers: %s has strides %d×%d and a dilation rate of %d×%d, only one of them may be more than 1: %w",
			c.layer.ClassName(), c.strides[0], c.strides[1], c.dilation[0], c.dilation[1], ErrConfig)
	}
	return nil
}

func (c convolution) atLeastOne(what string, n int) error {
	if n < 1 {
		return fmt.Errorf("layers: %s has %d %s, want at least 1: %w", c.layer.ClassName(), n, what, ErrConfig)
	}
	return nil
}

// causal is the number of zeros that a causal convolution puts before a sequence.
func (c convolution) causal() int {
	if c.padding != Causal {
		return 0
	}
	return c.dilation[1] * (c.size[1] - 1)
}

// window is the geometry over an image [H,W,…].
func (c convolution) window(img Shape) ops.Window {
	padding := c.padding
	if padding == Causal {
		padding = Valid
	}
	reach := Size{c.dilation[0]*(c.size[0]-1) + 1, c.dilation[1]*(c.size[1]-1) + 1}
	w := window(img, reach, c.strides, padding)
	w.Dilation = c.dilation
	return w
}

// filter is the shape of filters as they are stored, from and to so many channels.
func (c convolution) filter(from, to int) Shape {
	if c.sequence {
		return Shape{c.size[1], from, to}
	}
	return Shape{c.size[0], c.size[1], from, to}
}

// output takes an image's shape back to the layer's.
func (c convolution) output(img Shape) Shape {
	if c.sequence {
		return img[1:]
	}
	return img
}

// shape is the output's, of a convolution in groups.
func (c convolution) shape(in []Shape, groups, filters int) (Shape, error) {
	img, err := c.input(in)
	if err != nil {
		return nil, err
	}
	if img[2]%groups != 0 || filters%groups != 0 {
		return nil, fmt.Errorf("layers: %s has %d channels in and %d filters, which cannot be cut into %d groups: %w",
			c.layer.ClassName(), img[2], filters, groups, ErrConfig)
	}
	o := ops.Conv2D{Window: c.window(img), Groups: ops.Groups(groups)}
	t, err := o.Infer([]ops.Type{ops.F32(1, img[0], img[1], img[2]), ops.F32(c.size[0], c.size[1], img[2]/groups, filters)})
	if err != nil {
		return nil, err
	}
	return c.output(t[0].Shape[1:]), nil
}

// filtered is the output's shape of Conv2D and Conv1D.
func (c convolution) filtered(in []Shape, groups, filters int, a ActivationName) (Shape, error) {
	if err := c.atLeastOne("filters", filters); err != nil {
		return nil, err
	}
	if err := c.atLeastOne("groups", groups); err != nil {
		return nil, err
	}
	if err := c.undilatedStrides(); err != nil {
		return nil, err
	}
	out, err := c.shape(in, groups, filters)
	if err != nil {
		return nil, err
	}
	return out, a.check(out)
}

// image gives src [N,H,W,C] or [N,L,C] as images.
func (c convolution) image(b *Builder, src ops.Value) (ops.Value, error) {
	s := b.Type(src).Shape
	if len(s) == 4 {
		return src, nil
	}
	return b.reshape(src, s[0], 1, s[1], s[2])
}

// lower adds the convolution of src with filters that have as many elements as [R,S,C/groups,K]. Its result is images still.
func (c convolution) lower(b *Builder, src, filters ops.Value, groups int) (ops.Value, error) {
	img, err := c.image(b, src)
	if err != nil {
		return ops.None, err
	}
	if n := c.causal(); n > 0 {
		if img, err = b.Add1(ops.Pad{Before: [2]int{0, n}}, img); err != nil {
			return ops.None, err
		}
	}
	s := b.Type(img).Shape[1:]
	from := s[2] / groups
	w, err := b.reshape(filters, c.size[0], c.size[1], from, b.Type(filters).Shape.Size()/(c.size[0]*c.size[1]*from))
	if err != nil {
		return ops.None, err
	}
	o := ops.Conv2D{Window: c.window(s)}
	if groups > 1 {
		o.Groups = ops.Groups(groups)
	}
	return b.Add1(o, img, w)
}

// finish adds bias and activation to images [N,P,Q,K] and gives them the shape of the layer's output.
func (c convolution) finish(b *Builder, v ops.Value, bias []ops.Value, a ActivationName) (ops.Value, error) {
	v, err := b.biasAndActivation(v, bias, a)
	if err != nil {
		return ops.None, err
	}
	s := b.Type(v).Shape
	return b.reshape(v, append([]int{s[0]}, c.output(s[1:])...)...)
}

// transposedShape is the output's of a transposed convolution, whose height or width Keras makes so: with padding "same" strides times
// the input's; else what a convolution needs to give the input. extra, if it is not nil, says what is added to the smallest output
// for which that holds.
func (c convolution) transposedShape(in []Shape, filters int, extra *Size) (Shape, error) {
	if err := c.atLeastOne("filters", filters); err != nil {
		return nil, err
	}
	if err := c.undilatedStrides(); err != nil {
		return nil, err
	}
	img, err := c.input(in)
	if err != nil {
		return nil, err
	}
	out := Shape{0, 0, filters}
	for d := range 2 {
		reach, stride := c.dilation[d]*(c.size[d]-1)+1, c.strides[d]
		if extra != nil && (extra[d] < 0 || extra[d] >= stride) {
			return nil, fmt.Errorf("layers: %s has an output padding of %d and strides of %d, want less than the strides: %w", c.layer.ClassName(), extra[d], stride, ErrConfig)
		}
		switch {
		case c.padding == Same && extra == nil:
			out[d] = img[d] * stride
		case c.padding == Same:
			out[d] = (img[d]-1)*stride + reach%2 + extra[d]
		case extra == nil:
			out[d] = (img[d]-1)*stride + max(reach, stride)
		default:
			out[d] = (img[d]-1)*stride + reach + extra[d]
		}
	}
	_, err = c.transposed(out).Infer([]ops.Type{ops.F32(1, img[0], img[1], img[2]), ops.F32(c.size[0], c.size[1], filters, img[2])})
	return c.output(out), err
}

// transposed is the operator of a transposed convolution: the gradient of the one that would lead from out [P,Q,K] to the input.
func (c convolution) transposed(out Shape) ops.Conv2DBackwardData {
	return ops.Conv2DBackwardData{Window: c.window(out), Src: Shape{1, out[0], out[1], out[2]}}
}

// lowerTransposed adds the transposed convolution of src to an output of the given shape. Its result is images still.
func (c convolution) lowerTransposed(b *Builder, src, filters ops.Value, out Shape) (ops.Value, error) {
	img, err := c.image(b, src)
	if err != nil {
		return ops.None, err
	}
	if c.sequence {
		out = Shape{1, out[0], out[1]}
	}
	s := b.Type(img).Shape
	w, err := b.reshape(filters, c.size[0], c.size[1], out[2], s[3])
	if err != nil {
		return ops.None, err
	}
	o := c.transposed(out)
	o.Src[0] = s[0]
	return b.Add1(o, img, w)
}
