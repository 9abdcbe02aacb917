//go:build nvidia && cgo

package kernels

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"

	"github.com/meseta-go/meseta/gpu"
	"github.com/meseta-go/meseta/ops"
)

// CUDA is an NVIDIA GPU as a Device. Everything it is asked for runs on one stream, in order, but for the inputs of Pipes, which a second one brings.
type CUDA struct {
	dev    *gpu.Device
	stream *gpu.Stream
	arch   int          // of the cubins that it gets; 0 for PTX
	graphs []*gpu.Graph // of all sequences
	inlet  inlet
	pipes  []*cudaPipe

	mutex   sync.Mutex // of what follows
	modules map[string]*gpu.Module
	found   map[string]any // *gpu.Kernel[P], by name
	tables  map[string]*gpu.Memory
	err     error // the first of a launch or copy, which cannot return it; the next Sequence does
}

// NewCUDA takes GPU number n.
func NewCUDA(n int) (*CUDA, error) {
	dev, err := gpu.Open(n)
	if err != nil {
		return nil, err
	}
	c := &CUDA{dev: dev, modules: map[string]*gpu.Module{}, found: map[string]any{}, tables: map[string]*gpu.Memory{}}
	if c.arch, err = architectureOf(dev.Info()); err == nil {
		c.stream, err = dev.NewStream()
	}
	if err == nil {
		err = c.inlet.open(dev)
	}
	if err != nil {
		return nil, errors.Join(err, dev.Close())
	}
	return c, nil
}

func openGPU(n int) (Device, error) {
	c, err := NewCUDA(n)
	if err != nil {
		return nil, err
	}
	return c, nil
}

// String gives the number of the GPU and its name.
func (c *CUDA) String() string {
	i := c.dev.Info()
	return fmt.Sprintf("cuda:%d %s", i.Index, i.Name)
}

// Threads is 1: the host does not compute.
func (c *CUDA) Threads() int { return 1 }

// Close waits for what is under way, frees graphs, kernels, tables and streams, and gives the GPU back.
func (c *CUDA) Close() error {
	errs := []error{c.inlet.stream.Synchronize(), c.stream.Synchronize()} // nobody else waits before page-locked memory and modules are gone
	for _, p := range c.pipes {
		errs = append(errs, p.close())
	}
	errs = append(errs, c.inlet.close())
	for _, g := range c.graphs {
		errs = append(errs, g.Close())
	}
	for _, m := range c.modules {
		errs = append(errs, m.Close())
	}
	for _, m := range c.tables {
		errs = append(errs, m.Free())
	}
	return errors.Join(append(errs, c.stream.Close(), c.dev.Close())...)
}

// Choose picks the kernel of an operation, as CPU.Choose does.
func (c *CUDA) Choose(o ops.Operator, in, out []ops.Type) (Kernel, error) {
	for _, choose := range [...]func(ops.Operator, []ops.Type, []ops.Type) (Kernel, error){
		c.chooseConv, c.chooseNorm, c.choosePool, c.chooseElementwise, c.chooseFunction, c.chooseReduce, c.chooseNoise, c.chooseArrange, c.chooseLoss, c.chooseTargets, c.chooseMeasure, c.chooseUpdate, c.choosePenalty,
	} {
		if k, err := choose(o, in, out); k != nil || err != nil {
			return k, err
		}
	}
	return nil, fmt.Errorf("kernels: %s on a GPU: %w; --device cpu has one", o.Name(), ErrUnsupported)
}

// Sequence captures the steps into a graph, at the first call, and launches that.
func (c *CUDA) Sequence(steps []func()) func() error {
	var graph *gpu.Graph
	return func() error {
		if err := c.Err(); err != nil {
			return err
		}
		if graph == nil && len(steps) > 0 {
			g, err := c.capture(steps)
			if err != nil {
				return err
			}
			graph = g
			c.graphs = append(c.graphs, g)
		}
		if graph != nil {
			if err := graph.Launch(c.stream); err != nil {
				return err
			}
		}
		return c.stream.Synchronize()
	}
}

// capture makes a graph of steps.
func (c *CUDA) capture(steps []func()) (*gpu.Graph, error) {
	return c.stream.Capture(func() error {
		for _, step := range steps {
			step()
		}
		return c.Err()
	})
}

// Err gives the first error of a launch or copy.
func (c *CUDA) Err() error {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.err
}

