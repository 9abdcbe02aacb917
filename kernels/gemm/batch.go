package gemm

import (
	"fmt"
	"unsafe"

	"github.com/meseta-go/meseta/kernels/cpu"
	"github.com/meseta-go/meseta/ops"
)

// Batch is so many products of the same size, one for each pair of matrices in a [Count,…] and b [Count,…]. One goroutine at a time may
// use it.
//
// Products are large, and all workers share each; or there are many, and each worker has its own. A product's result is the same either
// way, so the choice may depend on the number of workers.
type Batch struct {
	Count int
	dev   *cpu.Device
	own   []single // of each worker, or the one that all share

	dst, a, b, workspace []float32
	task                 func(i, worker int)
}

// single is a product, and the device that it runs on.
type single struct {
	*GEMM
	dev *cpu.Device
}

// aligned rounds up to 64 bytes, in float32.
func aligned(n int) int { return (n + 15) &^ 15 }

// NewBatch cuts count products of these sizes for the device. Its error wraps ops.ErrShape where a size is out of range.
func NewBatch(dev *cpu.Device, count int, p Params) (*Batch, error) {
	if count < 1 {
		return nil, fmt.Errorf("gemm: %d products, want at least 1: %w", count, ops.ErrShape)
	}
	if p.Bias {
		return nil, fmt.Errorf("gemm: a batch of products has no bias")
	}
	x := &Batch{Count: count, dev: dev}
	x.task = x.some
	if count < dev.Threads() {
		g, err := New(dev, p)
		x.own = []single{{g, dev}}
		return x, err
	}
	isa := dev.ISA()
	for range dev.Threads() {
		alone, err := cpu.NewDevice(cpu.Config{Threads: 1, ISA: &isa}) // it has no workers to close
		if err != nil {
			return nil, err
		}
		g, err := New(alone, p)
		if err != nil {
			return nil, err
		}
		x.own = append(x.own, single{g, alone})
	}
	return x, nil
}

// Variant is that of a product.
func (x *Batch) Variant() string { return x.own[0].Variant() }

// room is what a worker wants: copies of matrices, which start at multiples of 64 bytes only if their size is one, and the workspace of
// a product.
func (x *Batch) room() (a, b, dst, work int) {
	p := x.own[0].Params
	return aligned(p.M*p.K) + 16, aligned(p.K*p.N) + 16, aligned(p.M*p.N) + 16, aligned(x.own[0].WorkspaceBytes()/4) + 16
}

// WorkspaceBytes is the room that Run wants.
func (x *Batch) WorkspaceBytes() int {
	a, b, dst, work := x.room()
	return 4 * len(x.own) * (a + b + dst + work)
}

// Run computes dst[i] = op(a[i])·op(b[i]) for each i. dst must not overlap the others.
func (x *Batch) Run(dst, a, b, workspace []float32) {
	x.dst, x.a, x.b, x.workspace = dst, a, b, workspace
	if len(x.own) < x.dev.Threads() || x.dev.Threads() == 1 {
		for i := range x.Count {
			x.some(i, 0)
		}
		return
	}
	x.dev.Parallel(x.Count, x.task)
}

func (x *Batch) some(i, worker int) {
	g := x.own[worker].GEMM
	ra, rb, rdst, rwork := x.room()
	own := x.workspace[worker*(ra+rb+rdst+rwork):]
	a := inPlace(x.a[i*g.M*g.K:][:g.M*g.K], own[:ra], true)
	b := inPlace(x.b[i*g.K*g.N:][:g.K*g.N], own[ra:][:rb], true)
	result := x.dst[i*g.M*g.N:][:g.M*g.N]
	dst := inPlace(result, own[ra+rb:][:rdst], false)
	g.Run(dst, a, b, nil, own[ra+rb+rdst:][:rwork])
	if unsafe.SliceData(dst) != unsafe.SliceData(result) {
		copy(result, dst)
	}
}

// inPlace gives matrix itself where it starts at a multiple of 64 bytes, else room, with a copy if it is to be read.
func inPlace(matrix, room []float32, read bool) []float32 {
	if uintptr(unsafe.Pointer(unsafe.SliceData(matrix)))%64 == 0 {
		return matrix
	}
	room = room[:len(matrix)]
	if read {
		copy(room, matrix)
	}
	return room
}
