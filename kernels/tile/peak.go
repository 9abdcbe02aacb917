package tile

import (
	"sync/atomic"
	"time"

	"github.com/meseta-go/meseta/kernels/cpu"
)

// sink keeps the compiler from dropping what nobody reads.
var sink atomic.Uint32

// PeakFLOPs measures how many float32 operations a second the workers of dev reach together in a loop of nothing but multiply-adds (one
// counts as two operations). It is the best of a few measurements and takes about 50 ms.
func PeakFLOPs(dev *cpu.Device) float64 {
	set := For(dev.ISA())
	rounds := 1
	once := func() time.Duration {
		start := time.Now()
		dev.Parallel(dev.Threads(), func(int, int) { set.peak(rounds) })
		return time.Since(start)
	}
	for once() < 500*time.Microsecond { // also lets clocks and vector units wake up
		rounds *= 2
	}
	best := once()
	for range 60 {
		best = min(best, once())
	}
	return float64(set.peakOperations) * float64(rounds) * float64(dev.Threads()) / best.Seconds()
}
