package schedules

import (
	"fmt"
	"math"
)

// Piecewise has one rate after another: Values[0] up to the first boundary, Values[1] up to the second, and so on.
//
// Boundaries are counted as Keras counts them: the update Boundaries[i] (0-based) is the last one with Values[i].
// BoundaryEpochs are whole: with a boundary of 30, the first 30 epochs have Values[0]. Keras:
// optimizers.schedules.PiecewiseConstantDecay, which counts updates only.
type Piecewise struct {
	Boundaries     []int     // updates, rising
	BoundaryEpochs []float64 // or, instead, epochs, rising
	Values         []float64 // one more than boundaries
}

// Rate returns the rate at p.
func (s Piecewise) Rate(p Position) float64 {
	for i, boundary := range s.Boundaries {
		if p.Step <= boundary {
			return s.Values[i]
		}
	}
	for i, boundary := range s.BoundaryEpochs {
		if p.epochs() < boundary {
			return s.Values[i]
		}
	}
	return s.Values[len(s.Values)-1]
}

// Check wants positive finite rates, and one kind of boundaries that rise.
func (s Piecewise) Check(p Position) error {
	n := len(s.Boundaries) + len(s.BoundaryEpochs)
	switch {
	case len(s.Boundaries) > 0 && len(s.BoundaryEpochs) > 0:
		return fmt.Errorf("schedules: Piecewise.Boundaries has %d updates and Piecewise.BoundaryEpochs %d epochs; set only one of them", len(s.Boundaries), len(s.BoundaryEpochs))
	case n == 0:
		return fmt.Errorf("schedules: Piecewise.Boundaries and Piecewise.BoundaryEpochs are empty; set one of them, or use Constant")
	case len(s.Values) != n+1:
		return fmt.Errorf("schedules: Piecewise.Values has %d rates for %d boundaries; there is one more rate than boundaries", len(s.Values), n)
	case len(s.Boundaries) > 0 && p.StepsPerEpoch == 0:
		return fmt.Errorf("schedules: Piecewise.Boundaries are updates, but how many an epoch has is not known here; set BoundaryEpochs")
	}
	for i, value := range s.Values {
		if err := checkRate(fmt.Sprintf("Piecewise.Values[%d]", i), value); err != nil {
			return err
		}
	}
	before := 0.0
	for i, boundary := range s.Boundaries {
		if boundary < 0 || i > 0 && float64(boundary) <= before {
			return fmt.Errorf("schedules: Piecewise.Boundaries[%d] is %d, after %g; boundaries are not negative and rise", i, boundary, before)
		}
		before = float64(boundary)
	}
	for i, boundary := range s.BoundaryEpochs {
		if !(boundary > before) || math.IsInf(boundary, 0) {
			return fmt.Errorf("schedules: Piecewise.BoundaryEpochs[%d] is %g, after %g; boundaries are positive and finite, and rise", i, boundary, before)
		}
		before = boundary
	}
	return nil
}
