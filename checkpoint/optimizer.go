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
// (not in Keras 2), then moving averages of all trainable weights, in the order
// of the layers, and sums of their gradients, where the optimizer has these;
// then for each weight its slots. RMSprop's stand slot by slot instead, each for
// all weights; Muon has a velocity of some weights only, which its configuration
// tells. Behind Nadam's comes one number, the product of its momenta,
// which follows from iteration and configuration.

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
		optimizers.NewNadam(), optimizers.NewLion(), optimizers.NewLamb(), optimizers.NewMuon(),
	} {
		known[o.ClassName()] = [][]string{o.Slots()}
	}
	return known
}()

// place is a variable behind the learning rate: a slot of a weight.
type place struct {
	slot   string
	weight int
}

// places lists the variables that an optimizer has for so many weights: base are those that any may have, own are its class's. keeps
// says whether it has a slot for a weight.
func places(class string, base, own []string, weights int, keeps func(slot string, weight int) bool) (list []place) {
	bySlot := func(slots []string) {
		for _, slot := range slots {
			for i := range weights {
				if keeps(slot, i) {
					list = append(list, place{slot, i})
				}
			}
		}
	}
	bySlot(base)
	if class == "RMSprop" {
		bySlot(own)
		return list
	}
	for i := range weights {
		for _, slot := range own {
			if keeps(slot, i) {
				list = append(list, place{slot, i})
			}
		}
	}
	return list
}

// keepers says which slots an optimizer keeps for which of a network's trainable weights, and lists those that any may have.
func keepers(g *layers.Graph, o optimizers.Optimizer) (base []string, keeps func(slot string, weight int) bool, err error) {
	var weights []optimizers.Weight
	for _, w := range trainable(g) {
		weights = append(weights, optimizers.Weight{Path: w.keras, Shape: w.Shape})
	}
	groups, err := optimizers.Groups(o, weights)
	if err != nil {
		return nil, nil, err
	}
	has := map[place]bool{}
	base = optimizers.State(o)[:len(optimizers.State(o))-len(o.Slots())]
	for _, group := range groups {
		for _, slot := range append(slices.Clone(base), group.Slots...) {
			for _, i := range group.Weights {
				has[place{slot, i}] = true
			}
		}
	}
	return base, func(slot string, weight int) bool { return has[place{slot, weight}] }, nil
}

func always(string, int) bool { return true }

// slotsOf lists the slots that o has: those that any may have, and its class's.
// Where the latter are no form of its class, they are all that the class may
// have: the caller finds what is missing.
func slotsOf(o *OptimizerState) (base, own []string, err error) {
	list, ok := forms[o.Class]
	if !ok {
		return nil, nil, fmt.Errorf("no layout for the state of optimizer %q", o.Class)
	}
	for _, slot := range []string{optimizers.Average, optimizers.Accumulator} {
		if o.Slots[slot] != nil {
			base = append(base, slot)
		}
	}
	for _, slots := range list {
		missing := slices.ContainsFunc(slots, func(slot string) bool { return o.Slots[slot] == nil })
		if len(slots)+len(base) == len(o.Slots) && !missing {
			return base, slots, nil
		}
	}
	return base, list[len(list)-1], nil
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
	return rule.(ops.Nadam).Product(iterations / int64(m.Training.Optimizer.BaseArguments().Every())), nil
}

var nadam = optimizers.NewNadam().ClassName()

// trained is a weight that has slots.
type trained struct {
	layers.Weight
	path  string // LAYER/WEIGHT
	keras string // its path in Keras
}

// trainable lists the weights that have slots, in the order of the layers.
func trainable(g *layers.Graph) (list []trained) {
	for _, l := range g.Layers {
		for _, w := range l.Weights {
			if w.Trainable {
				list = append(list, trained{w, l.Path(w), g.KerasPath(l, w)})
			}
		}
	}
	return list
}

