package data_test

import (
	"context"
	"fmt"
	"image"
	"image/color"
	"io"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"

	"github.com/meseta-go/meseta/data"
	"github.com/meseta-go/meseta/data/augment"
)

// pictures are n images of random bytes.
func pictures(t testing.TB, n, h, w, c, classes int) *data.Images {
	noise, err := data.Synthetic(n, []int{h, w, c}, classes, 3)
	require.NoError(t, err)
	x, y := make([]float32, n*h*w*c), make([]int32, n)
	index := make([]int32, n)
	for i := range index {
		index[i] = int32(i)
	}
	require.NoError(t, noise.Read(x, y, index))
	pixels, labels := make([]uint8, len(x)), make([]uint8, n)
	for i, v := range x {
		pixels[i] = uint8(128 + 40*v)
	}
	for i, v := range y {
		labels[i] = uint8(v)
	}
	ds, err := data.NewImages(pixels, h, w, c, labels, classes)
	require.NoError(t, err)
	return ds
}

// usual is what networks for CIFAR are trained with, and all that mixes.
func usual(t testing.TB) augment.List {
	list, err := augment.Decode([]byte("[{random_flip: horizontal}, {pad_and_crop: 2}, rand_augment, {cutout: 3}, mixup, cutmix, {random_rotation: 0.1}]"))
	require.NoError(t, err)
	return list
}

func TestAugmentedBatchesAreTheSameForAnyWorkers(t *testing.T) {
	ds := pictures(t, 130, 8, 9, 3, 4)
	var want, next []data.Batch
	for _, workers := range []int{1, 2, 4} {
		l, err := data.NewLoader(ds, data.LoaderOptions{BatchSize: 16, Shuffle: true, Seed: 5, Workers: workers, Augment: usual(t)})
		require.NoError(t, err)
		got, other := epoch(t, l, 3, 0), epoch(t, l, 4, 0)
		if want == nil {
			want, next = got, other
			plain, err := data.NewLoader(ds, data.LoaderOptions{BatchSize: 16, Shuffle: true, Seed: 5})
			require.NoError(t, err)
			assert.Equal(t, got[0].Index, epoch(t, plain, 3, 0)[0].Index, "augmenting does not change the order")
			assert.NotEqual(t, got[0].X, epoch(t, plain, 3, 0)[0].X)
			continue
		}
		assert.Equal(t, want, got, "%d workers", workers)
		assert.Equal(t, next, other, "%d workers", workers)
		assert.Equal(t, want[5:], epoch(t, l, 3, 5), "after a resume in the middle of an epoch")
	}
	// A sample that is not mixed does not depend on its batch either.
	list := usual(t)[:4]
	samples := map[int32][]float32{}
	for _, batch := range []int{1, 7, 130} {
		l, err := data.NewLoader(ds, data.LoaderOptions{BatchSize: batch, Shuffle: batch != 7, Seed: 5, Augment: list})
		require.NoError(t, err)
		for _, b := range epoch(t, l, 3, 0) {
			for i, sample := range b.Index {
				x := b.X[i*len(b.X)/b.N : (i+1)*len(b.X)/b.N]
				if was, ok := samples[sample]; ok {
					require.Equal(t, was, x)
				}
				samples[sample] = x
			}
		}
	}
}

func TestAugmentedTargets(t *testing.T) {
	ds := pictures(t, 21, 4, 4, 1, 3)
	l, err := data.NewLoader(ds, data.LoaderOptions{BatchSize: 8, Augment: augment.List{augment.NewMixUp()}, Classes: 5})
	require.NoError(t, err)
	assert.Equal(t, []int{5}, l.TargetShape())
	for _, b := range epoch(t, l, 0, 0) {
		require.Len(t, b.Targets, 5*b.N)
		require.Len(t, b.Labels, b.N)
		for i, label := range b.Labels {
			row, sum := b.Targets[i*5:(i+1)*5], float32(0)
			for _, share := range row {
				sum += share
			}
			assert.InDelta(t, 1, sum, 1e-6)
			assert.Greater(t, row[label], float32(0))
		}
	}
	// Targets that a data set has itself are mixed.
	own, err := data.WithTargets(ds, tensor.New(tensor.WithShape(21, 2), tensor.WithBacking(slices.Repeat([]float32{3, -1}, 21))))
	require.NoError(t, err)
	l, err = data.NewLoader(own, data.LoaderOptions{BatchSize: 21, Augment: augment.List{augment.NewCutMix()}})
	require.NoError(t, err)
	for i, v := range epoch(t, l, 0, 0)[0].Targets {
		assert.InDelta(t, []float32{3, -1}[i%2], v, 1e-5)
	}
}

