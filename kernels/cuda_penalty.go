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

// cudaPenalized is Penalized of update/penalty.cu.
type cudaPenalized struct {
	total, grad, w, sums gpu.Pointer
	pieces, _            int32
	l1, l2               [mostArrays]float32
	arrays               cudaArrays
}

// cudaPenalize is Penalize of update/penalty.cu.
type cudaPenalize struct {
	dst, losses, total gpu.Pointer
	n                  int64
}

// cudaNonNegative is NonNegative of update/penalty.cu.
type cudaNonNegative struct {
	w, apply gpu.Pointer
	n        int64
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
	case ops.Penalties:
		return c.penalties(o, in)
	case ops.Penalize:
		n := in[0].Shape.Size()
		return single(c, file, "penalize", spread(n), func(b Buffers) cudaPenalize {
			return cudaPenalize{address(b.Out[0]), address(b.In[0]), address(b.In[1]), int64(n)}
		})
	case ops.Regularize:
		return c.regularize(o, in[:len(in)/2])
	case ops.NonNegative:
		n := in[0].Shape.Size()
		return single(c, file, "non_negative", spread(n), func(b Buffers) cudaNonNegative {
			return cudaNonNegative{address(b.In[0]), address(b.In[1]), int64(n)}
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

// penalties adds up weights in pieces, and then these.
func (c *CUDA) penalties(o ops.Penalties, in []ops.Type) (Kernel, error) {
	list, err := newPieceList(o.Name(), in)
	if err != nil {
		return nil, err
	}
	sums, err := find[cudaPenalized](c, "update/penalty", "penalty_sums")
	if err != nil {
		return nil, err
	}
	total, err := find[cudaPenalized](c, "update/penalty", "penalty_total")
	if err != nil {
		return nil, err
	}
	return &cudaKernel{c, "penalty_sums", 8 * list.pieces, func(b Buffers) []launch {
		p := cudaPenalized{total: address(b.Out[0]), w: address(b.In[0]), sums: address(b.Workspace), pieces: int32(list.pieces)}
		return append(eachPiece(list.placed(b.In), sums, p.with(o.Each, 1)), start(total, 1, 1, p))
	}}, nil
}

func (c *CUDA) regularize(o ops.Regularize, in []ops.Type) (Kernel, error) {
	list, err := newPieceList(o.Name(), in)
	if err != nil {
		return nil, err
	}
	k, err := find[cudaPenalized](c, "update/penalty", "regularize")
	if err != nil {
		return nil, err
	}
	return &cudaKernel{c, "regularize", 0, func(b Buffers) []launch {
		grads, weights := b.In[:len(in)], b.In[len(in):]
		for i := range in {
			if grads[i].Offset-grads[0].Offset != weights[i].Offset-weights[0].Offset {
				panic(scattered)
			}
		}
		return eachPiece(list.placed(weights), k, cudaPenalized{grad: address(grads[0]), w: address(weights[0])}.with(o.Each, 2))
	}}, nil
}

// with gives the parameters for some of the arrays, of all of which each has a penalty; those of squares are taken so many times.
func (p cudaPenalized) with(each []ops.Penalty, times float32) func(a cudaArrays) cudaPenalized {
	return func(a cudaArrays) cudaPenalized {
		p := p
		p.arrays = a
		for i, penalty := range each[a.before : a.before+a.count] {
			p.l1[i], p.l2[i] = penalty.L1, times*penalty.L2
		}
		return p
	}
}
