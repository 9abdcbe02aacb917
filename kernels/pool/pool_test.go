package pool

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

var windows = []Params{
	{N: 2, H: 6, W: 8, R: 2, S: 2, P: 3, Q: 4, StrideH: 2, StrideW: 2},                          // covers the image
	{N: 3, H: 5, W: 7, R: 2, S: 2, P: 2, Q: 3, StrideH: 2, StrideW: 2},                          // a row and a column unread
	{N: 1, H: 5, W: 7, R: 2, S: 2, P: 3, Q: 4, StrideH: 2, StrideW: 2},                          // same: windows hang over below and right
	{N: 2, H: 7, W: 9, R: 3, S: 3, P: 4, Q: 5, StrideH: 2, StrideW: 2, PadTop: 1, PadLeft: 1},   // overlapping, as in ResNet-50
	{N: 1, H: 4, W: 5, R: 3, S: 2, P: 4, Q: 5, StrideH: 1, StrideW: 1, PadTop: 1, PadLeft: 0},   // stride 1
	{N: 2, H: 7, W: 6, R: 1, S: 2, P: 3, Q: 2, StrideH: 3, StrideW: 3},                          // gaps between windows
	{N: 1, H: 3, W: 2, R: 5, S: 4, P: 2, Q: 1, StrideH: 2, StrideW: 7, PadTop: 2, PadLeft: 1},   // windows larger than the image
	{N: 3, H: 1, W: 1, R: 1, S: 1, P: 1, Q: 1, StrideH: 1, StrideW: 1},                          // nothing to choose
	{N: 1, H: 2, W: 40, R: 2, S: 3, P: 1, Q: 14, StrideH: 2, StrideW: 3, PadTop: 0, PadLeft: 2}, // long runs
	{N: 1, H: 12, W: 3, R: 4, S: 3, P: 3, Q: 1, StrideH: 4, StrideW: 3, PadTop: 0, PadLeft: 0},  // one window a row
	{N: 1, H: 10, W: 10, R: 3, S: 3, P: 3, Q: 3, StrideH: 4, StrideW: 4, PadTop: 1, PadLeft: 1}, // edges and gaps
	{N: 2, H: 9, W: 9, R: 2, S: 3, P: 5, Q: 3, StrideH: 2, StrideW: 3, PadTop: 1, PadLeft: 0},   // covers, padded
	{N: 1, H: 6, W: 6, R: 3, S: 2, P: 2, Q: 3, StrideH: 3, StrideW: 2, PadTop: 0, PadLeft: 0},   // covers, not square
	{N: 1, H: 6, W: 6, R: 2, S: 3, P: 3, Q: 4, StrideH: 2, StrideW: 1, PadTop: 0, PadLeft: 0},   // overlap in one direction
}

func TestMaxParity(t *testing.T) {
	channels := []int{1, 3, 7, 8, 9, 15, 16, 17, 24, 31, 33, 64, 100, 129}
	for i, p := range windows {
		for j, c := range channels {
			if (i+j)%3 != 0 && c != 17 {
				continue
			}
			p.C = c
			src, diffDst := parity.Normal(rng, p.SrcLen()), parity.Normal(rng, p.DstLen())
			for k := range src {
				src[k] = math.Round(src[k] * 2) // ties
			}
			dst, diffSrc := make([]float32, p.DstLen()), make([]float32, p.SrcLen())
			ReferenceMaxForward(p, dst, parity.Narrow(src))
			ReferenceMaxBackward(p, diffSrc, parity.Narrow(diffDst), parity.Narrow(src), dst)
			t.Run(fmt.Sprintf("%+v", p), func(t *testing.T) {
				parity.Check(t, func(t *testing.T, dev *cpu.Device) (func(), [][]float32) {
					forward, err := NewMaxForward(dev, p)
					require.NoError(t, err)
					backward, err := NewMaxBackward(dev, p)
					require.NoError(t, err)
					x, dy, y, dx := parity.In(src), parity.In(diffDst), parity.Out(t, p.DstLen()), parity.Out(t, p.SrcLen())
					in := parity.In(dst)
					return func() { forward.Run(y, x); backward.Run(dx, dy, x, in) }, [][]float32{y, dx}
				}, parity.Exactly(dst), parity.Exactly(diffSrc))
			})
		}
	}
}

