package data_test

import (
	"io"
	"path/filepath"
	"testing"

	"github.com/meseta-go/meseta/data"
	"github.com/meseta-go/meseta/data/augment"
	"github.com/meseta-go/meseta/kernels/feed"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"
)

// TestBytesAreWhatReadDivides: of every data set that stores bytes, and of what wraps one, these divided are what Read gives, bit for bit; in a loader too.
func TestBytesAreWhatReadDivides(t *testing.T) {
	images := pictures(t, 9, 5, 4, 3, 3)
	stored := make([]uint8, 9*60)
	copy(stored, images.Pixels)
	for i := range stored {
		stored[i] += uint8(i) // all values
	}
	images.Pixels = stored
	of := func(x any) data.Dataset {
		ds, err := data.FromTensors(tensor.New(tensor.WithShape(9, 60), tensor.WithBacking(x)), tensor.New(tensor.WithShape(9), tensor.WithBacking(make([]int32, 9))))
		require.NoError(t, err)
		return ds
	}
	part, err := data.Slice(images, 1, 8)
	require.NoError(t, err)
	some, err := data.Select(part, []int32{6, 0, 3})
	require.NoError(t, err)
	targets, err := data.WithTargets(images, tensor.New(tensor.WithShape(9, 2), tensor.WithBacking(make([]float32, 18))))
	require.NoError(t, err)
	weights, err := data.WithWeights(some, tensor.New(tensor.WithShape(3), tensor.WithBacking(make([]float32, 3))))
	require.NoError(t, err)
	arrays, _, err := data.OpenArrays(filepath.Join("testdata", "arrays.npz"), data.ArraysOptions{})
	require.NoError(t, err)
	for name, c := range map[string]struct {
		ds      data.Dataset
		divisor float32
	}{
		"images": {images, 255}, "part": {part, 255}, "some": {some, 255}, "targets": {targets, 255}, "weights": {weights, 255},
		"bytes": {of(stored), 1}, "arrays": {arrays, 255}, "float32": {of(make([]float32, 540)), 0},
		"folder": {openFolder(t, writeFiles(t, someFiles(t)), data.FolderOptions{}), 255},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, c.divisor, data.Divisor(c.ds))
			numbers, err := data.NewLoader(c.ds, data.LoaderOptions{BatchSize: 4, Shuffle: true, Seed: 3})
			require.NoError(t, err)
			bytes, err := data.NewLoader(c.ds, data.LoaderOptions{BatchSize: 4, Shuffle: true, Seed: 3, Bytes: true})
			require.NoError(t, err)
			require.Equal(t, c.divisor, bytes.Divisor())
			require.Zero(t, numbers.Divisor())
			want, err := numbers.Epoch(t.Context(), 1, 0)
			require.NoError(t, err)
			defer want.Close()
			got, err := bytes.Epoch(t.Context(), 1, 0)
			require.NoError(t, err)
			defer got.Close()
			for {
				w, err := want.Next()
				if err == io.EOF {
					break
				}
				require.NoError(t, err)
				g, err := got.Next()
				require.NoError(t, err)
				assert.Equal(t, w.Labels, g.Labels)
				assert.Equal(t, w.Index, g.Index)
				if c.divisor == 0 {
					assert.Empty(t, g.Bytes)
					assert.Equal(t, w.X, g.X)
					continue
				}
				require.Empty(t, g.X)
				require.Len(t, g.Bytes, len(w.X))
				for i, b := range g.Bytes {
					require.Equal(t, w.X[i], float32(b)/c.divisor)
				}
			}
		})
	}
	augmented, err := data.NewLoader(images, data.LoaderOptions{BatchSize: 4, Bytes: true, Augment: augment.List{augment.NewRandAugment()}})
	require.NoError(t, err)
	assert.Zero(t, augmented.Divisor(), "what is augmented otherwise is numbers")
	assert.ErrorContains(t, augmented.OnHost(), "GPUs do not do rand_augment")
	folder := openFolder(t, writeFiles(t, someFiles(t)), data.FolderOptions{})
	for list, onHost := range map[augment.Augmentation]bool{augment.NewRandomResizedCrop(): true, &augment.RandomFlip{}: false} {
		l, err := data.NewLoader(folder, data.LoaderOptions{BatchSize: 4, Bytes: true, Augment: augment.List{list}})
		require.NoError(t, err)
		assert.Equal(t, onHost, l.OnHost() != nil, "a part of an image as it is stored is resized on the host")
		assert.Equal(t, onHost, l.Divisor() == 0)
	}

	list := augment.List{&augment.RandomFlip{}, &augment.PadAndCrop{Padding: 4}, augment.NewMixUp()}
	moved, err := data.NewLoader(images, data.LoaderOptions{BatchSize: 4, Bytes: true, Augment: list, Seed: 5, Shuffle: true})
	require.NoError(t, err)
	assert.Equal(t, float32(255), moved.Divisor())
	it, err := moved.Epoch(t.Context(), 2, 0)
	require.NoError(t, err)
	defer it.Close()
	format, err := data.AugmentFormat(images)
	require.NoError(t, err)
	drawer := augment.NewDrawer(list, format, 4, 3)
	for range moved.Batches() {
		b, err := it.Next()
		require.NoError(t, err)
		want, targets := make([]feed.Move, 3*b.N), make([]float32, 3*b.N)
		for i, sample := range b.Index {
			targets[3*i+int(images.Labels[sample])] = 1
		}
		drawer.Draw(want, targets, b.Index, 5, 2)
		assert.Equal(t, want, b.Moves)
		assert.Equal(t, targets, b.Targets)
		for i, sample := range b.Index {
			assert.Equal(t, images.Pixels[60*sample:60*(sample+1)], b.Bytes[60*i:60*(i+1)])
		}
	}

	s := data.Stored(images)
	assert.ErrorContains(t, s.ReadBytes(make([]uint8, 61), make([]int32, 1), []int32{0}), "room for 61 numbers")
	assert.ErrorContains(t, s.ReadBytes(make([]uint8, 60), make([]int32, 1), []int32{9}), "sample 9 does not exist")
	assert.ErrorContains(t, of(make([]float32, 540)).(data.Stored).ReadBytes(make([]uint8, 60), make([]int32, 1), []int32{0}), "not stored as bytes")
}
