package ops

import (
	"fmt"
	"strings"
)

// NonNegative makes what is negative in a weight 0, if the step is to be applied.
//
// In: weight float32, apply int32 [1]. Out: none.
type NonNegative struct{}

// Name is "non_negative".
func (NonNegative) Name() string { return "non_negative" }

// Updates says that the weight is written.
func (NonNegative) Updates(int) []int { return []int{0} }

// Infer checks the types.
func (NonNegative) Infer(in []Type) ([]Type, error) { return nil, weightAndFlag("non_negative", in) }

// ConstrainNorm scales the vectors of a weight such that their norms move to within bounds, if the step is to be applied. With n for a
// vector's norm, it is multiplied by (Rate·min(max(n, Min), Max) + (1-Rate)·n)/(n + 1e-7), as in Keras.
//
// In: weight float32, apply int32 [1]. Out: none.
type ConstrainNorm struct {
	Min, Max, Rate float32
	Along          []bool // for each axis of the weight, whether a vector lies along it
}

// NormEpsilon is what ConstrainNorm adds to norms: Keras's backend epsilon.
const NormEpsilon = 1e-7

// Name is "constrain_norm".
func (ConstrainNorm) Name() string { return "constrain_norm" }

func (o ConstrainNorm) String() string {
	var axes []string
	for i, along := range o.Along {
		if along {
			axes = append(axes, fmt.Sprint(i))
		}
	}
	return fmt.Sprintf("[%g, %g] rate %g along %s", o.Min, o.Max, o.Rate, strings.Join(axes, ","))
}

// Updates says that the weight is written.
func (ConstrainNorm) Updates(int) []int { return []int{0} }

// Infer checks the types.
func (o ConstrainNorm) Infer(in []Type) ([]Type, error) {
	if err := rank("constrain_norm", "weight", in[0], len(o.Along)); err != nil {
		return nil, err
	}
	return nil, weightAndFlag("constrain_norm", in)
}

func weightAndFlag(op string, in []Type) error {
	if err := rank(op, "weight", in[0], len(in[0].Shape)); err != nil {
		return err
	}
	return same(op, "apply", in[1], "the type wanted", FlagType)
}
