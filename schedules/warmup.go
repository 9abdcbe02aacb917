package schedules

import (
	"fmt"
	"math"
)

// WarmUp is a factor that rises from From to 1 over the first updates, and stays there. It multiplies any schedule. With
// done = min(1, step / Steps) it is, by its Shape,
//
//	linear       From + (1 − From) × done
//	exponential  From^(1 − done)
//	cosine       From + (1 − From) × ½ (1 − cos(π done))
//
// The first update has the factor From exactly, and the update Steps is the first at the full rate, as the warm-up inside
// Keras's CosineDecay, a linear one, counts. Source: Goyal et al. 2017, "Accurate, large minibatch SGD", arXiv:1706.02677,
// section 2.2.
type WarmUp struct {
	Steps  int     // how long it takes, in updates
	Epochs float64 // or, instead, in epochs
	From   float64 // the factor of the first update, in [0, 1); above 0 where it rises exponentially
	Shape  Shape
}

// Factor returns what the rate at p is multiplied by, in [From, 1].
func (w WarmUp) Factor(p Position) float64 {
	done := periods(p, w.Steps, w.Epochs)
	if done >= 1 {
		return 1
	}
	return w.Shape.between(w.From, done)
}

// Check wants From in [0, 1), a Shape that exists and exactly one of Steps and Epochs.
func (w WarmUp) Check(p Position) error {
	if !(w.From >= 0 && w.From < 1) || math.IsNaN(w.From) {
		return fmt.Errorf("schedules: WarmUp.From is %g; it is the factor that the warm-up starts from, at least 0 and below 1", w.From)
	}
	if w.Shape > CosineShape {
		return fmt.Errorf("schedules: WarmUp.Shape is %s; the shapes are linear, exponential, cosine", w.Shape)
	}
	if w.Shape == ExponentialShape && w.From == 0 {
		return fmt.Errorf("schedules: WarmUp.From is 0, from where nothing rises exponentially; set a small factor (0.01, say)")
	}
	return checkPeriod("WarmUp.Steps", w.Steps, "WarmUp.Epochs", w.Epochs, p)
}
