// Package reduce makes one number of many: sums, means, largest and smallest along any dimensions, and where the largest of a row is. Sums of
// columns that stand beside a bias are in package elementwise, softmax and its losses in package softmax.
//
// Files: reduce.go how an array is cut; loops.go the work on a piece; argmax.go the largest of a row; ref.go the definition.
//
// Sums are kept in float64 and rounded once. They are split by shape alone and added in a fixed order. A value is used by one
// goroutine at a time; Run allocates nothing.
package reduce

import (
	"unsafe"

	"github.com/meseta-go/meseta/kernels/cpu"
	"github.com/meseta-go/meseta/kernels/vec"
	"github.com/meseta-go/meseta/ops"
)

const (
	taskElements = 1 << 15 // of src, that one task reads
	columns      = 1 << 10 // that one task sums side by side
	leastRows    = 16      // that one task sums, so that what it adds up outweighs the sums that it leaves behind
)

// Reduce computes dst from src. The dimensions that stay and those that go are two walks over src. Either a row of the second lies in
// one piece, and its numbers are added up (a mean over channels), or a row of the first does, and rows are added to each other
// (a mean over pixels).
type Reduce struct {
	dev        *cpu.Device
	loops      loops
	kept, over vec.Walk
	scale      float64 // of the result
	outputs    int

	each  int // elements of dst that a task makes: whole results, or columns
	cuts  int // pieces of a row of kept, where columns are summed
	part  int // elements, or rows, that a task reads for each result
	parts int // tasks that share a result

	task     func(i, worker int)
	sums     [][]float64 // of each worker, for columns
	dst, src []float32
	partial  []float64 // [parts,outputs]
}

// Walks are those over a src of shape s along the dimensions that stay and along those where over is true. Their error wraps ops.ErrShape.
func Walks(f ops.ReduceFunc, s ops.Shape, over []bool) (kept, gone vec.Walk, err error) {
	strides := vec.Strides(s)
	var dims, steps [2][]int
	for i, d := range s {
		k := 0
		if over[i] {
			k = 1
		}
		dims[k], steps[k] = append(dims[k], d), append(steps[k], strides[i])
	}
	if kept, err = vec.NewWalk(f.String(), dims[0], steps[0]); err != nil {
		return kept, gone, err
	}
	gone, err = vec.NewWalk(f.String(), dims[1], steps[1])
	return kept, gone, err
}

// New makes a Reduce of a src of shape s over the dimensions where over is true. Its error wraps ops.ErrShape.
func New(dev *cpu.Device, f ops.ReduceFunc, s ops.Shape, over []bool) (*Reduce, error) {
	x := &Reduce{dev: dev, loops: loopsOf(f), scale: 1, parts: 1, cuts: 1}
	var err error
	if x.kept, x.over, err = Walks(f, s, over); err != nil {
		return nil, err
	}
	x.outputs = x.kept.Rows() * x.kept.Width()
	reads := x.over.Rows() * x.over.Width()
	if f == ops.Mean {
		x.scale = 1 / float64(reads)
	}
	if x.over.Step(0) == 1 {
		x.part, x.each = reads, max(taskElements/reads, 1)
		if x.outputs == 1 || reads >= 4*taskElements {
			x.part, x.each = taskElements, 1
		}
		x.parts = (reads + x.part - 1) / x.part
		x.task = x.numbers
	} else {
		width := x.kept.Width()
		x.each = min(width, columns)
		x.cuts = (width + x.each - 1) / x.each
		x.part = reads
		if most := max(taskElements/x.each, leastRows); reads >= 2*most {
			x.part = most
		}
		x.parts = (reads + x.part - 1) / x.part
		for range dev.Threads() {
			x.sums = append(x.sums, make([]float64, x.each))
		}
		x.task = x.rows
	}
	return x, nil
}

// WorkspaceBytes is the size of Run's workspace.
func (x *Reduce) WorkspaceBytes() int {
	if x.parts == 1 {
		return 0
	}
	return 8 * x.parts * x.outputs
}

// Run computes dst of src. They do not overlap.
func (x *Reduce) Run(dst, src, workspace []float32) {
	x.dst, x.src = dst, src
	if x.parts > 1 {
		x.partial = unsafe.Slice((*float64)(unsafe.Pointer(unsafe.SliceData(workspace))), x.parts*x.outputs)
	}
	results := x.kept.Rows() * x.cuts
	if x.sums == nil {
		results = (x.outputs + x.each - 1) / x.each
	}
	x.dev.Parallel(results*x.parts, x.task)
	if x.parts == 1 {
		return
	}
	for o := range x.outputs {
		sum := x.partial[o]
		for p := 1; p < x.parts; p++ {
			sum = x.loops.pair(sum, x.partial[p*x.outputs+o])
		}
		x.dst[o] = float32(sum * x.scale)
	}
}

// numbers makes some results, or a part of one, of numbers that lie side by side.
func (x *Reduce) numbers(i, _ int) {
	part := i % x.parts
	first := i / x.parts * x.each
	end := min(first+x.each, x.outputs)
	width, length := x.kept.Width(), x.over.Width()
	start, stop := part*x.part, min((part+1)*x.part, x.over.Rows()*length) // of the elements of a result
	c := x.kept.Row(first / width)
	column := first % width
	for o := first; o < end; o++ {
		base := c.At[0] + column*x.kept.Step(0)
		sum := x.loops.start
		r := x.over.Row(start / length)
		for at := start; at < stop; {
			n := min(stop-at, length-at%length)
			sum = x.loops.pair(sum, x.loops.run(x.src[base+r.At[0]+at%length:][:n]))
			at += n
			r.Next(&x.over)
		}
		x.keep(part, o, sum)
		if column++; column == width {
			column = 0
			c.Next(&x.kept)
		}
	}
}

// rows makes some columns of a row of results, or a part of them.
func (x *Reduce) rows(i, worker int) {
	part := i % x.parts
	i /= x.parts
	width, length := x.kept.Width(), x.over.Width()
	row, first := i/x.cuts, i%x.cuts*x.each
	end := min(first+x.each, width)
	start, stop := part*x.part, min((part+1)*x.part, x.over.Rows()*length) // of the rows that are summed
	c := x.kept.Row(row)
	sums := x.sums[worker][:end-first]
	for j := range sums {
		sums[j] = x.loops.start
	}
	r := x.over.Row(start / length)
	for at := start; at < stop; at++ {
		base := c.At[0] + r.At[0] + at%length*x.over.Step(0) + first
		x.loops.add(sums, x.src[base:])
		if at%length == length-1 {
			r.Next(&x.over)
		}
	}
	for j, sum := range sums {
		x.keep(part, row*width+first+j, sum)
	}
}

// keep stores a result, or a part's.
func (x *Reduce) keep(part, o int, sum float64) {
	if x.parts == 1 {
		x.dst[o] = float32(sum * x.scale)
	} else {
		x.partial[part*x.outputs+o] = sum
	}
}
