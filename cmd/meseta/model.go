package main

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/meseta-go/meseta"
	"github.com/meseta-go/meseta/bench"
	"github.com/meseta-go/meseta/checkpoint"
	"github.com/meseta-go/meseta/layers"
	"github.com/meseta-go/meseta/losses"
	"github.com/meseta-go/meseta/metrics"
	"github.com/meseta-go/meseta/models"
	"github.com/meseta-go/meseta/optimizers"
	"github.com/spf13/cobra"
)

// openModel makes the model of a configuration, ready to train: an architecture by name with its usual optimizer, or what a
// file holds, with the file's optimizer and its state; or with the optimizer that the configuration names, which takes over the
// state of one of its class. Loss and metrics may be the configuration's too.
func openModel(c *cobra.Command, cfg config) (*meseta.Model, error) {
	m, training, err := findModel(cfg.Model, models.Options{Side: cfg.Image, Classes: cfg.Classes})
	if err != nil {
		return nil, err
	}
	if o, err := cfg.Optimizer.optimizer(); err != nil {
		return nil, err
	} else if o != nil {
		training.Optimizer = o
	}
	if l, err := cfg.Loss.loss(); err != nil {
		return nil, err
	} else if l != nil {
		training.Loss = l
	}
	if list, err := chosenMetrics(cfg.Metrics); err != nil {
		return nil, err
	} else if list != nil {
		training.Metrics = list
	}
	if list, err := chosenMetrics(cfg.WeightedMetrics); err != nil {
		return nil, err
	} else if list != nil {
		training.WeightedMetrics = list
	}
	if cfg.LearningRate > 0 {
		training.Optimizer = training.Optimizer.WithRate(cfg.LearningRate)
	}
	// What is mixed has targets, no labels. This loss is the same of labels, which validation data have.
	if sparse, ok := training.Loss.(losses.SparseCategoricalCrossentropy); ok && cfg.Augment.Mixes() {
		training.Loss = losses.CategoricalCrossentropy{FromLogits: sparse.FromLogits}
	}
	sayDevice(c, cfg.Device)
	training.Seed, training.Device, training.Threads, training.Exact = cfg.Seed, cfg.Device, cfg.Threads, cfg.Exact
	if err := m.Compile(training); err != nil {
		return nil, err
	}
	return m, nil
}

// findModel gives a model by name, with these sizes, or by file, and how to train it.
func findModel(name string, sizes models.Options) (*meseta.Model, meseta.Training, error) {
	if slices.Contains(models.Names(), name) {
		g, err := models.With(name, sizes)
		if err != nil {
			return nil, meseta.Training{}, err
		}
		return meseta.FromGraph(g), usualTraining(name, g), nil
	}
	if _, err := os.Stat(name); err != nil {
		return nil, meseta.Training{}, fmt.Errorf("model %q is no architecture (there are %s), and as a file: %w", name, strings.Join(models.Names(), ", "), err)
	}
	if info, err := os.Stat(name); err == nil && info.IsDir() {
		return nil, meseta.Training{}, fmt.Errorf("model %s is a directory%s", name, modelsIn(name))
	}
	m, err := loadModel(name)
	if err != nil {
		return nil, meseta.Training{}, err
	}
	g, err := m.Graph()
	if err != nil {
		return nil, meseta.Training{}, err
	}
	// The configuration of a run that a file is from says its sizes.
	if in, out := g.Input(), g.OutputShape(); sizes.Classes > 0 && sizes.Classes != out.Size() || sizes.Side > 0 && (len(in) != 3 || in[0] != sizes.Side || in[1] != sizes.Side) {
		return nil, meseta.Training{}, usageError{fmt.Errorf("classes and image are for architectures by name; %s takes %v and gives %v", name, in, out)}
	}
	if training, ok := m.Training(); ok {
		return m, training, nil
	}
	return m, usualTraining(name, g), nil
}

// loadModel opens a model's file, or makes a model of what Keras's to_json gave, which is a network alone.
func loadModel(name string) (*meseta.Model, error) {
	if !isNetwork(name) {
		return meseta.Load(name)
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	g, err := checkpoint.UnmarshalConfig(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return meseta.FromGraph(g), nil
}

// isNetwork says whether a file is of a network without weights.
func isNetwork(name string) bool { return strings.ToLower(filepath.Ext(name)) == ".json" }

// takesBytes says whether a network takes images with values from 0 to 255: whether it begins with a Rescaling that makes small numbers of these, as
// is usual in Keras, whose image_dataset_from_directory gives such images.
func takesBytes(g *layers.Graph) bool {
	small := func(x float64) bool { return math.Abs(x) < 0.02 } // 1/255 and 1/127.5 are
	for _, l := range g.Layers {
		r, ok := l.Layer.(*layers.Rescaling)
		if !ok || len(g.Layers[l.Inputs[0]].Inputs) > 0 {
			continue
		}
		if r.Scales == nil && small(r.Scale) || r.Scales != nil && !slices.ContainsFunc(r.Scales, func(x float64) bool { return !small(x) }) {
			return true
		}
	}
	return false
}

// modelsIn ends the message that a directory is no model with those that lie in it, as in a run's.
func modelsIn(dir string) string {
	var files []string
	for _, suffix := range []string{"*.h5", "*.keras"} {
		found, _ := filepath.Glob(filepath.Join(dir, suffix))
		files = append(files, found...)
	}
	if len(files) == 0 {
		return ""
	}
	return "; name a file of it: " + strings.Join(files, ", ")
}

// fitClasses says where data have other classes than an architecture by name: more do not fit, and fewer leave outputs that mean nothing.
func fitClasses(model string, outputs, classes int, say io.Writer) error {
	if !slices.Contains(models.Names(), model) || classes < 2 || classes == outputs {
		return nil
	}
	text := fmt.Sprintf("the data have %d classes, %s has %d; --classes %d gives it as many", classes, model, outputs, classes)
	if classes > outputs {
		return usageError{errors.New(text)}
	}
	_, err := fmt.Fprintln(say, text)
	return err
}

// usualTraining is the optimizer that a model is measured with, or Adam; and the cross-entropy that fits its output.
func usualTraining(name string, g *layers.Graph) meseta.Training {
	t := meseta.Training{
		Optimizer: optimizers.NewAdam(),
		Loss:      losses.SparseCategoricalCrossentropy{FromLogits: !endsIn(g, layers.Softmax)},
		Metrics:   []metrics.Metric{metrics.Accuracy{}},
	}
	if out := g.OutputShape(); out[len(out)-1] == 1 {
		t.Loss = losses.BinaryCrossentropy{FromLogits: !endsIn(g, layers.Sigmoid)}
	}
	if w, err := bench.Find(name); err == nil {
		t.Optimizer = w.Optimizer
	}
	return t
}

// sayTraining tells when a model cannot be trained as its file says.
func sayTraining(say io.Writer, m *meseta.Model) {
	if err := m.TrainingErr(); err != nil {
		t, _ := m.Training()
		fmt.Fprintf(say, "training cannot go on as the file says: %v; the optimizer is now %s, the loss %s\n", err, t.Optimizer.ClassName(), t.Loss.Name())
	}
}

// endsIn says whether a network's output is that of an activation.
func endsIn(g *layers.Graph, activation layers.ActivationName) bool {
	switch l := g.Layers[g.Output].Layer.(type) {
	case *layers.Dense:
		return l.Activation == activation
	case *layers.Activation:
		return l.Function == activation
	case *layers.SoftmaxLayer:
		return activation == layers.Softmax
	}
	return false
}
