package augment_test

import (
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/meseta-go/meseta/data/augment"
	"github.com/meseta-go/meseta/random"
)

// noise makes an image of random values from 0 to 1.
func noise(h, w, c int, seed uint64) *augment.Image {
	s := random.Stream{Seed: seed, Purpose: random.Synthetic}
	img := &augment.Image{H: h, W: w, C: c, High: 1, Pixels: make([]float32, h*w*c), Scratch: make([]float32, h*w*c)}
	for i := range img.Pixels {
		img.Pixels[i] = s.Float32()
	}
	return img
}

// change applies an augmentation to an image as to a sample of that number, and gives the pixels.
func change(a augment.Changer, img *augment.Image, sample uint32) []float32 {
	img.Random = random.Stream{Seed: 1, Purpose: random.Augment, Index: sample}
	a.Change(img)
	return img.Pixels
}

// every is each augmentation once, none of which needs more than defaults or obvious numbers.
func every(t testing.TB) augment.List {
	list, err := augment.Decode([]byte(`
- random_flip
- pad_and_crop: 2
- {pad_and_crop: {padding: 3, fill_mode: reflect}}
- random_resized_crop
- random_rotation: 0.1
- {random_zoom: {height_factor: 0.2, width_factor: 0.3, fill_mode: constant}}
- {random_translation: {height_factor: 0.2, width_factor: 0.2, fill_mode: nearest, interpolation: nearest}}
- random_brightness: 0.2
- random_contrast: 0.3
- random_saturation: [0.3, 0.7]
- random_hue: 0.2
- {random_color_jitter: {brightness_factor: 0.1, contrast_factor: 0.1, saturation_factor: [0.4, 0.6], hue_factor: 0.1}}
- random_erasing
- cutout: 4
- rand_augment: {num_ops: 5, magnitude: 20}
- random_choice: [random_flip, {random_apply: [{random_rotation: 0.2}, random_erasing]}]
- random_apply: {of: [{random_brightness: 0.5}, {pad_and_crop: 1}], rate: 0.7}
`))
	require.NoError(t, err)
	return list
}

func TestEveryAugmentationOnOddSizes(t *testing.T) {
	list := every(t)
	for _, size := range [][2]int{{1, 1}, {1, 5}, {6, 1}, {2, 2}, {3, 17}, {9, 8}, {33, 31}} {
		for _, a := range list {
			img := noise(size[0], size[1], 3, 1)
			if a.Check(formatOf(img)) != nil {
				continue // cutout and crops larger than the image
			}
			// Bands behind both buffers stay as they are.
			n := len(img.Pixels)
			pixels := append(slices.Clone(img.Pixels), 7, 7, 7)
			scratch := slices.Repeat([]float32{7}, n+3)
			for sample := range uint32(50) {
				img.Pixels, img.Scratch = pixels[:n:n], scratch[:n:n]
				for _, v := range change(a.(augment.Changer), img, sample) {
					require.True(t, v >= 0 && v <= 1, "%s of %v gives %v", a.Name(), size, v)
				}
			}
			assert.Equal(t, []float32{7, 7, 7}, pixels[n:], a.Name())
			assert.Equal(t, []float32{7, 7, 7}, scratch[n:], a.Name())
		}
	}
}

func TestFlip(t *testing.T) {
	for _, mode := range []augment.FlipMode{augment.Horizontal, augment.Vertical, augment.HorizontalAndVertical, ""} {
		a := &augment.RandomFlip{Mode: mode}
		seen := map[float32]int{} // by the first value: which corner it was
		for sample := range uint32(400) {
			img := noise(4, 5, 2, 3)
			was := slices.Clone(img.Pixels)
			once := slices.Clone(change(a, img, sample))
			seen[once[0]]++
			assert.Equal(t, was, change(a, img, sample), "flipping twice changes nothing")
		}
		corners := map[augment.FlipMode]int{augment.Horizontal: 2, augment.Vertical: 2}[mode]
		if corners == 0 {
			corners = 4
		}
		require.Len(t, seen, corners, mode)
		for _, n := range seen {
			assert.InDelta(t, 400/corners, n, 60, mode) // five standard deviations and more
		}
	}
	img := noise(3, 4, 2, 1)
	was := slices.Clone(img.Pixels)
	for sample := uint32(0); ; sample++ {
		if got := change(&augment.RandomFlip{Mode: augment.Horizontal}, img, sample); !slices.Equal(got, was) {
			for y := range 3 {
				for x := range 4 {
					assert.Equal(t, was[(y*4+x)*2:][:2], got[(y*4+3-x)*2:][:2])
				}
			}
			return
		}
	}
}

