//go:build nvidia && cgo

package kernels

import (
	"math"
	"math/rand/v2"

	"github.com/meseta-go/meseta/ops"
)

// metrics has what metrics count, with each way to weight and gate samples, of few samples and of so many that they are counted in parts. The sums have
// something in them already.
func metrics() (list []parity) {
	for _, s := range [][2]int{{1, 1}, {7, 3}, {40, 33}, {9, 1000}} {
		for _, k := range []int{1, 2, 5, 1000} {
			in := []ops.Type{f(s[0], s[1]), {DType: ops.Int32, Shape: ops.Shape{s[0]}}}
			list = append(list, parity{op: ops.InTopK{K: k}, in: in})
		}
	}
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	list = append(list, parity{op: ops.InTopK{K: 2}, in: []ops.Type{f(7, 2), {DType: ops.Int32, Shape: ops.Shape{7}}}, fill: func(_ *rand.Rand, i int) any {
		if i == 0 {
			return []float32{0, 1, 0, nan, nan, 0, 0, inf, 0, 1, 0, 1, 1, 1}
		}
		return []int32{0, 0, 0, 1, 2, -1, 1}
	}})
	for _, x := range []struct {
		sample ops.Sample
		apply  int32
	}{{}, {sample: ops.Sample{Weighted: true}}, {ops.Sample{Weighted: true, Gated: true}, 1}, {ops.Sample{Gated: true}, 1}, {ops.Sample{Gated: true}, 0}} {
		behind := func(n int) (types []ops.Type) {
			if x.sample.Weighted {
				types = append(types, f(n))
			}
			if x.sample.Gated {
				types = append(types, ops.FlagType)
			}
			return types
		}
		for _, s := range []ops.Shape{{1, 1}, {7, 10}, {5, 3, 4}, {300, 1}, {40, 90, 10}} {
			for _, o := range []ops.Tally{
				{Thresholds: []float32{.5}},
				{Thresholds: []float32{-1, 0, .25, .3, .875, 2}, PerColumn: true},
				{Thresholds: steps(200), Soft: true},
				{Thresholds: []float32{.5}, Soft: true, PerColumn: true},
			} {
				o.Sample = x.sample
				columns := 1
				if o.PerColumn {
					columns = s[len(s)-1]
				}
				in := append([]ops.Type{sums(2, len(o.Thresholds)+1, columns), f(s...), f(s...)}, behind(s[0])...)
				list = append(list, parity{op: o, in: in, fill: counted(in, x.apply, nil)})
			}
		}
		for _, s := range []struct {
			classes int
			shape   ops.Shape
		}{{1, ops.Shape{1}}, {3, ops.Shape{5}}, {40, ops.Shape{70}}, {5, ops.Shape{40, 30, 30}}} {
			labels := ops.Type{DType: ops.Int32, Shape: s.shape}
			in := append([]ops.Type{sums(s.classes, s.classes), labels, labels}, behind(s.shape[0])...)
			list = append(list, parity{op: ops.Confuse{Sample: x.sample}, in: in, fill: counted(in, x.apply, func(rng *rand.Rand) int32 { return int32(rng.IntN(s.classes+2) - 1) })})
		}
	}
	return list
}

// steps are n thresholds between 0 and 1.
func steps(n int) (list []float32) {
	for i := range n {
		list = append(list, float32(i)/float32(n))
	}
	return list
}

// counted fills in what is counted: sums, scores and targets of which some are equal, some thresholds and some NaN, or labels, and apply.
func counted(in []ops.Type, apply int32, label func(rng *rand.Rand) int32) func(rng *rand.Rand, i int) any {
	return func(rng *rand.Rand, i int) any {
		n := in[i].Shape.Size()
		switch {
		case in[i].DType == ops.Float64:
			x := make([]float64, n)
			for i := range x {
				x[i] = rng.Float64()
			}
			return x
		case i > 2 && in[i].DType == ops.Int32:
			return []int32{apply}
		case in[i].DType == ops.Int32:
			x := make([]int32, n)
			for i := range x {
				x[i] = label(rng)
			}
			return x
		case i > 2: // weights
			return nil
		}
		x := make([]float32, n)
		for j := range x {
			x[j] = float32(rng.IntN(9)) / 8
			if i == 1 && rng.IntN(50) == 0 {
				x[j] = float32(math.NaN())
			}
		}
		return x
	}
}