func TestAugmentedStepAllocatesNothing(t *testing.T) {
	ds := pictures(t, 2000, 8, 8, 3, 4)
	l, err := data.NewLoader(ds, data.LoaderOptions{BatchSize: 4, Shuffle: true, Workers: 2, Augment: usual(t)})
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

func TestNewLoaderRefusesAugmentations(t *testing.T) {
	floats, err := data.Synthetic(4, []int{5, 5, 3}, 2, 1)
	require.NoError(t, err)
	flat, err := data.Synthetic(4, []int{25}, 2, 1)
	require.NoError(t, err)
	unlabelled, err := data.NewImages(make([]uint8, 50), 5, 5, 1, nil, 0)
	require.NoError(t, err)
	for _, c := range []struct {
		ds      data.Dataset
		list    augment.List
		classes int
		want    string
	}{
		{flat, augment.List{&augment.RandomFlip{}}, 0, "samples are of shape [25], augmentations need images"},
		{floats, augment.List{&augment.Cutout{}}, 0, "cutout: size is 0"},
		{floats, augment.List{&augment.RandomBrightness{}}, 0, "give value_range"},
		{floats, augment.List{augment.NewMixUp()}, 1, "the data set has 2 classes, targets 1"},
		{unlabelled, augment.List{augment.NewMixUp()}, 0, "mixing needs labels or targets"},
	} {
		_, err := data.NewLoader(c.ds, data.LoaderOptions{BatchSize: 2, Augment: c.list, Classes: c.classes})
		assert.ErrorContains(t, err, c.want)
	}
}

func TestValueRange(t *testing.T) {
	images := pictures(t, 3, 2, 2, 1, 2)
	part, err := data.Slice(images, 0, 2)
	require.NoError(t, err)
	some, err := data.Select(images, []int32{1})
	require.NoError(t, err)
	of := func(backing any) data.Dataset {
		ds, err := data.FromTensors(tensor.New(tensor.WithShape(2, 1), tensor.WithBacking(backing)), nil)
		require.NoError(t, err)
		return ds
	}
	for _, c := range []struct {
		ds    data.Dataset
		white float32
	}{{images, 1}, {part, 1}, {some, 1}, {of([]uint8{1, 2}), 255}, {of([]float32{1, 2}), 0}} {
		black, white := data.ValueRange(c.ds)
		assert.Equal(t, [2]float32{0, c.white}, [2]float32{black, white})
	}
}

// BenchmarkPipeline measures images a second of a training set like CIFAR-10, as workers get them ready: of images in memory with several
// augmentations, and of JPEG files that are decoded each time, or kept decoded.
func BenchmarkPipeline(b *testing.B) {
	memory := pictures(b, 5000, 32, 32, 3, 10)
	for _, c := range []struct{ name, text string }{
		{"plain", "[]"},
		{"crop", "[{random_flip: horizontal}, {pad_and_crop: 4}]"},
		{"cutout", "[{random_flip: horizontal}, {pad_and_crop: 4}, {cutout: 8}]"},
		{"mixup", "[{random_flip: horizontal}, {pad_and_crop: 4}, mixup]"},
		{"rotate", "[{random_rotation: 0.05}]"},
		{"jitter", "[{random_color_jitter: {brightness_factor: 0.2, contrast_factor: 0.2, saturation_factor: [0.3, 0.7], hue_factor: 0.1}}]"},
		{"rand_augment", "[{random_flip: horizontal}, {pad_and_crop: 4}, rand_augment]"},
	} {
		benchmarkPipeline(b, c.name, memory, c.text)
	}
	files := map[string][]byte{}
	x, y := make([]float32, 32*32*3), make([]int32, 1)
	for i := range int32(2000) {
		require.NoError(b, memory.Read(x, y, []int32{i}))
		// Smooth, as photographs are: every eighth pixel of noise, enlarged.
		img := image.NewNRGBA(image.Rect(0, 0, 32, 32))
		for at := range 32 * 32 {
			p := x[(at/32/8*32+at%32/8)*3:]
			img.SetNRGBA(at%32, at/32, color.NRGBA{R: uint8(255 * p[0]), G: uint8(255 * p[1]), B: uint8(255 * p[2]), A: 255})
		}
		files[fmt.Sprintf("%d/%d.jpg", y[0], i)] = encodeJPEG(b, img)
	}
	path := filepath.Join(writeFiles(b, map[string][]byte{"x.tar.gz": zipped(b, tarred(b, files))}), "x.tar.gz")
	for name, cache := range map[string]int64{"jpeg": 0, "jpeg_kept": 1 << 30} {
		benchmarkPipeline(b, name, openFolder(b, path, data.FolderOptions{CacheBytes: cache}), "[{random_flip: horizontal}, {pad_and_crop: 4}]")
	}
}

func benchmarkPipeline(b *testing.B, name string, ds data.Dataset, list string) {
	augmentations, err := augment.Decode([]byte(list))
	require.NoError(b, err)
	for _, workers := range []int{1, 2} {
		b.Run(fmt.Sprintf("%s/workers=%d", name, workers), func(b *testing.B) {
			l, err := data.NewLoader(ds, data.LoaderOptions{BatchSize: 125, Shuffle: true, Workers: workers, Augment: augmentations})
			require.NoError(b, err)
			images := 0
			for epoch := 0; b.Loop(); epoch++ {
				it, err := l.Epoch(context.Background(), epoch, 0)
				require.NoError(b, err)
				for {
					batch, err := it.Next()
					if err == io.EOF {
						break
					}
					require.NoError(b, err)
					images += batch.N
				}
				it.Close()
			}
			b.ReportMetric(float64(images)/b.Elapsed().Seconds(), "images/s")
		})
	}
}
