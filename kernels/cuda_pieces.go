//go:build nvidia && cgo

package kernels

import (
	"fmt"
	"math"
	"slices"

	"github.com/meseta-go/meseta/gpu"
	"github.com/meseta-go/meseta/ops"
)

// As in update/pieces.cuh: how many elements a block works on, and how many arrays a launch takes.
const (
	pieceSize  = 4096
	mostArrays = 128
)

// cudaArrays is Arrays of update/pieces.cuh.
type cudaArrays struct {
	count, before int32
	array         [mostArrays]struct {
		start         int64
		length, first int32
	}
}

// pieceList is arrays side by side, cut into pieces, as kernels take them: each launch has some of the arrays.
type pieceList struct {
	launches []cudaArrays
	blocks   []int // pieces of each launch
	arrays   int
	pieces   int
	n        int // elements, alignment included
}

func newPieceList(name string, types []ops.Type) (*pieceList, error) {
	l := &pieceList{arrays: len(types), n: extent(types)}
	start := 0
	for i, t := range types {
		n := t.Shape.Size()
		if n > math.MaxInt32 {
			return nil, fmt.Errorf("kernels: %s of %v on a GPU, want at most %d elements: %w; --device cpu has one", name, t, math.MaxInt32, ErrUnsupported)
		}
		if i%mostArrays == 0 {
			l.launches, l.blocks = append(l.launches, cudaArrays{before: int32(i)}), append(l.blocks, 0)
		}
		last := len(l.launches) - 1
		a, pieces := &l.launches[last], (n+pieceSize-1)/pieceSize
		at := &a.array[a.count]
		at.start, at.length, at.first = int64(start), int32(n), int32(l.pieces)
		a.count++
		l.blocks[last] += pieces
		l.pieces += pieces
		start += extent(types[i : i+1])
	}
	return l, nil
}

// placed is the list of arrays that need not lie side by side: starts are counted from the first.
func (l *pieceList) placed(b []Buffer) *pieceList {
	p := *l
	p.launches = slices.Clone(l.launches)
	for k := range p.launches {
		a := &p.launches[k]
		for i := range a.array[:a.count] {
			a.array[i].start = int64(b[int(a.before)+i].Offset-b[0].Offset) / 4
		}
	}
	return &p
}

// workspace is the bytes of a float64 for each piece and each array, so many times.
func (l *pieceList) workspace(times int) int { return 8 * times * (l.pieces + l.arrays) }

// places are where these lie, from at on.
func (l *pieceList) places(at gpu.Pointer) (ofPieces, ofArrays gpu.Pointer) {
	return at, at + gpu.Pointer(8*l.pieces)
}

// eachPiece makes the launches of a kernel that takes pieces; with gives its parameters for some of the arrays.
func eachPiece[P any](l *pieceList, k *gpu.Kernel[P], with func(a cudaArrays) P) (list []launch) {
	for i, a := range l.launches {
		list = append(list, start(k, l.blocks[i], 1, with(a)))
	}
	return list
}

// eachArray is eachPiece for a kernel with a block for each array.
func eachArray[P any](l *pieceList, k *gpu.Kernel[P], with func(a cudaArrays) P) (list []launch) {
	for _, a := range l.launches {
		list = append(list, start(k, int(a.count), 1, with(a)))
	}
	return list
}
