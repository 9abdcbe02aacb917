package vec

import (
	"fmt"

	"github.com/meseta-go/meseta/ops"
)

// maxDims is how many dimensions of a Walk are left when those that are walked in one go are joined.
const maxDims = 8

// Walk goes over the elements of an array in order, row by row, and says where the same elements lie in up to two other arrays.
type Walk struct {
	Dims    []int    // at least one; the last is a row's
	Strides [2][]int // of each other array, in elements; 0 where it repeats a number
	rows    int
}

// NewWalk makes a Walk over an array of shape dims. Dimensions of 1 are left out, and neighbours that every array walks through
// in one go are joined. Its error wraps ops.ErrShape where there are no elements or too many dimensions.
func NewWalk(name string, dims []int, strides ...[]int) (Walk, error) {
	w := Walk{}
	for i, d := range dims {
		if d < 1 {
			return w, fmt.Errorf("%s: a dimension of %d in %v, want at least 1: %w", name, d, ops.Shape(dims), ops.ErrShape)
		}
		if d == 1 {
			continue
		}
		last := len(w.Dims) - 1
		joins := last >= 0
		for k, s := range strides {
			joins = joins && w.Strides[k][last] == s[i]*d
		}
		if joins {
			w.Dims[last] *= d
		} else {
			w.Dims = append(w.Dims, d)
			last++
		}
		for k, s := range strides {
			w.Strides[k] = append(w.Strides[k][:last], s[i])
		}
	}
	if len(w.Dims) == 0 {
		w.Dims = []int{1}
		for k := range strides {
			w.Strides[k] = []int{0}
		}
	}
	if len(w.Dims) > maxDims {
		return w, fmt.Errorf("%s: an array of %v has %d dimensions that cannot be walked in one go, at most %d are supported: %w", name, ops.Shape(dims), len(w.Dims), maxDims, ops.ErrShape)
	}
	w.rows = 1
	for _, d := range w.Dims[:len(w.Dims)-1] {
		w.rows *= d
	}
	return w, nil
}

// Strides gives the strides of an array of shape s that is stored without gaps.
func Strides(s []int) []int {
	strides := make([]int, len(s))
	n := 1
	for i := len(s) - 1; i >= 0; i-- {
		strides[i] = n
		n *= s[i]
	}
	return strides
}

// BroadcastStrides gives the strides with which an array of shape s is walked as if it had the shape to, to which it can be broadcast.
func BroadcastStrides(s, to []int) []int {
	strides := make([]int, len(to))
	own := Strides(s)
	for i, d := range s {
		if d != 1 {
			strides[len(to)-len(s)+i] = own[i]
		}
	}
	return strides
}

// Rows is the number of rows, Width that of elements in one.
func (w *Walk) Rows() int  { return w.rows }
func (w *Walk) Width() int { return w.Dims[len(w.Dims)-1] }

// Step is the stride within a row of array k.
func (w *Walk) Step(k int) int { return w.Strides[k][len(w.Dims)-1] }

// Cursor is a place in a Walk: a row, and where it starts in the other arrays.
type Cursor struct {
	At    [2]int
	index [maxDims]int
}

// Row gives the place of a row.
func (w *Walk) Row(row int) (c Cursor) {
	for d := len(w.Dims) - 2; d >= 0; d-- {
		i := row % w.Dims[d]
		row /= w.Dims[d]
		c.index[d] = i
		for k, s := range w.Strides {
			if s != nil {
				c.At[k] += i * s[d]
			}
		}
	}
	return c
}

// Next goes to the next row.
func (c *Cursor) Next(w *Walk) {
	for d := len(w.Dims) - 2; d >= 0; d-- {
		c.index[d]++
		back := 0
		if c.index[d] == w.Dims[d] {
			c.index[d], back = 0, w.Dims[d]
		}
		for k, s := range w.Strides {
			if s != nil {
				c.At[k] += s[d] * (1 - back)
			}
		}
		if back == 0 {
			return
		}
	}
}

// Pieces cuts a walk into tasks: some rows each, or parts of one where rows are long.
type Pieces struct {
	rows  int // of a task
	parts int // of a row
	walk  *Walk
}

// NewPieces cuts w, by its shape alone.
func NewPieces(w *Walk) Pieces {
	width := w.Width()
	return Pieces{max(FlatChunk/width, 1), (width + FlatChunk - 1) / FlatChunk, w}
}

// Tasks is the number of tasks.
func (p *Pieces) Tasks() int { return (p.walk.rows + p.rows - 1) / p.rows * p.parts }

// Task gives the rows of task i, and the part of each that it works on.
func (p *Pieces) Task(i int) (first, end, start, stop int) {
	first = i / p.parts * p.rows
	start = i % p.parts * FlatChunk
	stop = p.walk.Width()
	if p.parts > 1 {
		stop = min(start+FlatChunk, stop)
	}
	return first, min(first+p.rows, p.walk.rows), start, stop
}
