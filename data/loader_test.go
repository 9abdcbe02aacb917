package data_test

import (
	"context"
	"errors"
	"io"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/meseta-go/meseta/data"
	"github.com/meseta-go/meseta/random"
)

// copied is a batch that outlives its iterator's memory.
func copied(b *data.Batch) data.Batch {
	return data.Batch{
		X: slices.Clone(b.X), Labels: slices.Clone(b.Labels), Targets: slices.Clone(b.Targets), Weights: slices.Clone(b.Weights),
		N: b.N, Index: slices.Clone(b.Index), Number: b.Number,
	}
}

func epoch(t *testing.T, l *data.Loader, number, skip int) (batches []data.Batch) {
	t.Helper()
	it, err := l.Epoch(context.Background(), number, skip)
	require.NoError(t, err)
	defer it.Close()
	for {
		b, err := it.Next()
		if err == io.EOF {
			_, again := it.Next()
			assert.Equal(t, io.EOF, again)
			return batches
		}
		require.NoError(t, err)
		batches = append(batches, copied(b))
	}
}

func synthetic(t testing.TB, n int) data.Dataset {
	ds, err := data.Synthetic(n, []int{3, 2, 1}, 4, 1)
	require.NoError(t, err)
	return ds
}

func TestLoaderGivesEverySampleOnce(t *testing.T) {
	ds := synthetic(t, 103)
	l, err := data.NewLoader(ds, data.LoaderOptions{BatchSize: 10, Shuffle: true, Seed: 5, Workers: 3})
	require.NoError(t, err)
	require.Equal(t, 11, l.Batches())
	batches := epoch(t, l, 2, 0)
	require.Len(t, batches, 11)
	var order []int32
	for i, b := range batches {
		assert.Equal(t, i, b.Number)
		assert.Len(t, b.Index, b.N)
		x, labels := read(t, ds, b.Index...)
		assert.Equal(t, x, b.X)
		assert.Equal(t, labels, b.Labels)
		order = append(order, b.Index...)
	}
	assert.Equal(t, 3, batches[10].N, "the last batch is what remains")
	assert.Equal(t, random.Permutation(5, 2, 103), order)
}

func TestLoaderIsTheSameForAnyWorkers(t *testing.T) {
	ds := synthetic(t, 257)
	var want []data.Batch
	for _, workers := range []int{1, 2, 5, 40} {
		for _, prefetch := range []int{1, 2, 7, 100} {
			l, err := data.NewLoader(ds, data.LoaderOptions{BatchSize: 16, Shuffle: true, Seed: 1, Workers: workers, Prefetch: prefetch})
			require.NoError(t, err)
			got := epoch(t, l, 0, 0)
			if want == nil {
				want = got
			}
			assert.Equal(t, want, got)
			assert.Equal(t, want[5:], epoch(t, l, 0, 5), "batches skipped")
			assert.Empty(t, epoch(t, l, 0, 17))
		}
	}
}

func TestLoaderOrders(t *testing.T) {
	ds := synthetic(t, 50)
	shuffled, err := data.NewLoader(ds, data.LoaderOptions{BatchSize: 50, Shuffle: true})
	require.NoError(t, err)
	assert.NotEqual(t, epoch(t, shuffled, 0, 0)[0].Index, epoch(t, shuffled, 1, 0)[0].Index)
	plain, err := data.NewLoader(ds, data.LoaderOptions{BatchSize: 64})
	require.NoError(t, err)
	only := epoch(t, plain, 3, 0)
	require.Len(t, only, 1)
	assert.Equal(t, 50, only[0].N)
	assert.True(t, slices.IsSorted(only[0].Index))
}

// shaky fails at one sample, and may be slow.
type shaky struct {
	data.Dataset
	bad   int32
	pause time.Duration
	reads atomic.Int32
}

var errShaky = errors.New("the disk is gone")

func (s *shaky) Read(dst []float32, labels []int32, indices []int32) error {
	s.reads.Add(1)
	time.Sleep(s.pause)
	if slices.Contains(indices, s.bad) {
		return errShaky
	}
	return s.Dataset.Read(dst, labels, indices)
}

func TestLoaderErrorComesAtItsBatch(t *testing.T) {
	l, err := data.NewLoader(&shaky{Dataset: synthetic(t, 100), bad: 55}, data.LoaderOptions{BatchSize: 10, Workers: 4, Prefetch: 8})
	require.NoError(t, err)
	it, err := l.Epoch(context.Background(), 3, 0)
	require.NoError(t, err)
	defer it.Close()
	for range 5 {
		_, err := it.Next()
		require.NoError(t, err)
	}
	for range 2 {
		_, err = it.Next()
		assert.ErrorIs(t, err, errShaky)
		assert.ErrorContains(t, err, "epoch 4, batch 6")
	}
}

