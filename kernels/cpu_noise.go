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
		return random(c, x, err)
	case ops.SpatialDropout:
		s := in[0].Shape
		channels := s[len(s)-1]
		x, err := dropout.NewSpatial(dev, s[0], s.Size()/(s[0]*channels), channels, o.Rate, o.Stream)
		return random(c, x, err)
	case ops.GaussianNoise:
		x, err := dropout.NewNoise(dev, in[0].Shape.Size(), o.Deviation, o.Stream)
		return random(c, x, err)
	case ops.GaussianDropout:
		x, err := dropout.NewGaussianDropout(dev, in[0].Shape.Size(), o.Deviation, o.Stream)
		return random(c, x, err)
	}
	return nil, nil
}

// random binds a kernel to its source and the counter.
func random[X interface {
	Run(dst, src []float32, seed, step uint64)
}](c *CPU, x X, err error) (Kernel, error) {
	return bound(c, x, err, func(in, out [][]float32, b Buffers) func() {
		counter := view[int64](b.In[1])
		return func() { x.Run(out[0], in[0], uint64(counter[0]), uint64(counter[1])) }
	})
}
