package softmax

import (
	"math"

	"github.com/meseta-go/meseta/kernels/cpu"
)

// LogForward computes dst = src - log Σ exp(src) for every row.
type LogForward struct {
	rows
	dst, src []float32
}

// NewLogForward makes a LogForward. Its error wraps ops.ErrShape if there are no elements.
func NewLogForward(dev *cpu.Device, n, classes int) (*LogForward, error) {
	x := &LogForward{}
	var err error
	x.rows, err = newRows(dev, "log softmax", n, classes, func(r int) {
		src, dst := x.of(x.src, r), x.of(x.dst, r)
		m, sum := exponentials(x.loops, src)
		x.loops.Less(dst, src, m+math.Log(sum))
	})
	return x, err
}

// Run computes dst [rows,classes] of src [rows,classes]. dst may be src.
func (x *LogForward) Run(dst, src []float32) {
	x.dst, x.src = dst, src
	x.do()
}

// LogBackward computes diffSrc = diffDst - exp(dst)·Σ diffDst for every row, of LogForward's dst.
type LogBackward struct {
	rows
	diffSrc, diffDst, dst []float32
}

// NewLogBackward makes a LogBackward. Its error wraps ops.ErrShape if there are no elements.
func NewLogBackward(dev *cpu.Device, n, classes int) (*LogBackward, error) {
	x := &LogBackward{}
	var err error
	x.rows, err = newRows(dev, "log softmax backward", n, classes, func(r int) {
		dx, dy, y := x.of(x.diffSrc, r), x.of(x.diffDst, r), x.of(x.dst, r)
		x.loops.LogSoftmaxBackward(dx, y, dy, x.loops.Sum(dy))
	})
	return x, err
}

// Run computes diffSrc of diffDst and dst, all [rows,classes]. diffSrc may be diffDst.
func (x *LogBackward) Run(diffSrc, diffDst, dst []float32) {
	x.diffSrc, x.diffDst, x.dst = diffSrc, diffDst, dst
	x.do()
}

// Sparsemax computes dst = max(src-τ, 0) for every row, with the τ that makes its sum 1. A row with NaN becomes NaN.
type Sparsemax struct {
	rows
	dst, src []float32
}

// NewSparsemax makes a Sparsemax. Its error wraps ops.ErrShape if there are no elements.
func NewSparsemax(dev *cpu.Device, n, classes int) (*Sparsemax, error) {
	x := &Sparsemax{}
	var err error
	x.rows, err = newRows(dev, "sparsemax", n, classes, func(r int) {
		src, dst := x.of(x.src, r), x.of(x.dst, r)
		m := largest(src)
		tau := threshold(src, m)
		for i, s := range src {
			dst[i] = float32(max(float64(s)-m-tau, 0))
		}
	})
	return x, err
}

// largest gives a row's largest element, or NaN if it has one.
func largest(row []float32) float64 {
	m := row[0]
	for _, s := range row[1:] {
		m = max(m, s)
	}
	return float64(m)
}

// threshold gives τ - m for a row whose largest element is m, without sorting: of the elements above the last τ it makes the sum 1 anew, until
// none falls below (Michelot, J. Optim. Theory Appl. 50 (1986), 195). Their number only sinks, but where rounding lets one come back that is just at τ.
func threshold(row []float32, m float64) float64 {
	tau, count := math.Inf(-1), len(row)+1
	for {
		sum, n := 0.0, 0
		for _, s := range row {
			if v := float64(s) - m; v > tau {
				sum += v
				n++
			}
		}
		if n >= count || n == 0 { // none: NaN
			return tau
		}
		tau, count = (sum-1)/float64(n), n
	}
}

// Run computes dst [rows,classes] of src [rows,classes]. dst may be src.
func (x *Sparsemax) Run(dst, src []float32) {
	x.dst, x.src = dst, src
	x.do()
}

// SparsemaxBackward computes diffSrc = diffDst less its mean over dst > 0, there, else 0, for every row of Sparsemax's dst.
type SparsemaxBackward struct {
	rows
	diffSrc, diffDst, dst []float32
}

// NewSparsemaxBackward makes a SparsemaxBackward. Its error wraps ops.ErrShape if there are no elements.
func NewSparsemaxBackward(dev *cpu.Device, n, classes int) (*SparsemaxBackward, error) {
	x := &SparsemaxBackward{}
	var err error
	x.rows, err = newRows(dev, "sparsemax backward", n, classes, func(r int) {
		dx, dy, y := x.of(x.diffSrc, r), x.of(x.diffDst, r), x.of(x.dst, r)
		sum, count := 0.0, 0.0
		for i, v := range y {
			if !(v <= 0) {
				sum += float64(dy[i]) + 0*float64(v) // NaN stays
				count++
			}
		}
		for i, v := range y {
			d := 0.0
			if !(v <= 0) {
				d = float64(dy[i]) - sum/count
			}
			dx[i] = float32(d)
		}
	})
	return x, err
}

// Run computes diffSrc of diffDst and dst, all [rows,classes]. diffSrc may be diffDst.
func (x *SparsemaxBackward) Run(diffSrc, diffDst, dst []float32) {
	x.diffSrc, x.diffDst, x.dst = diffSrc, diffDst, dst
	x.do()
}
