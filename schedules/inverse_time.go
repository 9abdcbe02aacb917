package schedules

import (
	"fmt"
	"math"
)

// InverseTime divides the rate by a number that grows in a straight line:
//
//	rate = initial / (1 + DecayRate × step / DecaySteps)
//
// with the quotient rounded down if Staircase. Keras: optimizers.schedules.InverseTimeDecay.
type InverseTime struct {
	InitialLearningRate float64 // 0 means the optimizer's own
	DecayRate           float64 // above 0
	DecaySteps          int     // updates in which the divisor grows by DecayRate
	DecayEpochs         float64 // or, instead, epochs in which it does
	Staircase           bool
}

// Rate returns the decayed rate at p.
func (s InverseTime) Rate(p Position) float64 {
	time := periods(p, s.DecaySteps, s.DecayEpochs)
	if s.Staircase {
		time = math.Floor(time)
	}
	return orBase(s.InitialLearningRate, p) / (1 + s.DecayRate*time)
}

// Check wants positive finite rates and exactly one of DecaySteps and DecayEpochs.
func (s InverseTime) Check(p Position) error {
	if err := checkRate("InverseTime.InitialLearningRate", orBase(s.InitialLearningRate, p)); err != nil {
		return err
	}
	if !(s.DecayRate > 0) || math.IsInf(s.DecayRate, 0) {
		return fmt.Errorf("schedules: InverseTime.DecayRate is %g; it is what each period adds to the divisor, positive and finite (0.5, say)", s.DecayRate)
	}
	return checkPeriod("InverseTime.DecaySteps", s.DecaySteps, "InverseTime.DecayEpochs", s.DecayEpochs, p)
}
