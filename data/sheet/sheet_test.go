package sheet

import (
	"image"
	"image/color"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"

	"github.com/meseta-go/meseta/data"
	"github.com/meseta-go/meseta/data/augment"
)

// flat makes n images of h×w×c, each of one value, i/n of white, with labels that go around the classes.
func flat(t *testing.T, n, h, w, c, classes int) data.Dataset {
	pixels, labels := make([]uint8, n*h*w*c), make([]uint8, n)
	for i := range pixels {
		pixels[i] = uint8(i / (h * w * c) * 255 / n)
	}
	for i := range labels {
		labels[i] = uint8(i % classes)
	}
	ds, err := data.NewImages(pixels, h, w, c, labels, classes)
	require.NoError(t, err)
	return ds
}

// shades gives the colours in the middles of a row's tiles, up to the first that is paper.
func shades(t *testing.T, picture *image.RGBA, ds data.Dataset, o Options, row int) (list []uint8) {
	f, err := data.AugmentFormat(ds)
	require.NoError(t, err)
	o = o.complete()
	labels, _, err := data.Labels(ds)
	require.NoError(t, err)
	rows, _ := arrange(labels, ds.Classes(), o)
	s := newCanvas(f, rows, o)
	for i := range o.columns() {
		at := picture.RGBAAt(s.column(i)+s.tileW/2, s.top+row*s.rowH+s.tileH/2)
		if at == paper {
			break
		}
		list = append(list, at.G)
	}
	return list
}

func TestSamplesOfEachClass(t *testing.T) {
	ds := flat(t, 100, 4, 4, 1, 3)
	o := Options{Title: "Ñandú – shades", Samples: 4}
	picture, err := Draw(ds, o)
	require.NoError(t, err)
	// 34 images of class 0: numbers 0, 8, 17 and 25 of them, which are the samples 0, 24, 51 and 75.
	assert.Equal(t, []uint8{0, 24 * 255 / 100, 51 * 255 / 100, 75 * 255 / 100}, shades(t, picture, ds, o, 0))
	assert.Len(t, shades(t, picture, ds, o, 2), 4)
	for i, width := 0, picture.Rect.Dx(); i < len(picture.Pix); i += 4 {
		require.Equal(t, uint8(255), picture.Pix[i+3], "pixel %d of rows of %d", i/4, width)
	}

	few := Options{Samples: 9}
	small := flat(t, 7, 4, 4, 3, 4)
	picture, err = Draw(small, few)
	require.NoError(t, err)
	assert.Len(t, shades(t, picture, small, few, 0), 2, "all that there are")
	assert.Len(t, shades(t, picture, small, few, 3), 1)
}

func TestAugmentedRows(t *testing.T) {
	ds := flat(t, 30, 5, 5, 1, 3)
	o := Options{Augment: augment.List{&augment.RandomBrightness{Factor: augment.Range{Low: 0.1, High: 0.4}}}, Versions: 5, Samples: 2, Seed: 4}
	picture, err := Draw(ds, o)
	require.NoError(t, err)
	for row := range 6 {
		got := shades(t, picture, ds, o, row)
		require.Len(t, got, 6)
		for _, v := range got[1:] {
			assert.Greater(t, v, got[0], "brighter than the original")
		}
		assert.NotEqual(t, got[1], got[2], "another number each epoch")
	}
	mixed := Options{Augment: augment.List{augment.NewMixUp()}}
	_, err = Draw(ds, mixed)
	assert.NoError(t, err)
}

func TestOtherValues(t *testing.T) {
	// Unknown numbers are drawn from the least to the largest, and what is not finite in magenta.
	x := tensor.New(tensor.WithShape(4, 1, 1, 1), tensor.WithBacking([]float32{-3, 7, 2, float32(math.NaN())}))
	ds, err := data.FromTensors(x, tensor.New(tensor.WithShape(4), tensor.WithBacking([]int32{0, 0, 0, 0})))
	require.NoError(t, err)
	o := Options{Samples: 4}
	picture, err := Draw(ds, o)
	require.NoError(t, err)
	rows, _ := arrange([]int32{0, 0, 0, 0}, 1, o)
	f, err := data.AugmentFormat(ds)
	require.NoError(t, err)
	s := newCanvas(f, rows, o)
	colours := []color.RGBA{{A: 255}, {255, 255, 255, 255}, {128, 128, 128, 255}, {255, 0, 255, 255}}
	for i, want := range colours {
		assert.Equal(t, want, picture.RGBAAt(s.column(i)+5, s.top+5))
	}
}

func TestSizesStayBounded(t *testing.T) {
	for _, size := range [][2]int{{1, 1}, {1, 700}, {700, 3}, {64, 64}, {160, 161}} {
		ds := flat(t, 12, size[0], size[1], 3, 6)
		picture, err := Draw(ds, Options{})
		require.NoError(t, err)
		assert.LessOrEqual(t, picture.Rect.Dx(), labelWidth+8*(tileMost+gap)+2*margin, size)
		assert.LessOrEqual(t, picture.Rect.Dy(), 6*(tileMost+gap)+100, size)
	}
	many := flat(t, 250, 2, 2, 1, 250)
	picture, err := Draw(many, Options{Classes: 7})
	require.NoError(t, err)
	assert.LessOrEqual(t, picture.Rect.Dy(), 7*(tileLeast+gap)+100)
}

func TestDrawRefuses(t *testing.T) {
	two := flat(t, 4, 3, 3, 2, 2)
	one := flat(t, 4, 3, 3, 1, 2)
	unlabelled, err := data.NewImages(make([]uint8, 9), 3, 3, 1, nil, 0)
	require.NoError(t, err)
	vectors, err := data.Synthetic(3, []int{4}, 2, 1)
	require.NoError(t, err)
	for _, c := range []struct {
		ds   data.Dataset
		o    Options
		want string
	}{
		{two, Options{}, "2 channels, a picture needs 1 or 3"},
		{unlabelled, Options{}, "no labels"},
		{vectors, Options{}, "samples are of shape [4]"},
		{one, Options{Samples: -1}, "negative"},
		{one, Options{Augment: augment.List{&augment.Cutout{}}}, "cutout: size is 0"},
	} {
		_, err := Draw(c.ds, c.o)
		assert.ErrorContains(t, err, c.want)
	}
}
