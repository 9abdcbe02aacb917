package schedules

import (
	"fmt"
	"math"
)

// OneCycle rises from MaxLR / DivFactor to MaxLR in the first PctStart of the run, and falls in the rest of it to the
// starting rate / FinalDivFactor, which the last update has. With ThreePhase it falls to the starting rate in as many
// updates as it rose, and in the rest to the end. Afterwards it stays at the last rate.
//
// Source: Smith and Topin 2018, "Super-convergence", arXiv:1708.07120. PyTorch: optim.lr_scheduler.OneCycleLR, whose
// counting of updates, names and defaults these are; it raises an error after the last update.
type OneCycle struct {
	MaxLR          float64 // the highest rate; 0 means the optimizer's own
	TotalSteps     int     // updates in the cycle
	TotalEpochs    float64 // or, instead, epochs in it
	PctStart       float64 // the part of it that rises, in (0, 1); with ThreePhase at most 0.5
	Shape          Shape   // of the ways up and down: LinearShape or CosineShape
	DivFactor      float64 // at least 1
	FinalDivFactor float64 // at least 1
	ThreePhase     bool
}

// NewOneCycle returns PyTorch's defaults: PctStart 0.3, CosineShape, DivFactor 25, FinalDivFactor 10⁴. How long the cycle
// takes is still to be set.
func NewOneCycle() OneCycle {
	return OneCycle{PctStart: 0.3, Shape: CosineShape, DivFactor: 25, FinalDivFactor: 1e4}
}

// Rate returns the rate at p.
func (s OneCycle) Rate(p Position) float64 {
	now, total := s.clock(p)
	highest := orBase(s.MaxLR, p)
	first := highest / s.DivFactor
	last := first / s.FinalDivFactor
	top, end := s.PctStart*total-1, total-1
	between := func(from, to, begin, end float64) float64 {
		return from + (to-from)*s.Shape.rise((now-begin)/(end-begin))
	}
	switch middle := 2*s.PctStart*total - 2; {
	case now >= end:
		return last
	case now <= top:
		return between(first, highest, 0, top)
	case !s.ThreePhase:
		return between(highest, last, top, end)
	case now <= middle:
		return between(highest, first, top, middle)
	default:
		return between(first, last, middle, end)
	}
}

// clock is the time at p and the length of the cycle, both in updates; in epochs where updates are not counted.
func (s OneCycle) clock(p Position) (now, total float64) {
	switch {
	case s.TotalSteps > 0:
		return float64(p.Step), float64(s.TotalSteps)
	case p.StepsPerEpoch > 0:
		return float64(p.Step), s.TotalEpochs * float64(p.StepsPerEpoch)
	default:
		return float64(p.Epoch), s.TotalEpochs
	}
}

// Check wants positive finite rates, exactly one of TotalSteps and TotalEpochs, and room for the way up.
func (s OneCycle) Check(p Position) error {
	if err := checkRate("OneCycle.MaxLR", orBase(s.MaxLR, p)); err != nil {
		return err
	}
	if !(s.PctStart > 0 && s.PctStart < 1) || s.ThreePhase && s.PctStart > 0.5 {
		return fmt.Errorf("schedules: OneCycle.PctStart is %g; it is the part of the cycle that rises, between 0 and 1, at most 0.5 with ThreePhase (NewOneCycle sets 0.3)", s.PctStart)
	}
	if !(s.DivFactor >= 1 && s.FinalDivFactor >= 1) || math.IsInf(s.DivFactor, 0) || math.IsInf(s.FinalDivFactor, 0) {
		return fmt.Errorf("schedules: OneCycle.DivFactor is %g and OneCycle.FinalDivFactor %g; both are finite and at least 1 (NewOneCycle sets 25 and 10000)", s.DivFactor, s.FinalDivFactor)
	}
	if s.Shape != LinearShape && s.Shape != CosineShape {
		return fmt.Errorf("schedules: OneCycle.Shape is %s; it is linear or cosine", s.Shape)
	}
	if err := checkPeriod("OneCycle.TotalSteps", s.TotalSteps, "OneCycle.TotalEpochs", s.TotalEpochs, p); err != nil {
		return err
	}
	if _, total := s.clock(p); !(s.PctStart*total > 1) {
		return fmt.Errorf("schedules: OneCycle.PctStart %g of a cycle of %g is %g, and the way up takes more than 1; make one of them larger", s.PctStart, total, s.PctStart*total)
	}
	return nil
}
