package update

import (
	_ "embed"
	"encoding/json"
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

// rules are every loop, with decay and without.
var rules = []ops.UpdateRule{
	ops.SGD{},
	ops.SGD{WeightDecay: 0.01},
	ops.SGD{Momentum: 0.9},
	ops.SGD{Momentum: 0.9, WeightDecay: 1e-4},
	ops.SGD{Momentum: 0.8, Nesterov: true},
	ops.SGD{Momentum: 0.9, Nesterov: true, WeightDecay: 5e-4},
	ops.Adam{Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-7},
	ops.Adam{Beta1: 0.8, Beta2: 0.99, Epsilon: 1e-3, WeightDecay: 0.01},
	ops.RMSprop{Rho: 0.9, Epsilon: 1e-7},
	ops.RMSprop{Rho: 0.8, Epsilon: 1e-3, Momentum: 0.9, WeightDecay: 0.01},
	ops.RMSprop{Rho: 0.9, Epsilon: 1e-7, Centered: true},
	ops.RMSprop{Rho: 0.9, Epsilon: 1e-5, Momentum: 0.5, Centered: true, WeightDecay: 0.1},
	ops.Adagrad{Epsilon: 1e-7},
	ops.Adagrad{Epsilon: 1e-2, WeightDecay: 0.01},
	ops.Adadelta{Rho: 0.95, Epsilon: 1e-7},
	ops.Adadelta{Rho: 0.9, Epsilon: 1e-3, WeightDecay: 0.01},
	ops.Adamax{Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-7},
	ops.Adamax{Beta1: 0.8, Beta2: 0.9, Epsilon: 1e-3, WeightDecay: 0.01},
	ops.Nadam{Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-7},
	ops.Nadam{Beta1: 0.8, Beta2: 0.99, Epsilon: 1e-3, WeightDecay: 0.01},
	ops.Lion{Beta1: 0.9, Beta2: 0.99},
	ops.Lion{Beta1: 0.95, Beta2: 0.98, WeightDecay: 0.1},
}

var sizes = append([]int{vec.FlatChunk - 1, vec.FlatChunk + 1, 2*vec.FlatChunk + 39}, parity.Sizes...)

// start makes n parameters and gradients, and slots that earlier steps could have left: sizes are positive, and the mean of squares
// is larger than the square of the mean, far enough that float32 can tell their difference.
func start(rng *rand.Rand, rule ops.UpdateRule, n int) (a Arrays[float64]) {
	a.Param, a.Grad = parity.Normal(rng, n), parity.Normal(rng, n)
	for i := range rule.Slots() {
		a.Slots[i] = parity.Normal(rng, n)
		_, lion := rule.(ops.Lion)
		_, sgd := rule.(ops.SGD)
		for j, x := range a.Slots[i] {
			if !lion && !sgd {
				a.Slots[i][j] = float64(float32(1 + x*x))
			}
		}
	}
	if r, ok := rule.(ops.RMSprop); ok && r.Centered {
		_, average := rmspropSlots(r, a)
		for j := range average {
			average[j] = float64(float32(a.Param[j] / (2 + math.Abs(a.Param[j]))))
		}
	}
	return a
}

func clone(a Arrays[float64]) Arrays[float64] {
	b := Arrays[float64]{Param: append([]float64(nil), a.Param...), Grad: a.Grad}
	for i, s := range a.Slots {
		b.Slots[i] = append([]float64(nil), s...)
	}
	return b
}

// buffers puts a where a kernel wants it, guarded; written are the arrays that it changes.
func buffers(t *testing.T, rule ops.UpdateRule, a Arrays[float64]) (b Arrays[float32], written [][]float32) {
	b = Arrays[float32]{Param: parity.InOut(t, a.Param), Grad: parity.In(a.Grad)}
	written = [][]float32{b.Param}
	for i := range rule.Slots() {
		b.Slots[i] = parity.InOut(t, a.Slots[i])
		written = append(written, b.Slots[i])
	}
	return b, written
}

func TestParity(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for i, rule := range rules {
		for j, n := range sizes {
			if j > 2 && (i+j)%2 == 0 || j <= 2 && (i+j)%3 != 0 {
				continue // each rule with a large size and half of the small ones
			}
			a := start(rng, rule, n)
			want := clone(a)
			Reference(rule, want, 0.1, 3)
			Reference(rule, want, 0.05, 4)
			wants := []parity.Want{{Values: want.Param, Tolerance: 4e-7}}
			for s := range rule.Slots() {
				wants = append(wants, parity.Want{Values: want.Slots[s], Tolerance: 3e-7})
			}
			t.Run(rule.String(), func(t *testing.T) {
				parity.Check(t, func(t *testing.T, dev *cpu.Device) (func(), [][]float32) {
					x, err := New(dev, n, rule)
					require.NoError(t, err)
					b, written := buffers(t, rule, a)
					return func() { x.Run(b, 0.1, 3); x.Run(b, 0.05, 4) }, written
				}, wants...)
			})
		}
	}
}

// The same bits on every instruction set: a run may be resumed on another machine.
func TestInstructionSetsAgree(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	const n = 1003
	var starts []Arrays[float64]
	for _, rule := range rules {
		a := start(rng, rule, n)
		a.Grad[7], a.Grad[8], a.Param[9] = 0, math.Copysign(0, -1), 0
		starts = append(starts, a)
	}
	run := func(dev *cpu.Device) (bits [][]uint32) {
		for i, rule := range rules {
			b, written := buffers(t, rule, starts[i])
			x, err := New(dev, n, rule)
			require.NoError(t, err)
			x.Run(b, 0.1, 3)
			for _, array := range written {
				row := make([]uint32, n)
				for j, v := range array {
					row[j] = math.Float32bits(v)
				}
				bits = append(bits, row)
			}
		}
		return bits
	}
	want := run(parity.Device(t, cpu.Portable, 1))
	parity.Each(t, func(t *testing.T, dev *cpu.Device) { assert.Equal(t, want, run(dev)) })
}

// A gradient that stays the same leaves the centered form no variance but what rounding makes of it; weights stay finite.
func TestCenteredStaysFinite(t *testing.T) {
	rule := ops.RMSprop{Rho: 0.9, Epsilon: 1e-7, Centered: true}
	parity.Each(t, func(t *testing.T, dev *cpu.Device) {
		const n = 33
		x, err := New(dev, n, rule)
		require.NoError(t, err)
		a := Arrays[float32]{Param: make([]float32, n+16), Grad: make([]float32, n+16), Slots: [MaxSlots][]float32{make([]float32, n+16), make([]float32, n+16)}}
		for i := range n {
			a.Grad[i] = 100 + float32(i)/7
		}
		negative := false
		for step := range int64(200) {
			x.Run(a, 0.001, step+1)
			for i := range n {
				negative = negative || a.Slots[0][i]-float32(a.Slots[1][i]*a.Slots[1][i])+1e-7 < 0
			}
		}
		assert.True(t, negative, "the case is met")
		assert.True(t, ReferenceFinite(a.Param))
	})
}

// Nadam's product of momenta is a function of the step, whichever step came before.
func TestNadamResumes(t *testing.T) {
	rule := ops.Nadam{Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-7}
	dev := parity.Device(t, cpu.Portable, 1)
	fresh := func(step int64) [3]float32 {
		x, err := New(dev, 1, rule)
		require.NoError(t, err)
		return x.prepare(0.1, step)
	}
	x, err := New(dev, 1, rule)
	require.NoError(t, err)
	for _, step := range []int64{1, 2, 3, 9, 4, 5, 5, 100000, 1} {
		assert.Equal(t, fresh(step), x.prepare(0.1, step), "step %d", step)
	}
	assert.Equal(t, float32(1), rule.Product(0))
	assert.InDelta(t, 0.9*0.52*0.9*0.5392, rule.Product(2), 1e-7)
}

func TestFinite(t *testing.T) {
	parity.Each(t, func(t *testing.T, dev *cpu.Device) {
		for _, n := range append([]int{3*vec.FlatChunk + 5}, parity.Sizes...) {
			x, err := NewFinite(dev, n)
			require.NoError(t, err)
			values := make([]float64, n)
			for i := range values {
				values[i] = math.MaxFloat32 * float64(1-i%3)
			}
			src := parity.In(values)
			require.True(t, x.Run(src), "%d elements", n)
			require.True(t, ReferenceFinite(src))
			for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
				for _, at := range []int{0, n / 3, n / 2, n - 1} {
					kept := src[at]
					src[at] = float32(bad)
					require.False(t, x.Run(src), "%v at %d of %d", bad, at, n)
					require.False(t, ReferenceFinite(src))
					src[at] = kept
				}
			}
			require.True(t, x.Run(src), "%d elements", n)
		}
	})
}

