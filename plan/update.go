package plan

import (
	"slices"

	"github.com/meseta-go/meseta/layers"
	"github.com/meseta-go/meseta/ops"
	"github.com/meseta-go/meseta/optimizers"
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

// trained lists the trainable weights in the order in which they lie side by side: by the optimizer's groups, and in each as in the
// network. The groups' indices are of that list. Values are still missing.
func (m Model) trained() (list []trained, groups []optimizers.Group, err error) {
	var all []trained
	var seen []optimizers.Weight
	for _, p := range m.Layers.Layers {
		for _, w := range p.Weights {
			if w.Trainable {
				all = append(all, trained{w, ops.None, p.Path(w), p.Name})
				seen = append(seen, optimizers.Weight{Path: m.Layers.KerasPath(p, w), Shape: w.Shape})
			}
		}
	}
	if m.Optimizer == nil {
		return all, nil, nil
	}
	if groups, err = optimizers.Groups(m.Optimizer, seen); err != nil {
		return nil, nil, err
	}
	for _, g := range groups {
		for i, at := range g.Weights {
			g.Weights[i] = len(list)
			list = append(list, all[at])
		}
	}
	return list, groups, nil
}

// update appends what changes states and weights, each gated by the flag.
func (l *listing) update(m Model, deferred []layers.Deferred, weights []trained, groups []optimizers.Group) error {
	for _, d := range joinAverages(deferred) {
		l.Label = d.Label
		if _, err := l.Add(d.Op, appended(d.In, l.finite)...); err != nil {
			return err
		}
	}
	if len(weights) == 0 {
		return nil
	}
	l.Label = "update"
	rate, count := l.NewValue(learningRate, ops.ScalarType, ops.State), l.NewValue(iterations, ops.IterationsType, ops.State)
	slot := func(name string, of []trained) (list []ops.Value) {
		for _, w := range of {
			list = append(list, l.NewValue(slotName(name, w.path), l.Type(w.value), ops.State))
		}
		return list
	}
	base, apply, err := m.Optimizer.BaseArguments(), l.finite, error(nil)
	every := base.Every()
	if every > 1 {
		in := append([]ops.Value{count, apply}, l.gradients...)
		if apply, err = l.Add1(ops.AccumulateGradients{Every: every}, append(in, slot(optimizers.Accumulator, weights)...)...); err != nil {
			return err
		}
	}
	if clip, ok := base.Clip(); ok {
		if _, err := l.Add(clip, append([]ops.Value{apply}, l.gradients...)...); err != nil {
			return err
		}
	}
	counted := every > 1
	for _, g := range groups {
		if len(g.Weights) == 0 {
			continue
		}
		o := ops.Optimize{Rule: g.Rule, Parameters: len(g.Weights), Counted: counted, RateFactor: float32(g.RateFactor)}
		counted = true
		if every > 1 {
			o.Every = every
		}
		first, end := g.Weights[0], g.Weights[0]+len(g.Weights)
		in := append([]ops.Value{rate, count, apply}, valuesOf(weights[first:end])...)
		in = append(in, l.gradients[first:end]...)
		for _, name := range g.Slots {
			in = append(in, slot(name, weights[first:end])...)
		}
		if _, err := l.Add(o, in...); err != nil {
			return err
		}
	}
	if base.UseEMA {
		o := ops.AverageWeights{Momentum: float32(base.EMA()), Overwrite: base.EMAOverwriteFrequency}
		if every > 1 {
			o.Every = every
		}
		in := append([]ops.Value{count, l.finite}, valuesOf(weights)...)
		if _, err := l.Add(o, append(in, slot(optimizers.Average, weights)...)...); err != nil {
			return err
		}
	}
	return l.constrain(weights)
}

// joinAverages makes one operation of the moving averages of all layers that have the same momentum, in place of the first. No two change the same statistics, since a
// layer stands at one place of a network.
func joinAverages(deferred []layers.Deferred) (joined []layers.Deferred) {
	places := map[ops.MovingAverage]int{} // in joined
	for _, d := range deferred {
		o, ok := d.Op.(ops.MovingAverage)
		i, found := places[o]
		if !ok || !found {
			if ok {
				places[o] = len(joined)
			}
			joined = append(joined, d)
			continue
		}
		all := &joined[i]
		m, n := len(all.In)/2, len(d.In)/2
		all.In, all.Label = slices.Concat(all.In[:m], d.In[:n], all.In[m:], d.In[n:]), "update"
	}
	return joined
}
