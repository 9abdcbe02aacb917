package elementwise

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/meseta-go/meseta/kernels/cpu"
	"github.com/meseta-go/meseta/kernels/vec"
	"github.com/meseta-go/meseta/kernels/vec/parity"
	"github.com/meseta-go/meseta/ops"
)

var rng = rand.New(rand.NewPCG(1, 2))

// sizes are those of vectors, and those around a task's.
var sizes = append([]int{vec.FlatChunk - 1, vec.FlatChunk, vec.FlatChunk + 1, 3*vec.FlatChunk + 17}, parity.Sizes...)

// numbers are normal ones, and those that comparisons may get wrong.
func numbers(n int) []float32 {
	x := parity.Narrow(parity.Normal(rng, n))
	for i, special := range []float64{0, math.Copysign(0, -1), math.NaN(), math.Inf(1), math.Inf(-1), 1e-45, -1e-45} {
		if n > 40 {
			x[5*i+1] = float32(special)
		}
	}
	return x
}

func TestFlatParity(t *testing.T) {
	for _, n := range sizes {
		a, b := numbers(n), numbers(n)
		want := make([]float32, n)

		for _, activation := range []ops.Activation{ops.ReLU, ops.ReLU6} {
			wide := numbers(n) // beyond 6 too, and some 6 itself
			for i := range wide {
				if wide[i] *= 6; i%9 == 4 {
					wide[i] = 6
				}
			}
			ReferenceReLU(want, wide, activation)
			parity.Check(t, func(t *testing.T, dev *cpu.Device) (func(), [][]float32) {
				x, err := NewReLU(dev, n, activation)
				require.NoError(t, err)
				src, dst, same := parity.In(wide), parity.Out(t, n), parity.InOut(t, wide)
				return func() { x.Run(dst, src); x.Run(same, same) }, [][]float32{dst, same}
			}, parity.Exactly(want), parity.Exactly(want))

			ReferenceReLUBackward(want, a, wide, activation)
			parity.Check(t, func(t *testing.T, dev *cpu.Device) (func(), [][]float32) {
				x, err := NewReLUBackward(dev, n, activation)
				require.NoError(t, err)
				diffDst, dst, diffSrc, same := parity.In(a), parity.In(wide), parity.Out(t, n), parity.InOut(t, a)
				return func() { x.Run(diffSrc, diffDst, dst); x.Run(same, same, dst) }, [][]float32{diffSrc, same}
			}, parity.Exactly(want), parity.Exactly(want))
		}

		ReferenceAdd(want, a, b)
		parity.Check(t, func(t *testing.T, dev *cpu.Device) (func(), [][]float32) {
			x, err := NewAdd(dev, n)
			require.NoError(t, err)
			p, q, dst, same := parity.In(a), parity.In(b), parity.Out(t, n), parity.InOut(t, b)
			return func() { x.Run(dst, p, q); x.Run(same, p, same) }, [][]float32{dst, same}
		}, parity.Exactly(want), parity.Exactly(want))

		ReferenceAffine(want, a, 1/127.5, -1)
		parity.Check(t, func(t *testing.T, dev *cpu.Device) (func(), [][]float32) {
			x, err := NewAffine(dev, n, 1/127.5, -1)
			require.NoError(t, err)
			src, dst, same := parity.In(a), parity.Out(t, n), parity.InOut(t, a)
			return func() { x.Run(dst, src); x.Run(same, same) }, [][]float32{dst, same}
		}, parity.Exactly(want), parity.Exactly(want))
	}
}

func TestRowsParity(t *testing.T) {
	for _, shape := range rowShapes {
		rows, c := shape[0], shape[1]
		a, bias := parity.Normal(rng, rows*c), parity.Normal(rng, c)
		biased := make([]float32, rows*c)
		ReferenceBiasAdd(biased, parity.Narrow(a), parity.Narrow(bias))
		parity.Check(t, func(t *testing.T, dev *cpu.Device) (func(), [][]float32) {
			x, err := NewBiasAdd(dev, rows, c)
			require.NoError(t, err)
			src, b, dst, same := parity.In(a), parity.In(bias), parity.Out(t, rows*c), parity.InOut(t, a)
			return func() { x.Run(dst, src, b); x.Run(same, same, b) }, [][]float32{dst, same}
		}, parity.Exactly(biased), parity.Exactly(biased))

		sums := make([]float64, c)
		ReferenceColumnSum(sums, a)
		parity.Check(t, func(t *testing.T, dev *cpu.Device) (func(), [][]float32) {
			x, err := NewColumnSum(dev, rows, c)
			require.NoError(t, err)
			src, dst, workspace := parity.In(a), parity.Out(t, c), parity.Workspace(t, x.WorkspaceBytes())
			return func() { x.Run(dst, src, workspace) }, [][]float32{dst}
		}, parity.Want{Values: sums, Tolerance: 1e-7})
	}
}

// rowShapes have rows that vectors divide, that are repeated, and that are too long for that; one chunk and several.
var rowShapes = [][2]int{
	{1, 1}, {2, 1}, {70000, 1}, {5, 3}, {31, 3}, {20000, 3}, {9, 5}, {64, 7}, {1000, 10}, {4, 15}, {7, 16}, {2500, 16}, {3, 17}, {300, 17},
	{33, 24}, {1000, 32}, {50, 63}, {1001, 64}, {40, 65}, {12, 100}, {130, 511}, {3, 1000}, {70, 1001}, {70, 2048},
}

func TestNoAllocation(t *testing.T) {
	const rows, c = 3000, 10
	a, b := make([]float32, rows*c+16), make([]float32, rows*c+16)
	parity.NoAllocation(t, func(t *testing.T, dev *cpu.Device) (func(), [][]float32) {
		relu, err := NewReLU(dev, rows*c, ops.ReLU)
		require.NoError(t, err)
		reluBackward, err := NewReLUBackward(dev, rows*c, ops.ReLU6)
		require.NoError(t, err)
		add, err := NewAdd(dev, rows*c)
		require.NoError(t, err)
		affine, err := NewAffine(dev, rows*c, 2, 3)
		require.NoError(t, err)
		bias, err := NewBiasAdd(dev, rows, c)
		require.NoError(t, err)
		sum, err := NewColumnSum(dev, rows, c)
		require.NoError(t, err)
		workspace := make([]float32, sum.WorkspaceBytes()/4)
		return func() {
			relu.Run(a, b)
			reluBackward.Run(a, b, a)
			add.Run(a, a, b)
			affine.Run(a, b)
			bias.Run(a, b, b)
			sum.Run(a, b, workspace)
		}, nil
	})
}

func TestErrors(t *testing.T) {
	dev := parity.Device(t, cpu.Portable, 1)
	_, err := NewReLU(dev, 0, ops.ReLU)
	assert.ErrorIs(t, err, ops.ErrShape)
	assert.EqualError(t, err, "relu: 0 elements, want at least 1: shapes disagree")
	_, err = NewAdd(dev, -1)
	assert.ErrorIs(t, err, ops.ErrShape)
	_, err = NewBiasAdd(dev, 3, 0)
	assert.ErrorIs(t, err, ops.ErrShape)
	_, err = NewColumnSum(dev, 0, 3)
	assert.EqualError(t, err, "column sum: [0,3], want at least [1,1]: shapes disagree")
}