func TestAverageParity(t *testing.T) {
	channels := []int{1, 3, 7, 8, 9, 15, 16, 17, 24, 31, 33, 64, 100, 129}
	for i, p := range windows {
		for j, c := range channels {
			if (i+j)%3 != 0 && c != 17 {
				continue
			}
			p.C = c
			src, diffDst := parity.Normal(rng, p.SrcLen()), parity.Normal(rng, p.DstLen())
			dst, diffSrc := make([]float64, p.DstLen()), make([]float64, p.SrcLen())
			ReferenceAverageForward(p, dst, src)
			ReferenceAverageBackward(p, diffSrc, diffDst)
			t.Run(fmt.Sprintf("%+v", p), func(t *testing.T) {
				parity.Check(t, func(t *testing.T, dev *cpu.Device) (func(), [][]float32) {
					forward, err := NewAverageForward(dev, p)
					require.NoError(t, err)
					backward, err := NewAverageBackward(dev, p)
					require.NoError(t, err)
					x, dy, y, dx := parity.In(src), parity.In(diffDst), parity.Out(t, p.DstLen()), parity.Out(t, p.SrcLen())
					return func() { forward.Run(y, x); backward.Run(dx, dy) }, [][]float32{y, dx}
					// dst is rounded once; of diffSrc each term twice and the sum of up to 9 of them at each step.
				}, parity.Want{Values: dst, Tolerance: 1e-7}, parity.Want{Values: diffSrc, Tolerance: 5e-7})
			})
		}
	}
}

func TestGlobalAverageParity(t *testing.T) {
	for _, shape := range [][3]int{{1, 1, 1}, {2, 3, 1}, {3, 49, 5}, {2, 64, 10}, {5, 16, 16}, {3, 9, 17}, {2, 1000, 3}, {4, 49, 64}, {1, 5, 1001}, {2, 7, 2048}} {
		n, pixels, c := shape[0], shape[1], shape[2]
		src, diffDst := parity.Normal(rng, n*pixels*c), parity.Normal(rng, n*c)
		dst, diffSrc := make([]float64, n*c), make([]float32, n*pixels*c)
		ReferenceGlobalAverageForward(pixels, c, dst, src)
		ReferenceGlobalAverageBackward(pixels, c, diffSrc, parity.Narrow(diffDst))
		t.Run(fmt.Sprint(shape), func(t *testing.T) {
			parity.Check(t, func(t *testing.T, dev *cpu.Device) (func(), [][]float32) {
				forward, err := NewGlobalAverageForward(dev, n, pixels, c)
				require.NoError(t, err)
				backward, err := NewGlobalAverageBackward(dev, n, pixels, c)
				require.NoError(t, err)
				x, dy, y, dx := parity.In(src), parity.In(diffDst), parity.Out(t, n*c), parity.Out(t, n*pixels*c)
				return func() { forward.Run(y, x); backward.Run(dx, dy) }, [][]float32{y, dx}
			}, parity.Want{Values: dst, Tolerance: 1e-7}, parity.Exactly(diffSrc))
		})
	}
}

func TestReferenceGradients(t *testing.T) {
	for _, p := range windows {
		p.C = 2
		// All elements differ by far more than a step, so that no window is at a kink.
		src := make([]float64, p.SrcLen())
		for i, v := range rng.Perm(len(src)) {
			src[i] = float64(v) * 0.01
		}
		diffDst, dst, got := parity.Normal(rng, p.DstLen()), make([]float64, p.DstLen()), make([]float64, p.SrcLen())
		want := fd.Gradient(nil, func(x []float64) (sum float64) {
			ReferenceMaxForward(p, dst, x)
			for i, y := range dst {
				sum += y * diffDst[i]
			}
			return sum
		}, src, &fd.Settings{Formula: fd.Central, Step: 1e-4})
		ReferenceMaxForward(p, dst, src)
		ReferenceMaxBackward(p, got, diffDst, src, dst)
		assert.InDeltaSlice(t, want, got, 1e-8, "%+v", p)

		want = fd.Gradient(nil, func(x []float64) (sum float64) {
			ReferenceAverageForward(p, dst, x)
			for i, y := range dst {
				sum += y * diffDst[i]
			}
			return sum
		}, src, &fd.Settings{Formula: fd.Central, Step: 1e-4})
		ReferenceAverageBackward(p, got, diffDst)
		assert.InDeltaSlice(t, want, got, 1e-8, "%+v", p)
	}
	const n, pixels, c = 2, 5, 3
	src, diffDst, dst, got := parity.Normal(rng, n*pixels*c), parity.Normal(rng, n*c), make([]float64, n*c), make([]float64, n*pixels*c)
	want := fd.Gradient(nil, func(x []float64) (sum float64) {
		ReferenceGlobalAverageForward(pixels, c, dst, x)
		for i, y := range dst {
			sum += y * diffDst[i]
		}
		return sum
	}, src, &fd.Settings{Formula: fd.Central, Step: 1e-4})
	ReferenceGlobalAverageBackward(pixels, c, got, diffDst)
	assert.InDeltaSlice(t, want, got, 1e-8)
}

