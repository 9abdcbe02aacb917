// Package resize gives NHWC images another size: nearest, bilinear and bicubic interpolation, and their gradients.
//
// An interpolation is linear, and rows and columns do not meet: each pixel of dst is a weighted sum of some rows, and of that one of some
// columns. The gradient is the same with the weights transposed. So one kernel runs both, on lists of weights made beforehand.
//
// Letters: N images, H×W pixels, C channels; P×Q pixels out. Arrays are float32, row-major.
//
// Files: resize.go the kernel; weights.go where pixels come from; ref.go the definition. Run allocates nothing, and its result does not
// depend on the number of workers; a value is used by one goroutine at a time.
package resize

import (
	"fmt"

	"github.com/meseta-go/meseta/kernels/cpu"
	"github.com/meseta-go/meseta/kernels/vec"
	"github.com/meseta-go/meseta/ops"
)

// Params are the shapes of src [N,H,W,C] and dst [N,P,Q,C], and how pixels are made.
type Params struct {
	N, H, W, C int
	P, Q       int
	Method     ops.Interpolation
}

func (p Params) check() error {
	if min(p.N, p.H, p.W, p.C, p.P, p.Q) < 1 {
		return fmt.Errorf("resize: [%d,%d,%d,%d] to %d×%d, want at least 1 everywhere: %w", p.N, p.H, p.W, p.C, p.P, p.Q, ops.ErrShape)
	}
	if p.Method > ops.Bicubic {
		return fmt.Errorf("resize: method %d, want nearest, bilinear or bicubic", p.Method)
	}
	return nil
}

// Resize computes dst from src, or the gradient of src from that of dst; see Run.
type Resize struct {
	dev        *cpu.Device
	n, c       int
	rows, cols Weights
	loops      *vec.Table
	dst, src   []float32
	sums       []float32 // of rows, for each worker
	task       func(i, worker int)
}

// NewForward makes a Resize of src [N,H,W,C] to dst [N,P,Q,C]. Its error wraps ops.ErrShape if there are no elements.
func NewForward(dev *cpu.Device, p Params) (*Resize, error) { return newResize(dev, p, false) }

// NewBackward makes a Resize of diffDst [N,P,Q,C] to diffSrc [N,H,W,C]. Its errors are those of NewForward.
func NewBackward(dev *cpu.Device, p Params) (*Resize, error) { return newResize(dev, p, true) }

func newResize(dev *cpu.Device, p Params, backward bool) (*Resize, error) {
	x := &Resize{dev: dev, n: p.N, c: p.C, loops: vec.For(dev.ISA())}
	var err error
	if x.rows, x.cols, err = NewWeights(p, backward); err != nil {
		return nil, err
	}
	x.sums = make([]float32, dev.Threads()*x.row())
	x.task = x.some
	return x, nil
}

// row is the number of elements between two workers' sums: a row of src, with room for a vector read at its last element.
func (x *Resize) row() int { return x.cols.In*x.c + 16 }

// Run writes dst from src; they do not overlap.
func (x *Resize) Run(dst, src []float32) {
	x.dst, x.src = dst, src
	x.dev.Parallel(x.n*x.rows.Out(), x.task)
}

// some makes one row of one image.
func (x *Resize) some(i, worker int) {
	image, p := i/x.rows.Out(), i%x.rows.Out()
	wide := x.cols.In * x.c
	at, weight := x.rows.of(p)
	row := func(k int) []float32 { return x.src[(image*x.rows.In+int(at[k]))*wide:][:wide] }
	dst := x.dst[i*x.cols.Out()*x.c:][:x.cols.Out()*x.c]
	if len(at) == 0 {
		clear(dst)
		return
	}
	src := row(0)
	if len(at) > 1 || weight[0] != 1 {
		sums := x.sums[worker*x.row():][:wide]
		x.loops.Affine(sums, src, weight[0], 0)
		for k := 1; k < len(at); k++ {
			x.loops.Average(sums, row(k), 1, weight[k])
		}
		src = sums
	}
	if x.c < narrow {
		x.pixels(dst, src)
		return
	}
	for q := range x.cols.Out() {
		at, weight := x.cols.of(q)
		pixel := dst[q*x.c:][:x.c]
		switch {
		case len(at) == 0:
			clear(pixel)
			continue
		case len(at) == 1 && weight[0] == 1:
			copy(pixel, src[int(at[0])*x.c:])
			continue
		}
		x.loops.Affine(pixel, src[int(at[0])*x.c:][:x.c], weight[0], 0)
		for k := 1; k < len(at); k++ {
			x.loops.Average(pixel, src[int(at[k])*x.c:][:x.c], 1, weight[k])
		}
	}
}

// narrow is the number of channels from which on a call of a loop pays for one pixel.
const narrow = 16

// pixels makes the pixels of a row, of few channels.
func (x *Resize) pixels(dst, src []float32) {
	c := x.c
	for q := range x.cols.Out() {
		at, weight := x.cols.of(q)
		for j, pixel := 0, dst[q*c:][:c]; j < c; j++ {
			sum := float32(0)
			for k, from := range at {
				sum += float32(src[int(from)*c+j] * weight[k])
			}
			pixel[j] = sum
		}
	}
}
