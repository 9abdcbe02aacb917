package schedules

import (
	"fmt"
	"math"
)

// Polynomial goes from the initial rate to EndLearningRate along a power of the time that is left:
//
//	rate = (initial − EndLearningRate) × (1 − step / DecaySteps)^Power + EndLearningRate
//
// and stays there; with Cycle it jumps up instead, and each next descent ends at the next multiple of DecaySteps. Keras:
// optimizers.schedules.PolynomialDecay.
type Polynomial struct {
	InitialLearningRate float64 // 0 means the optimizer's own
	DecaySteps          int     // updates until EndLearningRate
	DecayEpochs         float64 // or, instead, epochs until then
	EndLearningRate     float64 // not negative
	Power               float64 // above 0; 1 is a straight line
	Cycle               bool
}

// NewPolynomial returns Keras's defaults: a straight line down to 0.0001. How long it takes is still to be set.
func NewPolynomial() Polynomial { return Polynomial{EndLearningRate: 0.0001, Power: 1} }

// Rate returns the decayed rate at p.
func (s Polynomial) Rate(p Position) float64 {
	done := periods(p, s.DecaySteps, s.DecayEpochs)
	if s.Cycle {
		if done > 0 {
			done /= math.Ceil(done)
		}
	} else {
		done = min(done, 1)
	}
	return (orBase(s.InitialLearningRate, p)-s.EndLearningRate)*math.Pow(1-done, s.Power) + s.EndLearningRate
}

// Check wants finite rates, a positive power and exactly one of DecaySteps and DecayEpochs.
func (s Polynomial) Check(p Position) error {
	if err := checkRate("Polynomial.InitialLearningRate", orBase(s.InitialLearningRate, p)); err != nil {
		return err
	}
	if !(s.EndLearningRate >= 0) || math.IsInf(s.EndLearningRate, 0) {
		return fmt.Errorf("schedules: Polynomial.EndLearningRate is %g; it is the finite rate at the end, not negative", s.EndLearningRate)
	}
	if !(s.Power > 0) || math.IsInf(s.Power, 0) {
		return fmt.Errorf("schedules: Polynomial.Power is %g; it is positive and finite (NewPolynomial sets 1, a straight line)", s.Power)
	}
	return checkPeriod("Polynomial.DecaySteps", s.DecaySteps, "Polynomial.DecayEpochs", s.DecayEpochs, p)
}
