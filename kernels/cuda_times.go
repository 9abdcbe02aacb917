//go:build nvidia && cgo

package kernels

import (
	"errors"
	"time"

	"github.com/meseta-go/meseta/gpu"
)

// together is how many steps Times has queued before the GPU begins with them, fewer than a queue has room for; queueing is what that takes the host at most.
const (
	together = 50
	queueing = 3 * time.Millisecond
)

// Times runs the steps once and gives the time of each, by events between them, which themselves take the GPU about a microsecond. What is queued before keeps the GPU
// busy meanwhile, so that it does not wait for the host between two steps.
func (c *CUDA) Times(steps []func()) (times []time.Duration, err error) {
	busy, free, err := c.busy(queueing)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, free()) }()
	var events []*gpu.Event
	defer func() {
		for _, e := range events {
			err = errors.Join(err, e.Close())
		}
	}()
	for range min(together, len(steps)) + 1 {
		e, err := c.dev.NewEvent(true)
		if err != nil {
			return nil, err
		}
		events = append(events, e)
	}
	for begin := 0; begin < len(steps); begin += together {
		part := steps[begin:min(begin+together, len(steps))]
		if err := busy(c.stream); err != nil {
			return nil, err
		}
		if err := c.stream.Record(events[0]); err != nil {
			return nil, err
		}
		for i, step := range part {
			step()
			if err := c.stream.Record(events[i+1]); err != nil {
				return nil, err
			}
		}
		if err := errors.Join(c.Err(), c.stream.Synchronize()); err != nil {
			return nil, err
		}
		for i := range part {
			took, err := events[i+1].Since(events[i])
			if err != nil {
				return nil, err
			}
			times = append(times, took)
		}
	}
	return times, nil
}

// busy gives a launch that takes the GPU at least so long, and what frees its memory.
func (c *CUDA) busy(least time.Duration) (run launch, free func() error, err error) {
	k, err := find[cudaPeak](c, "tile/peak", "peak")
	if err != nil {
		return nil, nil, err
	}
	blocks := 8 * c.dev.Info().Multiprocessors
	m, err := c.dev.Alloc(4 * blocks * blockThreads)
	if err != nil {
		return nil, nil, err
	}
	for rounds, took := 1, time.Duration(0); took < least; rounds *= 2 {
		run = start(k, blocks, 1, cudaPeak{m.Pointer(0), int32(rounds), .5, 1})
		if took, err = c.timed(func() error { return run(c.stream) }); err != nil {
			return nil, nil, errors.Join(err, m.Free())
		}
	}
	return run, m.Free, nil
}