//go:embed testdata/keras.json
var kerasJSON []byte

// kerasConfig has the arguments that the cases of the golden give.
type kerasConfig struct {
	LearningRate float32  `json:"learning_rate"`
	WeightDecay  float32  `json:"weight_decay"`
	Accumulator  *float32 `json:"initial_accumulator_value"`
	Beta1        *float32 `json:"beta_1"`
	Beta2        *float32 `json:"beta_2"`
	Rho, Epsilon *float32
	Momentum     float32
	Nesterov     bool
	Centered     bool
}

// rule is what a case stands for; or gives Keras's default of an argument.
func (c kerasConfig) rule(kind string) ops.UpdateRule {
	or := func(x *float32, missing float32) float32 {
		if x != nil {
			return *x
		}
		return missing
	}
	epsilon, decay := or(c.Epsilon, 1e-7), c.WeightDecay
	switch kind {
	case "SGD":
		return ops.SGD{Momentum: c.Momentum, WeightDecay: decay, Nesterov: c.Nesterov}
	case "Adam", "AdamW":
		if kind == "AdamW" && decay == 0 {
			decay = 0.004
		}
		return ops.Adam{Beta1: or(c.Beta1, 0.9), Beta2: or(c.Beta2, 0.999), Epsilon: epsilon, WeightDecay: decay}
	case "RMSprop":
		return ops.RMSprop{Rho: or(c.Rho, 0.9), Momentum: c.Momentum, Epsilon: epsilon, WeightDecay: decay, Centered: c.Centered}
	case "Adagrad":
		return ops.Adagrad{Epsilon: epsilon, WeightDecay: decay}
	case "Adadelta":
		return ops.Adadelta{Rho: or(c.Rho, 0.95), Epsilon: epsilon, WeightDecay: decay}
	case "Adamax":
		return ops.Adamax{Beta1: or(c.Beta1, 0.9), Beta2: or(c.Beta2, 0.999), Epsilon: epsilon, WeightDecay: decay}
	case "Nadam":
		return ops.Nadam{Beta1: or(c.Beta1, 0.9), Beta2: or(c.Beta2, 0.999), Epsilon: epsilon, WeightDecay: decay}
	case "Lion":
		return ops.Lion{Beta1: or(c.Beta1, 0.9), Beta2: or(c.Beta2, 0.99), WeightDecay: decay}
	}
	return nil
}

