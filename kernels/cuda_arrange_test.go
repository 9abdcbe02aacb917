//go:build nvidia && cgo

package kernels

import (
	"math"
	"math/rand/v2"

	"github.com/meseta-go/meseta/ops"
)

// arrangements has what moves elements, by one and by four, in squares and rows, in rows of one element and in more arrays than one launch joins.
func arrangements() (list []parity) {
	for _, s := range []ops.Shape{{1, 1, 1, 1}, {2, 5, 7, 3}, {3, 4, 6, 8}, {2, 9, 33, 40}} {
		o := ops.Pad{Before: [2]int{1, 2}, After: [2]int{3, 0}}
		padded, err := o.Infer([]ops.Type{f(s...)})
		if err != nil {
			panic(err)
		}
		c := s[3]
		list = append(list,
			parity{op: o, in: []ops.Type{f(s...)}},
			parity{op: ops.Pad{}, in: []ops.Type{f(s...)}},
			parity{op: ops.Crop(o), in: padded},
			parity{op: ops.Concat{}, in: []ops.Type{f(s...)}},
			parity{op: ops.Concat{}, in: []ops.Type{f(s...), f(s[0], s[1], s[2], 5), f(s...)}},
			parity{op: ops.Concat{}, in: []ops.Type{f(s...), f(s[0], s[1], s[2], 4)}},
			parity{op: ops.Channels{First: c / 2, Count: c - c/2}, in: []ops.Type{f(s...)}},
			parity{op: ops.Channels{First: c - 1, Count: 1}, in: []ops.Type{f(s...)}},
			parity{op: ops.Broadcast{Shape: s}, in: []ops.Type{f(c)}},
			parity{op: ops.Broadcast{Shape: s}, in: []ops.Type{f(1)}},
			parity{op: ops.Broadcast{Shape: s}, in: []ops.Type{f(s[0], 1, s[2], c)}},
			parity{op: ops.Broadcast{Shape: s}, in: []ops.Type{f(s[1], s[2], 1)}},
		)
		for _, perm := range [][]int{{0, 3, 1, 2}, {0, 2, 3, 1}, {3, 2, 1, 0}, {1, 0, 2, 3}, {0, 1, 3, 2}, {2, 3, 0, 1}, {0, 1, 2, 3}} {
			list = append(list, parity{op: ops.Transpose{Perm: perm}, in: []ops.Type{f(s...)}})
		}
	}
	many := make([]ops.Type, 70)
	for i := range many {
		many[i] = f(3, 1+i%5)
	}
	numbers := make([]float32, 3000)
	for i := range numbers {
		numbers[i] = float32(i)
	}
	return append(list,
		parity{op: ops.Concat{}, in: many},
		parity{op: ops.Transpose{Perm: []int{1, 0}}, in: []ops.Type{f(100, 67)}},
		parity{op: ops.Transpose{Perm: []int{1, 0}}, in: []ops.Type{f(64, 32)}},
		parity{op: ops.Constant{Values: numbers}},
		parity{op: ops.Constant{Values: numbers[:1]}},
		parity{op: ops.Constant{Values: numbers}}, // of one table with the first
		parity{op: ops.OneHot{Classes: 3}, in: []ops.Type{{DType: ops.Int32, Shape: ops.Shape{5}}}, fill: func(*rand.Rand, int) any { return []int32{0, 2, 3, -1, 1} }},
		parity{op: ops.OneHot{Classes: 11}, in: []ops.Type{{DType: ops.Int32, Shape: ops.Shape{7, 11}}}},
	)
}

// binaries has all functions of two numbers, of equal shapes, of rows, columns and single numbers, and of numbers that are special.
func binaries() (list []parity) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	special := []float32{nan, inf, -inf, 0, float32(math.Copysign(0, -1)), 1, -1, 2, .5, -3}
	for f0 := range ops.BinaryFuncs {
		tolerance := 0.0
		if f0 == ops.Pow {
			tolerance = functionsApart
		}
		for _, s := range [][2]ops.Shape{
			{{1}, {1}}, {{4}, {4}}, {{1031}, {1031}}, {{5, 7, 3}, {3}}, {{8}, {6, 3, 8}}, {{9, 1}, {1, 5}}, {{3, 1, 4}, {1, 5, 4}}, {{2, 3, 12}, {1}}, {{}, {6, 4}}, {{7, 3, 8}, {7, 3, 1}},
			{{2, 1, 5, 4, 1}, {3, 1, 4, 8}},
		} {
			list = append(list, parity{op: ops.Binary{Func: f0}, in: []ops.Type{f(s[0]...), f(s[1]...)}, tolerance: tolerance, fill: func(rng *rand.Rand, i int) any {
				if f0 != ops.Pow || i == 1 {
					return nil
				}
				x := make([]float32, s[0].Size())
				for i := range x {
					x[i] = rng.Float32()
				}
				return x
			}})
		}
		list = append(list, parity{
			op: ops.Binary{Func: f0}, in: []ops.Type{f(len(special), 1), f(1, len(special))},
			fill: func(*rand.Rand, int) any { return special }, tolerance: max(tolerance, exceptNaN),
		})
	}
	return list
}

