//go:build nvidia && cgo

package kernels

import (
	"fmt"
	"math"

	"github.com/meseta-go/meseta/gpu"
	"github.com/meseta-go/meseta/kernels/vec"
	"github.com/meseta-go/meseta/ops"
)

// cudaCut is Cut of norm/norm.cuh: [rows,channels] of each of some samples, shared out to blocks.
type cudaCut struct{ rows, each, channels, lanes, parts, _ int32 }

// cudaNorm is Norm of norm/norm.cu.
type cudaNorm struct {
	cut                         cudaCut
	dst, mean, variance, invStd gpu.Pointer
	src, gamma, beta, residual  gpu.Pointer
	sums                        gpu.Pointer
	samples, groups, activation int32
	epsilon                     float32
}

// cudaNormGradient is NormGradient of norm/norm.cu.
type cudaNormGradient struct {
	cut                                          cudaCut
	diffSrc, diffGamma, diffBeta, diffResidual   gpu.Pointer
	diffDst, dst, src, gamma, beta, mean, invStd gpu.Pointer
	sums, slopes                                 gpu.Pointer
	samples, groups, mask, _                     int32
}

// cudaMoving is Moving of norm/norm.cu.
type cudaMoving struct {
	apply          gpu.Pointer
	momentum, rest float32
	array          [128]struct {
		moving, batch gpu.Pointer
		size          int64
	}
}

// cudaLines is Lines of norm/layer.cu.
type cudaLines struct {
	dst, mean, invStd gpu.Pointer
	src, gamma, beta  gpu.Pointer
	lines             int64
	length, groups    int32
	epsilon           float32
	_                 int32
}

// cudaLinesGradient is LinesGradient of norm/layer.cu.
type cudaLinesGradient struct {
	cut                               cudaCut
	diffSrc, diffGamma, diffBeta      gpu.Pointer
	diffDst, src, gamma, mean, invStd gpu.Pointer
	sums                              gpu.Pointer
	lines                             int64
	length, groups                    int32
}

const (
	normFile, layerFile = "norm/norm", "norm/layer"

	mostLanes    = 64   // vectors of channels that a block takes side by side
	sumBlocks    = 512  // are all at work at once on a GPU of 132 processors; more would leave more sums behind
	sumRows      = 8    // of a thread at least, so that what it reads outweighs the sums that its block leaves
	sweepBlocks  = 2048 // of what leaves nothing behind
	sweepRows    = 4    // of a thread at least, so that what it knows of its channels serves several
	longLine     = 2048 // elements that are worth a block
	warpsInBlock = blockThreads / 32
)

// normShape is the shape [samples,rows,channels] of a norm, its groups of channels, and how channels are cut.
type normShape struct {
	samples, rows, channels, groups int
	vector, lanes, tiles            int // channels of a vector, vectors of a block, blocks side by side
}

func newNormShape(samples, rows, channels, groups int) (normShape, error) {
	s := normShape{samples: samples, rows: rows, channels: channels, groups: groups, vector: 1}
	if channels%4 == 0 {
		s.vector = 4
	}
	vectors := channels / s.vector
	s.tiles = (vectors + mostLanes - 1) / mostLanes
	s.lanes = (vectors + s.tiles - 1) / s.tiles
	s.tiles = (vectors + s.lanes - 1) / s.lanes
	if max(2*rows, samples*channels*sumBlocks) > math.MaxInt32 {
		return s, fmt.Errorf("kernels: a norm of %d×%d×%d on a GPU: %w; take a smaller batch", samples, rows, channels, ErrUnsupported)
	}
	return s, nil
}

// cut shares the rows out to about as many blocks, but no fewer than `least` to a thread. It depends on the shape alone.
func (s normShape) cut(blocks, least int) cudaCut {
	atOnce := blockThreads / s.lanes
	parts := max(1, min((blocks+s.samples*s.tiles-1)/(s.samples*s.tiles), s.rows/(atOnce*least)))
	each := (s.rows + parts - 1) / parts
	each = (each + atOnce - 1) / atOnce * atOnce
	return cudaCut{int32(s.rows), int32(each), int32(s.channels), int32(s.lanes), int32((s.rows + each - 1) / each), 0}
}

