//go:build nvidia && cgo

package gpu

/*
#include "calls.h"
*/
import "C"

import (
	"fmt"
	"unsafe"

	"gorgonia.org/cu"
)

// Pointer is an address in a device's memory, for the parameters of kernels.
type Pointer uint64

// Memory is a block of a device's memory.
type Memory struct {
	d     *Device
	at    Pointer
	bytes int
}

// Alloc gives zeroed memory; it starts at a multiple of 256 bytes.
func (d *Device) Alloc(bytes int) (*Memory, error) {
	m := &Memory{d: d, bytes: bytes}
	if bytes == 0 {
		return m, nil
	}
	err := d.do(fmt.Sprintf("allocating %d bytes on %s", bytes, d.info.Name), func() error {
		p, err := cu.MemAlloc(int64(bytes))
		if err != nil {
			return err
		}
		if err = cu.MemsetD8(p, 0, int64(bytes)); err == nil {
			err = cu.Stream{}.Synchronize() // streams do not wait for it by themselves; to wait for the whole context would end captures of others
		}
		if err != nil {
			_ = cu.MemFree(p) // what went wrong first counts
			return err
		}
		m.at = Pointer(p)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return m, nil
}

// Bytes is the size.
func (m *Memory) Bytes() int { return m.bytes }

// Pointer is the address of the byte at offset.
func (m *Memory) Pointer(offset int) Pointer { return m.at + Pointer(offset) }

// Free waits for the device and gives the memory back.
func (m *Memory) Free() error {
	if m.at == 0 {
		return nil
	}
	err := m.d.do("freeing memory", func() error { return cu.MemFree(cu.DevicePtr(m.at)) })
	m.at, m.bytes = 0, 0
	return err
}

// holds says whether n bytes at offset lie in the memory.
func (m *Memory) holds(offset, n int) error {
	if offset < 0 || n < 0 || offset > m.bytes-n {
		return fmt.Errorf("gpu: %d bytes at %d do not lie in %d", n, offset, m.bytes)
	}
	return nil
}

// Pinned is memory of the host that a device reaches by itself, so that copies need nobody who waits for them.
type Pinned struct {
	d     *Device
	bytes []byte
}

// Pin allocates such memory. It is scarce: the system cannot use it for anything else.
func (d *Device) Pin(bytes int) (*Pinned, error) {
	if bytes == 0 {
		return &Pinned{d: d}, nil
	}
	var p unsafe.Pointer
	if r := C.meseta_pin(d.context, &p, C.size_t(bytes)); r != 0 {
		e := answered(fmt.Sprintf("pinning %d bytes of the host", bytes), r)
		return nil, d.remembered(e)
	}
	return &Pinned{d: d, bytes: unsafe.Slice((*byte)(p), bytes)}, nil
}

// Bytes is the memory.
func (p *Pinned) Bytes() []byte { return p.bytes }

// Free gives it back, when no stream uses it any more.
func (p *Pinned) Free() error {
	if len(p.bytes) == 0 {
		return nil
	}
	err := p.d.do("freeing pinned memory", func() error { return cu.MemFreeHost(unsafe.Pointer(unsafe.SliceData(p.bytes))) })
	p.bytes = nil
	return err
}
