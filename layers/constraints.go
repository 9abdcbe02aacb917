package layers

import (
	"fmt"

	"github.com/meseta-go/meseta/ops"
)

// Constraint is what a weight is made to fulfil after each update.
type Constraint interface {
	ClassName() string // Keras's
	// Constrain is the operation that it stands for on a weight of the given shape. The error wraps ErrConfig.
	Constrain(shape Shape) (ops.Operator, error)
}

// MaxNorm scales down those vectors of a weight whose norm is more than MaxValue. The vectors lie along the axes Axis: {0} are the
// columns of Dense's kernel, what goes into each unit, and {0, 1, 2} the filters of Conv2D's. Axes count from the end where negative.
type MaxNorm struct {
	MaxValue float64 // NewMaxNorm gives Keras's 2
	Axis     []int   // nil means {0}, as in Keras
}

// NewMaxNorm has Keras's defaults.
func NewMaxNorm() MaxNorm { return MaxNorm{MaxValue: 2} }

// MinMaxNorm moves the norms of a weight's vectors (see MaxNorm) into [MinValue, MaxValue], by the part Rate of the way.
type MinMaxNorm struct {
	MinValue float64
	MaxValue float64 // NewMinMaxNorm gives Keras's 1
	Rate     float64 // NewMinMaxNorm gives Keras's 1: all the way
	Axis     []int   // nil means {0}, as in Keras
}

// NewMinMaxNorm has Keras's defaults.
func NewMinMaxNorm() MinMaxNorm { return MinMaxNorm{MaxValue: 1, Rate: 1} }

// UnitNorm gives a weight's vectors (see MaxNorm) the norm 1.
type UnitNorm struct {
	Axis []int // nil means {0}, as in Keras
}

// NonNeg makes what is negative 0.
type NonNeg struct{}

// ClassName is "MaxNorm".
func (MaxNorm) ClassName() string { return "MaxNorm" }

// ClassName is "MinMaxNorm".
func (MinMaxNorm) ClassName() string { return "MinMaxNorm" }

// ClassName is "UnitNorm".
func (UnitNorm) ClassName() string { return "UnitNorm" }

// ClassName is "NonNeg".
func (NonNeg) ClassName() string { return "NonNeg" }

// Constrain checks bounds and axes.
func (c MaxNorm) Constrain(shape Shape) (ops.Operator, error) {
	return constrainNorm(c, c.Axis, shape, 0, c.MaxValue, 1)
}

// Constrain checks bounds, rate and axes.
func (c MinMaxNorm) Constrain(shape Shape) (ops.Operator, error) {
	if !(c.Rate > 0 && c.Rate <= 1) {
		return nil, fmt.Errorf("layers: constraint MinMaxNorm has rate %g, want 0 < rate ≤ 1; NewMinMaxNorm has Keras's defaults: %w", c.Rate, ErrConfig)
	}
	return constrainNorm(c, c.Axis, shape, c.MinValue, c.MaxValue, c.Rate)
}

// Constrain checks the axes.
func (c UnitNorm) Constrain(shape Shape) (ops.Operator, error) {
	return constrainNorm(c, c.Axis, shape, 1, 1, 1)
}

// Constrain has nothing to check.
func (NonNeg) Constrain(Shape) (ops.Operator, error) { return ops.NonNegative{}, nil }

func constrainNorm(c Constraint, axis []int, shape Shape, least, most, rate float64) (ops.Operator, error) {
	if !(least >= 0 && least <= most && most > 0 && most < 1e30) {
		return nil, fmt.Errorf("layers: constraint %s has norms from %g to %g, want 0 ≤ least ≤ most and 0 < most < 1e30; its New… has Keras's defaults: %w",
			c.ClassName(), least, most, ErrConfig)
	}
	if axis == nil {
		axis = []int{0}
	}
	along := make([]bool, len(shape))
	for _, a := range axis {
		i := a
		if i < 0 {
			i += len(shape)
		}
		if i < 0 || i >= len(shape) || along[i] {
			return nil, fmt.Errorf("layers: constraint %s has the axes %v, the weight is %v; want some of its %d axes, each once: %w", c.ClassName(), axis, shape, len(shape), ErrConfig)
		}
		along[i] = true
	}
	return ops.ConstrainNorm{Min: float32(least), Max: float32(most), Rate: float32(rate), Along: along}, nil
}
