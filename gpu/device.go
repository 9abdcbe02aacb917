//go:build nvidia && cgo

package gpu

/*
#include "calls.h"
*/
import "C"

import (
	"fmt"
	"runtime"
	"sync/atomic"
	"unsafe"

	"gorgonia.org/cu"
)

// Device is a GPU that is in use.
type Device struct {
	info    Info
	device  cu.Device
	context C.CUcontext // nil once the device is closed
	lost    atomic.Pointer[Error]
}

// Open starts to use GPU n, by its primary context, which other libraries in the process share. Close ends it.
func Open(n int) (*Device, error) {
	driver, err := Find()
	if err != nil {
		return nil, err
	}
	if n < 0 || n >= len(driver.Devices) {
		return nil, fmt.Errorf("gpu: GPU %d of %d, counted from 0: %w; `meseta doctor` lists them", n, len(driver.Devices), ErrNoDevice)
	}
	d := &Device{info: driver.Devices[n]}
	if d.info.Major < minMajor || d.info.Major == minMajor && d.info.Minor < minMinor {
		return nil, fmt.Errorf("gpu: %v is too old, %d.%d is wanted: %w", d.info, minMajor, minMinor, ErrNoDevice)
	}
	if d.device, err = cu.GetDevice(n); err != nil {
		return nil, refused("opening "+d.info.String(), err)
	}
	context, err := d.device.RetainPrimaryCtx()
	if err != nil {
		return nil, refused("opening "+d.info.String(), err)
	}
	d.context = handle[C.CUcontext](context)
	return d, nil
}

// Close ends the use of the device. What is left of its memory, streams, events and modules is gone when nobody else in the process uses it, and so is work that
// nobody has waited for.
func (d *Device) Close() error {
	if d.context == nil {
		return nil
	}
	d.context = nil
	if err := d.device.ReleasePrimaryCtx(); err != nil {
		return d.remembered(refused("closing the GPU", err))
	}
	return nil
}

// Info describes the device.
func (d *Device) Info() Info { return d.info }

// MemInfo gives the bytes that are free on the device, and those that it has.
func (d *Device) MemInfo() (free, total int64, err error) {
	err = d.do("asking for free memory", func() (err error) {
		free, total, err = cu.MemInfo()
		return err
	})
	return free, total, err
}

// handle gives the pointer that one of cu's types wraps, as C's type of this package.
func handle[C, H any](h H) C {
	if unsafe.Sizeof(h) != unsafe.Sizeof(uintptr(0)) {
		panic("gpu: cu's handles are no longer single pointers")
	}
	return *(*C)(unsafe.Pointer(&h))
}

// do calls functions of cu with the device's context current on their thread. Those need not be quick.
func (d *Device) do(what string, f func() error) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if r := C.cuCtxSetCurrent(d.context); r != 0 {
		return d.failed(what, r)
	}
	if err := f(); err != nil {
		return d.remembered(refused(what, err))
	}
	return nil
}

// failed is the error for an answer of the driver that is not 0.
func (d *Device) failed(what string, r C.CUresult) error { return d.remembered(answered(what, r)) }

// remembered tells, once the device is lost, what it failed at: the driver answers everything with the same from then on.
func (d *Device) remembered(e *Error) error {
	if e.kind == ErrLost && !d.lost.CompareAndSwap(nil, e) {
		if first := d.lost.Load(); first.Op != e.Op {
			e.Note = "the GPU was lost when " + first.Op
		}
	}
	return e
}
