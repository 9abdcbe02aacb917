//go:build nvidia && cgo

package gpu

/*
#cgo noescape meseta_launch
#cgo nocallback meseta_launch
#cgo noescape meseta_graph_launch
#cgo nocallback meseta_graph_launch
#include <stdlib.h>
#include "calls.h"
*/
import "C"

import (
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"unsafe"

	"gorgonia.org/cu"
)

// Module is a set of kernels on a device.
type Module struct {
	d *Device
	m cu.Module
}

// logBytes is how much of its compiler's messages the driver may tell.
const logBytes = 8 << 10

// Load takes kernels as PTX, which the driver compiles and keeps in a cache of its own, or as a cubin for just this kind of GPU.
func (d *Device) Load(image []byte) (*Module, error) {
	m := &Module{d: d}
	log := C.calloc(logBytes, 1) // in C's memory, because cu hides its address from Go
	defer C.free(log)
	err := d.do("loading kernels", func() (err error) {
		m.m, err = cu.LoadDataEx(string(image), &cu.JITErrorLogBuffer{Buffer: unsafe.Slice((*byte)(log), logBytes-1)})
		return err
	})
	if e, ok := err.(*Error); ok {
		if text := strings.TrimSpace(C.GoString((*C.char)(log))); text != "" {
			e.Note = text
		}
	}
	if err != nil {
		return nil, err
	}
	return m, nil
}

// Close unloads the kernels.
func (m *Module) Close() error { return m.d.do("unloading kernels", m.m.Unload) }

// Kernel is a kernel that takes one parameter, a struct P with the fields of C's: numbers of fixed size and Pointers.
type Kernel[P any] struct {
	name    string
	f       C.CUfunction
	threads int
}

// NewKernel finds a kernel in a module. It panics if P is not such a struct.
func NewKernel[P any](m *Module, name string) (*Kernel[P], error) {
	t := reflect.TypeFor[P]()
	if t.Kind() != reflect.Struct || !plain(t) {
		panic(fmt.Sprintf("gpu: %v is no parameter of a kernel", t))
	}
	k := &Kernel[P]{name: name}
	err := m.d.do("finding the kernel "+name, func() error {
		f, err := m.m.Function(name)
		if err != nil {
			return err
		}
		k.f = handle[C.CUfunction](f)
		k.threads, err = f.Attribute(cu.FnMaxThreadsPerBlock)
		return err
	})
	if err != nil {
		return nil, err
	}
	var bytes C.size_t
	switch r := C.meseta_parameters(m.d.context, k.f, &bytes); {
	case r == C.CUDA_ERROR_NOT_FOUND: // an older driver does not tell
	case r != 0:
		return nil, m.d.failed("asking for the parameters of "+name, r)
	case uintptr(bytes) != t.Size():
		return nil, fmt.Errorf("gpu: the kernel %s wants %d bytes of parameters, %v has %d; run `go generate ./kernels`", name, bytes, t, t.Size())
	}
	return k, nil
}

// plain says whether Go and C lay out a type in the same way, with no pointers of Go in it.
func plain(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Int8, reflect.Uint8, reflect.Int16, reflect.Uint16, reflect.Int32, reflect.Uint32, reflect.Int64, reflect.Uint64, reflect.Float32, reflect.Float64:
		return true
	case reflect.Array:
		return plain(t.Elem())
	case reflect.Struct:
		for i := range t.NumField() {
			if !plain(t.Field(i).Type) {
				return false
			}
		}
		return true
	}
	return false
}

// Threads is how many threads a block may have: what the kernel was compiled for.
func (k *Kernel[P]) Threads() int { return k.threads }

// Shape is how many blocks of how many threads run, and how many bytes of shared memory each block has beside those that the kernel declares. 0 blocks or
// threads in y or z are 1.
type Shape struct {
	Blocks, Threads struct{ X, Y, Z int }
	Shared          int
}

// Line is the shape of blocks and threads in one dimension.
func Line(blocks, threads int) Shape {
	var s Shape
	s.Blocks.X, s.Threads.X = blocks, threads
	return s
}

// Launch queues the kernel. It has read the parameter when it returns.
func (k *Kernel[P]) Launch(s *Stream, shape Shape, parameter *P) error {
	return s.launch(k.f, k.name, shape, unsafe.Pointer(parameter))
}

// launch is Launch for all kernels.
func (s *Stream) launch(f C.CUfunction, name string, shape Shape, parameter unsafe.Pointer) error {
	n := [7]C.uint{
		C.uint(shape.Blocks.X), C.uint(max(shape.Blocks.Y, 1)), C.uint(max(shape.Blocks.Z, 1)),
		C.uint(shape.Threads.X), C.uint(max(shape.Threads.Y, 1)), C.uint(max(shape.Threads.Z, 1)), C.uint(shape.Shared),
	}
	if r := C.meseta_launch(s.d.context, f, &n[0], s.c, parameter); r != 0 {
		return s.d.failed(fmt.Sprintf("launching %s on %v", name, shape), r)
	}
	return nil
}

// Graph is recorded work, which starts as one.
type Graph struct {
	d *Device
	x C.CUgraphExec
}

// Capture makes a graph of what record queues to s; nothing of it is done yet. Addresses, parameters and shapes stay as they were. Other streams take part
// where they await an event of s, and s awaits theirs in the end. Nothing may be allocated or waited for in between.
func (s *Stream) Capture(record func() error) (*Graph, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if r := C.meseta_capture(s.d.context, s.c); r != 0 {
		return nil, s.d.failed("starting to capture a graph", r)
	}
	ended := false
	defer func() {
		if !ended { // record panicked or failed: the stream goes back to work
			C.meseta_captured(s.d.context, s.c, nil)
		}
	}()
	if err := record(); err != nil {
		return nil, err
	}
	ended = true
	g := &Graph{d: s.d}
	if r := C.meseta_captured(s.d.context, s.c, &g.x); r != 0 {
		return nil, s.d.failed("capturing a graph", r)
	}
	return g, nil
}

// Launch queues the graph's work.
func (g *Graph) Launch(s *Stream) error {
	if r := C.meseta_graph_launch(g.d.context, g.x, s.c); r != 0 {
		return g.d.failed("launching a graph", r)
	}
	return nil
}

// Close frees the graph, when its work is done.
func (g *Graph) Close() error {
	if r := C.meseta_graph_free(g.d.context, g.x); r != 0 {
		return g.d.failed("freeing a graph", r)
	}
	return nil
}
