package layers

import (
	"fmt"

	"github.com/meseta-go/meseta/ops"
)

// Regularizer is a penalty on a weight that training and evaluation add to the loss.
type Regularizer interface {
	ClassName() string // Keras's
	// Penalty is the operation that it stands for. The error wraps ErrConfig.
	Penalty() (ops.Penalty, error)
}

// L1 penalizes a weight w by L1·Σ|w|.
type L1 float64

// L2 penalizes a weight w by L2·Σw².
type L2 float64

// L1L2 penalizes a weight w by L1·Σ|w| + L2·Σw².
type L1L2 struct{ L1, L2 float64 }

// ClassName is "L1".
func (L1) ClassName() string { return "L1" }

// ClassName is "L2".
func (L2) ClassName() string { return "L2" }

// ClassName is "L1L2".
func (L1L2) ClassName() string { return "L1L2" }

// Penalty checks the factor.
func (r L1) Penalty() (ops.Penalty, error) { return penalty(r, float64(r), 0) }

// Penalty checks the factor.
func (r L2) Penalty() (ops.Penalty, error) { return penalty(r, 0, float64(r)) }

// Penalty checks the factors.
func (r L1L2) Penalty() (ops.Penalty, error) { return penalty(r, r.L1, r.L2) }

func penalty(r Regularizer, l1, l2 float64) (ops.Penalty, error) {
	for _, x := range []float64{l1, l2} {
		if !(x >= 0 && x < 1e6) {
			return ops.Penalty{}, fmt.Errorf("layers: regularizer %s has the factor %g, want 0 ≤ factor < 1e6: %w", r.ClassName(), x, ErrConfig)
		}
	}
	return ops.Penalty{L1: float32(l1), L2: float32(l2)}, nil
}
