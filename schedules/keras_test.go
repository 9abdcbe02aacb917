package schedules

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// kerasCase is a schedule of Keras with the rates that it had; testdata/make_goldens.py wrote it.
type kerasCase struct {
	Arguments struct {
		Initial    float64   `json:"initial_learning_rate"`
		DecayRate  float64   `json:"decay_rate"`
		DecaySteps int       `json:"decay_steps"`
		FirstSteps int       `json:"first_decay_steps"`
		Staircase  bool      `json:"staircase"`
		Boundaries []int     `json:"boundaries"`
		Values     []float64 `json:"values"`
		End        *float64  `json:"end_learning_rate"`
		Power      *float64  `json:"power"`
		Cycle      bool      `json:"cycle"`
		Alpha      float64   `json:"alpha"`
		TMul       *float64  `json:"t_mul"`
		MMul       *float64  `json:"m_mul"`
	}
	Steps []int
	Rates []float64
}

// readGolden reads the list that stands under a name in a file of testdata.
func readGolden[T any](t *testing.T, file, name string) (list []T) {
	text, err := os.ReadFile("testdata/" + file)
	require.NoError(t, err)
	var all map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(text, &all))
	require.NoError(t, json.Unmarshal(all[name], &list))
	require.NotEmpty(t, list)
	return list
}

func setIf(field *float64, value *float64) {
	if value != nil {
		*field = *value
	}
}

func TestRatesAreKeras(t *testing.T) {
	for name, build := range map[string]func(c kerasCase) Schedule{
		"ExponentialDecay": func(c kerasCase) Schedule {
			a := c.Arguments
			return Exponential{InitialLearningRate: a.Initial, DecayRate: a.DecayRate, DecaySteps: a.DecaySteps, Staircase: a.Staircase}
		},
		"PiecewiseConstantDecay": func(c kerasCase) Schedule {
			return Piecewise{Boundaries: c.Arguments.Boundaries, Values: c.Arguments.Values}
		},
		"PolynomialDecay": func(c kerasCase) Schedule {
			a, s := c.Arguments, NewPolynomial()
			s.InitialLearningRate, s.DecaySteps, s.Cycle = a.Initial, a.DecaySteps, a.Cycle
			setIf(&s.EndLearningRate, a.End)
			setIf(&s.Power, a.Power)
			return s
		},
		"InverseTimeDecay": func(c kerasCase) Schedule {
			a := c.Arguments
			return InverseTime{InitialLearningRate: a.Initial, DecayRate: a.DecayRate, DecaySteps: a.DecaySteps, Staircase: a.Staircase}
		},
		"CosineDecay": func(c kerasCase) Schedule {
			return Cosine{InitialLearningRate: c.Arguments.Initial, DecaySteps: c.Arguments.DecaySteps, Alpha: c.Arguments.Alpha}
		},
		"CosineDecayRestarts": func(c kerasCase) Schedule {
			a, s := c.Arguments, NewCosineRestarts()
			s.InitialLearningRate, s.FirstDecaySteps, s.Alpha = a.Initial, a.FirstSteps, a.Alpha
			setIf(&s.TMul, a.TMul)
			setIf(&s.MMul, a.MMul)
			return s
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, c := range readGolden[kerasCase](t, "keras.json", name) {
				schedule := build(c)
				require.NoError(t, schedule.Check(Position{StepsPerEpoch: 5, Base: 1}))
				for i, step := range c.Steps {
					// Keras computes in float32: its power of 1234 has a relative error of up to 1234 roundings, and what
					// is left of 1 near the end of a decay has one of the initial rate's.
					delta := 2e-6*c.Rates[i] + 2e-7*c.Arguments.Initial + 1e-37
					switch name {
					case "ExponentialDecay":
						delta += 2e-4 * c.Rates[i]
					case "CosineDecayRestarts": // the fraction of 123.4 waves has the rounding of 123.4
						delta += 1e-5 * c.Arguments.Initial
					}
					p := Position{Step: step, Base: 7}
					assert.InDelta(t, c.Rates[i], schedule.Rate(p), delta, "%+v at %d", schedule, step)
				}
			}
		})
	}
}

func TestWarmUpIsKeras(t *testing.T) {
	for _, g := range readGolden[struct {
		Steps   int   `json:"warmup_steps"`
		At      []int `json:"steps"`
		Factors []float64
	}](t, "keras.json", "warm_ups") {
		for i, step := range g.At {
			assert.InDelta(t, g.Factors[i], WarmUp{Steps: g.Steps}.Factor(Position{Step: step}), 1e-7)
		}
		assert.Equal(t, 1.0, WarmUp{Steps: g.Steps}.Factor(Position{Step: g.Steps}))
		assert.Equal(t, 1.0, WarmUp{Steps: g.Steps}.Factor(Position{Step: 1 << 40}))
	}
	assert.InDelta(t, 0.25+0.75*0.5, WarmUp{Epochs: 2, From: 0.25}.Factor(Position{Step: 10, StepsPerEpoch: 10}), 1e-15)
	assert.InDelta(t, 0.5, WarmUp{Epochs: 2}.Factor(Position{Epoch: 1}), 1e-15, "whole epochs where steps are not counted")
}
