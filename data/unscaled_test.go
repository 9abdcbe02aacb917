package data_test

import (
	"testing"

	"github.com/meseta-go/meseta/data"
	"github.com/meseta-go/meseta/data/augment"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestUnscaled gives the numbers of the bytes, in every way of reading, and all else as it is.
func TestUnscaled(t *testing.T) {
	folder := openFolder(t, writeFiles(t, rulers(t)), data.FolderOptions{Size: [2]int{10, 12}})
	ds := data.Unscaled(folder)
	assert.Equal(t, folder.Len(), ds.Len())
	assert.Equal(t, folder.ClassNames(), data.ClassNames(ds))
	assert.False(t, data.HasWeights(ds))
	assert.Nil(t, data.TargetShape(ds))
	black, white := data.ValueRange(ds)
	assert.Equal(t, [2]float32{0, 255}, [2]float32{black, white})
	wantLabels, _, err := data.Labels(folder)
	require.NoError(t, err)
	labels, _, err := data.Labels(ds)
	require.NoError(t, err)
	assert.Equal(t, wantLabels, labels)

	const n = 10 * 12 * 3
	index := []int32{1, 0}
	pixels, x, got := make([]uint8, 2*n), make([]float32, 2*n), make([]int32, 2)
	require.NoError(t, folder.ReadBytes(pixels, got, index))
	require.NoError(t, ds.Read(x, got, index))
	assert.Equal(t, []int32{wantLabels[1], wantLabels[0]}, got)
	want := make([]float32, 2*n)
	for i, p := range pixels {
		want[i] = float32(p)
	}
	assert.Equal(t, want, x)
	assert.EqualValues(t, 1, data.Divisor(ds))
	bytes := make([]uint8, 2*n)
	require.NoError(t, ds.(data.Stored).ReadBytes(bytes, got, index))
	assert.Equal(t, pixels, bytes)
	assert.Error(t, ds.Read(x, got, []int32{1000, 0}))
	assert.Error(t, ds.Read(x[1:], got, index))

	// Parts of images as they are stored are 255 times those of the data set.
	crop := augment.List{&augment.RandomResizedCrop{Scale: augment.Range{Low: 0.1, High: 0.5}, Ratio: augment.Range{Low: 0.8, High: 1.5}}}
	cropped := func(ds data.Dataset) []float32 {
		a, err := data.NewAugmenter(ds, crop, 5, 2)
		require.NoError(t, err)
		x := make([]float32, 2*n)
		require.NoError(t, a.Read(x, got, index, 3))
		return x
	}
	assert.InDeltaSlice(t, scale(cropped(folder), 255), cropped(ds), 1e-4)

	assert.Same(t, ds, data.Unscaled(ds), "it is already")
	numbers, err := data.Synthetic(4, []int{2, 2, 1}, 2, 1)
	require.NoError(t, err)
	assert.Equal(t, data.Dataset(numbers), data.Unscaled(numbers), "no bytes")
	held, _, err := data.HoldOut(ds, 2, 1)
	require.NoError(t, err)
	_, white = data.ValueRange(held)
	assert.EqualValues(t, 255, white)
}

func scale(x []float32, by float32) []float32 {
	for i := range x {
		x[i] *= by
	}
	return x
}
