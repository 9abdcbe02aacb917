package checkpoint

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/meseta-go/meseta/hdf5"
	"github.com/meseta-go/meseta/layers"
	"github.com/meseta-go/meseta/ops"
	"github.com/meseta-go/meseta/optimizers"
	"gorgonia.org/tensor"
)

// Keras stores an optimizer as a list of variables: iteration, learning rate
// (not in Keras 2), then for each trainable weight, in the order of the layers,
// its slots. RMSprop's stand slot by slot instead, each for all weights. Behind
// Nadam's comes one number, the product of its momenta, which follows from
// iteration and configuration.

// forms are the optimizers whose state is known: by class, the lists of slots
// that one may have. The last is the longest.
var forms = func() map[string][][]string {
	known := map[string][][]string{
		"SGD": {(&optimizers.SGD{}).Slots(), (&optimizers.SGD{Momentum: 1}).Slots()},
		"RMSprop": {
			(&optimizers.RMSprop{}).Slots(), (&optimizers.RMSprop{Momentum: 1}).Slots(),
			(&optimizers.RMSprop{Centered: true}).Slots(), (&optimizers.RMSprop{Momentum: 1, Centered: true}).Slots(),
		},
	}
	for _, o := range []optimizers.Optimizer{
		optimizers.NewAdam(), optimizers.NewAdamW(), optimizers.NewAdagrad(), optimizers.NewAdadelta(), optimizers.NewAdamax(),
		optimizers.NewNadam(), optimizers.NewLion(),
	} {
		known[o.ClassName()] = [][]string{o.Slots()}
	}
	return known
}()

// place is where the variable for a slot of a weight stands behind the learning
// rate, of so many weights and slots.
func place(class string, weight, slot, weights, slots int) int {
	if class == "RMSprop" {
		return slot*weights + weight
	}
	return weight*slots + slot
}

// slotsOf lists the slots that o has. Where what it holds is no form of its
// class, that is all that the class may have: the caller finds what is missing.
func slotsOf(o *OptimizerState) ([]string, error) {
	list, ok := forms[o.Class]
	if !ok {
		return nil, fmt.Errorf("no layout for the state of optimizer %q", o.Class)
	}
	for _, slots := range list {
		missing := slices.ContainsFunc(slots, func(slot string) bool { return o.Slots[slot] == nil })
		if len(slots) == len(o.Slots) && !missing {
			return slots, nil
		}
	}
	return list[len(list)-1], nil
}

// productOf is the product of momenta that Nadam has after so many updates.
func productOf(m *Model, iterations int64) (float32, error) {
	if m.Training == nil || m.Training.Optimizer.ClassName() != nadam {
		return 0, fmt.Errorf("the state of Nadam needs its configuration; compile the model with Nadam")
	}
	rule, err := m.Training.Optimizer.Rule()
	if err != nil {
		return 0, err
	}
	return rule.(ops.Nadam).Product(iterations), nil
}

var nadam = optimizers.NewNadam().ClassName()

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
	name := layers.SnakeCase(o.Class)
	rate := hdf5.Float32Values([]float32{o.LearningRate})
	rate.Shape = nil
	iteration := hdf5.Int64Values([]int64{o.Iterations})
	iteration.Shape = nil
	vars := []variable{
		{name + "/iteration", &hdf5.Dataset{Value: iteration}},
		{name + "/learning_rate", &hdf5.Dataset{Value: rate}},
	}
	weights, at := 0, 0
	_ = eachTrainable(m.Graph, func(layers.Placed, layers.Weight) error { weights++; return nil })
	state := make([]variable, weights*len(slots))
	err = eachTrainable(m.Graph, func(l layers.Placed, w layers.Weight) error {
		for s, slot := range slots {
			d, err := dataset(o.Slots[slot][l.Path(w)])
			if err != nil {
				return err
			}
			path := strings.ReplaceAll(variablePath(m.Graph, l, w), "/", "_")
			state[place(o.Class, at, s, weights, len(slots))] = variable{name + "/" + path + "_" + slot, d}
		}
		at++
		return nil
	})
	vars = append(vars, state...)
	if err == nil && o.Class == nadam {
		var product float32
		if product, err = productOf(m, o.Iterations); err == nil {
			value := hdf5.Float32Values([]float32{product})
			value.Shape = nil
			vars = append(vars, variable{name + "/variable", &hdf5.Dataset{Value: value}})
		}
	}
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
	var product *hdf5.Dataset
	if last := len(vars) - 1; last >= 0 && len(vars[last].Shape) == 0 {
		product, vars = vars[last], vars[:last]
	}
	each := 0
	if len(weights) > 0 {
		each = len(vars) / len(weights)
	}
	if each*len(weights) != len(vars) {
		return nil, fmt.Errorf("%d variables for %d weights", len(vars), len(weights))
	}
	var slots []string
	if o.Class, slots, err = optimizerForm(m, name, each); err != nil {
		return nil, err
	}
	if product != nil {
		if err := checkProduct(m, o, product); err != nil {
			return nil, err
		}
	}
	for s, slot := range slots {
		o.Slots[slot] = map[string]*tensor.Dense{}
		for i, w := range weights {
			d := vars[place(o.Class, i, s, len(weights), each)]
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

// checkProduct holds Nadam's product of momenta against the one that is computed
// here. Without a configuration there is none.
func checkProduct(m *Model, o *OptimizerState, d *hdf5.Dataset) error {
	if o.Class != nadam {
		return fmt.Errorf("a number behind the slots of %s, which has none", o.Class)
	}
	value, err := d.Float32s()
	if err != nil {
		return fmt.Errorf("product of momenta: %w", err)
	}
	if m.Training == nil || m.Training.Optimizer.ClassName() != nadam {
		return nil
	}
	want, err := productOf(m, o.Iterations)
	if err != nil {
		return err
	}
	// Rounding adds up over thousands of factors; below 1e-20 it makes no difference.
	if difference := math.Abs(float64(value[0] - want)); !(difference <= 1e-3*float64(want)+1e-20) {
		return fmt.Errorf("the product of momenta is %g after %d updates, want %g with beta 1 of the configuration", value[0], o.Iterations, want)
	}
	return nil
}

// optimizerForm finds the class that keeps so many slots for each weight, and
// which. Its name in the file may be the class's in any case, or that of an
// instance; the training configuration decides then.
func optimizerForm(m *Model, name string, each int) (class string, slots []string, err error) {
	for known := range forms {
		if strings.EqualFold(known, name) || layers.SnakeCase(known) == name {
			class = known
		}
	}
	if class == "" && m.Training != nil {
		class = m.Training.Optimizer.ClassName()
	}
	if class == "" && name == "" { // tf_keras's weights files do not say
		class = map[int]string{0: "SGD", 1: "SGD", 2: "Adam"}[each]
	}
	if t := m.Training; t != nil && t.Optimizer.ClassName() == class && len(t.Optimizer.Slots()) == each {
		return class, t.Optimizer.Slots(), nil
	}
	found := 0
	for _, form := range forms[class] {
		if len(form) == each {
			slots = form
			found++
		}
	}
	switch {
	case found == 0:
		return "", nil, fmt.Errorf("%d variables for each weight of optimizer %q are not known here", each, name)
	case found > 1:
		return "", nil, fmt.Errorf("%d variables for each weight of optimizer %q may be different ones; the file does not have its configuration", each, name)
	}
	return class, slots, nil
}
