package dropout

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/meseta-go/meseta/kernels/cpu"
	"github.com/meseta-go/meseta/kernels/vec"
	"github.com/meseta-go/meseta/kernels/vec/parity"
	"github.com/meseta-go/meseta/ops"
	"github.com/meseta-go/meseta/random"
)

func TestParity(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for i, n := range append([]int{vec.FlatChunk - 1, vec.FlatChunk + 1, 3*vec.FlatChunk + 39}, parity.Sizes...) {
		src := parity.Narrow(parity.Normal(rng, n))
		src[n/2] = float32(math.NaN())
		rate := []float32{0.25, 0.5, 0, 0.999, 1.0 / 3}[i%5]
		stream, seed, step := uint32(i), uint64(0x9e3779b97f4a7c15)*uint64(i), uint64(1)<<32+7
		want := make([]float32, n)
		Reference(want, src, rate, stream, seed, step)
		parity.Check(t, func(t *testing.T, dev *cpu.Device) (func(), [][]float32) {
			x, err := NewDropout(dev, n, rate, uint64(stream))
			require.NoError(t, err)
			in, dst, same := parity.In(src), parity.Out(t, n), parity.InOut(t, src)
			return func() { x.Run(dst, in, seed, step); x.Run(same, same, seed, step) }, [][]float32{dst, same}
		}, parity.Exactly(want), parity.Exactly(want))
	}
}

// Every threshold must cut where Uniform01 does, also next to it.
func TestThreshold(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	rates := []float32{0, 1e-45, 1.0 / (1 << 24), math.Nextafter32(1.0/(1<<24), 1), 0.1, 0.25, 0.3, 0.5, math.Nextafter32(0.5, 1), math.Nextafter32(1, 0)}
	for range 1000 {
		rates = append(rates, rng.Float32())
	}
	for _, rate := range rates {
		cut := threshold(rate)
		require.GreaterOrEqual(t, random.Uniform01(cut), rate, "%g", rate)
		if cut > 0 {
			require.Less(t, random.Uniform01(cut-1), rate, "%g", rate)
		}
	}
}

func TestKeepsTheRightFraction(t *testing.T) {
	parity.Each(t, func(t *testing.T, dev *cpu.Device) {
		const n, rate = 200_000, 0.3
		x, err := NewDropout(dev, n, rate, 1)
		require.NoError(t, err)
		ones, dst, other := make([]float32, n+16), make([]float32, n+16), make([]float32, n+16)
		for i := range ones {
			ones[i] = 1
		}
		x.Run(dst, ones, 5, 6)
		x.Run(other, ones, 5, 7)
		kept, both := 0.0, 0.0
		for i, d := range dst[:n] {
			if d != 0 {
				require.InDelta(t, 1/0.7, d, 1e-6)
				kept++
				if other[i] != 0 {
					both++
				}
			}
		}
		assert.InDelta(t, 0.7, kept/n, 4*math.Sqrt(0.21/n))
		assert.InDelta(t, 0.49, both/n, 0.005) // steps are independent
	})
}

func TestNoAllocation(t *testing.T) {
	a := make([]float32, 40000+16)
	parity.NoAllocation(t, func(t *testing.T, dev *cpu.Device) (func(), [][]float32) {
		x, err := NewDropout(dev, 40000, 0.5, 0)
		require.NoError(t, err)
		return func() { x.Run(a, a, 1, 2) }, nil
	})
}

func TestErrors(t *testing.T) {
	dev := parity.Device(t, cpu.Portable, 1)
	for _, rate := range []float32{-0.1, 1, float32(math.NaN())} {
		_, err := NewDropout(dev, 8, rate, 0)
		assert.ErrorContains(t, err, "want 0 ≤ rate < 1")
	}
	_, err := NewDropout(dev, 0, 0.5, 0)
	assert.ErrorIs(t, err, ops.ErrShape)
	_, err = NewDropout(dev, 8, 0.5, 1<<32)
	assert.ErrorContains(t, err, "stream is 4294967296")
}