// goroutinesReturnTo waits until at most n goroutines are left.
func goroutinesReturnTo(t *testing.T, n int) {
	t.Helper()
	assert.Eventually(t, func() bool { return runtime.NumGoroutine() <= n+1 }, 5*time.Second, time.Millisecond, // Eventually's own
		"%d goroutines at first, %d now", n, runtime.NumGoroutine())
}

func TestLoaderCloseEndsItsGoroutines(t *testing.T) {
	before := runtime.NumGoroutine()
	l, err := data.NewLoader(&shaky{Dataset: synthetic(t, 1000), bad: -1, pause: time.Millisecond}, data.LoaderOptions{BatchSize: 3, Workers: 8, Prefetch: 20})
	require.NoError(t, err)
	for steps := range 5 {
		it, err := l.Epoch(context.Background(), 0, 0)
		require.NoError(t, err)
		for range steps {
			_, err := it.Next()
			require.NoError(t, err)
		}
		it.Close()
		it.Close()
		goroutinesReturnTo(t, before)
		_, err = it.Next()
		assert.ErrorContains(t, err, "closed")
	}
	assert.Len(t, epoch(t, l, 1, 300), 34, "buffers of a closed epoch serve the next one")
}

func TestLoaderCancelEndsItsGoroutines(t *testing.T) {
	before := runtime.NumGoroutine()
	slow := &shaky{Dataset: synthetic(t, 1000), bad: -1, pause: 20 * time.Millisecond}
	l, err := data.NewLoader(slow, data.LoaderOptions{BatchSize: 1, Workers: 4})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	it, err := l.Epoch(ctx, 0, 0)
	require.NoError(t, err)
	_, err = it.Next()
	require.NoError(t, err)
	cancel()
	goroutinesReturnTo(t, before)
	_, err = it.Next()
	assert.ErrorIs(t, err, context.Canceled)
	it.Close()
}

func TestLoaderCancelWakesNext(t *testing.T) {
	stuck := &shaky{Dataset: synthetic(t, 10), bad: -1, pause: 300 * time.Millisecond}
	l, err := data.NewLoader(stuck, data.LoaderOptions{BatchSize: 1})
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	it, err := l.Epoch(ctx, 0, 0)
	require.NoError(t, err)
	defer it.Close()
	start := time.Now()
	_, err = it.Next()
	assert.ErrorIs(t, err, context.DeadlineExceeded)
	assert.Less(t, time.Since(start), 250*time.Millisecond)
}

func TestLoaderReadsNoFurtherThanPrefetch(t *testing.T) {
	ds := &shaky{Dataset: synthetic(t, 100), bad: -1}
	l, err := data.NewLoader(ds, data.LoaderOptions{BatchSize: 1, Workers: 9, Prefetch: 4})
	require.NoError(t, err)
	it, err := l.Epoch(context.Background(), 0, 0)
	require.NoError(t, err)
	defer it.Close()
	for range 3 {
		_, err := it.Next()
		require.NoError(t, err)
	}
	time.Sleep(50 * time.Millisecond)
	assert.EqualValues(t, 3+4, ds.reads.Load())
}

func TestLoaderStepAllocatesNothing(t *testing.T) {
	part, err := data.Slice(synthetic(t, 2200), 10, 2190)
	require.NoError(t, err)
	l, err := data.NewLoader(part, data.LoaderOptions{BatchSize: 4, Shuffle: true, Workers: 2})
	require.NoError(t, err)
	it, err := l.Epoch(context.Background(), 0, 0)
	require.NoError(t, err)
	defer it.Close()
	assert.Zero(t, testing.AllocsPerRun(400, func() {
		if _, err := it.Next(); err != nil {
			panic(err)
		}
	}))
}

func TestNewLoaderRefuses(t *testing.T) {
	ds := synthetic(t, 4)
	none, err := data.Slice(ds, 2, 2)
	require.NoError(t, err)
	for _, c := range []struct {
		ds      data.Dataset
		options data.LoaderOptions
		want    string
	}{
		{none, data.LoaderOptions{BatchSize: 1}, "empty"},
		{nil, data.LoaderOptions{BatchSize: 1}, "empty"},
		{ds, data.LoaderOptions{}, "batch size is 0"},
		{ds, data.LoaderOptions{BatchSize: 1, Workers: -1}, "negative"},
		{ds, data.LoaderOptions{BatchSize: 1, Prefetch: -1}, "negative"},
	} {
		_, err := data.NewLoader(c.ds, c.options)
		assert.ErrorContains(t, err, c.want)
	}
	l, err := data.NewLoader(ds, data.LoaderOptions{BatchSize: 2})
	require.NoError(t, err)
	for _, c := range [][2]int{{-1, 0}, {0, -1}, {0, 3}} {
		_, err := l.Epoch(context.Background(), c[0], c[1])
		assert.Error(t, err, c)
	}
}
