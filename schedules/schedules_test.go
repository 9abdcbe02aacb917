package schedules

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

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
		Step{Factor: 0.1, StepSize: 3}, Piecewise{Boundaries: []int{0, 3}, Values: []float64{1, 2, 3}}, Piecewise{BoundaryEpochs: []float64{0.5}, Values: []float64{1, 2}},
		Polynomial{DecaySteps: 3, Power: 1}, InverseTime{DecayRate: 1, DecayEpochs: 2}, Cosine{DecaySteps: 3}, CosineRestarts{FirstDecaySteps: 3, TMul: 1, MMul: 1},
		OneCycle{TotalEpochs: 1, PctStart: 0.5, DivFactor: 1, FinalDivFactor: 1, ThreePhase: true}, Triangular2{MaxLR: 0.1, StepSize: 3},
		ExpRange{MaxLR: 0.1, StepSize: 3, Gamma: 1}, Func(func(Position) float64 { return 0 }),
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
		"Step.Factor is 0":                                  Step{StepSize: 1},
		"Step.InitialLearningRate is -1":                    Step{InitialLearningRate: -1, Factor: 1, StepSize: 1},
		"Step.StepSize and Step.StepEpochs are both 0":      Step{Factor: 1},
		"has 1 updates and Piecewise.BoundaryEpochs 1":      Piecewise{Boundaries: []int{1}, BoundaryEpochs: []float64{1}},
		"Piecewise.BoundaryEpochs are empty":                Piecewise{Values: []float64{1}},
		"Piecewise.Values has 1 rates for 1 boundaries":     Piecewise{Boundaries: []int{1}, Values: []float64{1}},
		"Piecewise.Values[1] is 0":                          Piecewise{Boundaries: []int{1}, Values: []float64{1, 0}},
		"Piecewise.Boundaries[1] is 5, after 5":             Piecewise{Boundaries: []int{5, 5}, Values: []float64{1, 1, 1}},
		"Piecewise.Boundaries[0] is -1":                     Piecewise{Boundaries: []int{-1}, Values: []float64{1, 1}},
		"Piecewise.BoundaryEpochs[0] is 0":                  Piecewise{BoundaryEpochs: []float64{0}, Values: []float64{1, 1}},
		"Piecewise.BoundaryEpochs[1] is NaN":                Piecewise{BoundaryEpochs: []float64{1, math.NaN()}, Values: []float64{1, 1, 1}},
		"Polynomial.InitialLearningRate is NaN":             Polynomial{InitialLearningRate: math.NaN(), DecaySteps: 1, Power: 1},
		"Polynomial.EndLearningRate is -1":                  Polynomial{DecaySteps: 1, Power: 1, EndLearningRate: -1},
		"Polynomial.Power is 0":                             Polynomial{DecaySteps: 1},
		"Polynomial.DecaySteps and":                         NewPolynomial(),
		"InverseTime.InitialLearningRate is -2":             InverseTime{InitialLearningRate: -2},
		"InverseTime.DecayRate is 0":                        InverseTime{DecaySteps: 1},
		"InverseTime.DecaySteps and":                        InverseTime{DecayRate: 1},
		"Cosine.InitialLearningRate is -2":                  Cosine{InitialLearningRate: -2, DecaySteps: 1},
		"Cosine.Alpha is 1.5":                               Cosine{DecaySteps: 1, Alpha: 1.5},
		"Cosine.DecaySteps and":                             Cosine{},
		"CosineRestarts.InitialLearningRate is -2":          CosineRestarts{InitialLearningRate: -2},
		"CosineRestarts.TMul is 0.5":                        CosineRestarts{FirstDecaySteps: 1, TMul: 0.5, MMul: 1},
		"CosineRestarts.MMul is 0":                          CosineRestarts{FirstDecaySteps: 1, TMul: 1},
		"CosineRestarts.Alpha is NaN":                       CosineRestarts{FirstDecaySteps: 1, TMul: 1, MMul: 1, Alpha: math.NaN()},
		"CosineRestarts.FirstDecaySteps and":                NewCosineRestarts(),
		"OneCycle.MaxLR is -1":                              OneCycle{MaxLR: -1},
		"OneCycle.PctStart is 0;":                           OneCycle{TotalSteps: 9},
		"OneCycle.PctStart is 0.6":                          OneCycle{TotalSteps: 9, PctStart: 0.6, ThreePhase: true},
		"OneCycle.DivFactor is 0":                           OneCycle{TotalSteps: 9, PctStart: 0.6},
		"OneCycle.Shape is exponential":                     OneCycle{TotalSteps: 9, PctStart: 0.6, DivFactor: 1, FinalDivFactor: 1, Shape: ExponentialShape},
		"OneCycle.TotalSteps and":                           NewOneCycle(),
		"PctStart 0.3 of a cycle of 3 is":                   OneCycle{TotalSteps: 3, PctStart: 0.3, DivFactor: 1, FinalDivFactor: 1},
		"Triangular2.MaxLR is 0;":                           Triangular2{StepSize: 1},
		"ExpRange.MaxLR is 0;":                              ExpRange{StepSize: 1},
		"ExpRange.Gamma is 0;":                              ExpRange{MaxLR: 1, StepSize: 1},
		"Func is nil":                                       Func(nil),
		"Func returns NaN":                                  Func(func(Position) float64 { return math.NaN() }),
	} {
		assert.ErrorContains(t, bad.Check(p), want)
	}
	assert.ErrorContains(t, Exponential{DecayRate: 0.5, DecaySteps: 7}.Check(Position{Base: 0.1}), "set Exponential.DecayEpochs")
	assert.ErrorContains(t, Piecewise{Boundaries: []int{5}, Values: []float64{1, 2}}.Check(Position{Base: 0.1}), "set BoundaryEpochs")
	assert.ErrorContains(t, ExpRange{MaxLR: 1, StepEpochs: 1, Gamma: 1}.Check(Position{Base: 0.1}), "use Triangular2")
	assert.NoError(t, WarmUp{Steps: 5}.Check(p))
	assert.NoError(t, WarmUp{Steps: 5, From: 0.1, Shape: ExponentialShape}.Check(p))
	assert.ErrorContains(t, WarmUp{Steps: 5, Shape: ExponentialShape}.Check(p), "nothing rises exponentially")
	assert.ErrorContains(t, WarmUp{Steps: 5, Shape: 9}.Check(p), "Shape is Shape(9)")
	assert.ErrorContains(t, WarmUp{Steps: 5, From: 1}.Check(p), "From is 1")
	assert.ErrorContains(t, WarmUp{Steps: 5, From: math.NaN()}.Check(p), "From is NaN")
	assert.ErrorContains(t, WarmUp{}.Check(p), "both 0")
}