func (s normShape) sums() cudaCut  { return s.cut(sumBlocks, sumRows) }
func (s normShape) sweep() cudaCut { return s.cut(sweepBlocks, sweepRows) }

// blocks of a cut.
func (s normShape) blocks(c cudaCut) int { return s.samples * s.tiles * int(c.parts) }

// name is that of a kernel for these vectors.
func (s normShape) name(kernel string) string { return fmt.Sprintf("%s_%d", kernel, s.vector) }

// sumBytes is the room for two sums of each part and channel.
func (s normShape) sumBytes() int { return 8 * 2 * s.samples * s.channels * int(s.sums().parts) }

// chooseNorm picks the kernels of normalizations.
func (c *CUDA) chooseNorm(o ops.Operator, in, out []ops.Type) (Kernel, error) {
	switch o := o.(type) {
	case ops.BatchNorm:
		s, err := batchShape(in[0])
		if err != nil {
			return nil, err
		}
		return c.norm(s, true, func(b Buffers) cudaNorm {
			return cudaNorm{
				src: address(b.In[0]), gamma: address(b.In[1]), beta: address(b.In[2]), residual: addressAt(b.In, 3),
				dst: address(b.Out[0]), mean: address(b.Out[1]), variance: address(b.Out[2]), invStd: address(b.Out[3]),
				epsilon: o.Epsilon, activation: int32(o.Activation),
			}
		})
	case ops.BatchNormStatistics:
		s, err := batchShape(in[0])
		if err != nil {
			return nil, err
		}
		return c.norm(s, false, func(b Buffers) cudaNorm {
			return cudaNorm{src: address(b.In[0]), mean: address(b.Out[0]), variance: address(b.Out[1]), invStd: address(b.Out[2]), epsilon: o.Epsilon}
		})
	case ops.BatchNormInference:
		s, err := batchShape(in[0])
		if err != nil {
			return nil, err
		}
		cut := s.sweep()
		return single(c, normFile, s.name("norm_apply"), s.blocks(cut), func(b Buffers) cudaNorm {
			return cudaNorm{
				cut: cut, samples: 1, groups: int32(s.groups), epsilon: o.Epsilon, activation: int32(o.Activation),
				src: address(b.In[0]), gamma: address(b.In[1]), beta: address(b.In[2]), mean: address(b.In[3]), variance: address(b.In[4]), residual: addressAt(b.In, 5),
				dst: address(b.Out[0]),
			}
		})
	case ops.BatchNormBackward:
		s, err := batchShape(in[1])
		if err != nil {
			return nil, err
		}
		return c.normGradient(s, true, func(b Buffers) cudaNormGradient {
			g := cudaNormGradient{
				diffDst: address(b.In[0]), src: address(b.In[1]), gamma: address(b.In[2]), mean: address(b.In[3]), invStd: address(b.In[4]),
				diffSrc: address(b.Out[0]), diffGamma: address(b.Out[1]), diffBeta: address(b.Out[2]), diffResidual: addressAt(b.Out, 3), mask: int32(o.Mask),
			}
			if o.Recompute {
				g.beta = address(b.In[5])
			} else {
				g.dst = addressAt(b.In, 5)
			}
			return g
		})
	case ops.GroupNorm:
		p := groupParams(o, in[0].Shape)
		operands := func(b Buffers) (dst, mean, invStd, src, gamma, beta gpu.Pointer) {
			gamma, beta = addresses(b.In[1:], o.Scale, o.Center)
			return address(b.Out[0]), address(b.Out[1]), address(b.Out[2]), address(b.In[0]), gamma, beta
		}
		if p.P == 1 {
			return c.lines(p.N, p.C, p.Groups, func(l *cudaLines, b Buffers) {
				l.dst, l.mean, l.invStd, l.src, l.gamma, l.beta = operands(b)
				l.epsilon = o.Epsilon
			})
		}
		s, err := newNormShape(p.N, p.P, p.C, p.Groups)
		if err != nil {
			return nil, err
		}
		return c.norm(s, true, func(b Buffers) cudaNorm {
			n := cudaNorm{epsilon: o.Epsilon}
			n.dst, n.mean, n.invStd, n.src, n.gamma, n.beta = operands(b)
			return n
		})
	case ops.GroupNormBackward:
		p := groupParams(ops.GroupNorm(o), in[1].Shape)
		s, err := newNormShape(p.N, p.P, p.C, p.Groups)
		if p.P == 1 {
			s, err = newNormShape(1, p.N, p.C, p.Groups)
		}
		if err != nil {
			return nil, err
		}
		operands := func(b Buffers) (diffSrc, diffGamma, diffBeta, diffDst, src, mean, invStd, gamma gpu.Pointer) {
			diffGamma, diffBeta = addresses(b.Out[1:], o.Scale, o.Center)
			return address(b.Out[0]), diffGamma, diffBeta, address(b.In[0]), address(b.In[1]), address(b.In[2]), address(b.In[3]), addressAt(b.In, 4)
		}
		if p.P == 1 {
			return c.linesGradient(s, o.Scale || o.Center, func(l *cudaLinesGradient, b Buffers) {
				l.diffSrc, l.diffGamma, l.diffBeta, l.diffDst, l.src, l.mean, l.invStd, l.gamma = operands(b)
			})
		}
		return c.normGradient(s, o.Scale || o.Center, func(b Buffers) (g cudaNormGradient) {
			g.diffSrc, g.diffGamma, g.diffBeta, g.diffDst, g.src, g.mean, g.invStd, g.gamma = operands(b)
			return g
		})
	case ops.MovingAverage:
		return c.movingAverage(o, in[:len(in)/2])
	}
	return nil, nil
}

