package plan

import "github.com/meseta-go/meseta/ops"

// penalties are those of the weights that have regularizers, with the places of these weights in the list.
func penalties(weights []trained) (list []ops.Penalty, of []int, err error) {
	for i, w := range weights {
		if w.Regularizer == nil {
			continue
		}
		penalty, err := w.Regularizer.Penalty()
		if err != nil {
			return nil, nil, err
		}
		list, of = append(list, penalty), append(of, i)
	}
	return list, of, nil
}

// penalize adds the penalties of the weights that have regularizers to the losses.
func (l *listing) penalize(weights []trained) error {
	list, of, err := penalties(weights)
	if err != nil || len(list) == 0 {
		return err
	}
	var in []ops.Value
	for _, i := range of {
		in = append(in, weights[i].value)
	}
	l.Label = "loss"
	sum, err := l.Add1(ops.Penalties{Each: list}, in...)
	if err != nil {
		return err
	}
	l.losses, err = l.Add1(ops.Penalize{}, l.losses, sum)
	return err
}

// regularize adds what the penalties mean for gradients. They are penalties on the mean loss, so their gradient has the factor 1.
func (l *listing) regularize(weights []trained) error {
	list, of, err := penalties(weights)
	if err != nil || len(list) == 0 {
		return err
	}
	var in []ops.Value
	for _, i := range of {
		in = append(in, l.gradients[i])
	}
	for _, i := range of {
		in = append(in, weights[i].value)
	}
	_, err = l.Add(ops.Regularize{Each: list}, in...)
	return err
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
