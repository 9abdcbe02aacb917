package dropout

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/meseta-go/meseta/kernels/cpu"
	"github.com/meseta-go/meseta/kernels/vec"
	"github.com/meseta-go/meseta/kernels/vec/parity"
	"github.com/meseta-go/meseta/ops"
)

func TestSpatialParity(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for i, shape := range [][3]int{{1, 1, 1}, {2, 3, 1}, {3, 49, 3}, {2, 7, 4}, {5, 1, 10}, {4, 9, 16}, {3, 25, 17}, {2, 8, 127}, {2, 3, 1001}} {
		n, positions, c := shape[0], shape[1], shape[2]
		size := n * positions * c
		src := parity.Narrow(parity.Normal(rng, size))
		src[size/2] = float32(math.NaN())
		src[0] = float32(math.Inf(1))
		rate := []float32{0.25, 0.5, 0, 0.999, 1.0 / 3}[i%5]
		stream, seed, step := uint32(i), uint64(0x9e3779b97f4a7c15)*uint64(i), uint64(1)<<32+7
		want := make([]float32, size)
		ReferenceSpatial(want, src, n, c, rate, stream, seed, step)
		t.Run(fmt.Sprint(shape), func(t *testing.T) {
			parity.Check(t, func(t *testing.T, dev *cpu.Device) (func(), [][]float32) {
				x, err := NewSpatial(dev, n, positions, c, rate, uint64(stream))
				require.NoError(t, err)
				in, dst, same := parity.In(src), parity.Out(t, size), parity.InOut(t, src)
				return func() { x.Run(dst, in, seed, step); x.Run(same, same, seed, step) }, [][]float32{dst, same}
			}, parity.Exactly(want), parity.Exactly(want))
		})
	}
}

// TestSpatialDropsChannels: a channel of a sample goes whole or stays whole, the right fraction goes, and samples and steps are independent.
func TestSpatialDropsChannels(t *testing.T) {
	const n, positions, c, rate = 100, 6, 50, 0.3
	x, err := NewSpatial(parity.Device(t, cpu.Detect(), 2), n, positions, c, rate, 1)
	require.NoError(t, err)
	ones, dst, other := constant(n*positions*c), make([]float32, n*positions*c), make([]float32, n*positions*c)
	x.Run(dst, ones, 5, 6)
	x.Run(other, ones, 5, 7)
	kept, both, neighbours := 0.0, 0.0, 0.0
	for s := range n {
		for j := range c {
			first := dst[s*positions*c+j]
			for p := range positions {
				require.Equal(t, first, dst[(s*positions+p)*c+j])
			}
			if first == 0 {
				continue
			}
			require.InDelta(t, 1/0.7, first, 1e-6)
			kept++
			if other[s*positions*c+j] != 0 {
				both++
			}
			if dst[(s+1)%n*positions*c+j] != 0 {
				neighbours++
			}
		}
	}
	const channels = n * c
	deviation := func(p float64) float64 { return 4 * math.Sqrt(p*(1-p)/channels) }
	assert.InDelta(t, 0.7, kept/channels, deviation(0.7))
	assert.InDelta(t, 0.49, both/channels, deviation(0.49))
	assert.InDelta(t, 0.49, neighbours/channels, deviation(0.49))
}

func constant(n int) []float32 {
	return slices.Repeat([]float32{1}, n)
}

func TestGaussianParity(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	for i, n := range append([]int{vec.FlatChunk - 1, vec.FlatChunk + 1, 3*vec.FlatChunk + 39}, parity.Sizes...) {
		src := parity.Narrow(parity.Normal(rng, n))
		deviation := []float32{0.25, 1, 0, 3}[i%4]
		stream, seed, step := uint32(i), uint64(0x9e3779b97f4a7c15)*uint64(i), uint64(1)<<32+7
		sum, product := make([]float32, n), make([]float32, n)
		ReferenceNoise(sum, src, deviation, stream, seed, step)
		ReferenceGaussianDropout(product, src, deviation, stream, seed, step)
		parity.Check(t, func(t *testing.T, dev *cpu.Device) (func(), [][]float32) {
			add, err := NewNoise(dev, n, deviation, uint64(stream))
			require.NoError(t, err)
			multiply, err := NewGaussianDropout(dev, n, deviation, uint64(stream))
			require.NoError(t, err)
			in, dst, same, times := parity.In(src), parity.Out(t, n), parity.InOut(t, src), parity.Out(t, n)
			return func() {
				add.Run(dst, in, seed, step)
				add.Run(same, same, seed, step)
				multiply.Run(times, in, seed, step)
			}, [][]float32{dst, same, times}
			// Polynomials in float32 against package math: a few roundings of numbers up to 5.8, times the deviation.
		}, parity.Want{Values: wide(sum), Tolerance: 1e-6}, parity.Want{Values: wide(sum), Tolerance: 1e-6}, parity.Want{Values: wide(product), Tolerance: 1e-6})
	}
}

