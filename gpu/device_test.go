//go:build nvidia && cgo

package gpu

import (
	"encoding/binary"
	"errors"
	"math"
	"os"
	"runtime"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorgonia.org/cu"
)

// opened gives a device and a stream. Where MESETA_LIBCUDA names a driver there has to be one; elsewhere tests without a GPU are skipped.
func opened(t testing.TB) (*Device, *Stream) {
	d, err := Open(0)
	if err != nil && os.Getenv(LibraryVariable) == "" {
		t.Skip(err)
	}
	require.NoError(t, err)
	s, err := d.NewStream()
	require.NoError(t, err)
	t.Cleanup(func() {
		assert.NoError(t, s.Close())
		assert.NoError(t, d.Close())
	})
	return d, s
}

// alloc gives memory for the time of a test.
func alloc(t testing.TB, d *Device, bytes int) *Memory {
	m, err := d.Alloc(bytes)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, m.Free()) })
	return m
}

// floats are numbers as bytes.
func floats(x ...float32) []byte {
	var b []byte
	for _, v := range x {
		b = binary.NativeEndian.AppendUint32(b, math.Float32bits(v))
	}
	return b
}

func TestInfo(t *testing.T) {
	d, _ := opened(t)
	driver, err := Find()
	require.NoError(t, err)
	assert.Equal(t, driver.Devices[0], d.Info())
	assert.NotEmpty(t, d.Info().Name)
	assert.Positive(t, d.Info().Multiprocessors)
	assert.GreaterOrEqual(t, d.Info().SharedMemory, 48<<10)
	free, total, err := d.MemInfo()
	require.NoError(t, err)
	assert.Positive(t, free)
	assert.LessOrEqual(t, free, total)
	for _, n := range []int{-1, len(driver.Devices)} {
		_, err = Open(n)
		assert.ErrorIs(t, err, ErrNoDevice)
		assert.ErrorContains(t, err, "meseta doctor")
	}
}

func TestMemory(t *testing.T) {
	d, s := opened(t)
	m := alloc(t, d, 1000)
	assert.Zero(t, m.Pointer(0)%256)
	got := make([]byte, 1000)
	require.NoError(t, s.Read(m, 0, got))
	assert.Equal(t, make([]byte, 1000), got, "memory is zeroed")

	require.NoError(t, s.Write(m, 3, []byte("abc")))
	require.NoError(t, s.Fill(m, 6, 2, '!'))
	require.NoError(t, s.Copy(m, 500, m, 3, 5))
	require.NoError(t, s.Read(m, 499, got[:7]))
	assert.Equal(t, "\x00abc!!\x00", string(got[:7]))

	p, err := d.Pin(8)
	require.NoError(t, err)
	copy(p.Bytes(), "pinned..")
	require.NoError(t, s.Send(m, 992, p, 0, 8))
	require.NoError(t, s.Receive(p, 6, m, 992, 2))
	require.NoError(t, s.Synchronize())
	assert.Equal(t, "pinnedpi", string(p.Bytes()))

	// Nothing beyond the ends.
	for _, err := range []error{
		s.Write(m, 998, got[:3]), s.Read(m, -1, got[:1]), s.Fill(m, 0, 1001, 0), s.Copy(m, 0, m, 999, 2), s.Copy(m, 999, m, 0, 2),
		s.Send(m, 0, p, 7, 2), s.Send(m, 993, p, 0, 8), s.Receive(p, -1, m, 0, 1), s.Receive(p, 0, m, math.MaxInt, 1),
	} {
		assert.ErrorContains(t, err, "do not lie in")
	}
	require.NoError(t, p.Free())
	require.NoError(t, p.Free(), "twice is once")

	none := alloc(t, d, 0)
	assert.Zero(t, none.Bytes())
	require.NoError(t, s.Write(none, 0, nil))
	require.NoError(t, s.Fill(none, 0, 0, 1))
}

