package arrange

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/meseta-go/meseta/kernels/cpu"
	"github.com/meseta-go/meseta/kernels/vec/parity"
	"github.com/meseta-go/meseta/ops"
)

var rng = rand.New(rand.NewPCG(3, 4))

var frames = []Frame{
	{N: 2, H: 5, W: 7, C: 3, Before: [2]int{1, 2}, After: [2]int{3, 4}},
	{N: 1, H: 1, W: 1, C: 1},
	{N: 3, H: 4, W: 4, C: 16, Before: [2]int{3, 3}, After: [2]int{3, 3}}, // ResNet's
	{N: 5, H: 3, W: 2, C: 17, After: [2]int{1, 1}},                       // MobileNet's
	{N: 2, H: 2, W: 9, C: 1, Before: [2]int{0, 5}},
	{N: 2, H: 2, W: 9, C: 5, Before: [2]int{5, 0}},
}

func TestFrames(t *testing.T) {
	for _, f := range frames {
		h, w := f.outer()
		inner, outer := f.N*f.H*f.W*f.C, f.N*h*w*f.C
		src, diff := parity.Normal(rng, inner), parity.Normal(rng, outer)
		padded, cropped := make([]float32, outer), make([]float32, inner)
		ReferencePad(f, padded, parity.Narrow(src))
		ReferenceCrop(f, cropped, parity.Narrow(diff))
		t.Run(fmt.Sprintf("%+v", f), func(t *testing.T) {
			parity.Check(t, func(t *testing.T, dev *cpu.Device) (func(), [][]float32) {
				pad, err := NewPad(dev, f)
				require.NoError(t, err)
				crop, err := NewCrop(dev, f)
				require.NoError(t, err)
				x, d, y, dx := parity.In(src), parity.In(diff), parity.Out(t, outer), parity.Out(t, inner)
				return func() { pad.Run(y, x); crop.Run(dx, d) }, [][]float32{y, dx}
			}, parity.Exactly(padded), parity.Exactly(cropped))
		})
	}
}

// TestGradients: both are linear, so the gradient g of y = Ax is right if ⟨Ax, d⟩ = ⟨x, g(d)⟩ for any x and d, in float64.
func TestGradients(t *testing.T) {
	dot := func(a, b []float64) (s float64) {
		for i := range a {
			s += a[i] * b[i]
		}
		return s
	}
	for _, f := range frames {
		h, w := f.outer()
		inner, outer := f.N*f.H*f.W*f.C, f.N*h*w*f.C
		x, d := parity.Normal(rng, inner), parity.Normal(rng, outer)
		y, g := make([]float64, outer), make([]float64, inner)
		ReferencePad(f, y, x)
		ReferenceCrop(f, g, d)
		assert.InDelta(t, dot(y, d), dot(x, g), 1e-9)
	}
	const rows = 7
	a, b, d := parity.Normal(rng, rows*3), parity.Normal(rng, rows*5), parity.Normal(rng, rows*8)
	y, ga, gb := make([]float64, rows*8), make([]float64, rows*3), make([]float64, rows*5)
	ReferenceConcat(rows, []int{3, 5}, y, [][]float64{a, b})
	ReferenceChannels(rows, 8, 0, 3, ga, d)
	ReferenceChannels(rows, 8, 3, 5, gb, d)
	assert.InDelta(t, dot(y, d), dot(a, ga)+dot(b, gb), 1e-9)
}

func TestChannelsSideBySide(t *testing.T) {
	for _, rows := range []int{1, 2, chunk - 1, chunk, 2*chunk + 1} {
		for _, channels := range [][]int{{1}, {3, 1}, {16, 7, 32}} {
			total := 0
			var src [][]float64
			for _, c := range channels {
				src = append(src, parity.Normal(rng, rows*c))
				total += c
			}
			var narrow [][]float32
			for _, s := range src {
				narrow = append(narrow, parity.Narrow(s))
			}
			joined := make([]float32, rows*total)
			ReferenceConcat(rows, channels, joined, narrow)
			last := channels[len(channels)-1]
			t.Run(fmt.Sprintf("%d rows of %v", rows, channels), func(t *testing.T) {
				parity.Check(t, func(t *testing.T, dev *cpu.Device) (func(), [][]float32) {
					concat, err := NewConcat(dev, rows, channels)
					require.NoError(t, err)
					apart, err := NewChannels(dev, rows, total, total-last, last)
					require.NoError(t, err)
					in := make([][]float32, len(src))
					for i := range src {
						in[i] = parity.In(src[i])
					}
					y, x := parity.Out(t, rows*total), parity.Out(t, rows*last)
					return func() { concat.Run(y, in); apart.Run(x, y) }, [][]float32{y, x}
				}, parity.Exactly(joined), parity.Exactly(narrow[len(channels)-1]))
			})
		}
	}
}

func TestMistakes(t *testing.T) {
	dev := parity.Device(t, cpu.Portable, 1)
	_, err := NewPad(dev, Frame{N: 1, H: 1, W: 1, C: 1, Before: [2]int{-1, 0}})
	assert.ErrorIs(t, err, ops.ErrShape)
	_, err = NewCrop(dev, Frame{})
	assert.ErrorIs(t, err, ops.ErrShape)
	_, err = NewConcat(dev, 1, []int{2, 0})
	assert.ErrorIs(t, err, ops.ErrShape)
	_, err = NewConcat(dev, 0, []int{2})
	assert.ErrorIs(t, err, ops.ErrShape)
	_, err = NewChannels(dev, 1, 3, 2, 2)
	assert.ErrorIs(t, err, ops.ErrShape)
}
