//go:build nvidia && cgo

package meseta

import (
	"testing"

	"github.com/meseta-go/meseta/layers"
	"github.com/meseta-go/meseta/losses"
	"github.com/meseta-go/meseta/metrics"
	"github.com/meseta-go/meseta/models"
	"github.com/meseta-go/meseta/optimizers"
	"github.com/meseta-go/meseta/plan"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// normed is a small network with every norm, a shortcut with a convolution of its own and one without, and a depthwise convolution.
func normed() *Model {
	conv := func(filters, size, stride int, x *layers.Node) *layers.Node {
		return layers.Apply(&layers.Conv2D{Filters: filters, KernelSize: layers.Square(size), Strides: layers.Square(stride), Padding: layers.Same, NoBias: true}, x)
	}
	batch := func(x *layers.Node) *layers.Node {
		return layers.Apply(&layers.BatchNormalization{Momentum: .9, Epsilon: 1e-5}, x)
	}
	relu := func(x *layers.Node) *layers.Node { return layers.Apply(&layers.ReLULayer{}, x) }
	add := func(a, b *layers.Node) *layers.Node { return layers.Apply(&layers.Add{}, a, b) }

	in := layers.Apply(Input(10, 9, 1))
	x := relu(batch(conv(6, 3, 1, in)))
	x = relu(add(batch(conv(6, 3, 1, relu(batch(conv(6, 3, 1, x))))), x))
	x = relu(add(batch(conv(8, 3, 2, x)), batch(conv(8, 1, 2, x))))
	x = batch(layers.Apply(&layers.DepthwiseConv2D{KernelSize: layers.Square(3), Padding: layers.Same, NoBias: true}, x))
	x = conv(12, 1, 1, layers.Apply(&layers.Activation{Function: layers.ReLU6}, x))
	x = relu(layers.Apply(&layers.GroupNormalization{Groups: 3, Epsilon: 1e-3}, x))
	x = layers.Apply(layers.NewLayerNormalization(), layers.Apply(&layers.GlobalAveragePooling2D{}, x))
	return Functional(in, layers.Apply(&layers.Dense{Units: 3, Activation: layers.Softmax}, x))
}

// TestNormsTrainOnAGPUAsOnTheCPU: the losses, those of the validation with moving statistics too, are the CPU's, and so are weights and moving statistics.
func TestNormsTrainOnAGPUAsOnTheCPU(t *testing.T) {
	onGPU(t)
	train := func(device string) (map[string][]float64, []float32) {
		m := normed()
		defer func() { require.NoError(t, m.Close()) }()
		require.NoError(t, m.Compile(Training{
			Optimizer: &optimizers.SGD{LearningRate: .05, Momentum: .9}, Loss: losses.SparseCategoricalCrossentropy{},
			Metrics: []metrics.Metric{metrics.Accuracy{}}, Seed: 7, Threads: 1, Device: device,
		}))
		h, err := m.Fit(t.Context(), digitsData(t), FitOptions{Epochs: 3, BatchSize: 16, Validation: digitsData(t)})
		require.NoError(t, err)
		var weights []float32
		for _, e := range m.session.Entries() {
			if e.Kind == plan.Trainable || e.Kind == plan.Fixed {
				w := make([]float32, e.Type.Shape.Size())
				require.NoError(t, m.session.Read(e.Name, w))
				weights = append(weights, w...)
			}
		}
		return h.Metrics, weights
	}
	want, wantWeights := train("cpu")
	got, weights := train("cuda")
	for name, values := range want {
		require.Len(t, got[name], len(values), name)
		for i := range values {
			assert.InDelta(t, values[i], got[name][i], 1e-4, "%s of epoch %d", name, i+1) // rounding that norms of few pixels make larger, over nine steps
		}
	}
	assert.Less(t, got["loss"][2], got["loss"][0])
	assert.InDeltaSlice(t, wantWeights, weights, 1e-3)
}

// TestModelsWithNormsAreForGPUs: every operator of their training, evaluation and inference has a kernel.
func TestModelsWithNormsAreForGPUs(t *testing.T) {
	onGPU(t)
	for _, name := range []string{"resnet20", "resnet9", "vgg11-bn", "resnet50", "mobilenet-v2"} {
		t.Run(name, func(t *testing.T) {
			g, err := models.Sized(name, 32)
			require.NoError(t, err)
			m := FromGraph(g)
			defer func() { require.NoError(t, m.Close()) }()
			require.NoError(t, m.Compile(Training{
				Optimizer: &optimizers.SGD{LearningRate: .05, Momentum: .9}, Loss: losses.SparseCategoricalCrossentropy{}, Device: "cuda",
			}))
			for _, mode := range []plan.Mode{plan.Training, plan.Evaluation, plan.Inference} {
				_, err := m.session.Program(mode, 2)
				assert.NoError(t, err, mode)
			}
		})
	}
}
