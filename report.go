package meseta

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strconv"
	"strings"

	"github.com/meseta-go/meseta/data"
	"github.com/meseta-go/meseta/layers"
	"github.com/meseta-go/meseta/losses"
	"github.com/meseta-go/meseta/ops"
	"github.com/meseta-go/meseta/plan"
	"github.com/meseta-go/meseta/report"
)

// maxPredictions is of how many samples a report gathers predictions.
const maxPredictions = 10_000

// Describe gives what people see of a network, for a report or a drawing.
func Describe(g *layers.Graph) *report.Network {
	n := &report.Network{Name: g.Name}
	n.Trainable, n.Other = g.Parameters()
	for _, l := range g.Layers {
		shown := report.Layer{Name: l.Name, Class: l.ClassName(), Output: l.Output, Inputs: l.Inputs}
		for _, w := range l.Weights {
			shown.Parameters += w.Shape.Size()
		}
		n.Layers = append(n.Layers, shown)
	}
	return n
}

// Predictions applies the network to a data set, for a report: which classes it mixes up, and some samples to look at. set says what the
// data are: "test data". Of more than 10,000 samples it takes so many, evenly chosen. It computes in batches of the given size; 0 means 32.
//
// The result is nil if the network does not classify the data: if samples have no class, or the network gives no number for each class.
// A cancelled ctx ends it after the current batch.
func (m *Model) Predictions(ctx context.Context, set string, ds data.Dataset, batch int) (*report.Predictions, error) {
	if err := m.open(); err != nil {
		return nil, err
	}
	classes := m.classesOf(ds)
	if classes == 0 {
		return nil, nil
	}
	if batch == 0 {
		batch = 32
	}
	total := ds.Len()
	if total > maxPredictions {
		some := make([]int32, maxPredictions)
		for i := range some {
			some[i] = int32(i * total / maxPredictions)
		}
		var err error
		if ds, err = data.Select(ds, some); err != nil {
			return nil, err
		}
	}
	names := data.ClassNames(ds)
	for i := len(names); i < classes; i++ {
		names = append(names, strconv.Itoa(i))
	}
	gathered := report.NewPredictions(set, total, names[:classes], ds.Shape())
	gathered.Logits = losses.TakesLogits(m.training.Loss)
	source, err := m.source(ds, data.LoaderOptions{BatchSize: batch})
	if err != nil {
		return nil, err
	}
	batches, err := source.Epoch(ctx, 0, 0)
	if err != nil {
		return nil, err
	}
	defer batches.Close()
	var outputs []float32
	for {
		b, err := batches.Next()
		if errors.Is(err, io.EOF) {
			return gathered, nil
		}
		if err != nil {
			return nil, err
		}
		if outputs, err = m.gather(gathered, b, outputs); err != nil {
			return nil, err
		}
	}
}

// gather adds the predictions of a batch. outputs is room that is kept for the next one.
func (m *Model) gather(gathered *report.Predictions, b *data.Batch, outputs []float32) ([]float32, error) {
	p, err := m.session.Program(plan.Inference, b.N)
	if err != nil {
		return nil, err
	}
	p.SetBatch(b.X, nil)
	if err := p.Run(); err != nil {
		return nil, err
	}
	width, size := m.graph.OutputShape().Size(), m.graph.Input().Size()
	if outputs == nil {
		outputs = make([]float32, b.N*width)
	}
	outputs = outputs[:b.N*width]
	p.Prediction(outputs)
	for i := range b.N {
		label := 0
		if b.Targets == nil {
			label = int(b.Labels[i])
		} else {
			row := b.Targets[i*width : (i+1)*width]
			for j, t := range row {
				if t > row[label] {
					label = j
				}
			}
		}
		if err := gathered.Add(b.X[i*size:(i+1)*size], label, outputs[i*width:(i+1)*width]); err != nil {
			return nil, err
		}
	}
	return outputs, nil
}

// classesOf is how many classes of a data set the network tells apart; 0 if it does something else.
func (m *Model) classesOf(ds data.Dataset) int {
	out := m.graph.OutputShape()
	if len(out) != 1 {
		return 0
	}
	if target := data.TargetShape(ds); target != nil {
		oneHot := m.training.Loss != nil && strings.HasPrefix(m.training.Loss.ClassName(), "Categorical")
		if oneHot && ops.Shape(target).Equal(out) && out[0] > 1 {
			return out[0]
		}
		return 0
	}
	classes := ds.Classes()
	if out[0] == 1 && (classes != 2 || m.training.Loss == nil || losses.Labels(m.training.Loss, 1) != 2) || out[0] > 1 && classes > out[0] {
		return 0
	}
	return classes
}

// Describe gives the network and what it is trained with.
func (r run) Describe() (*report.Network, []report.Setting) {
	t := r.training
	settings := []report.Setting{
		{Name: "device", Value: r.device.String()},
		{Name: "threads", Value: strconv.Itoa(r.device.Threads())},
		{Name: "system", Value: runtime.GOOS + "/" + runtime.GOARCH + ", " + runtime.Version()},
		{Name: "optimizer", Value: fmt.Sprintf("%s, learning rate %g", t.Optimizer.ClassName(), t.Optimizer.Rate())},
		{Name: "loss", Value: t.Loss.Name()},
		{Name: "seed", Value: strconv.FormatUint(t.Seed, 10)},
		{Name: "training samples", Value: grouped(r.trained)},
	}
	if r.validation != nil {
		settings = append(settings, report.Setting{Name: "validation samples", Value: grouped(r.validation.Len())})
	}
	return Describe(r.graph), append(settings, report.Setting{Name: "batch", Value: strconv.Itoa(r.batchSize)})
}

// Predictions are of the validation data.
func (r run) Predictions() (*report.Predictions, error) {
	if r.validation == nil {
		return nil, nil
	}
	return r.Model.Predictions(context.Background(), "validation data", r.validation, r.batchSize)
}