// TestPadAndCrop compares with the definition: a padded image, of which a part is taken.
func TestPadAndCrop(t *testing.T) {
	const h, w, c, p = 5, 6, 2, 3
	outside := map[augment.FillMode]func(i, n int) int{
		augment.Nearest: func(i, n int) int { return max(0, min(i, n-1)) },
		augment.Reflect: func(i, n int) int {
			if i < 0 {
				return -i - 1
			}
			return min(i, 2*n-1-i)
		},
	}
	for _, mode := range []augment.FillMode{"", augment.Constant, augment.Nearest, augment.Reflect} {
		a := &augment.PadAndCrop{Padding: p, Fill: augment.Fill{Mode: mode, Value: 0.5}}
		offsets := map[[2]int]bool{}
		for sample := range uint32(600) {
			img := noise(h, w, c, 4)
			was := slices.Clone(img.Pixels)
			got := change(a, img, sample)
			found := false
			for top := range 2*p + 1 {
				for left := range 2*p + 1 {
					want := make([]float32, 0, len(was))
					for y := range h {
						for x := range w {
							sy, sx := y+top-p, x+left-p
							if fold := outside[mode]; fold != nil {
								sy, sx = fold(sy, h), fold(sx, w)
							}
							if sy < 0 || sy >= h || sx < 0 || sx >= w {
								want = append(want, 0.5, 0.5)
							} else {
								want = append(want, was[(sy*w+sx)*c:][:c]...)
							}
						}
					}
					if slices.Equal(want, got) {
						found, offsets[[2]int{top, left}] = true, true
					}
				}
			}
			require.True(t, found, "%s: no part of the padded image", mode)
		}
		assert.Len(t, offsets, (2*p+1)*(2*p+1), "%s: every part occurs", mode)
	}
}

func TestTransformsThatChangeNothing(t *testing.T) {
	for _, a := range []augment.Changer{
		&augment.RandomRotation{}, &augment.RandomZoom{}, &augment.RandomTranslation{}, &augment.RandomBrightness{}, &augment.RandomErasing{},
		&augment.RandomResizedCrop{Scale: augment.Exactly(1), Ratio: augment.Exactly(7.0 / 6)}, &augment.RandomColorJitter{},
		&augment.RandomRotation{Fill: augment.Fill{Mode: augment.Constant, Value: 9, Interpolation: augment.NearestOnly}},
	} {
		img := noise(6, 7, 3, 5)
		was := slices.Clone(img.Pixels)
		require.NoError(t, a.Check(formatOf(img)))
		assert.Equal(t, was, change(a, img, 3), "%s %+v", a.Name(), a)
	}
	for _, a := range []augment.Changer{
		&augment.RandomContrast{}, &augment.RandomHue{}, &augment.RandomSaturation{Factor: augment.Exactly(0.5)},
		&augment.RandomRotation{Factor: augment.Exactly(1)},
	} {
		img := noise(6, 7, 3, 5)
		was := slices.Clone(img.Pixels)
		assert.Less(t, furthest(was, change(a, img, 3)), 3e-6, "%s %+v", a.Name(), a)
	}
	for name := range augment.Operations {
		img := noise(20, 20, 3, 5)
		was := slices.Clone(img.Pixels)
		augment.Do(name, img, 0, false, augment.Fill{Mode: augment.Constant})
		limit := 1e-6
		switch name {
		case "posterize":
			limit = 0.5 / 255 * 1.001 // all eight bits of a byte
		case "equalize", "auto_contrast":
			limit = 1 // these have no strength
		}
		assert.Less(t, furthest(was, img.Pixels), limit, name)
	}
}

