package arrange

import (
	"fmt"

	"github.com/meseta-go/meseta/kernels/cpu"
	"github.com/meseta-go/meseta/kernels/vec"
	"github.com/meseta-go/meseta/ops"
)

// Broadcast repeats numbers along dimensions; see Run. A value is used by one goroutine at a time.
type Broadcast struct {
	dev      *cpu.Device
	walk     vec.Walk
	pieces   vec.Pieces
	dst, src []float32
	task     func(i, worker int)
}

// NewBroadcast makes a Broadcast of an array of shape s to shape to. Its error wraps ops.ErrShape.
func NewBroadcast(dev *cpu.Device, s, to ops.Shape) (*Broadcast, error) {
	if b, err := ops.BroadcastShapes(s, to); err != nil || !b.Equal(to) {
		return nil, fmt.Errorf("arrange: %v cannot be broadcast to %v: %w", s, to, ops.ErrShape)
	}
	x := &Broadcast{dev: dev}
	var err error
	if x.walk, err = vec.NewWalk("broadcast", to, vec.BroadcastStrides(s, to)); err != nil {
		return nil, err
	}
	x.pieces = vec.NewPieces(&x.walk)
	x.task = x.some
	return x, nil
}

// Run writes dst from src. They do not overlap.
func (x *Broadcast) Run(dst, src []float32) {
	x.dst, x.src = dst, src
	x.dev.Parallel(x.pieces.Tasks(), x.task)
}

func (x *Broadcast) some(i, _ int) {
	first, end, start, stop := x.pieces.Task(i)
	width, c := x.walk.Width(), x.walk.Row(first)
	for r := first; r < end; r++ {
		dst, at := x.dst[r*width+start:r*width+stop], c.At[0]
		if x.walk.Step(0) == 0 {
			v := x.src[at]
			for j := range dst {
				dst[j] = v
			}
		} else {
			copy(dst, x.src[at+start:])
		}
		c.Next(&x.walk)
	}
}

// tile is the edge of the squares that Transpose works in: what they read and write stays in the first cache.
const tile = 32

// transposeTask is about how many elements a task of Transpose moves.
const transposeTask = 1 << 14

// Squares say how dimensions get another order where a row of dst is none of src: two of them are worked through in squares. Across lies side by side in
// src, along in dst.
type Squares struct {
	Across, AcrossStep int      // elements, stride in dst
	Along, AlongStep   int      // elements, stride in src
	Outer              vec.Walk // the other dimensions, with strides in src and in dst
}

// Order says how an array of shape s gets another order, of which dimension perm[i] becomes dimension i: as a walk over dst, with strides in src, and,
// where its rows are no stretches of src, as Squares. Its error wraps ops.ErrShape.
func Order(s ops.Shape, perm []int) (rows vec.Walk, squares *Squares, err error) {
	out, err := ops.Transpose{Perm: perm}.Infer([]ops.Type{{Shape: s}})
	if err != nil {
		return rows, nil, err
	}
	own, strides := vec.Strides(s), make([]int, len(s))
	for i, p := range perm {
		strides[i] = own[p]
	}
	rows, err = vec.NewWalk("transpose", out[0].Shape, strides)
	if err != nil || rows.Step(0) <= 1 {
		return rows, nil, err
	}
	x := &Squares{}
	dims, from := rows.Dims, rows.Strides[0]
	to, last := vec.Strides(dims), len(dims)-1
	x.Along, x.AlongStep = dims[last], from[last]
	var outer, outerFrom, outerTo []int
	for d := range last {
		if from[d] == 1 {
			x.Across, x.AcrossStep = dims[d], to[d]
			continue
		}
		outer, outerFrom, outerTo = append(outer, dims[d]), append(outerFrom, from[d]), append(outerTo, to[d])
	}
	x.Outer, err = vec.NewWalk("transpose", outer, outerFrom, outerTo)
	return rows, x, err
}

