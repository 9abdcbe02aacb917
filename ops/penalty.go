package ops

import (
	"fmt"
	"slices"
)

// Penalty is what a regularizer asks for a weight w: L1·Σ|w| + L2·Σw².
//
// In: w float32. Out: float32 [1].
type Penalty struct{ L1, L2 float32 }

// Name is "penalty".
func (Penalty) Name() string { return "penalty" }

func (o Penalty) String() string { return factors(o.L1, o.L2) }

func factors(l1, l2 float32) string {
	switch {
	case l2 == 0:
		return fmt.Sprintf("l1 %g", l1)
	case l1 == 0:
		return fmt.Sprintf("l2 %g", l2)
	}
	return fmt.Sprintf("l1 %g l2 %g", l1, l2)
}

// Infer gives [1].
func (Penalty) Infer(in []Type) ([]Type, error) {
	return []Type{ScalarType}, rank("penalty", "w", in[0], len(in[0].Shape))
}

// Penalize adds penalties to the loss of every sample. Its gradient ends there: what the penalties mean for those of weights, Regularize
// adds to them in one go, whatever the number of samples.
//
// In: losses [N], then penalties [1] each. Out: [N].
type Penalize struct{}

// Name is "penalize".
func (Penalize) Name() string { return "penalize" }

// InPlace says that the sums may be written over losses.
func (Penalize) InPlace() []int { return []int{0} }

// Gradient passes on what belongs to losses.
func (Penalize) Gradient(_ *Graph, op Op, diffOut []Value) ([]Value, error) {
	in := slices.Repeat([]Value{None}, len(op.In))
	in[0] = diffOut[0]
	return in, nil
}

// Infer gives the type of losses.
func (Penalize) Infer(in []Type) ([]Type, error) {
	if err := rank("penalize", "losses", in[0], 1); err != nil {
		return nil, err
	}
	for _, t := range in[1:] {
		if err := same("penalize", "a penalty", t, "the type wanted", ScalarType); err != nil {
			return nil, err
		}
	}
	return in[:1], nil
}

// Regularize adds the gradient of a Penalty of the same factors to a weight's gradient g: g + L1·sign(w) + 2·L2·w, where sign(0) = 0.
//
// In: g, w of the same type. Out: of that type.
type Regularize struct{ L1, L2 float32 }

// Name is "regularize".
func (Regularize) Name() string { return "regularize" }

func (o Regularize) String() string { return factors(o.L1, o.L2) }

// InPlace says that the sum may be written over g.
func (Regularize) InPlace() []int { return []int{0} }

// Infer checks that the types agree.
func (Regularize) Infer(in []Type) ([]Type, error) {
	return in[:1], same("regularize", "gradient", in[0], "weight", in[1])
}