func TestRandomResizedCrop(t *testing.T) {
	// A gradient: each value says where it comes from. What is cropped keeps its slope, less the part's size.
	gradient := func() *augment.Image {
		img := noise(40, 60, 2, 1)
		for i := range img.H * img.W {
			img.Pixels[2*i], img.Pixels[2*i+1] = float32(i/img.W)/64, float32(i%img.W)/64
		}
		return img
	}
	a := augment.NewRandomResizedCrop()
	for sample := range uint32(300) {
		img := gradient()
		got := change(a, img, sample)
		at := func(y, x, c int) float64 { return float64(got[(y*60+x)*2+c]) * 64 }
		// Away from the borders, where values end.
		h, w := (at(20, 0, 0)-at(19, 0, 0))*40, (at(0, 30, 1)-at(0, 29, 1))*60
		area, ratio := h*w/(40*60), w/h
		// Sides are rounded to whole pixels.
		assert.True(t, area > 0.08*0.9 && area < 1.01, "area %v", area)
		assert.True(t, ratio > 0.75*0.92 && ratio < 4.0/3*1.08, "ratio %v", ratio)
		assert.InDelta(t, math.Round(h), h, 0.01)
		assert.InDelta(t, math.Round(w), w, 0.01)
		top, left := at(0, 0, 0), at(0, 0, 1)
		assert.True(t, top >= -1e-4 && top+h <= 40.5 && left >= -1e-4 && left+w <= 60.5, "%v %v %v %v", top, left, h, w)
	}
	// A ratio that no part of the image has: the largest one in the middle.
	img := gradient()
	tall := &augment.RandomResizedCrop{Scale: augment.Exactly(1), Ratio: augment.Exactly(0.25)}
	got := change(tall, img, 1)
	assert.InDelta(t, 25.0/64, got[1], 1e-6, "ten of sixty columns, from the 25th on")
}

func TestErasedParts(t *testing.T) {
	const size = 6
	for sample := range uint32(200) {
		img := noise(16, 12, 3, 2)
		was := slices.Clone(img.Pixels)
		got := change(&augment.Cutout{Size: size, FillValue: 0.25}, img, sample)
		rows, columns := changed(was, got, 16, 12, 3)
		require.LessOrEqual(t, rows, size)
		require.LessOrEqual(t, columns, size)
		require.GreaterOrEqual(t, rows, size/2, "the square's middle lies inside")
		require.GreaterOrEqual(t, columns, size/2)
		for i, v := range got {
			require.True(t, v == was[i] || v == 0.25)
		}
	}
	half := 0.5
	erase := &augment.RandomErasing{Factor: augment.Exactly(1), Scale: augment.Range{Low: 0.25, High: 0.5}, FillValue: &half}
	never := 0
	for sample := range uint32(400) {
		img := noise(20, 20, 1, 2)
		was := slices.Clone(img.Pixels)
		rows, columns := changed(was, change(erase, img, sample), 20, 20, 1)
		assert.True(t, rows >= 10 && rows <= 15 && columns >= 10 && columns <= 15, "%d %d", rows, columns) // sides are the roots
		img = noise(20, 20, 1, 2)
		if got := change(&augment.RandomErasing{Factor: augment.Exactly(0.3), Scale: erase.Scale}, img, sample); slices.Equal(was, got) {
			never++
		}
	}
	assert.InDelta(t, 280, never, 50)
}

// changed counts the rows and columns of an image in which something has changed.
func changed(was, is []float32, h, w, c int) (rows, columns int) {
	inRow, inColumn := make([]bool, h), make([]bool, w)
	for i := range was {
		if was[i] != is[i] {
			inRow[i/(w*c)], inColumn[i/c%w] = true, true
		}
	}
	for _, yes := range inRow {
		if yes {
			rows++
		}
	}
	for _, yes := range inColumn {
		if yes {
			columns++
		}
	}
	return rows, columns
}

