package schedules

import (
	"fmt"
	"math"
)

// Triangular goes up and down in straight lines between two rates, again and again:
//
//	cycle = ⌊1 + step / (2 StepSize)⌋;  x = |step / StepSize − 2 cycle + 1|
//	rate = BaseLR + (MaxLR − BaseLR) × max(0, 1 − x)
//
// It starts at BaseLR, reaches MaxLR after StepSize updates and is back after 2 StepSize.
//
// Source: Smith 2017, "Cyclical learning rates for training neural networks", arXiv:1506.01186v6, section 3.2, which
// advises a StepSize of 2 to 10 epochs.
type Triangular struct {
	BaseLR     float64 // the lowest rate; 0 means the optimizer's own
	MaxLR      float64 // the highest rate
	StepSize   int     // updates in half a cycle
	StepEpochs float64 // or, instead, epochs in half a cycle
}

// Rate returns the rate at p.
func (t Triangular) Rate(p Position) float64 {
	low := orBase(t.BaseLR, p)
	half := periods(p, t.StepSize, t.StepEpochs)
	cycle := math.Floor(1 + half/2)
	x := math.Abs(half - 2*cycle + 1)
	return low + (t.MaxLR-low)*math.Max(0, 1-x)
}

// Check wants positive finite rates, the highest not below the lowest, and exactly one of StepSize and StepEpochs.
func (t Triangular) Check(p Position) error {
	low := orBase(t.BaseLR, p)
	if err := checkRate("Triangular.BaseLR", low); err != nil {
		return err
	}
	if err := checkRate("Triangular.MaxLR", t.MaxLR); err != nil {
		return err
	}
	if t.MaxLR < low {
		return fmt.Errorf("schedules: Triangular.MaxLR is %g, below the lowest rate %g; swap them or set BaseLR", t.MaxLR, low)
	}
	return checkPeriod("Triangular.StepSize", t.StepSize, "Triangular.StepEpochs", t.StepEpochs, p)
}
