// Package checkpoint stores models, and what is needed to go on training them, in
// the files of Keras.
//
// Three formats, by suffix: model.h5 (configuration, weights, optimizer),
// model.weights.h5 (weights and optimizer) and model.keras (a zip of the
// configuration and a weights file). All three are written as Keras 3 writes them
// and read as Keras 3, tf_keras and Keras 2 wrote them. Beside what Keras sees
// stands the group /meseta with the state of training and SHA-256 sums: a file
// that has them is refused when one is wrong.
//
// The bytes of HDF5 are package hdf5's; what a layer does is package layers';
// when to save is for package callbacks and the program. Here are only layouts.
package checkpoint

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/meseta-go/meseta/hdf5"
	"github.com/meseta-go/meseta/layers"
	"github.com/meseta-go/meseta/losses"
	"github.com/meseta-go/meseta/metrics"
	"github.com/meseta-go/meseta/optimizers"
	"gorgonia.org/tensor"
)

// ErrSum is wrapped by errors about a file whose checksums do not match.
var ErrSum = errors.New("the file was damaged or changed after it was written")

// ErrNoConfig is wrapped when Load meets a file that holds weights without the
// network that they belong to.
var ErrNoConfig = errors.New("the file holds weights only")

// Model is everything that a file holds.
type Model struct {
	Graph *layers.Graph
	// Weights by path, LAYER/WEIGHT; float32 in Keras's shapes. Saving wants all
	// weights of Graph, loading gives all.
	Weights map[string]*tensor.Dense

	// Training is what the model was compiled with; nil where it was not.
	Training *Training
	// TrainingErr says, after loading, why the file's training configuration or
	// optimizer state cannot be used here; nil where all of it is in Training and
	// Optimizer. Saving ignores it.
	TrainingErr error
	// Optimizer is how far the optimizer has come; nil where the file does not say.
	Optimizer *OptimizerState

	// State is the state of training that only meseta reads; nil for none.
	State *State
}

// Training is what a model was compiled with.
type Training struct {
	Optimizer optimizers.Optimizer
	Loss      losses.Loss
	Metrics   []metrics.Metric
	// Metrics in which samples count with their weights.
	WeightedMetrics []metrics.Metric
}

// OptimizerState is what an optimizer keeps.
type OptimizerState struct {
	Class        string  // Keras's name of the class: "Adam", "SGD"
	Iterations   int64   // steps that it applied
	LearningRate float32 // of the next update; 0 where the file does not say (Keras 2)
	// Slots by name and path of the weight: Slots["momentum"]["conv2d/kernel"]. optimizers.State has the names.
	Slots map[string]map[string]*tensor.Dense
}

// State is the state of training: opaque here, named by whoever hands it in. A
// name may have parts, set off by slashes.
type State struct {
	Blobs   map[string][]byte        // JSON or anything else
	Tensors map[string]*tensor.Dense // float32
}

// Format is a kind of file.
type Format string

// The formats.
const (
	WholeModel Format = "model.h5"
	Weights    Format = "model.weights.h5"
	Keras      Format = "model.keras"
)

// FormatOf finds the format for a path by its suffix.
func FormatOf(path string) (Format, error) {
	name := strings.ToLower(path)
	switch {
	case strings.HasSuffix(name, ".weights.h5"):
		return Weights, nil
	case strings.HasSuffix(name, ".h5"), strings.HasSuffix(name, ".hdf5"):
		return WholeModel, nil
	case strings.HasSuffix(name, ".keras"):
		return Keras, nil
	}
	return "", fmt.Errorf("checkpoint: %s has no suffix of a format; use .h5 (whole model), .weights.h5 (weights) or .keras", path)
}

// Save writes m to path in the format of the suffix, so that a crash or a full
// disk leaves the old file (hdf5.ReplaceFile). Equal models give equal bytes.
func Save(path string, m *Model) error {
	format, err := FormatOf(path)
	if err != nil {
		return err
	}
	if err := m.check(); err != nil {
		return fmt.Errorf("checkpoint: cannot save %s: %w", path, err)
	}
	root := &hdf5.Group{}
	switch format {
	case WholeModel:
		err = writeWhole(root, m)
	case Weights:
		err = writeWeights(root, m, true)
	case Keras:
		return saveKeras(path, m)
	}
	if err == nil {
		err = seal(root, m.State)
	}
	if err != nil {
		return fmt.Errorf("checkpoint: cannot save %s: %w", path, err)
	}
	return hdf5.WriteFile(path, root)
}

// Load reads the model in the file at path, in whichever format it is.
//
// Errors name the file. They wrap ErrSum for a wrong checksum, ErrNoConfig for a
// weights file that Keras wrote (see LoadWeights), hdf5.FormatError for a broken
// file, and name the class of a layer that there is none for here.
func Load(path string) (*Model, error) {
	f, err := open(path)
	if err != nil {
		return nil, err
	}
	m, err := f.load()
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %s: %w", path, err)
	}
	return m, nil
}

