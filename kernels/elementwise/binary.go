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
}

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
	switch {
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
	x.dev.Parallel(x.pieces.Tasks(), x.task)
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
