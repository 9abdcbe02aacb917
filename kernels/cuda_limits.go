//go:build nvidia && cgo

package kernels

import (
	"errors"
	"time"

	"github.com/meseta-go/meseta/gpu"
)

// cudaPeak is Peak of tile/peak.cu.
type cudaPeak struct {
	dst             gpu.Pointer
	rounds          int32
	factor, summand float32
}

// Rating is the most that the GPU can do by its clocks.
func (c *CUDA) Rating() (operations, bytes float64) { return c.dev.Info().Rating() }

// MemInfo gives the bytes that are free on the GPU, and those that it has.
func (c *CUDA) MemInfo() (free, total int64, err error) { return c.dev.MemInfo() }

// enoughTime is what a measurement of Limits takes at least, unless the GPU's memory is too small: clocks have risen by then, and a launch is nothing.
const enoughTime = 10 * time.Millisecond

// Limits measures products in registers, and copies of the driver's, the longer the faster the GPU is. An error is kept for the next Sequence.
func (c *CUDA) Limits() (operations, bytes float64) {
	operations, err := c.peakFLOPs()
	if err == nil {
		bytes, err = c.bandwidth()
	}
	c.note(err)
	return operations, bytes
}

// peakFLOPs measures float32 operations a second in a loop of multiply-adds.
func (c *CUDA) peakFLOPs() (best float64, err error) {
	const perThread = 2 * 8 * 16 // operations of a round
	k, err := find[cudaPeak](c, "tile/peak", "peak")
	if err != nil {
		return 0, err
	}
	blocks := 8 * c.dev.Info().Multiprocessors // all that a multiprocessor has room for
	m, err := c.dev.Alloc(4 * blocks * blockThreads)
	if err != nil {
		return 0, err
	}
	for rounds, took := 1, time.Duration(0); err == nil && took < enoughTime; rounds *= 2 {
		run := start(k, blocks, 1, cudaPeak{m.Pointer(0), int32(rounds), .5, 1})
		took, err = c.timed(func() error { return run(c.stream) })
		best = max(best, perThread*float64(rounds)*float64(blocks*blockThreads)/took.Seconds())
	}
	return best, errors.Join(err, m.Free())
}

// bandwidth measures how many bytes a second the driver's copies read and write together.
func (c *CUDA) bandwidth() (best float64, err error) {
	const least, most = 1 << 22, 1 << 30
	for n, took := least, time.Duration(0); took < enoughTime && n <= most; n *= 2 {
		m, err := c.dev.Alloc(2 * n)
		if best > 0 && errors.Is(err, gpu.ErrOutOfMemory) {
			break
		}
		if err != nil {
			return 0, err
		}
		for range 2 {
			if err == nil {
				took, err = c.timed(func() error { return c.stream.Copy(m, n, m, 0, n) })
				best = max(best, 2*float64(n)/took.Seconds())
			}
		}
		if err = errors.Join(err, m.Free()); err != nil {
			return 0, err
		}
	}
	return best, nil
}

// timed is how long the GPU takes for what work queues.
func (c *CUDA) timed(work func() error) (time.Duration, error) {
	if err := c.stream.Synchronize(); err != nil {
		return 0, err
	}
	start := time.Now()
	err := work()
	if err == nil {
		err = c.stream.Synchronize()
	}
	return time.Since(start), err
}
