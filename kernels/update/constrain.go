package update

import (
	"fmt"
	"math"

	"github.com/meseta-go/meseta/kernels/cpu"
	"github.com/meseta-go/meseta/kernels/vec"
	"github.com/meseta-go/meseta/ops"
)

// NonNegative makes what is negative 0.
type NonNegative struct {
	flat vec.Flat
	w    []float32
}

// NewNonNegative makes a NonNegative of n elements. Its error wraps ops.ErrShape if n is less than 1.
func NewNonNegative(dev *cpu.Device, n int) (*NonNegative, error) {
	x, loops := &NonNegative{}, vec.For(dev.ISA())
	var err error
	x.flat, err = vec.NewFlat(dev, "non-negative", n, func(start, end int) { loops.ReLU(x.w[start:end], x.w[start:end]) })
	return x, err
}

// Run changes w [n].
func (x *NonNegative) Run(w []float32) {
	x.w = w[:x.flat.N()]
	x.flat.Do()
}

// columns is how many vectors are summed side by side where they do not lie along the last axis.
const columns = 64

// ConstrainNorm scales the vectors of a weight: ops.ConstrainNorm.
//
// The axes are merged to runs that vectors lie along or not, by turns. The last is the inner run, contiguous in memory; a vector is, or
// several vectors side by side are, its elements at one of starts plus each of offsets.
type ConstrainNorm struct {
	dev             *cpu.Device
	rule            ops.ConstrainNorm
	n               int
	starts, offsets []int
	inner           int
	along           bool // whether vectors lie along the inner run
	units, each     int  // pieces of work, and how many of them make a task
	task            func(i, worker int)
	w               []float32
}

// NewConstrainNorm makes a ConstrainNorm for weights of a shape. Its error wraps ops.ErrShape if the shape has no elements, or another
// number of axes than the rule.
func NewConstrainNorm(dev *cpu.Device, shape ops.Shape, rule ops.ConstrainNorm) (*ConstrainNorm, error) {
	if shape.Size() < 1 || len(shape) == 0 || len(shape) != len(rule.Along) {
		return nil, fmt.Errorf("constrain norm: a weight %v for a rule of %d axes: %w", shape, len(rule.Along), ops.ErrShape)
	}
	last := len(shape) - 1
	x := &ConstrainNorm{dev: dev, rule: rule, n: shape.Size(), starts: []int{0}, offsets: []int{0}, inner: 1, along: rule.Along[last]}
	for ; last >= 0 && rule.Along[last] == x.along; last-- {
		x.inner *= shape[last]
	}
	stride := x.inner
	for ; last >= 0; last-- {
		list := &x.starts
		if rule.Along[last] {
			list = &x.offsets
		}
		var all []int
		for i := range shape[last] {
			for _, at := range *list {
				all = append(all, i*stride+at)
			}
		}
		*list, stride = all, stride*shape[last]
	}
	x.units = len(x.starts) * x.blocks()
	x.each = max(1, vec.FlatChunk*x.units/x.n)
	x.task = func(i, _ int) {
		for unit := i * x.each; unit < min((i+1)*x.each, x.units); unit++ {
			start := x.starts[unit/x.blocks()]
			if x.along {
				x.vector(start)
			} else {
				first := unit % x.blocks() * columns
				x.sideBySide(start+first, min(columns, x.inner-first))
			}
		}
	}
	return x, nil
}

// blocks is the number of units at each start.
func (x *ConstrainNorm) blocks() int {
	if x.along {
		return 1
	}
	return (x.inner + columns - 1) / columns
}

// Run changes w [n].
func (x *ConstrainNorm) Run(w []float32) {
	x.w = w[:x.n]
	x.dev.Parallel((x.units+x.each-1)/x.each, x.task)
}

func (x *ConstrainNorm) vector(start int) {
	total := 0.0
	for _, offset := range x.offsets {
		_, squares := sumSizes(x.w[start+offset:][:x.inner])
		total += squares
	}
	scale := normScale[float32](x.rule, total)
	for _, offset := range x.offsets {
		for i, row := 0, x.w[start+offset:][:x.inner]; i < len(row); i++ {
			row[i] *= scale
		}
	}
}

func (x *ConstrainNorm) sideBySide(start, count int) {
	var sums [columns]float64
	for _, offset := range x.offsets {
		for i, w := range x.w[start+offset:][:count] {
			sums[i] += float64(w) * float64(w)
		}
	}
	var scales [columns]float32
	for i, total := range sums[:count] {
		scales[i] = normScale[float32](x.rule, total)
	}
	for _, offset := range x.offsets {
		row := x.w[start+offset:][:count]
		for i, scale := range scales[:len(row)] {
			row[i] *= scale
		}
	}
}

// normScale is the factor of a vector with this sum of squares.
func normScale[T Float](r ops.ConstrainNorm, squares float64) T {
	norm := math.Sqrt(squares)
	desired := float64(r.Rate)*min(max(norm, float64(r.Min)), float64(r.Max)) + (1-float64(r.Rate))*norm
	return T(desired / (norm + ops.NormEpsilon))
}
