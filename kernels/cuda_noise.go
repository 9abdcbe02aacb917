//go:build nvidia && cgo

package kernels

import (
	"github.com/meseta-go/meseta/gpu"
	"github.com/meseta-go/meseta/kernels/dropout"
	"github.com/meseta-go/meseta/ops"
	numbers "github.com/meseta-go/meseta/random"
)

// cudaDropout is Dropout of dropout/dropout.cu.
type cudaDropout struct {
	dst, src, counter gpu.Pointer
	size              int64
	stream, threshold uint32
	scale             float32
	purpose           uint32
}

// chooseNoise picks the kernels of random operations.
func (c *CUDA) chooseNoise(o ops.Operator, in, _ []ops.Type) (Kernel, error) {
	switch o := o.(type) {
	case ops.Dropout:
		size := in[0].Shape.Size()
		threshold, scale, err := dropout.Constants(size, o.Rate, o.Stream)
		if err != nil {
			return nil, err
		}
		return single(c, "dropout/dropout", "dropout", spread((size+3)/4), func(b Buffers) cudaDropout {
			return cudaDropout{
				address(b.Out[0]), address(b.In[0]), address(b.In[1]), int64(size), uint32(o.Stream), threshold, scale, uint32(numbers.Dropout),
			}
		})
	}
	return nil, nil
}
