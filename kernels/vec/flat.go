package vec

import (
	"fmt"

	"github.com/meseta-go/meseta/kernels/cpu"
	"github.com/meseta-go/meseta/ops"
)

// FlatChunk is the number of elements that one task of a Flat works on: 64 KiB of each tensor, a multiple of every vector.
const FlatChunk = 1 << 14

// Flat runs a loop over n elements in chunks, in parallel.
type Flat struct {
	dev  *cpu.Device
	n    int
	task func(i, worker int)
}

// NewFlat makes a Flat of a loop over the elements start to end. The name is for errors; n is at least 1, or the error wraps ops.ErrShape.
func NewFlat(dev *cpu.Device, name string, n int, loop func(start, end int)) (Flat, error) {
	if n < 1 {
		return Flat{}, fmt.Errorf("%s: %d elements, want at least 1: %w", name, n, ops.ErrShape)
	}
	return Flat{dev, n, func(i, _ int) { loop(i*FlatChunk, min((i+1)*FlatChunk, n)) }}, nil
}

// N is the number of elements.
func (f *Flat) N() int { return f.n }

// Do runs the loop over all elements.
func (f *Flat) Do() { f.dev.Sweep((f.n+FlatChunk-1)/FlatChunk, f.task) }
