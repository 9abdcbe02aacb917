package meseta

import (
	"math"
	"path/filepath"
	"testing"

	"github.com/meseta-go/meseta/callbacks"
	"github.com/meseta-go/meseta/data"
	"github.com/meseta-go/meseta/layers"
	"github.com/meseta-go/meseta/losses"
	"github.com/meseta-go/meseta/ops"
	"github.com/meseta-go/meseta/optimizers"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"
)

// brokenData has a NaN in one sample.
type brokenData struct {
	data.Dataset
	sample int32
}

func (d brokenData) Read(x []float32, labels, indices []int32) error {
	err := d.Dataset.Read(x, labels, indices)
	for i, k := range indices {
		if k == d.sample {
			x[i*data.SampleSize(d)] = float32(math.NaN())
		}
	}
	return err
}

// three is a compiled network of three classes for tinyData.
func three(t *testing.T, o optimizers.Optimizer, l losses.Loss) *Model {
	m := Sequential(Input(6, 6, 1), &layers.Flatten{}, &layers.Dense{Units: 3, Activation: layers.Softmax})
	require.NoError(t, m.Compile(Training{Optimizer: o, Loss: l}))
	t.Cleanup(func() { assert.NoError(t, m.Close()) })
	return m
}

func TestUpdatesOfALoadedModel(t *testing.T) {
	m := three(t, optimizers.NewAdam(), losses.SparseCategoricalCrossentropy{})
	_, err := m.Fit(t.Context(), tinyData(t, 40), FitOptions{BatchSize: 20})
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "m.keras")
	require.NoError(t, m.Save(path))
	loaded, err := Load(path)
	require.NoError(t, err)
	defer loaded.Close()
	n, err := loaded.Updates()
	require.NoError(t, err)
	assert.EqualValues(t, 2, n)
}

// A loss that files cannot hold rolls back like any other.
func TestRollBackWithALossOfOnesOwn(t *testing.T) {
	m := three(t, optimizers.NewAdam(), &ownLoss{})
	before, err := m.Weights()
	require.NoError(t, err)
	_, err = m.Fit(t.Context(), brokenData{tinyData(t, 40), 39}, FitOptions{
		BatchSize: 20, NoShuffle: true, Callbacks: []callbacks.Callback{&callbacks.TerminateOnNaN{Policy: callbacks.RollBackOnNaN}},
	})
	require.NoError(t, err)
	after, err := m.Weights()
	require.NoError(t, err)
	for i := range before {
		assert.Equal(t, before[i].Value.Data(), after[i].Value.Data(), "the state of the beginning")
	}
	n, err := m.Updates()
	require.NoError(t, err)
	assert.Zero(t, n)
}

// A run of skipped batches has no averages to end with.
func TestAveragesWithoutAnUpdate(t *testing.T) {
	o := optimizers.NewAdam()
	o.UseEMA = true
	m := three(t, o, losses.SparseCategoricalCrossentropy{})
	before, err := m.Weights()
	require.NoError(t, err)
	_, err = m.Fit(t.Context(), brokenData{tinyData(t, 40), 3}, FitOptions{
		BatchSize: 40, Callbacks: []callbacks.Callback{&callbacks.TerminateOnNaN{Policy: callbacks.SkipOnNaN}},
	})
	require.NoError(t, err)
	after, err := m.Weights()
	require.NoError(t, err)
	for i := range before {
		assert.Equal(t, before[i].Value.Data(), after[i].Value.Data())
	}
}

// A view's elements do not lie where its shape says.
func TestTensorsThatAreViews(t *testing.T) {
	m := Sequential(Input(2, 2), &layers.Flatten{}, &layers.Dense{Units: 4})
	defer m.Close()
	x := tensor.New(tensor.WithShape(3, 4, 2), tensor.WithBacking(tensor.Range(tensor.Float32, 0, 24)))
	view, err := x.Slice(nil, tensor.S(0, 2))
	require.NoError(t, err)
	_, err = m.Predict(t.Context(), view.(*tensor.Dense), 0)
	assert.ErrorIs(t, err, ops.ErrShape)
	assert.ErrorContains(t, err, "materialize")
	_, err = m.Predict(t.Context(), view.Materialize().(*tensor.Dense), 0)
	assert.NoError(t, err)
	kernel := tensor.New(tensor.WithShape(4, 4), tensor.WithBacking(tensor.Range(tensor.Float32, 0, 16)))
	require.NoError(t, kernel.T())
	assert.ErrorContains(t, m.SetWeight("dense/kernel", kernel), "materialize")
	require.NoError(t, kernel.Transpose())
	assert.NoError(t, m.SetWeight("dense/kernel", kernel))
}
