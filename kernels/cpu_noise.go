package kernels

import (
	"github.com/meseta-go/meseta/kernels/dropout"
	"github.com/meseta-go/meseta/ops"
)

// chooseNoise picks the kernels of random operations.
func (c *CPU) chooseNoise(o ops.Operator, in, out []ops.Type) (Kernel, error) {
	dev := c.dev
	switch o := o.(type) {
	case ops.Dropout:
		x, err := dropout.NewDropout(dev, in[0].Shape.Size(), o.Rate, o.Stream)
		return bound(c, x, err, func(in, out [][]float32, b Buffers) func() {
			counter := view[int64](b.In[1])
			return func() { x.Run(out[0], in[0], uint64(counter[0]), uint64(counter[1])) }
		})
	}
	return nil, nil
}
