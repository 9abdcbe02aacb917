package update

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/mat"

	"github.com/meseta-go/meseta/kernels/cpu"
	"github.com/meseta-go/meseta/kernels/vec"
	"github.com/meseta-go/meseta/kernels/vec/parity"
	"github.com/meseta-go/meseta/ops"
)

var layeredRules = []ops.LayeredRule{
	ops.Lamb{Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-7},
	ops.Lamb{Beta1: 0.8, Beta2: 0.99, Epsilon: 1e-3, WeightDecay: 0.01},
	ops.Muon{Momentum: 0.95, Nesterov: true, A: 3.4445, B: -4.775, C: 2.0315, Steps: 5, RMSRate: 0.2},
	ops.Muon{Momentum: 0.9, A: 2, B: -1.5, C: 0.5, Steps: 3, WeightDecay: 0.1},
}

// padded places arrays as the planner does: each at a multiple of 64 bytes.
func padded(shapes ...ops.Shape) (list []Array, n int) {
	for _, s := range shapes {
		list = append(list, Array{n, s})
		n += (s.Size() + 15) / 16 * 16
	}
	return list, n
}

// slices gives the parts of arrays that belong to one of the parameters.
func (a Arrays[T]) of(p Array, slots int) Arrays[T] {
	return a.part(piece{start: p.Start, end: p.Start + p.Shape.Size()}, slots)
}

func TestLayeredParity(t *testing.T) {
	rng := rand.New(rand.NewPCG(31, 1))
	for _, rule := range layeredRules {
		for _, shapes := range [][]ops.Shape{
			{{1, 1}}, {{3, 5}, {5, 3}, {1, 7}, {9, 1}}, {{33, 17}, {16, 16}, {20, 50}}, {{3, vec.FlatChunk/3 + 5}, {2, 2}},
		} {
			places, n := padded(shapes...)
			a := start(rng, rule, n)
			want := clone(a)
			for _, p := range places {
				ReferenceLayered(rule, p.Shape, want.of(p, rule.Slots()), 0.1, 3)
				ReferenceLayered(rule, p.Shape, want.of(p, rule.Slots()), 0.05, 4)
			}
			wants := []parity.Want{{Values: want.Param, Tolerance: 4e-7}}
			if _, muon := rule.(ops.Muon); muon {
				wants[0].Tolerance = 3e-6 // products of sums, several times over
			}
			for s := range rule.Slots() {
				wants = append(wants, parity.Want{Values: want.Slots[s], Tolerance: 3e-7})
			}
			t.Run(fmt.Sprintf("%v %v", rule, shapes), func(t *testing.T) {
				kernel := func(t *testing.T, dev *cpu.Device) (func(), [][]float32) {
					x, err := NewLayered(dev, places, rule)
					require.NoError(t, err)
					b, written := buffers(t, rule, a)
					w := parity.Workspace(t, x.WorkspaceBytes())
					first := parity.InOut(t, a.Grad)
					second := parity.InOut(t, a.Grad)
					return func() {
						b.Grad = first // which is written over
						x.Run(b, 0.1, 3, w)
						b.Grad = second
						x.Run(b, 0.05, 4, w)
					}, written
				}
				parity.Check(t, kernel, wants...)
				parity.NoAllocation(t, kernel)
			})
		}
	}
}

// What Muon is for: steps whose singular values are near 1.
func TestMuonsStepsAreNearlyOrthogonal(t *testing.T) {
	rng := rand.New(rand.NewPCG(32, 1))
	rule := ops.Muon{Momentum: 0.95, Nesterov: true, A: 3.4445, B: -4.775, C: 2.0315, Steps: 5}
	dev := parity.Device(t, cpu.Portable, 1)
	for _, shape := range []ops.Shape{{4, 40}, {30, 30}, {50, 8}} {
		n := shape.Size()
		a := Arrays[float32]{Param: parity.In(make([]float32, n)), Grad: parity.In(parity.Normal(rng, n)), Slots: [MaxSlots][]float32{parity.In(make([]float32, n))}}
		run(t, dev, []Array{{0, shape}}, rule, a, 1, 1)
		step := make([]float64, n)
		for i, x := range a.Param {
			step[i] = float64(x)
		}
		var svd mat.SVD
		require.True(t, svd.Factorize(mat.NewDense(shape[0], shape[1], step), mat.SVDNone))
		for _, value := range svd.Values(nil) {
			if shape[0] == shape[1] { // some of a square matrix are too small to be brought there in five steps
				assert.Less(t, value, 1.25)
			} else {
				assert.InDelta(t, 0.95, value, 0.3)
			}
		}
	}
}

//go:embed testdata/layered.json
var layeredJSON []byte

// layeredConfig has the arguments of the golden's cases.
type layeredConfig struct {
	kerasConfig
	NSSteps         *int     `json:"ns_steps"`
	A               *float32 `json:"muon_a"`
	B               *float32 `json:"muon_b"`
	C               *float32 `json:"muon_c"`
	RMSRate         optional `json:"rms_rate"`
	MuonMomentum    *float32 `json:"momentum"`
	MuonNesterov    *bool    `json:"nesterov"`
	MuonDecay       optional `json:"weight_decay"`
	AdamWeightDecay optional `json:"adam_weight_decay"`
	AdamBeta1       *float32 `json:"adam_beta_1"`
	AdamBeta2       *float32 `json:"adam_beta_2"`
	Ratio           *float32 `json:"adam_lr_ratio"`
}

