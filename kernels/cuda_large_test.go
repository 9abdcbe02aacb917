//go:build nvidia && cgo

package kernels

import (
	"testing"

	"github.com/meseta-go/meseta/ops"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestCUDARefusesWhatItCannotCount: arrays may have more elements than 32 bits count, but where kernels count pixels, rows or threads in 32 bits, more of these are refused.
func TestCUDARefusesWhatItCannotCount(t *testing.T) {
	c := openCUDA(t)
	labels := func(s ops.Shape) ops.Type { return ops.Type{DType: ops.Int32, Shape: s[:1]} }
	for _, x := range []struct {
		src   ops.Shape
		taken bool
	}{
		{ops.Shape{1024, 224, 224, 64}, true}, // 3.3·10⁹ elements
		{ops.Shape{70_000, 256, 256, 4}, false},
	} {
		src := f(x.src...)
		channels := x.src[3]
		depthwise := geometry{x.src, ops.Shape{3, 3, 1, channels}, window(1, 1, 1, 1, 1, 1), ops.Groups(channels)}
		full := geometry{x.src, ops.Shape{3, 3, channels, channels}, window(1, 1, 1, 1, 1, 1), 0}
		list := []parity{full.forward(), full.data(), full.weights(), depthwise.forward(), depthwise.data()}
		pool := ops.MaxPool{Window: window(2, 1), Size: [2]int{2, 2}}
		pooled, err := pool.Infer([]ops.Type{src})
		require.NoError(t, err)
		list = append(list,
			parity{op: pool, in: []ops.Type{src}},
			parity{op: ops.MaxPoolBackward(pool), in: []ops.Type{pooled[0], src, pooled[0]}},
			parity{op: ops.GlobalAveragePoolBackward{Src: x.src}, in: []ops.Type{f(x.src[0], channels)}},
			parity{op: ops.BatchNorm{}, in: []ops.Type{src, f(channels), f(channels)}},
		)
		scores := f(x.src.Size()/channels, 3)
		list = append(list, parity{op: ops.CrossEntropy{}, in: []ops.Type{scores, labels(scores.Shape)}})
		for _, p := range list {
			out, err := p.op.Infer(p.in)
			require.NoError(t, err)
			_, err = c.Choose(p.op, p.in, out)
			if x.taken {
				assert.NoError(t, err, p)
				continue
			}
			assert.ErrorIs(t, err, ErrUnsupported, p)
			assert.ErrorContains(t, err, "take a smaller batch", p)
		}
	}
}
