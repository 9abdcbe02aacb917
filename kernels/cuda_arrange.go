//go:build nvidia && cgo

package kernels

import (
	"fmt"
	"slices"

	"github.com/meseta-go/meseta/gpu"
	"github.com/meseta-go/meseta/kernels/arrange"
	"github.com/meseta-go/meseta/kernels/resize"
	"github.com/meseta-go/meseta/kernels/vec"
	"github.com/meseta-go/meseta/ops"
)

// cudaMove is Move of arrange/arrange.cu.
type cudaMove struct {
	dst, src gpu.Pointer
	walk     cudaWalk
}

// cudaSquares is Squares of arrange/arrange.cu.
type cudaSquares struct {
	dst, src              gpu.Pointer
	across, along         int64
	acrossStep, alongStep int64
	bands, pieces         int64
	outer                 cudaWalk
}

// cudaFrame is Frame of arrange/arrange.cu.
type cudaFrame struct {
	dst, src                                          gpu.Pointer
	steps                                             int64
	height, width, outerHeight, outerWidth, top, left int32
	four, _                                           int32
}

// cudaConcat is Concat of arrange/arrange.cu.
type cudaConcat struct {
	dst         gpu.Pointer
	rows        int64
	total, four int32
	part        [32]struct {
		src             gpu.Pointer
		first, channels int32
	}
}

// cudaOneHot is OneHot of arrange/arrange.cu.
type cudaOneHot struct {
	dst, labels gpu.Pointer
	size        int64
	classes, _  int32
}

// cudaLine is Line of resize/resize.cu.
type cudaLine struct {
	start, at, weight gpu.Pointer
	in, out           int32
}

// cudaResize is Resize of resize/resize.cu.
type cudaResize struct {
	dst, src       gpu.Pointer
	steps          int64
	channels, four int32
	rows, columns  cudaLine
}

const arrangeFile = "arrange/arrange"

// chooseArrange picks the kernels of operations that move elements.
func (c *CUDA) chooseArrange(o ops.Operator, in, out []ops.Type) (Kernel, error) {
	switch o := o.(type) {
	case ops.Pad:
		return c.pad(o, in[0].Shape)
	case ops.Crop:
		s, inner := in[0].Shape, out[0].Shape
		strides := vec.Strides(s)
		return c.move("crop", inner, strides, o.Before[0]*strides[1]+o.Before[1]*strides[2])
	case ops.Concat:
		return c.concat(in, out[0].Shape)
	case ops.Channels:
		return c.move("channels", out[0].Shape, vec.Strides(in[0].Shape), o.First)
	case ops.Transpose:
		return c.transpose(in[0].Shape, o.Perm)
	case ops.Broadcast:
		return c.move("broadcast", o.Shape, vec.BroadcastStrides(in[0].Shape, o.Shape), 0)
	case ops.Constant:
		return single(c, arrangeFile, "move_elements", spread(len(o.Values)), func(b Buffers) cudaMove {
			walk := cudaWalk{steps: int64(len(o.Values)), dims: 1}
			walk.stride[0][0] = 1
			return cudaMove{address(b.Out[0]), table(c, o.Values), walk}
		})
	case ops.Resize:
		s := in[0].Shape
		return c.resize(resize.Params{N: s[0], H: s[1], W: s[2], C: s[3], P: o.Size[0], Q: o.Size[1], Method: o.Method}, false)
	case ops.ResizeBackward:
		s, d := o.Src, in[0].Shape
		return c.resize(resize.Params{N: s[0], H: s[1], W: s[2], C: s[3], P: d[1], Q: d[2], Method: o.Method}, true)
	case ops.OneHot:
		size := out[0].Shape.Size()
		return single(c, arrangeFile, "one_hot", spread(size), func(b Buffers) cudaOneHot {
			return cudaOneHot{dst: address(b.Out[0]), labels: address(b.In[0]), size: int64(size), classes: int32(o.Classes)}
		})
	}
	return nil, nil
}

// move makes a dst of shape s of what lies first elements into src and with these strides.
func (c *CUDA) move(name string, s ops.Shape, strides []int, first int) (Kernel, error) {
	w, err := vec.NewWalk(name, s, strides)
	if err != nil {
		return nil, err
	}
	return c.walked(&w, first)
}

