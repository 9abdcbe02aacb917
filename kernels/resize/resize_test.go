package resize

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/diff/fd"

	"github.com/meseta-go/meseta/kernels/cpu"
	"github.com/meseta-go/meseta/kernels/vec/parity"
	"github.com/meseta-go/meseta/ops"
)

var rng = rand.New(rand.NewPCG(1, 2))

var methods = []ops.Interpolation{ops.Nearest, ops.Bilinear, ops.Bicubic}

var sizes = []Params{
	{N: 1, H: 1, W: 1, P: 1, Q: 1},
	{N: 2, H: 1, W: 1, P: 3, Q: 4},
	{N: 2, H: 4, W: 5, P: 8, Q: 10},  // twice
	{N: 1, H: 4, W: 5, P: 12, Q: 10}, // three times and twice
	{N: 3, H: 8, W: 6, P: 4, Q: 3},   // half: bilinear takes four, nearest leaves most unread
	{N: 2, H: 7, W: 9, P: 5, Q: 11},  // one smaller, one larger
	{N: 1, H: 5, W: 3, P: 5, Q: 3},   // the same
	{N: 1, H: 30, W: 2, P: 3, Q: 17},
	{N: 1, H: 2, W: 31, P: 9, Q: 1},
}

func TestParity(t *testing.T) {
	channels := []int{1, 3, 4, 15, 16, 17, 31, 64, 129}
	for i, p := range sizes {
		for j, c := range channels {
			if (i+j)%3 != 0 && c != 3 && c != 17 {
				continue
			}
			for _, p.Method = range methods {
				p.C = c
				from, to := p.N*p.H*p.W*c, p.N*p.P*p.Q*c
				src, diffDst := parity.Normal(rng, from), parity.Normal(rng, to)
				dst, diffSrc := make([]float64, to), make([]float64, from)
				ReferenceForward(p, dst, src)
				ReferenceBackward(p, diffSrc, diffDst)
				t.Run(fmt.Sprintf("%+v", p), func(t *testing.T) {
					parity.Check(t, func(t *testing.T, dev *cpu.Device) (func(), [][]float32) {
						forward, err := NewForward(dev, p)
						require.NoError(t, err)
						backward, err := NewBackward(dev, p)
						require.NoError(t, err)
						x, dy, y, dx := parity.In(src), parity.In(diffDst), parity.Out(t, to), parity.Out(t, from)
						return func() { forward.Run(y, x); backward.Run(dx, dy) }, [][]float32{y, dx}
						// Sums of up to 4 + 4 terms forward, of up to 20 + 20 backward, in float32.
					}, parity.Want{Values: dst, Tolerance: 1e-6}, parity.Want{Values: diffSrc, Tolerance: 2e-6})
				})
			}
		}
	}
}

func TestReferenceGradients(t *testing.T) {
	for _, p := range sizes {
		for _, p.Method = range methods {
			p.C = 2
			src, diffDst := parity.Normal(rng, p.N*p.H*p.W*p.C), parity.Normal(rng, p.N*p.P*p.Q*p.C)
			dst, got := make([]float64, len(diffDst)), make([]float64, len(src))
			want := fd.Gradient(nil, func(x []float64) (sum float64) {
				ReferenceForward(p, dst, x)
				for i, y := range dst {
					sum += y * diffDst[i]
				}
				return sum
			}, src, &fd.Settings{Formula: fd.Central, Step: 1e-3})
			ReferenceBackward(p, got, diffDst)
			assert.InDeltaSlice(t, want, got, 1e-9, "%+v", p)
		}
	}
}

// TestWeights: they sum to 1, so that a constant image stays one; a straight line stays one where no edge is near; nearest by a whole factor
// repeats pixels.
func TestWeights(t *testing.T) {
	for _, method := range methods {
		for _, k := range [][2]int{{1, 1}, {1, 9}, {5, 5}, {7, 3}, {3, 7}, {224, 299}, {299, 224}, {1000, 1}, {17, 4096}} {
			in, out := k[0], k[1]
			w := newWeights(method, in, out)
			require.Equal(t, out, w.Out())
			for p := range out {
				at, weight := w.of(p)
				var sum, line float64
				for j, i := range at {
					require.True(t, i >= 0 && int(i) < in)
					sum += float64(weight[j])
					line += float64(weight[j]) * float64(i)
				}
				require.InDelta(t, 1, sum, 1e-6)
				point := (float64(p)+0.5)*float64(in)/float64(out) - 0.5
				if method != ops.Nearest && point >= 1 && point <= float64(in-2) {
					// TensorFlow tabulates the cubic in 1024 steps.
					require.InDelta(t, point, line, map[ops.Interpolation]float64{ops.Bilinear: 1e-4, ops.Bicubic: 1e-3}[method], "%v %d to %d", method, in, out)
				}
			}
		}
	}
	for _, factor := range []int{1, 2, 3, 5, 7, 49} {
		w := newWeights(ops.Nearest, 1001, 1001*factor)
		for p := range w.Out() {
			at, weight := w.of(p)
			require.Equal(t, []int32{int32(p / factor)}, at)
			require.Equal(t, []float32{1}, weight)
		}
	}
}

func TestNaNStaysWhereItIs(t *testing.T) {
	p := Params{N: 1, H: 3, W: 3, C: 1, P: 6, Q: 6, Method: ops.Nearest}
	x, err := NewForward(parity.Device(t, cpu.Detect(), 1), p)
	require.NoError(t, err)
	src := make([]float32, 9+16)
	src[4] = float32(math.NaN())
	dst := make([]float32, 36)
	x.Run(dst, src)
	for i, y := range dst {
		inside := i/6/2 == 1 && i%6/2 == 1
		require.Equal(t, inside, math.IsNaN(float64(y)), "pixel %d", i)
	}
}

func TestNoAllocation(t *testing.T) {
	for _, c := range []int{3, 20} {
		p := Params{N: 3, H: 9, W: 8, C: c, P: 15, Q: 16, Method: ops.Bicubic}
		src, dst := make([]float32, p.N*p.H*p.W*p.C+16), make([]float32, p.N*p.P*p.Q*p.C+16)
		parity.NoAllocation(t, func(t *testing.T, dev *cpu.Device) (func(), [][]float32) {
			forward, err := NewForward(dev, p)
			require.NoError(t, err)
			backward, err := NewBackward(dev, p)
			require.NoError(t, err)
			return func() { forward.Run(dst, src); backward.Run(src, dst) }, nil
		})
	}
}

func TestErrors(t *testing.T) {
	dev := parity.Device(t, cpu.Portable, 1)
	_, err := NewForward(dev, Params{N: 1, H: 2, W: 3, C: 4, P: 0, Q: 6})
	assert.EqualError(t, err, "resize: [1,2,3,4] to 0×6, want at least 1 everywhere: shapes disagree")
	_, err = NewBackward(dev, Params{N: 1, H: 0, W: 3, C: 4, P: 5, Q: 6})
	assert.ErrorIs(t, err, ops.ErrShape)
	_, err = NewForward(dev, Params{N: 1, H: 2, W: 3, C: 4, P: 5, Q: 6, Method: 9})
	assert.ErrorContains(t, err, "method 9")
}
