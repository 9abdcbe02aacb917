package update

import (
	"fmt"

	"github.com/meseta-go/meseta/kernels/cpu"
	"github.com/meseta-go/meseta/kernels/vec"
	"github.com/meseta-go/meseta/ops"
)

// Array is one of the arrays that an update is a sweep over: its shape, and where in the sweep it starts.
type Array struct {
	Start int
	Shape ops.Shape
}

// pieces cuts the arrays of a sweep into pieces of at most vec.FlatChunk elements, none of more than one array: for what needs the norm
// of each array. A task works on one piece.
type pieces struct {
	dev   *cpu.Device
	loops *vec.Table
	list  []piece
	first []int // of each array, the index of its first piece; then the number of pieces

	sums, squares [][]float64 // of each worker, for rows of summed elements
}

// piece is the elements start to end of the sweep, part of one array.
type piece struct{ array, start, end int }

// newPieces cuts arrays, each of 1 element or more, or the error wraps ops.ErrShape. They are in the order of their places.
func newPieces(dev *cpu.Device, name string, arrays []Array) (*pieces, error) {
	p := &pieces{dev: dev, loops: vec.For(dev.ISA())}
	for i, a := range arrays {
		n := a.Shape.Size()
		if n < 1 {
			return nil, fmt.Errorf("%s: array %d is %v, want at least 1 element: %w", name, i, a.Shape, ops.ErrShape)
		}
		p.first = append(p.first, len(p.list))
		for start := 0; start < n; start += vec.FlatChunk {
			p.list = append(p.list, piece{i, a.Start + start, a.Start + min(start+vec.FlatChunk, n)})
		}
	}
	if len(arrays) == 0 {
		return nil, fmt.Errorf("%s: no arrays: %w", name, ops.ErrShape)
	}
	p.first = append(p.first, len(p.list))
	for range dev.Threads() {
		p.sums, p.squares = append(p.sums, make([]float64, summedRow)), append(p.squares, make([]float64, summedRow))
	}
	return p, nil
}

// n is the number of elements of the sweep.
func (p *pieces) n() int { return p.list[len(p.list)-1].end }

// do runs a task for each piece, in parallel.
func (p *pieces) do(task func(i, worker int)) { p.dev.Parallel(len(p.list), task) }

// summedRow is how many sums run side by side over a piece.
const summedRow = 64

// sumOfSquares gives Σx² of a piece, in float64.
func (p *pieces) sumOfSquares(src []float32, worker int) float64 {
	sums, squares := p.sums[worker], p.squares[worker]
	clear(sums)
	clear(squares)
	rows := len(src) / summedRow
	p.loops.Moments(sums, squares, src[:rows*summedRow], rows, summedRow)
	_, total := sumSizes(src[rows*summedRow:])
	for _, x := range squares {
		total += x
	}
	return total
}

// total adds what each of an array's pieces has.
func (p *pieces) total(array int, of []float64) (sum float64) {
	for _, x := range of[p.first[array]:p.first[array+1]] {
		sum += x
	}
	return sum
}
