package elementwise

import (
	"github.com/meseta-go/meseta/kernels/cpu"
	"github.com/meseta-go/meseta/kernels/vec"
	"github.com/meseta-go/meseta/ops"
)

// Binary computes dst = f(a, b), a and b broadcast against each other.
type Binary struct {
	dev       *cpu.Device
	walk      vec.Walk
	pieces    vec.Pieces
	loops     vec.BinaryLoops
	dst, a, b []float32
	task      func(i, worker int)
	tasks     int
	row       []float32 // a short row that is the same for all rows of the other operand, repeated
	rows      vec.Rows
}

// shortRow is the longest row that is repeated: longer ones are worth a call each.
const shortRow = 256

// NewBinary makes a Binary for a and b of these shapes. Its error wraps ops.ErrShape.
func NewBinary(dev *cpu.Device, f ops.BinaryFunc, a, b ops.Shape) (*Binary, error) {
	to, err := ops.BroadcastShapes(a, b)
	if err != nil {
		return nil, err
	}
	x := &Binary{dev: dev, loops: vec.Binary(dev.ISA(), f)}
	if x.walk, err = vec.NewWalk(f.String(), to, vec.BroadcastStrides(a, to), vec.BroadcastStrides(b, to)); err != nil {
		return nil, err
	}
	x.pieces = vec.NewPieces(&x.walk)
	x.tasks = x.pieces.Tasks()
	switch {
	case x.isRow(0), x.isRow(1):
		x.rows = vec.NewRows(x.walk.Rows(), x.walk.Width(), vec.FlatChunk, 1)
		x.row, x.tasks, x.task = make([]float32, x.rows.Padded()), x.rows.Chunks(), x.short
	case x.walk.Step(0) == 0 && x.walk.Step(1) == 0: // one element
		x.task = x.each
	case x.walk.Step(1) == 0:
		x.task = x.right
	case x.walk.Step(0) == 0:
		x.task = x.left
	default:
		x.task = x.each
	}
	return x, nil
}

// Run computes dst, of the broadcast shape, of a and b. dst may be a or b if that is not broadcast.
func (x *Binary) Run(dst, a, b []float32) {
	x.dst, x.a, x.b = dst, a, b
	if x.row != nil {
		if x.isRow(0) {
			b = a
		}
		x.rows.Repeat(x.row, b)
	}
	x.dev.Sweep(x.tasks, x.task)
}

// isRow says whether operand k is a short row, and the other one has many.
func (x *Binary) isRow(k int) bool {
	w := &x.walk
	return len(w.Dims) == 2 && w.Width() <= shortRow && w.Step(0) == 1 && w.Step(1) == 1 && w.Strides[k][0] == 0 && w.Strides[1-k][0] == w.Width()
}

// short does a chunk of rows with the repeated one.
func (x *Binary) short(i, _ int) {
	start, _, end := x.rows.Chunk(i)
	for first := x.isRow(0); start < end; start += x.rows.Width {
		stop := min(start+x.rows.Width, end)
		if first {
			x.loops.Each(x.dst[start:stop], x.row, x.b[start:stop])
		} else {
			x.loops.Each(x.dst[start:stop], x.a[start:stop], x.row)
		}
	}
}

func (x *Binary) each(i, _ int) {
	first, end, start, stop := x.pieces.Task(i)
	width, c := x.walk.Width(), x.walk.Row(first)
	for r := first; r < end; r++ {
		a, b := c.At[0], c.At[1]
		x.loops.Each(x.dst[r*width+start:r*width+stop], x.a[a+start:a+stop], x.b[b+start:b+stop])
		c.Next(&x.walk)
	}
}

func (x *Binary) right(i, _ int) {
	first, end, start, stop := x.pieces.Task(i)
	width, c := x.walk.Width(), x.walk.Row(first)
	for r := first; r < end; r++ {
		a := c.At[0]
		x.loops.Right(x.dst[r*width+start:r*width+stop], x.a[a+start:a+stop], x.b[c.At[1]])
		c.Next(&x.walk)
	}
}

func (x *Binary) left(i, _ int) {
	first, end, start, stop := x.pieces.Task(i)
	width, c := x.walk.Width(), x.walk.Row(first)
	for r := first; r < end; r++ {
		b := c.At[1]
		x.loops.Left(x.dst[r*width+start:r*width+stop], x.a[c.At[0]], x.b[b+start:b+stop])
		c.Next(&x.walk)
	}
}
