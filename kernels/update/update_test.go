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

var sgds = []SGD{
	{},
	{WeightDecay: 0.01},
	{Momentum: 0.9},
	{Momentum: 0.9, WeightDecay: 1e-4},
	{Momentum: 0.8, Nesterov: true},
	{Momentum: 0.9, Nesterov: true, WeightDecay: 5e-4},
}

var adams = []Adam{
	{Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-7},
	{Beta1: 0.8, Beta2: 0.99, Epsilon: 1e-3, WeightDecay: 0.01},
}

var sizes = append([]int{vec.FlatChunk - 1, vec.FlatChunk + 1, 2*vec.FlatChunk + 39}, parity.Sizes...)

func TestSGDParity(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for i, n := range sizes {
		p := sgds[i%len(sgds)]
		param, grad, velocity := parity.Normal(rng, n), parity.Normal(rng, n), parity.Normal(rng, n)
		wantParam, wantVelocity := append([]float64(nil), param...), append([]float64(nil), velocity...)
		ReferenceSGD(p, wantParam, grad, wantVelocity, 0.1)
		ReferenceSGD(p, wantParam, grad, wantVelocity, 0.2)
		parity.Check(t, func(t *testing.T, dev *cpu.Device) (func(), [][]float32) {
			x, err := NewSGD(dev, n, p)
			require.NoError(t, err)
			w, g, v := parity.InOut(t, param), parity.In(grad), parity.InOut(t, velocity)
			if p.Momentum == 0 {
				return func() { x.Run(w, g, nil, 0.1); x.Run(w, g, nil, 0.2) }, [][]float32{w, v}
			}
			return func() { x.Run(w, g, v, 0.1); x.Run(w, g, v, 0.2) }, [][]float32{w, v}
		}, parity.Want{Values: wantParam, Tolerance: 2e-7}, parity.Want{Values: wantVelocity, Tolerance: 2e-7})
	}
}

func TestAdamParity(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for i, n := range sizes {
		p := adams[i%len(adams)]
		param, grad, m, v := parity.Normal(rng, n), parity.Normal(rng, n), parity.Normal(rng, n), parity.Normal(rng, n)
		for j := range v {
			v[j] *= v[j]
		}
		wantParam, wantM, wantV := append([]float64(nil), param...), append([]float64(nil), m...), append([]float64(nil), v...)
		ReferenceAdam(p, wantParam, grad, wantM, wantV, 0.01, 1)
		ReferenceAdam(p, wantParam, grad, wantM, wantV, 0.01, 2)
		parity.Check(t, func(t *testing.T, dev *cpu.Device) (func(), [][]float32) {
			x, err := NewAdam(dev, n, p)
			require.NoError(t, err)
			w, g, s1, s2 := parity.InOut(t, param), parity.In(grad), parity.InOut(t, m), parity.InOut(t, v)
			return func() { x.Run(w, g, s1, s2, 0.01, 1); x.Run(w, g, s1, s2, 0.01, 2) }, [][]float32{w, s1, s2}
		}, parity.Want{Values: wantParam, Tolerance: 3e-7}, parity.Want{Values: wantM, Tolerance: 2e-7}, parity.Want{Values: wantV, Tolerance: 2e-7})
	}
}

