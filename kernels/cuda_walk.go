//go:build nvidia && cgo

package kernels

import (
	"github.com/meseta-go/meseta/kernels/vec"
)

// cudaWalk is Walk of _cuda/walk.cuh.
type cudaWalk struct {
	steps      int64
	dims, four int32
	dim        [8]int64
	stride     [2][8]int64
}

// fields fills in a walk of one element a step, or of four where rows and strides allow it.
func fields(w *vec.Walk, fours bool) cudaWalk {
	last := len(w.Dims) - 1
	g := cudaWalk{steps: int64(w.Rows() * w.Width()), dims: int32(len(w.Dims))}
	fours = fours && w.Width()%4 == 0
	for d, n := range w.Dims {
		g.dim[d] = int64(n)
	}
	for k, strides := range w.Strides {
		for d, s := range strides {
			g.stride[k][d] = int64(s)
			if d == last {
				fours = fours && s <= 1
			} else {
				fours = fours && (s%4 == 0 || strides[last] == 0)
			}
		}
	}
	if fours {
		g.four, g.steps, g.dim[last] = 1, g.steps/4, g.dim[last]/4
		g.stride[0][last] *= 4
		g.stride[1][last] *= 4
	}
	return g
}
