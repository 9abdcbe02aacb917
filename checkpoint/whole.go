package checkpoint

import (
	"fmt"
	"strings"

	"github.com/meseta-go/meseta/hdf5"
)

// The layout of model.h5 (keras/src/legacy/saving/legacy_h5_format.py):
// configurations as JSON in attributes of the root, model_weights/LAYER with the
// list weight_names, and optimizer_weights. A file of weights alone, as Keras 1
// and 2 wrote them to .h5, has at its root what model_weights has here.

const (
	// kerasVersion is the version whose layouts are written.
	kerasVersion = "3.15.1"
	// kerasBackend is what Keras expects kernels to be stored for: R,S,C,K.
	kerasBackend = "tensorflow"
	// attributeLimit is where Keras splits a list of names (HDF5_OBJECT_HEADER_LIMIT).
	attributeLimit = 64512
)

// writeWhole writes m in the layout of model.h5.
func writeWhole(root *hdf5.Group, m *Model) error {
	config, err := graphConfig(m.Graph, false)
	if err != nil {
		return err
	}
	root.Attrs.Set("backend", hdf5.StringScalar(kerasBackend, true))
	root.Attrs.Set("keras_version", hdf5.StringScalar(kerasVersion, true))
	text, err := encodeJSON(config)
	if err != nil {
		return err
	}
	root.Attrs.Set("model_config", hdf5.StringScalar(string(text), false))
	if m.Training != nil {
		if text, err = encodeJSON(trainingConfig(m, false)); err != nil {
			return err
		}
		root.Attrs.Set("training_config", hdf5.StringScalar(string(text), false))
	}
	group, err := root.Make("model_weights")
	if err != nil {
		return err
	}
	list := storedLayers(m.Graph)
	names := make([]string, len(list))
	for i, l := range list {
		names[i] = l.Name
		var vars []variable
		for _, w := range l.Weights {
			d, err := dataset(m.Weights[l.Path(w)])
			if err != nil {
				return err
			}
			vars = append(vars, variable{m.Graph.KerasPath(l, w), d})
		}
		if err := writeNamed(group, l.Name, vars); err != nil {
			return err
		}
	}
	setNames(&group.Attrs, "layer_names", names)
	group.Attrs.Set("backend", hdf5.StringScalar(kerasBackend, true))
	group.Attrs.Set("keras_version", hdf5.StringScalar(kerasVersion, true))
	if err := writeNamed(group, "top_level_model_weights", nil); err != nil {
		return err
	}
	if m.Optimizer == nil {
		return nil
	}
	vars, err := optimizerVars(m)
	if err != nil {
		return err
	}
	return writeNamed(root, "optimizer_weights", vars)
}

// variable is a dataset and its name in a list of weight names.
type variable struct {
	path    string
	dataset *hdf5.Dataset
}

// writeNamed writes variables into a new group with the list of their names.
func writeNamed(parent *hdf5.Group, name string, vars []variable) error {
	if parent.Lookup(name) != nil {
		return fmt.Errorf("two layers are named %q", name)
	}
	group, err := parent.Make(name)
	if err != nil {
		return err
	}
	names := make([]string, len(vars))
	for i, v := range vars {
		names[i] = v.path
		if err := group.Put(v.path, v.dataset); err != nil {
			return err
		}
	}
	setNames(&group.Attrs, "weight_names", names)
	return nil
}

// setNames sets a list of names, split in several where it is too large for one
// attribute (save_attributes_to_hdf5_group).
func setNames(attrs *hdf5.Attrs, name string, list []string) {
	if len(list) == 0 {
		attrs.Set(name, hdf5.Float64Values(nil, 0)) // what NumPy makes of []
		return
	}
	longest := 0
	for _, s := range list {
		longest = max(longest, len(s))
	}
	// 16 bytes is what a string takes in a list of variable-length ones.
	if len(list)*max(longest, 16) <= attributeLimit {
		attrs.Set(name, hdf5.StringArray(list))
		return
	}
	parts := 2
	for (len(list)+parts-1)/parts*longest > attributeLimit {
		parts++
	}
	at := 0
	for i := range parts { // as numpy.array_split: the first ones are longer
		n := len(list) / parts
		if i < len(list)%parts {
			n++
		}
		attrs.Set(fmt.Sprintf("%s%d", name, i), hdf5.FixedStrings(list[at:at+n]))
		at += n
	}
}

// getNames reads what setNames wrote.
func getNames(attrs hdf5.Attrs, name string) ([]string, error) {
	read := func(a *hdf5.Attr) ([]string, error) {
		if a.Elements() == 0 {
			return nil, nil
		}
		list, err := a.Strings()
		if err != nil {
			return nil, fmt.Errorf("attribute %s: %w", a.Name, err)
		}
		return list, nil
	}
	if a := attrs.Get(name); a != nil {
		return read(a)
	}
	if attrs.Get(name+"0") == nil {
		return nil, hdf5.FormatError("no attribute " + name)
	}
	var all []string
	for i := 0; ; i++ {
		a := attrs.Get(fmt.Sprintf("%s%d", name, i))
		if a == nil {
			return all, nil
		}
		part, err := read(a)
		if err != nil {
			return nil, err
		}
		all = append(all, part...)
	}
}

// readNamed reads the variables of a group in the order of its list.
func readNamed(group *hdf5.Group) ([]variable, error) {
	names, err := getNames(group.Attrs, "weight_names")
	if err != nil {
		return nil, err
	}
	vars := make([]variable, len(names))
	for i, name := range names {
		d := group.Dataset(name)
		if d == nil {
			return nil, hdf5.FormatError(fmt.Sprintf("no dataset %q, though weight_names has it", name))
		}
		vars[i] = variable{name, d}
	}
	return vars, nil
}

// readWhole reads the weights of the layout of model.h5.
func readWhole(f *file, m *Model) error {
	group := f.root.Group("model_weights")
	if group == nil {
		group = f.root
	}
	names, err := getNames(group.Attrs, "layer_names")
	if err != nil {
		return fmt.Errorf("%s: %w", f.path, err)
	}
	found := make([]fileLayer, 0, len(names))
	for _, name := range append(names, "top_level_model_weights") {
		layer := group.Group(name)
		if layer == nil {
			if name == "top_level_model_weights" { // newer than Keras 2.6 only
				continue
			}
			return fmt.Errorf("%s: %w", f.path, hdf5.FormatError(fmt.Sprintf("no group for layer %q", name)))
		}
		vars, err := readNamed(layer)
		if err != nil {
			return fmt.Errorf("%s: layer %s: %w", f.path, name, err)
		}
		l := fileLayer{name: name, named: true}
		for _, v := range vars {
			l.weights = append(l.weights, v.dataset)
		}
		found = append(found, l)
	}
	if err := assign(f.path, m, found); err != nil {
		return err
	}
	group = f.root.Group("optimizer_weights")
	if group == nil {
		return nil
	}
	vars, err := readNamed(group)
	if err != nil {
		return fmt.Errorf("%s: optimizer_weights: %w", f.path, err)
	}
	class, list := "", make([]*hdf5.Dataset, len(vars))
	for i, v := range vars {
		list[i] = v.dataset
		if strings.HasSuffix(v.path, "/m:0") { // all first moments, then all second ones
			m.TrainingErr = fmt.Errorf("checkpoint: the optimizer state in %s is of Keras 2.10 or older, which is not supported", f.path)
			return nil
		}
		if prefix, _, ok := strings.Cut(v.path, "/"); ok {
			class = prefix
		}
	}
	readOptimizer(m, class, list)
	return nil
}
