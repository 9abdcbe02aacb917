// Package conv computes two-dimensional convolutions of NHWC images and their gradients:
//
//	Forward          dst         = act(conv2d(src, weights) + bias + residual)
//	BackwardData     diffSrc     = the gradient of src, given diffDst and weights
//	BackwardWeights  diffWeights = the gradient of weights, given src and diffDst; diffBias likewise
//
// Shapes are fixed when a value is made, so that Run neither checks, chooses nor allocates. Convolution here is what
// machine learning calls so: a cross-correlation, the filter is not flipped.
//
// Letters: N images, H×W pixels and C channels in; R×S filter; P×Q pixels and K channels out; G groups of channels. Arrays are row-major:
// src [N,H,W,C], weights [R,S,C/G,K], bias [K], dst [N,P,Q,K].
//
// Files: conv2d.go parameters; ref.go the definition in plain loops; forward.go, backward_data.go and backward_weights.go the
// three passes; choose.go which variant they take; load.go how they take src. The variants: direct.go, pixels.go and, for weights,
// correlation.go and pixels_weights.go, implicit GEMM over the micro-kernels of package tile; winograd.go, winograd_panels.go,
// winograd_weights.go and winograd_panels_weights.go, Winograd's F(4×4,3×3) with transform*.go; for convolutions in groups
// depthwise.go and depthwise_weights.go with strips.go where each channel of src is a group of its own, and grouped.go, which lets one
// of the others do a few groups at a time. Pooling does not live here.
package conv

import (
	"fmt"
	"math"

	"github.com/meseta-go/meseta/ops"
)

// Params are the shapes and steps of one convolution.
//
// Output pixel (p,q) reads the input pixels (p*StrideH - PadTop + r*DilationH, q*StrideW - PadLeft + s*DilationW) for
// every filter row r and column s; pixels outside the image count as zero. The padding below and to the right follows
// from P and Q, which may also leave input rows unread.
type Params struct {
	N, H, W, C           int // images; rows, columns and channels of src
	R, S, K              int // rows and columns of the filter; channels of dst
	Groups               int // of channels: those of dst read the same group of src only; 0 means 1
	P, Q                 int // rows and columns of dst
	StrideH, StrideW     int // at least 1
	DilationH, DilationW int // at least 1: the distance of neighbouring filter elements
	PadTop, PadLeft      int // zero rows above and zero columns left of the image

	Load ops.Load // how Forward and BackwardWeights take src; see LoadingPays

	Fixed bool // weights stay the same in many runs: Forward may prepare them at a price
	Exact bool // leave out algorithms that round more than sums in plain order do, that is Winograd's
}

// maxElements bounds each array, so that sizes in bytes and sums of offsets stay far from overflow.
const maxElements = 1 << 40

