// Package meseta trains convolutional networks.
//
// A Model is a network of layers. Compile gives it a loss and an optimizer, Fit trains it, Evaluate measures it, Predict applies it,
// and Save and Load exchange it with Keras:
//
//	model := meseta.Sequential(
//		meseta.Input(28, 28, 1),
//		&layers.Conv2D{Filters: 32, KernelSize: layers.Square(3), Activation: layers.ReLU},
//		&layers.MaxPooling2D{},
//		&layers.Flatten{},
//		&layers.Dense{Units: 10, Activation: layers.Softmax},
//	)
//	err := model.Compile(meseta.Training{
//		Optimizer: optimizers.NewAdam(),
//		Loss:      losses.SparseCategoricalCrossentropy{},
//		Metrics:   []metrics.Metric{metrics.Accuracy{}},
//	})
//	history, err := model.Fit(ctx, train, meseta.FitOptions{Epochs: 5, BatchSize: 128, Validation: val})
//
// This package only joins the others: package plan compiles a step, package kernels computes it, package callbacks decides about
// a run, package data feeds it, package checkpoint stores it. docs/architecture.md shows how.
package meseta

import (
	"errors"
	"fmt"

	"github.com/meseta-go/meseta/kernels"
	"github.com/meseta-go/meseta/layers"
	"github.com/meseta-go/meseta/losses"
	"github.com/meseta-go/meseta/metrics"
	"github.com/meseta-go/meseta/ops"
	"github.com/meseta-go/meseta/optimizers"
	"github.com/meseta-go/meseta/plan"
)

// ErrNotCompiled is wrapped by errors about a model that lacks a loss or an optimizer.
var ErrNotCompiled = errors.New("model is not compiled")

// Model is a network with its weights. It is used by one goroutine at a time.
type Model struct {
	graph    *layers.Graph
	err      error // of building the graph, reported by whatever is called first
	training Training
	compiled bool
	device   kernels.Device
	session  *plan.Session
	pending  []weightValue // weights and optimizer state from a file, until there is a session
	loaded   int64         // iterations of the optimizer in that file
	kept     []weightValue // best weights of a run

	// Why the file that the model is from does not say how to train it; nil if it does.
	trainingErr error

	// How far training has come, over all calls of Fit: what random numbers depend on.
	trainedEpochs int
	trainedSteps  int64

	classNames []string // of the data that it was last trained on, where these have names
}

// Training is what training needs beside data.
type Training struct {
	Optimizer optimizers.Optimizer
	Loss      losses.Loss
	Metrics   []metrics.Metric
	// Metrics in which samples count with their weights, where they have some.
	WeightedMetrics []metrics.Metric
	Seed            uint64 // of first weights, shuffling and dropout
	Device          string // cpu, cuda or cuda:N, a GPU; auto or empty takes a GPU where one can be used
	Threads         int    // of the CPU; 0 means all that Go may use
	Exact           bool   // leave out algorithms that round more than sums in plain order do: Winograd's convolution
}

// Input is the first layer of a network: samples of the given dimensions, height, width and channels for images.
func Input(dims ...int) layers.Layer { return &layers.InputLayer{Shape: dims} }

// Sequential is the network in which each layer reads the one before; the first is an Input.
// Mistakes are reported by the first method that is called.
func Sequential(list ...layers.Layer) *Model {
	g, err := layers.Sequential("", list...)
	return &Model{graph: g, err: err}
}

// Functional is the network between an input and an output, made with layers.Apply.
// Mistakes are reported by the first method that is called.
func Functional(input, output *layers.Node) *Model {
	g, err := layers.Functional("", input, output)
	return &Model{graph: g, err: err}
}

// FromGraph is the model of a network, such as those of package models.
func FromGraph(g *layers.Graph) *Model { return &Model{graph: g} }

// Graph is the model's network.
func (m *Model) Graph() (*layers.Graph, error) { return m.graph, m.err }

// Training is what the model was compiled with; the second result is false if it was not compiled.
func (m *Model) Training() (Training, bool) { return m.training, m.compiled }

// TrainingErr says what of the training configuration and the optimizer state in the model's file cannot be used here, such as an optimizer that is not
// supported; nil if all can, or if there are none.
func (m *Model) TrainingErr() error { return m.trainingErr }

// Compile gives the model what training needs, and its weights first values unless it has values already, from a file or from
// training before. Optimizer state from a file stays where the optimizer is of the same class.
func (m *Model) Compile(t Training) error {
	if m.err != nil {
		return m.err
	}
	if t.Optimizer == nil || t.Loss == nil {
		return fmt.Errorf("meseta: Compile wants an optimizer and a loss: %w", ErrNotCompiled)
	}
	if _, err := t.Optimizer.Rule(); err != nil {
		return err
	}
	values, iterations, err := m.carried(t.Optimizer)
	if err != nil {
		return err
	}
	if err := m.Close(); err != nil {
		return err
	}
	m.training, m.compiled, m.pending, m.loaded = t, true, values, iterations
	if err := m.open(); err != nil {
		m.compiled = false
		return err
	}
	// What is wrong with the loss or a metric for this network shows now, not at the first step.
	_, err = m.session.Program(plan.Training, 1)
	if errors.Is(err, losses.ErrTargets) {
		feed, err := plan.NewFeed(m.graph.OutputShape(), false)
		if err != nil {
			return err
		}
		_, err = m.session.ProgramFor(plan.Training, 1, feed)
		return err
	}
	return err
}

