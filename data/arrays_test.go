package data_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/meseta-go/meseta/data"
)

func openArrays(t *testing.T, name string, names ...string) (train, test data.Dataset) {
	train, test, err := data.OpenArrays(filepath.Join("testdata", name), data.ArraysOptions{Names: names, AddChannel: name == "grey.h5"})
	require.NoError(t, err)
	return train, test
}

// TestOpenArrays compares with the formula of make_arrays.py.
func TestOpenArrays(t *testing.T) {
	byteAt := func(i int) float32 { return float32(uint8(i * 7)) }
	order := []int32{3, 0, 4, 1, 2}
	const size = 4 * 3 * 3
	for _, c := range []struct {
		file  string
		names []string
		shape []int
		want  func(i int) float32
		white float32
	}{
		{"arrays.h5", nil, []int{4, 3, 3}, func(i int) float32 { return byteAt(i) / 255 }, 1},
		{"arrays.npz", nil, []int{4, 3, 3}, func(i int) float32 { return byteAt(i) / 255 }, 1},
		{"compressed.h5", nil, []int{4, 3, 3}, func(i int) float32 { return byteAt(i) / 255 }, 0},
		{"other.h5", []string{"pictures", "kinds"}, []int{4, 3, 3}, func(i int) float32 { return byteAt(i) / 255 }, 1},
		{"compressed.h5", []string{"train/images", "train/labels"}, []int{4, 3, 3}, func(i int) float32 { return byteAt(i) / 255 }, 0},
		{"grey.h5", nil, []int{4, 3, 1}, func(i int) float32 { return byteAt(3 * i) }, 0},
	} {
		train, test := openArrays(t, c.file, c.names...)
		assert.Equal(t, c.shape, train.Shape(), c.file)
		assert.Equal(t, 5, train.Len())
		assert.Equal(t, 3, train.Classes())
		_, white := data.ValueRange(train)
		assert.Equal(t, c.white, white, c.file)
		x, y := read(t, train, order...)
		assert.Equal(t, []int32{2, 2, 0, 0, 1}, y, c.file)
		n := data.SampleSize(train)
		for i, sample := range order {
			for j := range n {
				require.Equal(t, c.want(int(sample)*n+j), x[i*n+j], "%s: sample %d, number %d", c.file, sample, j)
			}
		}
		if !strings.HasPrefix(c.file, "arrays") {
			assert.Nil(t, test, c.file)
			continue
		}
		x, y = read(t, test, 0, 1)
		assert.Equal(t, []int32{0, 2}, y)
		assert.Equal(t, byteAt(size)/255, x[0])
	}
}

func TestOpenArraysAddChannel(t *testing.T) {
	ds, _, err := data.OpenArrays("testdata/grey.h5", data.ArraysOptions{})
	require.NoError(t, err)
	assert.Equal(t, []int{4, 3}, ds.Shape(), "numbers that are no bytes may be sequences")
}

func TestOpenArraysTargets(t *testing.T) {
	for _, c := range []struct {
		y    string
		want []float32
	}{{"y", []float32{1, -1}}, {"several", []float32{8, 9, 0, 1}}} {
		ds, _ := openArrays(t, "regression.h5", "x", c.y)
		assert.Zero(t, ds.Classes())
		require.Equal(t, []int{len(c.want) / 2}, data.TargetShape(ds))
		got := make([]float32, len(c.want))
		require.NoError(t, ds.(data.Targeted).ReadTargets(got, []int32{4, 0}))
		assert.Equal(t, c.want, got)
		x := make([]float32, 36)
		require.NoError(t, ds.Read(x, nil, []int32{1}))
		assert.Equal(t, float32(252), x[0])
	}
}

func TestOpenArraysRefuses(t *testing.T) {
	whole, err := os.ReadFile("testdata/arrays.h5")
	require.NoError(t, err)
	folder := writeFiles(t, map[string][]byte{"cut.h5": whole[:len(whole)/2], "text.hdf5": []byte(strings.Repeat("hello ", 100)), "x.txt": nil, "text.npz": []byte("hi")})
	in := func(name string) string { return filepath.Join(folder, name) }
	for _, c := range []struct {
		path  string
		names []string
		limit int64
		want  string
		is    error
	}{
		{in("cut.h5"), nil, 0, "cut.h5", data.ErrBroken},
		{in("text.hdf5"), nil, 0, "no HDF5 signature", data.ErrBroken},
		{in("text.npz"), nil, 0, "text.npz", data.ErrBroken},
		{in("x.txt"), nil, 0, "neither a .npz nor a .h5", data.ErrUnsupported},
		{in("none.h5"), nil, 0, "none.h5", os.ErrNotExist},
		{"testdata/arrays.h5", nil, 1000, "at most 1000 are read (MaxBytes)", nil},
		{"testdata/arrays.h5", []string{"x_train"}, 0, "1 names of arrays", nil},
		{"testdata/arrays.h5", []string{"x_train", "z"}, 0, `there is no array "z"; there are ["x_test" "x_train" "y_test" "y_train"]`, nil},
		{"testdata/other.h5", nil, 0, `it has the arrays ["kinds" "names" "one" "pictures"], and none of the usual pairs x_train and y_train`, nil},
		{"testdata/other.h5", []string{"pictures", "names"}, 0, "other.h5: names: elements are string of 1 bytes, which are not supported", data.ErrUnsupported},
		{"testdata/other.h5", []string{"one", "kinds"}, 0, "an array of shape [] is not supported", data.ErrUnsupported},
		{"testdata/regression.h5", []string{"x", "large"}, 0, "large: data: the largest label is 10000000, class numbers are below 1048576", nil},
		{"testdata/arrays.h5", []string{"x_train", "y_test"}, 0, "y_test: data: labels are of shape (2, 1), 5 samples need [5]", nil},
		{"testdata/regression.h5", []string{"y", "several"}, 0, "at least two dimensions", nil},
	} {
		_, _, err := data.OpenArrays(c.path, data.ArraysOptions{Names: c.names, MaxBytes: c.limit})
		assert.ErrorContains(t, err, c.want, c.path)
		if c.is != nil {
			assert.ErrorIs(t, err, c.is, c.path)
		}
	}
}

func FuzzOpenArrays(f *testing.F) {
	for _, name := range []string{"arrays.h5", "compressed.h5", "grey.h5", "regression.h5", "arrays.npz"} {
		file, err := os.ReadFile(filepath.Join("testdata", name))
		require.NoError(f, err)
		f.Add(file, strings.HasSuffix(name, ".npz"))
	}
	f.Fuzz(func(t *testing.T, file []byte, npz bool) {
		path := filepath.Join(t.TempDir(), fmt.Sprintf("x%s", map[bool]string{true: ".npz", false: ".h5"}[npz]))
		require.NoError(t, os.WriteFile(path, file, 0o666))
		train, _, err := data.OpenArrays(path, data.ArraysOptions{MaxBytes: 1 << 20})
		if err != nil {
			return
		}
		size := data.SampleSize(train)
		if train.Len() < 1 || size < 1 || size > 1<<24 {
			return
		}
		labels := make([]int32, 1)
		require.NoError(t, train.Read(make([]float32, size), labels, []int32{int32(train.Len() - 1)}))
		if train.Classes() > 0 {
			require.True(t, labels[0] >= 0 && int(labels[0]) < train.Classes())
		}
		require.False(t, slices.Contains(train.Shape(), 0))
	})
}
