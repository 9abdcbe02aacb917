//go:build nvidia && cgo

package kernels

import (
	"github.com/meseta-go/meseta/gpu"
	"github.com/meseta-go/meseta/ops"
)

// cudaTargets is Targets of softmax/targets.cu.
type cudaTargets struct {
	to, sums, scores, targets, diff                gpu.Pointer
	samples, each, classes, width, parts, partRows int32
	over                                           float64
}

// chooseTargets picks the kernels of losses against targets.
func (c *CUDA) chooseTargets(o ops.Operator, in, _ []ops.Type) (Kernel, error) {
	const file = "softmax/targets"
	loss, binary := o, false
	back, backward := o.(ops.SoftLossBackward)
	if backward {
		loss = back.Loss
	}
	switch loss.(type) {
	case ops.SoftCrossEntropy, ops.SoftLogLoss:
	case ops.BinaryCrossEntropy, ops.BinaryLogLoss:
		binary = true
	default:
		return nil, nil
	}
	s := in[0].Shape
	samples, classes := s[0], s[len(s)-1]
	each := s.Size() / samples / classes
	t := newTeam(s)
	p := cudaTargets{samples: int32(samples), each: int32(each), classes: int32(classes), width: int32(t.width), parts: 1, partRows: int32(each), over: float64(each)}
	if binary {
		p.over = float64(each * classes)
	}
	if backward {
		name, blocks := t.kernel(o.Name()), t.blocks(samples*each)
		if binary {
			name, blocks = o.Name(), spread(s.Size())
		}
		return single(c, file, name, blocks, func(b Buffers) cudaTargets {
			p := p
			p.to, p.scores, p.targets, p.diff = address(b.Out[0]), address(b.In[0]), address(b.In[1]), address(b.In[2])
			return p
		})
	}

	// The rows of samples are cut into parts that keep any GPU busy.
	const enough = 4096
	part := (each*samples + enough - 1) / enough
	part = min((part+t.beside()-1)/t.beside()*t.beside(), each)
	p.parts, p.partRows = int32((each+part-1)/part), int32(part)
	parts, err := find[cudaTargets](c, file, t.kernel(o.Name()))
	if err != nil {
		return nil, err
	}
	total, err := find[cudaTargets](c, file, "losses_of_parts")
	if err != nil {
		return nil, err
	}
	return &cudaKernel{c, t.kernel(o.Name()), 8 * samples * int(p.parts), func(b Buffers) []launch {
		p := p
		p.to, p.scores, p.targets, p.sums = address(b.Out[0]), address(b.In[0]), address(b.In[1]), address(b.Workspace)
		list := []launch{start(parts, t.warps(samples*int(p.parts)), 1, p)}
		if p.parts > 1 {
			list = append(list, start(total, spread(samples*32), 1, p))
		}
		return list
	}}, nil
}
