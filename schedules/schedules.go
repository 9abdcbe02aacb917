// Package schedules is learning rates as pure functions: of the epoch, the update step and the optimizer's own rate, and
// of nothing else. The same place in a run has the same rate whoever asks and however often, so a schedule has no state to
// save and a resumed run goes on exactly.
//
// What reacts to metrics (ReduceLROnPlateau) is not a schedule; it lives in package callbacks, which composes both:
// rate = warm-up × max(schedule × plateau scale, min_lr).
package schedules

import (
	"fmt"
	"math"
)

// Position is a place in a run.
type Position struct {
	Epoch         int     // 0-based
	Step          int     // updates made before this one since training began, 0-based over all epochs
	StepsPerEpoch int     // updates in one epoch; 0 where it is not known (a table of metrics by epoch)
	Base          float64 // the optimizer's own learning rate
}

// epochs is the time since the start of training in epochs, with a fraction where the number of steps is known.
func (p Position) epochs() float64 {
	if p.StepsPerEpoch > 0 {
		return float64(p.Step) / float64(p.StepsPerEpoch)
	}
	return float64(p.Epoch)
}

// Schedule is a learning rate as a pure function of the position.
type Schedule interface {
	// Rate returns the learning rate of the update at p.
	Rate(p Position) float64

	// Check reports a setting that cannot work, before the first step. p is the position of the first update.
	Check(p Position) error
}

// Constant is the same rate everywhere.
type Constant struct {
	LearningRate float64 // 0 means the optimizer's own
}

// Rate returns the constant.
func (c Constant) Rate(p Position) float64 { return orBase(c.LearningRate, p) }

// Check wants a positive finite rate.
func (c Constant) Check(p Position) error {
	return checkRate("Constant.LearningRate", orBase(c.LearningRate, p))
}

func orBase(rate float64, p Position) float64 {
	if rate == 0 {
		return p.Base
	}
	return rate
}

func checkRate(name string, rate float64) error {
	if !(rate > 0) || math.IsInf(rate, 0) {
		return fmt.Errorf("schedules: %s is %g; a learning rate is a positive finite number", name, rate)
	}
	return nil
}

// checkPeriod wants exactly one of a number of steps and a number of epochs, and steps only where they are counted.
func checkPeriod(stepsName string, steps int, epochsName string, epochs float64, p Position) error {
	switch {
	case steps < 0 || epochs < 0 || math.IsNaN(epochs) || math.IsInf(epochs, 0):
		return fmt.Errorf("schedules: %s is %d and %s is %g; neither may be negative or infinite", stepsName, steps, epochsName, epochs)
	case steps == 0 && epochs == 0:
		return fmt.Errorf("schedules: %s and %s are both 0; set one of them to say how long it takes", stepsName, epochsName)
	case steps > 0 && epochs > 0:
		return fmt.Errorf("schedules: %s is %d and %s is %g; set only one of them", stepsName, steps, epochsName, epochs)
	case steps > 0 && p.StepsPerEpoch == 0:
		return fmt.Errorf("schedules: %s is %d, but how many steps an epoch has is not known here; set %s", stepsName, steps, epochsName)
	}
	return nil
}

// periods is the time at p in units of steps updates, or of epochs where steps is 0.
func periods(p Position, steps int, epochs float64) float64 {
	if steps > 0 {
		return float64(p.Step) / float64(steps)
	}
	return p.epochs() / epochs
}
