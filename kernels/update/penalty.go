package update

import (
	"github.com/meseta-go/meseta/kernels/cpu"
	"github.com/meseta-go/meseta/kernels/vec"
	"github.com/meseta-go/meseta/ops"
)

// Penalty computes a regularizer's penalty on a weight: ops.Penalty.
type Penalty struct {
	flat vec.Flat
	rule ops.Penalty
	sums []float64 // of each chunk
	w    []float32
}

// NewPenalty makes a Penalty of n elements. Its error wraps ops.ErrShape if n is less than 1.
func NewPenalty(dev *cpu.Device, n int, rule ops.Penalty) (*Penalty, error) {
	x := &Penalty{rule: rule, sums: make([]float64, chunks(n))}
	var err error
	x.flat, err = vec.NewFlat(dev, "penalty", n, func(start, end int) {
		magnitudes, squares := sumSizes(x.w[start:end])
		x.sums[start/vec.FlatChunk] = float64(rule.L1)*magnitudes + float64(rule.L2)*squares
	})
	return x, err
}

// Run gives L1·Σ|w| + L2·Σw² of w [n], summed in float64.
func (x *Penalty) Run(w []float32) float32 {
	x.w = w[:x.flat.N()]
	x.flat.Do()
	total := 0.0
	for _, sum := range x.sums {
		total += sum
	}
	return float32(total)
}

// chunks is the number of chunks that a Flat of n elements has.
func chunks(n int) int { return (n + vec.FlatChunk - 1) / vec.FlatChunk }

// sumSizes gives Σ|x| and Σx². Four sums each, so that an addition need not wait for the one before.
func sumSizes(src []float32) (magnitudes, squares float64) {
	var m, s [4]float64
	for ; len(src) >= 4; src = src[4:] {
		for i, x := range src[:4] {
			wide := float64(x)
			m[i] += max(wide, -wide)
			s[i] += wide * wide
		}
	}
	for i, x := range src {
		wide := float64(x)
		m[i] += max(wide, -wide)
		s[i] += wide * wide
	}
	return (m[0] + m[1]) + (m[2] + m[3]), (s[0] + s[1]) + (s[2] + s[3])
}

// Regularize adds a penalty's gradient to a weight's: ops.Regularize.
type Regularize struct {
	flat         vec.Flat
	dst, grad, w []float32
}

// NewRegularize makes a Regularize of n elements. Its error wraps ops.ErrShape if n is less than 1.
func NewRegularize(dev *cpu.Device, n int, rule ops.Regularize) (*Regularize, error) {
	x, loops, l1, l2 := &Regularize{}, vec.For(dev.ISA()), rule.L1, 2*rule.L2
	var err error
	x.flat, err = vec.NewFlat(dev, "regularize", n, func(start, end int) {
		loops.Regularize(x.dst[start:end], x.grad[start:end], x.w[start:end], l1, l2)
	})
	return x, err
}

// Run computes dst = grad + L1·sign(w) + 2·L2·w, all [n]. dst may be grad.
func (x *Regularize) Run(dst, grad, w []float32) {
	n := x.flat.N()
	x.dst, x.grad, x.w = dst[:n], grad[:n], w[:n]
	x.flat.Do()
}