func TestOutOfMemory(t *testing.T) {
	d, _ := opened(t)
	_, err := d.Alloc(1 << 50)
	assert.ErrorIs(t, err, ErrOutOfMemory)
	assert.ErrorContains(t, err, "allocating 1125899906842624 bytes")
	assert.ErrorContains(t, err, "--batch")
	alloc(t, d, 1<<10) // the device is as it was
}

func TestEvents(t *testing.T) {
	d, s := opened(t)
	other, err := d.NewStream()
	require.NoError(t, err)
	m := alloc(t, d, 1<<20)
	begin, err := d.NewEvent(true)
	require.NoError(t, err)
	end, err := d.NewEvent(true)
	require.NoError(t, err)
	quick, err := d.NewEvent(false)
	require.NoError(t, err)
	p, err := d.Pin(1 << 20)
	require.NoError(t, err)
	require.NoError(t, s.Record(quick))
	require.NoError(t, s.Record(begin))
	require.NoError(t, s.Fill(m, 0, 1<<20, 7))
	require.NoError(t, s.Record(end))
	require.NoError(t, other.Await(end))
	require.NoError(t, other.Receive(p, 0, m, 0, 1<<20))
	require.NoError(t, other.Synchronize())
	assert.EqualValues(t, 7, p.Bytes()[1<<20-1])
	require.NoError(t, end.Synchronize())
	done, err := end.Done()
	require.NoError(t, err)
	assert.True(t, done)
	_, err = end.Since(quick)
	assert.ErrorContains(t, err, "asking for a time", "an event that is not timed")
	took, err := end.Since(begin)
	require.NoError(t, err)
	assert.GreaterOrEqual(t, took.Nanoseconds(), int64(0))
	for _, c := range []interface{ Close() error }{quick, begin, end, other} {
		require.NoError(t, c.Close())
	}
	require.NoError(t, p.Free())
}

// Any goroutine may use a device, on whatever thread it runs.
func TestGoroutines(t *testing.T) {
	d, _ := opened(t)
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			s, err := d.NewStream()
			if !assert.NoError(t, err) {
				return
			}
			m, err := d.Alloc(4)
			if !assert.NoError(t, err) {
				return
			}
			got := make([]byte, 4)
			for range 50 {
				assert.NoError(t, s.Fill(m, 0, 4, byte(i)))
				assert.NoError(t, s.Read(m, 0, got))
				assert.Equal(t, []byte{byte(i), byte(i), byte(i), byte(i)}, got)
			}
			assert.NoError(t, m.Free())
			assert.NoError(t, s.Close())
		})
	}
	all.Wait()
}

// A device that was closed can be opened again, and two uses of one do not meet.
func TestOpenAgain(t *testing.T) {
	d, s := opened(t)
	m := alloc(t, d, 4)
	again, err := Open(0)
	require.NoError(t, err)
	more, err := again.Alloc(4)
	require.NoError(t, err)
	require.NoError(t, more.Free())
	require.NoError(t, again.Close())
	require.NoError(t, again.Close(), "twice is once")
	require.NoError(t, s.Fill(m, 0, 4, 1))
	require.NoError(t, s.Synchronize())
}

// What another library of the process makes current on a thread, which a goroutine comes to afterwards, does not matter.
func TestContextsOfOthers(t *testing.T) {
	d, s := opened(t)
	m := alloc(t, d, 4)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	require.NoError(t, s.Fill(m, 0, 4, 1))
	require.NoError(t, cu.SetCurrentContext(cu.CUContext{}))
	require.NoError(t, s.Fill(m, 0, 4, 2))
	require.NoError(t, s.Synchronize())
}

// elements is the parameter of the kernels of kernels/elementwise.
type elements struct {
	Dst, A, B           Pointer
	Size                int64
	Columns, Activation int32
	Scale, Offset       float32
}