// placesOf lists the variables that m.Optimizer has.
func placesOf(m *Model) ([]place, error) {
	o := m.Optimizer
	base, own, err := slotsOf(o)
	if err != nil {
		return nil, err
	}
	keeps := always
	if t := m.Training; t != nil && t.Optimizer.ClassName() == o.Class {
		if _, keeps, err = keepers(m.Graph, t.Optimizer); err != nil {
			return nil, err
		}
	}
	return places(o.Class, base, own, len(trainable(m.Graph)), keeps), nil
}

// optimizerVars lists the variables of m.Optimizer with their names in a model.h5.
func optimizerVars(m *Model) ([]variable, error) {
	o := m.Optimizer
	list, err := placesOf(m)
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
	weights := trainable(m.Graph)
	for _, at := range list {
		w := weights[at.weight]
		d, err := dataset(o.Slots[at.slot][w.path])
		if err != nil {
			return nil, err
		}
		vars = append(vars, variable{name + "/" + strings.ReplaceAll(w.keras, "/", "_") + "_" + at.slot, d})
	}
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
// m.TrainingErr: the weights are good without it. An optimizer that has made
// nothing yet, as in a model that Keras compiled and saved, leaves none.
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
	weights := trainable(m.Graph)
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
	var list []place
	if o.Class, list, err = optimizerPlaces(m, name, len(weights), len(vars)); err != nil {
		if len(vars) == 0 && o.Iterations == 0 {
			return nil, nil
		}
		return nil, err
	}
	if product != nil {
		if err := checkProduct(m, o, product); err != nil {
			return nil, err
		}
	}
	for i, at := range list {
		d, w := vars[i], weights[at.weight]
		if !w.Shape.Equal(layers.Shape(d.Shape)) {
			return nil, fmt.Errorf("%s of %s is %s, the model wants %s", at.slot, w.path, shapeString(d.Shape), shapeString(w.Shape))
		}
		if o.Slots[at.slot] == nil {
			o.Slots[at.slot] = map[string]*tensor.Dense{}
		}
		if o.Slots[at.slot][w.path], err = dense(d); err != nil {
			return nil, err
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

// optimizerPlaces finds the class of an optimizer that has so many variables
// behind the learning rate, and what they are. Its name in the file may be the
// class's in any case, or that of an instance; the training configuration
// decides then.
func optimizerPlaces(m *Model, name string, weights, vars int) (class string, list []place, err error) {
	for known := range forms {
		if strings.EqualFold(known, name) || layers.SnakeCase(known) == name {
			class = known
		}
	}
	if class == "" && m.Training != nil {
		class = m.Training.Optimizer.ClassName()
	}
	if t := m.Training; t != nil && t.Optimizer.ClassName() == class {
		base, keeps, err := keepers(m.Graph, t.Optimizer)
		if err != nil {
			return "", nil, err
		}
		list := places(class, base, t.Optimizer.Slots(), weights, keeps)
		if len(list) == vars {
			return class, list, nil
		}
		if len(base) > 0 {
			return "", nil, fmt.Errorf("%d variables for %d weights, the optimizer of the configuration has %d", vars, weights, len(list))
		}
	}
	each := 0
	if weights > 0 {
		each = vars / weights
	}
	if each*weights != vars {
		return "", nil, fmt.Errorf("%d variables for %d weights", vars, weights)
	}
	if class == "" && name == "" { // tf_keras's weights files do not say
		class = map[int]string{0: "SGD", 1: "SGD", 2: "Adam"}[each]
	}
	var own []string
	found := 0
	for _, form := range forms[class] {
		if len(form) == each {
			own = form
			found++
		}
	}
	switch {
	case found == 0:
		return "", nil, fmt.Errorf("%d variables for each weight of optimizer %q are not known here", each, name)
	case found > 1:
		return "", nil, fmt.Errorf("%d variables for each weight of optimizer %q may be different ones; the file does not have its configuration", each, name)
	}
	return class, places(class, nil, own, weights, always), nil
}
