package layers

import (
	"fmt"
	"math"
	"testing"

	"github.com/meseta-go/meseta/random"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func fill(i Initializer, shape Shape) []float32 {
	w := make([]float32, shape.Size())
	for j := range w {
		w[j] = float32(math.NaN())
	}
	i.Fill(w, shape, &random.Stream{Seed: 1, Purpose: random.Initialize})
	return w
}

// TestInitializers looks at mean, deviation and the largest distance from the mean.
func TestInitializers(t *testing.T) {
	shape := Shape{3, 3, 64, 128}
	const cut = .87962566 // the deviation of a unit normal that is cut at ±2
	in, out, both := 9*64., 9*128., 9*192.
	for _, c := range []struct {
		i                      Initializer
		mean, deviation, limit float64 // no limit is 0
	}{
		{GlorotUniform{}, 0, math.Sqrt(2 / both), math.Sqrt(6 / both)},
		{GlorotNormal{}, 0, math.Sqrt(2 / both), 2 / cut * math.Sqrt(2/both)},
		{HeUniform{}, 0, math.Sqrt(2 / in), math.Sqrt(6 / in)},
		{HeNormal{}, 0, math.Sqrt(2 / in), 2 / cut * math.Sqrt(2/in)},
		{LecunUniform{}, 0, math.Sqrt(1 / in), math.Sqrt(3 / in)},
		{LecunNormal{}, 0, math.Sqrt(1 / in), 2 / cut * math.Sqrt(1/in)},
		{NewVarianceScaling(), 0, math.Sqrt(1 / in), 2 / cut * math.Sqrt(1/in)},
		{VarianceScaling{Scale: 3, Mode: "fan_out"}, 0, math.Sqrt(3 / out), 2 / cut * math.Sqrt(3/out)},
		{VarianceScaling{Scale: 2, Mode: "fan_avg", Distribution: "uniform"}, 0, math.Sqrt(4 / both), math.Sqrt(12 / both)},
		{VarianceScaling{Scale: .5, Distribution: "untruncated_normal"}, 0, math.Sqrt(.5 / in), 0},
		{NewRandomNormal(), 0, .05, 0},
		{RandomNormal{Mean: 2, Stddev: 3}, 2, 3, 0},
		{NewTruncatedNormal(), 0, .05 * cut, .1},
		{TruncatedNormal{Mean: -1, Stddev: .5}, -1, .5 * cut, 1},
		{NewRandomUniform(), 0, .1 / math.Sqrt(12), .05},
		{RandomUniform{MinVal: 1, MaxVal: 3}, 2, 2 / math.Sqrt(12), 1},
		{Constant{Value: .25}, .25, 0, 0},
	} {
		t.Run(fmt.Sprintf("%s%+v", c.i.ClassName(), c.i), func(t *testing.T) {
			w := fill(c.i, shape)
			var sum, squares, most float64
			for _, x := range w {
				d := float64(x) - c.mean
				sum += d
				squares += d * d
				most = max(most, math.Abs(d))
			}
			n := float64(len(w))
			assert.InDelta(t, 0, sum/n, 5*c.deviation/math.Sqrt(n))
			assert.InDelta(t, c.deviation, math.Sqrt(squares/n), .01*c.deviation)
			if c.limit > 0 {
				assert.LessOrEqual(t, most, c.limit*1.0001)
				assert.Greater(t, most, c.limit*.98)
			} else if c.deviation > 0 {
				assert.Greater(t, most, 4*c.deviation, "normal numbers have tails")
			}
		})
	}
	assert.Equal(t, []float32{0, 0}, fill(Zeros{}, Shape{2}))
	assert.Equal(t, []float32{1, 1}, fill(Ones{}, Shape{2}))
	assert.Equal(t, []float32{1, 0, 0, 0, 1, 0}, fill(Identity{}, Shape{2, 3}))
	assert.Equal(t, []float32{1, 0, 0, 1, 0, 0}, fill(Identity{}, Shape{3, 2}))
}

// TestOrthogonal multiplies the matrix with its transpose, and looks whether signs are even: the factorization of a random matrix
// without the signs of R's diagonal is not uniform.
func TestOrthogonal(t *testing.T) {
	for _, shape := range []Shape{{1, 1}, {5, 5}, {7, 3}, {3, 7}, {3, 3, 8, 16}, {1, 1, 4, 100}, {200, 200}, {2, 1}} {
		cols := shape[len(shape)-1]
		rows := shape.Size() / cols
		w := fill(Orthogonal{Gain: 1.5}, shape)
		count, length := min(rows, cols), max(rows, cols)
		at := func(vector, k int) float64 {
			if rows < cols {
				return float64(w[vector*cols+k])
			}
			return float64(w[k*cols+vector])
		}
		for a := range count {
			for b := range a + 1 {
				product := 0.0
				for k := range length {
					product += at(a, k) * at(b, k)
				}
				want := 0.0
				if a == b {
					want = 1.5 * 1.5
				}
				require.InDelta(t, want, product, 1e-6, "%v: vectors %d and %d", shape, a, b)
			}
		}
	}
	positive, trace := 0, 0.0
	const n = 2000
	for seed := range n {
		w := make([]float32, 9)
		NewOrthogonal().Fill(w, Shape{3, 3}, &random.Stream{Seed: uint64(seed), Purpose: random.Initialize})
		if w[0] > 0 {
			positive++
		}
		trace += math.Pow(float64(w[0]+w[4]+w[8]), 2) / n
	}
	assert.InDelta(t, n/2, positive, 4*math.Sqrt(n/4))
	assert.InDelta(t, 1, trace, 0.15) // of uniform orthogonal matrices the trace has variance 1
}

func TestInitializersThatCannotFill(t *testing.T) {
	for _, c := range []struct {
		i    Initializer
		text string
	}{
		{VarianceScaling{}, "scale 0"},
		{VarianceScaling{Scale: 1, Mode: "fan"}, `mode "fan"`},
		{VarianceScaling{Scale: 1, Distribution: "normal"}, `distribution "normal"`},
		{RandomNormal{}, "RandomNormal has stddev 0"},
		{TruncatedNormal{Stddev: math.NaN()}, "TruncatedNormal has stddev NaN"},
		{RandomUniform{}, "minval 0"},
		{Orthogonal{}, "gain 0"},
		{Identity{}, "two dimensions, this one is [3]"},
	} {
		l := &Dense{Units: 3, BiasInitializer: c.i}
		_, err := Sequential("", &InputLayer{Shape: Shape{4}}, l)
		assert.ErrorIs(t, err, ErrConfig)
		assert.ErrorContains(t, err, "layer dense: bias: layers: ")
		assert.ErrorContains(t, err, c.text)
	}
	_, err := Sequential("", &InputLayer{Shape: Shape{4}}, &Dense{Units: 3, BiasInitializer: NewOrthogonal()})
	assert.ErrorContains(t, err, "two dimensions or more, this one is [3]")
}
