// Package dropout changes a tensor at random: it zeroes elements (Dropout) or whole channels of samples (Spatial), or adds or multiplies
// normally distributed numbers (Gaussian). The random numbers are those of package random, computed again where they are needed: no
// mask is kept, and where something is zeroed or multiplied the same call on the gradient is the backward pass.
//
// Files: dropout.go; spatial.go; gaussian.go, with numbers from normal.go; ref.go the definition. Dropout's loop is in package vec, with Philox 4×32-10.
package dropout

import (
	"fmt"
	"math"

	"github.com/meseta-go/meseta/kernels/cpu"
	"github.com/meseta-go/meseta/kernels/vec"
	"github.com/meseta-go/meseta/ops"
	"github.com/meseta-go/meseta/random"
)

// Dropout computes dst[i] = src[i]/(1-rate) where random number i is at least rate, else 0 (Srivastava et al. 2014, inverted).
//
// Random number i is Uniform01 of word i%4 of Philox(seed, Counter(random.Dropout, stream, step, i/4)). dst may be src.
type Dropout struct {
	flat      vec.Flat
	stream    uint32
	threshold uint32  // a word at least this large keeps its element
	scale     float32 // 1/(1-rate)

	dst, src []float32
	seed     uint64
	counter  [4]uint32
}

// NewDropout makes a Dropout of n elements; stream differs for each layer of a model.
//
// It returns an error if rate does not lie in [0,1) or stream in 32 bits, and one that wraps ops.ErrShape if n does not lie between
// 1 and 2³⁴, the length of a random stream.
func NewDropout(dev *cpu.Device, n int, rate float32, stream uint64) (*Dropout, error) {
	least, scale, err := Constants(n, rate, stream)
	if err != nil {
		return nil, err
	}
	x, loops := &Dropout{stream: uint32(stream), threshold: least, scale: scale}, vec.For(dev.ISA())
	x.flat, err = vec.NewFlat(dev, "dropout", n, func(start, end int) {
		// Chunks are multiples of four elements, so that each begins with a block.
		c := &x.counter
		loops.Dropout(x.dst[start:end], x.src[start:end], x.seed, uint32(start/4), c[1], c[2], c[3], x.threshold, x.scale)
	})
	return x, err
}

// Constants gives what decides on each element on any device: the least random word that keeps it, and what it is then multiplied by. Its errors
// are those of NewDropout.
func Constants(n int, rate float32, stream uint64) (least uint32, scale float32, err error) {
	if err := checkRate("dropout", rate); err != nil {
		return 0, 0, err
	}
	if err := checkStream("dropout", n, stream); err != nil {
		return 0, 0, err
	}
	return threshold(rate), float32(1 / (1 - float64(rate))), nil
}

func checkRate(name string, rate float32) error {
	if !(rate >= 0 && rate < 1) {
		return fmt.Errorf("%s: rate is %g, want 0 ≤ rate < 1: it is the fraction of elements to drop", name, rate)
	}
	return nil
}

// checkStream says whether a stream of n random numbers, as many as elements, can be had.
func checkStream(name string, n int, stream uint64) error {
	if stream > math.MaxUint32 {
		return fmt.Errorf("%s: stream is %d, want at most %d: number the layers of a model from 0", name, stream, uint32(math.MaxUint32))
	}
	if n > 1<<34 {
		return fmt.Errorf("%s: %d random numbers, want at most 2³⁴: %w", name, n, ops.ErrShape)
	}
	return nil
}

// threshold is the least word w with Uniform01(w) ≥ rate. Uniform01 has steps of 2⁻²⁴ and ignores the low 8 bits.
func threshold(rate float32) uint32 { return uint32(math.Ceil(float64(rate)*(1<<24))) << 8 }

// Run computes dst [n] of src [n], for the run's seed and the number of the update, at most random.MaxStep.
func (x *Dropout) Run(dst, src []float32, seed, step uint64) {
	n := x.flat.N()
	x.dst, x.src, x.seed = dst[:n], src[:n], seed
	x.counter = random.Counter(random.Dropout, x.stream, step, 0)
	x.flat.Do()
}
