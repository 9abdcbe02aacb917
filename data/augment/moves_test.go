package augment_test

import (
	"fmt"
	"testing"

	"github.com/meseta-go/meseta/data/augment"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestMovesAreWhatListsDo holds images that are moved by the numbers of Moves against those that Worker.Apply makes, for every fill and flips before, behind and on both
// sides of the crop.
func TestMovesAreWhatListsDo(t *testing.T) {
	const h, w, c, n = 5, 7, 2, 40
	index, x := make([]int32, n), make([]float32, n*h*w*c)
	for i := range index {
		index[i] = int32(3 * i)
	}
	for i := range x {
		x[i] = float32(i)
	}
	both, across, down := &augment.RandomFlip{}, &augment.RandomFlip{Mode: augment.Horizontal}, &augment.RandomFlip{Mode: augment.Vertical}
	crop := func(mode augment.FillMode) *augment.PadAndCrop {
		return &augment.PadAndCrop{Padding: 5, Fill: augment.Fill{Mode: mode, Value: -7}}
	}
	for i, list := range []augment.List{
		{both}, {across}, {down, both}, {crop("")}, {crop(augment.Reflect)}, {across, crop(augment.Nearest)}, {crop(augment.Constant), both}, {both, crop(augment.Reflect), both},
		{down, crop(augment.Constant), across, both},
	} {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			f := augment.Format{H: h, W: w, C: c}
			require.NoError(t, list.Check(f))
			moves, ok := list.Moves()
			require.True(t, ok)
			want := append([]float32(nil), x...)
			augment.NewWorker(list, f, n, 0).Apply(want, nil, index, 9, 4)
			numbers := make([]int32, n*augment.MoveNumbers)
			for i := range numbers {
				numbers[i] = 99
			}
			moves.Draw(numbers, index, 9, 4)
			from := func(at, size int, m []int32) int {
				if m[0] != 0 {
					at = size - 1 - at
				}
				at += int(m[1])
				switch {
				case at >= 0 && at < size:
					return at
				case moves.Fill.Mode == augment.Constant:
					return -1
				case moves.Fill.Mode == augment.Nearest:
					return max(0, min(at, size-1))
				case at < 0:
					return -1 - at
				}
				return 2*size - 1 - at
			}
			got := make([]float32, len(x))
			for i := range got {
				image, row, column, channel := i/(h*w*c), i/(w*c)%h, i/c%w, i%c
				m := numbers[image*augment.MoveNumbers:]
				if y, x0 := from(row, h, m[:2]), from(column, w, m[2:4]); y < 0 || x0 < 0 {
					got[i] = float32(moves.Fill.Value)
				} else {
					got[i] = x[((image*h+y)*w+x0)*c+channel]
				}
			}
			assert.Equal(t, want, got)
			assert.NotEqual(t, x, got)
			assert.Zero(t, testing.AllocsPerRun(5, func() { moves.Draw(numbers, index, 9, 4) }))
		})
	}
	for _, list := range []augment.List{nil, {crop(""), crop("")}, {both, &augment.Cutout{Size: 2}}, {augment.NewMixUp()}, {augment.NewRandomResizedCrop()}} {
		_, ok := list.Moves()
		assert.False(t, ok)
	}
}
