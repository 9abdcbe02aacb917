package kernels

import (
	"fmt"
	"unsafe"

	"github.com/meseta-go/meseta/kernels/cpu"
	"github.com/meseta-go/meseta/kernels/tile"
	"github.com/meseta-go/meseta/ops"
)

// CPU is the Device that this process runs on.
type CPU struct {
	dev *cpu.Device

	// Exact leaves out algorithms that round more than sums in plain order do, that is Winograd's. It counts when kernels are chosen.
	Exact bool
}

// NewCPU starts the workers that c asks for.
func NewCPU(c cpu.Config) (*CPU, error) {
	dev, err := cpu.NewDevice(c)
	if err != nil {
		return nil, err
	}
	return &CPU{dev: dev}, nil
}

// String gives instruction set and number of threads.
func (c *CPU) String() string { return fmt.Sprintf("cpu %v", c.dev.ISA()) }

// ISA is the instruction set whose kernels run.
func (c *CPU) ISA() cpu.ISA { return c.dev.ISA() }

// Threads is the number of workers.
func (c *CPU) Threads() int { return c.dev.Threads() }

// Close stops the workers.
func (c *CPU) Close() error { c.dev.Close(); return nil }

// Sequence runs the steps one after another.
func (c *CPU) Sequence(steps []func()) func() error {
	return func() error {
		for _, step := range steps {
			step()
		}
		return nil
	}
}

// Pipe has the host read and write the buffers themselves.
func (c *CPU) Pipe(in, out []Buffer, steps []func()) (Pipe, error) {
	octets := func(list []Buffer) (views [][]byte) {
		for _, b := range list {
			views = append(views, b.Memory.(hostMemory).Bytes()[b.Offset:b.Offset+b.Bytes])
		}
		return views
	}
	return &cpuPipe{octets(in), octets(out), c.Sequence(steps)}, nil
}

// Depth is 1.
func (c *CPU) Depth() int { return 1 }

type cpuPipe struct {
	in, out [][]byte
	run     func() error
}

func (p *cpuPipe) In(i int) []byte             { return p.in[i] }
func (p *cpuPipe) Start() (run int, err error) { return 0, p.run() }
func (p *cpuPipe) Wait(int) error              { return nil }
func (p *cpuPipe) Out(_, i int) []byte         { return p.out[i] }

// Err is nil: copies cannot fail.
func (c *CPU) Err() error { return nil }

// Limits measures products in registers, and copies between two blocks that no cache holds.
func (c *CPU) Limits() (operations, bytes float64) {
	return tile.PeakFLOPs(c.dev), c.dev.Bandwidth()
}

// Alloc gives memory of the process.
func (c *CPU) Alloc(bytes int) (Memory, error) {
	m, err := cpu.Alloc(bytes)
	if err != nil {
		return nil, err
	}
	return hostMemory{m}, nil
}

// hostMemory is memory that kernels on the CPU address directly.
type hostMemory struct{ *cpu.Memory }

func (m hostMemory) Write(offset int, src []byte) { copy(m.Bytes()[offset:], src) }
func (m hostMemory) Read(offset int, dst []byte)  { copy(dst, m.Bytes()[offset:]) }

// view gives a buffer as numbers.
func view[T float32 | float64 | int32 | int64](b Buffer) []T {
	if b.Bytes == 0 {
		return nil
	}
	var t T
	first := &b.Memory.(hostMemory).Bytes()[b.Offset : b.Offset+b.Bytes][0]
	return unsafe.Slice((*T)(unsafe.Pointer(first)), b.Bytes/int(unsafe.Sizeof(t)))
}

func f32(b Buffer) []float32 { return view[float32](b) }

// cpuKernel is a kernel of the CPU.
type cpuKernel struct {
	variant   string
	workspace int
	bind      func(in, out [][]float32, b Buffers) func()
}

func (k *cpuKernel) Variant() string     { return k.variant }
func (k *cpuKernel) WorkspaceBytes() int { return k.workspace }

// Bind views the buffers; those that are not float32 the kernel views itself.
func (k *cpuKernel) Bind(b Buffers) func() {
	views := func(bs []Buffer) [][]float32 {
		v := make([][]float32, len(bs))
		for i := range bs {
			v[i] = f32(bs[i])
		}
		return v
	}
	return k.bind(views(b.In), views(b.Out), b)
}

// preparingKernel is one that prepares an input.
type preparingKernel struct {
	Kernel
	input       int
	form        int // elements
	first, then Kernel
}

// Prepare says so.
func (k *preparingKernel) Prepare() (input int, form ops.Type, first, then Kernel) {
	return k.input, ops.F32(k.form), k.first, k.then
}

// at gives the element i of a list of views, or nil where an operand is left out.
func at(views [][]float32, i int) []float32 {
	if i < len(views) {
		return views[i]
	}
	return nil
}

// bound makes a Kernel of what a constructor of a family gave. Where x says which variant it is or how much workspace it wants, that
// is taken over.
func bound[X any](c *CPU, x X, err error, bind func(in, out [][]float32, b Buffers) func()) (Kernel, error) {
	if err != nil {
		return nil, err
	}
	k := &cpuKernel{variant: c.dev.ISA().String(), bind: bind}
	if v, ok := any(x).(interface{ Variant() string }); ok {
		k.variant = v.Variant()
	}
	if w, ok := any(x).(interface{ WorkspaceBytes() int }); ok {
		k.workspace = w.WorkspaceBytes()
	}
	return k, nil
}
