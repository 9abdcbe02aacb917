//go:build nvidia && cgo

package kernels

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/meseta-go/meseta/ops"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// geometry is a convolution to be tested.
type geometry struct {
	src, filter ops.Shape
	window      ops.Window
	groups      ops.Groups
}

func (g geometry) dst() ops.Type {
	out, err := ops.Conv2D{Window: g.window, Groups: g.groups}.Infer([]ops.Type{{Shape: g.src}, {Shape: g.filter}})
	if err != nil {
		panic(err)
	}
	return out[0]
}

func (g geometry) forward() parity {
	return parity{op: ops.Conv2D{Window: g.window, Groups: g.groups}, in: []ops.Type{f(g.src...), f(g.filter...)}, tolerance: sumsApart}
}

func (g geometry) data() parity {
	return parity{op: ops.Conv2DBackwardData{Window: g.window, Groups: g.groups, Src: g.src}, in: []ops.Type{g.dst(), f(g.filter...)}, tolerance: sumsApart}
}

func (g geometry) weights() parity {
	return parity{op: ops.Conv2DBackwardWeights{Window: g.window, Groups: g.groups, Filter: g.filter}, in: []ops.Type{f(g.src...), g.dst()}, tolerance: sumsApart}
}

// geometries are small and odd ones, with strides, dilation, uneven padding, groups, and sums that are cut into parts; of channels that are read by fours and
// singly.
var geometries = []geometry{
	{ops.Shape{1, 1, 1, 1}, ops.Shape{1, 1, 1, 1}, window(1, 1), 0},
	{ops.Shape{2, 7, 5, 3}, ops.Shape{3, 3, 3, 5}, window(1, 1, 1, 1, 1, 1), 0},
	{ops.Shape{2, 9, 8, 4}, ops.Shape{3, 2, 4, 7}, window(2, 1, 0, 1, 1, 0), 0},
	{ops.Shape{1, 9, 9, 2}, ops.Shape{3, 3, 2, 65}, window(1, 2, 2, 2, 2, 2), 0},
	{ops.Shape{2, 6, 6, 6}, ops.Shape{3, 3, 2, 9}, window(1, 1, 1, 1, 1, 1), 3},
	{ops.Shape{9, 8, 8, 33}, ops.Shape{3, 3, 33, 5}, window(1, 1), 0},
	{ops.Shape{2, 7, 5, 4}, ops.Shape{3, 3, 4, 8}, window(1, 1, 1, 1, 1, 1), 0},
	{ops.Shape{2, 9, 8, 12}, ops.Shape{3, 2, 12, 20}, window(2, 1, 0, 1, 1, 0), 0},
	{ops.Shape{1, 11, 10, 8}, ops.Shape{3, 4, 8, 4}, window(3, 2, 2, 1, 2, 1), 0}, // some of whose phases meet no element
	{ops.Shape{1, 9, 9, 4}, ops.Shape{1, 1, 4, 12}, window(2, 1), 0},
	{ops.Shape{3, 5, 5, 20}, ops.Shape{1, 1, 20, 12}, window(1, 1), 0}, // a product of matrices
	{ops.Shape{2, 6, 6, 16}, ops.Shape{3, 3, 8, 24}, window(2, 1, 1, 1, 1, 1), 2},
	{ops.Shape{16, 9, 10, 4}, ops.Shape{1, 1, 4, 8}, window(2, 1), 0}, // whose phases are of 400, 400, 320 and 320 pixels: of four tiles and of three
	{ops.Shape{9, 8, 8, 36}, ops.Shape{3, 3, 36, 4}, window(1, 1), 0},
	{ops.Shape{40, 2, 2, 4}, ops.Shape{2, 2, 4, 4}, window(1, 1), 0}, // of one pixel
}

