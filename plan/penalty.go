package plan

import "github.com/meseta-go/meseta/ops"

// penalize adds the penalties of the weights that have regularizers to the losses.
func (l *listing) penalize(weights []trained) error {
	in := []ops.Value{l.losses}
	for _, w := range weights {
		if w.Regularizer == nil {
			continue
		}
		penalty, err := w.Regularizer.Penalty()
		if err != nil {
			return err
		}
		l.Label = w.layer
		v, err := l.Add1(penalty, w.value)
		if err != nil {
			return err
		}
		in = append(in, v)
	}
	if len(in) == 1 {
		return nil
	}
	l.Label = "loss"
	var err error
	l.losses, err = l.Add1(ops.Penalize{}, in...)
	return err
}

// regularize adds what the penalties mean for gradients. They are penalties on the mean loss, so their gradient has the factor 1.
func (l *listing) regularize(weights []trained, gradients []ops.Value) error {
	for i, w := range weights {
		if w.Regularizer == nil {
			continue
		}
		penalty, err := w.Regularizer.Penalty()
		if err != nil {
			return err
		}
		l.Label = w.layer
		if gradients[i], err = l.Add1(ops.Regularize(penalty), gradients[i], w.value); err != nil {
			return err
		}
	}
	return nil
}

// constrain appends what weights are made to fulfil after an update, gated by the flag.
func (l *listing) constrain(weights []trained) error {
	for _, w := range weights {
		if w.Constraint == nil {
			continue
		}
		o, err := w.Constraint.Constrain(w.Shape)
		if err != nil {
			return err
		}
		l.Label = w.layer
		if _, err := l.Add(o, w.value, l.finite); err != nil {
			return err
		}
	}
	return nil
}
