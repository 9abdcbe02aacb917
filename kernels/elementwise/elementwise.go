// Package elementwise computes functions of single elements, of pairs of them that may be broadcast, the addition of a bias to every row, and
// its gradient, the sum of all rows. Dropout and the optimizers' steps have packages of their own; activations that follow a convolution or a matrix
// product are applied by those.
//
// Files: elementwise.go ReLU, sums and what else networks are full of; unary.go and binary.go all other functions; rows.go bias and column
// sums; ref.go and ref_functions.go the definition.
//
// All arrays are float32. dst may be the same slice as a source. A value is used by one goroutine at a time; Run allocates
// nothing, and its result does not depend on the number of workers.
package elementwise

import (
	"github.com/meseta-go/meseta/kernels/cpu"
	"github.com/meseta-go/meseta/kernels/vec"
	"github.com/meseta-go/meseta/ops"
)

// ReLU computes dst = max(src, 0), or min(max(src, 0), 6). NaN stays NaN.
type ReLU struct {
	flat     vec.Flat
	dst, src []float32
}

// NewReLU makes a ReLU of n elements, or if a is ops.ReLU6 that. Its error wraps ops.ErrShape if n is less than 1.
func NewReLU(dev *cpu.Device, n int, a ops.Activation) (*ReLU, error) {
	x, loop := &ReLU{}, vec.For(dev.ISA()).ReLU
	if a == ops.ReLU6 {
		loop = vec.For(dev.ISA()).ReLU6
	}
	var err error
	x.flat, err = vec.NewFlat(dev, a.String(), n, func(start, end int) { loop(x.dst[start:end], x.src[start:end]) })
	return x, err
}

// Run computes dst [n] of src [n].
func (x *ReLU) Run(dst, src []float32) {
	n := x.flat.N()
	x.dst, x.src = dst[:n], src[:n]
	x.flat.Do()
}

// ReLUBackward computes diffSrc = diffDst where dst > 0, and of ReLU6 dst < 6, else 0, of ReLU's dst.
type ReLUBackward struct {
	flat                  vec.Flat
	diffSrc, diffDst, dst []float32
}

// NewReLUBackward makes a ReLUBackward of n elements for NewReLU's of the same a. Its error wraps ops.ErrShape if n is less than 1.
func NewReLUBackward(dev *cpu.Device, n int, a ops.Activation) (*ReLUBackward, error) {
	x, loop := &ReLUBackward{}, vec.For(dev.ISA()).ReLUBackward
	if a == ops.ReLU6 {
		loop = vec.For(dev.ISA()).ReLU6Backward
	}
	var err error
	x.flat, err = vec.NewFlat(dev, a.String()+" backward", n, func(start, end int) {
		loop(x.diffSrc[start:end], x.diffDst[start:end], x.dst[start:end])
	})
	return x, err
}

// Run computes diffSrc [n] of diffDst [n] and dst [n].
func (x *ReLUBackward) Run(diffSrc, diffDst, dst []float32) {
	n := x.flat.N()
	x.diffSrc, x.diffDst, x.dst = diffSrc[:n], diffDst[:n], dst[:n]
	x.flat.Do()
}

// Add computes dst = a + b.
type Add struct {
	flat      vec.Flat
	dst, a, b []float32
}

// NewAdd makes an Add of n elements. Its error wraps ops.ErrShape if n is less than 1.
func NewAdd(dev *cpu.Device, n int) (*Add, error) {
	x, loops := &Add{}, vec.For(dev.ISA())
	var err error
	x.flat, err = vec.NewFlat(dev, "add", n, func(start, end int) { loops.Add(x.dst[start:end], x.a[start:end], x.b[start:end]) })
	return x, err
}

// Run computes dst [n] of a [n] and b [n].
func (x *Add) Run(dst, a, b []float32) {
	n := x.flat.N()
	x.dst, x.a, x.b = dst[:n], a[:n], b[:n]
	x.flat.Do()
}

// Affine computes dst = src·scale + offset.
type Affine struct {
	flat     vec.Flat
	dst, src []float32
}

// NewAffine makes an Affine of n elements. Its error wraps ops.ErrShape if n is less than 1.
func NewAffine(dev *cpu.Device, n int, scale, offset float32) (*Affine, error) {
	x, loops := &Affine{}, vec.For(dev.ISA())
	var err error
	x.flat, err = vec.NewFlat(dev, "affine", n, func(start, end int) {
		loops.Affine(x.dst[start:end], x.src[start:end], scale, offset)
	})
	return x, err
}

// Run computes dst [n] of src [n].
func (x *Affine) Run(dst, src []float32) {
	n := x.flat.N()
	x.dst, x.src = dst[:n], src[:n]
	x.flat.Do()
}
