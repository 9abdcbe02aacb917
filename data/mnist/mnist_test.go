package mnist_test

import (
	"context"
	"io"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/meseta-go/meseta/data"
	"github.com/meseta-go/meseta/data/mnist"
)

// TestSets holds the sets against their published sizes, and counts and sums computed with NumPy from the same files.
func TestSets(t *testing.T) {
	train, err := mnist.Train()
	require.NoError(t, err)
	test, err := mnist.Test()
	require.NoError(t, err)
	for _, c := range []struct {
		ds     *data.Images
		n      int
		sum    int
		counts [10]int
	}{
		{train, 60000, 1567298545, [10]int{5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949}},
		{test, 10000, 264923200, [10]int{980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009}},
	} {
		assert.Equal(t, c.n, c.ds.Len())
		assert.Equal(t, []int{28, 28, 1}, c.ds.Shape())
		assert.Equal(t, 10, c.ds.Classes())
		sum, counts := 0, [10]int{}
		for _, p := range c.ds.Pixels {
			sum += int(p)
		}
		for _, l := range c.ds.Labels {
			counts[l]++
		}
		assert.Equal(t, c.sum, sum)
		assert.Equal(t, c.counts, counts)
	}
	again, err := mnist.Train()
	require.NoError(t, err)
	assert.Same(t, train, again)
}

// BenchmarkLoader is one epoch of shuffled batches of 128; it reports images a second.
func BenchmarkLoader(b *testing.B) {
	train, err := mnist.Train()
	require.NoError(b, err)
	l, err := data.NewLoader(train, data.LoaderOptions{BatchSize: 128, Shuffle: true, Seed: 1})
	require.NoError(b, err)
	for epoch := 0; b.Loop(); epoch++ {
		it, err := l.Epoch(context.Background(), epoch, 0)
		require.NoError(b, err)
		for err == nil {
			_, err = it.Next()
		}
		require.Equal(b, io.EOF, err)
		it.Close()
	}
	b.ReportMetric(float64(b.N)*float64(train.Len())/b.Elapsed().Seconds(), "images/s")
}
