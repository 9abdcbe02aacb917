//go:build nvidia && cgo

package kernels

import (
	"fmt"

	"github.com/meseta-go/meseta/gpu"
	"github.com/meseta-go/meseta/ops"
)

// cudaConstraint is Constraint of update/constrain.cu.
type cudaConstraint struct {
	w, apply               gpu.Pointer
	starts, offsets, inner int64
	places                 [2]cudaAxes
	least, most, rate, _   float32
}

type cudaAxes struct {
	axes, _ int32
	axis    [4]struct{ size, stride int64 }
}

// add puts an axis behind the others and gives how many places they are.
func (a *cudaAxes) add(size, stride int) error {
	if int(a.axes) == len(a.axis) {
		return fmt.Errorf("kernels: constrain_norm on a GPU, along axes that alternate with others %d times: %w; --device cpu has one", len(a.axis)+1, ErrUnsupported)
	}
	a.axis[a.axes].size, a.axis[a.axes].stride = int64(size), int64(stride)
	a.axes++
	return nil
}

func (c *CUDA) constrainNorm(o ops.ConstrainNorm, s ops.Shape) (Kernel, error) {
	last := len(s) - 1
	p, along := cudaConstraint{starts: 1, offsets: 1, inner: 1, least: o.Min, most: o.Max, rate: o.Rate}, o.Along[last]
	for ; last >= 0 && o.Along[last] == along; last-- {
		p.inner *= int64(s[last])
	}
	for stride := int(p.inner); last >= 0; {
		size, of := 1, o.Along[last]
		for ; last >= 0 && o.Along[last] == of; last-- {
			size *= s[last]
		}
		list, places := 0, &p.starts
		if of {
			list, places = 1, &p.offsets
		}
		if err := p.places[list].add(size, stride); err != nil {
			return nil, err
		}
		*places *= int64(size)
		stride *= size
	}
	name, blocks := "constrain_vectors", p.starts
	if !along {
		name, blocks = "constrain_columns", p.starts*((p.inner+31)/32)
	}
	return single(c, "update/constrain", name, int(min(blocks, 1<<14)), func(b Buffers) cudaConstraint {
		p := p
		p.w, p.apply = address(b.In[0]), address(b.In[1])
		return p
	})
}
