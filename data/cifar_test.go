package data_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/meseta-go/meseta/data"
)

// cifar makes records of the given labels; in image i, pixel p of plane c is i + p + 7c modulo 256.
func cifar(labels ...[]byte) (file []byte) {
	for i, l := range labels {
		file = append(file, l...)
		for c := range 3 {
			for p := range 1024 {
				file = append(file, byte(i+p+7*c))
			}
		}
	}
	return file
}

// writeFiles writes files by name to a new folder.
func writeFiles(t testing.TB, files map[string][]byte) string {
	folder := t.TempDir()
	for name, content := range files {
		path := filepath.Join(folder, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, content, 0o644))
	}
	return folder
}

func cifar10Files() map[string][]byte {
	return map[string][]byte{
		"data_batch_1.bin": cifar([]byte{0}, []byte{1}), "data_batch_2.bin": cifar([]byte{2}), "data_batch_3.bin": cifar([]byte{3}),
		"data_batch_4.bin": cifar([]byte{4}), "data_batch_5.bin": cifar([]byte{9}), "test_batch.bin": cifar([]byte{8}, []byte{7}),
	}
}

func TestOpenCIFAR10(t *testing.T) {
	train, test, err := data.OpenCIFAR10(writeFiles(t, cifar10Files()))
	require.NoError(t, err)
	assert.Equal(t, []uint8{0, 1, 2, 3, 4, 9}, train.Labels, "files in order")
	assert.Equal(t, []uint8{8, 7}, test.Labels)
	for _, ds := range []*data.Images{train, test} {
		assert.Equal(t, []int{32, 32, 3}, ds.Shape())
		assert.Equal(t, 10, ds.Classes())
		x, _ := read(t, ds, 1)
		for y := range 32 {
			for w := range 32 {
				for c := range 3 {
					require.Equal(t, float32(byte(1+y*32+w+7*c))/255, x[(y*32+w)*3+c], "planes become NHWC")
				}
			}
		}
	}
}

func TestOpenCIFAR100(t *testing.T) {
	train, test, err := data.OpenCIFAR100(writeFiles(t, map[string][]byte{
		"train.bin": cifar([]byte{19, 99}, []byte{3, 50}), "test.bin": cifar([]byte{0, 0}),
	}))
	require.NoError(t, err)
	assert.Equal(t, []uint8{99, 50}, train.Labels, "fine labels")
	assert.Equal(t, 100, train.Classes())
	assert.Equal(t, 1, test.Len())
	assert.Equal(t, []uint8{0, 7, 14, 1}, test.Pixels[:4])
}

func TestOpenCIFARRefuses(t *testing.T) {
	for _, c := range []struct {
		name string
		file []byte
		want string
	}{
		{"data_batch_3.bin", cifar([]byte{1})[:3072], "3072 bytes are no whole number"},
		{"data_batch_3.bin", cifar([]byte{1}, []byte{10}), "labels of image 1 are [10]"},
		{"test_batch.bin", nil, "0 bytes are no whole number"},
	} {
		files := cifar10Files()
		files[c.name] = c.file
		_, _, err := data.OpenCIFAR10(writeFiles(t, files))
		assert.ErrorIs(t, err, data.ErrBroken)
		assert.ErrorContains(t, err, c.want)
		assert.ErrorContains(t, err, c.name)
	}
	files := cifar10Files()
	delete(files, "data_batch_5.bin")
	_, _, err := data.OpenCIFAR10(writeFiles(t, files))
	assert.ErrorIs(t, err, os.ErrNotExist)
	assert.ErrorContains(t, err, "data_batch_5.bin")
	for _, labels := range [][]byte{{20, 1}, {1, 100}} {
		_, err := data.DecodeCIFAR100(cifar(labels))
		assert.ErrorIs(t, err, data.ErrBroken)
	}
}

// FuzzDecodeCIFAR wants no panic, and of what is accepted that it holds the file's bytes again.
func FuzzDecodeCIFAR(f *testing.F) {
	f.Add(cifar([]byte{3}, []byte{9}))
	f.Add(cifar([]byte{3, 77}))
	f.Add([]byte{1, 2, 3})
	f.Fuzz(func(t *testing.T, file []byte) {
		for labelBytes, decode := range map[int]func([]byte) (*data.Images, error){1: data.DecodeCIFAR10, 2: data.DecodeCIFAR100} {
			ds, err := decode(file)
			if err != nil {
				require.ErrorIs(t, err, data.ErrBroken)
				continue
			}
			var again []byte
			for i := range ds.Len() {
				again = append(again, file[i*(labelBytes+3072):][:labelBytes-1]...)
				again = append(again, ds.Labels[i])
				for c := range 3 {
					for p := range 1024 {
						again = append(again, ds.Pixels[(i*1024+p)*3+c])
					}
				}
			}
			require.True(t, bytes.Equal(file, again))
		}
	})
}

func TestCIFARClassNames(t *testing.T) {
	files := cifar10Files()
	names := "airplane\nautomobile\nbird\ncat\ndeer\ndog\nfrog\nhorse\nship\ntruck\n\n"
	files["batches.meta.txt"] = []byte(names)
	train, test, err := data.OpenCIFAR10(writeFiles(t, files))
	require.NoError(t, err)
	assert.Equal(t, "truck", data.ClassNames(test)[9])
	assert.Len(t, train.Names, 10)
	part, err := data.Slice(train, 0, 2)
	require.NoError(t, err)
	first, rest, err := data.HoldOut(train, 2, 1)
	require.NoError(t, err)
	for _, ds := range []data.Dataset{part, first, rest} {
		assert.Equal(t, train.Names, data.ClassNames(ds))
	}
	files["batches.meta.txt"] = []byte("one two")
	_, _, err = data.OpenCIFAR10(writeFiles(t, files))
	assert.ErrorIs(t, err, data.ErrBroken)
	assert.ErrorContains(t, err, "names 2 classes, there are 10")
	delete(files, "batches.meta.txt")
	train, _, err = data.OpenCIFAR10(writeFiles(t, files))
	require.NoError(t, err)
	assert.Nil(t, data.ClassNames(train))
	assert.Nil(t, data.ClassNames(unnamed{train}))
}

// unnamed hides all but Dataset's methods.
type unnamed struct{ data.Dataset }
