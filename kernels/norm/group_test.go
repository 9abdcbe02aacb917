package norm

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/diff/fd"

	"github.com/meseta-go/meseta/kernels/cpu"
	"github.com/meseta-go/meseta/kernels/vec/parity"
	"github.com/meseta-go/meseta/ops"
)

var groupRNG = rand.New(rand.NewPCG(3, 4))

// groupings have channels that are repeated along a wide row and that are not; rows of one group, short and long; one chunk of samples and several.
var groupings = []GroupParams{
	{N: 2, P: 1, C: 1, Groups: 1},
	{N: 3, P: 5, C: 1, Groups: 1},
	{N: 2, P: 49, C: 3, Groups: 3},
	{N: 4, P: 7, C: 6, Groups: 2},
	{N: 5, P: 9, C: 10, Groups: 5},
	{N: 1, P: 64, C: 16, Groups: 4},
	{N: 3, P: 12, C: 17, Groups: 1},
	{N: 2, P: 25, C: 64, Groups: 32},
	{N: 3, P: 4, C: 1001, Groups: 7},
	{N: 7, P: 1, C: 12, Groups: 4},
	{N: 40, P: 30, C: 32, Groups: 8}, // several chunks
	{N: 9, P: 1, C: 5, Groups: 1},
	{N: 5, P: 1, C: 127, Groups: 1},
	{N: 5, P: 1, C: 255, Groups: 1},
	{N: 3, P: 1, C: 256, Groups: 1},
	{N: 3, P: 1, C: 300, Groups: 1},
	{N: 2, P: 1, C: 4097, Groups: 1},
	{N: 1500, P: 1, C: 48, Groups: 1}, // several chunks
	{N: 2, P: 1, C: 20000, Groups: 1}, // a row longer than a block
	{N: 9000, P: 1, C: 3, Groups: 1},
}

type groupForward interface {
	Run(dst, mean, invStd, src, gamma, beta []float32)
}

type groupBackward interface {
	WorkspaceBytes() int
	Run(diffSrc, diffGamma, diffBeta, diffDst, src, mean, invStd, gamma, workspace []float32)
}

// newGroup makes the kernels of groups or, if layer, those of rows of one group, which p must be.
func newGroup(t *testing.T, dev *cpu.Device, p GroupParams, layer bool) (groupForward, groupBackward) {
	if layer {
		rows := Params{Rows: p.N, C: p.C, Epsilon: p.Epsilon}
		forward, err := NewLayerForward(dev, rows)
		require.NoError(t, err)
		backward, err := NewLayerBackward(dev, rows)
		require.NoError(t, err)
		return forward, backward
	}
	forward, err := NewGroupForward(dev, p)
	require.NoError(t, err)
	backward, err := NewGroupBackward(dev, p)
	require.NoError(t, err)
	return forward, backward
}

func TestGroupParity(t *testing.T) {
	for i, p := range groupings {
		testGroupParity(t, i, p, false)
		if p.P == 1 && p.Groups == 1 {
			testGroupParity(t, i, p, true)
		}
	}
}

