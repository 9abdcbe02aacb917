package update

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

func TestAccumulatorParity(t *testing.T) {
	rng := rand.New(rand.NewPCG(21, 1))
	for _, n := range sizes {
		steps := [][]float64{parity.Normal(rng, n), parity.Normal(rng, n), parity.Normal(rng, n)}
		sums, last := make([]float64, n), append([]float64(nil), steps[2]...)
		for i, g := range [][]float64{steps[0], steps[1], last} {
			ReferenceAccumulate(g, sums, 3, i == 2)
		}
		kernel := func(t *testing.T, dev *cpu.Device) (func(), [][]float32) {
			x, err := NewAccumulator(dev, n, 3)
			require.NoError(t, err)
			a, b, c, sums := parity.In(steps[0]), parity.In(steps[1]), parity.InOut(t, steps[2]), parity.InOut(t, make([]float64, n))
			return func() { x.Add(a, sums); x.Add(b, sums); x.Finish(c, sums) }, [][]float32{c, sums}
		}
		// Two additions and a product, each rounded.
		parity.Check(t, kernel, parity.Want{Values: last, Tolerance: 3e-7}, parity.Want{Values: make([]float64, n)})
	}
}

// sideBySide are vectors without gaps between them.
func sideBySide(lengths ...int) (list []Array) {
	at := 0
	for _, n := range lengths {
		list = append(list, Array{at, ops.Shape{n}})
		at += n
	}
	return list
}

func TestClipParity(t *testing.T) {
	rng := rand.New(rand.NewPCG(22, 1))
	for _, lengths := range [][]int{{1}, {5, 1, 64}, {100, 129, 63}, {2*vec.FlatChunk + 7, 33, vec.FlatChunk}} {
		for _, rule := range []ops.ClipGradients{{Norm: 5}, {GlobalNorm: 9}, {GlobalNorm: 1e6}, {Value: 0.5}} {
			var flat []float64
			var gradients [][]float64
			for i, n := range lengths {
				g := parity.Normal(rng, n)
				for j := range g {
					g[j] *= math.Pow(10, float64(i-1)) // some longer than the norm, some not
					g[j] = float64(float32(g[j]))
				}
				flat, gradients = append(flat, g...), append(gradients, g)
			}
			ReferenceClip(rule, gradients)
			var want []float64
			for _, g := range gradients {
				want = append(want, g...)
			}
			kernel := func(t *testing.T, dev *cpu.Device) (func(), [][]float32) {
				x, err := NewClip(dev, sideBySide(lengths...), rule)
				require.NoError(t, err)
				grad := parity.InOut(t, flat)
				return func() { x.Run(grad) }, [][]float32{grad}
			}
			parity.Check(t, kernel, parity.Want{Values: want, Tolerance: 2e-7}) // the factor and the product are rounded
			parity.NoAllocation(t, kernel)
		}
	}
	_, err := NewClip(parity.Device(t, cpu.Portable, 1), sideBySide(3, 0), ops.ClipGradients{Norm: 1})
	assert.ErrorIs(t, err, ops.ErrShape)
	_, err = NewClip(parity.Device(t, cpu.Portable, 1), nil, ops.ClipGradients{Norm: 1})
	assert.ErrorIs(t, err, ops.ErrShape)
}

// Squares of large gradients are no float32; their norm is.
func TestLargeGradientsAreClipped(t *testing.T) {
	parity.Each(t, func(t *testing.T, dev *cpu.Device) {
		for _, rule := range []ops.ClipGradients{{Norm: 1}, {GlobalNorm: 1}} {
			x, err := NewClip(dev, sideBySide(100), rule)
			require.NoError(t, err)
			grad := make([]float32, 116)
			for i := range 100 {
				grad[i] = 1e30
			}
			x.Run(grad)
			assert.InDelta(t, 0.1, grad[7], 1e-7, "%v", rule)
		}
	})
}