func TestByHand(t *testing.T) {
	dev := parity.Device(t, cpu.Detect(), 1)
	p := Params{N: 1, H: 2, W: 4, C: 1, R: 2, S: 2, P: 1, Q: 2, StrideH: 2, StrideW: 2}
	x, err := NewMaxForward(dev, p)
	require.NoError(t, err)
	back, err := NewMaxBackward(dev, p)
	require.NoError(t, err)
	src, dst, diffSrc := []float32{1, 5, -1, -2, 5, 2, -3, -1}, make([]float32, 2), make([]float32, 8)
	x.Run(dst, src)
	assert.Equal(t, []float32{5, -1}, dst)
	back.Run(diffSrc, []float32{10, 20}, src, dst)
	assert.Equal(t, []float32{0, 10, 20, 0, 0, 0, 0, 0}, diffSrc, "the first of equals gets it all")
}

func TestNoAllocation(t *testing.T) {
	p := Params{N: 3, H: 9, W: 9, C: 20, R: 3, S: 3, P: 5, Q: 5, StrideH: 2, StrideW: 2, PadTop: 1, PadLeft: 1}
	a, b, c, d := make([]float32, p.SrcLen()+16), make([]float32, p.SrcLen()+16), make([]float32, p.DstLen()+16), make([]float32, p.DstLen()+16)
	parity.NoAllocation(t, func(t *testing.T, dev *cpu.Device) (func(), [][]float32) {
		forward, err := NewMaxForward(dev, p)
		require.NoError(t, err)
		backward, err := NewMaxBackward(dev, p)
		require.NoError(t, err)
		average, err := NewAverageForward(dev, p)
		require.NoError(t, err)
		averageBackward, err := NewAverageBackward(dev, p)
		require.NoError(t, err)
		global, err := NewGlobalAverageForward(dev, p.N, p.H*p.W, p.C)
		require.NoError(t, err)
		globalBackward, err := NewGlobalAverageBackward(dev, p.N, p.H*p.W, p.C)
		require.NoError(t, err)
		return func() {
			forward.Run(c, a)
			backward.Run(b, d, a, c)
			average.Run(c, a)
			averageBackward.Run(b, c)
			global.Run(c, a)
			globalBackward.Run(a, c)
		}, nil
	})
}

func TestErrors(t *testing.T) {
	dev := parity.Device(t, cpu.Portable, 1)
	good := Params{N: 1, H: 4, W: 4, C: 1, R: 2, S: 2, P: 2, Q: 2, StrideH: 2, StrideW: 2}
	for _, k := range []struct {
		change func(p *Params)
		want   string
	}{
		{func(p *Params) { p.C = 0 }, "pool: C is 0, want at least 1: shapes disagree"},
		{func(p *Params) { p.StrideW = 0 }, "pool: StrideW is 0, want at least 1: shapes disagree"},
		{func(p *Params) { p.PadTop = 2 }, "pool: 2 of padding before the height, a window of 2 must reach the image; pad at most 1: shapes disagree"},
		{func(p *Params) { p.Q = 3 }, "pool: the last of 3 windows along the width begins at 4, the image ends at 4; make fewer: shapes disagree"},
	} {
		p := good
		k.change(&p)
		_, err := NewMaxForward(dev, p)
		assert.EqualError(t, err, k.want)
		_, err = NewMaxBackward(dev, p)
		assert.ErrorIs(t, err, ops.ErrShape)
		_, err = NewAverageForward(dev, p)
		assert.EqualError(t, err, k.want)
		_, err = NewAverageBackward(dev, p)
		assert.ErrorIs(t, err, ops.ErrShape)
	}
	_, err := NewGlobalAverageForward(dev, 1, 0, 1)
	assert.ErrorIs(t, err, ops.ErrShape)
	_, err = NewGlobalAverageBackward(dev, 0, 1, 1)
	assert.ErrorIs(t, err, ops.ErrShape)
}
