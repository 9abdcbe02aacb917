//go:build nvidia && cgo

package kernels

import "github.com/meseta-go/meseta/ops"

// loads has convolutions that normalise what they load: odd sizes, padding, strides, a channel a group, and sums that are cut into parts.
func loads() (list []parity) {
	for _, g := range []struct {
		src, filter ops.Shape
		window      ops.Window
		groups      ops.Groups
	}{
		{ops.Shape{1, 1, 1, 1}, ops.Shape{1, 1, 1, 1}, window(1, 1), 0},
		{ops.Shape{2, 7, 5, 3}, ops.Shape{3, 3, 3, 5}, window(1, 1, 1, 1, 1, 1), 0},
		{ops.Shape{2, 9, 8, 4}, ops.Shape{3, 2, 4, 8}, window(2, 1, 0, 1, 1, 0), 0},
		{ops.Shape{2, 6, 6, 4}, ops.Shape{3, 3, 1, 4}, window(2, 1, 1, 1, 1, 1), 4},
		{ops.Shape{9, 8, 8, 33}, ops.Shape{3, 3, 33, 5}, window(1, 1), 0},
	} {
		for _, a := range []ops.Activation{ops.Linear, ops.ReLU, ops.ReLU6} {
			load := ops.Load{Normalize: true, Activation: a}
			forward := ops.Conv2D{Window: g.window, Groups: g.groups, Bias: true, Activation: ops.ReLU, Load: load}
			src, filter, bias, vector := f(g.src...), f(g.filter...), f(g.filter[3]), f(g.src[3])
			dst, err := ops.Conv2D{Window: g.window, Groups: g.groups}.Infer([]ops.Type{src, filter})
			if err != nil {
				panic(err)
			}
			list = append(list,
				parity{op: forward, in: []ops.Type{src, filter, bias, vector, vector, vector, vector}, tolerance: sumsApart},
				parity{op: ops.Conv2DBackwardWeights{Window: g.window, Groups: g.groups, Filter: g.filter, Load: load},
					in: []ops.Type{src, dst[0], vector, vector, vector, vector}, tolerance: sumsApart},
			)
			if g.groups == 0 {
				forward.Add = true
				list = append(list, parity{op: forward, in: []ops.Type{src, filter, bias, dst[0], vector, vector, vector, vector}, tolerance: sumsApart})
			}
		}
	}
	return list
}