func (c *CUDA) walked(w *vec.Walk, first int) (Kernel, error) {
	walk := fields(w, first%4 == 0)
	return single(c, arrangeFile, "move_elements", spread(int(walk.steps)), func(b Buffers) cudaMove {
		return cudaMove{address(b.Out[0]), address(b.In[0]) + gpu.Pointer(4*first), walk}
	})
}

// leastSquare is the least edge of squares that go through shared memory: of narrower ones, too many threads would have nothing to do.
const leastSquare = 8

func (c *CUDA) transpose(s ops.Shape, perm []int) (Kernel, error) {
	rows, x, err := arrange.Order(s, perm)
	if err != nil {
		return nil, err
	}
	if x == nil || min(x.Across, x.Along) < leastSquare {
		return c.walked(&rows, 0)
	}
	const tile = 32
	q := cudaSquares{
		across: int64(x.Across), along: int64(x.Along), acrossStep: int64(x.AcrossStep), alongStep: int64(x.AlongStep),
		bands: int64((x.Across + tile - 1) / tile), pieces: int64((x.Along + tile - 1) / tile), outer: fields(&x.Outer, false),
	}
	return single(c, arrangeFile, "transpose_squares", min(int(q.outer.steps*q.bands*q.pieces), spreadBlocks), func(b Buffers) cudaSquares {
		q := q
		q.dst, q.src = address(b.Out[0]), address(b.In[0])
		return q
	})
}

func (c *CUDA) pad(o ops.Pad, s ops.Shape) (Kernel, error) {
	channels, four := fourChannels(s[3])
	f := cudaFrame{
		height: int32(s[1]), width: int32(s[2] * channels), outerHeight: int32(o.Before[0] + s[1] + o.After[0]),
		outerWidth: int32((o.Before[1] + s[2] + o.After[1]) * channels), top: int32(o.Before[0]), left: int32(o.Before[1] * channels), four: four,
	}
	f.steps = int64(s[0]) * int64(f.outerHeight) * int64(f.outerWidth)
	return single(c, arrangeFile, "pad_image", spread(int(f.steps)), func(b Buffers) cudaFrame {
		f := f
		f.dst, f.src = address(b.Out[0]), address(b.In[0])
		return f
	})
}

func (c *CUDA) concat(in []ops.Type, out ops.Shape) (Kernel, error) {
	k, err := find[cudaConcat](c, arrangeFile, "concat_rows")
	if err != nil {
		return nil, err
	}
	last := func(s ops.Shape) int { return s[len(s)-1] }
	step, four := 1, int32(0)
	if !slices.ContainsFunc(in, func(t ops.Type) bool { return last(t.Shape)%4 != 0 }) {
		step, four = 4, 1
	}
	return &cudaKernel{c, fmt.Sprintf("concat_rows of %d", len(in)), 0, func(b Buffers) (list []launch) {
		first := 0
		for i := 0; i < len(in); {
			p := cudaConcat{dst: address(b.Out[0]), rows: int64(out.Size() / last(out)), total: int32(last(out) / step), four: four}
			n, longest := 0, 0
			for ; n < len(p.part) && i < len(in); n, i = n+1, i+1 {
				channels := last(in[i].Shape)
				p.part[n].src, p.part[n].first, p.part[n].channels = address(b.In[i]), int32(first/step), int32(channels/step)
				first += channels
				longest = max(longest, in[i].Shape.Size()/step)
			}
			list = append(list, start(k, spread(longest), n, p))
		}
		return list
	}}, nil
}

// fourChannels gives the number of channels in steps of four, where they are.
func fourChannels(n int) (steps int, four int32) {
	if n%4 == 0 {
		return n / 4, 1
	}
	return n, 0
}

// resize makes images of another size; tables say of which pixels.
func (c *CUDA) resize(p resize.Params, backward bool) (Kernel, error) {
	rows, cols, err := resize.NewWeights(p, backward)
	if err != nil {
		return nil, err
	}
	channels, four := fourChannels(p.C)
	steps := p.N * rows.Out() * cols.Out() * channels
	line := func(w *resize.Weights) cudaLine {
		return cudaLine{table(c, w.Start), table(c, w.At), table(c, w.Weight), int32(w.In), int32(w.Out())}
	}
	return single(c, "resize/resize", "resize_image", spread(steps), func(b Buffers) cudaResize {
		return cudaResize{address(b.Out[0]), address(b.In[0]), int64(steps), int32(channels), four, line(&rows), line(&cols)}
	})
}
