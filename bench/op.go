package bench

import (
	"encoding/binary"
	"math"
	"slices"
	"time"

	"github.com/meseta-go/meseta/kernels"
	"github.com/meseta-go/meseta/random"
)

// Measured is what one operation took.
type Measured struct {
	Variant string
	FLOPs   int64 // of the plain algorithm, two for each product; Winograd's needs fewer
	Bytes   int64 // of operands and results, each counted once: what it moves at least
	Median  time.Duration
	Best    time.Duration
}

// atLeast is how often an operation runs however long it takes, beside a first time that finds cold caches.
const atLeast = 5

// Measure runs an operation on random numbers until d has passed. Its operands stay where they are, so that small ones come from a cache.
func Measure(device kernels.Device, c Case, d time.Duration) (Measured, error) {
	out, err := c.Op.Infer(c.In)
	if err != nil {
		return Measured{}, err
	}
	kernel, err := device.Choose(c.Op, c.In, out)
	if err != nil {
		return Measured{}, err
	}
	var b kernels.Buffers
	bytes := 0
	room := func(n int) kernels.Buffer {
		at := bytes
		bytes += (n + kernels.Slack + kernels.Alignment - 1) / kernels.Alignment * kernels.Alignment
		return kernels.Buffer{Offset: at, Bytes: n}
	}
	m := Measured{Variant: kernel.Variant(), FLOPs: c.Op.FLOPs(c.In, out)}
	for _, t := range c.In {
		b.In = append(b.In, room(t.Bytes()))
		m.Bytes += int64(t.Bytes())
	}
	for _, t := range out {
		b.Out = append(b.Out, room(t.Bytes()))
		m.Bytes += int64(t.Bytes())
	}
	b.Workspace = room(kernel.WorkspaceBytes())
	memory, err := device.Alloc(bytes)
	if err != nil {
		return Measured{}, err
	}
	for _, list := range [][]kernels.Buffer{b.In, b.Out} {
		for i := range list {
			list[i].Memory = memory
		}
	}
	b.Workspace.Memory = memory
	s := random.Stream{Seed: 1, Purpose: random.Synthetic}
	for i, t := range c.In {
		octets := make([]byte, 0, t.Bytes())
		for range t.Shape.Size() {
			octets = binary.NativeEndian.AppendUint32(octets, math.Float32bits(s.Normal()))
		}
		memory.Write(b.In[i].Offset, octets)
	}
	times, err := timesOf(device, kernel.Bind(b), d)
	if freed := memory.Free(); err == nil {
		err = freed
	}
	if err != nil {
		return Measured{}, err
	}
	slices.Sort(times)
	m.Median, m.Best = times[len(times)/2], times[0]
	return m, nil
}

// longer is what the runs of an operation in one launch take together at least: a GPU's launch, and waiting for it, is then a hundredth.
const longer = time.Millisecond

// timesOf runs an operation until d has passed, on a GPU many times in one launch, and gives the time that each took.
func timesOf(device kernels.Device, operation func(), d time.Duration) (times []time.Duration, err error) {
	n, run := 1, device.Sequence([]func(){operation})
	once := func() (time.Duration, error) {
		start := time.Now()
		err := run()
		return time.Since(start), err
	}
	if _, err := once(); err != nil { // it finds cold caches
		return nil, err
	}
	if _, launches := device.(kernels.Rated); launches {
		for took, err := once(); took < longer; took, err = once() {
			if err == nil {
				n *= 4
				run = device.Sequence(slices.Repeat([]func(){operation}, n))
				_, err = once() // it makes the launch
			}
			if err != nil {
				return nil, err
			}
		}
	}
	for begin := time.Now(); time.Since(begin) < d || len(times) < atLeast; {
		took, err := once()
		if err != nil {
			return nil, err
		}
		times = append(times, took/time.Duration(n))
	}
	return times, nil
}
