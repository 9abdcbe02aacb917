package data_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"

	"github.com/meseta-go/meseta/data"
)

func read(t *testing.T, ds data.Dataset, indices ...int32) ([]float32, []int32) {
	t.Helper()
	x := make([]float32, len(indices)*data.SampleSize(ds))
	labels := make([]int32, len(indices))
	require.NoError(t, ds.Read(x, labels, indices))
	return x, labels
}

func TestImages(t *testing.T) {
	// Eleven pixels an image: the loop's turns of eight and a rest.
	pixels := make([]uint8, 24*11)
	for i := range pixels {
		pixels[i] = uint8(i)
	}
	labels := make([]uint8, 24)
	for i := range labels {
		labels[i] = uint8(i % 5)
	}
	ds, err := data.NewImages(pixels, 11, 1, 1, labels, 5)
	require.NoError(t, err)
	assert.Equal(t, 24, ds.Len())
	assert.Equal(t, []int{11, 1, 1}, ds.Shape())
	assert.Equal(t, 5, ds.Classes())
	x, y := read(t, ds, 23, 0, 7)
	assert.Equal(t, []int32{3, 0, 2}, y)
	for i, index := range []int{23, 0, 7} {
		for j := range 11 {
			assert.Equal(t, float32(pixels[index*11+j])/255, x[i*11+j])
		}
	}
	one, err := data.NewImages([]uint8{255, 0}, 1, 2, 1, nil, 0)
	require.NoError(t, err)
	assert.Zero(t, one.Classes())
	out := make([]float32, 2)
	require.NoError(t, one.Read(out, nil, []int32{0}))
	assert.Equal(t, []float32{1, 0}, out)
}

func TestNewImagesRefuses(t *testing.T) {
	for _, c := range []struct {
		name    string
		pixels  int
		h       int
		labels  []uint8
		classes int
		want    string
	}{
		{"a part of an image", 5, 2, nil, 0, "no whole number of"},
		{"sides of 0", 4, 0, nil, 0, "at least 1"},
		{"too few labels", 4, 2, []uint8{0}, 2, "1 labels for 2 images"},
		{"a label too large", 4, 2, []uint8{0, 2}, 2, "label of image 1 is 2"},
		{"labels of no class", 4, 2, []uint8{0, 0}, 0, "0 classes"},
		{"classes without labels", 4, 2, nil, 3, "3 classes but no labels"},
	} {
		_, err := data.NewImages(make([]uint8, c.pixels), c.h, 1, 1, c.labels, c.classes)
		assert.ErrorContains(t, err, c.want, c.name)
	}
}

func TestReadChecksItsArguments(t *testing.T) {
	images, err := data.NewImages(make([]uint8, 8), 2, 2, 1, []uint8{0, 1}, 2)
	require.NoError(t, err)
	floats, err := data.Synthetic(2, []int{2, 2, 1}, 2, 1)
	require.NoError(t, err)
	part, err := data.Slice(floats, 0, 2)
	require.NoError(t, err)
	for _, ds := range []data.Dataset{images, floats, part} {
		assert.ErrorContains(t, ds.Read(make([]float32, 5), make([]int32, 1), []int32{0}), "room for 5 numbers")
		assert.ErrorContains(t, ds.Read(make([]float32, 4), nil, []int32{0}), "room for 0 labels")
		assert.ErrorContains(t, ds.Read(make([]float32, 4), make([]int32, 1), []int32{2}), "sample 2 does not exist")
		assert.ErrorContains(t, ds.Read(make([]float32, 4), make([]int32, 1), []int32{-1}), "sample -1 does not exist")
	}
}

func TestFromTensors(t *testing.T) {
	y := tensor.New(tensor.WithShape(3), tensor.WithBacking([]int64{2, 0, 1}))
	for _, backing := range []any{
		[]float32{0, 1, 2, 3, 4, 255}, []float64{0, 1, 2, 3, 4, 255}, []uint8{0, 1, 2, 3, 4, 255},
		[]int32{0, 1, 2, 3, 4, 255}, []int64{0, 1, 2, 3, 4, 255},
	} {
		ds, err := data.FromTensors(tensor.New(tensor.WithShape(3, 1, 2, 1), tensor.WithBacking(backing)), y)
		require.NoError(t, err)
		assert.Equal(t, 3, ds.Len())
		assert.Equal(t, []int{1, 2, 1}, ds.Shape())
		assert.Equal(t, 3, ds.Classes())
		x, labels := read(t, ds, 2, 0)
		assert.Equal(t, []float32{4, 255, 0, 1}, x)
		assert.Equal(t, []int32{1, 2}, labels)
	}
}