// TestNormals looks at all 2²⁴ words of a logarithm and of a turn, or with -short at one in 997, against package math.
func TestNormals(t *testing.T) {
	step := uint32(1)
	if testing.Short() {
		step = 997
	}
	var log, turn float64 // the largest errors, that of the logarithm relative
	for k := uint32(0); k < 1<<24; k += step {
		word := k<<8 | k&255 // what is below the 24 bits says nothing
		if want := math.Log1p(-float64(k) / (1 << 24)); want != 0 {
			log = max(log, math.Abs(float64(logOfRest(word))/want-1))
		} else {
			require.Zero(t, logOfRest(word))
		}
		sin, cos := math.Sincos(2 * math.Pi * float64(k) / (1 << 24))
		s, c := sinCosOfTurn(word)
		turn = max(turn, math.Abs(float64(s)-sin), math.Abs(float64(c)-cos))
	}
	assert.Less(t, log, 2.5e-7)
	assert.Less(t, turn, 1.5e-7)
	assert.False(t, math.IsInf(float64(logOfRest(math.MaxUint32)), 0))
}

func wide(x []float32) []float64 { return parity.Exactly(x).Values }

// TestGaussianIsNormal compares moments, the fraction within one and two deviations, and the correlation of neighbours and of steps with those
// of independent normal numbers; bounds are four standard errors.
func TestGaussianIsNormal(t *testing.T) {
	const n = 400_000
	x, err := NewNoise(parity.Device(t, cpu.Detect(), 2), n, 0.5, 3)
	require.NoError(t, err)
	zeros, z, next := make([]float32, n), make([]float32, n), make([]float32, n)
	x.Run(z, zeros, 11, 12)
	x.Run(next, zeros, 11, 13)
	var moments [5]float64
	var one, two, beside, pair, later float64
	for i, v := range z {
		u := float64(v) / 0.5
		for k := range moments {
			moments[k] += math.Pow(u, float64(k)) / n
		}
		if math.Abs(u) < 1 {
			one++
		}
		if math.Abs(u) < 2 {
			two++
		}
		beside += u * float64(z[(i+1)%n]) / 0.5 / n
		pair += u * u * float64(z[i^1]) * float64(z[i^1]) / 0.25 / n // of the same radius: their squares must not depend on each other either
		later += u * float64(next[i]) / 0.5 / n
	}
	bound := func(variance float64) float64 { return 4 * math.Sqrt(variance/n) }
	assert.InDelta(t, 0, moments[1], bound(1))
	assert.InDelta(t, 1, moments[2], bound(2))
	assert.InDelta(t, 0, moments[3], bound(15))
	assert.InDelta(t, 3, moments[4], bound(96))
	assert.InDelta(t, 0.682689, one/n, bound(0.25))
	assert.InDelta(t, 0.954500, two/n, bound(0.05))
	assert.InDelta(t, 0, beside, bound(1))
	assert.InDelta(t, 1, pair, bound(16)) // each pair is counted twice, which doubles the variance of 8
	assert.InDelta(t, 0, later, bound(1))
}

func TestNoiseNoAllocation(t *testing.T) {
	a := make([]float32, 40000+16)
	parity.NoAllocation(t, func(t *testing.T, dev *cpu.Device) (func(), [][]float32) {
		spatial, err := NewSpatial(dev, 10, 40, 100, 0.5, 0)
		require.NoError(t, err)
		noise, err := NewNoise(dev, 40000, 0.5, 0)
		require.NoError(t, err)
		product, err := NewGaussianDropout(dev, 40000, 0.5, 0)
		require.NoError(t, err)
		return func() { spatial.Run(a, a, 1, 2); noise.Run(a, a, 1, 2); product.Run(a, a, 1, 2) }, nil
	})
}

func TestNoiseErrors(t *testing.T) {
	dev := parity.Device(t, cpu.Portable, 1)
	_, err := NewSpatial(dev, 1, 2, 3, 1, 0)
	assert.ErrorContains(t, err, "spatial dropout: rate is 1, want 0 ≤ rate < 1")
	_, err = NewSpatial(dev, 1, 0, 3, 0.5, 0)
	assert.ErrorIs(t, err, ops.ErrShape)
	_, err = NewSpatial(dev, 1<<20, 1, 1<<20, 0.5, 0)
	assert.ErrorIs(t, err, ops.ErrShape)
	for _, deviation := range []float32{-1, float32(math.NaN()), float32(math.Inf(1))} {
		_, err = NewNoise(dev, 1, deviation, 0)
		assert.ErrorContains(t, err, "want a finite number of at least 0")
	}
	_, err = NewGaussianDropout(dev, 0, 1, 0)
	assert.ErrorIs(t, err, ops.ErrShape)
	_, err = NewGaussianDropout(dev, 1, 1, 1<<32)
	assert.ErrorContains(t, err, "stream is 4294967296")
}

func BenchmarkGaussian(b *testing.B) {
	const n = 1 << 20
	x, err := NewNoise(parity.Device(b, cpu.Detect(), 1), n, 0.5, 3)
	require.NoError(b, err)
	z := make([]float32, n)
	b.SetBytes(4 * n)
	for b.Loop() {
		x.Run(z, z, 1, 2)
	}
}
