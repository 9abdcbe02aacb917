package optimizers

import (
	"slices"

	"github.com/meseta-go/meseta/ops"
)

// Weight is what an optimizer sees of a weight when it chooses how to update it.
type Weight struct {
	Path  string // Keras's: LAYER/WEIGHT, in a Sequential behind its name
	Shape ops.Shape
}

// Group is weights that one rule updates.
type Group struct {
	Rule       ops.UpdateRule
	RateFactor float64  // of the learning rate; 0 means 1
	Slots      []string // what the rule keeps for each of the weights, in its order
	Weights    []int    // indices, rising
}

// Groups parts weights by the rule that updates them; each is in one group. The error wraps ErrConfig.
func Groups(o Optimizer, weights []Weight) ([]Group, error) {
	if o, ok := o.(interface {
		groups(weights []Weight) ([]Group, error)
	}); ok {
		return o.groups(weights)
	}
	rule, err := o.Rule()
	if err != nil {
		return nil, err
	}
	all := Group{Rule: rule, Slots: o.Slots()}
	for i := range weights {
		all.Weights = append(all.Weights, i)
	}
	return []Group{all}, nil
}

// SameState says whether what a kept for weights is what b goes on with.
func SameState(a, b Optimizer) bool {
	if a, ok := a.(*Muon); ok { // which of them has a velocity depends on what is excluded
		b, ok := b.(*Muon)
		if !ok || a.ExcludeEmbeddings != b.ExcludeEmbeddings || !slices.Equal(a.ExcludeLayers, b.ExcludeLayers) {
			return false
		}
	}
	return a.ClassName() == b.ClassName() && slices.Equal(State(a), State(b))
}
