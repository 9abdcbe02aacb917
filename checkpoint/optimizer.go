package checkpoint

import (
	"fmt"
	"strings"

	"github.com/meseta-go/meseta/hdf5"
	"github.com/meseta-go/meseta/layers"
	"github.com/meseta-go/meseta/optimizers"
	"gorgonia.org/tensor"
)

// Keras stores an optimizer as a list of variables: iteration, learning rate
// (not in Keras 2), then for each trainable weight, in the order of the layers,
// its slots.

// optimizerClasses are the optimizers whose state is known: Keras's names of
// their slots.
var optimizerClasses = map[string][]string{
	"Adam": optimizers.NewAdam().Slots(),
	"SGD":  (&optimizers.SGD{Momentum: 1}).Slots(),
}

// slotsOf lists the slots that o has; SGD without momentum has none.
func slotsOf(o *OptimizerState) ([]string, error) {
	slots, ok := optimizerClasses[o.Class]
	if !ok {
		return nil, fmt.Errorf("no layout for the state of optimizer %q", o.Class)
	}
	if o.Class == "SGD" && len(o.Slots) == 0 {
		return nil, nil
	}
	return slots, nil
}

// eachTrainable calls visit for every weight that has slots.
func eachTrainable(g *layers.Graph, visit func(l layers.Placed, w layers.Weight) error) error {
	for _, l := range g.Layers {
		for _, w := range l.Weights {
			if !w.Trainable {
				continue
			}
			if err := visit(l, w); err != nil {
				return err
			}
		}
	}
	return nil
}

// optimizerVars lists the variables of m.Optimizer with their names in a model.h5.
func optimizerVars(m *Model) ([]variable, error) {
	o := m.Optimizer
	slots, err := slotsOf(o)
	if err != nil {
		return nil, err
	}
	name := strings.ToLower(o.Class)
	rate := hdf5.Float32Values([]float32{o.LearningRate})
	rate.Shape = nil
	iteration := hdf5.Int64Values([]int64{o.Iterations})
	iteration.Shape = nil
	vars := []variable{
		{name + "/iteration", &hdf5.Dataset{Value: iteration}},
		{name + "/learning_rate", &hdf5.Dataset{Value: rate}},
	}
	err = eachTrainable(m.Graph, func(l layers.Placed, w layers.Weight) error {
		for _, slot := range slots {
			d, err := dataset(o.Slots[slot][l.Path(w)])
			if err != nil {
				return err
			}
			path := strings.ReplaceAll(variablePath(m.Graph, l, w), "/", "_")
			vars = append(vars, variable{name + "/" + path + "_" + slot, d})
		}
		return nil
	})
	return vars, err
}

// readOptimizer reads an optimizer's variables into m. What does not fit goes to
// m.TrainingErr: the weights are good without it.
func readOptimizer(m *Model, name string, vars []*hdf5.Dataset) {
	o, err := decodeOptimizer(m, name, vars)
	if err != nil {
		if m.TrainingErr == nil {
			m.TrainingErr = fmt.Errorf("checkpoint: optimizer state: %w", err)
		}
		return
	}
	m.Optimizer = o
}

func decodeOptimizer(m *Model, name string, vars []*hdf5.Dataset) (*OptimizerState, error) {
	o := &OptimizerState{Slots: map[string]map[string]*tensor.Dense{}}
	if len(vars) == 0 {
		return nil, fmt.Errorf("no variables")
	}
	iterations, err := vars[0].Int64s()
	if err != nil || len(iterations) != 1 || iterations[0] < 0 {
		return nil, fmt.Errorf("variable 0 is no number of iterations")
	}
	o.Iterations = iterations[0]
	vars = vars[1:]
	var weights []layers.Weight
	var paths []string
	_ = eachTrainable(m.Graph, func(l layers.Placed, w layers.Weight) error {
		weights, paths = append(weights, w), append(paths, l.Path(w))
		return nil
	})
	// Weights are never scalars, so a scalar is the learning rate.
	if len(vars) > 0 && len(vars[0].Shape) == 0 {
		rate, err := vars[0].Float32s()
		if err != nil {
			return nil, fmt.Errorf("learning rate: %w", err)
		}
		o.LearningRate = rate[0]
		vars = vars[1:]
	}
	each := 0
	if len(weights) > 0 {
		each = len(vars) / len(weights)
	}
	if each*len(weights) != len(vars) {
		return nil, fmt.Errorf("%d variables for %d weights", len(vars), len(weights))
	}
	if o.Class, err = optimizerClass(m, name, each); err != nil {
		return nil, err
	}
	for s, slot := range optimizerClasses[o.Class][:each] {
		o.Slots[slot] = map[string]*tensor.Dense{}
		for i, w := range weights {
			d := vars[each*i+s]
			if !w.Shape.Equal(layers.Shape(d.Shape)) {
				return nil, fmt.Errorf("%s of %s is %s, the model wants %s", slot, paths[i], shapeString(d.Shape), shapeString(w.Shape))
			}
			if o.Slots[slot][paths[i]], err = dense(d); err != nil {
				return nil, err
			}
		}
	}
	return o, nil
}

// optimizerClass finds the class that keeps so many slots for each weight. Its
// name in the file may be the class's in any case, or that of an instance; the
// training configuration decides then.
func optimizerClass(m *Model, name string, each int) (string, error) {
	class := ""
	for known := range optimizerClasses {
		if strings.EqualFold(known, name) {
			class = known
		}
	}
	if class == "" && m.Training != nil {
		class = m.Training.Optimizer.ClassName()
	}
	if class == "" && name == "" { // tf_keras's weights files do not say
		class = map[int]string{0: "SGD", 1: "SGD", 2: "Adam"}[each]
	}
	slots, ok := optimizerClasses[class]
	if !ok || each != len(slots) && !(class == "SGD" && each == 0) {
		return "", fmt.Errorf("%d variables for each weight of optimizer %q are not known here", each, name)
	}
	return class, nil
}