func testGroupParity(t *testing.T, i int, p GroupParams, layer bool) {
	p.Epsilon = 1e-3
	size := p.N * p.P * p.C
	src, diffDst, gamma, beta := parity.Normal(groupRNG, size), parity.Normal(groupRNG, size), parity.Normal(groupRNG, p.C), parity.Normal(groupRNG, p.C)
	for j := range src {
		src[j] = float64(float32(src[j] + float64(j%p.C%7)))
	}
	scale, center := i%4 != 1, i%3 != 2
	if !scale {
		gamma = nil
	}
	if !center {
		beta = nil
	}
	statistics := p.N * p.Groups
	dst, mean, invStd := make([]float64, size), make([]float64, statistics), make([]float64, statistics)
	ReferenceGroupForward(p, dst, mean, invStd, src, gamma, beta)
	m, v := make([]float64, statistics), make([]float64, statistics)
	for j := range m { // as the kernel is given them
		m[j], v[j] = float64(float32(mean[j])), float64(float32(invStd[j]))
	}
	diffSrc, diffGamma, diffBeta := make([]float64, size), make([]float64, p.C), make([]float64, p.C)
	ReferenceGroupBackward(p, diffSrc, diffGamma, diffBeta, diffDst, src, m, v, gamma)
	want := []parity.Want{
		{Values: dst, Tolerance: 1e-6}, {Values: mean, Tolerance: 2e-7}, {Values: invStd, Tolerance: 1e-6}, {Values: dst, Tolerance: 1e-6},
		{Values: diffSrc, Tolerance: 1e-6, Scale: 1}, {Values: diffSrc, Tolerance: 1e-6, Scale: 1}, // differences of terms of about 1
	}
	if scale {
		want = append(want, parity.Want{Values: diffGamma, Tolerance: 1e-6})
	}
	if center {
		want = append(want, parity.Want{Values: diffBeta, Tolerance: 1e-6})
	}
	t.Run(fmt.Sprintf("%+v layer %v", p, layer), func(t *testing.T) {
		parity.Check(t, func(t *testing.T, dev *cpu.Device) (func(), [][]float32) {
			forward, backward := newGroup(t, dev, p, layer)
			var g, b, dg, db []float32
			x, dy, meanIn, invStdIn, workspace := parity.In(src), parity.In(diffDst), parity.In(m), parity.In(v), parity.Workspace(t, backward.WorkspaceBytes())
			y, mean, invStd, inPlace := parity.Out(t, size), parity.Out(t, statistics), parity.Out(t, statistics), parity.InOut(t, src)
			dx, dxInPlace := parity.Out(t, size), parity.InOut(t, diffDst)
			out := [][]float32{y, mean, invStd, inPlace, dx, dxInPlace}
			if scale {
				g, dg = parity.In(gamma), parity.Out(t, p.C)
				out = append(out, dg)
			}
			if center {
				b, db = parity.In(beta), parity.Out(t, p.C)
				out = append(out, db)
			}
			return func() {
				forward.Run(y, mean, invStd, x, g, b)
				forward.Run(inPlace, mean, invStd, inPlace, g, b)
				backward.Run(dx, nil, nil, dy, x, meanIn, invStdIn, g, workspace)
				backward.Run(dxInPlace, dg, db, dxInPlace, x, meanIn, invStdIn, g, workspace)
			}, out
		}, want...)
	})
}

func TestGroupReferenceGradients(t *testing.T) {
	for _, p := range []GroupParams{{N: 2, P: 5, C: 6, Groups: 3}, {N: 3, P: 4, C: 3, Groups: 3}, {N: 4, P: 1, C: 7, Groups: 1}, {N: 2, P: 3, C: 4, Groups: 1}} {
		p.Epsilon = 1e-3
		for _, affine := range []bool{true, false} {
			size, statistics := p.N*p.P*p.C, p.N*p.Groups
			src, diffDst, gamma, beta := parity.Normal(groupRNG, size), parity.Normal(groupRNG, size), parity.Normal(groupRNG, p.C), parity.Normal(groupRNG, p.C)
			if !affine {
				gamma, beta = nil, nil
			}
			dst, mean, invStd := make([]float64, size), make([]float64, statistics), make([]float64, statistics)
			numeric := func(x []float64) []float64 {
				at := append([]float64(nil), x...)
				g := fd.Gradient(nil, func(v []float64) (sum float64) {
					copy(x, v)
					ReferenceGroupForward(p, dst, mean, invStd, src, gamma, beta)
					for i, d := range dst {
						sum += d * diffDst[i]
					}
					return sum
				}, at, &fd.Settings{Formula: fd.Central, Step: 1e-5})
				copy(x, at)
				return g
			}
			want := [][]float64{numeric(src)}
			got := [][]float64{make([]float64, size), nil, nil}
			if affine {
				want = append(want, numeric(gamma), numeric(beta))
				got[1], got[2] = make([]float64, p.C), make([]float64, p.C)
			}
			ReferenceGroupForward(p, dst, mean, invStd, src, gamma, beta)
			ReferenceGroupBackward(p, got[0], got[1], got[2], diffDst, src, mean, invStd, gamma)
			for i := range want {
				assert.InDeltaSlice(t, want[i], got[i], 1e-7, "%+v, gradient %d", p, i)
			}
		}
	}
}