// Check tells whether a convolution can be made of p. Its error wraps ops.ErrShape.
func (p Params) Check() error {
	for _, f := range []struct {
		name       string
		value, min int
	}{
		{"N", p.N, 1}, {"H", p.H, 1}, {"W", p.W, 1}, {"C", p.C, 1}, {"R", p.R, 1}, {"S", p.S, 1}, {"K", p.K, 1}, {"P", p.P, 1}, {"Q", p.Q, 1},
		{"StrideH", p.StrideH, 1}, {"StrideW", p.StrideW, 1}, {"DilationH", p.DilationH, 1}, {"DilationW", p.DilationW, 1},
		{"PadTop", p.PadTop, 0}, {"PadLeft", p.PadLeft, 0}, {"Groups", p.Groups, 0},
	} {
		if f.value < f.min || f.value > math.MaxInt32 {
			return fmt.Errorf("conv: %s is %d, it must lie between %d and %d: %w", f.name, f.value, f.min, math.MaxInt32, ops.ErrShape)
		}
	}
	if g := p.groups(); p.C%g != 0 || p.K%g != 0 {
		return fmt.Errorf("conv: %d channels in and %d out cannot be cut into %d groups: %w", p.C, p.K, g, ops.ErrShape)
	}
	if err := p.checkLoad(); err != nil {
		return err
	}
	for _, a := range []struct {
		name string
		dims []int
	}{
		{"src [N,H,W,C]", []int{p.N, p.H, p.W, p.C}},
		{"weights [R,S,C/G,K]", []int{p.R, p.S, p.C / p.groups(), p.K}},
		{"dst [N,P,Q,K]", []int{p.N, p.P, p.Q, p.K}},
	} {
		n := 1.0
		for _, d := range a.dims {
			n *= float64(d)
		}
		if n > maxElements {
			return fmt.Errorf("conv: %s is %v, more than %d elements: %w", a.name, a.dims, maxElements, ops.ErrShape)
		}
	}
	// A filter may lie wholly in padding (a 1×1 filter on a padded image does), but the padded image must be thinkable.
	if h, w := p.paddedRows(), p.paddedColumns(); float64(h)*float64(w)*float64(p.C) > maxElements {
		return fmt.Errorf("conv: outputs %d×%d need a padded image of [%d,%d,%d], more than %d elements; ask for fewer outputs or less padding: %w",
			p.P, p.Q, h, w, p.C, maxElements, ops.ErrShape)
	}
	return nil
}

// groups is the number of groups, at least 1, and one the convolution of a single group.
func (p Params) groups() int { return max(1, p.Groups) }

func (p Params) one() Params {
	p.C, p.K, p.Groups = p.C/p.groups(), p.K/p.groups(), 1
	return p
}

// depthwise says whether each channel of src is a group of its own.
func (p Params) depthwise() bool { return p.Groups > 1 && p.Groups == p.C }

// FLOPs counts multiplications and additions of one pass: 2·N·P·Q·K·R·S·C/G, products with padding included, as is usual.
func (p Params) FLOPs() int64 {
	return 2 * int64(p.N) * int64(p.P) * int64(p.Q) * int64(p.K) * int64(p.R) * int64(p.S) * int64(p.C/p.groups())
}

// paddedRows and paddedColumns are the size of the smallest padded image in which every filter lies.
func (p Params) paddedRows() int    { return (p.P-1)*p.StrideH + (p.R-1)*p.DilationH + 1 }
func (p Params) paddedColumns() int { return (p.Q-1)*p.StrideW + (p.S-1)*p.DilationW + 1 }

// SrcLen, WeightsLen and DstLen are the lengths in elements of src, weights and dst.
func (p Params) SrcLen() int     { return p.N * p.H * p.W * p.C }
func (p Params) WeightsLen() int { return p.R * p.S * p.C / p.groups() * p.K }
func (p Params) DstLen() int     { return p.N * p.P * p.Q * p.K }

func (p Params) String() string {
	s := fmt.Sprintf("%d×%d×%d×%d→%d×%d×%d filter %d×%d stride %d×%d dilation %d×%d pad %d,%d",
		p.N, p.H, p.W, p.C, p.P, p.Q, p.K, p.R, p.S, p.StrideH, p.StrideW, p.DilationH, p.DilationW, p.PadTop, p.PadLeft)
	if p.groups() > 1 {
		s += fmt.Sprintf(" groups %d", p.Groups)
	}
	return s
}

// Epilogue is what Forward does with each sum before it stores it: dst = Activation(sum + bias + residual).
type Epilogue struct {
	Bias       bool           // add bias[k]
	Add        bool           // add a residual, such as what a shortcut brings; that wants a single group
	Activation ops.Activation // ops.Linear, ops.ReLU or ops.ReLU6
}

func (e Epilogue) check() error {
	if e.Activation != ops.Linear && e.Activation != ops.ReLU && e.Activation != ops.ReLU6 {
		return fmt.Errorf("conv: activation %v cannot be fused, only %v, %v and %v can: %w", e.Activation, ops.Linear, ops.ReLU, ops.ReLU6, ops.ErrShape)
	}
	return nil
}
