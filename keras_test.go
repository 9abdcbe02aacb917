package meseta

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/meseta-go/meseta/data"
	"github.com/meseta-go/meseta/layers"
	"github.com/meseta-go/meseta/losses"
	"github.com/meseta-go/meseta/metrics"
	"github.com/meseta-go/meseta/models"
	"github.com/meseta-go/meseta/optimizers"
	"github.com/meseta-go/meseta/random"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"
)

// TestKerasPredictsTheSame trains, saves in each format that holds a whole model, and has the real Keras load the file and predict.
// MESETA_PYTHON names a Python that has Keras; without it the test is skipped.
func TestKerasPredictsTheSame(t *testing.T) {
	python := os.Getenv("MESETA_PYTHON")
	if python == "" {
		t.Skip("MESETA_PYTHON is not set: no Keras to compare with")
	}
	for _, name := range append(models.Names(), "dense") {
		var m *Model
		if name == "dense" { // the layers that the architectures lack
			loaded, err := Load(filepath.Join("testdata", "dense_initial.h5"))
			require.NoError(t, err)
			m = loaded
		} else {
			g, err := models.New(name)
			require.NoError(t, err)
			m = FromGraph(g)
		}
		g, err := m.Graph()
		require.NoError(t, err)
		shape := g.Input()
		var optimizer optimizers.Optimizer = optimizers.NewAdam()
		if name == "resnet20" {
			optimizer = &optimizers.SGD{LearningRate: .01, Momentum: .9, Nesterov: true, WeightDecay: 1e-4}
		}
		require.NoError(t, m.Compile(Training{Optimizer: optimizer, Loss: losses.SparseCategoricalCrossentropy{}, Metrics: []metrics.Metric{metrics.Accuracy{}}}))
		ds, err := data.Synthetic(40, shape, g.OutputShape()[0], 3)
		require.NoError(t, err)
		_, err = m.Fit(t.Context(), ds, FitOptions{Epochs: 1, BatchSize: 16})
		require.NoError(t, err)

		x := tensor.New(tensor.WithShape(append([]int{5}, shape...)...), tensor.Of(tensor.Float32))
		s := random.Stream{Purpose: random.Synthetic}
		for i := range x.Data().([]float32) {
			x.Data().([]float32)[i] = s.Normal()
		}
		dir := t.TempDir()
		input := filepath.Join(dir, "x.npy")
		require.NoError(t, data.SaveNPY(input, x))
		want, err := m.Predict(t.Context(), x, 0)
		require.NoError(t, err)
		for _, suffix := range []string{".h5", ".keras"} {
			file, output := filepath.Join(dir, name+suffix), filepath.Join(dir, name+suffix+".npy")
			require.NoError(t, m.Save(file))
			out, err := exec.Command(python, filepath.Join("checkpoint", "testdata", "keras_check.py"), file, input, output).CombinedOutput()
			require.NoError(t, err, "%s", out)
			got, err := data.LoadNPY(output)
			require.NoError(t, err)
			assert.InDeltaSlice(t, got.Data(), want.Data(), 1e-5, "%s in Keras", name+suffix)
		}
		require.NoError(t, m.Close())
	}
}

// TestSavedModelsGoOn trains, saves, loads and trains on: the same weights as without the break.
func TestSavedModelsGoOn(t *testing.T) {
	ds := tinyData(t, 40)
	for _, suffix := range []string{".h5", ".keras"} {
		m := compileTiny(t, 1)
		_, err := m.Fit(t.Context(), ds, FitOptions{Epochs: 2, BatchSize: 16})
		require.NoError(t, err)
		file := filepath.Join(t.TempDir(), "m"+suffix)
		require.NoError(t, m.Save(file))
		loaded, err := Load(file)
		require.NoError(t, err)
		training, ok := loaded.Training()
		require.True(t, ok)
		assert.Equal(t, m.training.Optimizer, training.Optimizer)
		for _, model := range []*Model{m, loaded} {
			_, err = model.Fit(t.Context(), ds, FitOptions{Epochs: 2, BatchSize: 16})
			require.NoError(t, err)
		}
		a, err := m.Weights()
		require.NoError(t, err)
		b, err := loaded.Weights()
		require.NoError(t, err)
		for i := range a {
			assert.Equal(t, a[i].Value.Data(), b[i].Value.Data(), "%s after %s", a[i].Path, suffix)
		}
		require.NoError(t, loaded.Close())
	}
}

func TestWeightsFiles(t *testing.T) {
	m, other := compileTiny(t, 1), compileTiny(t, 1)
	_, err := m.Fit(t.Context(), tinyData(t, 40), FitOptions{Epochs: 1, BatchSize: 16})
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "w.weights.h5")
	require.NoError(t, m.SaveWeights(file))
	require.NoError(t, other.LoadWeights(file))
	a, err := m.Weights()
	require.NoError(t, err)
	b, err := other.Weights()
	require.NoError(t, err)
	for i := range a {
		assert.Equal(t, a[i].Value.Data(), b[i].Value.Data())
	}
	assert.ErrorContains(t, m.SaveWeights("w.h5"), "*.weights.h5")

	wider := Sequential(Input(6, 6, 1),
		&layers.Conv2D{Filters: 6, KernelSize: layers.Square(3), Activation: layers.ReLU},
		layers.NewBatchNormalization(), &layers.Dropout{Rate: .1}, &layers.Flatten{}, &layers.Dense{Units: 3, Activation: layers.Softmax})
	err = wider.LoadWeights(file)
	require.Error(t, err)
	for _, want := range []string{"conv2d/kernel", "[3,3,1,5]", "[3,3,1,6]", file} {
		assert.ErrorContains(t, err, want)
	}
	require.NoError(t, wider.Close())
}