func TestFromTensorsLabels(t *testing.T) {
	x := tensor.New(tensor.WithShape(2, 1), tensor.WithBacking([]float32{1, 2}))
	ds, err := data.FromTensors(x, nil)
	require.NoError(t, err)
	assert.Zero(t, ds.Classes())
	ds, err = data.FromTensors(x, tensor.New(tensor.WithShape(2, 1), tensor.WithBacking([]float32{1, 0})))
	require.NoError(t, err)
	assert.Equal(t, 2, ds.Classes())
	for _, c := range []struct {
		shape   []int
		backing any
		want    string
	}{
		{[]int{3}, []int32{0, 1, 2}, "2 samples need [2]"},
		{[]int{2}, []int32{0, -1}, "label of sample 1 is -1"},
		{[]int{2}, []float32{0, 0.5}, "label of sample 1 is 0.5"},
		{[]int{2}, []float32{0, float32(math.NaN())}, "label of sample 1 is NaN"},
		{[]int{2}, []float64{0, math.Inf(1)}, "whole number"},
		{[]int{2}, []int64{0, 1 << 40}, "whole number"},
		{[]int{2}, []bool{true, false}, "not supported"},
	} {
		_, err := data.FromTensors(x, tensor.New(tensor.WithShape(c.shape...), tensor.WithBacking(c.backing)))
		assert.ErrorContains(t, err, c.want)
	}
}

func TestFromTensorsRefuses(t *testing.T) {
	whole := tensor.New(tensor.WithShape(4, 4), tensor.WithBacking(make([]float32, 16)))
	columns, err := whole.Slice(nil, tensor.S(1, 3))
	require.NoError(t, err)
	_, err = data.FromTensors(columns.(*tensor.Dense), nil)
	assert.ErrorIs(t, err, data.ErrUnsupported)
	fortran := tensor.New(tensor.WithShape(2, 3), tensor.AsFortran(make([]float32, 6)))
	_, err = data.FromTensors(fortran, nil)
	assert.ErrorIs(t, err, data.ErrUnsupported)
	_, err = data.FromTensors(tensor.New(tensor.WithShape(3), tensor.WithBacking([]float32{1, 2, 3})), nil)
	assert.ErrorContains(t, err, "two dimensions")
	_, err = data.FromTensors(tensor.New(tensor.WithShape(1, 2), tensor.WithBacking([]bool{true, false})), nil)
	assert.ErrorIs(t, err, data.ErrUnsupported)
	_, err = data.FromTensors(nil, nil)
	assert.ErrorContains(t, err, "no tensor")
}

func TestSliceOfSlice(t *testing.T) {
	ds, err := data.Synthetic(20, []int{3}, 4, 7)
	require.NoError(t, err)
	outer, err := data.Slice(ds, 5, 20)
	require.NoError(t, err)
	inner, err := data.Slice(outer, 2, 6)
	require.NoError(t, err)
	assert.Equal(t, 4, inner.Len())
	got, labels := read(t, inner, 3, 0)
	want, wantLabels := read(t, ds, 10, 7)
	assert.Equal(t, want, got)
	assert.Equal(t, wantLabels, labels)
	assert.ErrorContains(t, inner.Read(make([]float32, 3), make([]int32, 1), []int32{4}), "has 0 to 3")
	for _, bounds := range [][2]int{{-1, 2}, {3, 2}, {0, 16}} {
		_, err := data.Slice(outer, bounds[0], bounds[1])
		assert.Error(t, err, bounds)
	}
}

// TestSplit holds the sizes against Keras 3.15.1's train_validation_split, which takes floor(n*(1-fraction)).
func TestSplit(t *testing.T) {
	for _, c := range []struct {
		n           int
		fraction    float64
		train, held int
	}{{10, 0.1, 9, 1}, {10, 0.25, 7, 3}, {3, 0.5, 1, 2}, {60000, 0.2, 48000, 12000}} {
		ds, err := data.Synthetic(c.n, []int{1}, 2, 1)
		require.NoError(t, err)
		train, held, err := data.Split(ds, c.fraction)
		require.NoError(t, err)
		assert.Equal(t, [2]int{c.train, c.held}, [2]int{train.Len(), held.Len()}, c)
		last, _ := read(t, held, int32(c.held-1))
		want, _ := read(t, ds, int32(c.n-1))
		assert.Equal(t, want, last)
	}
	ds, err := data.Synthetic(3, []int{1}, 2, 1)
	require.NoError(t, err)
	for _, fraction := range []float64{0, 1, -1, 0.9, math.NaN()} {
		_, _, err := data.Split(ds, fraction)
		assert.Error(t, err, fraction)
	}
}

func TestSynthetic(t *testing.T) {
	a, err := data.Synthetic(100, []int{10, 10, 1}, 10, 1)
	require.NoError(t, err)
	b, err := data.Synthetic(100, []int{10, 10, 1}, 10, 1)
	require.NoError(t, err)
	other, err := data.Synthetic(100, []int{10, 10, 1}, 10, 2)
	require.NoError(t, err)
	assert.Equal(t, a, b)
	assert.NotEqual(t, a, other)
	assert.Equal(t, 10, a.Classes())
	var sum, squares float64
	for i := range int32(100) {
		x, _ := read(t, a, i)
		for _, v := range x {
			sum += float64(v)
			squares += float64(v) * float64(v)
		}
	}
	// Ten thousand numbers: five standard errors of the mean and of the variance.
	assert.InDelta(t, 0, sum/1e4, 0.05)
	assert.InDelta(t, 1, squares/1e4, 0.07)
	for _, err := range []error{
		second(data.Synthetic(0, []int{1}, 1, 1)), second(data.Synthetic(1, []int{0}, 1, 1)), second(data.Synthetic(1, []int{1}, 0, 1)),
	} {
		assert.ErrorContains(t, err, "at least 1")
	}
}

func second(_ data.Dataset, err error) error { return err }
