package cpu

import (
	"fmt"
	"unsafe"
)

// Memory is a block outside Go's heap, zeroed, its start aligned to 64 bytes, in large pages where the system has them.
type Memory struct {
	bytes []byte
	free  func() error
}

// Bytes is the whole block. It must not be used after Free.
func (m *Memory) Bytes() []byte { return m.bytes }

// Float32s views the block as numbers.
func (m *Memory) Float32s() []float32 {
	if len(m.bytes) < 4 {
		return nil
	}
	return unsafe.Slice((*float32)(unsafe.Pointer(&m.bytes[0])), len(m.bytes)/4)
}

// Free gives the block back. A second call does nothing.
func (m *Memory) Free() error {
	if m.free == nil {
		return nil
	}
	free := m.free
	m.bytes, m.free = nil, nil
	return free()
}

// Alloc gives a block of the given size. The system gives a page when it is first touched: the workers share that in a program's first step, and
// what no program uses takes no memory.
func Alloc(bytes int) (*Memory, error) {
	if bytes < 0 || bytes > 1<<46 {
		return nil, fmt.Errorf("cpu: %d bytes of memory are asked for", bytes)
	}
	if bytes == 0 {
		return &Memory{}, nil
	}
	return alloc(bytes)
}

func addressOf(b []byte) int { return int(uintptr(unsafe.Pointer(&b[0]))) }
