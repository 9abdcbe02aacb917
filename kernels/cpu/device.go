package cpu

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"sync/atomic"
	"time"
)

// Config says what a Device uses of the machine.
type Config struct {
	Threads int  // 0 means as many as Go may use (GOMAXPROCS)
	ISA     *ISA // nil means what the environment variable MESETA_ISA names, or else the fastest
}

// Device is an instruction set and the workers that run tasks. One goroutine at a time may call Parallel.
type Device struct {
	isa     ISA
	threads int
	crowded bool // more workers than processors: who waits must not keep one busy

	// A job is published by a store to state and claimed piece by piece: the low 40 bits count pieces not yet claimed, those
	// above them the jobs, so that a late worker cannot mistake one job for the next. Who has claimed a piece may read
	// task, turned and shares, because the job cannot end before that piece is done.
	state  atomic.Uint64
	_      [56]byte
	done   atomic.Int64
	_      [56]byte
	task   func(i, worker int)
	turned bool // the last piece comes first
	swept  bool // the last Sweep was turned
	busy   atomic.Bool
	closed atomic.Bool
	parked []parking // of workers 1 and up
	shares []share   // of all workers
}

// share is the part of a job's pieces that a worker takes first, the same part of every job: what it has written is in its caches when it reads
// it again, which counts where processors have caches of their own, such as chiplets. Who has claimed a piece and finds its share empty takes
// one of another's.
type share struct {
	next       atomic.Int64
	first, end int64
	_          [40]byte
}

// parking is where a worker waits between steps.
type parking struct {
	waiting atomic.Bool
	wake    chan struct{}
	_       [48]byte
}

const (
	unclaimed = 1<<40 - 1 // mask of the pieces not yet claimed
	oneJob    = 1 << 40

	looks    = 500                    // at the counters between two yields to other goroutines, about 1 µs
	patience = 100 * time.Microsecond // until an idle worker parks: longer than the gaps within a step, and about what waking it takes
)

const (
	nested = "cpu: Parallel was called while another call on the same device ran; a task may not start tasks"
	shut   = "cpu: Parallel on a closed device"
)

// NewDevice starts the workers. They cost nothing while there is no work; Close ends them.
// An instruction set that the machine lacks is an error.
func NewDevice(c Config) (*Device, error) {
	threads := c.Threads
	if threads == 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	if threads < 1 || threads > 4096 {
		return nil, fmt.Errorf("cpu: %d threads, want 1 to 4096, or 0 for as many as there are processors", c.Threads)
	}
	isa := Detect()
	if name := os.Getenv("MESETA_ISA"); c.ISA == nil && name != "" {
		named, err := Parse(name)
		if err != nil {
			return nil, fmt.Errorf("MESETA_ISA: %w", err)
		}
		c.ISA = &named
	}
	if c.ISA != nil {
		isa = *c.ISA
		if !slices.Contains(Available(), isa) {
			return nil, fmt.Errorf("cpu: this machine has no %v, it has %v", isa, Available())
		}
	}
	d := &Device{isa: isa, threads: threads, crowded: threads > runtime.GOMAXPROCS(0), parked: make([]parking, threads-1), shares: make([]share, threads)}
	for i := range d.parked {
		d.parked[i].wake = make(chan struct{}, 1)
		go d.work(i + 1)
	}
	return d, nil
}

// ISA is the instruction set whose kernels run.
func (d *Device) ISA() ISA { return d.isa }

// Threads is the number of workers, the caller of Parallel included.
func (d *Device) Threads() int { return d.threads }

// Close ends the workers. The device cannot be used after.
func (d *Device) Close() {
	if d.closed.Swap(true) {
		return
	}
	for i := range d.parked {
		d.rouse(i)
	}
}

// Parallel calls task(i, worker) once for every i in [0,n), on the worker in whose share of neighbouring numbers i is or else on whichever is free, and
// returns when all calls are done. Worker numbers are below Threads; no two tasks run on one worker at a time. It does not allocate.
func (d *Device) Parallel(n int, task func(i, worker int)) { d.parallel(n, false, task) }

// Sweep is Parallel for tasks that together go once through arrays too large for a cache, each through the parts of its number. Each worker takes
// its share from the first to the last and at the next call from the last to the first, and so on: an operation begins with what the one before
// has left in the cache, mostly its result.
func (d *Device) Sweep(n int, task func(i, worker int)) {
	d.swept = !d.swept
	d.parallel(n, d.swept, task)
}

func (d *Device) parallel(n int, turned bool, task func(i, worker int)) {
	if n <= 0 {
		return
	}
	if d.closed.Load() {
		panic(shut)
	}
	if !d.busy.CompareAndSwap(false, true) {
		panic(nested)
	}
	if n == 1 || d.threads == 1 {
		for i := range n {
			if turned {
				i = n - 1 - i
			}
			task(i, 0)
		}
		d.busy.Store(false)
		return
	}
	d.task, d.turned = task, turned
	d.done.Store(0)
	for w := range d.shares {
		s := &d.shares[w]
		s.first, s.end = int64(w*n/d.threads), int64((w+1)*n/d.threads)
		s.next.Store(s.first)
	}
	d.state.Store(d.state.Load()&^unclaimed + oneJob + uint64(n))
	for i := range min(n, d.threads) - 1 {
		if d.parked[i].waiting.Load() {
			d.rouse(i)
		}
	}
	d.claim(0)
	for i := 1; d.done.Load() != int64(n); i++ {
		if d.crowded || i%looks == 0 {
			runtime.Gosched()
		}
	}
	d.busy.Store(false)
}

// claim runs pieces of the job until none is left.
func (d *Device) claim(worker int) {
	for {
		s := d.state.Load()
		left := s & unclaimed
		if left == 0 {
			return
		}
		if d.state.CompareAndSwap(s, s-1) {
			d.task(d.take(worker), worker)
			d.done.Add(1)
		}
	}
}

// take gives the piece for a worker that has claimed one: of its own share, or of the next one that has any. There is one, because no more are
// claimed than there are.
func (d *Device) take(worker int) int {
	for w := worker; ; w = (w + 1) % d.threads {
		s := &d.shares[w]
		if s.next.Load() >= s.end {
			continue
		}
		switch i := s.next.Add(1) - 1; {
		case i >= s.end: // others were faster
		case d.turned:
			return int(s.first + s.end - 1 - i)
		default:
			return int(i)
		}
	}
}

// work is the life of a worker.
func (d *Device) work(worker int) {
	p := &d.parked[worker-1]
	var idle time.Time // since when, zero after work
	for !d.closed.Load() {
		if d.found() {
			d.claim(worker)
			idle = time.Time{}
			continue
		}
		if !d.crowded {
			now := time.Now()
			if idle.IsZero() {
				idle = now
			}
			if now.Sub(idle) < patience {
				runtime.Gosched() // such as for goroutines that prepare the next batch
				continue
			}
		}
		idle = time.Time{}
		p.waiting.Store(true)
		// Work that was published before waiting was set would not rouse this worker.
		if (d.state.Load()&unclaimed != 0 || d.closed.Load()) && p.waiting.CompareAndSwap(true, false) {
			continue
		}
		<-p.wake
	}
}

// found looks for work for a while.
func (d *Device) found() bool {
	for range looks {
		if d.state.Load()&unclaimed != 0 {
			return true
		}
		if d.crowded {
			break
		}
	}
	return false
}

// rouse wakes worker i+1 if it is parked.
func (d *Device) rouse(i int) {
	if p := &d.parked[i]; p.waiting.CompareAndSwap(true, false) {
		p.wake <- struct{}{}
	}
}
