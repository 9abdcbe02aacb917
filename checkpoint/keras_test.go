package checkpoint

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/meseta-go/meseta/layers"
	"github.com/meseta-go/meseta/losses"
	"github.com/meseta-go/meseta/metrics"
	"github.com/meseta-go/meseta/optimizers"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"
)

// digest is what the scripts in testdata write down of an array.
type digest struct {
	Shape []int  `json:"shape"`
	Sum   string `json:"sha256"`
}

// expected is what the scripts write down of a model.
type expected struct {
	Layers       []string          `json:"layers"`
	Weights      map[string]digest `json:"weights"`
	Slots        map[string]digest `json:"slots"`
	Iterations   int64             `json:"iterations"`
	LearningRate float64           `json:"learning_rate"`
}

func readExpected(t testing.TB, name string) map[string]expected {
	b, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(t, err)
	var v struct {
		Models map[string]expected `json:"models"`
	}
	require.NoError(t, json.Unmarshal(b, &v))
	require.Len(t, v.Models, 2)
	return v.Models
}

func digestOf(t testing.TB, x *tensor.Dense) digest {
	data, err := floats(x)
	require.NoError(t, err)
	h := sha256.New()
	for _, f := range data {
		u := math.Float32bits(f)
		h.Write([]byte{byte(u), byte(u >> 8), byte(u >> 16), byte(u >> 24)})
	}
	return digest{append([]int{}, x.Shape()...), hex.EncodeToString(h.Sum(nil)[:8])}
}

func digestsOf(t testing.TB, m map[string]*tensor.Dense) map[string]digest {
	out := map[string]digest{}
	for path, x := range m {
		out[path] = digestOf(t, x)
	}
	return out
}

func slotDigests(t testing.TB, o *OptimizerState) map[string]digest {
	out := map[string]digest{}
	for slot, values := range o.Slots {
		for path, d := range digestsOf(t, values) {
			out[slot+"/"+path] = d
		}
	}
	return out
}

// checkModel holds a model against what Keras said of it.
func checkModel(t *testing.T, want expected, m *Model) {
	assert.Equal(t, want.Weights, digestsOf(t, m.Weights))
	require.NoError(t, m.TrainingErr)
	require.NotNil(t, m.Optimizer)
	assert.Equal(t, want.Slots, slotDigests(t, m.Optimizer))
	assert.Equal(t, want.Iterations, m.Optimizer.Iterations)
	if m.Optimizer.LearningRate != 0 {
		assert.Equal(t, float32(want.LearningRate), m.Optimizer.LearningRate)
	}
}

var sequentialTraining = &Training{
	Optimizer: &optimizers.Adam{LearningRate: 0.002, Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-7},
	Loss:      losses.SparseCategoricalCrossentropy{},
	Metrics:   []metrics.Metric{metrics.Accuracy{}},
}

var residualTraining = &Training{
	Optimizer: &optimizers.SGD{LearningRate: 0.05, Momentum: 0.9, Nesterov: true, WeightDecay: 1e-4},
	Loss:      losses.SparseCategoricalCrossentropy{},
	Metrics:   []metrics.Metric{metrics.Accuracy{}},
}

// sequentialGraph is the model "sequential" of make_keras.py.
func sequentialGraph(t testing.TB) *layers.Graph {
	g, err := layers.Sequential("",
		&layers.InputLayer{Shape: layers.Shape{8, 8, 1}},
		&layers.Rescaling{Scale: 1 / 255.0, Offset: -0.5},
		&layers.Conv2D{Filters: 2, KernelSize: layers.Square(3), Activation: layers.ReLU, KernelInitializer: layers.HeNormal{}},
		&layers.Conv2D{Filters: 3, KernelSize: layers.Square(3), Activation: layers.ReLU, Padding: layers.Same, Strides: layers.Size{1, 2}},
		&layers.MaxPooling2D{PoolSize: layers.Square(2), Strides: layers.Square(2)},
		&layers.Dropout{Rate: 0.25},
		&layers.Flatten{},
		&layers.Dense{Units: 5, Activation: layers.ReLU, BiasInitializer: layers.Constant{Value: 0.1}},
		&layers.Dropout{Rate: 0.5},
		&layers.Dense{Units: 4, Activation: layers.Softmax},
	)
	require.NoError(t, err)
	return g
}