// batchShape is a batch norm: one sample with a group for each channel.
func batchShape(src ops.Type) (normShape, error) {
	p := normParams(src, 0)
	return newNormShape(1, p.Rows, p.C, p.C)
}

// addresses are those of the first two buffers of a list that each may be left out.
func addresses(list []Buffer, first, second bool) (a, b gpu.Pointer) {
	if first {
		a, list = address(list[0]), list[1:]
	}
	if second {
		b = address(list[0])
	}
	return a, b
}

// norm takes statistics and, if they are to be applied, applies them.
func (c *CUDA) norm(s normShape, applied bool, bind func(b Buffers) cudaNorm) (Kernel, error) {
	sums, err := find[cudaNorm](c, normFile, s.name("norm_sums"))
	if err != nil {
		return nil, err
	}
	finish, err := find[cudaNorm](c, normFile, "norm_finish")
	if err != nil {
		return nil, err
	}
	apply, err := find[cudaNorm](c, normFile, s.name("norm_apply"))
	if err != nil {
		return nil, err
	}
	cut, sweep := s.sums(), s.sweep()
	return &cudaKernel{c, fmt.Sprintf("%s in %d parts", s.name("norm_sums"), cut.parts), s.sumBytes(), func(b Buffers) []launch {
		n := bind(b)
		n.cut, n.samples, n.groups, n.sums = cut, int32(s.samples), int32(s.groups), address(b.Workspace)
		list := []launch{start(sums, s.blocks(cut), 1, n), start(finish, (s.samples*s.groups+warpsInBlock-1)/warpsInBlock, 1, n)}
		if applied {
			n.cut = sweep
			list = append(list, start(apply, s.blocks(sweep), 1, n))
		}
		return list
	}}, nil
}

