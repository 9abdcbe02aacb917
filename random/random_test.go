package random

import (
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Random123, tests/kat_vectors, lines "philox4x32 10".
func TestPhiloxKnownAnswers(t *testing.T) {
	for _, k := range []struct {
		key           uint64
		counter, want [4]uint32
	}{
		{0, [4]uint32{}, [4]uint32{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
		{
			0xffffffffffffffff,
			[4]uint32{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
			[4]uint32{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd},
		},
		{
			0x299f31d0_a4093822,
			[4]uint32{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
			[4]uint32{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1},
		},
	} {
		assert.Equal(t, k.want, Philox(k.key, k.counter))
	}
}

func TestCountersOfDifferentStreamsDiffer(t *testing.T) {
	seen := map[[4]uint32]bool{}
	for _, p := range []Purpose{Shuffle, Augment, Dropout, Initialize, Synthetic, Split} {
		for _, index := range []uint32{0, 1, math.MaxUint32} {
			for _, step := range []uint64{0, 1, 1 << 32, MaxStep} {
				for _, block := range []uint32{0, 1, math.MaxUint32} {
					c := Counter(p, index, step, block)
					require.False(t, seen[c], "%v %d %d %d", p, index, step, block)
					seen[c] = true
				}
			}
		}
	}
}

func TestUniform01(t *testing.T) {
	assert.Equal(t, float32(0), Uniform01(255))
	assert.Equal(t, float32(1.0/(1<<24)), Uniform01(256))
	assert.Less(t, Uniform01(math.MaxUint32), float32(1))
}

func TestStreamIsAFunctionOfItsName(t *testing.T) {
	draw := func(s Stream) []uint32 {
		words := make([]uint32, 9)
		for i := range words {
			words[i] = s.Uint32()
		}
		return words
	}
	base := Stream{Seed: 1, Purpose: Augment, Index: 2, Step: 3}
	assert.Equal(t, draw(base), draw(base))
	first := Philox(1, Counter(Augment, 2, 3, 0))
	assert.Equal(t, first[:], draw(base)[:4])
	for _, other := range []Stream{
		{Seed: 2, Purpose: Augment, Index: 2, Step: 3},
		{Seed: 1, Purpose: Synthetic, Index: 2, Step: 3},
		{Seed: 1, Purpose: Augment, Index: 1, Step: 3},
		{Seed: 1, Purpose: Augment, Index: 2, Step: 4},
	} {
		assert.NotEqual(t, draw(base), draw(other))
	}
}

func TestUint32nIsEven(t *testing.T) {
	s := Stream{Seed: 5, Purpose: Synthetic}
	const n, draws = 7, 70000
	var count [n]float64
	for range draws {
		count[s.Uint32n(n)]++
	}
	chi2 := 0.0
	for _, c := range count {
		chi2 += (c - draws/n) * (c - draws/n) / (draws / n)
	}
	assert.Less(t, chi2, 22.5) // 6 degrees of freedom, one in a thousand
	assert.Zero(t, s.Uint32n(1))

	// With n just above half the range almost every second word must be rejected, or the lower numbers come too often.
	below := 0
	for range draws {
		x := s.Uint32n(1<<31 + 1)
		require.LessOrEqual(t, x, uint32(1<<31))
		if x < 1<<30 {
			below++
		}
	}
	assert.InDelta(t, 0.5, float64(below)/draws, 0.01)
}

func TestMoments(t *testing.T) {
	const draws = 200000
	for _, d := range []struct {
		name               string
		draw               func(*Stream) float32
		mean, std, low, hi float64
	}{
		{"Float32", (*Stream).Float32, 0.5, math.Sqrt(1.0 / 12), 0, 1 - 1.0/(1<<24)},
		{"Uniform", func(s *Stream) float32 { return s.Uniform(-3, 1) }, -1, 4 * math.Sqrt(1.0/12), -3, math.Nextafter(1, 0)},
		{"Normal", (*Stream).Normal, 0, 1, -6, 6},
		{"TruncatedNormal", (*Stream).TruncatedNormal, 0, 0.87962566103423978, -2, 2},
	} {
		s := Stream{Seed: 11, Purpose: Synthetic}
		var sum, squares float64
		for range draws {
			x := float64(d.draw(&s))
			require.True(t, x >= d.low && x <= d.hi, "%s gave %v", d.name, x)
			sum += x
			squares += x * x
		}
		mean := sum / draws
		assert.InDelta(t, d.mean, mean, 4*d.std/math.Sqrt(draws), d.name)
		assert.InDelta(t, d.std, math.Sqrt(squares/draws-mean*mean), 0.01, d.name)
	}
}

// Kolmogorov and Smirnov's distance between Normal and the normal distribution.
func TestNormalDistribution(t *testing.T) {
	const draws = 20000
	s := Stream{Seed: 3, Purpose: Initialize, Index: 4}
	x := make([]float64, draws)
	for i := range x {
		x[i] = float64(s.Normal())
	}
	slices.Sort(x)
	distance := 0.0
	for i, v := range x {
		cdf := 0.5 * math.Erfc(-v/math.Sqrt2)
		distance = max(distance, math.Abs(cdf-float64(i)/draws), math.Abs(cdf-float64(i+1)/draws))
	}
	assert.Less(t, distance, 1.95/math.Sqrt(draws)) // one in a thousand
}

func TestPermutation(t *testing.T) {
	for _, n := range []int{0, 1, 2, 1000} {
		p := Permutation(9, 0, n)
		assert.Equal(t, p, Permutation(9, 0, n))
		sorted := slices.Sorted(slices.Values(p))
		for i, v := range sorted {
			require.Equal(t, int32(i), v)
		}
		assert.Len(t, p, n)
	}
	assert.NotEqual(t, Permutation(9, 0, 1000), Permutation(9, 1, 1000))
	assert.NotEqual(t, Permutation(9, 0, 1000), Permutation(8, 0, 1000))

	// Each of the 24 orders of four comes about equally often.
	count := map[[4]int32]float64{}
	const draws = 24000
	for epoch := range draws {
		count[[4]int32(Permutation(1, epoch, 4))]++
	}
	chi2 := 0.0
	for _, c := range count {
		chi2 += (c - draws/24) * (c - draws/24) / (draws / 24)
	}
	assert.Len(t, count, 24)
	assert.Less(t, chi2, 49.7) // 23 degrees of freedom, one in a thousand
}

// Golden values: a change here means that runs of an earlier version cannot be repeated.
func TestSequencesStay(t *testing.T) {
	s := Stream{Seed: 42, Purpose: Initialize, Index: 7, Step: 1 << 40}
	got := []uint32{s.Uint32(), s.Uint32(), s.Uint32(), s.Uint32(), s.Uint32()}
	assert.Equal(t, []uint32{0x55e8daac, 0x384a15e7, 0x152ccbde, 0xf3fb05f9, 0x33c6e1bd}, got)
	assert.Equal(t, []int32{6, 7, 0, 3, 2, 1, 5, 4}, Permutation(42, 3, 8))
}
