package plan

import (
	"fmt"

	"github.com/meseta-go/meseta/layers"
	"github.com/meseta-go/meseta/ops"
)

// listing is a program before kernels and places are chosen.
type listing struct {
	*ops.Graph
	src        ops.Value
	targets    ops.Value   // labels int32 [N] or targets float32 [N,…]; None for Inference
	weights    ops.Value   // of samples, [N], or None
	kept       []ops.Value // read by the host after a step
	prediction ops.Value
	losses     ops.Value // [N], or None
	finite     ops.Value // the state applied, or None
	gradients  []ops.Value
	fixed      int                  // operations at the front that run once for each set of weights, in training once; see hoist
	chosen     map[ops.Value]choice // kernels of the operations that give these values first, see prepareInputs
}

// lower lists the operations of a model for a batch size, mode and feed, gradients and update included.
func lower(m Model, mode Mode, batch int, feed Feed) (*listing, error) {
	if err := m.check(mode); err != nil {
		return nil, err
	}
	if batch < 1 {
		return nil, fmt.Errorf("plan: a batch of %d samples, want at least 1", batch)
	}
	l := &listing{Graph: &ops.Graph{}, targets: ops.None, weights: ops.None, losses: ops.None, finite: ops.None}
	src := ops.F32(append([]int{batch}, m.Layers.Input()...)...)
	if err := src.Shape.Check(); err != nil {
		return nil, fmt.Errorf("plan: a batch of %d samples: %w", batch, err)
	}
	l.src = l.NewValue("x", src, ops.Input)

	weights, groups, err := m.trained()
	if err != nil {
		return nil, err
	}
	values := map[string]ops.Value{}
	for _, p := range m.Layers.Layers {
		for _, w := range p.Weights {
			name := p.Path(w)
			role := ops.State
			if w.Trainable {
				role = ops.Parameter
			}
			values[name] = l.NewValue(name, ops.Type{Shape: w.Shape}, role)
		}
	}
	for i, w := range weights {
		weights[i].value = values[w.path]
	}
	b := &layers.Builder{Graph: l.Graph, Training: mode == Training}
	if b.Training {
		b.Counter = l.NewValue(counter, ops.CounterType, ops.State)
	}
	l.prediction, err = m.Layers.Lower(b, l.src, func(p layers.Placed, w layers.Weight) ops.Value { return values[p.Path(w)] })
	if err != nil {
		return nil, err
	}
	padIntoConvolution(l.Graph)
	padIntoPool(l.Graph)
	if mode == Inference {
		l.kept = []ops.Value{l.prediction}
		return l, nil
	}

	name := "labels"
	if feed.target[0] != 0 {
		name = "targets"
	}
	l.targets = l.NewValue(name, feed.targets(batch), ops.Input)
	if feed.Weighted {
		l.weights = l.NewValue("weights", ops.F32(batch), ops.Input)
	}
	l.Label = "loss"
	if l.losses, err = m.Loss.Lower(l.Graph, l.prediction, l.targets); err != nil {
		return nil, fmt.Errorf("loss %s: %w", m.Loss.Name(), err)
	}
	if feed.Weighted {
		if l.losses, err = l.Add1(ops.Binary{Func: ops.Times}, l.losses, l.weights); err != nil {
			return nil, err
		}
	}
	if err := l.penalize(weights); err != nil {
		return nil, err
	}
	sums, err := m.sums()
	if err != nil {
		return nil, err
	}
	sums[0].values = l.losses
	l.Label = "metrics"
	if err := l.measure(sums); err != nil {
		return nil, err
	}
	l.kept = []ops.Value{l.losses}
	lossFromLogits(l.Graph)

	if mode == Training {
		if err := l.backward(m, weights, batch); err != nil {
			return nil, err
		}
	}
	l.Label = "metrics"
	if err := l.accumulate(sums); err != nil {
		return nil, err
	}
	if mode == Training {
		err = l.update(m, b.Deferred, weights, groups)
	}
	return l, err
}

// backward appends the gradients of the mean loss and the test that all of them are finite.
func (l *listing) backward(m Model, weights []trained, batch int) error {
	l.Label = "loss"
	forward := l.Ops
	seed, err := l.Add1(ops.Fill{Type: ops.F32(batch), Value: 1 / float32(batch)})
	if err != nil {
		return err
	}
	fill := l.Ops[len(forward)]
	l.Ops = forward // what has gradients: the operations so far, without the seed
	gradients, err := l.Gradients(l.losses, seed, valuesOf(weights))
	if err != nil {
		return err
	}
	backward := append([]ops.Op{fill}, l.Ops[len(forward):]...)
	l.Ops = append(forward[:len(forward):len(forward)], backward...)
	for i, g := range gradients {
		if g == ops.None {
			return fmt.Errorf("plan: the loss of %s does not depend on %s", m.Layers.Name, weights[i].path)
		}
	}
	if l.gradients, err = l.separate(gradients); err != nil {
		return err
	}
	l.Label = "update"
	if err := l.regularize(weights); err != nil {
		return err
	}
	l.finite = l.NewValue(applied, ops.FlagType, ops.State)
	_, err = l.Add(ops.Finite{}, append([]ops.Value{l.finite, l.losses}, l.gradients...)...)
	return err
}

// separate copies gradients that are another weight's too, such as those of a and b in a + b: each gets a place of its own.
func (l *listing) separate(gradients []ops.Value) ([]ops.Value, error) {
	u := usesOf(l.Graph, nil)
	seen := map[ops.Value]bool{}
	for i, g := range gradients {
		source := u.source(g)
		if u.maker[source] < 0 || seen[source] {
			var err error
			if gradients[i], err = l.Add1(ops.Affine{Scale: 1}, g); err != nil {
				return nil, err
			}
		}
		seen[source] = true
	}
	return gradients, nil
}