func TestKeras(t *testing.T) {
	var golden struct {
		Param []float32
		Grads [][]float32
		Cases []struct {
			Kind   string
			Config kerasConfig
			After  [][]float32
		}
	}
	require.NoError(t, json.Unmarshal(kerasJSON, &golden))
	require.Len(t, golden.Cases, 24)
	n := len(golden.Param)
	for _, k := range golden.Cases {
		rule := k.Config.rule(k.Kind)
		require.NotNil(t, rule, k.Kind)
		require.Len(t, k.After, 10)
		parity.Each(t, func(t *testing.T, dev *cpu.Device) {
			a := Arrays[float32]{Param: parity.In(golden.Param)}
			for i := range rule.Slots() {
				a.Slots[i] = parity.In(make([]float32, n))
			}
			if k.Kind == "Adagrad" {
				first := float32(0.1)
				if k.Config.Accumulator != nil {
					first = *k.Config.Accumulator
				}
				for i := range a.Slots[0] {
					a.Slots[0][i] = first
				}
			}
			x, err := New(dev, n, rule)
			require.NoError(t, err)
			for i, grad := range golden.Grads {
				a.Grad = parity.In(grad)
				x.Run(a, k.Config.LearningRate, int64(i+1))
				for j, want := range k.After[i] {
					require.InDelta(t, want, a.Param[j], 1e-6*max(1, math.Abs(float64(want))), "%s %v, step %d, element %d", k.Kind, rule, i+1, j)
				}
			}
		})
	}
}

func TestNoAllocation(t *testing.T) {
	const n = 40000
	a := Arrays[float32]{Param: make([]float32, n+16), Grad: make([]float32, n+16)}
	for i := range a.Slots {
		a.Slots[i] = make([]float32, n+16)
	}
	for _, rule := range rules {
		parity.NoAllocation(t, func(t *testing.T, dev *cpu.Device) (func(), [][]float32) {
			x, err := New(dev, n, rule)
			require.NoError(t, err)
			step := int64(0)
			return func() { step++; x.Run(a, 0.1, step) }, nil
		})
	}
	parity.NoAllocation(t, func(t *testing.T, dev *cpu.Device) (func(), [][]float32) {
		finite, err := NewFinite(dev, n)
		require.NoError(t, err)
		return func() { finite.Run(a.Param) }, nil
	})
}

type unknownRule struct{ ops.SGD }

func TestErrors(t *testing.T) {
	dev := parity.Device(t, cpu.Portable, 1)
	for _, rule := range rules {
		_, err := New(dev, 0, rule)
		assert.ErrorIs(t, err, ops.ErrShape)
	}
	_, err := New(dev, 1, unknownRule{})
	assert.ErrorIs(t, err, ErrRule)
	_, err = NewFinite(dev, 0)
	assert.ErrorIs(t, err, ops.ErrShape)
}
