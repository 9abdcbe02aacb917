package reduce

import (
	"fmt"

	"github.com/meseta-go/meseta/kernels/cpu"
	"github.com/meseta-go/meseta/ops"
)

// ArgMax finds the first largest number of each row; NaN counts as the largest.
type ArgMax struct {
	dev     *cpu.Device
	rows, c int
	each    int // rows of a task
	task    func(i, worker int)
	dst     []int32
	src     []float32
}

// NewArgMax makes an ArgMax of rows of c numbers. Its error wraps ops.ErrShape if there are none.
func NewArgMax(dev *cpu.Device, rows, c int) (*ArgMax, error) {
	if rows < 1 || c < 1 {
		return nil, fmt.Errorf("argmax: [%d,%d], want at least [1,1]: %w", rows, c, ops.ErrShape)
	}
	x := &ArgMax{dev: dev, rows: rows, c: c, each: max(taskElements/c, 1)}
	x.task = x.some
	return x, nil
}

// Run computes dst [rows] of src [rows,c].
func (x *ArgMax) Run(dst []int32, src []float32) {
	x.dst, x.src = dst, src
	x.dev.Parallel((x.rows+x.each-1)/x.each, x.task)
}

func (x *ArgMax) some(i, _ int) {
	for r := i * x.each; r < min((i+1)*x.each, x.rows); r++ {
		row := x.src[r*x.c:][:x.c]
		best, at := row[0], 0
		for j, v := range row[1:] {
			if !(v <= best) && best == best { // larger, or the first NaN
				best, at = v, j+1
			}
		}
		x.dst[r] = int32(at)
	}
}
