package schedules

import (
	"fmt"
	"math"
)

// Exponential multiplies the rate by DecayRate over and over:
//
//	rate = initial × DecayRate^(step / DecaySteps)
//
// with a whole-number exponent (rounded down) if Staircase. Keras: optimizers.schedules.ExponentialDecay.
type Exponential struct {
	InitialLearningRate float64 // 0 means the optimizer's own
	DecayRate           float64 // above 0
	DecaySteps          int     // updates that one factor of DecayRate takes
	DecayEpochs         float64 // or, instead, epochs that it takes
	Staircase           bool
}

// Rate returns the decayed rate at p.
func (e Exponential) Rate(p Position) float64 {
	exponent := periods(p, e.DecaySteps, e.DecayEpochs)
	if e.Staircase {
		exponent = math.Floor(exponent)
	}
	return orBase(e.InitialLearningRate, p) * math.Pow(e.DecayRate, exponent)
}

// Check wants positive finite rates and exactly one of DecaySteps and DecayEpochs.
func (e Exponential) Check(p Position) error {
	if err := checkRate("Exponential.InitialLearningRate", orBase(e.InitialLearningRate, p)); err != nil {
		return err
	}
	if !(e.DecayRate > 0) || math.IsInf(e.DecayRate, 0) {
		return fmt.Errorf("schedules: Exponential.DecayRate is %g; it is the positive factor that each period multiplies the rate by (0.96, say)", e.DecayRate)
	}
	return checkPeriod("Exponential.DecaySteps", e.DecaySteps, "Exponential.DecayEpochs", e.DecayEpochs, p)
}