func TestAveragesParity(t *testing.T) {
	rng := rand.New(rand.NewPCG(23, 1))
	for _, rule := range []ops.AverageWeights{{Momentum: 0.9}, {Momentum: 0.5, Overwrite: 3}, {Momentum: 0.8, Overwrite: 2, Every: 3}, {Momentum: 0.8, Every: 4}} {
		for _, n := range sizes {
			start, changes := parity.Normal(rng, n), [][]float64{}
			param, a := append([]float64(nil), start...), make([]float64, n)
			for step := range 9 {
				changes = append(changes, parity.Normal(rng, n))
				for i := range param {
					param[i] += changes[step][i]
				}
				ReferenceAverages(rule, param, a, int64(step+1))
			}
			kernel := func(t *testing.T, dev *cpu.Device) (func(), [][]float32) {
				x, err := NewAverages(dev, n, rule)
				require.NoError(t, err)
				param, a := parity.InOut(t, start), parity.InOut(t, make([]float64, n))
				return func() {
					for step, change := range changes {
						for i := range param {
							param[i] += float32(change[i])
						}
						x.Run(param, a, int64(step+1))
					}
				}, [][]float32{param, a}
			}
			// Nine steps, two products and two sums rounded in each.
			parity.Check(t, kernel, parity.Want{Values: param, Tolerance: 1e-6}, parity.Want{Values: a, Tolerance: 1e-6})
		}
	}
}

// The same bits on every instruction set: a run may be resumed on another machine.
func TestGradientsAgreeOnInstructionSets(t *testing.T) {
	rng := rand.New(rand.NewPCG(24, 1))
	const n = 1003
	grad, w := parity.Normal(rng, n), parity.Normal(rng, n)
	w[3], w[4], grad[4] = 0, math.Copysign(0, -1), math.Copysign(0, -1)
	run := func(t *testing.T, dev *cpu.Device) (bits []uint32) {
		accumulator, err := NewAccumulator(dev, n, 3)
		require.NoError(t, err)
		clip, err := NewClip(dev, sideBySide(n), ops.ClipGradients{Value: 0.7})
		require.NoError(t, err)
		averages, err := NewAverages(dev, n, ops.AverageWeights{Momentum: 0.9})
		require.NoError(t, err)
		regularize, err := NewRegularize(dev, []ops.Shape{{n}}, ops.Regularize{Each: []ops.Penalty{{L1: 0.1, L2: 0.3}}})
		require.NoError(t, err)
		g, sums, param, a := parity.In(grad), parity.In(w), parity.In(w), parity.In(grad)
		regularize.Run([][]float32{g}, [][]float32{param})
		accumulator.Finish(g, sums)
		clip.Run(g)
		averages.Run(param, a, 7)
		for i := range g {
			bits = append(bits, math.Float32bits(g[i]), math.Float32bits(a[i]))
		}
		return bits
	}
	want := run(t, parity.Device(t, cpu.Portable, 1))
	parity.Each(t, func(t *testing.T, dev *cpu.Device) { assert.Equal(t, want, run(t, dev)) })
}

func TestGradientsDoNotAllocate(t *testing.T) {
	const n = 3*vec.FlatChunk + 5
	a, b := make([]float32, n+16), make([]float32, n+16)
	parity.NoAllocation(t, func(t *testing.T, dev *cpu.Device) (func(), [][]float32) {
		accumulator, err := NewAccumulator(dev, n, 3)
		require.NoError(t, err)
		averages, err := NewAverages(dev, n, ops.AverageWeights{Momentum: 0.9})
		require.NoError(t, err)
		return func() { accumulator.Add(a, b); accumulator.Finish(a, b); averages.Run(a, b, 2) }, nil
	})
	dev := parity.Device(t, cpu.Portable, 1)
	_, err := NewAccumulator(dev, 0, 2)
	assert.ErrorIs(t, err, ops.ErrShape)
	_, err = NewAverages(dev, 0, ops.AverageWeights{})
	assert.ErrorIs(t, err, ops.ErrShape)
}
