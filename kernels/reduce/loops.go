package reduce

import (
	"math"

	"github.com/meseta-go/meseta/ops"
)

// loops are those of a reduction.
type loops struct {
	start float64                             // what nothing is reduced to
	run   func(src []float32) float64         // of numbers side by side
	add   func(sums []float64, src []float32) // each of as many numbers to its sum
	pair  func(a, b float64) float64
}

func loopsOf(f ops.ReduceFunc) loops {
	switch f {
	case ops.Max:
		return loops{math.Inf(-1), largest, addLargest, func(a, b float64) float64 { return max(a, b) }}
	case ops.Min:
		return loops{math.Inf(1), smallest, addSmallest, func(a, b float64) float64 { return min(a, b) }}
	}
	return loops{0, sum, addSum, func(a, b float64) float64 { return a + b }}
}

// sum adds up four numbers at a time.
func sum(src []float32) float64 {
	var a, b, c, d float64
	for len(src) >= 4 {
		a += float64(src[0])
		b += float64(src[1])
		c += float64(src[2])
		d += float64(src[3])
		src = src[4:]
	}
	for _, v := range src {
		a += float64(v)
	}
	return (a + b) + (c + d)
}

func addSum(sums []float64, src []float32) {
	src = src[:len(sums)]
	for i, v := range src {
		sums[i] += float64(v)
	}
}

func largest(src []float32) float64 {
	m := src[0]
	for _, v := range src[1:] {
		if !(v <= m) { // v is larger, or one of them NaN
			m = max(m, v)
		}
	}
	return float64(m)
}

func addLargest(sums []float64, src []float32) {
	src = src[:len(sums)]
	for i, v := range src {
		if !(float64(v) <= sums[i]) {
			sums[i] = max(sums[i], float64(v))
		}
	}
}

func smallest(src []float32) float64 {
	m := src[0]
	for _, v := range src[1:] {
		if !(v >= m) {
			m = min(m, v)
		}
	}
	return float64(m)
}

func addSmallest(sums []float64, src []float32) {
	src = src[:len(sums)]
	for i, v := range src {
		if !(float64(v) >= sums[i]) {
			sums[i] = min(sums[i], float64(v))
		}
	}
}