// reductions has each along the first, the last, the inner, several and all dimensions, of few and many numbers, with parts and without.
func reductions() (list []parity) {
	for _, x := range []struct {
		src  ops.Shape
		axes [][]int
	}{
		{ops.Shape{1}, [][]int{nil}},
		{ops.Shape{7, 3}, [][]int{nil, {0}, {1}}},
		{ops.Shape{3, 5, 2, 9}, [][]int{{0, 2}, {1, 3}, {1, 2}, {2, 3}, {0, 1, 2}, {3}, {2}}},
		{ops.Shape{2, 70, 33}, [][]int{{1}, {2}, {0}, {0, 2}, nil}},
		{ops.Shape{40000}, [][]int{nil}},
		{ops.Shape{3, 20000}, [][]int{{1}}},
		{ops.Shape{9000, 3}, [][]int{{0}, {1}}},
		{ops.Shape{5, 3000, 4}, [][]int{{0, 1}, {1}, {0, 2}}},
	} {
		for _, axes := range x.axes {
			for _, r := range []ops.ReduceFunc{ops.Sum, ops.Mean, ops.Max, ops.Min} {
				tolerance := sumsApart
				if r == ops.Max || r == ops.Min {
					tolerance = 0
				}
				list = append(list, parity{op: ops.Reduce{Func: r, Axes: axes}, in: []ops.Type{f(x.src...)}, tolerance: tolerance})
			}
		}
	}
	nan := func(rng *rand.Rand, _ int) any {
		x := make([]float32, 300)
		for i := range x {
			x[i] = float32(rng.IntN(9))
			if i%37 == 5 {
				x[i] = float32(math.NaN())
			}
		}
		return x
	}
	for _, s := range []ops.Shape{{30, 10}, {10, 30}} {
		list = append(list,
			parity{op: ops.Reduce{Func: ops.Max, Axes: []int{1}}, in: []ops.Type{f(s...)}, fill: nan, tolerance: exceptNaN},
			parity{op: ops.Reduce{Func: ops.Min, Axes: []int{0}}, in: []ops.Type{f(s...)}, fill: nan, tolerance: exceptNaN},
			parity{op: ops.ArgMax{}, in: []ops.Type{f(s...)}, fill: nan},
		)
	}
	for _, s := range []ops.Shape{{1}, {5, 3}, {40, 33}, {3, 2, 1000}} {
		list = append(list, parity{op: ops.ArgMax{}, in: []ops.Type{f(s...)}})
	}
	return append(list,
		parity{op: ops.SumTo{Shape: ops.Shape{3}}, in: []ops.Type{f(4, 5, 3)}, tolerance: sumsApart},
		parity{op: ops.SumTo{Shape: ops.Shape{6, 1, 3}}, in: []ops.Type{f(4, 6, 6, 3)}, tolerance: sumsApart},
		parity{op: ops.SumTo{Shape: ops.Shape{1, 5, 1}}, in: []ops.Type{f(9, 5, 700)}, tolerance: sumsApart},
		parity{op: ops.SumTo{Shape: ops.Shape{1}}, in: []ops.Type{f(9, 5)}, tolerance: sumsApart},
	)
}

// resizings has all interpolations of larger, smaller and equal sizes, by one channel and by four, and their gradients.
func resizings() (list []parity) {
	for _, x := range []struct {
		src  ops.Shape
		size [2]int
	}{
		{ops.Shape{1, 1, 1, 1}, [2]int{1, 1}},
		{ops.Shape{2, 1, 1, 3}, [2]int{3, 4}},
		{ops.Shape{2, 4, 5, 8}, [2]int{8, 10}},
		{ops.Shape{2, 7, 9, 5}, [2]int{5, 11}},
		{ops.Shape{1, 5, 3, 20}, [2]int{5, 3}},
		{ops.Shape{1, 30, 2, 17}, [2]int{3, 17}},
	} {
		for _, method := range []ops.Interpolation{ops.Nearest, ops.Bilinear, ops.Bicubic} {
			list = append(list,
				parity{op: ops.Resize{Size: x.size, Method: method}, in: []ops.Type{f(x.src...)}},
				parity{op: ops.ResizeBackward{Src: x.src, Method: method}, in: []ops.Type{f(x.src[0], x.size[0], x.size[1], x.src[3])}},
			)
		}
	}
	return list
}