// residualGraph is the model "residual" of make_keras.py, its unnamed layers
// under the names of a fresh session.
func residualGraph(t testing.TB) *layers.Graph {
	in := layers.Apply(&layers.InputLayer{Name: "image", Shape: layers.Shape{8, 8, 3}})
	x := layers.Apply(&layers.Conv2D{Name: "stem", Filters: 4, KernelSize: layers.Square(3), Padding: layers.Same, Strides: layers.Square(2), NoBias: true, KernelInitializer: layers.HeUniform{}}, in)
	x = layers.Apply(&layers.BatchNormalization{Momentum: 0.9, Epsilon: 1e-5}, x)
	x = layers.Apply(&layers.ReLULayer{}, x)
	y := layers.Apply(&layers.Conv2D{Filters: 4, KernelSize: layers.Square(3), Padding: layers.Same}, x)
	y = layers.Apply(layers.NewBatchNormalization(), y)
	y = layers.Apply(&layers.Activation{Function: layers.ReLU}, y)
	y = layers.Apply(&layers.Conv2D{Filters: 6, KernelSize: layers.Square(1), Strides: layers.Square(2)}, y)
	x = layers.Apply(&layers.Conv2D{Name: "shortcut", Filters: 6, KernelSize: layers.Square(1), Strides: layers.Square(2)}, x)
	x = layers.Apply(&layers.Add{}, y, x)
	x = layers.Apply(&layers.GlobalAveragePooling2D{}, x)
	x = layers.Apply(&layers.Dense{Units: 3}, x)
	g, err := layers.Functional("residual", in, layers.Apply(&layers.SoftmaxLayer{Name: "probabilities"}, x))
	require.NoError(t, err)
	return g
}

// sameNetwork holds two networks against each other by their configurations,
// which leave nothing out.
func sameNetwork(t *testing.T, want, got *layers.Graph) {
	a, err := MarshalConfig(want)
	require.NoError(t, err)
	b, err := MarshalConfig(got)
	require.NoError(t, err)
	assert.JSONEq(t, string(a), string(b))
	assert.Equal(t, len(want.Layers), len(got.Layers))
}

func TestLoadsWhatKerasWrote(t *testing.T) {
	training := map[string]*Training{"sequential": sequentialTraining, "residual": residualTraining}
	for name, want := range readExpected(t, "expected.json") {
		for _, suffix := range []string{".h5", ".keras"} {
			t.Run(name+suffix, func(t *testing.T) {
				m, err := Load(filepath.Join("testdata", name+suffix))
				require.NoError(t, err)
				checkModel(t, want, m)
				assert.Equal(t, training[name], m.Training)
				assert.Nil(t, m.State)
				names := []string{}
				for _, l := range storedLayers(m.Graph) {
					names = append(names, l.Name)
				}
				assert.Equal(t, want.Layers, names, "in Keras's order")
			})
		}
		t.Run(name+".weights.h5", func(t *testing.T) {
			path := filepath.Join("testdata", name+".weights.h5")
			_, err := Load(path)
			require.ErrorIs(t, err, ErrNoConfig)
			whole, err := Load(filepath.Join("testdata", name+".h5"))
			require.NoError(t, err)
			m, err := LoadWeights(path, whole.Graph)
			require.NoError(t, err)
			checkModel(t, want, m)
		})
	}
	m, err := Load("testdata/sequential.h5")
	require.NoError(t, err)
	sameNetwork(t, sequentialGraph(t), m.Graph)
	rescaling := m.Graph.Layers[1].Layer.(*layers.Rescaling)
	assert.Equal(t, 1/255.0, rescaling.Scale)
}

