package meseta

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
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

// TestKerasPredictsTheSame trains, saves in each format that holds a whole model, and has the real Keras load the files and predict.
// MESETA_PYTHON names a Python that has Keras; without it the test is skipped.
func TestKerasPredictsTheSame(t *testing.T) {
	python := os.Getenv("MESETA_PYTHON")
	if python == "" {
		t.Skip("MESETA_PYTHON is not set: no Keras to compare with")
	}
	type result struct {
		file, output string
		want         []float32
	}
	var results []result
	var jobs [][]string // for one Python, which takes longer to start than to predict
	dir := t.TempDir()
	for _, name := range append(models.Names(), "dense", "normalized") {
		samples, batch, suffixes := 40, 16, []string{".h5", ".keras"}
		switch name { // large networks: few samples, one format
		case "resnet9", "vgg11-bn":
			samples, batch, suffixes = 8, 4, suffixes[:1]
		case "mobilenet-v2", "resnet50":
			samples, batch, suffixes = 4, 2, suffixes[1:]
		}
		if name == "resnet50" && testing.Short() {
			continue
		}
		m, x, want := trainAndPredict(t, name, samples, batch)
		input := filepath.Join(dir, name+".npy")
		require.NoError(t, data.SaveNPY(input, x))
		for _, suffix := range suffixes {
			r := result{filepath.Join(dir, name+suffix), filepath.Join(dir, name+suffix+".npy"), want}
			require.NoError(t, m.Save(r.file))
			results, jobs = append(results, r), append(jobs, []string{r.file, input, r.output})
		}
		require.NoError(t, m.Close())
	}
	text, err := json.Marshal(jobs)
	require.NoError(t, err)
	list := filepath.Join(dir, "jobs.json")
	require.NoError(t, os.WriteFile(list, text, 0o666))
	out, err := exec.Command(python, filepath.Join("checkpoint", "testdata", "keras_check.py"), "--batch", list).CombinedOutput()
	require.NoError(t, err, "%s", out)
	for _, r := range results {
		got, err := data.LoadNPY(r.output)
		require.NoError(t, err)
		largest := slices.Max(r.want)
		assert.Less(t, largest, float32(.999), "%s is sure of a class, which says little of what it computed", r.file)
		assert.InDeltaSlice(t, got.Data(), r.want, min(1e-5, 1e-4*float64(largest)), "%s in Keras", r.file)
	}
}

// trainAndPredict trains an architecture of package models, or "dense" or "normalized", the layers that those lack, and predicts up to five
// samples.
func trainAndPredict(t *testing.T, name string, samples, batch int) (m *Model, x *tensor.Dense, prediction []float32) {
	switch name {
	case "dense":
		loaded, err := Load(filepath.Join("testdata", "dense_initial.h5"))
		require.NoError(t, err)
		m = loaded
	case "normalized":
		m = normalized()
	default:
		g, err := models.New(name)
		require.NoError(t, err)
		for _, l := range g.Layers {
			if n, ok := l.Layer.(*layers.BatchNormalization); ok {
				n.Momentum = .1 // so that few steps give statistics with which predictions are not all 0 and 1
			}
		}
		m = FromGraph(g)
	}
	g, err := m.Graph()
	require.NoError(t, err)
	shape := g.Input()
	var optimizer optimizers.Optimizer = optimizers.NewAdam()
	switch name {
	case "resnet20":
		optimizer = &optimizers.SGD{LearningRate: .01, Momentum: .9, Nesterov: true, WeightDecay: 1e-4}
	case "resnet50", "vgg11-bn":
		optimizer = optimizers.NewSGD().WithRate(1e-4) // two steps of Adam's 0.001 would make them sure of a class
	}
	require.NoError(t, m.Compile(Training{Optimizer: optimizer, Loss: losses.SparseCategoricalCrossentropy{}, Metrics: []metrics.Metric{metrics.Accuracy{}}}))
	ds, err := data.Synthetic(samples, shape, g.OutputShape()[0], 3)
	require.NoError(t, err)
	_, err = m.Fit(t.Context(), ds, FitOptions{Epochs: 1, BatchSize: batch})
	require.NoError(t, err)

	x = tensor.New(tensor.WithShape(append([]int{min(5, samples)}, shape...)...), tensor.Of(tensor.Float32))
	s := random.Stream{Purpose: random.Synthetic}
	for i := range x.Data().([]float32) {
		x.Data().([]float32)[i] = s.Normal()
	}
	y, err := m.Predict(t.Context(), x, 0)
	require.NoError(t, err)
	return m, x, y.Data().([]float32)
}

