package cpu

import (
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParallelRunsEachPieceOnce(t *testing.T) {
	for _, threads := range []int{1, 2, 3, 5, 16} {
		d, err := NewDevice(Config{Threads: threads})
		require.NoError(t, err)
		assert.Equal(t, threads, d.Threads())
		var counts [1000]atomic.Int32
		busy := make([]atomic.Int32, threads)
		for round := range 200 {
			n := round * 7 % len(counts)
			run := d.Parallel
			if round%3 > 0 {
				run = d.Sweep
			}
			run(n, func(i, worker int) {
				assert.Equal(t, int32(1), busy[worker].Add(1))
				counts[i].Add(1)
				busy[worker].Add(-1)
			})
			for i := range counts {
				want := int32(0)
				if i < n {
					want = 1
				}
				require.Equal(t, want, counts[i].Swap(0))
			}
		}
		d.Close()
		d.Close()
		assert.PanicsWithValue(t, shut, func() { d.Parallel(1, func(int, int) {}) })
	}
}

// TestSweepsTurn makes sure that a sweep begins where the last one ended, in the share of each worker, whatever Parallel did in between.
func TestSweepsTurn(t *testing.T) {
	for _, threads := range []int{1, 2} {
		d, err := NewDevice(Config{Threads: threads})
		require.NoError(t, err)
		defer d.Close()
		const n = 128
		var clock atomic.Int32
		var when [n]int32
		task := func(i, _ int) { when[i] = clock.Add(1) }
		turned := func(share []int32) bool { // by halves, because a worker may pause between claiming a task and running it
			first, last := int32(0), int32(0)
			for i := range len(share) / 2 {
				first, last = first+share[i], last+share[len(share)/2+i]
			}
			return first > last
		}
		for round := range 6 {
			d.Parallel(n, task)
			for share := range slices.Chunk(when[:], n/threads) {
				assert.False(t, turned(share), "Parallel")
			}
			d.Sweep(n, task)
			for share := range slices.Chunk(when[:], n/threads) {
				assert.Equal(t, round%2 == 0, turned(share), "sweep %d with %d threads", round, threads)
			}
		}
	}
}

// TestWorkersBeginWithTheirShare: when all are at work, each begins with the first piece of its own share, or in a turned sweep with the last.
func TestWorkersBeginWithTheirShare(t *testing.T) {
	const threads, n = 3, 100
	d, err := NewDevice(Config{Threads: threads})
	require.NoError(t, err)
	defer d.Close()
	for round := range 20 {
		var begun atomic.Int32
		first := [threads]int{-1, -1, -1}
		d.Sweep(n, func(i, worker int) {
			if first[worker] < 0 {
				first[worker] = i
				for begun.Add(1); begun.Load() < threads; {
					runtime.Gosched()
				}
			}
		})
		if round%2 == 0 { // the first sweep is turned
			assert.Equal(t, [threads]int{32, 65, 99}, first)
		} else {
			assert.Equal(t, [threads]int{0, 33, 66}, first)
		}
	}
}

func TestParallelAfterParking(t *testing.T) {
	d, err := NewDevice(Config{Threads: 3})
	require.NoError(t, err)
	defer d.Close()
	for range 20 {
		time.Sleep(time.Millisecond)
		var sum atomic.Int64
		d.Parallel(100, func(i, _ int) { sum.Add(int64(i)) })
		require.Equal(t, int64(4950), sum.Load())
	}
	parked := func() bool { return d.parked[0].waiting.Load() && d.parked[1].waiting.Load() }
	assert.Eventually(t, parked, 5*time.Second, time.Millisecond, "idle workers park")
}

func TestParallelDoesNotAllocate(t *testing.T) {
	d, err := NewDevice(Config{Threads: 2})
	require.NoError(t, err)
	defer d.Close()
	var x [64]int
	task := func(i, _ int) { x[i]++ }
	assert.Zero(t, testing.AllocsPerRun(100, func() { d.Parallel(len(x), task) }))
}

func TestNestedParallelIsNamed(t *testing.T) {
	d, err := NewDevice(Config{Threads: 1})
	require.NoError(t, err)
	defer d.Close()
	assert.PanicsWithValue(t, nested, func() { d.Parallel(2, func(int, int) { d.Parallel(2, func(int, int) {}) }) })
}

func TestCloseEndsWorkers(t *testing.T) {
	before := runtime.NumGoroutine()
	d, err := NewDevice(Config{Threads: 8})
	require.NoError(t, err)
	d.Parallel(100, func(int, int) {})
	d.Close()
	for range 5000 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatalf("%d goroutines, %d before", runtime.NumGoroutine(), before)
}

func TestConfigIsChecked(t *testing.T) {
	_, err := NewDevice(Config{Threads: -1})
	assert.ErrorContains(t, err, "-1 threads")
	none := ISA(9)
	_, err = NewDevice(Config{ISA: &none})
	assert.ErrorContains(t, err, "no ISA(9)")
	t.Setenv("MESETA_ISA", "mmx")
	_, err = NewDevice(Config{})
	assert.ErrorContains(t, err, `MESETA_ISA: cpu: instruction set "mmx" is unknown`)
	t.Setenv("MESETA_ISA", "portable")
	d, err := NewDevice(Config{})
	require.NoError(t, err)
	assert.Equal(t, Portable, d.ISA())
	d.Close()
	for _, isa := range Available() {
		parsed, err := Parse(isa.String())
		require.NoError(t, err)
		assert.Equal(t, isa, parsed)
	}
}

func TestAlloc(t *testing.T) {
	for _, n := range []int{0, 1, 63, 4096, largeEnough} {
		m, err := Alloc(n)
		require.NoError(t, err)
		require.Len(t, m.Bytes(), n)
		if n > 0 {
			assert.Zero(t, addressOf(m.Bytes())&63)
			m.Bytes()[n-1] = 1
		}
		assert.Len(t, m.Float32s(), n/4)
		require.NoError(t, m.Free())
		require.NoError(t, m.Free())
	}
	_, err := Alloc(-1)
	assert.ErrorContains(t, err, "-1 bytes")
	if runtime.GOOS == "linux" {
		_, err = Alloc(1 << 45)
		assert.ErrorContains(t, err, "32.00 TB of memory are wanted")
	}
}

const largeEnough = 5<<20 + 12

func BenchmarkParallel(b *testing.B) {
	d, err := NewDevice(Config{Threads: 2})
	require.NoError(b, err)
	defer d.Close()
	task := func(int, int) {}
	for b.Loop() {
		d.Parallel(2, task)
	}
}
