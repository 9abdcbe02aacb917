package plan

import (
	"github.com/meseta-go/meseta/layers"
	"github.com/meseta-go/meseta/ops"
)

// trained is a trainable weight in a program.
type trained struct {
	layers.Weight
	value ops.Value
	path  string
	layer string
}

func valuesOf(weights []trained) []ops.Value {
	values := make([]ops.Value, len(weights))
	for i, w := range weights {
		values[i] = w.value
	}
	return values
}

// update appends what changes states and weights, each gated by the flag.
func (l *listing) update(m Model, deferred []layers.Deferred, weights []trained) error {
	for _, d := range deferred {
		l.Label = d.Label
		if _, err := l.Add(d.Op, appended(d.In, l.finite)...); err != nil {
			return err
		}
	}
	if len(weights) == 0 {
		return nil
	}
	rule, err := m.Optimizer.Rule()
	if err != nil {
		return err
	}
	l.Label = "update"
	in := []ops.Value{
		l.NewValue(learningRate, ops.ScalarType, ops.State),
		l.NewValue(iterations, ops.IterationsType, ops.State),
		l.finite,
	}
	in = append(append(in, valuesOf(weights)...), l.gradients...)
	for _, slot := range m.Optimizer.Slots() {
		for _, w := range weights {
			in = append(in, l.NewValue(slotName(slot, w.path), l.Type(w.value), ops.State))
		}
	}
	if _, err = l.Add(ops.Optimize{Rule: rule, Parameters: len(weights)}, in...); err != nil {
		return err
	}
	return l.constrain(weights)
}
