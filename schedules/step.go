package schedules

import (
	"fmt"
	"math"
)

// Step multiplies the rate by Factor at once, after every StepSize updates:
//
//	rate = initial × Factor^⌊step / StepSize⌋
//
// It is Exponential with Staircase under the name that people look for. PyTorch: optim.lr_scheduler.StepLR, where Factor
// is gamma.
type Step struct {
	InitialLearningRate float64 // 0 means the optimizer's own
	Factor              float64 // above 0
	StepSize            int     // updates between two changes
	StepEpochs          float64 // or, instead, epochs between them
}

// Rate returns the rate at p.
func (s Step) Rate(p Position) float64 {
	return orBase(s.InitialLearningRate, p) * math.Pow(s.Factor, math.Floor(periods(p, s.StepSize, s.StepEpochs)))
}

// Check wants positive finite rates and exactly one of StepSize and StepEpochs.
func (s Step) Check(p Position) error {
	if err := checkRate("Step.InitialLearningRate", orBase(s.InitialLearningRate, p)); err != nil {
		return err
	}
	if !(s.Factor > 0) || math.IsInf(s.Factor, 0) {
		return fmt.Errorf("schedules: Step.Factor is %g; it is the positive factor that each step multiplies the rate by (0.1, say)", s.Factor)
	}
	return checkPeriod("Step.StepSize", s.StepSize, "Step.StepEpochs", s.StepEpochs, p)
}
