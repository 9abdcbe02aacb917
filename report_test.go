package meseta

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/meseta-go/meseta/callbacks"
	"github.com/meseta-go/meseta/data"
	"github.com/meseta-go/meseta/layers"
	"github.com/meseta-go/meseta/losses"
	"github.com/meseta-go/meseta/metrics"
	"github.com/meseta-go/meseta/optimizers"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"
)

func TestFitWritesAReport(t *testing.T) {
	m, dir := compileTiny(t, 2), t.TempDir()
	val := tinyData(t, 50)
	_, err := m.Fit(context.Background(), tinyData(t, 100), FitOptions{
		Epochs: 3, BatchSize: 16, Validation: val, Dir: dir, Callbacks: []callbacks.Callback{callbacks.NewReport()},
	})
	require.NoError(t, err)
	text, err := os.ReadFile(filepath.Join(dir, "report.html"))
	require.NoError(t, err)
	for _, want := range []string{"finished", "Confusion on validation data", "<figure", "BatchNormalization", "Adam, learning rate 0.01", "sparse_categorical_crossentropy", "cpu "} {
		assert.True(t, strings.Contains(string(text), want), want)
	}
	logs, err := m.Evaluate(context.Background(), val, 16)
	require.NoError(t, err)
	p, err := m.Predictions(context.Background(), "validation data", val, 16)
	require.NoError(t, err)
	assert.Equal(t, 50, p.Samples())
	assert.InDelta(t, logs["accuracy"], float64(p.Right())/50, 1e-6)
}

func TestPredictionsOfMany(t *testing.T) {
	m := compileTiny(t, 1)
	p, err := m.Predictions(context.Background(), "data", tinyData(t, maxPredictions+1234), 0)
	require.NoError(t, err)
	assert.Equal(t, []int{maxPredictions, maxPredictions + 1234}, []int{p.Samples(), p.Total})
	counted := 0
	for label := range 3 {
		for predicted := range 3 {
			counted += p.Count(label, predicted)
		}
	}
	assert.Equal(t, maxPredictions, counted)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = m.Predictions(ctx, "data", tinyData(t, 100), 0)
	assert.ErrorIs(t, err, context.Canceled)
}

// Targets that are one-hot rows are classes; several labels at once are not.
func TestPredictionsOfTargets(t *testing.T) {
	const n = 9
	x := tensor.New(tensor.WithShape(n, 6, 6, 1), tensor.Of(tensor.Float32))
	rows := make([]float32, n*3)
	for i := range n {
		rows[i*3+i%3] = 1
	}
	ds, err := data.FromTensors(x, tensor.New(tensor.WithShape(n, 3), tensor.WithBacking(rows)))
	require.NoError(t, err)
	require.NotNil(t, data.TargetShape(ds))
	for loss, want := range map[losses.Loss]bool{losses.CategoricalCrossentropy{}: true, losses.BinaryCrossentropy{}: false} {
		m := tiny()
		require.NoError(t, m.Compile(Training{Optimizer: optimizers.NewAdam(), Loss: loss}))
		p, err := m.Predictions(context.Background(), "data", ds, 4)
		require.NoError(t, err)
		if assert.Equal(t, want, p != nil, loss.Name()) && want {
			assert.Equal(t, n, p.Samples())
			assert.Equal(t, 3, p.Count(1, 0)+p.Count(1, 1)+p.Count(1, 2))
		}
		dir := t.TempDir()
		_, err = m.Fit(context.Background(), ds, FitOptions{BatchSize: 4, Validation: ds, Dir: dir, Callbacks: []callbacks.Callback{callbacks.NewReport()}})
		require.NoError(t, err)
		text, err := os.ReadFile(filepath.Join(dir, "report.html"))
		require.NoError(t, err)
		assert.Equal(t, want, strings.Contains(string(text), `id="confusion"`))
		require.NoError(t, m.Close())
	}
}

// One number for each pixel, or for another number of classes, is no classification.
func TestPredictionsOfOtherNetworks(t *testing.T) {
	for _, c := range []struct {
		layer layers.Layer
		want  bool
	}{
		{&layers.Dense{Units: 1}, true}, {&layers.Dense{Units: 2, Activation: layers.Softmax}, true}, {&layers.Dense{Units: 3}, true},
	} {
		m := Sequential(Input(6, 6, 1), &layers.Flatten{}, c.layer)
		var loss losses.Loss = losses.SparseCategoricalCrossentropy{}
		if c.layer.(*layers.Dense).Units == 1 {
			loss = losses.BinaryCrossentropy{FromLogits: true}
		}
		require.NoError(t, m.Compile(Training{Optimizer: optimizers.NewAdam(), Loss: loss, Metrics: []metrics.Metric{}}))
		x := tensor.New(tensor.WithShape(4, 6, 6, 1), tensor.Of(tensor.Float32))
		ds, err := data.FromTensors(x, tensor.New(tensor.WithShape(4), tensor.WithBacking([]int32{0, 1, 1, 0})))
		require.NoError(t, err)
		p, err := m.Predictions(context.Background(), "data", ds, 4)
		require.NoError(t, err)
		if assert.Equal(t, c.want, p != nil) {
			assert.Equal(t, 2, p.Count(0, 0)+p.Count(0, 1)+p.Count(0, 2))
		}
		require.NoError(t, m.Close())
	}
}
