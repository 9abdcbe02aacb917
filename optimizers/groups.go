package optimizers

import (
	"errors"
	"fmt"
	"path"
	"regexp"
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
	if _, err := o.Rule(); err != nil {
		return nil, err
	}
	var decayed, excluded []int
	for i, w := range weights {
		if matches(o.BaseArguments().ExcludeFromWeightDecay, path.Base(w.Path)) {
			excluded = append(excluded, i)
		} else {
			decayed = append(decayed, i)
		}
	}
	groups, err := groupsOf(o, weights, decayed)
	if err == nil && len(excluded) > 0 {
		var more []Group
		more, err = groupsOf(withoutDecay(o), weights, excluded)
		groups = append(groups, more...)
	}
	return groups, err
}

// groupsOf parts some of the weights, without a look at what is excluded from weight decay.
func groupsOf(o Optimizer, weights []Weight, which []int) ([]Group, error) {
	if o, ok := o.(*Muon); ok {
		return o.groups(weights, which)
	}
	rule, err := o.Rule()
	return []Group{{Rule: rule, Slots: o.Slots(), Weights: which}}, err
}

// withoutDecay copies o.
func withoutDecay(o Optimizer) Optimizer {
	o = o.WithRate(o.Rate())
	for _, s := range own(o) {
		if s.Key == "weight_decay" || s.Key == "adam_weight_decay" {
			*s.Number = 0
		}
	}
	return o
}

// matches says whether one of the expressions, which Rule has checked, has a match in s.
func matches(expressions []string, s string) bool {
	return slices.ContainsFunc(expressions, func(e string) bool { return regexp.MustCompile(e).MatchString(s) })
}

// checkExpressions looks whether they are regular expressions.
func checkExpressions(o Optimizer, what string, expressions []string) (err error) {
	for _, e := range expressions {
		if _, wrong := regexp.Compile(e); wrong != nil {
			err = errors.Join(err, fmt.Errorf("optimizers: %s has %q in %s, which is no regular expression: %v: %w", o.ClassName(), e, what, wrong, ErrConfig))
		}
	}
	return err
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
