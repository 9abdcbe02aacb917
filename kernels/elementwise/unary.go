package elementwise

import (
	"github.com/meseta-go/meseta/kernels/cpu"
	"github.com/meseta-go/meseta/kernels/vec"
	"github.com/meseta-go/meseta/ops"
)

// Unary computes dst = f(src).
type Unary struct {
	flat     vec.Flat
	dst, src []float32
}

// NewUnary makes a Unary of n elements. Its error wraps ops.ErrShape if n is less than 1.
func NewUnary(dev *cpu.Device, n int, o ops.Unary) (*Unary, error) {
	x, loop, p := &Unary{}, vec.Unary(dev.ISA(), o.Func).Forward, &vec.Parameters{A: o.A, B: o.B, C: o.C}
	var err error
	x.flat, err = vec.NewFlat(dev, o.Name(), n, func(start, end int) { loop(x.dst[start:end], x.src[start:end], p) })
	return x, err
}

// Run computes dst [n] of src [n].
func (x *Unary) Run(dst, src []float32) {
	n := x.flat.N()
	x.dst, x.src = dst[:n], src[:n]
	x.flat.Do()
}

// UnaryBackward computes diffSrc = diffDst·f′.
type UnaryBackward struct {
	flat                   vec.Flat
	diffSrc, diffDst, from []float32
}

// NewUnaryBackward makes a UnaryBackward of n elements. Its error wraps ops.ErrShape if n is less than 1.
func NewUnaryBackward(dev *cpu.Device, n int, o ops.UnaryBackward) (*UnaryBackward, error) {
	x, loop, p := &UnaryBackward{}, vec.Unary(dev.ISA(), o.Func).Backward, &vec.Parameters{A: o.A, B: o.B, C: o.C}
	var err error
	x.flat, err = vec.NewFlat(dev, o.Name(), n, func(start, end int) {
		loop(x.diffSrc[start:end], x.diffDst[start:end], x.from[start:end], p)
	})
	return x, err
}

// Run computes diffSrc [n] of diffDst [n] and src [n], or dst [n] where the function's FromDst says so.
func (x *UnaryBackward) Run(diffSrc, diffDst, from []float32) {
	n := x.flat.N()
	x.diffSrc, x.diffDst, x.from = diffSrc[:n], diffDst[:n], from[:n]
	x.flat.Do()
}