// The same bits on every instruction set: a run may be resumed on another machine.
func TestInstructionSetsAgree(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	const n = 1003
	start := [4][]float64{parity.Normal(rng, n), parity.Normal(rng, n), parity.Normal(rng, n), parity.Normal(rng, n)}
	run := func(dev *cpu.Device) (outputs []parity.Want) {
		for _, p := range sgds {
			w, g, v := parity.InOut(t, start[0]), parity.In(start[1]), parity.InOut(t, start[2])
			x, err := NewSGD(dev, n, p)
			require.NoError(t, err)
			x.Run(w, g, v, 0.1)
			outputs = append(outputs, parity.Exactly(w), parity.Exactly(v))
		}
		for _, p := range adams {
			w, g, m, v := parity.InOut(t, start[0]), parity.In(start[1]), parity.InOut(t, start[2]), parity.Out(t, n)
			for i := range v {
				v[i] = float32(math.Abs(start[3][i]))
			}
			x, err := NewAdam(dev, n, p)
			require.NoError(t, err)
			x.Run(w, g, m, v, 0.1, 3)
			outputs = append(outputs, parity.Exactly(w), parity.Exactly(m), parity.Exactly(v))
		}
		return outputs
	}
	want := run(parity.Device(t, cpu.Portable, 1))
	parity.Each(t, func(t *testing.T, dev *cpu.Device) { assert.Equal(t, want, run(dev)) })
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

func TestKeras(t *testing.T) {
	var golden struct {
		Param []float32
		Grads [][]float32
		Cases []struct {
			Kind   string
			Config struct {
				LearningRate float32 `json:"learning_rate"`
				WeightDecay  float32 `json:"weight_decay"`
				Momentum     float32
				Nesterov     bool
				Beta1        float32 `json:"beta_1"`
				Beta2        float32 `json:"beta_2"`
				Epsilon      float32
			}
			After [][]float32
		}
	}
	require.NoError(t, json.Unmarshal(kerasJSON, &golden))
	require.Len(t, golden.Cases, 7)
	n := len(golden.Param)
	for _, k := range golden.Cases {
		parity.Each(t, func(t *testing.T, dev *cpu.Device) {
			c := k.Config
			param, m, v := parity.In(golden.Param), parity.In(make([]float32, n)), parity.In(make([]float32, n))
			var step func(grad []float32, t int64)
			switch k.Kind {
			case "sgd":
				x, err := NewSGD(dev, n, SGD{Momentum: c.Momentum, WeightDecay: c.WeightDecay, Nesterov: c.Nesterov})
				require.NoError(t, err)
				step = func(grad []float32, _ int64) { x.Run(param, grad, m, c.LearningRate) }
			case "adam":
				p := Adam{Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-7, WeightDecay: c.WeightDecay}
				if c.Beta1 != 0 {
					p.Beta1, p.Beta2, p.Epsilon = c.Beta1, c.Beta2, c.Epsilon
				}
				x, err := NewAdam(dev, n, p)
				require.NoError(t, err)
				step = func(grad []float32, t int64) { x.Run(param, grad, m, v, c.LearningRate, t) }
			default:
				t.Fatalf("the golden has an optimizer %q", k.Kind)
			}
			for i, grad := range golden.Grads {
				step(parity.In(grad), int64(i+1))
				for j, want := range k.After[i] {
					require.InDelta(t, want, param[j], 1e-6*max(1, math.Abs(float64(want))), "%s %+v, step %d, element %d", k.Kind, c, i+1, j)
				}
			}
		})
	}
}

func TestNoAllocation(t *testing.T) {
	const n = 40000
	a, b, c, d := make([]float32, n+16), make([]float32, n+16), make([]float32, n+16), make([]float32, n+16)
	parity.NoAllocation(t, func(t *testing.T, dev *cpu.Device) (func(), [][]float32) {
		sgd, err := NewSGD(dev, n, sgds[5])
		require.NoError(t, err)
		adam, err := NewAdam(dev, n, adams[1])
		require.NoError(t, err)
		finite, err := NewFinite(dev, n)
		require.NoError(t, err)
		return func() {
			sgd.Run(a, b, c, 0.1)
			adam.Run(a, b, c, d, 0.1, 7)
			finite.Run(a)
		}, nil
	})
}

func TestErrors(t *testing.T) {
	dev := parity.Device(t, cpu.Portable, 1)
	_, err := NewSGD(dev, 0, SGD{})
	assert.ErrorIs(t, err, ops.ErrShape)
	_, err = NewAdam(dev, 0, Adam{})
	assert.ErrorIs(t, err, ops.ErrShape)
	_, err = NewFinite(dev, 0)
	assert.ErrorIs(t, err, ops.ErrShape)
}
