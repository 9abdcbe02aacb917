package reduce

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

var rng = rand.New(rand.NewPCG(5, 6))

// cases have everything reduced and nothing, leading, trailing, inner and alternating dimensions, and sizes around those of tasks.
var cases = []struct {
	s    ops.Shape
	axes []int
}{
	{ops.Shape{}, nil}, {ops.Shape{1}, nil}, {ops.Shape{7}, nil}, {ops.Shape{1, 3, 1}, []int{0}}, {ops.Shape{3, 1, 5}, []int{1}},
	{ops.Shape{4, 5}, []int{0}}, {ops.Shape{4, 5}, []int{1}}, {ops.Shape{4, 5}, []int{0, 1}},
	{ops.Shape{3, 4, 5}, []int{1}}, {ops.Shape{3, 4, 5}, []int{0, 2}}, {ops.Shape{3, 4, 5, 6}, []int{1, 2}},
	{ops.Shape{3, 4, 5, 6}, []int{0, 2}}, {ops.Shape{3, 4, 5, 6}, []int{-1, 1}}, {ops.Shape{2, 3, 2, 3, 2, 3}, []int{0, 2, 4}},
	{ops.Shape{taskElements + 1}, nil}, {ops.Shape{5*taskElements + 3}, nil}, {ops.Shape{3, 5 * taskElements}, []int{1}},
	{ops.Shape{9000, 10}, []int{0}}, {ops.Shape{9000, 10}, []int{1}}, {ops.Shape{5, 2*columns + 3}, []int{0}},
	{ops.Shape{70, 2*columns + 3}, []int{0}}, {ops.Shape{3, 300, 130}, []int{1}}, {ops.Shape{130, 300, 3}, []int{0, 2}},
}

func TestParity(t *testing.T) {
	for _, f := range []ops.ReduceFunc{ops.Sum, ops.Mean, ops.Max, ops.Min} {
		for _, c := range cases {
			over, err := ops.Reduce{Axes: c.axes}.Over(c.s)
			require.NoError(t, err)
			out, err := ops.Reduce{Axes: c.axes}.Infer([]ops.Type{{Shape: c.s}})
			require.NoError(t, err)
			n, m := c.s.Size(), out[0].Shape.Size()
			src, want := parity.Normal(rng, n), make([]float64, m)
			if f >= ops.Max && n > 30 {
				src[rng.IntN(n)] = math.NaN()
			}
			Reference(f, c.s, over, want, src)
			w := parity.Want{Values: want, Tolerance: 1e-7} // rounded once; Scale: what cancels is of the size of a sum of magnitudes
			if f >= ops.Max {
				w.Tolerance = 0
			} else {
				w.Scale = math.Sqrt(float64(n / m))
			}
			t.Run(fmt.Sprintf("%v of %v over %v", f, c.s, c.axes), func(t *testing.T) {
				parity.Check(t, func(t *testing.T, dev *cpu.Device) (func(), [][]float32) {
					x, err := New(dev, f, c.s, over)
					require.NoError(t, err)
					in, dst, workspace := parity.In(src), parity.Out(t, m), parity.Workspace(t, x.WorkspaceBytes())
					return func() { x.Run(dst, in, workspace) }, [][]float32{dst}
				}, w)
			})
		}
	}
}

// TestSumsAreKeptInFloat64: in float32 the small ones would be lost.
func TestSumsAreKeptInFloat64(t *testing.T) {
	dev := parity.Device(t, cpu.Detect(), 2)
	const n = 4096
	for _, axes := range [][]int{{0}, {1}} {
		s := ops.Shape{n, n}
		s[1-axes[0]] = 2
		src := make([]float32, 2*n)
		for i := range src {
			src[i] = 1e-4
		}
		src[0], src[2*n-1] = 1e4, -1e4
		over, err := ops.Reduce{Axes: axes}.Over(s)
		require.NoError(t, err)
		x, err := New(dev, ops.Sum, s, over)
		require.NoError(t, err)
		dst := make([]float32, 2)
		x.Run(dst, src, make([]float32, x.WorkspaceBytes()/4))
		assert.InDelta(t, 1e4+(n-1)*1e-4, dst[0], 1e-3)
		assert.InDelta(t, -1e4+(n-1)*1e-4, dst[1], 1e-3)
	}
}

func TestArgMax(t *testing.T) {
	for _, shape := range [][2]int{{1, 1}, {7, 3}, {100, 10}, {5, taskElements + 1}, {2*taskElements + 5, 2}} {
		rows, c := shape[0], shape[1]
		src := parity.Narrow(parity.Normal(rng, rows*c))
		for i := range min(rows*c/3, 20) {
			src[3*i] = 2 // ties
		}
		if rows > 5 {
			src[5*c+c-1] = float32(math.NaN())
		}
		want := make([]int32, rows)
		ReferenceArgMax(c, want, src)
		for _, threads := range []int{1, 2, 3, 5} {
			x, err := NewArgMax(parity.Device(t, cpu.Portable, threads), rows, c)
			require.NoError(t, err)
			got := make([]int32, rows)
			x.Run(got, src)
			require.Equal(t, want, got)
		}
	}
	_, err := NewArgMax(parity.Device(t, cpu.Portable, 1), 1, 0)
	assert.ErrorIs(t, err, ops.ErrShape)
}

// TestGradients: what ops emits as gradient of a maximum, 1 for its element, and of a mean, is that of the reference.
func TestGradients(t *testing.T) {
	s, over := ops.Shape{3, 4, 2}, []bool{false, true, false}
	x, d := parity.Normal(rng, s.Size()), parity.Normal(rng, 6)
	for _, f := range []ops.ReduceFunc{ops.Sum, ops.Mean, ops.Max, ops.Min} {
		loss := func(x []float64) (sum float64) {
			y := make([]float64, 6)
			Reference(f, s, over, y, x)
			for i := range y {
				sum += y[i] * d[i]
			}
			return sum
		}
		y := make([]float64, 6)
		Reference(f, s, over, y, x)
		got := make([]float64, len(x))
		for i := range x {
			o := i/8*2 + i%2
			switch {
			case f == ops.Sum, f >= ops.Max && x[i] == y[o]:
				got[i] = d[o]
			case f == ops.Mean:
				got[i] = d[o] / 4
			}
		}
		assert.InDeltaSlice(t, fd.Gradient(nil, loss, x, &fd.Settings{Formula: fd.Central, Step: 1e-6}), got, 1e-8)
	}
}

func TestNoAllocation(t *testing.T) {
	s := ops.Shape{64, 30, 40}
	src, dst, indices := make([]float32, s.Size()), make([]float32, s.Size()), make([]int32, s.Size())
	parity.NoAllocation(t, func(t *testing.T, dev *cpu.Device) (func(), [][]float32) {
		var kernels []*Reduce
		for _, over := range [][]bool{{true, true, true}, {false, true, false}, {true, false, true}, {true, false, false}} {
			x, err := New(dev, ops.Mean, s, over)
			require.NoError(t, err)
			kernels = append(kernels, x)
		}
		workspace := make([]float32, 1<<20)
		most, err := NewArgMax(dev, 64*30, 40)
		require.NoError(t, err)
		return func() {
			for _, x := range kernels {
				x.Run(dst, src, workspace)
			}
			most.Run(indices, src)
		}, nil
	})
}
