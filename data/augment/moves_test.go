package augment_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/meseta-go/meseta/data/augment"
	"github.com/meseta-go/meseta/kernels/feed"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// movable are lists that come to moves.
func movable(t testing.TB) (all []augment.List) {
	for _, text := range []string{
		"[random_flip]", "[{random_flip: horizontal}]", "[{random_flip: vertical}, random_flip]",
		"[{pad_and_crop: 5}]", "[{pad_and_crop: {padding: 5, fill_mode: reflect}}]", "[{random_flip: horizontal}, {pad_and_crop: {padding: 5, fill_mode: nearest}}]",
		"[{pad_and_crop: {padding: 3, fill_value: -7}}, random_flip, {pad_and_crop: {padding: 2, fill_mode: reflect}}]",
		"[{cutout: {size: 3, fill_value: 0.5}}]", "[{random_erasing: {factor: 0.5, fill_value: 0.25}}, random_flip]",
		"[random_flip, {pad_and_crop: 4}, {cutout: 4}]",
		"[mixup]", "[cutmix]", "[random_flip, mixup, {cutout: 2}, cutmix]",
		"[{pad_and_crop: 2}, {random_choice: [mixup, cutmix, random_flip]}]",
		"[cutmix, {random_apply: [{pad_and_crop: 2}, cutmix, random_flip, mixup]}, random_flip]",
		"[random_resized_crop]", "[{random_resized_crop: {interpolation: nearest}}, random_flip, mixup]",
		"[{random_rotation: 0.4}]", "[{random_rotation: {factor: 0.4, fill_mode: constant, fill_value: 0.3}}, {random_zoom: {height_factor: 0.5, width_factor: 0.4, fill_mode: nearest}}]",
		"[{random_translation: {height_factor: 1, width_factor: 1}}, random_flip, {random_rotation: 1}, {random_zoom: [0, 1]}]",
		"[{random_rotation: {factor: 0.2, interpolation: nearest}}, {random_zoom: {height_factor: 0.5, interpolation: nearest, fill_mode: constant}}, mixup]",
		"[{random_brightness: 0.4}, random_flip]", "[{random_saturation: 1}]", "[random_flip, {random_hue: 1}, {random_brightness: 0.4}, mixup]",
		"[{random_color_jitter: {brightness_factor: 0.3, saturation_factor: [0.2, 0.8], hue_factor: 0.2}}, {cutout: 2}]",
		"[random_resized_crop, {random_apply: [{random_color_jitter: {hue_factor: 0.5}}]}, mixup]",
		"[{random_choice: [{random_rotation: 0.1}, {random_apply: [random_resized_crop, {cutout: 3}]}]}, mixup, cutmix]",
	} {
		list, err := augment.Decode([]byte(text))
		require.NoError(t, err)
		all = append(all, list)
	}
	return all
}

// TestMovesAreWhatListsDo does the moves of images one by one, which gives what Worker.Apply makes of them and of the targets; of a batch of one too.
func TestMovesAreWhatListsDo(t *testing.T) {
	const h, w, c, classes = 5, 7, 3, 4
	for _, list := range movable(t) {
		t.Run(fmt.Sprint(listNames(list)), func(t *testing.T) {
			f := augment.Format{H: h, W: w, C: c, High: 1}
			require.NoError(t, list.Check(f))
			each, err := list.Moves()
			require.NoError(t, err)
			const most, size = 40, h * w * c
			worker, drawer := augment.NewWorker(list, f, most, classes), augment.NewDrawer(list, f, most, classes)
			for _, n := range []int{most, 3, 1} {
				index, wantTargets := make([]int32, n), make([]float32, n*classes)
				for i := range index {
					index[i] = int32(3 * i)
					wantTargets[i*classes+i%classes] = 1
				}
				x := noise(n*h, w, c, 5).Pixels
				want, targets := slices.Clone(x), slices.Clone(wantTargets)
				worker.Apply(want, wantTargets, index, 9, 4)
				moves := make([]feed.Move, n*each)
				for i := range moves {
					moves[i].Kind = 99
				}
				drawer.Draw(moves, targets, index, 9, 4)
				assert.Equal(t, wantTargets, targets)
				after := [][]float32{x} // so many moves
				for k := range each {
					next := make([]float32, 0, n*size)
					for i := range n {
						m := moves[i*each+k]
						img := &augment.Image{H: h, W: w, C: c, High: 1, Pixels: slices.Clone(after[k][i*size : (i+1)*size]), Scratch: make([]float32, size)}
						augment.DoMove(img, m, after[m.Before][int(m.Other)*size:][:size])
						next = append(next, img.Pixels...)
					}
					after = append(after, next)
				}
				assert.Equal(t, want, after[each])
				if n == most {
					assert.NotEqual(t, x, want)
				}
				assert.Zero(t, testing.AllocsPerRun(5, func() { drawer.Draw(moves, targets, index, 9, 4) }))
			}
		})
	}
}

func listNames(l augment.List) (names []string) {
	for _, a := range l {
		names = append(names, a.Name())
	}
	return names
}

// TestListsWithoutMoves: what GPUs cannot do is said.
func TestListsWithoutMoves(t *testing.T) {
	for text, want := range map[string]string{
		"[random_flip, rand_augment]":                                                   "GPUs do not do rand_augment",
		"[{random_contrast: 0.2}]":                                                      "GPUs do not do random_contrast",
		"[{random_color_jitter: {contrast_factor: 0.2}}]":                               "GPUs do not do random_color_jitter with contrast_factor",
		"[{random_apply: [random_erasing]}]":                                            "random_erasing without fill_value is noise, which GPUs do not make",
		"[{random_choice: [rand_augment, random_flip]}]":                                "GPUs do not do rand_augment",
		"[mixup, mixup, {random_choice: [random_flip, mixup]}, {random_rotation: 0.1}]": "up to 4 augmentations of an image that interpolate, mix or colour, GPUs do 3",
		"[{random_apply: [random_flip, random_flip, random_flip, random_flip]}, random_flip, random_flip, random_flip, random_flip, random_flip]": "up to 9 augmentations of an image, GPUs do 8",
	} {
		list, err := augment.Decode([]byte(text))
		require.NoError(t, err)
		each, err := list.Moves()
		assert.ErrorContains(t, err, want)
		assert.Zero(t, each)
	}
	own := augment.List{struct{ *augment.RandomFlip }{&augment.RandomFlip{}}}
	_, err := own.Moves()
	assert.Error(t, err, "one that is made of another may do something else")
}
