//go:build nvidia && cgo

package kernels

import (
	"math"
	"math/rand/v2"
	"slices"

	"github.com/meseta-go/meseta/ops"
)

// formulasApart is for what is made of several functions and roundings.
const formulasApart = 1e-6

// rowShapes are rows of scores: of one and of few classes, around a warp's lanes, and of more than a warp has; one row, and rows that leave some of the lanes of the
// last warp without one.
var rowShapes = []ops.Shape{{1, 1}, {7, 1}, {5, 2}, {33, 3}, {9, 10}, {3, 31}, {2, 33}, {1, 1000}, {3, 1001}, {2, 5, 3, 4}, {3, 2, 600}}

// targetLosses has losses against targets, also of samples of so many rows that they are cut into parts, and of probabilities that are clipped.
func targetLosses() (list []parity) {
	probabilities := func(rng *rand.Rand, n int) []float32 {
		x := make([]float32, n)
		for i := range x {
			x[i] = []float32{rng.Float32(), rng.Float32(), 1e-9, 1}[i%4]
		}
		return x
	}
	for _, s := range append(slices.Clone(rowShapes), ops.Shape{2, 5000, 3}, ops.Shape{2, 80, 60, 1}, ops.Shape{1, 300, 520}) {
		scores, n := f(s...), s.Size()
		fill := func(probable bool) func(rng *rand.Rand, i int) any {
			return func(rng *rand.Rand, i int) any {
				switch {
				case i == 0 && probable:
					return probabilities(rng, n)
				case i == 1:
					return probabilities(rng, n)
				}
				return nil
			}
		}
		for _, o := range []ops.Operator{ops.SoftCrossEntropy{}, ops.BinaryCrossEntropy{}} {
			list = append(list,
				parity{op: o, in: []ops.Type{scores, scores}, fill: fill(false), tolerance: functionsApart},
				parity{op: ops.SoftLossBackward{Loss: o}, in: []ops.Type{scores, scores, f(s[0])}, fill: fill(false), tolerance: functionsApart})
		}
		for _, o := range []ops.Operator{ops.SoftLogLoss{}, ops.BinaryLogLoss{}} {
			list = append(list,
				parity{op: o, in: []ops.Type{scores, scores}, fill: fill(true), tolerance: functionsApart},
				parity{op: ops.SoftLossBackward{Loss: o}, in: []ops.Type{scores, scores, f(s[0])}, fill: fill(true), tolerance: functionsApart})
		}
	}
	return list
}

// wideRows are losses of labels for more classes than a warp takes, and the best of scores of which several are the largest, or none is a number.
func wideRows() (list []parity) {
	for _, s := range []ops.Shape{{1, 513}, {3, 1000}, {2, 1001}} {
		scores, labels := f(s...), ops.Type{DType: ops.Int32, Shape: ops.Shape{s[0]}}
		list = append(list,
			parity{op: ops.Softmax{}, in: []ops.Type{scores}, tolerance: functionsApart},
			parity{op: ops.SoftmaxBackward{}, in: []ops.Type{scores, scores}, tolerance: functionsApart},
			parity{op: ops.CrossEntropy{}, in: []ops.Type{scores, labels}, tolerance: functionsApart},
			parity{op: ops.CrossEntropyBackward{}, in: []ops.Type{scores, labels, f(s[0])}, tolerance: functionsApart},
			parity{op: ops.LogLoss{}, in: []ops.Type{scores, labels}, fill: positive(s.Size()), tolerance: functionsApart},
			parity{op: ops.LogLossBackward{}, in: []ops.Type{scores, labels, f(s[0])}, fill: positive(s.Size()), tolerance: functionsApart},
			parity{op: ops.Correct{}, in: []ops.Type{scores, labels}})
	}
	for _, classes := range []int{1, 7, 40, 700} {
		for _, special := range []float32{3, float32(math.NaN()), float32(math.Inf(-1)), float32(math.Inf(1))} {
			rows := 2 * classes
			list = append(list, parity{op: ops.Correct{}, in: []ops.Type{f(rows, classes), {DType: ops.Int32, Shape: ops.Shape{rows}}}, fill: func(rng *rand.Rand, i int) any {
				if i == 1 {
					labels := make([]int32, rows)
					for r := range labels {
						labels[r] = int32(r / 2)
					}
					return labels
				}
				x := make([]float32, rows*classes)
				for r := range rows {
					for j := range classes {
						x[r*classes+j] = float32(rng.IntN(3))
						if j >= r/2 && r%2 == 0 || special < 0 {
							x[r*classes+j] = special
						}
					}
				}
				return x
			}})
		}
	}
	return list
}

// otherRows has the logarithm of softmax and sparsemax, also of few values, so that some are as large as the threshold, and of a NaN.
func otherRows() (list []parity) {
	for _, s := range append(slices.Clone(rowShapes), ops.Shape{40, 700}) {
		scores := f(s...)
		few := func(rng *rand.Rand, i int) any {
			x := make([]float32, s.Size())
			for i := range x {
				x[i] = float32(rng.IntN(5)) / 4
			}
			return x
		}
		list = append(list,
			parity{op: ops.LogSoftmax{}, in: []ops.Type{scores}, tolerance: functionsApart},
			parity{op: ops.LogSoftmaxBackward{}, in: []ops.Type{scores, scores}, tolerance: functionsApart},
			parity{op: ops.Sparsemax{}, in: []ops.Type{scores}, tolerance: functionsApart},
			parity{op: ops.Sparsemax{}, in: []ops.Type{scores}, fill: few, tolerance: functionsApart},
			parity{op: ops.SparsemaxBackward{}, in: []ops.Type{scores, scores}, tolerance: functionsApart},
			parity{op: ops.SparsemaxBackward{}, in: []ops.Type{scores, scores}, fill: few, tolerance: functionsApart})
	}
	for _, s := range []ops.Shape{{1, 5}, {1, 600}} {
		list = append(list, parity{op: ops.Sparsemax{}, in: []ops.Type{f(s...)}, fill: func(*rand.Rand, int) any {
			x := make([]float32, s.Size())
			x[len(x)-1] = float32(math.NaN())
			return x
		}, tolerance: functionsApart})
	}
	near := []float32{-0x1.116eb2p-54, -0x1.0847ep-3, -0x1.2108fcp-1} // of which the last is at the threshold, but for rounding
	return append(list, parity{op: ops.Sparsemax{}, in: []ops.Type{f(1, len(near))}, fill: func(*rand.Rand, int) any { return near }, tolerance: functionsApart})
}

// positive fills the first input with numbers from 0 to 1.
func positive(n int) func(rng *rand.Rand, i int) any {
	return func(rng *rand.Rand, i int) any {
		if i != 0 {
			return nil
		}
		x := make([]float32, n)
		for i := range x {
			x[i] = rng.Float32()
		}
		return x
	}
}
