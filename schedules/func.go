package schedules

import (
	"errors"
	"fmt"
	"math"
)

// Func is a schedule of one's own. It must be pure: the same position has the same rate. It has no configuration form.
type Func func(p Position) float64

// Rate calls the function.
func (f Func) Rate(p Position) float64 { return f(p) }

// Check wants a rate for the first update that is finite and not negative.
func (f Func) Check(p Position) error {
	if f == nil {
		return errors.New("schedules: Func is nil; give a function of the position")
	}
	if rate := f(p); !(rate >= 0) || math.IsInf(rate, 0) {
		return fmt.Errorf("schedules: Func returns %g for the first update; a learning rate is a finite number, not negative", rate)
	}
	return nil
}
