//go:build nvidia && cgo

package meseta

import (
	"testing"

	"github.com/meseta-go/meseta/layers"
	"github.com/meseta-go/meseta/losses"
	"github.com/meseta-go/meseta/metrics"
	"github.com/meseta-go/meseta/optimizers"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestArrangedTrainingOnAGPU trains a network that pads, crops, resizes, turns and joins images, and counts for metrics: the losses are the CPU's.
func TestArrangedTrainingOnAGPU(t *testing.T) {
	onGPU(t)
	train := func(device string) map[string][]float64 {
		in := layers.Apply(Input(10, 9, 1))
		x := layers.Apply(&layers.ZeroPadding2D{Padding: layers.Around(1)}, in)
		x = layers.Apply(&layers.Conv2D{Filters: 4, KernelSize: layers.Square(3), Activation: layers.ReLU}, x)
		y := layers.Apply(&layers.UpSampling2D{Interpolation: layers.Bilinear}, x)
		y = layers.Apply(&layers.Cropping2D{Cropping: layers.Margin{Top: 4, Bottom: 6, Left: 5, Right: 4}}, y)
		y = layers.Apply(&layers.Permute{Dims: []int{2, 1, 3}}, y)
		y = layers.Apply(&layers.Resizing{Height: 10, Width: 9}, y)
		x = layers.Apply(&layers.Concatenate{}, x, y, in)
		x = layers.Apply(&layers.MaxPooling2D{PoolSize: layers.Square(2)}, x)
		x = layers.Apply(&layers.Flatten{}, x)
		m := Functional(in, layers.Apply(&layers.Dense{Units: 3, Activation: layers.Softmax}, x))
		defer func() { require.NoError(t, m.Close()) }()
		require.NoError(t, m.Compile(Training{
			Optimizer: optimizers.NewAdam().WithRate(.01), Loss: losses.CategoricalCrossentropy{}, Seed: 7, Threads: 1, Device: device,
			Metrics: []metrics.Metric{metrics.Accuracy{}, metrics.TopKCategoricalAccuracy{K: 2}, metrics.AUC{}, metrics.ClassAccuracy{}, metrics.OneHotMeanIoU{NumClasses: 3}},
		}))
		h, err := m.Fit(t.Context(), digitsData(t), FitOptions{Epochs: 3, BatchSize: 16, Validation: digitsData(t)})
		require.NoError(t, err)
		return h.Metrics
	}
	want, got := train("cpu"), train("cuda")
	require.Greater(t, len(want), 10)
	for name, values := range want {
		require.Len(t, got[name], len(values), name)
		for i := range values {
			assert.InDelta(t, values[i], got[name][i], 1e-5, "%s of epoch %d", name, i+1) // rounding that nine steps carry on
		}
	}
	assert.Less(t, got["loss"][2], got["loss"][0])
}
