package kernels

import (
	"github.com/meseta-go/meseta/kernels/pool"
	"github.com/meseta-go/meseta/ops"
)

func poolParams(o ops.MaxPool, src, dst ops.Shape) pool.Params {
	return pool.Params{
		N: src[0], H: src[1], W: src[2], C: src[3], R: o.Size[0], S: o.Size[1], P: dst[1], Q: dst[2],
		StrideH: o.Strides[0], StrideW: o.Strides[1], PadTop: o.PadBefore[0], PadLeft: o.PadBefore[1],
	}
}

// choosePool picks the kernels of poolings.
func (c *CPU) choosePool(o ops.Operator, in, out []ops.Type) (Kernel, error) {
	dev := c.dev
	switch o := o.(type) {
	case ops.MaxPool:
		x, err := pool.NewMaxForward(dev, poolParams(o, in[0].Shape, out[0].Shape))
		return bound(c, x, err, func(in, out [][]float32, _ Buffers) func() {
			return func() { x.Run(out[0], in[0]) }
		})
	case ops.MaxPoolBackward:
		x, err := pool.NewMaxBackward(dev, poolParams(ops.MaxPool(o), out[0].Shape, in[0].Shape))
		return bound(c, x, err, func(in, out [][]float32, _ Buffers) func() {
			return func() { x.Run(out[0], in[0], in[1], in[2]) }
		})
	case ops.AveragePool:
		x, err := pool.NewAverageForward(dev, poolParams(ops.MaxPool(o), in[0].Shape, out[0].Shape))
		return bound(c, x, err, func(in, out [][]float32, _ Buffers) func() {
			return func() { x.Run(out[0], in[0]) }
		})
	case ops.AveragePoolBackward:
		x, err := pool.NewAverageBackward(dev, poolParams(ops.MaxPool{Window: o.Window, Size: o.Size}, o.Src, in[0].Shape))
		return bound(c, x, err, func(in, out [][]float32, _ Buffers) func() {
			return func() { x.Run(out[0], in[0]) }
		})
	case ops.GlobalAveragePool:
		s := in[0].Shape
		x, err := pool.NewGlobalAverageForward(dev, s[0], s[1]*s[2], s[3])
		return bound(c, x, err, func(in, out [][]float32, _ Buffers) func() {
			return func() { x.Run(out[0], in[0]) }
		})
	case ops.GlobalAveragePoolBackward:
		s := o.Src
		x, err := pool.NewGlobalAverageBackward(dev, s[0], s[1]*s[2], s[3])
		return bound(c, x, err, func(in, out [][]float32, _ Buffers) func() {
			return func() { x.Run(out[0], in[0]) }
		})
	}
	return nil, nil
}
