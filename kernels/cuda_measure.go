//go:build nvidia && cgo

package kernels

import (
	"github.com/meseta-go/meseta/gpu"
	"github.com/meseta-go/meseta/ops"
)

// cudaRunning is Running of measure/measure.cu.
type cudaRunning struct {
	sum, values, weights, apply gpu.Pointer
	n                           int64
}

// chooseMeasure picks the kernels of metrics.
func (c *CUDA) chooseMeasure(o ops.Operator, in, _ []ops.Type) (Kernel, error) {
	switch o := o.(type) {
	case ops.Accumulate:
		return single(c, "measure/measure", "accumulate", 1, func(b Buffers) cudaRunning {
			r := cudaRunning{sum: address(b.In[0]), values: address(b.In[1]), n: int64(in[1].Shape.Size())}
			if o.Weighted {
				r.weights = address(b.In[2])
			}
			if o.Gated {
				r.apply = address(b.In[len(b.In)-1])
			}
			return r
		})
	}
	return nil, nil
}
