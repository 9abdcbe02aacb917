package meseta

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/meseta-go/meseta/checkpoint"
	"github.com/meseta-go/meseta/losses"
	"github.com/meseta-go/meseta/plan"
	"gorgonia.org/tensor"
)

// progress is how far training has come, in the files' state of training: what random numbers of further steps depend on. And what
// Keras's part of a file does not hold of the optimizer.
type progress struct {
	Epochs                 int      `json:"epochs"`
	Steps                  int64    `json:"steps"`
	Seed                   uint64   `json:"seed"`
	ExcludeFromWeightDecay []string `json:"exclude_from_weight_decay,omitempty"`
}

const (
	progressBlob   = "progress"
	classNamesBlob = "class_names" // a JSON list, in the order of the outputs
)

// ClassNames are the names of the classes that the model was last trained to tell apart, in the order of its outputs, where the data had names; else
// nil. Files keep them.
func (m *Model) ClassNames() []string { return slices.Clone(m.classNames) }

// Save writes the model to path: network, weights and, if it was compiled, training configuration, optimizer state and how far training
// has come. The suffix names the format: .h5, .keras or .weights.h5, which Keras opens. A crash or full disk leaves the old file.
//
// Keras does not know losses that were written elsewhere than in package losses: with one, training configuration and optimizer state are left out,
// and what Load gives must be compiled again. Metrics written elsewhere are left out of the configuration.
func (m *Model) Save(path string) error {
	if err := m.open(); err != nil {
		return err
	}
	c, err := m.contents()
	if err != nil {
		return err
	}
	if m.compiled {
		if err := m.addTraining(c); err != nil {
			return err
		}
	}
	return checkpoint.Save(path, c)
}

// SaveWeights writes network and weights alone to path, whose suffix is .weights.h5.
func (m *Model) SaveWeights(path string) error {
	if !strings.HasSuffix(path, ".weights.h5") {
		return fmt.Errorf("meseta: weights are saved to a file named *.weights.h5, not %s; use Save for a whole model", path)
	}
	if err := m.open(); err != nil {
		return err
	}
	c, err := m.contents()
	if err != nil {
		return err
	}
	return checkpoint.Save(path, c)
}

// contents is the network with its weights.
func (m *Model) contents() (*checkpoint.Model, error) {
	c := &checkpoint.Model{Graph: m.graph, Weights: map[string]*tensor.Dense{}}
	weights, err := m.Weights()
	for _, w := range weights {
		c.Weights[w.Path] = w.Value
	}
	return c, err
}

// addTraining adds what further training needs.
func (m *Model) addTraining(c *checkpoint.Model) error {
	t := m.training
	blob, err := json.Marshal(progress{m.trainedEpochs, m.trainedSteps, t.Seed, t.Optimizer.BaseArguments().ExcludeFromWeightDecay})
	if err != nil {
		return err
	}
	c.State = &checkpoint.State{Blobs: map[string][]byte{progressBlob: blob}}
	if m.classNames != nil {
		if c.State.Blobs[classNamesBlob], err = json.Marshal(m.classNames); err != nil {
			return err
		}
	}
	if !losses.Known(t.Loss) {
		return nil
	}
	c.Training = &checkpoint.Training{Optimizer: t.Optimizer, Loss: t.Loss, Metrics: t.Metrics, WeightedMetrics: t.WeightedMetrics}
	c.Optimizer, err = m.optimizerState()
	return err
}

// optimizerState copies what the optimizer keeps.
func (m *Model) optimizerState() (*checkpoint.OptimizerState, error) {
	o := &checkpoint.OptimizerState{
		Class: m.training.Optimizer.ClassName(), Iterations: m.session.Iterations(), LearningRate: m.session.LearningRate(),
		Slots: map[string]map[string]*tensor.Dense{},
	}
	for _, e := range m.session.Entries() {
		if e.Kind != plan.Slot {
			continue
		}
		data := make([]float32, e.Type.Shape.Size())
		if err := m.session.Read(e.Name, data); err != nil {
			return nil, err
		}
		slot, weight := plan.SplitSlot(e.Name)
		if o.Slots[slot] == nil {
			o.Slots[slot] = map[string]*tensor.Dense{}
		}
		o.Slots[slot][weight] = tensor.New(tensor.WithShape(e.Type.Shape...), tensor.WithBacking(data))
	}
	return o, nil
}

