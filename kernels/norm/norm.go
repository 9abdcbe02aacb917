// Package norm normalises parts of a tensor by their mean and variance.
//
// Every channel of [Rows,C]: batch normalization (arXiv:1502.03167) of NHWC images, Rows being N·H·W, with what follows it in
// residual networks, an addition and a ReLU or ReLU6:
//
//	Forward    statistics of the batch, then dst = act(gamma·(src-mean)/√(variance+Epsilon) + beta [+ residual])
//	Statistics the first alone, where a convolution does the rest as it loads src (package conv)
//	Inference  the same with given statistics
//	Backward   the gradients of Forward
//
// Every group of channels of every sample of [N,P,C]: group and instance normalization (arXiv:1803.08494), by GroupForward and
// GroupBackward. Every row of [Rows,C]: layer normalization (arXiv:1607.06450), by LayerForward and LayerBackward.
//
// Files: norm.go parameters and what the first three share; forward.go, backward.go; group.go; layer.go; ref.go the definition. The
// loops are in package vec. For GPUs: norm.cu all but layer.cu's, and what both share in norm.cuh.
//
// Statistics are summed in float64, in one pass: with mean 1000 and standard deviation 1 the variance is good to 1e-9, and it
// stays good to 1e-6 up to a mean of 10⁴ standard deviations. src less its float32 mean is what is scaled, so that a large mean
// costs no digits there.
package norm

import (
	"fmt"
	"math"
	"unsafe"

	"github.com/meseta-go/meseta/kernels/cpu"
	"github.com/meseta-go/meseta/kernels/vec"
	"github.com/meseta-go/meseta/ops"
)

// Params are the shape [Rows,C] and what is added to variances.
type Params struct {
	Rows, C int
	Epsilon float32
}

func (p Params) check() error {
	if p.Rows < 1 || p.C < 1 {
		return fmt.Errorf("norm: [%d,%d], want at least [1,1]: %w", p.Rows, p.C, ops.ErrShape)
	}
	if !(p.Epsilon >= 0) || math.IsInf(float64(p.Epsilon), 0) {
		return fmt.Errorf("norm: epsilon is %g, want a finite number of at least 0; Keras's default is 1e-3", p.Epsilon)
	}
	return nil
}

// Fused is what is computed along with a normalization: the addition of a residual, then an activation.
type Fused struct {
	Add        bool
	Activation ops.Activation
}

func (f Fused) check() error {
	return checkActivation(f.Activation)
}

func checkActivation(a ops.Activation) error {
	if a != ops.Linear && a != ops.ReLU && a != ops.ReLU6 {
		return fmt.Errorf("norm: activation %v, want linear, relu or relu6", a)
	}
	return nil
}

// variant is the place of the loops for an activation in package vec's tables.
func variant(a ops.Activation) int {
	switch a {
	case ops.ReLU:
		return 1
	case ops.ReLU6:
		return 2
	}
	return 0
}

func index(b bool) int {
	if b {
		return 1
	}
	return 0
}

// A task applies applyChunk elements, or sums sumChunk and at least sumRows rows, so that what it reads outweighs the sums that it leaves.
const (
	applyChunk = 1 << 14
	sumChunk   = 1 << 15
	sumRows    = 64
)

// reduction adds up two quantities for each channel, over all rows.
type reduction struct {
	dev  *cpu.Device
	rows vec.Rows
	task func(i, worker int)
	sums []float64 // for each chunk 2·Padded
}

// newReduction makes a reduction of a loop that adds the elements start to end, wide rows of the given width, to sums and others.
func newReduction(dev *cpu.Device, p Params, loop func(sums, others []float64, start, end, wide, width int)) *reduction {
	r := &reduction{dev: dev, rows: vec.NewSumRows(p.Rows, p.C, sumChunk, sumRows)}
	r.task = func(i, _ int) {
		start, wide, end := r.rows.Chunk(i)
		rest := start + wide*r.rows.Width
		padded := r.rows.Padded()
		both := r.sums[i*2*padded:][:2*padded]
		clear(both)
		sums, others := both[:padded], both[padded:]
		loop(sums, others, start, rest, wide, r.rows.Width)
		if rest < end {
			loop(sums, others, rest, end, 1, end-rest)
		}
		r.rows.Fold(sums)
		r.rows.Fold(others)
	}
	return r
}

func (r *reduction) workspaceBytes() int { return 8 * r.rows.Chunks() * 2 * r.rows.Padded() }

// do runs the loop over all chunks; sums then adds up what they left.
func (r *reduction) do(workspace []float32) {
	r.sums = unsafe.Slice((*float64)(unsafe.Pointer(unsafe.SliceData(workspace))), r.rows.Chunks()*2*r.rows.Padded())
	r.dev.Sweep(r.rows.Chunks(), r.task)
	first := r.sums[:2*r.rows.Padded()]
	for i := 1; i < r.rows.Chunks(); i++ {
		for half := range 2 {
			at := half * r.rows.Padded()
			for c, x := range r.sums[i*2*r.rows.Padded()+at:][:r.rows.C] {
				first[at+c] += x
			}
		}
	}
}

// sum gives the two sums of channel c, after do.
func (r *reduction) sum(c int) (sum, other float64) { return r.sums[c], r.sums[r.rows.Padded()+c] }

// application runs a loop over all elements with vectors of the channels repeated to wide rows.
type application struct {
	dev   *cpu.Device
	rows  vec.Rows
	task  func(i, worker int)
	wides [][]float32 // the vectors
}

// newApplication makes an application of a loop over the elements start to end, wide rows of the given width.
func newApplication(dev *cpu.Device, p Params, vectors int, loop func(start, end, wide, width int)) *application {
	a := &application{dev: dev, rows: vec.NewRows(p.Rows, p.C, applyChunk, 1)}
	for range vectors {
		a.wides = append(a.wides, make([]float32, a.rows.Padded()))
	}
	a.task = func(i, _ int) {
		start, wide, end := a.rows.Chunk(i)
		rest := start + wide*a.rows.Width
		loop(start, rest, wide, a.rows.Width)
		if rest < end {
			loop(rest, end, 1, end-rest)
		}
	}
	return a
}

// do runs the loop, once the first C elements of each vector are set.
func (a *application) do() {
	for _, w := range a.wides {
		a.rows.Repeat(w, w[:a.rows.C])
	}
	a.dev.Sweep(a.rows.Chunks(), a.task)
}

// UpdateMoving computes moving = moving·momentum + batch·(1-momentum), as Keras's BatchNormalization does with the batch's
// mean and its biased variance.
func UpdateMoving(moving, batch []float32, momentum float32) {
	rest := vec.Complement(momentum)
	for i, b := range batch {
		moving[i] = float32(moving[i]*momentum) + float32(b*rest)
	}
}
