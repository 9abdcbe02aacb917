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

// TestRegularizedTrainingOnAGPU is training with label smoothing, penalties, clipped gradients, noise, a constraint and averages of weights, by each optimizer that has kernels
// of its own: the losses are the CPU's.
func TestRegularizedTrainingOnAGPU(t *testing.T) {
	onGPU(t)
	train := func(t *testing.T, o optimizers.Optimizer, device string) map[string][]float64 {
		m := Sequential(Input(10, 9, 1),
			&layers.Conv2D{Filters: 6, KernelSize: layers.Square(3), KernelRegularizer: layers.L1L2{L1: 1e-3, L2: 1e-2}},
			&layers.Activation{Function: layers.GELU},
			&layers.SpatialDropout2D{Rate: .2},
			&layers.MaxPooling2D{PoolSize: layers.Square(2)},
			&layers.Flatten{},
			&layers.GaussianNoise{Stddev: .1},
			&layers.Dense{Units: 9, Activation: layers.SiLU, KernelRegularizer: layers.L2(1e-2), KernelConstraint: layers.MaxNorm{MaxValue: 1.5}},
			&layers.GaussianDropout{Rate: .2},
			&layers.Dense{Units: 3, Activation: layers.Softmax})
		defer func() { require.NoError(t, m.Close()) }()
		require.NoError(t, m.Compile(Training{
			Optimizer: o, Loss: losses.CategoricalCrossentropy{LabelSmoothing: .1}, Metrics: []metrics.Metric{metrics.Accuracy{}}, Seed: 7, Threads: 1, Device: device,
		}))
		h, err := m.Fit(t.Context(), digitsData(t), FitOptions{Epochs: 3, BatchSize: 16, Validation: digitsData(t)})
		require.NoError(t, err)
		return h.Metrics
	}
	for name, o := range map[string]func() optimizers.Optimizer{
		"sgd": func() optimizers.Optimizer {
			return &optimizers.SGD{LearningRate: .05, Momentum: .9, Base: optimizers.Base{GlobalClipNorm: .5, UseEMA: true}}
		},
		"nadam": func() optimizers.Optimizer {
			o := optimizers.NewNadam()
			o.LearningRate, o.ClipNorm, o.GradientAccumulationSteps = .01, .1, 2
			return o
		},
		"lamb": func() optimizers.Optimizer {
			o := optimizers.NewLamb()
			o.LearningRate, o.ClipValue = .01, .05
			return o
		},
		"muon": func() optimizers.Optimizer { o := optimizers.NewMuon(); o.LearningRate = .01; return o },
	} {
		t.Run(name, func(t *testing.T) {
			want, got := train(t, o(), "cpu"), train(t, o(), "cuda")
			for name, values := range want {
				require.Len(t, got[name], len(values), name)
				for i := range values {
					assert.InDelta(t, values[i], got[name][i], 1e-4, "%s of epoch %d", name, i+1) // rounding that nine steps carry on
				}
			}
			assert.Less(t, got["loss"][2], got["loss"][0])
		})
	}
}