// LoadWeights reads the weights in the file at path, in whichever format it is,
// for the network g, and optimizer and training state where there are any.
//
// Layers are found by name, or where the names differ by order, as Keras does.
// The error for a file of another network names the first weight that differs,
// with both shapes, and wraps ops.ErrShape.
func LoadWeights(path string, g *layers.Graph) (*Model, error) {
	f, err := open(path)
	if err != nil {
		return nil, err
	}
	m := &Model{Graph: g}
	if err := f.loadWeights(m); err != nil {
		return nil, fmt.Errorf("checkpoint: %w", err)
	}
	return m, nil
}

// file is an open file whose sums, if it has any, were right.
type file struct {
	path   string
	format Format
	bytes  []byte
	root   *hdf5.Group
	config []byte // of a .keras: the configuration
	inner  []byte // of a .keras: the weights file
	sums   *Report
}

// open reads the file at path and checks its sums.
func open(path string) (*file, error) {
	f, err := read(path)
	if err != nil {
		return nil, err
	}
	if err := f.sums.err(); err != nil {
		return nil, err
	}
	return f, nil
}

// read reads the file at path and compares its sums.
func read(path string) (*file, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %w", err)
	}
	f := &file{path: path, bytes: b}
	if bytes.HasPrefix(b, []byte("PK")) {
		err = f.readZip()
	} else {
		f.root, err = hdf5.Parse(b)
	}
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %s: %w", path, err)
	}
	if f.format == "" {
		f.format = Weights
		if f.root.Attrs.Get("model_config") != nil || f.root.Group("model_weights") != nil {
			f.format = WholeModel
		}
	}
	f.sums = f.compare()
	return f, nil
}

// load reads network, weights, training and state.
func (f *file) load() (*Model, error) {
	model, training, err := f.configs()
	if err != nil {
		return nil, err
	}
	if model == nil {
		return nil, fmt.Errorf("%w; build the network and use LoadWeights", ErrNoConfig)
	}
	m := &Model{}
	if m.Graph, err = readGraph(model); err != nil {
		return nil, err
	}
	if training != nil {
		m.Training, m.TrainingErr = readTraining(training)
	}
	return m, f.loadWeights(m)
}

// configs finds the JSON of the model's and the training's configuration; nil
// for what is not there.
func (f *file) configs() (model, training []byte, err error) {
	if f.config != nil {
		return splitConfig(f.config)
	}
	if config := f.root.Dataset(pathModelConfig); config != nil { // our own weights file
		return splitConfig(config.Data)
	}
	for _, c := range []struct {
		name string
		into *[]byte
	}{{"model_config", &model}, {"training_config", &training}} {
		a := f.root.Attrs.Get(c.name)
		if a == nil {
			continue
		}
		s, err := a.ScalarString()
		if err != nil {
			return nil, nil, fmt.Errorf("attribute %s: %w", c.name, err)
		}
		*c.into = []byte(s)
	}
	return model, training, nil
}

// loadWeights reads weights, optimizer and state into m, whose Graph is set.
func (f *file) loadWeights(m *Model) error {
	var err error
	if f.root.Attrs.Get("layer_names") != nil || f.root.Attrs.Get("layer_names0") != nil || f.root.Group("model_weights") != nil {
		err = readWhole(f, m)
	} else {
		err = readWeights(f, m)
	}
	if err != nil {
		return err
	}
	m.State, err = readState(f.root)
	return err
}

// check says whether m is complete.
func (m *Model) check() error {
	if m.Graph == nil {
		return errors.New("a model without a network")
	}
	for _, l := range m.Graph.Layers {
		for _, w := range l.Weights {
			if err := checkTensor(l.Path(w), m.Weights[l.Path(w)], w.Shape); err != nil {
				return err
			}
		}
	}
	if m.Training != nil && (m.Training.Optimizer == nil || m.Training.Loss == nil) {
		return errors.New("a training configuration without optimizer or loss")
	}
	o := m.Optimizer
	if o == nil {
		return nil
	}
	list, err := placesOf(m)
	if err != nil {
		return err
	}
	weights := trainable(m.Graph)
	for _, at := range list {
		w := weights[at.weight]
		if err := checkTensor(at.slot+" of "+w.path, o.Slots[at.slot][w.path], w.Shape); err != nil {
			return err
		}
	}
	return nil
}

// RemoveStale removes the temporary files that killed writers of path left
// behind, or of any file in it where path is a directory, and returns their
// names. Call it once at start. See hdf5.RemoveStale.
func RemoveStale(path string) ([]string, error) { return hdf5.RemoveStale(path) }
