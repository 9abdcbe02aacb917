package pool

import (
	"fmt"

	"github.com/meseta-go/meseta/kernels/cpu"
	"github.com/meseta-go/meseta/kernels/vec"
	"github.com/meseta-go/meseta/ops"
)

func checkGlobal(n, pixels, c int) error {
	if n < 1 || pixels < 1 || c < 1 {
		return fmt.Errorf("pool: global average of [%d,%d,%d], want at least [1,1,1]: %w", n, pixels, c, ops.ErrShape)
	}
	return nil
}

// GlobalAverageForward computes dst[n,c] = Σ src[n,pixel,c]/pixels. Sums are kept in float64.
type GlobalAverageForward struct {
	dev      *cpu.Device
	n        int
	task     func(i, worker int)
	dst, src []float32
}

// NewGlobalAverageForward makes a GlobalAverageForward of n images. Its error wraps ops.ErrShape if there are no elements.
func NewGlobalAverageForward(dev *cpu.Device, n, pixels, c int) (*GlobalAverageForward, error) {
	if err := checkGlobal(n, pixels, c); err != nil {
		return nil, err
	}
	x := &GlobalAverageForward{dev: dev, n: n}
	loop := vec.For(dev.ISA()).ColumnSums
	rows := vec.NewRows(pixels, c, pixels*c, 1)
	sums := make([]float64, dev.Threads()*rows.Padded())
	x.task = func(i, worker int) {
		sums := sums[worker*rows.Padded():][:rows.Padded()]
		clear(sums)
		src := x.src[i*pixels*c:][:pixels*c]
		wide := len(src) / rows.Width
		rest := wide * rows.Width
		loop(sums, src[:rest], wide, rows.Width)
		if rest < len(src) {
			loop(sums, src[rest:], 1, len(src)-rest)
		}
		rows.Fold(sums)
		dst := x.dst[i*c:][:c]
		for j := range dst {
			dst[j] = float32(sums[j] / float64(pixels))
		}
	}
	return x, nil
}

// Run computes dst [N,C] of src [N,pixels,C]. They do not overlap.
func (x *GlobalAverageForward) Run(dst, src []float32) {
	x.dst, x.src = dst, src
	x.dev.Parallel(x.n, x.task)
}

// GlobalAverageBackward computes diffSrc[n,pixel,c] = diffDst[n,c]/pixels.
type GlobalAverageBackward struct {
	dev              *cpu.Device
	n                int
	task             func(i, worker int)
	diffSrc, diffDst []float32
}

// NewGlobalAverageBackward makes a GlobalAverageBackward of n images. Its error wraps ops.ErrShape if there are no elements.
func NewGlobalAverageBackward(dev *cpu.Device, n, pixels, c int) (*GlobalAverageBackward, error) {
	if err := checkGlobal(n, pixels, c); err != nil {
		return nil, err
	}
	x := &GlobalAverageBackward{dev: dev, n: n}
	x.task = func(i, _ int) {
		image := x.diffSrc[i*pixels*c:][:pixels*c]
		for j, g := range x.diffDst[i*c:][:c] {
			image[j] = g / float32(pixels)
		}
		// What is written doubles with each copy, so that few channels do not mean many short ones.
		for done := c; done < len(image); done *= 2 {
			copy(image[done:], image[:done])
		}
	}
	return x, nil
}

// Run computes diffSrc [N,pixels,C] of diffDst [N,C]. They do not overlap.
func (x *GlobalAverageBackward) Run(diffSrc, diffDst []float32) {
	x.diffSrc, x.diffDst = diffSrc, diffDst
	x.dev.Parallel(x.n, x.task)
}
