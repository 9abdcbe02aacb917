package schedules

import (
	"fmt"
	"math"
)

// WarmUp is a factor that rises in a straight line from From to 1 over the first updates, and stays there. It multiplies
// any schedule:
//
//	factor = From + (1 − From) × min(1, step / Steps)
//
// The first update has the factor From exactly, and the update Steps is the first at the full rate, as the warm-up inside
// Keras's CosineDecay counts. Source: Goyal et al. 2017, "Accurate, large minibatch SGD", arXiv:1706.02677, section 2.2.
type WarmUp struct {
	Steps  int     // how long it takes, in updates
	Epochs float64 // or, instead, in epochs
	From   float64 // the factor of the first update, in [0, 1)
}

// Factor returns what the rate at p is multiplied by, in [From, 1].
func (w WarmUp) Factor(p Position) float64 {
	done := periods(p, w.Steps, w.Epochs)
	if done >= 1 {
		return 1
	}
	return w.From + (1-w.From)*done
}

// Check wants From in [0, 1) and exactly one of Steps and Epochs.
func (w WarmUp) Check(p Position) error {
	if !(w.From >= 0 && w.From < 1) || math.IsNaN(w.From) {
		return fmt.Errorf("schedules: WarmUp.From is %g; it is the factor that the warm-up starts from, at least 0 and below 1", w.From)
	}
	return checkPeriod("WarmUp.Steps", w.Steps, "WarmUp.Epochs", w.Epochs, p)
}