func TestWorkerDependsOnSampleEpochAndPlace(t *testing.T) {
	flip := &augment.PadAndCrop{Padding: 4}
	apply := func(list augment.List, seed uint64, epoch int, index ...int32) []float32 {
		img := noise(8, 8, 3, 9)
		x := slices.Repeat(img.Pixels, len(index))
		augment.NewWorker(list, formatOf(img), len(index), 0).Apply(x, nil, index, seed, epoch)
		return x
	}
	base := apply(augment.List{flip}, 1, 2, 30)
	assert.Equal(t, base, apply(augment.List{flip}, 1, 2, 30))
	assert.Equal(t, base, apply(augment.List{flip}, 1, 2, 7, 30)[len(base):], "whatever stands beside it")
	for _, other := range [][]float32{
		apply(augment.List{flip}, 2, 2, 30), apply(augment.List{flip}, 1, 3, 30), apply(augment.List{flip}, 1, 2, 31),
		apply(augment.List{&augment.RandomBrightness{}, flip}, 1, 2, 30),
	} {
		assert.NotEqual(t, base, other)
	}
}

func TestWorkerAllocatesNothing(t *testing.T) {
	img := noise(16, 16, 3, 1)
	index := []int32{5, 3, 8}
	x := slices.Repeat(img.Pixels, len(index))
	list := every(t)
	require.NoError(t, list.Check(formatOf(img)))
	w := augment.NewWorker(list, formatOf(img), len(index), 0)
	epoch := 0
	assert.Zero(t, testing.AllocsPerRun(50, func() {
		w.Apply(x, nil, index, 1, epoch)
		epoch++
	}))
}

func TestCheckRefuses(t *testing.T) {
	rgb := augment.Format{H: 8, W: 8, C: 3, High: 1}
	for _, c := range []struct {
		a    augment.Augmentation
		f    augment.Format
		want string
	}{
		{&augment.RandomFlip{Mode: "sideways"}, rgb, `mode is "sideways", want horizontal, vertical`},
		{&augment.PadAndCrop{}, rgb, "padding is 0"},
		{&augment.PadAndCrop{Padding: 9}, rgb, "padding is 9, images of 8x8 need 1 to 8"},
		{&augment.PadAndCrop{Padding: 1, Fill: augment.Fill{Mode: "wrap"}}, rgb, `fill_mode is "wrap", want reflect`},
		{&augment.RandomRotation{Factor: augment.PlusMinus(1.5)}, rgb, "factor is [-1.5, 1.5]"},
		{&augment.RandomRotation{Factor: augment.Range{Low: 0.2, High: 0.1}}, rgb, "factor is [0.2, 0.1]"},
		{&augment.RandomRotation{Factor: augment.Exactly(math.NaN())}, rgb, "factor is [NaN, NaN]"},
		{&augment.RandomRotation{Fill: augment.Fill{Interpolation: "cubic"}}, rgb, `interpolation is "cubic"`},
		{&augment.RandomZoom{HeightFactor: augment.Exactly(-1)}, rgb, "height_factor is [-1, -1]"},
		{&augment.RandomZoom{WidthFactor: &augment.Range{High: 2}}, rgb, "width_factor is [0, 2]"},
		{&augment.RandomTranslation{HeightFactor: augment.PlusMinus(2)}, rgb, "height_factor"},
		{&augment.RandomTranslation{WidthFactor: augment.PlusMinus(2)}, rgb, "width_factor"},
		{&augment.RandomBrightness{Factor: augment.PlusMinus(2)}, rgb, "factor"},
		{&augment.RandomBrightness{}, augment.Format{H: 8, W: 8, C: 3}, "give value_range"},
		{&augment.RandomBrightness{ValueRange: augment.Range{Low: 1, High: 0}}, rgb, "value_range is [1, 0]"},
		{&augment.RandomContrast{Factor: augment.PlusMinus(0.2)}, rgb, "within [0, 1]"},
		{&augment.RandomSaturation{Factor: augment.PlusMinus(0.1)}, rgb, "within [0, 1]"},
		{&augment.RandomHue{}, augment.Format{H: 8, W: 8, C: 1, High: 1}, "1 channels, want 3"},
		{&augment.RandomColorJitter{HueFactor: &augment.Range{High: 0.1}}, augment.Format{H: 8, W: 8, C: 1, High: 1}, "1 channels, want 3"},
		{&augment.RandomErasing{Factor: augment.Exactly(2)}, rgb, "factor"},
		{&augment.RandomErasing{Scale: augment.Exactly(2)}, rgb, "scale"},
		{&augment.Cutout{}, rgb, "size is 0"},
		{&augment.Cutout{Size: 17}, rgb, "size is 17"},
		{&augment.RandomResizedCrop{}, rgb, "scale is [0, 0]"},
		{&augment.RandomResizedCrop{Scale: augment.Exactly(1)}, rgb, "ratio is [0, 0]"},
		{&augment.RandAugment{}, rgb, "num_ops is 0"},
		{&augment.RandAugment{NumOps: 1, Magnitude: 31}, rgb, "magnitude is 31"},
		{&augment.MixUp{}, rgb, "alpha is 0"},
		{&augment.CutMix{Alpha: math.Inf(1)}, rgb, "alpha is +Inf"},
		{&augment.RandomChoice{}, rgb, "random_choice: it is of no augmentations"},
		{augment.NewRandomApply(&augment.Cutout{}), rgb, "cutout: size is 0"},
		{&augment.RandomApply{Of: augment.List{&augment.RandomFlip{}}, Rate: 2}, rgb, "rate is [2, 2]"},
		{nested(20), rgb, "groups within groups, 8 deep at most"},
		{nil, rgb, "number 1 of the list is nil"},
		{neither{}, rgb, "neither a Changer nor a Mixer"},
		{&augment.RandomFlip{}, augment.Format{}, "images are 0x0x0"},
	} {
		assert.ErrorContains(t, augment.List{c.a}.Check(c.f), c.want)
	}
}

