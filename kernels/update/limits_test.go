package update

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/diff/fd"

	"github.com/meseta-go/meseta/kernels/cpu"
	"github.com/meseta-go/meseta/kernels/vec"
	"github.com/meseta-go/meseta/kernels/vec/parity"
	"github.com/meseta-go/meseta/ops"
)

var penalties = []ops.Penalty{{L1: 0.01}, {L2: 0.02}, {L1: 0.3, L2: 0.1}}

func TestPenaltyParity(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	for _, rule := range penalties {
		for _, n := range sizes {
			w, grad := parity.Normal(rng, n), parity.Normal(rng, n)
			w[n/2] = 0
			want := make([]float64, n)
			ReferenceRegularize(ops.Regularize(rule), want, grad, w)
			parity.Check(t, func(t *testing.T, dev *cpu.Device) (func(), [][]float32) {
				p, err := NewPenalty(dev, n, rule)
				require.NoError(t, err)
				r, err := NewRegularize(dev, n, ops.Regularize(rule))
				require.NoError(t, err)
				in, g, total, out, same := parity.In(w), parity.In(grad), parity.Out(t, 1), parity.Out(t, n), parity.InOut(t, grad)
				return func() {
					total[0] = p.Run(in)
					r.Run(out, g, in)
					r.Run(same, same, in)
				}, [][]float32{total, out, same}
				// Sums are in float64, so only the factors and the result are rounded.
			}, parity.Want{Values: []float64{ReferencePenalty(rule, w)}, Tolerance: 2e-7}, parity.Want{Values: want, Tolerance: 2e-7}, parity.Want{Values: want, Tolerance: 2e-7})
		}
	}
}

// Regularize adds the gradient of Penalty.
func TestRegularizeIsPenaltysGradient(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 8))
	for _, rule := range penalties {
		w := parity.Normal(rng, 31)
		for i := range w { // off the kink at 0
			if w[i] > 0 {
				w[i] += 0.1
			} else {
				w[i] -= 0.1
			}
		}
		want := fd.Gradient(nil, func(w []float64) float64 { return ReferencePenalty(rule, w) }, w, &fd.Settings{Formula: fd.Central})
		got := make([]float64, len(w))
		ReferenceRegularize(ops.Regularize(rule), got, make([]float64, len(w)), w)
		assert.InDeltaSlice(t, want, got, 1e-8)
	}
}

func TestConstraintParity(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 8))
	for _, c := range []struct {
		shape ops.Shape
		rule  ops.ConstrainNorm
	}{
		{ops.Shape{5}, ops.ConstrainNorm{Min: 1, Max: 1, Rate: 1, Along: []bool{true}}},
		{ops.Shape{7}, ops.ConstrainNorm{Max: 0.5, Rate: 1, Along: []bool{false}}},
		{ops.Shape{300, 70}, ops.ConstrainNorm{Max: 2, Rate: 1, Along: []bool{true, false}}},
		{ops.Shape{30, 129}, ops.ConstrainNorm{Max: 2, Rate: 1, Along: []bool{false, true}}},
		{ops.Shape{30, 1290}, ops.ConstrainNorm{Max: 2, Rate: 1, Along: []bool{true, true}}},
		{ops.Shape{3, 3, 8, 65}, ops.ConstrainNorm{Min: 9, Max: 10, Rate: 0.3, Along: []bool{true, true, true, false}}},
		{ops.Shape{3, 2, 8, 65}, ops.ConstrainNorm{Min: 1, Max: 2, Rate: 0.9, Along: []bool{true, false, true, false}}},
		{ops.Shape{2, 3, 300, 64}, ops.ConstrainNorm{Min: 1, Max: 2, Rate: 1, Along: []bool{true, false, false, false}}},
		{ops.Shape{4, 3, 5, 6}, ops.ConstrainNorm{Min: 1, Max: 1, Rate: 1, Along: []bool{true, false, false, true}}},
		{ops.Shape{4, 3, 5, 6}, ops.ConstrainNorm{Max: 1, Rate: 1, Along: []bool{false, true, false, true}}},
		{ops.Shape{400, 30, 5}, ops.ConstrainNorm{Max: 1, Rate: 1, Along: []bool{false, false, true}}},
	} {
		n := c.shape.Size()
		w := parity.Normal(rng, n)
		want, positive := append([]float64(nil), w...), append([]float64(nil), w...)
		ReferenceConstrainNorm(c.rule, c.shape, want)
		ReferenceNonNegative(positive)
		kernel := func(t *testing.T, dev *cpu.Device) (func(), [][]float32) {
			x, err := NewConstrainNorm(dev, c.shape, c.rule)
			require.NoError(t, err)
			y, err := NewNonNegative(dev, n)
			require.NoError(t, err)
			a, b := parity.InOut(t, w), parity.InOut(t, w)
			return func() { x.Run(a); y.Run(b) }, [][]float32{a, b}
		}
		// A product of two rounded numbers.
		parity.Check(t, kernel, parity.Want{Values: want, Tolerance: 2e-7}, parity.Want{Values: positive})
		parity.NoAllocation(t, kernel)
	}
	dev := parity.Device(t, cpu.Portable, 1)
	_, err := NewConstrainNorm(dev, ops.Shape{2, 3}, ops.ConstrainNorm{Along: []bool{true}})
	assert.ErrorIs(t, err, ops.ErrShape)
	_, err = NewConstrainNorm(dev, ops.Shape{2, 0}, ops.ConstrainNorm{Along: []bool{true, false}})
	assert.ErrorIs(t, err, ops.ErrShape)
	_, err = NewNonNegative(dev, 0)
	assert.ErrorIs(t, err, ops.ErrShape)
	_, err = NewPenalty(dev, 0, ops.Penalty{})
	assert.ErrorIs(t, err, ops.ErrShape)
	_, err = NewRegularize(dev, 0, ops.Regularize{})
	assert.ErrorIs(t, err, ops.ErrShape)
}

func TestPenaltyDoesNotAllocate(t *testing.T) {
	const n = 3*vec.FlatChunk + 5
	w := make([]float32, n+16)
	parity.NoAllocation(t, func(t *testing.T, dev *cpu.Device) (func(), [][]float32) {
		p, err := NewPenalty(dev, n, penalties[2])
		require.NoError(t, err)
		r, err := NewRegularize(dev, n, ops.Regularize(penalties[2]))
		require.NoError(t, err)
		return func() { p.Run(w); r.Run(w, w, w) }, nil
	})
}