// note keeps an error for the next Sequence.
func (c *CUDA) note(err error) {
	if err == nil {
		return
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.err == nil {
		c.err = err
	}
}

// Alloc gives memory of the GPU.
func (c *CUDA) Alloc(bytes int) (Memory, error) {
	m, err := c.dev.Alloc(bytes)
	if err != nil {
		return nil, err
	}
	return &cudaMemory{c, m}, nil
}

// cudaMemory is a block of the GPU's memory.
type cudaMemory struct {
	device *CUDA
	memory *gpu.Memory
}

func (m *cudaMemory) Write(offset int, src []byte) {
	m.device.note(m.device.stream.Write(m.memory, offset, src))
}
func (m *cudaMemory) Read(offset int, dst []byte) {
	m.device.note(m.device.stream.Read(m.memory, offset, dst))
}
func (m *cudaMemory) Free() error { return m.memory.Free() }

// address is where a buffer lies; 0 where there is none.
func address(b Buffer) gpu.Pointer {
	if b.Memory == nil {
		return 0
	}
	return b.Memory.(*cudaMemory).memory.Pointer(b.Offset)
}

// addressAt is the address of buffer i of a list, or 0 where an operand is left out.
func addressAt(list []Buffer, i int) gpu.Pointer {
	if i < len(list) {
		return address(list[i])
	}
	return 0
}

// cudaKernel is an operation as launches.
type cudaKernel struct {
	device    *CUDA
	variant   string
	workspace int
	bind      func(b Buffers) []launch
}

func (k *cudaKernel) Variant() string     { return k.variant }
func (k *cudaKernel) WorkspaceBytes() int { return k.workspace }

// Bind fills in the kernels' parameters.
func (k *cudaKernel) Bind(b Buffers) func() {
	launches := k.bind(b)
	return func() {
		for _, launch := range launches {
			k.device.note(launch(k.device.stream))
		}
	}
}

// launch queues a kernel with its parameters.
type launch func(*gpu.Stream) error

// start makes a launch of x by y blocks.
func start[P any](k *gpu.Kernel[P], x, y int, parameters P) launch {
	return startGrid(k, x, y, 1, parameters)
}

// startGrid makes a launch of x by y by z blocks.
func startGrid[P any](k *gpu.Kernel[P], x, y, z int, parameters P) launch {
	shape := gpu.Line(x, k.Threads())
	shape.Blocks.Y, shape.Blocks.Z = y, z
	return func(s *gpu.Stream) error { return k.Launch(s, shape, &parameters) }
}

// blockThreads is the size of most blocks; see block_threads in _cuda/device.cuh.
const blockThreads = 256

// spreadBlocks is the number of blocks of a launch from which on each does several pieces of work.
const spreadBlocks = 1 << 14

// spread is the number of blocks for n elements, each of which a thread takes; of many, it takes several.
func spread(n int) int { return min((n+blockThreads-1)/blockThreads, spreadBlocks) }

// table gives the place of numbers that a kernel reads. They are written once, at least one of them, and stay until Close; equal ones share a place.
func table[T float32 | int32 | cudaPassage](c *CUDA, numbers []T) gpu.Pointer {
	octets, err := binary.Append(nil, binary.NativeEndian, numbers)
	c.mutex.Lock()
	m := c.tables[string(octets)]
	if m == nil && err == nil {
		if m, err = c.dev.Alloc(len(octets)); err == nil {
			c.tables[string(octets)] = m
			err = c.stream.Write(m, 0, octets)
		}
	}
	c.mutex.Unlock()
	if err != nil {
		c.note(err)
		return 0
	}
	return m.Pointer(0)
}

// find gives the kernel of a name in a file, family/file.cu, which is loaded when it is first wanted. P is its parameter.
func find[P any](c *CUDA, file, name string) (*gpu.Kernel[P], error) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if k, ok := c.found[name]; ok {
		return k.(*gpu.Kernel[P]), nil
	}
	m := c.modules[file]
	if m == nil {
		code, err := codeOf(file, c.arch)
		if err == nil {
			m, err = c.dev.Load(code)
		}
		if err != nil {
			return nil, fmt.Errorf("kernels: loading %s: %w", file, err)
		}
		c.modules[file] = m
	}
	k, err := gpu.NewKernel[P](m, name)
	if err != nil {
		return nil, err
	}
	c.found[name] = k
	return k, nil
}

// single makes a Kernel of one launch of a kernel of a file.
func single[P any](c *CUDA, file, name string, x int, bind func(b Buffers) P) (Kernel, error) {
	k, err := find[P](c, file, name)
	if err != nil {
		return nil, err
	}
	return &cudaKernel{device: c, variant: name, bind: func(b Buffers) []launch { return []launch{start(k, x, 1, bind(b))} }}, nil
}
