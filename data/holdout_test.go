package data_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"

	"github.com/meseta-go/meseta/data"
)

// numbered is a data set whose sample i is the number i.
func numbered(t *testing.T, n int) data.Dataset {
	values := make([]int32, n)
	for i := range values {
		values[i] = int32(i)
	}
	ds, err := data.FromTensors(tensor.New(tensor.WithShape(n, 1), tensor.WithBacking(values)), nil)
	require.NoError(t, err)
	return ds
}

func all(t *testing.T, ds data.Dataset) []float32 {
	indices := make([]int32, ds.Len())
	for i := range indices {
		indices[i] = int32(i)
	}
	x := make([]float32, len(indices)*data.SampleSize(ds))
	require.NoError(t, ds.Read(x, make([]int32, len(indices)), indices))
	return x
}

func TestHoldOut(t *testing.T) {
	ds := numbered(t, 1000)
	train, held, err := data.HoldOut(ds, 200, 3)
	require.NoError(t, err)
	a, b := all(t, train), all(t, held)
	assert.Len(t, b, 200)
	assert.True(t, slices.IsSorted(a) && slices.IsSorted(b))
	both := append(slices.Clone(a), b...)
	slices.Sort(both)
	assert.Equal(t, all(t, ds), both, "every sample is in one part")
	var mean float32
	for _, v := range b {
		mean += v / 200
	}
	// The mean of 200 of 0 to 999 without replacement has a standard error of 18.
	assert.InDelta(t, 499.5, mean, 80, "drawn from everywhere")

	_, again, err := data.HoldOut(ds, 200, 3)
	require.NoError(t, err)
	assert.Equal(t, b, all(t, again))
	_, other, err := data.HoldOut(ds, 200, 4)
	require.NoError(t, err)
	assert.NotEqual(t, b, all(t, other))
	for _, count := range []int{-1, 0, 1000, 1001} {
		_, _, err := data.HoldOut(ds, count, 1)
		assert.ErrorContains(t, err, "both parts need a sample")
	}
}

func TestSelect(t *testing.T) {
	ds, err := data.Select(numbered(t, 5), []int32{4, 0, 4})
	require.NoError(t, err)
	assert.Equal(t, []float32{4, 0, 4}, all(t, ds))
	assert.ErrorContains(t, ds.Read(make([]float32, 1), nil, []int32{3}), "has 0 to 2")
	for _, i := range []int32{-1, 5} {
		_, err := data.Select(ds, []int32{i})
		assert.ErrorContains(t, err, "is selected")
	}
}
