package meseta

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/meseta-go/meseta/checkpoint"
	"github.com/meseta-go/meseta/data"
	"github.com/meseta-go/meseta/layers"
	"github.com/meseta-go/meseta/losses"
	"github.com/meseta-go/meseta/metrics"
	"github.com/meseta-go/meseta/optimizers"
	"github.com/meseta-go/meseta/plan"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"
)

// Models that Keras trained for three steps, with each of its optimizers, go on here for three more as they do in Keras.
func TestOptimizersGoOnAsInKeras(t *testing.T) {
	const folder = "checkpoint/testdata"
	b, err := os.ReadFile(filepath.Join(folder, "expected_optimizers.json"))
	require.NoError(t, err)
	var golden struct {
		Models map[string]struct {
			After map[string][]float32
		}
	}
	require.NoError(t, json.Unmarshal(b, &golden))
	x, err := data.LoadNPY(filepath.Join(folder, "optimizer_x.npy"))
	require.NoError(t, err)
	classes := map[string]bool{}
	for name, want := range golden.Models {
		t.Run(name, func(t *testing.T) {
			m, err := Load(filepath.Join(folder, "optimizer_"+name+".keras"))
			require.NoError(t, err)
			defer m.Close()
			training, ok := m.Training()
			require.True(t, ok)
			classes[training.Optimizer.ClassName()] = true
			step, err := m.Stepper(plan.Training, 6)
			require.NoError(t, err)
			for range 3 {
				_, err := step(x.Data().([]float32), []int32{0, 1, 2, 0, 1, 2})
				require.NoError(t, err)
			}
			path := filepath.Join(t.TempDir(), "a.h5")
			require.NoError(t, m.Save(path))
			saved, err := checkpoint.Load(path)
			require.NoError(t, err)
			assert.EqualValues(t, 6, saved.Optimizer.Iterations)
			require.Len(t, saved.Weights, len(want.After))
			for weight, values := range want.After {
				// Sums over five inputs and six samples differ in the last bits.
				assert.InDeltaSlice(t, values, saved.Weights[weight].Data().([]float32), 2e-6, weight)
			}
		})
	}
	assert.Len(t, classes, len(optimizers.Names()))
}

// Each optimizer by its name trains from the start, and stops and goes on where it was, bit for bit.
func TestOptimizersResume(t *testing.T) {
	for _, name := range optimizers.Names() {
		t.Run(name, func(t *testing.T) {
			o, err := optimizers.New(name)
			require.NoError(t, err)
			m := Sequential(Input(5), &layers.Dense{Units: 4, Activation: layers.ReLU}, &layers.Dense{Units: 3, Activation: layers.Softmax})
			require.NoError(t, m.Compile(Training{Optimizer: o.WithRate(.01), Loss: losses.SparseCategoricalCrossentropy{}, Metrics: []metrics.Metric{metrics.Accuracy{}}}))
			defer m.Close()
			start := filepath.Join(t.TempDir(), "start.h5")
			require.NoError(t, m.Save(start))
			fresh, err := checkpoint.Load(start)
			require.NoError(t, err)
			for slot, values := range fresh.Optimizer.Slots {
				for weight, v := range values {
					for _, x := range v.Data().([]float32) {
						require.Equal(t, optimizers.SlotStart(o, slot), x, "%s of %s", slot, weight)
					}
				}
			}
			x, labels := make([]float32, 30), []int32{0, 1, 2, 0, 1, 2}
			for i := range x {
				x[i] = float32(i*7%11) / 5
			}
			train := func(m *Model, steps int) (losses []float64) {
				step, err := m.Stepper(plan.Training, 6)
				require.NoError(t, err)
				for range steps {
					loss, err := step(x, labels)
					require.NoError(t, err)
					losses = append(losses, loss)
				}
				return losses
			}
			train(m, 4)
			path := filepath.Join(t.TempDir(), "a.h5")
			require.NoError(t, m.Save(path))
			want := train(m, 40)
			again, err := Load(path)
			require.NoError(t, err)
			defer again.Close()
			assert.Equal(t, want, train(again, 40))
			assert.Less(t, want[39], want[0])
		})
	}
}

