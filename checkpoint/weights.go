package checkpoint

import (
	"fmt"
	"strconv"

	"github.com/meseta-go/meseta/hdf5"
	"github.com/meseta-go/meseta/layers"
)

// The layout of model.weights.h5 (keras/src/saving/saving_lib.py):
// layers/CLASS_IN_SNAKE_CASE[_k]/vars/0…, counted by class in the order of the
// model's layers, and optimizer/vars/0…. Groups exist where there are no
// variables, too.

// storedLayers lists the layers as Keras stores them: a Sequential leaves out
// its input.
func storedLayers(g *layers.Graph) []layers.Placed {
	if g.Sequential {
		return g.Layers[1:]
	}
	return g.Layers
}

// groupNames gives each layer of the list its group's name.
func groupNames(list []layers.Placed) []string {
	count := map[string]int{}
	names := make([]string, len(list))
	for i, l := range list {
		base := layers.SnakeCase(l.ClassName())
		names[i] = base
		if n := count[base]; n > 0 {
			names[i] = fmt.Sprintf("%s_%d", base, n)
		}
		count[base]++
	}
	return names
}

// writeWeights writes m in the layout of model.weights.h5. withConfig adds the
// model's configuration where Keras does not look, so that Load can build it.
func writeWeights(root *hdf5.Group, m *Model, withConfig bool) error {
	if err := writeVars(root, "", m.Graph.Name, nil); err != nil {
		return err
	}
	list := storedLayers(m.Graph)
	for i, group := range groupNames(list) {
		var vars []*hdf5.Dataset
		for _, w := range list[i].Weights {
			d, err := dataset(m.Weights[list[i].Path(w)])
			if err != nil {
				return err
			}
			vars = append(vars, d)
		}
		if err := writeVars(root, "layers/"+group+"/", list[i].Name, vars); err != nil {
			return err
		}
	}
	if m.Optimizer != nil {
		vars, err := optimizerVars(m)
		if err != nil {
			return err
		}
		list := make([]*hdf5.Dataset, len(vars))
		for i, v := range vars {
			list[i] = v.dataset
		}
		if err := writeVars(root, "optimizer/", layers.SnakeCase(m.Optimizer.Class), list); err != nil {
			return err
		}
	}
	if !withConfig {
		return nil
	}
	config, err := joinedConfig(m)
	if err != nil {
		return err
	}
	return root.Put(pathModelConfig, &hdf5.Dataset{Value: hdf5.Bytes(config)})
}

func writeVars(root *hdf5.Group, prefix, name string, vars []*hdf5.Dataset) error {
	group, err := root.Make(prefix + "vars")
	if err != nil {
		return err
	}
	group.Attrs.Set("name", hdf5.StringScalar(name, true))
	for i, d := range vars {
		if err := root.Put(fmt.Sprintf("%svars/%d", prefix, i), d); err != nil {
			return err
		}
	}
	return nil
}

// readVars lists the datasets 0, 1, … of a group "vars".
func readVars(group *hdf5.Group) ([]*hdf5.Dataset, error) {
	names := group.Names()
	vars := make([]*hdf5.Dataset, len(names))
	for _, name := range names {
		i, err := strconv.Atoi(name)
		if err != nil || i < 0 || i >= len(vars) || strconv.Itoa(i) != name {
			return nil, hdf5.FormatError(fmt.Sprintf("variable %q among %d", name, len(vars)))
		}
		if vars[i] = group.Dataset(name); vars[i] == nil {
			return nil, hdf5.FormatError(fmt.Sprintf("variable %q is a group", name))
		}
	}
	return vars, nil
}

// readWeights reads the layout of model.weights.h5.
func readWeights(f *file, m *Model) error {
	groups := f.root.Group("layers")
	if groups == nil {
		groups = f.root.Group("_layer_checkpoint_dependencies") // Keras 2.12
	}
	if groups == nil {
		return fmt.Errorf("%s has neither model_weights nor layers: it is no file of Keras", f.path)
	}
	stored := map[string]fileLayer{} // by group
	for _, group := range groups.Names() {
		l, err := readLayer(groups, group)
		if err != nil {
			return fmt.Errorf("%s: layers/%s: %w", f.path, group, err)
		}
		stored[group] = l
	}
	var found []fileLayer
	list := storedLayers(m.Graph)
	for _, group := range groupNames(list) {
		if l, ok := stored[group]; ok {
			found = append(found, l)
			delete(stored, group)
		}
	}
	for _, group := range groups.Names() { // what the network has no place for
		if l, ok := stored[group]; ok {
			found = append(found, l)
		}
	}
	if err := assign(f.path, m, found); err != nil {
		return err
	}
	vars := f.root.Group("optimizer/vars")
	if vars == nil {
		return nil
	}
	variables, err := readVars(vars)
	if err != nil {
		return fmt.Errorf("%s: optimizer: %w", f.path, err)
	}
	class := ""
	if a := vars.Attrs.Get("name"); a != nil {
		if class, err = a.ScalarString(); err != nil {
			return fmt.Errorf("%s: optimizer: %w", f.path, err)
		}
	}
	readOptimizer(m, class, variables)
	return nil
}

// readLayer reads the group of one layer.
func readLayer(groups *hdf5.Group, name string) (l fileLayer, err error) {
	group := groups.Group(name)
	if group == nil {
		return l, hdf5.FormatError("not a group")
	}
	l.name = name
	for _, part := range group.Names() {
		// Dropout layers of some versions keep the state of a random generator;
		// here random numbers follow from seed and step.
		if part != "vars" && part != "seed_generator" {
			return l, fmt.Errorf("%q, part of a layer of layers, is not supported", part)
		}
	}
	vars := group.Group("vars")
	if vars == nil {
		return l, nil
	}
	if a := vars.Attrs.Get("name"); a != nil {
		if l.name, err = a.ScalarString(); err != nil {
			return l, err
		}
		l.named = true
	}
	l.weights, err = readVars(vars)
	return l, err
}
