package dropout

import (
	"fmt"
	"math"

	"github.com/meseta-go/meseta/kernels/cpu"
	"github.com/meseta-go/meseta/kernels/vec"
	"github.com/meseta-go/meseta/ops"
	"github.com/meseta-go/meseta/random"
)

// Spatial computes dst[n,p,c] = src[n,p,c]/(1-rate) where the random number of sample n and channel c is at least rate, else 0
// (arXiv:1411.4280).
//
// That number is Uniform01 of word c%4 of Philox(seed, Counter(random.Dropout, stream, step, n·B + c/4)), where B = ⌈C/4⌉. dst may be src.
type Spatial struct {
	dev       *cpu.Device
	n         int
	stream    uint32
	threshold uint32
	task      func(i, worker int)

	dst, src []float32
	seed     uint64
	counter  [4]uint32
}

// NewSpatial makes a Spatial of n samples of so many positions and c channels; stream differs for each layer of a model.
//
// It returns the errors of NewDropout, of n samples of c channels rounded up to fours.
func NewSpatial(dev *cpu.Device, n, positions, c int, rate float32, stream uint64) (*Spatial, error) {
	if n < 1 || positions < 1 || c < 1 {
		return nil, fmt.Errorf("spatial dropout: [%d,%d,%d], want at least [1,1,1]: %w", n, positions, c, ops.ErrShape)
	}
	if err := checkRate("spatial dropout", rate); err != nil {
		return nil, err
	}
	blocks := (c + 3) / 4
	if err := checkStream("spatial dropout", 4*n*blocks, stream); err != nil {
		return nil, err
	}
	x := &Spatial{dev: dev, n: n, stream: uint32(stream), threshold: threshold(rate)}
	scale := float32(1 / (1 - float64(rate)))
	// A short row is repeated, as vec.Rows says. masks has all bits of a number that stays, none of one that goes.
	width := vec.NewRows(positions, c, positions*c, 1).Width
	masks := make([]uint32, dev.Threads()*width)
	x.task = func(i, worker int) {
		mask := masks[worker*width:][:width]
		x.draw(mask[:c], uint32(i*blocks))
		for done := c; done < width; done *= 2 {
			copy(mask[done:], mask[:done])
		}
		dst, src := x.dst[i*positions*c:][:positions*c], x.src[i*positions*c:][:positions*c]
		for len(src) > 0 {
			k := min(width, len(src))
			keep(dst[:k], src[:k], mask, scale)
			dst, src = dst[k:], src[k:]
		}
	}
	return x, nil
}

// draw gives the masks of the channels of a sample, whose random numbers start at block.
func (x *Spatial) draw(mask []uint32, block uint32) {
	for i := 0; i < len(mask); i += 4 {
		words := random.Philox(x.seed, [4]uint32{block, x.counter[1], x.counter[2], x.counter[3]})
		block++
		for j := range mask[i:min(i+4, len(mask))] {
			mask[i+j] = 0
			if words[j] >= x.threshold {
				mask[i+j] = math.MaxUint32
			}
		}
	}
}

// keep computes dst[i] = src[i]·scale where mask[i] is all ones, else 0, also of a NaN.
func keep(dst, src []float32, mask []uint32, scale float32) {
	src, mask = src[:len(dst)], mask[:len(dst)]
	for i, v := range src {
		dst[i] = math.Float32frombits(math.Float32bits(v*scale) & mask[i])
	}
}

// Run computes dst of src, both [n,positions,c], for the run's seed and the number of the update, at most random.MaxStep.
func (x *Spatial) Run(dst, src []float32, seed, step uint64) {
	x.dst, x.src, x.seed = dst, src, seed
	x.counter = random.Counter(random.Dropout, x.stream, step, 0)
	x.dev.Parallel(x.n, x.task)
}