// TestGroupLargeMeans holds the deviation to 1e-6 where a sum of squares in float32 would have no digit left.
func TestGroupLargeMeans(t *testing.T) {
	for _, p := range []GroupParams{{N: 2, P: 900, C: 6, Groups: 2}, {N: 3, P: 1, C: 2000, Groups: 1}} {
		size := p.N * p.P * p.C
		src := parity.Normal(groupRNG, size)
		for i := range src {
			src[i] = float64(float32(1000 + src[i]))
		}
		dst, mean, invStd := make([]float64, size), make([]float64, p.N*p.Groups), make([]float64, p.N*p.Groups)
		ReferenceGroupForward(p, dst, mean, invStd, src, nil, nil)
		parity.Each(t, func(t *testing.T, dev *cpu.Device) {
			x, _ := newGroup(t, dev, p, p.P == 1)
			y, m, v := make([]float32, size), make([]float32, len(mean)), make([]float32, len(mean))
			x.Run(y, m, v, parity.In(src), nil, nil)
			for i := range m {
				require.InDelta(t, mean[i], m[i], 1e-4)
				require.InEpsilon(t, invStd[i], v[i], 1e-6)
			}
		})
	}
}

func TestGroupNoAllocation(t *testing.T) {
	for _, p := range []GroupParams{{N: 5, P: 30, C: 24, Groups: 6}, {N: 50, P: 1, C: 300, Groups: 1}} {
		size := p.N*p.P*p.C + 16
		a, b, c, s, v := make([]float32, size), make([]float32, size), make([]float32, size), make([]float32, p.N*p.Groups), make([]float32, p.C)
		parity.NoAllocation(t, func(t *testing.T, dev *cpu.Device) (func(), [][]float32) {
			forward, backward := newGroup(t, dev, p, p.P == 1)
			workspace := make([]float32, backward.WorkspaceBytes()/4)
			return func() {
				forward.Run(a, s, s, b, v, v)
				backward.Run(a, v, v, b, c, s, s, v, workspace)
			}, nil
		})
	}
}

func TestGroupErrors(t *testing.T) {
	dev := parity.Device(t, cpu.Portable, 1)
	_, err := NewGroupForward(dev, GroupParams{N: 1, P: 2, C: 3, Groups: 2})
	assert.EqualError(t, err, "norm: 2 groups of [1,2,3], want at least [1,1,1], and groups that divide the channels: shapes disagree")
	_, err = NewGroupBackward(dev, GroupParams{N: 0, P: 2, C: 3, Groups: 1})
	assert.ErrorIs(t, err, ops.ErrShape)
	_, err = NewGroupForward(dev, GroupParams{N: 1, P: 0, C: 0, Groups: 1})
	assert.ErrorIs(t, err, ops.ErrShape)
	_, err = NewGroupForward(dev, GroupParams{N: 1, P: 1, C: 1, Groups: 1, Epsilon: -1})
	assert.ErrorContains(t, err, "epsilon is -1")
	_, err = NewLayerForward(dev, Params{Rows: 1, C: 0})
	assert.ErrorIs(t, err, ops.ErrShape)
	_, err = NewLayerBackward(dev, Params{Rows: 0, C: 1})
	assert.ErrorIs(t, err, ops.ErrShape)
}