// elementwise is the PTX of those kernels.
func elementwise(t testing.TB) []byte {
	image, err := os.ReadFile("../kernels/elementwise/elementwise.ptx")
	require.NoError(t, err)
	return image
}

// affine gives the kernel dst = a*scale + offset.
func affine(t testing.TB, d *Device) *Kernel[elements] {
	m, err := d.Load(elementwise(t))
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, m.Close()) })
	k, err := NewKernel[elements](m, "affine")
	require.NoError(t, err)
	return k
}

func TestLaunch(t *testing.T) {
	d, s := opened(t)
	k := affine(t, d)
	assert.Equal(t, 256, k.Threads())
	m := alloc(t, d, 16)
	require.NoError(t, s.Write(m, 0, floats(1, 2, 3, 4)))
	require.NoError(t, k.Launch(s, Line(1, k.Threads()), &elements{Dst: m.Pointer(4), A: m.Pointer(4), Size: 2, Scale: 10, Offset: .5}))
	got := make([]byte, 16)
	require.NoError(t, s.Read(m, 0, got))
	assert.Equal(t, floats(1, 20.5, 30.5, 4), got)

	err := k.Launch(s, Line(1, 2048), &elements{})
	assert.ErrorContains(t, err, "launching affine on")
	assert.ErrorContains(t, err, "CUDA_ERROR_INVALID_VALUE (1)")
	var e *Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, codeInvalidValue, e.Code)
	require.NoError(t, s.Synchronize(), "a launch that was refused harms nothing")
}

func TestModuleErrors(t *testing.T) {
	d, _ := opened(t)
	_, err := d.Load([]byte("no kernels"))
	assert.ErrorContains(t, err, "loading kernels")
	_, err = d.Load([]byte(".version 6.3\n.target sm_75\n.address_size 64\nno kernels\n"))
	assert.ErrorContains(t, err, "CUDA_ERROR_INVALID_PTX (218): ptxas", "the driver's compiler says what is wrong")
	m, err := d.Load(elementwise(t))
	require.NoError(t, err)
	_, err = NewKernel[elements](m, "nowhere")
	assert.ErrorContains(t, err, "finding the kernel nowhere: CUDA_ERROR_NOT_FOUND (500)")
	if driver, err := Find(); assert.NoError(t, err) && driver.Version >= 12040 { // which tells
		_, err = NewKernel[struct{ Dst, A Pointer }](m, "affine")
		assert.ErrorContains(t, err, "the kernel affine wants 48 bytes of parameters, struct { Dst gpu.Pointer; A gpu.Pointer } has 16")
	}
	assert.Panics(t, func() { _, _ = NewKernel[struct{ p *int }](m, "affine") }, "a pointer of Go's")
	assert.Panics(t, func() { _, _ = NewKernel[int32](m, "affine") })
	require.NoError(t, m.Close())
}

func TestGraph(t *testing.T) {
	d, s := opened(t)
	k := affine(t, d)
	m, p := alloc(t, d, 4), pinned(t, d, 4)
	e := elements{Dst: m.Pointer(0), A: m.Pointer(0), Size: 1, Scale: 2, Offset: 1}
	record := func() error {
		for range 3 {
			if err := k.Launch(s, Line(1, k.Threads()), &e); err != nil {
				return err
			}
		}
		return s.Receive(p, 0, m, 0, 4)
	}
	g, err := s.Capture(record)
	require.NoError(t, err)
	e.Scale = 100 // the graph has the parameters of its capture
	for _, want := range []float32{7, 63, 511} {
		require.NoError(t, g.Launch(s))
		require.NoError(t, s.Synchronize())
		assert.Equal(t, floats(want), p.Bytes())
	}
	require.NoError(t, g.Close())

	// A capture that fails leaves the stream as it was.
	refused := errors.New("refused")
	_, err = s.Capture(func() error { return refused })
	assert.ErrorIs(t, err, refused)
	require.NoError(t, s.Fill(m, 0, 4, 0))
	require.NoError(t, s.Synchronize())
}