// channelwise have a channel of src in each group.
var channelwise = []geometry{
	{ops.Shape{2, 6, 6, 4}, ops.Shape{3, 3, 1, 8}, window(2, 1, 1, 1, 1, 1), 4},
	{ops.Shape{2, 9, 8, 8}, ops.Shape{3, 3, 1, 8}, window(1, 1, 1, 1, 1, 1), 8},
	{ops.Shape{3, 9, 8, 8}, ops.Shape{3, 3, 1, 8}, window(2, 1, 0, 1, 1, 0), 8},
	{ops.Shape{1, 7, 7, 3}, ops.Shape{3, 3, 1, 3}, window(1, 1, 1, 1, 1, 1), 3},
	{ops.Shape{1, 12, 11, 4}, ops.Shape{5, 4, 1, 4}, window(3, 2, 3, 1, 3, 3), 4},
	{ops.Shape{4, 5, 5, 132}, ops.Shape{3, 3, 1, 132}, window(1, 1), 132},
}

// normalizing are some that normalise what they load, read by fours and singly, with padding, which stays 0, and sums that are cut into parts.
var normalizing = []geometry{
	{ops.Shape{1, 1, 1, 1}, ops.Shape{1, 1, 1, 1}, window(1, 1), 0},
	{ops.Shape{2, 7, 5, 3}, ops.Shape{1, 1, 3, 5}, window(1, 1, 1, 0, 2, 1), 0},
	{ops.Shape{2, 9, 8, 4}, ops.Shape{1, 1, 4, 8}, window(2, 1), 0},
	{ops.Shape{2, 9, 8, 12}, ops.Shape{2, 2, 12, 20}, window(2, 1, 1, 1, 0, 0), 0},
	{ops.Shape{9, 8, 8, 300}, ops.Shape{1, 1, 300, 132}, window(1, 1), 0},
}

// convolutions has each pass of all of them.
func convolutions() (list []parity) {
	for _, g := range slices.Concat(geometries, channelwise) {
		src, filter, bias := f(g.src...), f(g.filter...), f(g.filter[3])
		list = append(list, g.forward(), g.data(), g.weights(),
			parity{op: ops.Conv2D{Window: g.window, Groups: g.groups, Bias: true, Activation: ops.ReLU}, in: []ops.Type{src, filter, bias}, tolerance: sumsApart},
			parity{op: ops.Conv2D{Window: g.window, Groups: g.groups, Bias: true, Activation: ops.ReLU6}, in: []ops.Type{src, filter, bias}, tolerance: 10 * sumsApart}, // of 6 where sums are some 60
			parity{op: ops.Conv2DBackwardWeights{Window: g.window, Groups: g.groups, Filter: g.filter, Bias: true}, in: []ops.Type{src, g.dst()}, tolerance: sumsApart},
		)
		if g.groups == 0 {
			list = append(list,
				parity{op: ops.Conv2DBackwardData{Window: g.window, Src: g.src, Add: true}, in: []ops.Type{g.dst(), filter, src}, tolerance: sumsApart},
				parity{op: ops.Conv2D{Window: g.window, Add: true}, in: []ops.Type{src, filter, g.dst()}, tolerance: sumsApart},
				parity{op: ops.Conv2D{Window: g.window, Bias: true, Add: true, Activation: ops.ReLU}, in: []ops.Type{src, filter, bias, g.dst()}, tolerance: sumsApart},
			)
		}
	}
	for _, g := range normalizing {
		src, filter, bias, vector := f(g.src...), f(g.filter...), f(g.filter[3]), f(g.src[3])
		for _, a := range []ops.Activation{ops.Linear, ops.ReLU, ops.ReLU6} {
			load := ops.Load{Normalize: true, Activation: a}
			list = append(list,
				parity{op: ops.Conv2D{Window: g.window, Bias: true, Activation: ops.ReLU, Load: load},
					in: []ops.Type{src, filter, bias, vector, vector, vector, vector}, tolerance: sumsApart},
				parity{op: ops.Conv2D{Window: g.window, Bias: true, Add: true, Load: load},
					in: []ops.Type{src, filter, bias, g.dst(), vector, vector, vector, vector}, tolerance: sumsApart},
				parity{op: ops.Conv2DBackwardWeights{Window: g.window, Filter: g.filter, Load: load},
					in: []ops.Type{src, g.dst(), vector, vector, vector, vector}, tolerance: sumsApart},
			)
		}
	}
	// Large tiles are for large results; of short sums, so that it does not take long.
	for _, s := range [][2]int{{263, 12}, {131, 60}, {131, 124}} {
		rows, n := s[0], s[1]
		list = append(list,
			geometry{ops.Shape{1, rows, 131, 4}, ops.Shape{1, 3, 4, n}, window(1, 1), 0}.forward(),
			geometry{ops.Shape{1, rows, 131, n}, ops.Shape{1, 3, n, 4}, window(1, 1), 0}.data(),
			geometry{ops.Shape{5, 1, 2, rows * 68}, ops.Shape{1, 2, rows * 68, n}, window(1, 1), 0}.weights(),
		)
	}
	return list
}