// A boundary in epochs gives whole epochs to each rate.
func TestPiecewiseByEpochs(t *testing.T) {
	schedule := Piecewise{BoundaryEpochs: []float64{1, 2.5}, Values: []float64{3, 2, 1}}
	for step, want := range map[int]float64{0: 3, 9: 3, 10: 2, 24: 2, 25: 1, 1000: 1} {
		assert.Equal(t, want, schedule.Rate(Position{Step: step, StepsPerEpoch: 10}), "step %d", step)
	}
	for epoch, want := range []float64{3, 2, 2, 1, 1} {
		assert.Equal(t, want, schedule.Rate(Position{Epoch: epoch}), "epoch %d", epoch)
	}
}

// A period in epochs is the same as one of as many updates, and the optimizer's own rate is the default.
func TestEpochsAreUpdates(t *testing.T) {
	for _, pair := range [][2]Schedule{
		{Step{InitialLearningRate: 0.3, Factor: 0.5, StepSize: 20}, Step{Factor: 0.5, StepEpochs: 2}},
		{Polynomial{InitialLearningRate: 0.3, DecaySteps: 20, Power: 2, Cycle: true}, Polynomial{DecayEpochs: 2, Power: 2, Cycle: true}},
		{InverseTime{InitialLearningRate: 0.3, DecayRate: 2, DecaySteps: 20}, InverseTime{DecayRate: 2, DecayEpochs: 2}},
		{Cosine{InitialLearningRate: 0.3, DecaySteps: 20}, Cosine{DecayEpochs: 2}},
		{CosineRestarts{InitialLearningRate: 0.3, FirstDecaySteps: 20, TMul: 2, MMul: 0.5}, CosineRestarts{FirstDecayEpochs: 2, TMul: 2, MMul: 0.5}},
		{OneCycle{MaxLR: 0.3, TotalSteps: 20, PctStart: 0.3, DivFactor: 2, FinalDivFactor: 3}, OneCycle{TotalEpochs: 2, PctStart: 0.3, DivFactor: 2, FinalDivFactor: 3}},
		{Triangular2{BaseLR: 0.3, MaxLR: 1, StepSize: 20}, Triangular2{MaxLR: 1, StepEpochs: 2}},
		{ExpRange{BaseLR: 0.3, MaxLR: 1, StepSize: 20, Gamma: 0.9}, ExpRange{MaxLR: 1, StepEpochs: 2, Gamma: 0.9}},
	} {
		for step := range 100 {
			p := Position{Epoch: step / 10, Step: step, StepsPerEpoch: 10, Base: 0.3}
			want := pair[0].Rate(Position{Step: step, Base: 7, StepsPerEpoch: 10})
			assert.InDelta(t, want, pair[1].Rate(p), 1e-12, "%+v at %d", pair[1], step)
			assert.False(t, math.IsNaN(want) || want < 0, "%+v at %d", pair[0], step)
		}
	}
}

