//go:build nvidia && cgo

package kernels

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/meseta-go/meseta/ops"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// flags makes input `at` the flag that says whether a step is applied.
func flags(at int, apply int32) func(rng *rand.Rand, i int) any {
	return func(_ *rand.Rand, i int) any {
		if i == at {
			return []int32{apply}
		}
		return nil
	}
}

// penalties has what surrounds an optimizer, of weights of one piece and of several, and of more than a launch takes.
func penalties() (list []parity) {
	sizes := []ops.Type{f(1), f(3, 3, 2, 5), f(4096), f(70, 301), f(500, 101)}
	for _, w := range sizes {
		list = append(list,
			parity{op: ops.NonNegative{}, in: []ops.Type{w, ops.FlagType}, fill: flags(1, 1)},
			parity{op: ops.NonNegative{}, in: []ops.Type{w, ops.FlagType}, fill: flags(1, 0)})
	}
	for _, weights := range [][]ops.Type{sizes[:1], sizes, slices.Repeat([]ops.Type{f(5), f(3, 40)}, 150)} { // of one launch, and of three
		var each []ops.Penalty
		for i := range weights {
			each = append(each, []ops.Penalty{{L1: .1}, {L2: .2}, {L1: .3, L2: .05}}[i%3])
		}
		list = append(list,
			parity{op: ops.Penalties{Each: each}, in: weights, tolerance: functionsApart},
			parity{op: ops.Regularize{Each: each}, in: slices.Concat(weights, weights)})
	}
	for _, n := range []int{1, 7, 300} {
		list = append(list, parity{op: ops.Penalize{}, in: []ops.Type{f(n), ops.ScalarType}}, parity{op: ops.Penalize{}, in: []ops.Type{f(n), ops.ScalarType}, over: true})
	}
	pairs := slices.Repeat([]ops.Type{f(5), f(3, 40), f(4097)}, 2)
	for iterations := range int64(7) {
		for apply := range int32(2) {
			fill := func(_ *rand.Rand, i int) any {
				switch i {
				case 0:
					return []int64{iterations}
				case 1:
					return []int32{apply}
				}
				return nil
			}
			in := append([]ops.Type{ops.IterationsType, ops.FlagType}, pairs...)
			list = append(list, parity{op: ops.AccumulateGradients{Every: 3}, in: in, fill: fill})
			if iterations > 0 {
				list = append(list, parity{op: ops.AverageWeights{Momentum: .9}, in: in, fill: fill}, parity{op: ops.AverageWeights{Momentum: .9, Overwrite: 2, Every: 2}, in: in, fill: fill})
			}
		}
	}
	for _, w := range []struct {
		shape ops.Shape
		along []bool
	}{
		{ops.Shape{1}, []bool{true}},
		{ops.Shape{7}, []bool{false}},
		{ops.Shape{5, 3}, []bool{true, false}},
		{ops.Shape{5, 3}, []bool{false, true}},
		{ops.Shape{70, 65}, []bool{true, false}},
		{ops.Shape{3, 500}, []bool{false, true}},
		{ops.Shape{3, 3, 7, 40}, []bool{true, true, true, false}},
		{ops.Shape{3, 3, 7, 40}, []bool{true, true, false, false}},
		{ops.Shape{3, 4, 7, 40}, []bool{true, false, true, false}},
		{ops.Shape{3, 4, 7, 5}, []bool{true, false, false, true}},
		{ops.Shape{3, 4, 5, 6, 7}, []bool{false, true, false, true, true}},
		{ops.Shape{3, 4, 5}, []bool{true, true, true}},
	} {
		for _, o := range []ops.ConstrainNorm{{Max: 2, Rate: 1}, {Min: 1, Max: 1, Rate: 1}, {Min: .5, Max: 1.5, Rate: .25}} {
			o.Along = w.along
			for apply := range int32(2) {
				list = append(list, parity{op: o, in: []ops.Type{f(w.shape...), ops.FlagType}, fill: flags(1, apply), tolerance: functionsApart})
			}
		}
	}
	many := slices.Repeat([]ops.Type{f(5), f(3, 40)}, 150)
	large := []ops.Type{f(1), f(4096), f(4097), f(3, 3, 100, 40), f(17)}
	for _, apply := range []int32{0, 1} {
		for _, weights := range [][]ops.Type{{f(1)}, large, many} {
			for _, o := range []ops.ClipGradients{{Norm: 3}, {Norm: 1e4}, {GlobalNorm: 3}, {GlobalNorm: 1e4}, {Value: .5}} {
				list = append(list, parity{op: o, in: append([]ops.Type{ops.FlagType}, weights...), fill: flags(0, apply), tolerance: functionsApart})
			}
		}
	}
	return list
}