// products has all four ways of products, of sizes around those of a tile, and one whose sums are cut into parts.
func products() (list []parity) {
	for _, s := range [][3]int{{1, 1, 1}, {3, 5, 7}, {64, 64, 8}, {65, 63, 9}, {5, 70, 530}, {132, 36, 20}, {4, 68, 532}, {16900, 124, 4}, {16900, 60, 4}} {
		for _, ta := range []bool{false, true} {
			for _, tb := range []bool{false, true} {
				a, b := ops.Shape{s[0], s[2]}, ops.Shape{s[2], s[1]}
				if ta {
					a = ops.Shape{s[2], s[0]}
				}
				if tb {
					b = ops.Shape{s[1], s[2]}
				}
				list = append(list, parity{op: ops.MatMul{TransA: ta, TransB: tb, Bias: true, Activation: ops.ReLU}, in: []ops.Type{f(a...), f(b...), f(s[1])}, tolerance: sumsApart})
				if s[0] < 1000 {
					list = append(list, parity{op: ops.BatchMatMul{TransA: ta, TransB: tb},
						in: []ops.Type{f(append(ops.Shape{3}, a...)...), f(append(ops.Shape{3}, b...)...)}, tolerance: sumsApart})
				}
			}
		}
	}
	return list
}

// TestCUDATriesAllProducts: each kernel of products and convolutions is chosen by some row of the tables above.
func TestCUDATriesAllProducts(t *testing.T) {
	c := openCUDA(t)
	chosen := map[string]bool{}
	for _, p := range append(convolutions(), products()...) {
		out, err := p.op.Infer(p.in)
		require.NoError(t, err)
		k, err := c.Choose(p.op, p.in, out)
		require.NoError(t, err)
		name, _, _ := strings.Cut(k.Variant(), " ")
		chosen[strings.TrimSuffix(name, ",")] = true
	}
	for _, file := range []string{"conv/conv2d", "conv/depthwise", "gemm/gemm"} {
		text, err := ptx.ReadFile(file + ".ptx")
		require.NoError(t, err)
		names := regexp.MustCompile(`\.entry (\w+)`).FindAllSubmatch(text, -1)
		require.NotEmpty(t, names)
		for _, name := range names {
			assert.True(t, chosen[string(name[1])], "no row takes %s", name[1])
		}
	}
}

// TestCUDALoadsWhatPays: other convolutions leave a batch norm to a pass before.
func TestCUDALoadsWhatPays(t *testing.T) {
	c := openCUDA(t)
	for _, g := range []geometry{
		{ops.Shape{2, 9, 9, 4}, ops.Shape{3, 3, 4, 8}, window(1, 1), 0},
		{ops.Shape{2, 9, 9, 4}, ops.Shape{1, 1, 4, 260}, window(1, 1), 0},
		{ops.Shape{2, 9, 9, 4}, ops.Shape{1, 1, 1, 4}, window(1, 1), 4},
	} {
		for _, p := range []parity{g.forward(), g.weights()} {
			out := []ops.Type{g.dst()}
			switch o := p.op.(type) {
			case ops.Conv2D:
				o.Load.Normalize = true
				p.op = o
			case ops.Conv2DBackwardWeights:
				o.Load.Normalize = true
				p.op, out = o, []ops.Type{f(g.filter...)}
			}
			vector := f(g.src[3])
			_, err := c.Choose(p.op, append(p.in, vector, vector, vector, vector), out)
			assert.ErrorIs(t, err, ErrUnsupported)
		}
	}
}

// normalizes says whether o is a convolution that is to normalise what it loads.
func normalizes(o ops.Operator) bool {
	switch o := o.(type) {
	case ops.Conv2D:
		return o.Load.Normalize
	case ops.Conv2DBackwardWeights:
		return o.Load.Normalize
	}
	return false
}
