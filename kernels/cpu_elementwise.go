package kernels

import (
	"github.com/meseta-go/meseta/kernels/elementwise"
	"github.com/meseta-go/meseta/ops"
)

// chooseElementwise picks the kernels of functions of single elements, and sums over rows.
func (c *CPU) chooseElementwise(o ops.Operator, in, out []ops.Type) (Kernel, error) {
	dev := c.dev
	switch o := o.(type) {
	case ops.Relu:
		x, err := elementwise.NewReLU(dev, in[0].Shape.Size())
		return bound(c, x, err, func(in, out [][]float32, _ Buffers) func() {
			return func() { x.Run(out[0], in[0]) }
		})
	case ops.ReluBackward:
		x, err := elementwise.NewReLUBackward(dev, in[0].Shape.Size())
		return bound(c, x, err, func(in, out [][]float32, _ Buffers) func() {
			return func() { x.Run(out[0], in[0], in[1]) }
		})
	case ops.Add:
		x, err := elementwise.NewAdd(dev, in[0].Shape.Size())
		return bound(c, x, err, func(in, out [][]float32, _ Buffers) func() {
			return func() { x.Run(out[0], in[0], in[1]) }
		})
	case ops.Affine:
		x, err := elementwise.NewAffine(dev, in[0].Shape.Size(), o.Scale, o.Offset)
		return bound(c, x, err, func(in, out [][]float32, _ Buffers) func() {
			return func() { x.Run(out[0], in[0]) }
		})
	case ops.BiasAdd:
		n := in[1].Shape.Size()
		x, err := elementwise.NewBiasAdd(dev, in[0].Shape.Size()/n, n)
		return bound(c, x, err, func(in, out [][]float32, _ Buffers) func() {
			return func() { x.Run(out[0], in[0], in[1]) }
		})
	case ops.ColumnSum:
		n := out[0].Shape.Size()
		x, err := elementwise.NewColumnSum(dev, in[0].Shape.Size()/n, n)
		return bound(c, x, err, func(in, out [][]float32, b Buffers) func() {
			w := f32(b.Workspace)
			return func() { x.Run(out[0], in[0], w) }
		})
	case ops.Fill:
		return bound(c, o, nil, func(_, out [][]float32, _ Buffers) func() {
			return func() {
				for i := range out[0] {
					out[0][i] = o.Value
				}
			}
		})
	}
	return nil, nil
}
