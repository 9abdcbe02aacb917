//go:build nvidia && cgo

package kernels

import (
	"math/rand/v2"
	"slices"

	"github.com/meseta-go/meseta/ops"
)

// around makes numbers of a mean and a deviation.
func around(rng *rand.Rand, n int, mean, deviation float64) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(mean + deviation*rng.NormFloat64())
	}
	return x
}

// norms has batch and group norms with everything that can be fused into them: single elements and pixels, channels that are read in fours and that are not, that
// fit in a block and that do not, and rows that are cut into parts.
func norms() (list []parity) {
	list = append(list, batchNorms()...)
	list = append(list, groupNorms()...)
	for _, moving := range [][]ops.Type{{f(300)}, {f(1), f(257), f(3)}, slices.Repeat([]ops.Type{f(5), f(600)}, 130)} { // of one launch, and of three
		in := append(slices.Repeat(moving, 2), ops.FlagType)
		for apply := range int32(2) {
			list = append(list, parity{op: ops.MovingAverage{Momentum: .99}, in: in, fill: flags(len(in)-1, apply)})
		}
	}
	return list
}

func batchNorms() (list []parity) {
	for s, shape := range []ops.Shape{
		{1, 1}, {7, 1}, {1, 1, 1, 5}, {3, 5, 7, 3}, {2, 1, 1, 64}, {9, 65}, {2, 6, 5, 12}, // with all that can be fused
		{3, 3, 3, 2048}, {5, 64, 64, 1}, {2, 50, 50, 3}, {3, 32, 33, 16}, {4, 16, 17, 64}, {2, 30, 30, 65}, {3, 20, 20, 132}, {67, 1030}, // with some of it
	} {
		x, c := f(shape...), f(shape[len(shape)-1])
		rare := func(i int) bool { return s >= 7 && i%6 != s%6 }
		for i, activation := range []ops.Activation{ops.Linear, ops.ReLU, ops.ReLU6, ops.Linear, ops.ReLU, ops.ReLU6} {
			if rare(i) {
				continue
			}
			add := i >= 3
			forward, inference := []ops.Type{x, c, c}, []ops.Type{x, c, c, c, c}
			if add {
				forward, inference = append(forward, x), append(inference, x)
			}
			backward := []ops.Type{x, x, c, c, c}
			if activation != ops.Linear {
				backward = append(backward, x)
			}
			list = append(list,
				parity{op: ops.BatchNorm{Epsilon: 1e-3, Add: add, Activation: activation}, in: forward, fill: func(rng *rand.Rand, i int) any {
					switch i {
					case 0:
						return around(rng, x.Shape.Size(), 3, 2)
					case 2: // so that some reach 6
						return around(rng, c.Shape.Size(), 2, 3)
					}
					return nil
				}, tolerance: sumsApart},
				parity{op: ops.BatchNormInference{Epsilon: 1e-3, Add: add, Activation: activation}, in: inference, fill: func(rng *rand.Rand, i int) any {
					if i == 4 {
						return deviations(rng, c)
					}
					return nil
				}, tolerance: sumsApart},
				parity{op: ops.BatchNormBackward{Mask: activation, Residual: add}, in: backward, fill: backwardFill(x, c), tolerance: sumsApart, over: i%2 == 0},
			)
			if activation != ops.Linear && !add {
				list = append(list, parity{
					op: ops.BatchNormBackward{Mask: activation, Recompute: true}, in: []ops.Type{x, x, c, c, c, c}, fill: func(rng *rand.Rand, i int) any {
						if i == 5 {
							return around(rng, c.Shape.Size(), 2, 2)
						}
						return backwardFill(x, c)(rng, i)
					}, tolerance: sumsApart, over: i%2 == 0,
				})
			}
		}
		// A mean that is large beside the deviation, which is 0 for every third shape.
		list = append(list, parity{op: ops.BatchNormStatistics{Epsilon: 1e-3}, in: []ops.Type{x}, fill: func(rng *rand.Rand, _ int) any {
			return around(rng, x.Shape.Size(), 1000, float64(s%3))
		}, tolerance: sumsApart})
	}
	return list
}

func deviations(rng *rand.Rand, t ops.Type) []float32 {
	x := make([]float32, t.Shape.Size())
	for i := range x {
		x[i] = .5 + rng.Float32()
	}
	return x
}

// backwardFill makes inverse deviations, and results of which some are just at the ends of a ReLU and a ReLU6.
func backwardFill(x, c ops.Type) func(rng *rand.Rand, i int) any {
	return func(rng *rand.Rand, i int) any {
		switch i {
		case 4:
			return deviations(rng, c)
		case 5:
			dst := make([]float32, x.Shape.Size())
			for i := range dst {
				dst[i] = []float32{0, .25, 3, 6, 7, -1}[rng.IntN(6)]
			}
			return dst
		}
		return nil
	}
}

func groupNorms() (list []parity) {
	for s, g := range []struct {
		src          ops.Shape
		groups, axes int
	}{
		{ops.Shape{1, 1}, 1, 1}, {ops.Shape{3, 5, 6}, 2, 1}, {ops.Shape{3, 4, 5, 12}, 3, 1}, {ops.Shape{2, 5, 5, 7}, 7, 1}, {ops.Shape{4, 3, 6, 3}, 1, 2}, // with all that can be left out
		{ops.Shape{7, 12}, 3, 1}, {ops.Shape{9, 65}, 1, 1}, {ops.Shape{5, 4, 4, 3}, 1, 3},
		{ops.Shape{2, 40, 41, 8}, 2, 1}, {ops.Shape{2, 60, 60, 3}, 3, 1}, {ops.Shape{3, 7, 7, 264}, 8, 1}, {ops.Shape{700, 96}, 1, 1}, {ops.Shape{300, 33}, 1, 1}, {ops.Shape{3, 2, 2100}, 1, 2},
		{ops.Shape{2, 4104}, 2, 1},
	} {
		src := f(g.src...)
		for i := range 4 {
			if s >= 8 && i != 3-s%2 {
				continue
			}
			o := ops.GroupNorm{Groups: g.groups, Axes: g.axes, Epsilon: 1e-3, Scale: i&1 != 0, Center: i&2 != 0}
			c, statistics := f(o.Channels(g.src)...), f(g.src[0], g.groups)
			in, gradient := []ops.Type{src}, []ops.Type{src, src, statistics, statistics}
			if o.Scale {
				in, gradient = append(in, c), append(gradient, c)
			}
			if o.Center {
				in = append(in, c)
			}
			tolerance := sumsApart
			if src.Shape.Size() == 1 {
				tolerance = 1e-4 // what is left where all but the last digits cancel
			}
			for _, over := range []bool{false, true} {
				list = append(list,
					parity{op: o, in: in, fill: func(rng *rand.Rand, i int) any {
						if i == 0 {
							return around(rng, src.Shape.Size(), 3, 2)
						}
						return nil
					}, tolerance: sumsApart, over: over},
					parity{op: ops.GroupNormBackward(o), in: gradient, fill: func(rng *rand.Rand, i int) any {
						if i == 3 {
							return deviations(rng, statistics)
						}
						return nil
					}, tolerance: tolerance, over: over},
				)
			}
		}
	}
	return list
}
