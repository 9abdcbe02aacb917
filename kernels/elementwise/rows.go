package elementwise

import (
	"fmt"
	"unsafe"

	"github.com/meseta-go/meseta/kernels/cpu"
	"github.com/meseta-go/meseta/kernels/vec"
	"github.com/meseta-go/meseta/ops"
)

// biasChunk and sumChunk are the elements of one task; sumRows its least number of rows, so that what a task adds up
// outweighs the sums that it leaves behind.
const (
	biasChunk = 1 << 14
	sumChunk  = 1 << 15
	sumRows   = 64
)

func checkRows(name string, rows, c int) error {
	if rows < 1 || c < 1 {
		return fmt.Errorf("%s: [%d,%d], want at least [1,1]: %w", name, rows, c, ops.ErrShape)
	}
	return nil
}

// BiasAdd computes dst[r,c] = src[r,c] + bias[c].
type BiasAdd struct {
	dev      *cpu.Device
	rows     vec.Rows
	wide     []float32 // bias, repeated
	task     func(i, worker int)
	dst, src []float32
}

// NewBiasAdd makes a BiasAdd of rows of c elements. Its error wraps ops.ErrShape if there are none.
func NewBiasAdd(dev *cpu.Device, rows, c int) (*BiasAdd, error) {
	if err := checkRows("bias add", rows, c); err != nil {
		return nil, err
	}
	x := &BiasAdd{dev: dev, rows: vec.NewRows(rows, c, biasChunk, 1)}
	x.wide = make([]float32, x.rows.Padded())
	loop := vec.For(dev.ISA()).BiasAdd
	x.task = func(i, _ int) {
		start, wide, end := x.rows.Chunk(i)
		rest := start + wide*x.rows.Width
		loop(x.dst[start:rest], x.src[start:rest], x.wide, wide, x.rows.Width)
		if rest < end {
			loop(x.dst[rest:end], x.src[rest:end], x.wide, 1, end-rest)
		}
	}
	return x, nil
}

// Run computes dst [rows,c] of src [rows,c] and bias [c].
func (x *BiasAdd) Run(dst, src, bias []float32) {
	x.dst, x.src = dst, src
	x.rows.Repeat(x.wide, bias)
	x.dev.Sweep(x.rows.Chunks(), x.task)
}

// ColumnSum computes dst[c] = Σr src[r,c]. Sums are kept in float64 and rounded once.
type ColumnSum struct {
	dev  *cpu.Device
	rows vec.Rows
	task func(i, worker int)
	src  []float32
	sums []float64 // for each chunk, Padded sums
}

// NewColumnSum makes a ColumnSum of rows of c elements. Its error wraps ops.ErrShape if there are none.
func NewColumnSum(dev *cpu.Device, rows, c int) (*ColumnSum, error) {
	if err := checkRows("column sum", rows, c); err != nil {
		return nil, err
	}
	x := &ColumnSum{dev: dev, rows: vec.NewRows(rows, c, sumChunk, sumRows)}
	loop := vec.For(dev.ISA()).ColumnSums
	x.task = func(i, _ int) {
		start, wide, end := x.rows.Chunk(i)
		rest := start + wide*x.rows.Width
		sums := x.sums[i*x.rows.Padded():][:x.rows.Padded()]
		clear(sums)
		loop(sums, x.src[start:rest], wide, x.rows.Width)
		if rest < end {
			loop(sums, x.src[rest:end], 1, end-rest)
		}
		x.rows.Fold(sums)
	}
	return x, nil
}

// WorkspaceBytes is the size of Run's workspace.
func (x *ColumnSum) WorkspaceBytes() int { return 8 * x.rows.Chunks() * x.rows.Padded() }

// Run computes dst [c] of src [rows,c].
func (x *ColumnSum) Run(dst, src, workspace []float32) {
	x.src = src
	x.sums = unsafe.Slice((*float64)(unsafe.Pointer(unsafe.SliceData(workspace))), x.rows.Chunks()*x.rows.Padded())
	x.dev.Sweep(x.rows.Chunks(), x.task)
	for c := range dst[:x.rows.C] {
		sum := 0.0
		for i := range x.rows.Chunks() {
			sum += x.sums[i*x.rows.Padded()+c]
		}
		dst[c] = float32(sum)
	}
}
