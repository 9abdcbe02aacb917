//go:build nvidia && cgo

package gpu

/*
#cgo noescape meseta_send
#cgo nocallback meseta_send
#cgo noescape meseta_receive
#cgo nocallback meseta_receive
#cgo noescape meseta_copy
#cgo nocallback meseta_copy
#cgo noescape meseta_fill
#cgo nocallback meseta_fill
#cgo noescape meseta_synchronize
#cgo nocallback meseta_synchronize
#cgo noescape meseta_record
#cgo nocallback meseta_record
#cgo noescape meseta_wait
#cgo nocallback meseta_wait
#cgo noescape meseta_event_wait
#cgo nocallback meseta_event_wait
#cgo noescape meseta_event_query
#cgo nocallback meseta_event_query
#include "calls.h"
*/
import "C"

import (
	"fmt"
	"time"
	"unsafe"

	"gorgonia.org/cu"
)

// Stream is a queue of work, done in order. Streams do not wait for each other, but by events.
type Stream struct {
	d *Device
	s cu.Stream
	c C.CUstream
}

// NewStream makes one.
func (d *Device) NewStream() (*Stream, error) {
	s := &Stream{d: d}
	err := d.do("making a stream", func() (err error) {
		s.s, err = cu.MakeStream(cu.NonBlocking)
		return err
	})
	if err != nil {
		return nil, err
	}
	s.c = handle[C.CUstream](s.s)
	return s, nil
}

// Close ends the stream once its work is done.
func (s *Stream) Close() error { return s.d.do("closing a stream", s.s.Destroy) }

// Synchronize waits until everything is done, and reports what failed.
func (s *Stream) Synchronize() error {
	if r := C.meseta_synchronize(s.d.context, s.c); r != 0 {
		return s.d.failed("waiting for a stream", r)
	}
	return nil
}

// Write copies from the host, and waits for that and all before it.
func (s *Stream) Write(dst *Memory, offset int, src []byte) error { return s.send(dst, offset, src, 1) }

// Read copies to the host, and waits for that and all before it.
func (s *Stream) Read(src *Memory, offset int, dst []byte) error {
	return s.receive(dst, src, offset, 1)
}

// Send queues a copy of n bytes of pinned memory, from the offset from on. They must stay as they are until it is done.
func (s *Stream) Send(dst *Memory, offset int, src *Pinned, from, n int) error {
	if from < 0 || n < 0 || from > len(src.bytes)-n {
		return fmt.Errorf("gpu: %d bytes at %d do not lie in %d of pinned memory", n, from, len(src.bytes))
	}
	return s.send(dst, offset, src.bytes[from:from+n], 0)
}

// Receive queues a copy of n bytes to pinned memory, at the offset to.
func (s *Stream) Receive(dst *Pinned, to int, src *Memory, offset, n int) error {
	if to < 0 || n < 0 || to > len(dst.bytes)-n {
		return fmt.Errorf("gpu: %d bytes at %d do not lie in %d of pinned memory", n, to, len(dst.bytes))
	}
	return s.receive(dst.bytes[to:to+n], src, offset, 0)
}

func (s *Stream) send(dst *Memory, offset int, src []byte, wait C.int) error {
	if err := dst.holds(offset, len(src)); err != nil || len(src) == 0 {
		return err
	}
	if r := C.meseta_send(s.d.context, C.CUdeviceptr(dst.Pointer(offset)), unsafe.Pointer(&src[0]), C.size_t(len(src)), s.c, wait); r != 0 {
		return s.d.failed("copying to the GPU", r)
	}
	return nil
}

func (s *Stream) receive(dst []byte, src *Memory, offset int, wait C.int) error {
	if err := src.holds(offset, len(dst)); err != nil || len(dst) == 0 {
		return err
	}
	if r := C.meseta_receive(s.d.context, unsafe.Pointer(&dst[0]), C.CUdeviceptr(src.Pointer(offset)), C.size_t(len(dst)), s.c, wait); r != 0 {
		return s.d.failed("copying from the GPU", r)
	}
	return nil
}

// Copy queues a copy within the device's memory. The two places must not overlap.
func (s *Stream) Copy(dst *Memory, dstOffset int, src *Memory, srcOffset, n int) error {
	err := dst.holds(dstOffset, n)
	if err == nil {
		err = src.holds(srcOffset, n)
	}
	if err != nil || n == 0 {
		return err
	}
	if r := C.meseta_copy(s.d.context, C.CUdeviceptr(dst.Pointer(dstOffset)), C.CUdeviceptr(src.Pointer(srcOffset)), C.size_t(n), s.c); r != 0 {
		return s.d.failed("copying on the GPU", r)
	}
	return nil
}

// Fill queues setting n bytes to a value.
func (s *Stream) Fill(dst *Memory, offset, n int, value byte) error {
	if err := dst.holds(offset, n); err != nil || n == 0 {
		return err
	}
	if r := C.meseta_fill(s.d.context, C.CUdeviceptr(dst.Pointer(offset)), C.uchar(value), C.size_t(n), s.c); r != 0 {
		return s.d.failed("filling memory of the GPU", r)
	}
	return nil
}

// Event is a place in a stream's queue, that others can wait for.
type Event struct {
	d *Device
	e cu.Event
	c C.CUevent
}

// NewEvent makes one. Only one that is timed can be asked when it happened; the others are quicker.
func (d *Device) NewEvent(timed bool) (*Event, error) {
	e, flags := &Event{d: d}, cu.DisableTiming
	if timed {
		flags = cu.DefaultEvent
	}
	err := d.do("making an event", func() (err error) {
		e.e, err = cu.MakeEvent(flags)
		return err
	})
	if err != nil {
		return nil, err
	}
	e.c = handle[C.CUevent](e.e)
	return e, nil
}

// Close frees the event.
func (e *Event) Close() error {
	return e.d.do("closing an event", func() error { return cu.DestroyEvent(&e.e) })
}

// Record puts the event behind all work that was queued so far.
func (s *Stream) Record(e *Event) error {
	if r := C.meseta_record(s.d.context, e.c, s.c); r != 0 {
		return s.d.failed("recording an event", r)
	}
	return nil
}

// Await has the work that is queued from now on wait for the event as it was last recorded, by this or another stream.
func (s *Stream) Await(e *Event) error {
	if r := C.meseta_wait(s.d.context, s.c, e.c); r != 0 {
		return s.d.failed("waiting for an event", r)
	}
	return nil
}

// Synchronize waits until the event has happened as it was last recorded.
func (e *Event) Synchronize() error {
	if r := C.meseta_event_wait(e.d.context, e.c); r != 0 {
		return e.d.failed("waiting for an event", r)
	}
	return nil
}

// Done says whether it has.
func (e *Event) Done() (bool, error) {
	switch r := C.meseta_event_query(e.d.context, e.c); r {
	case C.CUDA_SUCCESS:
		return true, nil
	case C.CUDA_ERROR_NOT_READY:
		return false, nil
	default:
		return false, e.d.failed("asking for an event", r)
	}
}

// Since is the time from one event to another on the device, of which both have happened; to half a microsecond.
func (e *Event) Since(start *Event) (time.Duration, error) {
	var ms float64
	err := e.d.do("asking for a time", func() (err error) {
		ms, err = start.e.Elapsed(e.e)
		return err
	})
	return time.Duration(ms * float64(time.Millisecond)), err
}
