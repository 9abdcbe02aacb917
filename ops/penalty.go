package ops

import (
	"fmt"
	"slices"
	"strings"
)

// Penalty is what a regularizer asks for a weight w: L1·Σ|w| + L2·Σw².
type Penalty struct{ L1, L2 float32 }

func (p Penalty) String() string {
	switch {
	case p.L2 == 0:
		return fmt.Sprintf("l1 %g", p.L1)
	case p.L1 == 0:
		return fmt.Sprintf("l2 %g", p.L2)
	}
	return fmt.Sprintf("l1 %g l2 %g", p.L1, p.L2)
}

// different lists penalties, each once.
func different(penalties []Penalty) string {
	var list []string
	for _, p := range penalties {
		if s := p.String(); !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	return strings.Join(list, ", ")
}

// Penalties is the sum of the penalties on weights.
//
// In: a float32 weight for each of Each. Out: float32 [1].
type Penalties struct{ Each []Penalty }

// Name is "penalties".
func (Penalties) Name() string { return "penalties" }

func (o Penalties) String() string { return different(o.Each) }

// Infer gives [1].
func (o Penalties) Infer(in []Type) ([]Type, error) {
	if len(in) != len(o.Each) {
		return nil, fmt.Errorf("penalties: %d weights, want one for each of %d penalties: %w", len(in), len(o.Each), ErrShape)
	}
	for _, w := range in {
		if err := rank("penalties", "weight", w, len(w.Shape)); err != nil {
			return nil, err
		}
	}
	return []Type{ScalarType}, nil
}

// Penalize adds Penalties to the loss of every sample. Its gradient ends there: what the penalties mean for those of weights, Regularize
// adds to them in one go, whatever the number of samples.
//
// In: losses [N], penalties [1]. Out: [N].
type Penalize struct{}

// Name is "penalize".
func (Penalize) Name() string { return "penalize" }

// InPlace says that the sums may be written over losses.
func (Penalize) InPlace() []int { return []int{0} }

// Gradient passes on what belongs to losses.
func (Penalize) Gradient(_ *Graph, _ Op, diffOut []Value) ([]Value, error) {
	return []Value{diffOut[0], None}, nil
}

// Infer gives the type of losses.
func (Penalize) Infer(in []Type) ([]Type, error) {
	if err := rank("penalize", "losses", in[0], 1); err != nil {
		return nil, err
	}
	return in[:1], same("penalize", "penalties", in[1], "the type wanted", ScalarType)
}

// Regularize adds the gradients of penalties to those of their weights, g: g += L1·sign(w) + 2·L2·w, where sign(0) = 0.
//
// In: gradients, then weights of the same types, of each one for each of Each. Out: none.
type Regularize struct{ Each []Penalty }

// Name is "regularize".
func (Regularize) Name() string { return "regularize" }

func (o Regularize) String() string { return different(o.Each) }

// Updates says that gradients are written.
func (Regularize) Updates(n int) []int { return from(0, n/2) }

// Infer checks that the types agree.
func (o Regularize) Infer(in []Type) ([]Type, error) {
	if len(in) != 2*len(o.Each) {
		return nil, fmt.Errorf("regularize: %d values, want a gradient and a weight for each of %d penalties: %w", len(in), len(o.Each), ErrShape)
	}
	return nil, pairs("regularize", "gradient", "weight", in)
}
