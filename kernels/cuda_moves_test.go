//go:build nvidia && cgo

package kernels

import (
	"encoding/binary"
	"testing"

	"github.com/meseta-go/meseta/data/augment"
	"github.com/meseta-go/meseta/kernels/feed"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestCUDAPipeMovesImages: images of bytes become the very float32 that package augment makes of them on the host, by every move, whole lists and groups of them; of odd sizes, one
// and three channels, and batches of one. Beside them nothing is written.
func TestCUDAPipeMovesImages(t *testing.T) {
	c := openCUDA(t)
	for _, size := range [][3]int{{5, 7, 3}, {8, 8, 1}, {1, 6, 3}, {33, 9, 3}} {
		h, w, channels := size[0], size[1], size[2]
		f := augment.Format{H: h, W: w, C: channels, High: 1}
		for _, n := range []int{9, 1} {
			numbers := n * h * w * channels
			m, err := c.Alloc(aligned(4*numbers) + 2*Alignment)
			require.NoError(t, err)
			x, labels := Buffer{Memory: m, Offset: Alignment, Bytes: 4 * numbers}, Buffer{Memory: m, Bytes: 4 * n}
			whole := Buffer{Memory: m, Bytes: aligned(4*numbers) + 2*Alignment}
			p, err := c.Pipe([]Buffer{x, labels, {Bytes: feed.Most * feed.MoveBytes * n}}, []Buffer{x, whole}, nil)
			require.NoError(t, err)
			index := make([]int32, n)
			for i := range index {
				index[i] = int32(5 * i)
			}
			for i, text := range []string{
				"[random_flip]", "[{random_flip: horizontal}, {pad_and_crop: {padding: 1, fill_value: -3}}]",
				"[{pad_and_crop: {padding: 1, fill_mode: reflect}}, random_flip, {pad_and_crop: {padding: 1, fill_mode: nearest}}]",
				"[{cutout: {size: 3, fill_value: 0.5}}, random_flip, {random_erasing: {factor: 0.5, fill_value: 0.25}}]",
				"[mixup]", "[random_flip, cutmix, {pad_and_crop: 1}, mixup, {cutout: 2}]",
				"[cutmix, {random_apply: [{pad_and_crop: 1}, cutmix, random_flip, mixup]}, {random_choice: [mixup, cutmix]}, random_flip]",
				"[random_resized_crop]", "[{random_resized_crop: {interpolation: nearest}}, random_flip]",
				"[{random_rotation: 1}]", "[{random_rotation: {factor: 0.4, fill_mode: constant, fill_value: 0.3}}]",
				"[{random_rotation: {factor: 0.2, fill_mode: nearest}}, {random_zoom: {height_factor: 0.5, width_factor: 0.4}}, mixup]",
				"[{random_translation: {height_factor: 1, width_factor: 1}}, random_flip, {random_rotation: 1}, {random_zoom: [0, 1]}]",
				"[{random_rotation: {factor: 0.3, interpolation: nearest}}, {random_zoom: {height_factor: 0.5, interpolation: nearest, fill_mode: constant}}]",
				"[{random_brightness: 0.4}, random_flip]", "[{random_saturation: 1}]", "[random_flip, {random_hue: 1}, {random_brightness: 0.4}, mixup]",
				"[{random_color_jitter: {brightness_factor: 0.3, saturation_factor: [0.2, 0.8], hue_factor: 0.2}}, {cutout: 2}]",
				"[{random_rotation: 0.1}, {random_apply: [{random_color_jitter: {hue_factor: 0.5}}]}, {random_brightness: 0.4}]",
				"[random_resized_crop, random_flip, {cutout: 2}, {random_choice: [mixup, cutmix]}]",
			} {
				list, err := augment.Decode([]byte(text))
				require.NoError(t, err)
				if list.Check(f) != nil {
					continue // cutout and crops larger than the image, colours without any
				}
				each, err := list.Moves()
				require.NoError(t, err)
				pixels := p.(WidePipe).InBytes(Wide{Divisor: 255, Each: each, H: h, W: w, C: channels, Moves: 2})
				want := make([]float32, numbers)
				for i := range pixels {
					pixels[i] = byte(i*i/3 + i)
					want[i] = float32(pixels[i]) / 255
				}
				moves := make([]feed.Move, n*each)
				augment.NewDrawer(list, f, n, 0).Draw(moves, nil, index, 3, i)
				copy(p.In(2), feed.Bytes(moves))
				augment.NewWorker(list, f, n, 0).Apply(want, nil, index, 3, i)
				run, err := p.Start()
				require.NoError(t, err)
				require.NoError(t, p.Wait(run))
				got := make([]float32, numbers)
				_, err = binary.Decode(p.Out(run, 0), binary.NativeEndian, got)
				require.NoError(t, err)
				assert.Equal(t, want, got, "%v %s", size, text)
				all := p.Out(run, 1)
				assert.Equal(t, make([]byte, Alignment-4*n), all[4*n:Alignment], "between the parts")
				assert.Equal(t, make([]byte, len(all)-Alignment-4*numbers), all[Alignment+4*numbers:], "behind them")
			}
			require.NoError(t, m.Free())
		}
	}
}
