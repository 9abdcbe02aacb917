//go:build nvidia && cgo

package kernels

import (
	"github.com/meseta-go/meseta/gpu"
	"github.com/meseta-go/meseta/ops"
)

// cudaClip is Clip of update/clip.cu.
type cudaClip struct {
	grad, apply, ofPieces, ofArrays gpu.Pointer
	n                               int64
	most                            float32
	all                             int32
	arrays                          cudaArrays
}

// cudaWeight is Weight of update/penalty.cu.
type cudaWeight struct {
	dst, grad, w, sums, apply gpu.Pointer
	n                         int64
	l1, l2                    float32
	parts, _                  int32
}

// cudaPenalties is Penalties of update/penalty.cu.
type cudaPenalties struct {
	dst, losses, soFar    gpu.Pointer
	n                     int64
	count, begun, more, _ int32
	penalty               [256]gpu.Pointer
}

// cudaSteps is Steps of update/gradients.cu.
type cudaSteps struct {
	x, y, iterations, apply, ready gpu.Pointer
	n                              int64
	every, overwrite               int32
	a, b                           float32
}

// choosePenalty picks the kernels of what surrounds an optimizer: penalties, gradients summed and clipped, averages of weights, constraints.
func (c *CUDA) choosePenalty(o ops.Operator, in, _ []ops.Type) (Kernel, error) {
	const file = "update/penalty"
	switch o := o.(type) {
	case ops.ClipGradients:
		return c.clip(o, in)
	case ops.AccumulateGradients:
		return c.accumulateGradients(o, in)
	case ops.AverageWeights:
		n := (len(in) - 2) / 2
		p := cudaSteps{n: int64(extent(in[2 : 2+n])), every: int32(max(o.Every, 1)), overwrite: int32(o.Overwrite), a: o.Momentum, b: 1 - o.Momentum}
		return single(c, "update/gradients", "average_weights", spread(int(p.n)), func(b Buffers) cudaSteps {
			p := p
			p.iterations, p.apply, p.x, p.y = address(b.In[0]), address(b.In[1]), sweepAddress(b.In[2:2+n]), sweepAddress(b.In[2+n:])
			return p
		})
	case ops.Penalty:
		return c.penalty(o, in[0].Shape.Size())
	case ops.Penalize:
		return c.penalize(in)
	case ops.Regularize:
		n := in[0].Shape.Size()
		return single(c, file, "regularize", spread(n), func(b Buffers) cudaWeight {
			return cudaWeight{dst: address(b.Out[0]), grad: address(b.In[0]), w: address(b.In[1]), n: int64(n), l1: o.L1, l2: 2 * o.L2}
		})
	case ops.NonNegative:
		n := in[0].Shape.Size()
		return single(c, file, "non_negative", spread(n), func(b Buffers) cudaWeight {
			return cudaWeight{dst: address(b.In[0]), apply: address(b.In[1]), n: int64(n)}
		})
	case ops.ConstrainNorm:
		return c.constrainNorm(o, in[0].Shape)
	}
	return nil, nil
}

func (c *CUDA) accumulateGradients(o ops.AccumulateGradients, in []ops.Type) (Kernel, error) {
	const file = "update/gradients"
	begin, err := find[cudaSteps](c, file, "accumulate_start")
	if err != nil {
		return nil, err
	}
	sweep, err := find[cudaSteps](c, file, "accumulate_gradients")
	if err != nil {
		return nil, err
	}
	n := (len(in) - 2) / 2
	return &cudaKernel{c, "accumulate_gradients", 0, func(b Buffers) []launch {
		p := cudaSteps{
			x: sweepAddress(b.In[2 : 2+n]), y: sweepAddress(b.In[2+n:]), iterations: address(b.In[0]), apply: address(b.In[1]), ready: address(b.Out[0]),
			n: int64(extent(in[2 : 2+n])), every: int32(o.Every), a: 1 / float32(o.Every),
		}
		return []launch{start(begin, 1, 1, p), start(sweep, spread(int(p.n)), 1, p)}
	}}, nil
}

func (c *CUDA) clip(o ops.ClipGradients, in []ops.Type) (Kernel, error) {
	const file = "update/clip"
	list, err := newPieceList(o.Name(), in[1:])
	if err != nil {
		return nil, err
	}
	p := cudaClip{n: int64(list.n), most: o.Value}
	if o.Norm == 0 && o.GlobalNorm == 0 {
		return single(c, file, "clip_values", spread(list.n), func(b Buffers) cudaClip {
			p := p
			p.grad, p.apply = sweepAddress(b.In[1:]), address(b.In[0])
			return p
		})
	}
	if p.most = o.Norm; o.GlobalNorm != 0 {
		p.most, p.all = o.GlobalNorm, int32(list.arrays)
	}
	squares, err := find[cudaClip](c, file, "clip_squares")
	if err != nil {
		return nil, err
	}
	norms, err := find[cudaClip](c, file, "clip_norms")
	if err != nil {
		return nil, err
	}
	scale, err := find[cudaClip](c, file, "clip_scale")
	if err != nil {
		return nil, err
	}
	return &cudaKernel{c, "clip_scale", list.workspace(1), func(b Buffers) []launch {
		with := func(a cudaArrays) cudaClip {
			p := p
			p.grad, p.apply, p.arrays = sweepAddress(b.In[1:]), address(b.In[0]), a
			p.ofPieces, p.ofArrays = list.places(address(b.Workspace))
			return p
		}
		launches := append(eachPiece(list, squares, with), eachArray(list, norms, with)...)
		return append(launches, eachPiece(list, scale, with)...)
	}}, nil
}

// penalty adds up a weight in parts, of which small ones are one.
func (c *CUDA) penalty(o ops.Penalty, n int) (Kernel, error) {
	const file, part, mostParts = "update/penalty", 16 << 10, 512
	parts := min((n+part-1)/part, mostParts)
	sums, err := find[cudaWeight](c, file, "penalty")
	if err != nil {
		return nil, err
	}
	total, err := find[cudaWeight](c, file, "penalty_of_parts")
	if err != nil {
		return nil, err
	}
	return &cudaKernel{c, "penalty", 8 * parts, func(b Buffers) []launch {
		p := cudaWeight{dst: address(b.Out[0]), w: address(b.In[0]), sums: address(b.Workspace), n: int64(n), l1: o.L1, l2: o.L2, parts: int32(parts)}
		list := []launch{start(sums, parts, 1, p)}
		if parts > 1 {
			list = append(list, start(total, 1, 1, p))
		}
		return list
	}}, nil
}

func (c *CUDA) penalize(in []ops.Type) (Kernel, error) {
	k, err := find[cudaPenalties](c, "update/penalty", "penalize")
	if err != nil {
		return nil, err
	}
	return &cudaKernel{c, "penalize", 4, func(b Buffers) []launch {
		p := cudaPenalties{dst: address(b.Out[0]), losses: address(b.In[0]), soFar: address(b.Workspace), n: int64(in[0].Shape.Size())}
		var list []launch
		for rest := b.In[1:]; ; {
			p.count = int32(min(len(rest), len(p.penalty)))
			for i, x := range rest[:p.count] {
				p.penalty[i] = address(x)
			}
			if rest = rest[p.count:]; len(rest) == 0 {
				break
			}
			p.more = 1
			list = append(list, start(k, 1, 1, p))
			p.begun, p.more = 1, 0
		}
		return append(list, start(k, spread(int(p.n)), 1, p))
	}}, nil
}
