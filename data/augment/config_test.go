package augment_test

import (
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/meseta-go/meseta/data/augment"
	"github.com/meseta-go/meseta/internal/pages"
)

func TestDecode(t *testing.T) {
	list, err := augment.Decode([]byte(`[{random_flip: horizontal}, {pad_and_crop: 4}, {random_rotation: {factor: -0.1, fill_mode: nearest}},
  {RandAugment: 5}, {random_zoom: [-0.2, 1e-1]}, random_erasing, {random_erasing: {fill_value: 0.5}}, {random_color_jitter: {hue_factor: 0.1}},
  {random_brightness: {factor: 0.1, value_range: [-1, 1]}}, {random_contrast: {factor: 0.1, value_range: 255}}]`))
	// RandAugment is no name; rand_augment with or without its underscore is.
	require.ErrorContains(t, err, `there is no augmentation "RandAugment"; there are cutmix, cutout, mixup`)
	require.Nil(t, list)
	list, err = augment.Decode([]byte(`[{random_flip: horizontal}, {pad_and_crop: 4}, {random_rotation: {factor: -0.1, fill_mode: nearest}},
  {randaugment: 5}, {random_zoom: [-0.2, 1e-1]}, random_erasing, {random_erasing: {fill_value: 0.5}}, {random_color_jitter: {hue_factor: 0.1}},
  {random_brightness: {factor: 0.1, value_range: [-1, 1]}}, {random_contrast: {factor: 0.1, value_range: 255}}]`))
	require.NoError(t, err)
	half := 0.5
	assert.Equal(t, augment.List{
		&augment.RandomFlip{Mode: augment.Horizontal},
		&augment.PadAndCrop{Padding: 4},
		&augment.RandomRotation{Factor: augment.PlusMinus(0.1), Fill: augment.Fill{Mode: augment.Nearest}},
		&augment.RandAugment{NumOps: 2, Magnitude: 5},
		&augment.RandomZoom{HeightFactor: augment.Range{Low: -0.2, High: 0.1}},
		augment.NewRandomErasing(),
		&augment.RandomErasing{Factor: augment.Exactly(1), Scale: augment.Range{Low: 0.02, High: 0.33}, FillValue: &half},
		&augment.RandomColorJitter{HueFactor: &augment.Range{High: 0.1}},
		&augment.RandomBrightness{Factor: augment.PlusMinus(0.1), ValueRange: augment.Range{Low: -1, High: 1}},
		&augment.RandomContrast{Factor: augment.Exactly(0.1), ValueRange: augment.Range{High: 255}},
	}, list)
	text, err := yaml.Marshal(list)
	require.NoError(t, err)
	again, err := augment.Decode(text)
	require.NoError(t, err)
	assert.Equal(t, list, again, "%s", text)
	all := every(t)
	text, err = yaml.Marshal(all)
	require.NoError(t, err)
	again, err = augment.Decode(text)
	require.NoError(t, err)
	assert.Equal(t, all, again, "%s", text)
	_, err = augment.List{neither{}}.MarshalYAML()
	assert.ErrorContains(t, err, "no configuration form")
}

func TestDecodeTakesOneForAList(t *testing.T) {
	want, err := augment.Decode([]byte("[{random_choice: [random_flip]}]"))
	require.NoError(t, err)
	for _, text := range []string{"random_choice: random_flip", "random_choice: {of: random_flip}"} {
		got, err := augment.Decode([]byte(text))
		require.NoError(t, err, text)
		assert.Equal(t, want, got, text)
	}
}

func TestDecodeRefuses(t *testing.T) {
	for _, c := range [][2]string{
		{"[3]", "number 1 of the list is 3"},
		{"[{random_flip: horizontal, cutout: 8}]", "number 1 of the list has 2 names, cutout, random_flip"},
		{"[random_flop]", `there is no augmentation "random_flop"; there are`},
		{"[{random_flip: {way: up}}]", `random_flip has no argument "way"; it has mode`},
		{"[{random_flip: 3}]", "random_flip: mode is 3, want a name"},
		{"[{cutout: 1.5}]", "cutout: size is 1.5, want a whole number"},
		{"[{cutout: .nan}]", "want a whole number"},
		{"[{cutout: {fill_value: black}}]", "fill_value is black, want a number"},
		{"[{random_rotation: [1, 2, 3]}]", "want a number or [low, high]"},
		{"[{random_rotation: [a, b]}]", "want a number or [low, high]"},
		{"[{random_zoom: {width_factor: x}}]", "want a number, [low, high] or null"},
		{"[{random_erasing: {fill_value: x}}]", "want a number or null"},
		{"[{random_choice: [{spin: 3}]}]", `there is no augmentation "spin"; there are cutmix`},
		{"[{random_choice: 3}]", "augment: number 1 of the list is 3, want {name: {argument: value}} (in random_choice)"},
		{"{random_flip: horizontal, cutout: 8}", "number 1 of the list has 2 names"},
	} {
		_, err := augment.Decode([]byte(c[0]))
		assert.ErrorContains(t, err, c[1], c[0])
	}
}

func FuzzDecode(f *testing.F) {
	f.Add("[{random_flip: horizontal}, {pad_and_crop: 4}, {random_zoom: [-0.2, 1e-1]}, random_erasing]")
	f.Add("[{random_color_jitter: {hue_factor: null, value_range: [0, 255]}}, {mixup: 0.2}]")
	f.Add("[{random_choice: [mixup, {random_apply: {of: [cutmix, random_flip], rate: 0.2}}]}]")
	f.Fuzz(func(t *testing.T, text string) {
		list, err := augment.Decode([]byte(text))
		if err != nil {
			return
		}
		format := augment.Format{H: 5, W: 4, C: 3, High: 1}
		if list.Check(format) != nil {
			return
		}
		// What passes its check can be done, and written and read again.
		x := make([]float32, 2*5*4*3)
		targets := []float32{1, 0, 0, 1}
		augment.NewWorker(list, format, 2, 2).Apply(x, targets, []int32{3, 4}, 1, 1)
		written, err := yaml.Marshal(list)
		if err != nil {
			t.Fatal(err)
		}
		again, err := augment.Decode(written)
		if err != nil || len(again) != len(list) {
			t.Fatalf("%s\n%v", written, err)
		}
	})
}

// docs/data.md has every augmentation.
func TestDataPage(t *testing.T) {
	page := pages.Read(t, "../../docs/data.md", "")
	for _, name := range augment.Names() {
		pages.AssertRow(t, page, name)
	}
}