// nested is groups within groups.
func nested(depth int) augment.Augmentation {
	if depth == 0 {
		return &augment.RandomFlip{}
	}
	return augment.NewRandomApply(nested(depth - 1))
}

type neither struct{}

func (neither) Name() string               { return "neither" }
func (neither) Check(augment.Format) error { return nil }

// TestRangesAreDrawnFrom reads off images what was drawn for them.
func TestRangesAreDrawnFrom(t *testing.T) {
	for _, c := range []struct {
		a         augment.Changer
		low, high float64
		read      func(left, right float64) float64 // of the two pixels 0.4 and 0.6
	}{
		{&augment.RandomContrast{Factor: augment.Range{Low: 0.2, High: 0.3}}, 0.8, 1.3, func(l, r float64) float64 { return (r - l) / 0.2 }},
		{&augment.RandomBrightness{Factor: augment.Range{Low: -0.1, High: 0.3}}, -0.1, 0.3, func(l, r float64) float64 { return l - 0.4 }},
		{&augment.RandomTranslation{WidthFactor: augment.Range{Low: 0.1, High: 0.4}, Fill: augment.Fill{Mode: augment.Nearest}}, 0.1, 0.4,
			func(l, r float64) float64 { return (0.6 - r) / 0.2 / 2 }},
		{&augment.RandomZoom{WidthFactor: &augment.Range{Low: -0.5, High: -0.2}}, -0.5, -0.2,
			func(l, r float64) float64 { return (r-l)/0.2 - 1 }},
	} {
		least, most := math.Inf(1), math.Inf(-1)
		for sample := range uint32(2000) {
			img := &augment.Image{H: 1, W: 2, C: 1, High: 1, Pixels: []float32{0.4, 0.6}, Scratch: make([]float32, 2)}
			got := change(c.a, img, sample)
			x := c.read(float64(got[0]), float64(got[1]))
			least, most = min(least, x), max(most, x)
		}
		near := 0.01 * (c.high - c.low)
		assert.InDelta(t, c.low, least, near, c.a.Name())
		assert.InDelta(t, c.high, most, near, c.a.Name())
		assert.True(t, least > c.low-1e-5 && most < c.high+1e-5, c.a.Name())
	}
}
