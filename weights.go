package meseta

import (
	"fmt"

	"github.com/meseta-go/meseta/ops"
	"github.com/meseta-go/meseta/plan"
	"gorgonia.org/tensor"
)

// weightValue is a copy of one float32 value of the session.
type weightValue struct {
	name string
	data []float32
	slot bool // the optimizer's
}

// values copies all weights, and optimizer slots if asked for.
func (m *Model) values(slots bool) ([]weightValue, error) {
	var list []weightValue
	for _, e := range m.session.Entries() {
		isSlot := e.Kind == plan.Slot
		if e.Kind != plan.Trainable && e.Kind != plan.Fixed && !(isSlot && slots) {
			continue
		}
		v := weightValue{e.Name, make([]float32, e.Type.Shape.Size()), isSlot}
		if err := m.session.Read(v.name, v.data); err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, nil
}

// setValues writes values to the session.
func (m *Model) setValues(list []weightValue) error {
	for _, v := range list {
		if err := m.session.Write(v.name, v.data); err != nil {
			return err
		}
	}
	return nil
}

// Weight is one of a model's weights.
type Weight struct {
	Path      string // LAYER/WEIGHT: "conv2d/kernel"
	Trainable bool
	Value     *tensor.Dense // float32; filters are R,S,C,K
}

// Weights copies all weights, in the order of the layers.
func (m *Model) Weights() ([]Weight, error) {
	if err := m.open(); err != nil {
		return nil, err
	}
	var list []Weight
	for _, l := range m.graph.Layers {
		for _, w := range l.Weights {
			data := make([]float32, w.Shape.Size())
			if err := m.session.Read(l.Path(w), data); err != nil {
				return nil, err
			}
			list = append(list, Weight{l.Path(w), w.Trainable, tensor.New(tensor.WithShape(w.Shape...), tensor.WithBacking(data))})
		}
	}
	return list, nil
}

// SetWeight gives the weight of a path a value of its shape, float32.
// The error wraps ops.ErrShape if the shape is another.
func (m *Model) SetWeight(path string, value *tensor.Dense) error {
	if err := m.open(); err != nil {
		return err
	}
	for _, l := range m.graph.Layers {
		for _, w := range l.Weights {
			if l.Path(w) != path {
				continue
			}
			if !plain(value) {
				return fmt.Errorf("meseta: the value for %s, of shape %v, is a view, masked or column-major; materialize it first: %w", path, value.Shape(), ops.ErrShape)
			}
			data, ok := numbers(value)
			if !ok || !w.Shape.Equal(ops.Shape(value.Shape())) {
				return fmt.Errorf("meseta: %s wants float32 %v, the value is %v %v: %w", path, w.Shape, value.Dtype(), value.Shape(), ops.ErrShape)
			}
			return m.session.Write(path, data)
		}
	}
	return fmt.Errorf("meseta: %s has no weight %q", m.graph.Name, path)
}

// SwapAverages exchanges the trainable weights with their moving averages, which an optimizer with UseEMA keeps: once to evaluate, predict
// or save with the averages, and again before training goes on. Before the first update there are none: plan.ErrNoAverages.
func (m *Model) SwapAverages() error {
	if err := m.open(); err != nil {
		return err
	}
	return m.session.SwapAverages()
}