// Without counted updates an epoch is the unit; the last epoch has the last rate, and so has what comes after it.
func TestOneCycleByEpochsAlone(t *testing.T) {
	schedule := NewOneCycle()
	schedule.TotalEpochs = 10
	require.NoError(t, schedule.Check(Position{Base: 1}))
	assert.InDelta(t, 1.0/25, schedule.Rate(Position{Base: 1}), 1e-15)
	assert.InDelta(t, 1, schedule.Rate(Position{Epoch: 2, Base: 1}), 1e-15)
	assert.InDelta(t, 1.0/25/1e4, schedule.Rate(Position{Epoch: 9, Base: 1}), 1e-15)
	assert.InDelta(t, 1.0/25/1e4, schedule.Rate(Position{Epoch: 99, Base: 1}), 1e-15)
}

// The first update of a wave is at its top, however late: a logarithm that is off by a rounding would put it at the bottom.
func TestRestartsAreWhereWavesEnd(t *testing.T) {
	for _, factor := range []float64{1, 1.5, 2, 3, 10} {
		schedule := CosineRestarts{FirstDecaySteps: 1 << 10, TMul: factor, MMul: 1}
		begin, length := 0.0, 1024.0
		for begin == math.Trunc(begin) && begin < 1<<40 && length < 1<<40 {
			p := Position{Step: int(begin), Base: 1}
			assert.InDelta(t, 1, schedule.Rate(p), 1e-12, "TMul %g at %g", factor, begin)
			if p.Step > 0 {
				p.Step--
				assert.Less(t, schedule.Rate(p), 1e-5, "TMul %g before %g", factor, begin)
			}
			begin += length
			if length *= factor; factor == 1 && begin > 1e5 {
				break
			}
		}
	}
}

func TestShapesOfWarmUp(t *testing.T) {
	for step := range 10 {
		p := Position{Step: step}
		done := float64(step) / 10
		assert.InDelta(t, math.Exp(math.Log(0.01)*(1-done)), WarmUp{Steps: 10, From: 0.01, Shape: ExponentialShape}.Factor(p), 1e-15)
		// The cosine is the wave of Cosine upside down.
		assert.InDelta(t, 1-Cosine{InitialLearningRate: 0.75, DecaySteps: 10}.Rate(p), WarmUp{Steps: 10, From: 0.25, Shape: CosineShape}.Factor(p), 1e-15)
	}
	for shape := LinearShape; shape <= CosineShape; shape++ {
		w := WarmUp{Steps: 10, From: 0.25, Shape: shape}
		assert.InDelta(t, 0.25, w.Factor(Position{}), 1e-15)
		assert.Equal(t, 1.0, w.Factor(Position{Step: 10}))
		for step := range 9 {
			assert.Less(t, w.Factor(Position{Step: step}), w.Factor(Position{Step: step + 1}))
		}
		parsed, err := ParseShape(shape.String())
		require.NoError(t, err)
		assert.Equal(t, shape, parsed)
	}
	_, err := ParseShape("square")
	assert.ErrorContains(t, err, `no shape "square"; the shapes are linear, exponential, cosine`)
}

func TestFunc(t *testing.T) {
	schedule := Func(func(p Position) float64 { return p.Base / float64(1+p.Epoch) })
	require.NoError(t, schedule.Check(Position{Base: 0.1}))
	assert.Equal(t, 0.025, schedule.Rate(Position{Epoch: 3, Base: 0.1}))
}
