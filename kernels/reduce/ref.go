package reduce

import (
	"math"

	"github.com/meseta-go/meseta/ops"
)

// Float is what the definitions are generic over: float32 as the kernels compute, float64 to judge them by.
type Float interface{ float32 | float64 }

// Reference defines Reduce: it goes over src element by element and puts each to the result that its index belongs to.
func Reference[T Float](f ops.ReduceFunc, s ops.Shape, over []bool, dst, src []T) {
	results, seen := make([]float64, len(dst)), make([]int, len(dst))
	for i, v := range src {
		at, stride := 0, 1
		for rest, d := i, len(s)-1; d >= 0; d-- {
			if !over[d] {
				at += rest % s[d] * stride
				stride *= s[d]
			}
			rest /= s[d]
		}
		x := float64(v)
		switch {
		case seen[at] == 0:
			results[at] = x
		case f == ops.Max:
			results[at] = math.Max(results[at], x)
		case f == ops.Min:
			results[at] = math.Min(results[at], x)
		default:
			results[at] += x
		}
		seen[at]++
	}
	for i, x := range results {
		if f == ops.Mean {
			x /= float64(seen[i])
		}
		dst[i] = T(x)
	}
}

// ReferenceArgMax defines ArgMax; c is the length of a row.
func ReferenceArgMax[T Float](c int, dst []int32, src []T) {
	for r := range dst {
		row := src[r*c:][:c]
		best := 0
		for j, v := range row {
			isNaN, have := v != v, row[best] != row[best]
			if v > row[best] || isNaN && !have {
				best = j
			}
		}
		dst[r] = int32(best)
	}
}
