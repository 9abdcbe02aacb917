package meseta

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/meseta-go/meseta/callbacks"
	"github.com/meseta-go/meseta/data"
	"github.com/meseta-go/meseta/ops"
	"github.com/meseta-go/meseta/plan"
	"gorgonia.org/tensor"
)

// Evaluate measures loss and metrics over a data set, in batches of the given size; 0 means 32.
// The names are "loss" and those of the metrics. A cancelled ctx ends it after the current batch.
func (m *Model) Evaluate(ctx context.Context, ds data.Dataset, batch int) (callbacks.Logs, error) {
	if err := m.needsTraining(); err != nil {
		return nil, err
	}
	if err := m.open(); err != nil {
		return nil, err
	}
	if batch == 0 {
		batch = 32
	}
	source, err := m.source(ds, data.LoaderOptions{BatchSize: batch, Bytes: m.session.TakesBytes()})
	if err != nil {
		return nil, err
	}
	if err := m.measure(ctx, source, func(int) error { return nil }); err != nil {
		return nil, err
	}
	logs := callbacks.Logs{}
	m.means(logs, "")
	return logs, nil
}

// means adds the session's means of loss and metrics to logs, their names behind a prefix.
func (m *Model) means(logs callbacks.Logs, prefix string) { m.name(logs, prefix, m.session.Means) }

// name adds means to logs, their names behind a prefix.
func (m *Model) name(logs callbacks.Logs, prefix string, read func(means []float64)) {
	names := m.session.SumNames()
	means := make([]float64, len(names))
	read(means)
	for i, name := range names {
		logs[prefix+name] = means[i]
	}
}

// MetricSums gives what a metric has counted in the last epoch, validation or evaluation, and the shape of that: of ClassAccuracy and MeanIoU
// the confusion matrix [L,L], right classes by predicted ones. name is the metric's in logs, without the number of a value.
func (m *Model) MetricSums(name string) ([]float64, ops.Shape, error) {
	if err := m.needsTraining(); err != nil {
		return nil, nil, err
	}
	if err := m.open(); err != nil {
		return nil, nil, err
	}
	sums, shape, ok := m.session.Sums(name)
	if !ok {
		return nil, nil, fmt.Errorf("meseta: there is no metric %q, there are values %v", name, m.session.SumNames())
	}
	return sums, shape, nil
}

// measure sums loss and metrics over a data set.
func (m *Model) measure(ctx context.Context, source *source, done func(batch int) error) error {
	m.session.ResetSums()
	batches, err := source.Epoch(ctx, 0, 0)
	if err != nil {
		return err
	}
	defer batches.Close()
	var last plan.Step
	for i := 0; ; i++ {
		b, err := batches.Next()
		if errors.Is(err, io.EOF) && i > 0 {
			return last.Wait()
		}
		if err != nil {
			return err
		}
		p, err := m.batch(plan.Evaluation, source, b)
		if err != nil {
			return err
		}
		if last, err = p.Start(); err != nil {
			return err
		}
		if err := done(i); err != nil {
			return err
		}
	}
}

// Predict gives the network's output for every sample of x [N,…], computed in batches of the given size; 0 means 32.
// x is float32 of the input's shape, the result float32 [N,…]. A cancelled ctx ends it after the current batch.
func (m *Model) Predict(ctx context.Context, x *tensor.Dense, batch int) (*tensor.Dense, error) {
	if err := m.open(); err != nil {
		return nil, err
	}
	if batch == 0 {
		batch = 32
	}
	if !plain(x) {
		return nil, fmt.Errorf("meseta: Predict's input of shape %v is a view, masked or column-major; materialize it first: %w", x.Shape(), ops.ErrShape)
	}
	src, ok := x.Data().([]float32)
	shape := x.Shape()
	if !ok || len(shape) == 0 || !ops.Shape(shape[1:]).Equal(m.graph.Input()) || batch < 0 {
		return nil, fmt.Errorf("meseta: Predict wants float32 [N,%s, the input is %v %v, the batch %d: %w", m.graph.Input().String()[1:], x.Dtype(), shape, batch, ops.ErrShape)
	}
	n, size := shape[0], m.graph.Input().Size()
	out := m.graph.OutputShape()
	dst := make([]float32, n*out.Size())
	for i := 0; i < n; i += batch {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		k := min(batch, n-i)
		p, err := m.session.Program(plan.Inference, k)
		if err != nil {
			return nil, err
		}
		p.SetBatch(src[i*size:(i+k)*size], nil)
		if err := p.Run(); err != nil {
			return nil, err
		}
		p.Prediction(dst[i*out.Size() : (i+k)*out.Size()])
	}
	return tensor.New(tensor.WithShape(append([]int{n}, out...)...), tensor.WithBacking(dst)), nil
}

// PredictDataset applies the network to the samples of a data set, in their order: float32 [N,…] of the shape of its output. They are read in batches of the
// given size, ahead and in goroutines of their own; 0 means 32. Labels and targets do not matter. A cancelled ctx ends it after the current batch.
func (m *Model) PredictDataset(ctx context.Context, ds data.Dataset, batch int) (*tensor.Dense, error) {
	if batch == 0 {
		batch = 32
	}
	loader, err := data.NewLoader(ds, data.LoaderOptions{BatchSize: batch})
	if err != nil {
		return nil, err
	}
	batches, err := loader.Epoch(ctx, 0, 0)
	if err != nil {
		return nil, err
	}
	defer batches.Close()
	out := m.graph.OutputShape()
	all := make([]float32, 0, ds.Len()*out.Size())
	for {
		b, err := batches.Next()
		if errors.Is(err, io.EOF) {
			return tensor.New(tensor.WithShape(append([]int{ds.Len()}, out...)...), tensor.WithBacking(all)), nil
		}
		if err != nil {
			return nil, err
		}
		y, err := m.Predict(ctx, tensor.New(tensor.WithShape(append([]int{b.N}, ds.Shape()...)...), tensor.WithBacking(b.X)), batch)
		if err != nil {
			return nil, err
		}
		all = append(all, y.Data().([]float32)...)
	}
}