// Transpose puts dimensions in another order; see Run. A value is used by one goroutine at a time.
type Transpose struct {
	dev      *cpu.Device
	dst, src []float32
	task     func(i, worker int)
	tasks    int

	// Where a row of dst is one of src, too.
	rows   vec.Walk
	pieces vec.Pieces

	*Squares     // else
	bands    int // of tile across
	each     int // bands of a task
}

// NewTranspose makes a Transpose of an array of shape s, of which dimension perm[i] becomes dimension i. Its error wraps ops.ErrShape.
func NewTranspose(dev *cpu.Device, s ops.Shape, perm []int) (*Transpose, error) {
	x := &Transpose{dev: dev}
	var err error
	if x.rows, x.Squares, err = Order(s, perm); err != nil {
		return nil, err
	}
	if x.Squares == nil {
		x.pieces = vec.NewPieces(&x.rows)
		x.tasks, x.task = x.pieces.Tasks(), x.copyRows
		return x, nil
	}
	x.bands = (x.Across + tile - 1) / tile
	x.each = max(transposeTask/(min(x.Across, tile)*x.Along), 1)
	x.tasks, x.task = (x.Outer.Rows()*x.Outer.Width()*x.bands+x.each-1)/x.each, x.squares
	return x, nil
}

// Run writes dst from src. They do not overlap.
func (x *Transpose) Run(dst, src []float32) {
	x.dst, x.src = dst, src
	x.dev.Parallel(x.tasks, x.task)
}

func (x *Transpose) copyRows(i, _ int) {
	first, end, start, stop := x.pieces.Task(i)
	width, c := x.rows.Width(), x.rows.Row(first)
	for r := first; r < end; r++ {
		copy(x.dst[r*width+start:r*width+stop], x.src[c.At[0]+start:])
		c.Next(&x.rows)
	}
}

func (x *Transpose) squares(i, _ int) {
	width := x.Outer.Width()
	for b := i * x.each; b < min((i+1)*x.each, x.Outer.Rows()*width*x.bands); b++ {
		at, band := b/x.bands, b%x.bands
		c := x.Outer.Row(at / width)
		from := c.At[0] + at%width*x.Outer.Step(0)
		to := c.At[1] + at%width*x.Outer.Step(1)
		for j := 0; j < x.Along; j += tile {
			for k := band * tile; k < min((band+1)*tile, x.Across); k++ {
				dst := x.dst[to+k*x.AcrossStep+j:][:min(tile, x.Along-j)]
				src := x.src[from+k+j*x.AlongStep:]
				for m := range dst {
					dst[m] = src[m*x.AlongStep]
				}
			}
		}
	}
}

// OneHot turns labels into rows of zeros with a 1 at the label; see Run. A value is used by one goroutine at a time.
type OneHot struct {
	dev           *cpu.Device
	rows, classes int
	each          int
	task          func(i, worker int)
	dst           []float32
	labels        []int32
}

// NewOneHot makes a OneHot of rows labels. Its error wraps ops.ErrShape.
func NewOneHot(dev *cpu.Device, rows, classes int) (*OneHot, error) {
	if rows < 1 || classes < 1 {
		return nil, fmt.Errorf("arrange: %d labels of %d classes, want at least 1 of each: %w", rows, classes, ops.ErrShape)
	}
	x := &OneHot{dev: dev, rows: rows, classes: classes, each: max(vec.FlatChunk/classes, 1)}
	x.task = x.some
	return x, nil
}

// Run writes dst [rows,classes] from labels [rows]. The row of a label that is no class becomes NaN.
func (x *OneHot) Run(dst []float32, labels []int32) {
	x.dst, x.labels = dst, labels
	x.dev.Parallel((x.rows+x.each-1)/x.each, x.task)
}

func (x *OneHot) some(i, _ int) {
	for r := i * x.each; r < min((i+1)*x.each, x.rows); r++ {
		row := x.dst[r*x.classes:][:x.classes]
		clear(row)
		if label := int(x.labels[r]); label >= 0 && label < x.classes {
			row[label] = 1
		} else {
			for j := range row {
				row[j] = nan
			}
		}
	}
}