// optional tells null, which is 0, from what is not there.
type optional struct {
	set bool
	x   float32
}

func (o *optional) UnmarshalJSON(b []byte) error {
	o.set = true
	return json.Unmarshal(b, &o.x)
}

func (o optional) or(missing float32) float32 {
	if o.set {
		return o.x
	}
	return missing
}

func or[T any](x *T, missing T) T {
	if x != nil {
		return *x
	}
	return missing
}

func TestLayeredKeras(t *testing.T) {
	var golden struct {
		Shapes []ops.Shape
		Kept   []int
		Params [][]float32
		Grads  [][][]float32
		Cases  []struct {
			Kind   string
			Config layeredConfig
			After  [][][]float32
		}
	}
	require.NoError(t, json.Unmarshal(layeredJSON, &golden))
	require.Len(t, golden.Cases, 5)
	for _, k := range golden.Cases {
		c := k.Config
		lamb := ops.Lamb{Beta1: or(c.Beta1, 0.9), Beta2: or(c.Beta2, 0.999), Epsilon: or(c.Epsilon, 1e-7), WeightDecay: c.MuonDecay.or(0)}
		muon := ops.Muon{
			Momentum: or(c.MuonMomentum, 0.95), Nesterov: or(c.MuonNesterov, true), A: or(c.A, 3.4445), B: or(c.B, -4.775), C: or(c.C, 2.0315),
			Steps: or(c.NSSteps, 5), RMSRate: c.RMSRate.or(0.2), WeightDecay: c.MuonDecay.or(0.004),
		}
		ratio := or(c.Ratio, 1)
		adam := ops.Adam{
			Beta1: or(c.AdamBeta1, 0.9), Beta2: or(c.AdamBeta2, 0.999), Epsilon: or(c.Epsilon, 1e-7), WeightDecay: c.AdamWeightDecay.or(0.004) / ratio,
		}
		parity.Each(t, func(t *testing.T, dev *cpu.Device) {
			kept := 0
			places, n := padded(golden.Shapes...)
			a := Arrays[float32]{Param: make([]float32, n+16), Grad: make([]float32, n+16), Slots: [MaxSlots][]float32{make([]float32, n+16), make([]float32, n+16)}}
			for i, p := range places {
				copy(a.Param[p.Start:], golden.Params[i])
			}
			a = Arrays[float32]{Param: parity.In(a.Param), Grad: parity.In(a.Grad), Slots: [MaxSlots][]float32{parity.In(a.Slots[0]), parity.In(a.Slots[1])}}
			for step, grads := range golden.Grads {
				for i, p := range places {
					copy(a.Grad[p.Start:], grads[i])
				}
				rate, t1 := c.LearningRate, int64(step+1)
				if k.Kind == "Lamb" {
					run(t, dev, places, lamb, a, rate, t1)
				} else {
					for _, p := range places {
						if len(p.Shape) == 2 {
							run(t, dev, []Array{p}, muon, a, rate, t1)
							continue
						}
						x, err := New(dev, p.Shape.Size(), adam)
						require.NoError(t, err)
						x.Run(a.of(p, 2), rate*ratio, t1)
					}
				}
				if step+1 != golden.Kept[kept] {
					continue
				}
				for i, p := range places {
					for j, want := range k.After[kept][i] {
						require.InDelta(t, want, a.Param[p.Start+j], 2e-5*max(0.1, math.Abs(float64(want))), "%s %v, step %d, parameter %d, element %d", k.Kind, c, step+1, i, j)
					}
				}
				kept++
			}
			require.Equal(t, len(golden.Kept), kept)
		})
	}
}

func run(t *testing.T, dev *cpu.Device, places []Array, rule ops.LayeredRule, a Arrays[float32], rate float32, step int64) {
	x, err := NewLayered(dev, places, rule)
	require.NoError(t, err)
	x.Run(a, rate, step, parity.Workspace(t, x.WorkspaceBytes()))
}

type unknownLayered struct{ ops.Lamb }

func TestLayeredErrors(t *testing.T) {
	dev := parity.Device(t, cpu.Portable, 1)
	for _, rule := range layeredRules {
		_, err := NewLayered(dev, []Array{{0, ops.Shape{2, 0}}}, rule)
		assert.ErrorIs(t, err, ops.ErrShape)
		_, err = NewLayered(dev, nil, rule)
		assert.ErrorIs(t, err, ops.ErrShape)
	}
	_, err := NewLayered(dev, []Array{{0, ops.Shape{2, 3, 4}}}, layeredRules[2])
	assert.ErrorIs(t, err, ops.ErrShape)
	assert.ErrorContains(t, err, "want a matrix")
	_, err = NewLayered(dev, []Array{{0, ops.Shape{2}}}, unknownLayered{})
	assert.ErrorIs(t, err, ErrRule)
}
