package ops

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var unit = Window{Strides: [2]int{1, 1}, Dilation: [2]int{1, 1}}

// TestConvolutionCosts counts two operations for each product of a pass: N·P·Q·K outputs of R·S·C/Groups products each.
func TestConvolutionCosts(t *testing.T) {
	padded := Window{Strides: [2]int{2, 1}, Dilation: [2]int{1, 2}, PadBefore: [2]int{1, 2}, PadAfter: [2]int{1, 2}}
	for _, c := range []struct {
		o            Conv2D
		src, weights Type
		dst          Shape
		want         int64
	}{
		{Conv2D{Window: unit}, F32(2, 5, 6, 4), F32(3, 3, 4, 8), Shape{2, 3, 4, 8}, 2 * (2 * 3 * 4 * 8) * (3 * 3 * 4)},
		{Conv2D{Window: padded}, F32(1, 5, 6, 4), F32(3, 3, 4, 8), Shape{1, 3, 6, 8}, 2 * (3 * 6 * 8) * (3 * 3 * 4)},
		{Conv2D{Window: unit, Groups: 2}, F32(2, 5, 6, 4), F32(3, 3, 2, 8), Shape{2, 3, 4, 8}, 2 * (2 * 3 * 4 * 8) * (3 * 3 * 2)},
		{Conv2D{Window: unit, Groups: 4}, F32(2, 5, 6, 4), F32(3, 3, 1, 8), Shape{2, 3, 4, 8}, 2 * (2 * 3 * 4 * 8) * (3 * 3)},
	} {
		g := &Graph{}
		src, weights := g.NewValue("src", c.src, Input), g.NewValue("weights", c.weights, Parameter)
		dst, err := g.Add1(c.o, src, weights)
		require.NoError(t, err)
		assert.Equal(t, c.dst, g.Type(dst).Shape)
		diff, err := g.Gradients(dst, g.NewValue("seed", g.Type(dst), Input), []Value{src, weights})
		require.NoError(t, err)
		assert.Equal(t, c.src, g.Type(diff[0]))
		assert.Equal(t, c.weights, g.Type(diff[1]))
		// What transposes a convolution has a convolution's gradients.
		_, err = g.Gradients(diff[0], g.NewValue("seed", c.src, Input), []Value{weights})
		require.NoError(t, err)
		require.Len(t, g.Ops, 1+2+2)
		for _, op := range g.Ops {
			assert.Equal(t, c.want, op.Operator.(Coster).FLOPs(g.Types(op.In), g.Types(op.Out)), "%s of %+v", op.Name(), c.o)
		}
	}
}

func TestConvolutionMistakes(t *testing.T) {
	for _, c := range []struct {
		o    Operator
		in   []Type
		want string
	}{
		{Conv2D{Window: unit}, []Type{F32(1, 5, 5, 4), F32(3, 3, 2, 8)}, "src [1,5,5,4] has 4 channels, weights [3,3,2,8] take 2"},
		{Conv2D{Window: unit, Groups: 2}, []Type{F32(1, 5, 5, 4), F32(3, 3, 4, 8)}, "take 8"},
		{Conv2D{Window: unit, Groups: 2}, []Type{F32(1, 5, 5, 4), F32(3, 3, 2, 7)}, "7 channels, which cannot be cut into 2 groups"},
		{Conv2D{Window: unit, Groups: 2, Bias: true}, []Type{F32(1, 5, 5, 4), F32(3, 3, 2, 8), F32(4)}, "bias is f32[4]"},
		{Conv2D{Window: unit, Bias: true, Load: Load{Normalize: true}}, []Type{F32(1, 5, 5, 4), F32(3, 3, 4, 8), F32(8), F32(4), F32(4), F32(8), F32(4)}, "gamma is f32[8]"},
		{Conv2DBackwardWeights{Window: unit, Filter: Shape{3, 3, 4, 8}, Load: Load{Normalize: true}}, []Type{F32(1, 5, 5, 4), F32(1, 3, 3, 8), F32(4), F32(3)}, "invStd is f32[3]"},
		{Conv2DBackwardData{Window: unit, Src: Shape{1, 5, 5, 4}}, []Type{F32(1, 4, 3, 8), F32(3, 3, 4, 8)}, "diffDst is f32[1,4,3,8], dst is f32[1,3,3,8]"},
	} {
		_, err := c.o.Infer(c.in)
		assert.ErrorIs(t, err, ErrShape)
		assert.ErrorContains(t, err, c.want)
	}
}
