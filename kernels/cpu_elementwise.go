package kernels

import (
	"slices"

	"github.com/meseta-go/meseta/kernels/elementwise"
	"github.com/meseta-go/meseta/kernels/reduce"
	"github.com/meseta-go/meseta/ops"
)

// chooseElementwise picks the kernels of functions of single elements, and of what makes one number of many.
func (c *CPU) chooseElementwise(o ops.Operator, in, out []ops.Type) (Kernel, error) {
	dev := c.dev
	switch o := o.(type) {
	case ops.Relu:
		x, err := elementwise.NewReLU(dev, in[0].Shape.Size(), o.Activation())
		return bound(c, x, err, func(in, out [][]float32, _ Buffers) func() {
			return func() { x.Run(out[0], in[0]) }
		})
	case ops.ReluBackward:
		x, err := elementwise.NewReLUBackward(dev, in[0].Shape.Size(), ops.Relu(o).Activation())
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
	case ops.Unary:
		x, err := elementwise.NewUnary(dev, in[0].Shape.Size(), o)
		return bound(c, x, err, func(in, out [][]float32, _ Buffers) func() {
			return func() { x.Run(out[0], in[0]) }
		})
	case ops.UnaryBackward:
		x, err := elementwise.NewUnaryBackward(dev, in[0].Shape.Size(), o)
		return bound(c, x, err, func(in, out [][]float32, _ Buffers) func() {
			return func() { x.Run(out[0], in[0], in[1]) }
		})
	case ops.Binary:
		x, err := elementwise.NewBinary(dev, o.Func, in[0].Shape, in[1].Shape)
		return bound(c, x, err, func(in, out [][]float32, _ Buffers) func() {
			return func() { x.Run(out[0], in[0], in[1]) }
		})
	case ops.Reduce:
		over, err := o.Over(in[0].Shape)
		if err != nil {
			return nil, err
		}
		return c.reduce(o.Func, in[0].Shape, over)
	case ops.SumTo:
		return c.reduce(ops.Sum, in[0].Shape, o.Over(in[0].Shape))
	case ops.ArgMax:
		n := in[0].Shape[len(in[0].Shape)-1]
		x, err := reduce.NewArgMax(dev, in[0].Shape.Size()/n, n)
		return bound(c, x, err, func(in, _ [][]float32, b Buffers) func() {
			dst := view[int32](b.Out[0])
			return func() { x.Run(dst, in[0]) }
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
	case ops.Constant:
		return bound(c, o, nil, func(_, out [][]float32, _ Buffers) func() {
			return func() { copy(out[0], o.Values) }
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

// reduce picks the kernel of a reduction. Sums over all but the last dimension are column sums.
func (c *CPU) reduce(f ops.ReduceFunc, s ops.Shape, over []bool) (Kernel, error) {
	if last := len(s) - 1; f == ops.Sum && last > 0 && !over[last] && !slices.Contains(over[:last], false) {
		x, err := elementwise.NewColumnSum(c.dev, s[:last].Size(), s[last])
		return bound(c, x, err, func(in, out [][]float32, b Buffers) func() {
			w := f32(b.Workspace)
			return func() { x.Run(out[0], in[0], w) }
		})
	}
	x, err := reduce.New(c.dev, f, s, over)
	return bound(c, x, err, func(in, out [][]float32, b Buffers) func() {
		w := f32(b.Workspace)
		return func() { x.Run(out[0], in[0], w) }
	})
}
