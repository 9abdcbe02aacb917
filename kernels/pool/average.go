package pool

import (
	"github.com/meseta-go/meseta/kernels/cpu"
	"github.com/meseta-go/meseta/kernels/vec"
)

// AverageForward computes dst = the mean of the part of every window of src that lies in the image, for each channel. Sums are kept in
// float64.
type AverageForward struct {
	dev      *cpu.Device
	params   Params
	task     func(i, worker int)
	dst, src []float32
}

// NewAverageForward makes an AverageForward. Its error wraps ops.ErrShape; see Params.Check.
func NewAverageForward(dev *cpu.Device, p Params) (*AverageForward, error) {
	if err := p.Check(); err != nil {
		return nil, err
	}
	x := &AverageForward{dev: dev, params: p}
	loop := vec.For(dev.ISA()).ColumnSums
	padded := p.C + padding
	sums := make([]float64, dev.Threads()*padded)
	x.task = func(i, worker int) {
		sums := sums[worker*padded:][:padded]
		p.windows(i/p.P, i%p.P, func(src, dst, count, r, s int) {
			part := 1 / float64(r*s)
			for range count {
				clear(sums[:p.C])
				for y := range r {
					// The pixels of a row of the window are rows of C elements.
					loop(sums, x.src[src+y*p.W*p.C:][:s*p.C], s, p.C)
				}
				for j, sum := range sums[:p.C] {
					x.dst[dst+j] = float32(sum * part)
				}
				src, dst = src+p.StrideW*p.C, dst+p.C
			}
		})
	}
	return x, nil
}

// padding is the room that loops want behind a row of sums.
const padding = 16

// Run computes dst [N,P,Q,C] of src [N,H,W,C]. They do not overlap.
func (x *AverageForward) Run(dst, src []float32) {
	x.dst, x.src = dst[:x.params.DstLen()], src[:x.params.SrcLen()]
	x.dev.Parallel(x.params.N*x.params.P, x.task)
}

// AverageBackward computes the gradient of AverageForward: each pixel of a window gets diffDst over their number; where windows
// overlap, gradients add up in the order of the windows.
type AverageBackward struct {
	dev              *cpu.Device
	params           Params
	task             func(i, worker int)
	diffSrc, diffDst []float32
}

// NewAverageBackward makes an AverageBackward. Its error wraps ops.ErrShape; see Params.Check.
func NewAverageBackward(dev *cpu.Device, p Params) (*AverageBackward, error) {
	if err := p.Check(); err != nil {
		return nil, err
	}
	x := &AverageBackward{dev: dev, params: p}
	loops := vec.For(dev.ISA())
	// One row of a window as it is added to the image: a pixel's part of the gradient, repeated.
	width := p.S*p.C + padding
	rows := make([]float32, dev.Threads()*width)
	// Images share no pixel, so that a worker writes to its own alone and windows of an image come in order.
	size := p.H * p.W * p.C
	x.task = func(i, worker int) {
		row := rows[worker*width:][:width]
		if !p.covers() {
			clear(x.diffSrc[i*size:][:size])
		}
		for y := range p.P {
			p.windows(i, y, func(src, dst, count, r, s int) {
				part := 1 / float32(r*s)
				for range count {
					loops.Affine(row[:p.C], x.diffDst[dst:][:p.C], part, 0)
					for done := p.C; done < s*p.C; done *= 2 {
						copy(row[done:s*p.C], row[:done])
					}
					for y := range r {
						into := x.diffSrc[src+y*p.W*p.C:][:s*p.C]
						if p.overlap() {
							loops.Add(into, into, row)
						} else {
							copy(into, row)
						}
					}
					src, dst = src+p.StrideW*p.C, dst+p.C
				}
			})
		}
	}
	return x, nil
}

// Run computes diffSrc [N,H,W,C] of diffDst [N,P,Q,C]. They do not overlap.
func (x *AverageBackward) Run(diffSrc, diffDst []float32) {
	x.diffSrc, x.diffDst = diffSrc[:x.params.SrcLen()], diffDst[:x.params.DstLen()]
	x.dev.Parallel(x.params.N, x.task)
}