// Clipping would make an infinite gradient a large step; it is found before, and changes nothing.
func TestInfiniteGradientsAreNotClipped(t *testing.T) {
	for _, base := range []optimizers.Base{{ClipValue: .1}, {ClipNorm: .1}, {GlobalClipNorm: .1}, {ClipValue: .1, GradientAccumulationSteps: 2, UseEMA: true}} {
		m := Sequential(Input(1), &layers.Dense{Units: 2, KernelInitializer: layers.Zeros{}}, &layers.Dense{Units: 3})
		require.NoError(t, m.Compile(Training{
			Optimizer: &optimizers.SGD{LearningRate: .1, Base: base}, Loss: losses.SparseCategoricalCrossentropy{FromLogits: true},
		}))
		require.NoError(t, m.SetWeight("dense_1/kernel", tensor.New(tensor.WithShape(2, 3), tensor.WithBacking([]float32{1e3, 0, -1e3, 0, 1e3, 0}))))
		before, err := m.Weights()
		require.NoError(t, err)
		step, err := m.Stepper(plan.Training, 1)
		require.NoError(t, err)
		for range 2 {
			loss, err := step([]float32{3e38}, []int32{0})
			assert.InDelta(t, math.Log(3), loss, 1e-6)
			var nonFinite *NonFiniteError
			require.ErrorAs(t, err, &nonFinite)
			assert.ErrorContains(t, err, "a gradient is not finite")
		}
		after, err := m.Weights()
		require.NoError(t, err)
		assert.Equal(t, before, after)
		updates, err := m.Updates()
		require.NoError(t, err)
		assert.Zero(t, updates)
		assert.ErrorIs(t, m.SwapAverages(), plan.ErrNoAverages)
		require.NoError(t, m.Close())
	}
}

// Fit ends with the averages as weights, unless something went wrong; SwapAverages brings back what they were averages of.
func TestFitEndsWithAverages(t *testing.T) {
	plain, averaged := compileTiny(t, 1), compileTiny(t, 1)
	o := optimizers.NewAdam()
	o.LearningRate, o.UseEMA, o.EMAMomentum = .01, true, .5
	training := plain.training
	training.Optimizer = o
	require.NoError(t, averaged.Compile(training))
	ds := tinyData(t, 16)
	var mean [][]float32
	for range 3 { // an epoch is one update
		_, err := plain.Fit(t.Context(), ds, FitOptions{BatchSize: 16})
		require.NoError(t, err)
		weights, err := plain.Weights()
		require.NoError(t, err)
		for i, w := range weights {
			now := w.Value.Data().([]float32)
			if len(mean) < len(weights) {
				mean = append(mean, now)
				continue
			}
			for j, x := range now {
				mean[i][j] = .5*mean[i][j] + .5*x
			}
		}
	}
	_, err := averaged.Fit(t.Context(), ds, FitOptions{Epochs: 3, BatchSize: 16})
	require.NoError(t, err)
	weights, err := averaged.Weights()
	require.NoError(t, err)
	for i, w := range weights {
		if w.Trainable {
			assert.Equal(t, mean[i], w.Value.Data(), w.Path)
		}
	}
}

// A step counts once, however many rules share it, also where one of them has no weights.
func TestStepsAreCountedOnce(t *testing.T) {
	for _, exclude := range [][]string{nil, {"dense"}, {"dense$"}} {
		o := optimizers.NewMuon()
		o.ExcludeLayers, o.ExcludeFromWeightDecay = exclude, []string{"bias"}
		m := Sequential(Input(4), &layers.Dense{Units: 5}, &layers.Dense{Units: 3})
		require.NoError(t, m.Compile(Training{Optimizer: o, Loss: losses.SparseCategoricalCrossentropy{FromLogits: true}}))
		step, err := m.Stepper(plan.Training, 2)
		require.NoError(t, err)
		for range 3 {
			_, err = step([]float32{1, 2, 3, 4, 5, 6, 7, 8}, []int32{0, 1})
			require.NoError(t, err)
		}
		updates, err := m.Updates()
		require.NoError(t, err)
		assert.EqualValues(t, 3, updates, "%v", exclude)
		file := filepath.Join(t.TempDir(), "m.keras")
		require.NoError(t, m.Save(file))
		loaded, err := Load(file)
		require.NoError(t, err)
		training, _ := loaded.Training()
		assert.Equal(t, o, training.Optimizer, "what Keras does not store, too")
		require.NoError(t, loaded.Close())
		require.NoError(t, m.Close())
	}
}
