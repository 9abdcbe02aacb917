package data_test

import (
	"image"
	"image/color"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/meseta-go/meseta/data"
	"github.com/meseta-go/meseta/data/augment"
)

// rulers are images of several sizes whose red says the column and whose green says the row.
func rulers(t *testing.T) map[string][]byte {
	files := map[string][]byte{}
	for i, size := range [][2]int{{120, 90}, {60, 120}, {12, 10}, {100, 100}, {12, 10}, {1, 1}} {
		img := image.NewNRGBA(image.Rect(0, 0, size[0], size[1]))
		for y := range size[1] {
			for x := range size[0] {
				img.SetNRGBA(x, y, color.NRGBA{R: uint8(2 * x), G: uint8(2 * y), A: 255})
			}
		}
		files[string(rune('a'+i%2))+"/"+string(rune('0'+i))+".png"] = encodePNG(t, img)
	}
	return files
}

// TestCropsAreOfImagesAsStored reads off rulers which part of the stored image a sample shows.
func TestCropsAreOfImagesAsStored(t *testing.T) {
	const h, w = 10, 12
	path := writeFiles(t, rulers(t))
	f := openFolder(t, path, data.FolderOptions{Size: [2]int{h, w}})
	stored := openSizes(t, path)
	crop := &augment.RandomResizedCrop{Scale: augment.Range{Low: 0.1, High: 0.5}, Ratio: augment.Range{Low: 0.8, High: 1.5}}
	list := augment.List{crop}
	a, err := data.NewAugmenter(f, list, 5, 1)
	require.NoError(t, err)
	worker := augment.NewWorker(list, augment.Format{H: h, W: w, C: 3, High: 1}, 1, 0)
	x, y := make([]float32, h*w*3), make([]int32, 1)
	for epoch := range 20 {
		for i := range int32(f.Len()) {
			require.NoError(t, a.Read(x, y, []int32{i}, epoch))
			size := stored[f.Name(int(i))]
			top, left, partH, partW := worker.CropPart(i, size.Y, size.X, 5, epoch)
			require.True(t, top >= 0 && left >= 0 && top+partH <= size.Y && left+partW <= size.X)
			for c, want := range [2]float64{float64(left) + float64(partW-1)/2, float64(top) + float64(partH-1)/2} {
				sum := 0.0
				for at := range h * w {
					sum += float64(x[3*at+c])
				}
				// The mean is the middle of the part, to the rounding of bytes.
				assert.InDelta(t, want, sum/(h*w)*255/2, 0.6, "%s, epoch %d", f.Name(int(i)), epoch)
			}
			if partW > w { // the slope: as many columns of the stored image to one of the sample
				assert.InDelta(t, float64(partW)/w, float64(x[3*8]-x[3*4])/4*255/2, 0.6)
			}
		}
	}
}

// openSizes gives the stored sizes by name.
func openSizes(t *testing.T, path string) map[string]image.Point {
	reports, err := data.InspectFolder(path, data.FolderOptions{})
	require.NoError(t, err)
	require.Len(t, reports[0].Sizes, 5)
	return map[string]image.Point{
		"a/0.png": {X: 120, Y: 90}, "b/1.png": {X: 60, Y: 120}, "a/2.png": {X: 12, Y: 10}, "b/3.png": {X: 100, Y: 100}, "a/4.png": {X: 12, Y: 10}, "b/5.png": {X: 1, Y: 1},
	}
}

func TestCropsAreTheSameForAnyWorkersAndCache(t *testing.T) {
	path := writeFiles(t, rulers(t))
	list := augment.List{augment.NewRandomResizedCrop(), &augment.RandomFlip{}}
	var want [][]data.Batch
	for _, c := range []struct {
		workers int
		cache   int64
	}{{1, 0}, {2, 1 << 20}, {4, 1 << 20}, {4, 0}} {
		f := openFolder(t, path, data.FolderOptions{Size: [2]int{10, 12}, CacheBytes: c.cache})
		train, _, err := data.HoldOut(f, 1, 3)
		require.NoError(t, err)
		some, err := data.Slice(train, 1, 5)
		require.NoError(t, err)
		l, err := data.NewLoader(some, data.LoaderOptions{BatchSize: 3, Shuffle: true, Workers: c.workers, Augment: list})
		require.NoError(t, err)
		got := [][]data.Batch{epoch(t, l, 0, 0), epoch(t, l, 1, 0), epoch(t, l, 1, 1)}
		if want == nil {
			want = got
			assert.Equal(t, got[1][1:], got[2])
			assert.NotEqual(t, got[0], got[1])
			x, y := read(t, some, got[0][0].Index...)
			assert.Equal(t, y, got[0][0].Labels)
			assert.NotEqual(t, x, got[0][0].X)
		}
		assert.Equal(t, want, got, "%+v", c)
	}
	// What comes after another augmentation crops what that has made.
	f := openFolder(t, path, data.FolderOptions{Size: [2]int{10, 12}})
	plain, err := data.NewAugmenter(f, augment.List{&augment.RandomBrightness{}, augment.NewRandomResizedCrop()}, 1, 6)
	require.NoError(t, err)
	x := make([]float32, 360)
	require.NoError(t, plain.Read(x, make([]int32, 1), []int32{0}, 0))
	_, err = data.NewAugmenter(f, augment.List{&augment.Cutout{}}, 1, 6)
	assert.ErrorContains(t, err, "size is 0")
}
