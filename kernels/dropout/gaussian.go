package dropout

import (
	"fmt"
	"math"

	"github.com/meseta-go/meseta/kernels/cpu"
	"github.com/meseta-go/meseta/kernels/vec"
	"github.com/meseta-go/meseta/random"
)

// Gaussian computes dst[i] = src[i] + deviation·z[i], or src[i]·(1 + deviation·z[i]), where z is normally distributed with mean 0 and
// deviation 1.
//
// z[i] for i = 4·b to 4·b+3 are two pairs of Box and Muller's (1958), of words 0, 1 and 2, 3 of Philox(seed, Counter(random.Dropout, stream,
// step, b)): √(-2·ln(1-u))·cos(2πv) and the same with sin, u and v being the words' Uniform01. dst may be src.
//
// Logarithm, sine and cosine are polynomials in float32, within 2e-7 of the largest z, and the same everywhere.
type Gaussian struct {
	flat   vec.Flat
	stream uint32

	dst, src []float32
	seed     uint64
	counter  [4]uint32
}

// NewNoise makes a Gaussian of n elements that adds; stream differs for each layer of a model.
//
// It returns an error if deviation is negative or not finite, or stream not in 32 bits, and one that wraps ops.ErrShape if n does not lie
// between 1 and 2³⁴.
func NewNoise(dev *cpu.Device, n int, deviation float32, stream uint64) (*Gaussian, error) {
	return newGaussian(dev, "gaussian noise", n, deviation, stream, false)
}

// NewGaussianDropout makes a Gaussian that multiplies; the rest is as for NewNoise.
func NewGaussianDropout(dev *cpu.Device, n int, deviation float32, stream uint64) (*Gaussian, error) {
	return newGaussian(dev, "gaussian dropout", n, deviation, stream, true)
}

func newGaussian(dev *cpu.Device, name string, n int, deviation float32, stream uint64, multiply bool) (*Gaussian, error) {
	if err := CheckNoise(name, n, deviation, stream); err != nil {
		return nil, err
	}
	x := &Gaussian{stream: uint32(stream)}
	var err error
	x.flat, err = vec.NewFlat(dev, name, n, func(start, end int) {
		// Chunks are multiples of four elements, so that each begins with a block.
		counter := x.counter
		counter[0] = uint32(start / 4)
		dst, src := x.dst[start:end], x.src[start:end]
		var z [4]float32
		for ; len(src) > 0; counter[0]++ {
			z[0], z[1], z[2], z[3] = normals(random.Philox(x.seed, counter))
			if len(src) < 4 {
				change(dst, src, z[:], deviation, multiply)
				return
			}
			change(dst[:4], src[:4], z[:], deviation, multiply)
			dst, src = dst[4:], src[4:]
		}
	})
	return x, err
}

// CheckNoise gives the errors of NewNoise and NewGaussianDropout, on any device, but for that of no elements.
func CheckNoise(name string, n int, deviation float32, stream uint64) error {
	if !(deviation >= 0) || math.IsInf(float64(deviation), 0) {
		return fmt.Errorf("%s: deviation is %g, want a finite number of at least 0", name, deviation)
	}
	return checkStream(name, n, stream)
}

func change(dst, src, z []float32, deviation float32, multiply bool) {
	dst, z = dst[:len(src)], z[:len(src)]
	if multiply {
		for i, v := range src {
			dst[i] = v * (1 + float32(z[i]*deviation))
		}
		return
	}
	for i, v := range src {
		dst[i] = v + float32(z[i]*deviation)
	}
}

// Run computes dst [n] of src [n], for the run's seed and the number of the update, at most random.MaxStep.
func (x *Gaussian) Run(dst, src []float32, seed, step uint64) {
	n := x.flat.N()
	x.dst, x.src, x.seed = dst[:n], src[:n], seed
	x.counter = random.Counter(random.Dropout, x.stream, step, 0)
	x.flat.Do()
}
