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
	_, height := t.triangle(p)
	low := orBase(t.BaseLR, p)
	return low + (t.MaxLR-low)*height
}

// Check wants positive finite rates, the highest not below the lowest, and exactly one of StepSize and StepEpochs.
func (t Triangular) Check(p Position) error { return t.check("Triangular", p) }

// triangle is the number of the cycle at p, from 1, and the height there, in [0, 1].
func (t Triangular) triangle(p Position) (cycle, height float64) {
	half := periods(p, t.StepSize, t.StepEpochs)
	cycle = math.Floor(1 + half/2)
	return cycle, math.Max(0, 1-math.Abs(half-2*cycle+1))
}

func (t Triangular) check(name string, p Position) error {
	low := orBase(t.BaseLR, p)
	if err := checkRate(name+".BaseLR", low); err != nil {
		return err
	}
	if err := checkRate(name+".MaxLR", t.MaxLR); err != nil {
		return err
	}
	if t.MaxLR < low {
		return fmt.Errorf("schedules: %s.MaxLR is %g, below the lowest rate %g; swap them or set BaseLR", name, t.MaxLR, low)
	}
	return checkPeriod(name+".StepSize", t.StepSize, name+".StepEpochs", t.StepEpochs, p)
}

// Triangular2 is Triangular with each cycle half as high as the one before:
//
//	rate = BaseLR + (MaxLR − BaseLR) × max(0, 1 − x) / 2^(cycle − 1)
//
// Source: as Triangular, section 3.2.
type Triangular2 struct {
	BaseLR     float64 // the lowest rate; 0 means the optimizer's own
	MaxLR      float64 // the highest rate of the first cycle
	StepSize   int     // updates in half a cycle
	StepEpochs float64 // or, instead, epochs in half a cycle
}

// Rate returns the rate at p.
func (t Triangular2) Rate(p Position) float64 {
	cycle, height := Triangular(t).triangle(p)
	low := orBase(t.BaseLR, p)
	return low + (t.MaxLR-low)*height*math.Exp2(1-cycle)
}

// Check wants what Triangular does.
func (t Triangular2) Check(p Position) error { return Triangular(t).check("Triangular2", p) }

// ExpRange is Triangular with a height that shrinks by the factor Gamma at every update:
//
//	rate = BaseLR + (MaxLR − BaseLR) × max(0, 1 − x) × Gamma^step
//
// Source: as Triangular, section 3.2.
type ExpRange struct {
	BaseLR     float64 // the lowest rate; 0 means the optimizer's own
	MaxLR      float64 // the highest rate, were it not for Gamma
	StepSize   int     // updates in half a cycle
	StepEpochs float64 // or, instead, epochs in half a cycle
	Gamma      float64 // in (0, 1], near 1: 0.99994, say
}

func (t ExpRange) triangular() Triangular {
	return Triangular{t.BaseLR, t.MaxLR, t.StepSize, t.StepEpochs}
}

// Rate returns the rate at p.
func (t ExpRange) Rate(p Position) float64 {
	_, height := t.triangular().triangle(p)
	low := orBase(t.BaseLR, p)
	return low + (t.MaxLR-low)*height*math.Pow(t.Gamma, float64(p.Step))
}

// Check wants what Triangular does, Gamma in (0, 1], and updates that are counted.
func (t ExpRange) Check(p Position) error {
	if err := t.triangular().check("ExpRange", p); err != nil {
		return err
	}
	if !(t.Gamma > 0 && t.Gamma <= 1) {
		return fmt.Errorf("schedules: ExpRange.Gamma is %g; each update multiplies the height by it: above 0, at most 1 (0.99994, say)", t.Gamma)
	}
	if p.StepsPerEpoch == 0 {
		return fmt.Errorf("schedules: ExpRange.Gamma is for each update, but how many an epoch has is not known here; use Triangular2")
	}
	return nil
}