// Load reads a model that Save or Keras wrote. If the file says how the model was trained, it is compiled, its optimizer goes on
// where it was, and Training tells with what; a later Compile may change that. Errors are package checkpoint's.
func Load(path string) (*Model, error) {
	c, err := checkpoint.Load(path)
	if err != nil {
		return nil, err
	}
	m := &Model{graph: c.Graph, trainingErr: c.TrainingErr, pending: weightValues(c.Weights)}
	if c.State != nil && c.State.Blobs[classNamesBlob] != nil {
		if err := json.Unmarshal(c.State.Blobs[classNamesBlob], &m.classNames); err != nil {
			return nil, fmt.Errorf("meseta: %s: the names of classes: %w", path, err)
		}
	}
	if c.Training == nil {
		return m, nil
	}
	m.compiled = true
	m.training = Training{Optimizer: c.Training.Optimizer, Loss: c.Training.Loss, Metrics: c.Training.Metrics, WeightedMetrics: c.Training.WeightedMetrics}
	if o := c.Optimizer; o != nil {
		// The configuration has the rate to start with, in float64; the optimizer's own tells where a schedule left it.
		if o.LearningRate > 0 && o.LearningRate != float32(m.training.Optimizer.Rate()) {
			m.training.Optimizer = m.training.Optimizer.WithRate(float64(o.LearningRate))
		}
		m.pending = append(m.pending, slotValues(o)...)
		m.loaded = o.Iterations
	}
	if c.State != nil {
		if blob, ok := c.State.Blobs[progressBlob]; ok {
			var p progress
			if err := json.Unmarshal(blob, &p); err != nil {
				return nil, fmt.Errorf("meseta: %s: how far training has come: %w", path, err)
			}
			m.trainedEpochs, m.trainedSteps, m.training.Seed = p.Epochs, p.Steps, p.Seed
			m.training.Optimizer.BaseArguments().ExcludeFromWeightDecay = p.ExcludeFromWeightDecay
			if _, err := m.training.Optimizer.Rule(); err != nil {
				return nil, fmt.Errorf("meseta: %s: %w", path, err)
			}
		}
	}
	return m, nil
}

// LoadWeights gives the model the weights in a file of any format. They must be of the same network: the error names the first weight that
// differs, with both shapes, and wraps ops.ErrShape. Nothing is changed unless all of them fit.
func (m *Model) LoadWeights(path string) error {
	if err := m.open(); err != nil {
		return err
	}
	c, err := checkpoint.LoadWeights(path, m.graph)
	if err != nil {
		return err
	}
	return m.setValues(weightValues(c.Weights))
}

// slotValues lists what the optimizer keeps for weights.
func slotValues(o *checkpoint.OptimizerState) []weightValue {
	var list []weightValue
	for slot, values := range o.Slots {
		for _, v := range weightValues(values) {
			v.name, v.slot = plan.SlotPath(slot, v.name), true
			list = append(list, v)
		}
	}
	return list
}

// weightValues lists weights by path. Their order does not matter: each has a place of its own.
func weightValues(weights map[string]*tensor.Dense) []weightValue {
	var list []weightValue
	for path, w := range weights {
		data, _ := numbers(w) // package checkpoint gives float32 only
		list = append(list, weightValue{name: path, data: data})
	}
	return list
}

// numbers gives the elements of a float32 tensor; of a scalar, Data is the number itself.
func numbers(t *tensor.Dense) ([]float32, bool) {
	if x, ok := t.Data().(float32); ok {
		return []float32{x}, true
	}
	data, ok := t.Data().([]float32)
	return data, ok
}

// plain says whether a tensor's elements lie one after the other in row-major order.
func plain(t *tensor.Dense) bool {
	return !t.RequiresIterator() && t.DataOrder().IsRowMajor() && !t.IsMasked()
}