// rules has the optimizers that look at parameters as a whole, and Nadam, whose momentum depends on all steps before.
func rules() (list []parity) {
	type step struct {
		rule  ops.UpdateRule
		types []ops.Type
		apart float64
	}
	var steps []step
	weights := []ops.Type{f(3, 3, 2, 4), f(1), f(4096), f(70, 301)}
	for _, r := range []ops.UpdateRule{
		ops.Nadam{Beta1: .9, Beta2: .999, Epsilon: 1e-7}, ops.Nadam{Beta1: .99, Beta2: .999, Epsilon: 1e-7, WeightDecay: .1},
		ops.Lamb{Beta1: .9, Beta2: .999, Epsilon: 1e-7}, ops.Lamb{Beta1: .9, Beta2: .999, Epsilon: 1e-7, WeightDecay: .1},
	} {
		steps = append(steps, step{r, weights, sumsApart}, step{r, slices.Repeat([]ops.Type{f(5), f(3, 40)}, 100), sumsApart})
	}
	// A step of Newton and Schulz makes what is small of a matrix 3.4 times as large, rounding included.
	const fiveStepsApart = 2e-4
	muon := ops.Muon{Momentum: .95, A: 3.4445, B: -4.775, C: 2.0315, Steps: 5}
	nesterov, plain := muon, muon
	nesterov.Nesterov, nesterov.RMSRate, nesterov.WeightDecay = true, .2, .1
	plain.Steps = 1
	matrices := []ops.Type{f(5, 3), f(4, 70), f(1, 1), f(64, 64), f(300, 40)}
	steps = append(steps, step{muon, matrices, fiveStepsApart}, step{nesterov, matrices, fiveStepsApart}, step{plain, matrices, sumsApart * 4})
	for _, s := range steps {
		n := len(s.types)
		in := []ops.Type{ops.ScalarType, ops.IterationsType, ops.FlagType}
		for range 2 + s.rule.Slots() {
			in = append(in, s.types...)
		}
		for _, o := range []struct {
			ops.Optimize
			iterations int64
			apply      int32
		}{
			{ops.Optimize{}, 0, 1}, {ops.Optimize{RateFactor: .5}, 4, 1}, {ops.Optimize{Counted: true, Every: 3}, 1500, 1}, {ops.Optimize{}, 4, 0},
		} {
			o.Rule, o.Parameters = s.rule, n
			list = append(list, parity{op: o.Optimize, in: in, fill: func(rng *rand.Rand, i int) any {
				switch {
				case i == 0:
					return []float32{.01}
				case i == 1:
					return []int64{o.iterations}
				case i == 2:
					return []int32{o.apply}
				case i >= 3+2*n: // slots: what can be a mean of squares
					x := make([]float32, in[i].Shape.Size())
					for i := range x {
						x[i] = rng.Float32()
					}
					return x
				}
				return nil
			}, tolerance: s.apart})
		}
	}
	return list
}

// TestCUDAClearsBetweenGradients: what alignment leaves unused behind gradients is no matter to Finite, and 0 afterwards.
func TestCUDAClearsBetweenGradients(t *testing.T) {
	c := openCUDA(t)
	in := []ops.Type{ops.FlagType, f(3), f(5), f(16), f(4097)}
	k, err := c.Choose(ops.Finite{}, in, nil)
	require.NoError(t, err)
	m, err := c.Alloc(extent(in) * 4)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, m.Free()) })
	image := slices.Repeat([]float32{float32(math.NaN())}, extent(in))
	want := slices.Clone(image) // but for what is behind the losses
	var b Buffers
	for i, typ := range in {
		at, n := extent(in[:i]), typ.Shape.Size()
		b.In = append(b.In, Buffer{m, 4 * at, 4 * n})
		clear(image[at : at+n])
		clear(want[at : at+n])
		if i > 1 {
			clear(want[at : at+aligned(4*n)/4])
		}
	}
	image[0], want[0] = math.Float32frombits(1), math.Float32frombits(1) // the flag
	octets, err := binary.Append(nil, binary.NativeEndian, image)
	require.NoError(t, err)
	m.Write(0, octets)
	require.NoError(t, c.Sequence([]func(){k.Bind(b)})())
	m.Read(0, octets)
	wanted, err := binary.Append(nil, binary.NativeEndian, want)
	require.NoError(t, err)
	assert.Equal(t, wanted, octets)
}