// TestKerasFilesWithScalars reads a network whose Normalization Keras adapted: one of its weights is a scalar, and an integer.
func TestKerasFilesWithScalars(t *testing.T) {
	x, err := data.LoadNPY(filepath.Join("testdata", "normalized_x.npy"))
	require.NoError(t, err)
	want, err := data.LoadNPY(filepath.Join("testdata", "normalized_y.npy"))
	require.NoError(t, err)
	for _, suffix := range []string{".keras", ".h5"} {
		m, err := Load(filepath.Join("testdata", "normalized"+suffix))
		require.NoError(t, err)
		y, err := m.Predict(t.Context(), x, 0)
		require.NoError(t, err)
		assert.InDeltaSlice(t, want.Data(), y.Data(), 1e-6, suffix)

		// What we write of it is read as well, and so are weights alone.
		file := filepath.Join(t.TempDir(), "again"+suffix)
		require.NoError(t, m.Save(file))
		again, err := Load(file)
		require.NoError(t, err)
		y, err = again.Predict(t.Context(), x, 0)
		require.NoError(t, err)
		assert.InDeltaSlice(t, want.Data(), y.Data(), 1e-6, suffix)
		weights, err := again.Weights()
		require.NoError(t, err)
		for _, w := range weights {
			require.NoError(t, again.SetWeight(w.Path, w.Value))
			w.Value.Memset(float32(1))
			require.NoError(t, again.SetWeight(w.Path, w.Value))
		}
		require.NoError(t, again.LoadWeights(filepath.Join("testdata", "normalized.weights.h5")))
		y, err = again.Predict(t.Context(), x, 0)
		require.NoError(t, err)
		assert.InDeltaSlice(t, want.Data(), y.Data(), 1e-6, "weights alone")
		require.NoError(t, again.Close())
		require.NoError(t, m.Close())
	}
}

// normalized has the layers that normalise, resize, pool and disturb. (Lists of axes are in testdata/layers: Keras loses them when it reads
// an .h5, its own too.)
func normalized() *Model {
	return Sequential(Input(9, 8, 3),
		&layers.Normalization{}, &layers.Normalization{Mean: []float64{.1, .2, .3}, Variance: []float64{2, 1, .5}}, &layers.GaussianNoise{Stddev: .1},
		&layers.Resizing{Height: 8, Width: 10}, &layers.UpSampling2D{Interpolation: layers.Bilinear},
		&layers.Conv2D{Filters: 8, KernelSize: layers.Square(3), NoBias: true},
		&layers.BatchNormalization{Momentum: .9, Epsilon: 1e-3, NoScale: true}, &layers.ReLULayer{},
		&layers.AveragePooling2D{PoolSize: layers.Square(3), Strides: layers.Square(2), Padding: layers.Same}, &layers.SpatialDropout2D{Rate: .1},
		&layers.GroupNormalization{Groups: 4, Epsilon: 1e-3}, &layers.LayerNormalization{Epsilon: 1e-3, NoCenter: true},
		&layers.CenterCrop{Height: 6, Width: 7}, &layers.AlphaDropout{Rate: .1}, &layers.GlobalMaxPooling2D{KeepDims: true}, &layers.Flatten{},
		&layers.GaussianDropout{Rate: .1}, &layers.Dense{Units: 4, Activation: layers.Softmax})
}

// TestSavedModelsGoOn trains, saves, loads and trains on: the same weights as without the break. Six steps before, so that where
// four are an update the file has sums of gradients.
func TestSavedModelsGoOn(t *testing.T) {
	ds := tinyData(t, 40)
	for name, o := range map[string]optimizers.Optimizer{
		"adam":     optimizers.NewAdam().WithRate(.01),
		"averaged": &optimizers.SGD{LearningRate: .1, Momentum: .9, Base: optimizers.Base{UseEMA: true, EMAOverwriteFrequency: 4, ClipNorm: .1}},
		"clipped":  &optimizers.SGD{LearningRate: .1, Base: optimizers.Base{GlobalClipNorm: .1}},
		"cut":      &optimizers.SGD{LearningRate: .1, Base: optimizers.Base{ClipValue: .01}},
		"sums":     &optimizers.SGD{LearningRate: .1, Base: optimizers.Base{GradientAccumulationSteps: 4}},
		"lamb":     optimizers.NewLamb().WithRate(.01),
		"muon":     optimizers.NewMuon().WithRate(.01),
		"everything": &optimizers.Nadam{
			LearningRate: .01, Beta1: .9, Beta2: .999, Epsilon: 1e-7, WeightDecay: .01,
			Base: optimizers.Base{UseEMA: true, EMAMomentum: .9, EMAOverwriteFrequency: 2, GradientAccumulationSteps: 4, GlobalClipNorm: .3},
		},
	} {
		for _, suffix := range []string{".h5", ".keras"} {
			m := compileTiny(t, 1)
			training, _ := m.Training()
			training.Optimizer = o
			require.NoError(t, m.Compile(training))
			_, err := m.Fit(t.Context(), ds, FitOptions{Epochs: 2, BatchSize: 16})
			require.NoError(t, err)
			file := filepath.Join(t.TempDir(), "m"+suffix)
			require.NoError(t, m.Save(file))
			loaded, err := Load(file)
			require.NoError(t, err)
			training, ok := loaded.Training()
			require.True(t, ok)
			assert.Equal(t, m.training.Optimizer, training.Optimizer, name)
			for _, model := range []*Model{m, loaded} {
				_, err = model.Fit(t.Context(), ds, FitOptions{Epochs: 2, BatchSize: 16})
				require.NoError(t, err)
			}
			a, err := m.Weights()
			require.NoError(t, err)
			b, err := loaded.Weights()
			require.NoError(t, err)
			for i := range a {
				assert.Equal(t, a[i].Value.Data(), b[i].Value.Data(), "%s: %s after %s", name, a[i].Path, suffix)
			}
			require.NoError(t, loaded.Close())
		}
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