// A network built here takes Keras's weights though its layers are named otherwise.
func TestLoadWeightsByOrder(t *testing.T) {
	want := readExpected(t, "expected.json")["residual"]
	for _, suffix := range []string{".h5", ".keras", ".weights.h5"} {
		m, err := LoadWeights("testdata/residual"+suffix, residualGraph(t))
		require.NoError(t, err)
		assert.NotContains(t, want.Weights, "conv2d/kernel")
		assert.Equal(t, want.Weights["conv2d_2/kernel"], digestOf(t, m.Weights["conv2d/kernel"]), suffix)
		assert.Equal(t, want.Weights["stem/kernel"], digestOf(t, m.Weights["stem/kernel"]))
		assert.Equal(t, want.Slots["momentum/stem/kernel"], digestOf(t, m.Optimizer.Slots["momentum"]["stem/kernel"]))
	}
}

func TestLoadsWhatKeras2Wrote(t *testing.T) {
	for name, want := range readExpected(t, "expected_tf_keras.json") {
		whole := filepath.Join("testdata", "tf_keras_"+name+".h5")
		for _, suffix := range []string{".h5", ".keras"} {
			t.Run(name+suffix, func(t *testing.T) {
				m, err := Load(filepath.Join("testdata", "tf_keras_"+name+suffix))
				require.NoError(t, err)
				checkModel(t, want, m)
				require.NotNil(t, m.Training)
				assert.Equal(t, want.LearningRate, float64(float32(m.Training.Optimizer.Rate())))
				assert.Len(t, m.Training.Metrics, 1)
			})
		}
		for _, suffix := range []string{".weights.h5", "_legacy_weights.h5"} {
			t.Run(name+suffix, func(t *testing.T) {
				m, err := Load(whole)
				require.NoError(t, err)
				w, err := LoadWeights(filepath.Join("testdata", "tf_keras_"+name+suffix), m.Graph)
				require.NoError(t, err)
				assert.Equal(t, want.Weights, digestsOf(t, w.Weights))
				if suffix == ".weights.h5" {
					checkModel(t, want, w)
				}
				_, err = Load(filepath.Join("testdata", "tf_keras_"+name+suffix))
				assert.ErrorIs(t, err, ErrNoConfig)
			})
		}
	}
}

// What Keras wrote, saved by us in each format and loaded again, is the same.
func TestRoundTrip(t *testing.T) {
	for name, want := range readExpected(t, "expected.json") {
		m, err := Load(filepath.Join("testdata", name+".h5"))
		require.NoError(t, err)
		m.State = &State{
			Blobs:   map[string][]byte{"run": []byte(`{"epoch":3}`), "callbacks/early_stopping": []byte(`{"best":0.5}`), "empty": {}},
			Tensors: map[string]*tensor.Dense{"best/weights": tensor.New(tensor.WithShape(2, 3), tensor.WithBacking([]float32{1, 2, 3, 4, 5, 6}))},
		}
		for _, suffix := range []string{".h5", ".weights.h5", ".keras"} {
			t.Run(name+suffix, func(t *testing.T) {
				path := filepath.Join(t.TempDir(), "a"+suffix)
				require.NoError(t, Save(path, m))
				got, err := Load(path)
				require.NoError(t, err)
				checkModel(t, want, got)
				sameNetwork(t, m.Graph, got.Graph)
				assert.Equal(t, m.Training, got.Training)
				require.NotNil(t, got.State)
				assert.Equal(t, m.State.Blobs, got.State.Blobs)
				assert.Equal(t, m.State.Tensors["best/weights"].Data(), got.State.Tensors["best/weights"].Data())
				assert.Equal(t, m.State.Tensors["best/weights"].Shape(), got.State.Tensors["best/weights"].Shape())

				first, err := os.ReadFile(path)
				require.NoError(t, err)
				require.NoError(t, Save(path, got))
				second, err := os.ReadFile(path)
				require.NoError(t, err)
				assert.True(t, bytes.Equal(first, second), "equal models must give equal bytes")

				r, err := Verify(path)
				require.NoError(t, err)
				assert.True(t, r.Summed && r.OK)
				assert.Contains(t, r.String(), "that of the whole are right")
			})
		}
	}
}