// A capture is not disturbed by what other goroutines ask of the GPU meanwhile: a second model that is opened, trained and closed.
func TestCaptureBesideOthers(t *testing.T) {
	d, s := opened(t)
	k := affine(t, d)
	m := alloc(t, d, 4)
	launch := func() error {
		return k.Launch(s, Line(1, k.Threads()), &elements{Dst: m.Pointer(0), A: m.Pointer(0), Size: 1, Scale: 1, Offset: 1})
	}
	image := elementwise(t)
	others := func() error {
		d, err := Open(0)
		if err != nil {
			return err
		}
		code, codeErr := d.Load(image)
		s, streamErr := d.NewStream()
		e, eventErr := d.NewEvent(false)
		m, memoryErr := d.Alloc(4)
		p, pinErr := d.Pin(4)
		if err := errors.Join(codeErr, streamErr, eventErr, memoryErr, pinErr); err != nil {
			return err
		}
		return errors.Join(s.Write(m, 0, floats(1)), s.Record(e), e.Synchronize(), s.Synchronize(), e.Close(), p.Free(), m.Free(), code.Close(), s.Close(), d.Close())
	}
	g, err := s.Capture(func() error {
		done := make(chan error)
		go func() { done <- others() }()
		return errors.Join(launch(), <-done, launch())
	})
	require.NoError(t, err)
	require.NoError(t, g.Launch(s))
	got := make([]byte, 4)
	require.NoError(t, s.Read(m, 0, got))
	assert.Equal(t, floats(2), got)
	require.NoError(t, g.Close())

	// The goroutine that captures may not: the capture fails then, and the stream is as it was.
	_, err = s.Capture(func() error { return errors.Join(launch(), s.Synchronize()) })
	assert.ErrorContains(t, err, "STREAM_CAPTURE_UNSUPPORTED")
	require.NoError(t, s.Synchronize())
}

// pinned gives pinned memory for the time of a test.
func pinned(t testing.TB, d *Device, bytes int) *Pinned {
	p, err := d.Pin(bytes)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, p.Free()) })
	return p
}

func BenchmarkLaunch(b *testing.B) {
	d, s := opened(b)
	k := affine(b, d)
	e, shape := &elements{}, Line(1, k.Threads())
	b.ReportAllocs()
	for b.Loop() {
		if err := k.Launch(s, shape, e); err != nil {
			b.Fatal(err)
		}
	}
}

func TestNothingIsAllocated(t *testing.T) {
	d, s := opened(t)
	k := affine(t, d)
	m, p := alloc(t, d, 64), pinned(t, d, 64)
	event, err := d.NewEvent(false)
	require.NoError(t, err)
	e := &elements{Dst: m.Pointer(0), A: m.Pointer(0), Size: 16}
	shape := Line(1, k.Threads())
	g, err := s.Capture(func() error { return k.Launch(s, shape, e) })
	require.NoError(t, err)
	host := make([]byte, 64)
	for name, f := range map[string]func() error{
		"launch": func() error { return k.Launch(s, shape, e) },
		"graph":  func() error { return g.Launch(s) },
		"send":   func() error { return s.Send(m, 0, p, 0, 64) },
		"read":   func() error { return s.Read(m, 0, host) },
		"fill":   func() error { return s.Fill(m, 0, 64, 1) },
		"record": func() error { return s.Record(event) },
		"await":  func() error { return s.Await(event) },
		"wait":   event.Synchronize,
		"done":   func() error { _, err := event.Done(); return err },
	} {
		assert.Zero(t, testing.AllocsPerRun(20, func() {
			if err := f(); err != nil {
				panic(err)
			}
		}), name)
	}
	require.NoError(t, s.Synchronize()) // before what is copied is freed
	require.NoError(t, g.Close())
	require.NoError(t, event.Close())
}
