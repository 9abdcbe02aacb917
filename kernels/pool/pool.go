// Package pool reduces windows of NHWC images: maximum and average pooling and the global average, and their gradients.
//
// Letters: N images, H×W pixels, C channels; R×S window; P×Q pixels out. Arrays are float32, row-major: src [N,H,W,C],
// dst [N,P,Q,C].
//
// Files: pool.go parameters; max.go; average.go; global.go; ref.go the definition. The loops are in package vec. Run allocates nothing, and its
// result does not depend on the number of workers; a value is used by one goroutine at a time.
package pool

import (
	"fmt"

	"github.com/meseta-go/meseta/ops"
)

// Params are the shapes and steps of maximum and average pooling.
//
// Output pixel (p,q) is the maximum or the mean of the input pixels (p*StrideH - PadTop + r, q*StrideW - PadLeft + s), r < R, s < S, that lie in
// the image. The padding below and to the right follows from P and Q.
type Params struct {
	N, H, W, C       int // images; rows, columns and channels
	R, S             int // rows and columns of the window
	P, Q             int // rows and columns of dst
	StrideH, StrideW int // at least 1
	PadTop, PadLeft  int // rows above and columns left of the image
}

// Check tells whether a pooling can be made of p: every window has a pixel of the image. Its error wraps ops.ErrShape.
func (p Params) Check() error {
	for _, f := range []struct {
		name       string
		value, min int
	}{
		{"N", p.N, 1}, {"H", p.H, 1}, {"W", p.W, 1}, {"C", p.C, 1}, {"R", p.R, 1}, {"S", p.S, 1}, {"P", p.P, 1}, {"Q", p.Q, 1},
		{"StrideH", p.StrideH, 1}, {"StrideW", p.StrideW, 1}, {"PadTop", p.PadTop, 0}, {"PadLeft", p.PadLeft, 0},
	} {
		if f.value < f.min {
			return fmt.Errorf("pool: %s is %d, want at least %d: %w", f.name, f.value, f.min, ops.ErrShape)
		}
	}
	for _, e := range []struct {
		axis                         string
		in, out, window, stride, pad int
	}{
		{"height", p.H, p.P, p.R, p.StrideH, p.PadTop},
		{"width", p.W, p.Q, p.S, p.StrideW, p.PadLeft},
	} {
		if e.pad >= e.window {
			return fmt.Errorf("pool: %d of padding before the %s, a window of %d must reach the image; pad at most %d: %w",
				e.pad, e.axis, e.window, e.window-1, ops.ErrShape)
		}
		if last := (e.out-1)*e.stride - e.pad; last >= e.in {
			return fmt.Errorf("pool: the last of %d windows along the %s begins at %d, the image ends at %d; make fewer: %w",
				e.out, e.axis, last, e.in, ops.ErrShape)
		}
	}
	return nil
}

// clip gives the part of window `out` that lies in the image: from start, so many pixels.
func clip(out, in, window, stride, pad int) (start, count int) {
	start = out*stride - pad
	end := min(start+window, in)
	start = max(start, 0)
	return start, end - start
}

// SrcLen is the number of elements of src.
func (p Params) SrcLen() int { return p.N * p.H * p.W * p.C }

// DstLen is the number of elements of dst.
func (p Params) DstLen() int { return p.N * p.P * p.Q * p.C }

// overlap says whether two windows may share a pixel.
func (p Params) overlap() bool { return p.StrideH < p.R || p.StrideW < p.S }

// covers says whether each pixel lies in exactly one window.
func (p Params) covers() bool {
	return p.StrideH == p.R && p.StrideW == p.S && p.P*p.R-p.PadTop >= p.H && p.Q*p.S-p.PadLeft >= p.W
}
