//go:build nvidia && cgo

package kernels

import (
	"fmt"

	"github.com/meseta-go/meseta/gpu"
	"github.com/meseta-go/meseta/ops"
)

// cudaElements is Elements of elementwise/elementwise.cu.
type cudaElements struct {
	dst, a, b           gpu.Pointer
	size                int64
	columns, activation int32
	scale, offset       float32
}

// cudaColumns is Columns of elementwise/elementwise.cu.
type cudaColumns struct {
	dst, sums, src gpu.Pointer
	rows, each     int64
	columns, parts int32
}

// chooseElementwise picks the kernels of functions of single elements, and of sums of columns.
func (c *CUDA) chooseElementwise(o ops.Operator, in, out []ops.Type) (Kernel, error) {
	switch o := o.(type) {
	case ops.Relu:
		return c.elements("relu_forward", out, cudaElements{activation: int32(o.Activation())})
	case ops.ReluBackward:
		return c.elements("relu_backward", out, cudaElements{activation: int32(ops.Relu(o).Activation())})
	case ops.Add:
		return c.elements("add", out, cudaElements{})
	case ops.Affine:
		return c.elements("affine", out, cudaElements{scale: o.Scale, offset: o.Offset})
	case ops.BiasAdd:
		return c.elements("bias_add", out, cudaElements{columns: int32(in[1].Shape.Size())})
	case ops.Fill:
		return c.elements("fill", out, cudaElements{offset: o.Value})
	case ops.ColumnSum:
		n := out[0].Shape.Size()
		return c.columnSum(in[0].Shape.Size()/n, n)
	case ops.Binary:
		return c.binary(o.Func, in[0].Shape, in[1].Shape, out[0].Shape)
	}
	return nil, nil
}

// fours is how many threads n elements want of which each takes four.
func fours(n int) int { return (n + 3) / 4 }

// elements is a function of up to two inputs.
func (c *CUDA) elements(name string, out []ops.Type, e cudaElements) (Kernel, error) {
	e.size = int64(out[0].Shape.Size())
	blocks := spread(fours(int(e.size)))
	if e.columns != 0 {
		blocks = spread(int(e.size))
	}
	return single(c, "elementwise/elementwise", name, blocks, func(b Buffers) cudaElements {
		e := e
		e.dst, e.a, e.b = address(b.Out[0]), addressAt(b.In, 0), addressAt(b.In, 1)
		return e
	})
}

// columnSum adds up the rows of [rows,n]. They are cut into parts so that these and the columns, of which a block takes 32, keep any GPU busy; where rows
// are few, the second launch would take longer than that saves.
func (c *CUDA) columnSum(rows, n int) (Kernel, error) {
	const file, leastRows, manyRows = "elementwise/elementwise", 64, 256
	blocks, parts := (n+31)/32, 1
	if rows >= manyRows {
		parts = min((enoughBlocks+blocks-1)/blocks, rows/leastRows)
	}
	each := (rows + parts - 1) / parts
	sums, err := find[cudaColumns](c, file, "column_sums")
	if err != nil {
		return nil, err
	}
	total, err := find[cudaColumns](c, file, "column_total")
	if err != nil {
		return nil, err
	}
	k := &cudaKernel{device: c, variant: "column_sums"}
	if parts > 1 {
		k.variant, k.workspace = fmt.Sprintf("column_sums in %d parts", parts), 8*parts*n
	}
	k.bind = func(b Buffers) []launch {
		p := cudaColumns{address(b.Out[0]), address(b.Workspace), address(b.In[0]), int64(rows), int64(each), int32(n), int32(parts)}
		list := []launch{start(sums, blocks, parts, p)}
		if parts > 1 {
			list = append(list, start(total, spread(n), 1, p))
		}
		return list
	}
	return k, nil
}
