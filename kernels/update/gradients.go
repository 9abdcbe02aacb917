package update

import (
	"math"

	"github.com/meseta-go/meseta/kernels/cpu"
	"github.com/meseta-go/meseta/kernels/vec"
	"github.com/meseta-go/meseta/ops"
)

// Accumulator sums gradients over steps: ops.AccumulateGradients.
type Accumulator struct {
	add, finish vec.Flat
	grad, sums  []float32
}

// NewAccumulator makes an Accumulator of n elements whose mean is over so many steps. Its error wraps ops.ErrShape if n is less than 1.
func NewAccumulator(dev *cpu.Device, n, steps int) (*Accumulator, error) {
	x, loops, part := &Accumulator{}, vec.For(dev.ISA()), 1/float32(steps)
	var err error
	if x.add, err = vec.NewFlat(dev, "accumulate gradients", n, func(start, end int) {
		loops.Add(x.sums[start:end], x.sums[start:end], x.grad[start:end])
	}); err != nil {
		return nil, err
	}
	x.finish, err = vec.NewFlat(dev, "accumulate gradients", n, func(start, end int) {
		grad, sums := x.grad[start:end], x.sums[start:end]
		loops.Add(grad, grad, sums)
		loops.Affine(grad, grad, part, 0)
		clear(sums)
	})
	return x, err
}

// Add adds grad to sums, both [n].
func (x *Accumulator) Add(grad, sums []float32) {
	n := x.add.N()
	x.grad, x.sums = grad[:n], sums[:n]
	x.add.Do()
}

// Finish makes grad the mean of itself and the steps in sums, both [n], and sums 0.
func (x *Accumulator) Finish(grad, sums []float32) {
	n := x.finish.N()
	x.grad, x.sums = grad[:n], sums[:n]
	x.finish.Do()
}

// Clip shortens gradients: ops.ClipGradients. Norms are of float64 sums, so that no gradient is too large to be measured.
type Clip struct {
	rule    ops.ClipGradients
	pieces  *pieces
	squares []float64 // of each piece
	scales  []float32 // of each array
	grad    []float32

	measure, scale, clamp func(i, worker int)
}

// NewClip makes a Clip of gradients at these places. Its error wraps ops.ErrShape if one has no elements.
func NewClip(dev *cpu.Device, gradients []Array, rule ops.ClipGradients) (*Clip, error) {
	p, err := newPieces(dev, "clip", gradients)
	if err != nil {
		return nil, err
	}
	x := &Clip{rule: rule, pieces: p, squares: make([]float64, len(p.list)), scales: make([]float32, len(gradients))}
	part := func(i int) []float32 { return x.grad[p.list[i].start:p.list[i].end] }
	x.measure = func(i, worker int) { x.squares[i] = p.sumOfSquares(part(i), worker) }
	x.scale = func(i, _ int) {
		if scale := x.scales[p.list[i].array]; scale != 1 {
			p.loops.Affine(part(i), part(i), scale, 0)
		}
	}
	x.clamp = func(i, _ int) { p.loops.Clamp(part(i), part(i), -rule.Value, rule.Value) }
	return x, nil
}

// Run changes grad, the sweep over all gradients.
func (x *Clip) Run(grad []float32) {
	x.grad = grad[:x.pieces.n()]
	if x.rule.Norm == 0 && x.rule.GlobalNorm == 0 {
		x.pieces.do(x.clamp)
		return
	}
	x.pieces.do(x.measure)
	all := 0.0
	for array := range x.scales {
		squares := x.pieces.total(array, x.squares)
		x.scales[array] = clipScale[float32](x.rule.Norm, squares)
		all += squares
	}
	if x.rule.GlobalNorm != 0 {
		scale := clipScale[float32](x.rule.GlobalNorm, all)
		for array := range x.scales {
			x.scales[array] = scale
		}
	}
	x.pieces.do(x.scale)
}

// clipScale is the factor that makes a vector of this sum of squares at most so long.
func clipScale[T Float](most float32, squares float64) T {
	if norm := math.Sqrt(squares); norm > float64(most) {
		return T(float64(most) / norm)
	}
	return 1
}

// Averages keeps moving averages of parameters: ops.AverageWeights.
type Averages struct {
	flat        vec.Flat
	rule        ops.AverageWeights
	param, a    []float32
	first, over bool
}

// NewAverages makes Averages of n elements. Its error wraps ops.ErrShape if n is less than 1.
func NewAverages(dev *cpu.Device, n int, rule ops.AverageWeights) (*Averages, error) {
	x, loops, keep := &Averages{rule: rule}, vec.For(dev.ISA()), 1-rule.Momentum
	var err error
	x.flat, err = vec.NewFlat(dev, "average weights", n, func(start, end int) {
		param, a := x.param[start:end], x.a[start:end]
		if x.first {
			copy(a, param)
			return // which are the same now
		}
		loops.Average(a, param, rule.Momentum, keep)
		if x.over {
			copy(param, a)
		}
	})
	return x, err
}

// Run changes a, and param where the rule says so, both [n]. iterations counts this step already.
func (x *Averages) Run(param, a []float32, iterations int64) {
	n := x.flat.N()
	x.param, x.a = param[:n], a[:n]
	x.first, x.over = averagePhase(x.rule, iterations)
	x.flat.Do()
}

// averagePhase says whether the first update is not done yet, or done at this step, and whether averages become weights.
func averagePhase(r ops.AverageWeights, iterations int64) (first, over bool) {
	update := (iterations - 1) / int64(max(r.Every, 1))
	return update == 0, r.Overwrite > 0 && (update+1)%int64(r.Overwrite) == 0
}