// carried lists the values that survive a Compile with another optimizer: all weights, and slots where class and names of slots agree.
func (m *Model) carried(o optimizers.Optimizer) ([]weightValue, int64, error) {
	old := m.training.Optimizer
	sameClass := old != nil && optimizers.SameState(old, o)
	values, iterations := m.pending, m.loaded
	if m.session != nil {
		var err error
		if values, err = m.values(sameClass); err != nil {
			return nil, 0, err
		}
		iterations = 0
		if m.training.Optimizer != nil {
			iterations = m.session.Iterations()
		}
	}
	if !sameClass {
		iterations = 0
		weights := values[:0:0]
		for _, v := range values {
			if !v.slot {
				weights = append(weights, v)
			}
		}
		values = weights
	}
	return values, iterations, nil
}

// open makes device and session, if there are none yet, and puts pending values into them.
func (m *Model) open() error {
	if m.err != nil {
		return m.err
	}
	if m.session != nil {
		return nil
	}
	device, err := kernels.Open(kernels.Settings{Device: m.training.Device, Threads: m.training.Threads, Exact: m.training.Exact})
	if err != nil {
		return err
	}
	s, err := plan.NewSession(plan.Model{Layers: m.graph, Loss: m.training.Loss, Metrics: m.training.Metrics, WeightedMetrics: m.training.WeightedMetrics, Optimizer: m.training.Optimizer}, device, m.training.Seed)
	if err != nil {
		return errors.Join(err, device.Close())
	}
	m.device, m.session = device, s
	if err := m.setValues(m.pending); err != nil {
		return errors.Join(err, m.Close())
	}
	if m.training.Optimizer != nil {
		s.SetIterations(m.loaded)
	}
	m.pending = nil
	return nil
}

// Close frees the model's memory and stops its workers. The model forgets its weights.
func (m *Model) Close() error {
	if m.session == nil {
		return nil
	}
	err := errors.Join(m.session.Close(), m.device.Close())
	m.session, m.device = nil, nil
	return err
}

// needsTraining says what is missing to train or evaluate.
func (m *Model) needsTraining() error {
	if m.err != nil {
		return m.err
	}
	if m.trainingErr != nil && !m.compiled {
		return fmt.Errorf("meseta: call Compile with an optimizer and a loss first: %w; the file has none that can be used: %w", ErrNotCompiled, m.trainingErr)
	}
	if !m.compiled {
		return fmt.Errorf("meseta: call Compile with an optimizer and a loss first: %w", ErrNotCompiled)
	}
	return nil
}

// Device says what the model computes on, and with how many threads.
func (m *Model) Device() (name string, threads int, err error) {
	if err := m.open(); err != nil {
		return "", 0, err
	}
	return m.device.String(), m.device.Threads(), nil
}

// Epochs is how many epochs the model has been trained for, over all calls of Fit and in the files that it went through.
func (m *Model) Epochs() int { return m.trainedEpochs }

// Updates is how many updates the optimizer has made of the weights; with GradientAccumulationSteps how many steps went into them, as in
// Keras.
func (m *Model) Updates() (int64, error) {
	if err := m.needsTraining(); err != nil {
		return 0, err
	}
	if err := m.open(); err != nil {
		return 0, err
	}
	return m.session.Iterations(), nil
}

// Plan compiles the program for a mode and batch size, for inspection.
func (m *Model) Plan(mode plan.Mode, batch int) (*plan.Program, error) {
	if err := m.open(); err != nil {
		return nil, err
	}
	return m.session.Program(mode, batch)
}

// Limits measures what the model's device can do: float32 operations a second, and bytes a second to and from memory.
func (m *Model) Limits() (operations, bytes float64, err error) {
	if err := m.open(); err != nil {
		return 0, 0, err
	}
	operations, bytes = m.device.Limits()
	return operations, bytes, nil
}

// DeviceMemory gives the bytes in use on the model's GPU, by this and by other programs, and those that it has; 0 where the CPU computes.
func (m *Model) DeviceMemory() (used, total int64, err error) {
	if err := m.open(); err != nil {
		return 0, 0, err
	}
	d, ok := m.device.(kernels.Rated)
	if !ok {
		return 0, 0, nil
	}
	free, total, err := d.MemInfo()
	return total - free, total, err
}

// Stepper gives a function that does one step with a batch and returns its mean loss (0 for inference): Fit without data set,
// callbacks and validation, for measurements and for loops of one's own. x is [batch,…], labels [batch].
// Training steps use the optimizer's own learning rate; one that is not finite is a *NonFiniteError.
func (m *Model) Stepper(mode plan.Mode, batch int) (func(x []float32, labels []int32) (float64, error), error) {
	p, err := m.Plan(mode, batch)
	if err != nil {
		return nil, err
	}
	losses := make([]float32, batch)
	return func(x []float32, labels []int32) (float64, error) {
		if len(x) != batch*m.graph.Input().Size() || mode != plan.Inference && len(labels) != batch {
			return 0, fmt.Errorf("meseta: a step of %d samples wants %d numbers and %d labels, there are %d and %d: %w",
				batch, batch*m.graph.Input().Size(), batch, len(x), len(labels), ops.ErrShape)
		}
		p.SetBatch(x, labels)
		if mode == plan.Training {
			m.session.SetLearningRate(m.training.Optimizer.Rate())
			m.session.SetStep(m.training.Seed, m.trainedSteps)
		}
		if err := p.Run(); err != nil || mode == plan.Inference {
			return 0, err
		}
		loss := p.MeanLoss(losses)
		if mode == plan.Training {
			if !p.Applied() {
				m.session.Resume()
				return loss, &NonFiniteError{m.trainedEpochs, int(m.trainedSteps), loss, m.training.Optimizer.Rate()}
			}
			m.trainedSteps++
		}
		return loss, nil
	}, nil
}