// normGradient is the gradients of a norm, those of gamma and beta only if they are asked for.
func (c *CUDA) normGradient(s normShape, parameters bool, bind func(b Buffers) cudaNormGradient) (Kernel, error) {
	sums, err := find[cudaNormGradient](c, normFile, s.name("norm_gradient_sums"))
	if err != nil {
		return nil, err
	}
	finish, err := find[cudaNormGradient](c, normFile, "norm_gradient_finish")
	if err != nil {
		return nil, err
	}
	apply, err := find[cudaNormGradient](c, normFile, s.name("norm_gradient_apply"))
	if err != nil {
		return nil, err
	}
	cut, sweep := s.sums(), s.sweep()
	warps := s.samples * s.groups
	if parameters {
		warps += s.channels
	}
	room := aligned(s.sumBytes())
	return &cudaKernel{c, fmt.Sprintf("%s in %d parts", s.name("norm_gradient_sums"), cut.parts), room + 8*s.samples*s.groups, func(b Buffers) []launch {
		n := bind(b)
		n.cut, n.samples, n.groups, n.sums = cut, int32(s.samples), int32(s.groups), address(b.Workspace)
		n.slopes = address(Buffer{b.Workspace.Memory, b.Workspace.Offset + room, 8 * s.samples * s.groups})
		list := []launch{start(sums, s.blocks(cut), 1, n), start(finish, (warps+warpsInBlock-1)/warpsInBlock, 1, n)}
		n.cut = sweep
		return append(list, start(apply, s.blocks(sweep), 1, n))
	}}, nil
}

// movingAverage is one launch for up to 128 moving statistics.
func (c *CUDA) movingAverage(o ops.MovingAverage, moving []ops.Type) (Kernel, error) {
	k, err := find[cudaMoving](c, normFile, "moving_average")
	if err != nil {
		return nil, err
	}
	n := len(moving)
	return &cudaKernel{device: c, variant: "moving_average", bind: func(b Buffers) (list []launch) {
		for from := 0; from < n; {
			m, count, largest := cudaMoving{apply: address(b.In[2*n]), momentum: o.Momentum, rest: vec.Complement(o.Momentum)}, 0, 0
			for ; count < len(m.array) && from < n; count, from = count+1, from+1 {
				at, size := &m.array[count], moving[from].Shape.Size()
				at.moving, at.batch, at.size = address(b.In[from]), address(b.In[n+from]), int64(size)
				largest = max(largest, size)
			}
			list = append(list, start(k, spread(largest), count, m))
		}
		return list
	}}, nil
}

// teamOf is the name and the number of blocks of a kernel for lines.
func teamOf(kernel string, lines, length int) (name string, blocks int) {
	if length >= longLine {
		return kernel + "_256", spread(lines * blockThreads)
	}
	return kernel + "_32", spread(lines * 32)
}

// lines normalises each of the groups of channels of samples of a single position.
func (c *CUDA) lines(samples, channels, groups int, bind func(l *cudaLines, b Buffers)) (Kernel, error) {
	length := channels / groups
	name, blocks := teamOf("layer_forward", samples*groups, length)
	return single(c, layerFile, name, blocks, func(b Buffers) cudaLines {
		l := cudaLines{lines: int64(samples * groups), length: int32(length), groups: int32(groups)}
		bind(&l, b)
		return l
	})
}

// linesGradient is the gradients of lines, the samples of a single position being the rows of s.
func (c *CUDA) linesGradient(s normShape, parameters bool, bind func(l *cudaLinesGradient, b Buffers)) (Kernel, error) {
	lines, length := s.rows*s.groups, s.channels/s.groups
	name, blocks := teamOf("layer_backward", lines, length)
	backward, err := find[cudaLinesGradient](c, layerFile, name)
	if err != nil {
		return nil, err
	}
	columns, err := find[cudaLinesGradient](c, layerFile, s.name("layer_columns"))
	if err != nil {
		return nil, err
	}
	finish, err := find[cudaLinesGradient](c, layerFile, "layer_columns_finish")
	if err != nil {
		return nil, err
	}
	cut := s.sums()
	return &cudaKernel{c, fmt.Sprintf("%s, columns in %d parts", name, cut.parts), s.sumBytes(), func(b Buffers) (list []launch) {
		l := cudaLinesGradient{cut: cut, sums: address(b.Workspace), lines: int64(lines), length: int32(length), groups: int32(s.groups)}
		bind(&l, b)
		if parameters { // first, for diffSrc may lie where diffDst does
			list = append(list, start(columns, s.blocks(cut), 1, l), start(finish, (s.channels+warpsInBlock-1)/warpsInBlock, 1, l))
		}
		return append(list, start(backward, blocks, 1, l))
	}}, nil
}
