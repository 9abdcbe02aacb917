//go:build nvidia && cgo

package kernels

import (
	"math"
	"math/rand/v2"
	"slices"

	"github.com/meseta-go/meseta/ops"
)

// unaryFunctions has each function of one number, its kinks and NaN, and its derivative.
func unaryFunctions() (list []parity) {
	parameters := map[ops.UnaryFunc][][3]float32{
		ops.PowScalar: {{2.5}, {-.5}, {3}}, ops.Clip: {{-.5, .75}}, ops.LeakyRelu: {{.2}, {0}}, ops.Rectify: {{.1, 6, 0}, {0, float32(math.Inf(1)), .5}, {.3, 1, .5}},
		ops.Elu: {{1}, {.5}}, ops.Celu: {{1}, {2.5}}, ops.HardShrink: {{.5}}, ops.SoftShrink: {{.5}}, ops.Squareplus: {{4}}, ops.Threshold: {{.5, -2}},
	}
	positive := []ops.UnaryFunc{ops.Log, ops.Log1p, ops.Sqrt, ops.Rsqrt, ops.Reciprocal, ops.PowScalar}
	kinks := []float32{0, 1, -1, .5, -.5, .75, 3, -3, 6, 2}
	for function := range ops.UnaryFuncs {
		choices := parameters[function]
		if choices == nil {
			choices = [][3]float32{{}}
		}
		for _, p := range choices {
			o := ops.Unary{Func: function, A: p[0], B: p[1], C: p[2]}
			for _, s := range []ops.Shape{{1}, {3, 5}, {1031}} {
				x := f(s...)
				values := func(rng *rand.Rand) []float32 {
					v := make([]float32, s.Size())
					for i := range v {
						switch {
						case slices.Contains(positive, function):
							v[i] = .1 + 4*rng.Float32()
						case i < len(kinks):
							v[i] = kinks[i]
						default:
							v[i] = 3 * float32(rng.NormFloat64())
						}
					}
					return v
				}
				list = append(list,
					parity{op: o, in: []ops.Type{x}, fill: func(rng *rand.Rand, _ int) any { return values(rng) }, tolerance: formulasApart},
					parity{op: ops.UnaryBackward(o), in: []ops.Type{x, x}, fill: func(rng *rand.Rand, i int) any {
						if i == 0 {
							return nil
						}
						return values(rng)
					}, tolerance: formulasApart})
			}
			nan := func(*rand.Rand, int) any { return []float32{float32(math.NaN())} }
			list = append(list, parity{op: o, in: []ops.Type{f(1)}, fill: nan, tolerance: formulasApart})
		}
	}
	return list
}

// noises has the random operations, of sizes around fours and of rows of channels; they are the CPU's bit for bit.
func noises() (list []parity) {
	counter := func(_ *rand.Rand, i int) any {
		if i == 0 {
			return nil
		}
		return []int64{0x123456789abcdef, 1<<33 + 7}
	}
	for _, s := range []ops.Shape{{1}, {3, 5}, {4, 4}, {2, 3, 3, 7}, {1031}, {701, 40}} {
		x := f(s...)
		for _, deviation := range []float32{0, .3, 2} {
			list = append(list,
				parity{op: ops.GaussianNoise{Deviation: deviation, Stream: 5}, in: []ops.Type{x, ops.CounterType}, fill: counter},
				parity{op: ops.GaussianDropout{Deviation: deviation, Stream: 6}, in: []ops.Type{x, ops.CounterType}, fill: counter})
		}
		for _, rate := range []float32{0, .5, .999} {
			list = append(list, parity{op: ops.Dropout{Rate: rate, Stream: 7}, in: []ops.Type{x, ops.CounterType}, fill: counter})
		}
	}
	for _, s := range []ops.Shape{{1, 1}, {2, 3, 3, 7}, {5, 9, 4}, {3, 30, 10, 33}, {70, 2, 1}} {
		for _, rate := range []float32{0, .3, .999} {
			list = append(list, parity{op: ops.SpatialDropout{Rate: rate, Stream: 8}, in: []ops.Type{f(s...), ops.CounterType}, fill: counter})
		}
	}
	return list
}
