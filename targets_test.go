package meseta

import (
	"context"
	"testing"

	"github.com/meseta-go/meseta/data"
	"github.com/meseta-go/meseta/losses"
	"github.com/meseta-go/meseta/ops"
	"github.com/meseta-go/meseta/optimizers"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"
)

// oneHot gives a data set's labels as targets.
func oneHot(t *testing.T, ds data.Dataset) data.Dataset {
	n, classes := ds.Len(), ds.Classes()
	labels, indices := make([]int32, n), make([]int32, n)
	for i := range indices {
		indices[i] = int32(i)
	}
	require.NoError(t, ds.Read(make([]float32, n*data.SampleSize(ds)), labels, indices))
	y := make([]float32, n*classes)
	for i, label := range labels {
		y[i*classes+int(label)] = 1
	}
	ds, err := data.WithTargets(ds, tensor.New(tensor.WithShape(n, classes), tensor.WithBacking(y)))
	require.NoError(t, err)
	return ds
}

func fitted(t *testing.T, training Training, train, val data.Dataset, o FitOptions) map[string][]float64 {
	m := tiny()
	defer m.Close()
	training.Optimizer, training.Seed, training.Threads = optimizers.NewAdam().WithRate(.01), 7, 2
	require.NoError(t, m.Compile(training))
	o.Epochs, o.BatchSize, o.Validation = 3, 8, val
	history, err := m.Fit(context.Background(), train, o)
	require.NoError(t, err)
	return history.Metrics
}

// TestOneHotTargetsAreLabels trains on labels and on the same as one-hot rows, and validates on the other. The two losses round differently.
func TestOneHotTargetsAreLabels(t *testing.T) {
	train, val := tinyData(t, 30), tinyData(t, 12)
	labels := fitted(t, Training{Loss: losses.SparseCategoricalCrossentropy{}}, train, val, FitOptions{})
	hot := fitted(t, Training{Loss: losses.CategoricalCrossentropy{}}, oneHot(t, train), val, FitOptions{})
	require.Len(t, labels["loss"], 3)
	for _, name := range []string{"loss", "val_loss"} {
		assert.InDeltaSlice(t, labels[name], hot[name], 1e-4, name)
	}
	same := fitted(t, Training{Loss: losses.CategoricalCrossentropy{}}, train, val, FitOptions{})
	assert.Equal(t, labels, same, "labels take the same path")
}

func TestTargetsThatDoNotFit(t *testing.T) {
	train := tinyData(t, 6)
	m := compileTiny(t, 1)
	_, err := m.Fit(context.Background(), oneHot(t, train), FitOptions{})
	assert.ErrorIs(t, err, losses.ErrTargets)
	assert.ErrorContains(t, err, "categorical_crossentropy")

	m = tiny()
	defer m.Close()
	require.NoError(t, m.Compile(Training{Optimizer: optimizers.NewSGD(), Loss: losses.BinaryCrossentropy{}}))
	wrong, err := data.WithTargets(train, tensor.New(tensor.WithShape(6, 2), tensor.WithBacking(make([]float32, 12))))
	require.NoError(t, err)
	_, err = m.Fit(context.Background(), wrong, FitOptions{})
	assert.ErrorIs(t, err, ops.ErrShape)
	assert.ErrorContains(t, err, "targets are [6,2], the network gives [6,3]")
}
