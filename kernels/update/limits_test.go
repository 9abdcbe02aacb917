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

// regularized are weights of each of the sizes with each of the penalties.
func regularized(rng *rand.Rand) (shapes []ops.Shape, list []ops.Penalty, weights [][]float64) {
	for _, n := range sizes {
		for _, p := range penalties {
			w := parity.Normal(rng, n)
			w[n/2] = 0
			shapes, list, weights = append(shapes, ops.Shape{n}), append(list, p), append(weights, w)
		}
	}
	return shapes, list, weights
}

func TestPenaltyParity(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	shapes, list, weights := regularized(rng)
	total := []float64{0}
	wants := []parity.Want{{Values: total, Tolerance: 2e-7}} // only the factors and the result are rounded
	var grads [][]float64
	for i, w := range weights {
		grad, want := parity.Normal(rng, len(w)), make([]float64, len(w))
		ReferenceRegularize(list[i], want, grad, w)
		total[0] += ReferencePenalty(list[i], w)
		grads, wants = append(grads, grad), append(wants, parity.Want{Values: want, Tolerance: 2e-7}) // the factors and the result are rounded
	}
	parity.Check(t, func(t *testing.T, dev *cpu.Device) (func(), [][]float32) {
		p, err := NewPenalties(dev, shapes, ops.Penalties{Each: list})
		require.NoError(t, err)
		r, err := NewRegularize(dev, shapes, ops.Regularize{Each: list})
		require.NoError(t, err)
		out := [][]float32{parity.Out(t, 1)}
		var w [][]float32
		for i, g := range grads {
			w, out = append(w, parity.In(weights[i])), append(out, parity.InOut(t, g))
		}
		return func() {
			out[0][0] = p.Run(w)
			r.Run(out[1:], w)
		}, out
	}, wants...)
}

// Regularize adds the gradient of what Penalties adds.
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
		ReferenceRegularize(rule, got, make([]float64, len(w)), w)
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
	_, err = NewPenalties(dev, []ops.Shape{{3}, {0}}, ops.Penalties{})
	assert.ErrorIs(t, err, ops.ErrShape)
	_, err = NewRegularize(dev, []ops.Shape{{3}, {0}}, ops.Regularize{})
	assert.ErrorIs(t, err, ops.ErrShape)
}

func TestPenaltyDoesNotAllocate(t *testing.T) {
	const n = 3*vec.FlatChunk + 5
	shapes, w := []ops.Shape{{n}, {7}}, [][]float32{make([]float32, n+16), make([]float32, 7+16)}
	parity.NoAllocation(t, func(t *testing.T, dev *cpu.Device) (func(), [][]float32) {
		p, err := NewPenalties(dev, shapes, ops.Penalties{Each: penalties[1:]})
		require.NoError(t, err)
		r, err := NewRegularize(dev, shapes, ops.Regularize{Each: penalties[1:]})
		require.NoError(t, err)
		return func() { p.Run(w); r.Run(w, w) }, nil
	})
}
