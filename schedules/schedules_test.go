package schedules

import (
	"encoding/json"
	"math"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// keras.json is written by callbacks/testdata/make_goldens.py.
func goldens(t *testing.T, into any) {
	text, err := os.ReadFile("testdata/keras.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, into))
}

func TestExponentialIsKeras(t *testing.T) {
	var golden struct {
		Schedules []struct {
			Arguments struct {
				Initial   float64 `json:"initial_learning_rate"`
				Rate      float64 `json:"decay_rate"`
				Steps     int     `json:"decay_steps"`
				Staircase bool
			}
			Steps []int
			Rates []float64
		}
	}
	goldens(t, &golden)
	require.NotEmpty(t, golden.Schedules)
	for _, g := range golden.Schedules {
		a := g.Arguments
		schedule := Exponential{InitialLearningRate: a.Initial, DecayRate: a.Rate, DecaySteps: a.Steps, Staircase: a.Staircase}
		require.NoError(t, schedule.Check(Position{StepsPerEpoch: 5, Base: 1}))
		for i, step := range g.Steps {
			// Keras computes in float32: its power of 1234 has a relative error of up to 1234 roundings.
			assert.InDelta(t, g.Rates[i], schedule.Rate(Position{Step: step, Base: 7}), 2e-4*g.Rates[i]+1e-37, "%+v at %d", schedule, step)
		}
	}
}

func TestWarmUpIsKeras(t *testing.T) {
	var golden struct {
		WarmUps []struct {
			Steps   int   `json:"warmup_steps"`
			At      []int `json:"steps"`
			Factors []float64
		} `json:"warm_ups"`
	}
	goldens(t, &golden)
	require.NotEmpty(t, golden.WarmUps)
	for _, g := range golden.WarmUps {
		for i, step := range g.At {
			assert.InDelta(t, g.Factors[i], WarmUp{Steps: g.Steps}.Factor(Position{Step: step}), 1e-7)
		}
		assert.Equal(t, 1.0, WarmUp{Steps: g.Steps}.Factor(Position{Step: g.Steps}))
		assert.Equal(t, 1.0, WarmUp{Steps: g.Steps}.Factor(Position{Step: 1 << 40}))
	}
	assert.InDelta(t, 0.25+0.75*0.5, WarmUp{Epochs: 2, From: 0.25}.Factor(Position{Step: 10, StepsPerEpoch: 10}), 1e-15)
	assert.InDelta(t, 0.5, WarmUp{Epochs: 2}.Factor(Position{Epoch: 1}), 1e-15, "whole epochs where steps are not counted")
}

// The corners of Smith's triangle, two cycles of it.
func TestTriangular(t *testing.T) {
	schedule := Triangular{BaseLR: 0.001, MaxLR: 0.006, StepSize: 2000}
	for step, want := range map[int]float64{
		0: 0.001, 1000: 0.0035, 2000: 0.006, 3000: 0.0035, 4000: 0.001, 5000: 0.0035, 6000: 0.006, 8000: 0.001, 2001: 0.006 - 0.005/2000,
	} {
		assert.InDelta(t, want, schedule.Rate(Position{Step: step}), 1e-15, "step %d", step)
	}
	byEpochs := Triangular{MaxLR: 0.006, StepEpochs: 4}
	for step := range 500 {
		p := Position{Step: step, StepsPerEpoch: 10, Base: 0.001}
		assert.InDelta(t, Triangular{BaseLR: 0.001, MaxLR: 0.006, StepSize: 40}.Rate(p), byEpochs.Rate(p), 1e-15)
		assert.GreaterOrEqual(t, byEpochs.Rate(p), 0.001)
		assert.LessOrEqual(t, byEpochs.Rate(p), 0.006)
	}
}

func TestBaseIsTheDefault(t *testing.T) {
	p := Position{Base: 0.3}
	assert.Equal(t, 0.3, Constant{}.Rate(p))
	assert.Equal(t, 0.2, Constant{LearningRate: 0.2}.Rate(p))
	assert.Equal(t, 0.3, Exponential{DecayRate: 0.5, DecayEpochs: 1}.Rate(p))
	assert.Equal(t, 0.075, Exponential{DecayRate: 0.5, DecayEpochs: 1, Staircase: true}.Rate(Position{Base: 0.3, Step: 29, StepsPerEpoch: 10}))
	assert.Equal(t, 0.3, Triangular{MaxLR: 1, StepSize: 5}.Rate(p))
}

func TestChecks(t *testing.T) {
	p := Position{StepsPerEpoch: 10, Base: 0.1}
	for _, good := range []Schedule{
		Constant{}, Constant{LearningRate: 1}, Exponential{DecayRate: 0.5, DecaySteps: 1}, Exponential{DecayRate: 1.5, DecayEpochs: 0.5},
		Triangular{MaxLR: 0.1, StepSize: 3}, Triangular{BaseLR: 0.01, MaxLR: 0.1, StepEpochs: 2},
	} {
		assert.NoError(t, good.Check(p), "%+v", good)
	}
	for want, bad := range map[string]Schedule{
		"Constant.LearningRate is -1":                       Constant{LearningRate: -1},
		"Constant.LearningRate is NaN":                      Constant{LearningRate: math.NaN()},
		"InitialLearningRate is +Inf":                       Exponential{InitialLearningRate: math.Inf(1), DecayRate: 0.5, DecaySteps: 1},
		"DecayRate is 0":                                    Exponential{DecaySteps: 1},
		"DecayRate is NaN":                                  Exponential{DecayRate: math.NaN(), DecaySteps: 1},
		"DecaySteps and Exponential.DecayEpochs are both 0": Exponential{DecayRate: 0.5},
		"set only one":                                      Exponential{DecayRate: 0.5, DecaySteps: 1, DecayEpochs: 1},
		"neither may be negative":                           Exponential{DecayRate: 0.5, DecaySteps: -1},
		"BaseLR is -0.1":                                    Triangular{BaseLR: -0.1, MaxLR: 1, StepSize: 1},
		"MaxLR is 0;":                                       Triangular{StepSize: 1},
		"below the lowest":                                  Triangular{BaseLR: 0.2, MaxLR: 0.1, StepSize: 1},
		"StepEpochs is NaN":                                 Triangular{MaxLR: 0.1, StepEpochs: math.NaN()},
	} {
		assert.ErrorContains(t, bad.Check(p), want)
	}
	assert.ErrorContains(t, Exponential{DecayRate: 0.5, DecaySteps: 7}.Check(Position{Base: 0.1}), "set Exponential.DecayEpochs")
	assert.NoError(t, WarmUp{Steps: 5}.Check(p))
	assert.ErrorContains(t, WarmUp{Steps: 5, From: 1}.Check(p), "From is 1")
	assert.ErrorContains(t, WarmUp{Steps: 5, From: math.NaN()}.Check(p), "From is NaN")
	assert.ErrorContains(t, WarmUp{}.Check(p), "both 0")
}
