package pool

import (
	"github.com/meseta-go/meseta/kernels/cpu"
	"github.com/meseta-go/meseta/kernels/vec"
)

// windows walks over a row of windows: loop is called for runs of windows that are clipped alike, with the first window's place in src
// and dst (in elements), their number, and their rows and columns.
//
// Windows inside the image make one run, and those that hang over an edge one each.
func (p Params) windows(image, row int, loop func(src, dst, count, r, s int)) {
	y, r := clip(row, p.H, p.R, p.StrideH, p.PadTop)
	for q := 0; q < p.Q; {
		x, s := clip(q, p.W, p.S, p.StrideW, p.PadLeft)
		count := 1
		if s == p.S && x == q*p.StrideW-p.PadLeft {
			// The windows from here on whose end, x + i·StrideW + S, is inside.
			count = min(p.Q-q, (p.W-p.S-x)/p.StrideW+1)
		}
		loop(((image*p.H+y)*p.W+x)*p.C, ((image*p.P+row)*p.Q+q)*p.C, count, r, s)
		q += count
	}
}

// MaxForward computes dst = the maximum of every window of src, for each channel. NaN counts only where it comes first.
type MaxForward struct {
	dev      *cpu.Device
	params   Params
	task     func(i, worker int)
	dst, src []float32
}

// NewMaxForward makes a MaxForward. Its error wraps ops.ErrShape; see Params.Check.
func NewMaxForward(dev *cpu.Device, p Params) (*MaxForward, error) {
	if err := p.Check(); err != nil {
		return nil, err
	}
	x := &MaxForward{dev: dev, params: p}
	maxPool := vec.For(dev.ISA()).MaxPool
	x.task = func(i, _ int) {
		p.windows(i/p.P, i%p.P, func(src, dst, count, r, s int) {
			maxPool(x.dst[dst:], x.src[src:], count, p.C, r, s, p.StrideW*p.C, p.W*p.C)
		})
	}
	return x, nil
}

// Run computes dst [N,P,Q,C] of src [N,H,W,C]. They do not overlap.
func (x *MaxForward) Run(dst, src []float32) {
	x.dst, x.src = dst[:x.params.DstLen()], src[:x.params.SrcLen()]
	x.dev.Sweep(x.params.N*x.params.P, x.task)
}

// MaxBackward computes the gradient of MaxForward: diffDst goes to the first element, by rows of the window, that equals dst; where
// windows overlap, gradients add up in the order of the windows.
type MaxBackward struct {
	dev                        *cpu.Device
	params                     Params
	task                       func(i, worker int)
	diffSrc, diffDst, src, dst []float32
}

// NewMaxBackward makes a MaxBackward. Its error wraps ops.ErrShape; see Params.Check.
func NewMaxBackward(dev *cpu.Device, p Params) (*MaxBackward, error) {
	if err := p.Check(); err != nil {
		return nil, err
	}
	x := &MaxBackward{dev: dev, params: p}
	variant := 0
	if p.overlap() {
		variant = 1
	}
	backward := vec.For(dev.ISA()).MaxPoolBackward[variant]
	// Images share no pixel, so that a worker writes to its own alone and windows of an image come in order.
	size := p.H * p.W * p.C
	x.task = func(i, _ int) {
		if !p.covers() {
			clear(x.diffSrc[i*size:][:size])
		}
		for row := range p.P {
			p.windows(i, row, func(src, dst, count, r, s int) {
				backward(x.diffSrc[src:], x.diffDst[dst:], x.src[src:], x.dst[dst:], count, p.C, r, s, p.StrideW*p.C, p.W*p.C)
			})
		}
	}
	return x, nil
}

// Run computes diffSrc [N,H,W,C] of diffDst [N,P,Q,C], src [N,H,W,C] and dst [N,P,Q,C]. diffSrc overlaps none of them.
func (x *MaxBackward) Run(diffSrc, diffDst, src, dst []float32) {
	from, to := x.params.SrcLen(), x.params.DstLen()
	x.diffSrc, x.diffDst, x.src, x.dst = diffSrc[:from], diffDst[:to], src[:from], dst[:to]
	x.dev.Sweep(x.params.N, x.task)
}
