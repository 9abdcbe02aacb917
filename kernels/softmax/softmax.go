// Package softmax computes what stands at the end of a classifier, for rows of scores: softmax, its logarithm, sparsemax, the two forms of
// the cross-entropy with integer labels, with targets of the scores' shape, and of each score by itself, their gradients, and whether the
// best score is at the label.
//
// Arrays are float32 [rows,classes], row-major; labels are int32 [rows]. A label outside 0 to classes-1 makes its loss and gradient NaN: whoever
// reads labels checks them. Within a row, exponentials and sums are taken in float64 (by the loops of package vec) and rounded once.
//
// Files: softmax.go softmax and how rows are spread over workers; others.go its logarithm and sparsemax; loss.go losses of labels, gradients,
// correct; targets.go losses of targets; ref.go the definition.
package softmax

import (
	"fmt"

	"github.com/meseta-go/meseta/kernels/cpu"
	"github.com/meseta-go/meseta/kernels/vec"
	"github.com/meseta-go/meseta/ops"
)

// taskElements is about how many elements one task works on: some 10 to 100 µs.
const taskElements = 1 << 12

// rows runs a function on each row, in parallel.
type rows struct {
	dev     *cpu.Device
	tasks   int
	classes int
	task    func(i, worker int)
	loops   *vec.ScoreLoops
}

func newRows(dev *cpu.Device, name string, n, classes int, row func(r int)) (rows, error) {
	if n < 1 || classes < 1 {
		return rows{}, fmt.Errorf("%s: [%d,%d], want at least [1,1]: %w", name, n, classes, ops.ErrShape)
	}
	each := max(taskElements/classes, 1)
	return rows{dev, (n + each - 1) / each, classes, func(i, _ int) {
		for r := i * each; r < min((i+1)*each, n); r++ {
			row(r)
		}
	}, vec.Scores(dev.ISA())}, nil
}

func (x *rows) do() { x.dev.Parallel(x.tasks, x.task) }

// of gives row r of a.
func (x *rows) of(a []float32, r int) []float32 { return a[r*x.classes:][:x.classes] }

// exponentials gives the largest m of a row and Σ exp(row - m). NaN and rows that are -∞ throughout make the sum NaN.
func exponentials(l *vec.ScoreLoops, row []float32) (m, sum float64) {
	m = float64(l.Largest(row))
	return m, l.SumExp(row, m)
}

// Forward computes dst = exp(src)/Σ exp(src) for every row.
type Forward struct {
	rows
	dst, src []float32
}

// NewForward makes a Forward. Its error wraps ops.ErrShape if there are no elements.
func NewForward(dev *cpu.Device, n, classes int) (*Forward, error) {
	x := &Forward{}
	var err error
	x.rows, err = newRows(dev, "softmax", n, classes, func(r int) {
		src, dst := x.of(x.src, r), x.of(x.dst, r)
		m, sum := exponentials(x.loops, src)
		x.loops.ExpTimes(dst, src, m, 1/sum)
	})
	return x, err
}

// Run computes dst [rows,classes] of src [rows,classes]. dst may be src.
func (x *Forward) Run(dst, src []float32) {
	x.dst, x.src = dst, src
	x.do()
}

// Backward computes diffSrc = dst·(diffDst - Σ diffDst·dst) for every row, of Forward's dst.
type Backward struct {
	rows
	diffSrc, diffDst, dst []float32
}

// NewBackward makes a Backward. Its error wraps ops.ErrShape if there are no elements.
func NewBackward(dev *cpu.Device, n, classes int) (*Backward, error) {
	x := &Backward{}
	var err error
	x.rows, err = newRows(dev, "softmax backward", n, classes, func(r int) {
		dx, dy, y := x.of(x.diffSrc, r), x.of(x.diffDst, r), x.of(x.dst, r)
		x.loops.SoftmaxBackward(dx, y, dy, x.loops.Dot(y, dy))
	})
	return x, err
}

// Run computes diffSrc of diffDst and dst, all [rows,classes]. diffSrc may be diffDst.
func (x *Backward) Run(diffSrc, diffDst, dst []float32) {
	x.diffSrc, x.diffDst, x.dst = diffSrc, diffDst, dst
	x.do()
}
