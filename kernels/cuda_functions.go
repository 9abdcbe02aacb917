//go:build nvidia && cgo

package kernels

import (
	"github.com/meseta-go/meseta/gpu"
	"github.com/meseta-go/meseta/ops"
)

// cudaFunction is Function of elementwise/functions.cu.
type cudaFunction struct {
	dst, src, diff gpu.Pointer
	size           int64
	function, _    int32
	a, b, c, _     float32
}

// chooseFunction picks the kernels of functions of one number.
func (c *CUDA) chooseFunction(o ops.Operator, in, _ []ops.Type) (Kernel, error) {
	const file = "elementwise/functions"
	function := func(u ops.Unary) cudaFunction {
		return cudaFunction{size: int64(in[0].Shape.Size()), function: int32(u.Func), a: u.A, b: u.B, c: u.C}
	}
	switch o := o.(type) {
	case ops.Unary:
		f := function(o)
		return single(c, file, "unary", spread(fours(int(f.size))), func(b Buffers) cudaFunction {
			f := f
			f.dst, f.src = address(b.Out[0]), address(b.In[0])
			return f
		})
	case ops.UnaryBackward:
		f := function(ops.Unary(o))
		return single(c, file, "unary_backward", spread(fours(int(f.size))), func(b Buffers) cudaFunction {
			f := f
			f.dst, f.diff, f.src = address(b.Out[0]), address(b.In[0]), address(b.In[1])
			return f
		})
	}
	return nil, nil
}
