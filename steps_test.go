package meseta

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"testing"

	"github.com/meseta-go/meseta/data"
	"github.com/meseta-go/meseta/hdf5"
	"github.com/meseta-go/meseta/kernels/cpu"
	"github.com/meseta-go/meseta/plan"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"
)

// stepModels are those that testdata/make_steps.py made.
var stepModels = []string{"small", "residual", "dense", "penalized", "clipped", "averaged", "accumulated", "lamb", "muon", "convolutions", "merging", "excluded"}

// recorded is what testdata/make_steps.py recorded of Keras.
type recorded struct {
	t    *testing.T
	root *hdf5.Group
}

func readRecorded(t *testing.T, name string) recorded {
	root, err := hdf5.ReadFile(filepath.Join("testdata", name+"_steps.h5"))
	require.NoError(t, err)
	return recorded{t, root}
}

func (r recorded) floats(path string) (values []float32, shape []int) {
	d := r.root.Dataset(path)
	require.NotNil(r.t, d, path)
	values, err := d.Float32s()
	require.NoError(r.t, err)
	for _, n := range d.Shape {
		shape = append(shape, int(n))
	}
	return values, shape
}

// batches gives the recorded steps' data.
func (r recorded) batches() (x [][]float32, y [][]int32, sample []int) {
	xs, shape := r.floats("x")
	ys, _ := r.floats("y")
	steps, n := shape[0], shape[1]
	size := len(xs) / steps
	for k := range steps {
		x = append(x, xs[k*size:(k+1)*size])
		labels := make([]int32, n)
		for i := range labels {
			labels[i] = int32(ys[k*n+i])
		}
		y = append(y, labels)
	}
	return x, y, shape[2:]
}

// TestStepsAreKerass holds ten whole training steps against Keras's: losses, final weights, predictions, evaluation.
func TestStepsAreKerass(t *testing.T) {
	for _, name := range stepModels {
		for _, isa := range cpu.Available() {
			t.Run(fmt.Sprintf("%s %v", name, isa), func(t *testing.T) {
				t.Setenv("MESETA_ISA", isa.String())
				r := readRecorded(t, name)
				m, err := Load(filepath.Join("testdata", name+"_initial.h5"))
				require.NoError(t, err)
				defer m.Close()
				training, ok := m.Training()
				require.True(t, ok, "the file says how to train")
				if name == "excluded" {
					training.Optimizer.BaseArguments().ExcludeFromWeightDecay = []string{"bias", "gamma|beta"}
				}
				require.NoError(t, m.Compile(training))

				x, y, sample := r.batches()
				n := len(y[0])
				batch := tensor.New(tensor.WithShape(append([]int{n}, sample...)...), tensor.WithBacking(x[0]))
				predict := func(path string, tolerance float64) {
					want, _ := r.floats(path)
					got, err := m.Predict(t.Context(), batch, 7)
					require.NoError(t, err)
					assert.InDeltaSlice(t, want, got.Data().([]float32), tolerance, path)
				}
				predict("initial_predictions", 1e-6)
				step, err := m.Stepper(plan.Training, n)
				require.NoError(t, err)
				losses, _ := r.floats("losses")
				for k := range x {
					loss, err := step(x[k], y[k])
					require.NoError(t, err)
					// Both sum float32 in orders of their own, and each step multiplies the difference a little.
					assert.InDelta(t, losses[k], loss, 2e-5*float64(k+1), "step %d", k)
				}
				predict("predictions", 5e-4)
				weights, err := m.Weights()
				require.NoError(t, err)
				for _, w := range weights {
					want, _ := r.floats("final/" + w.Path)
					assert.InDeltaSlice(t, want, w.Value.Data().([]float32), 2e-3, w.Path)
				}
				if training.Optimizer.BaseArguments().UseEMA {
					require.NoError(t, m.SwapAverages())
					averages, err := m.Weights()
					require.NoError(t, err)
					for i, w := range averages {
						if !w.Trainable {
							continue
						}
						want, _ := r.floats("averages/" + w.Path)
						assert.InDeltaSlice(t, want, w.Value.Data().([]float32), 2e-3, "average of "+w.Path)
						assert.Equal(t, weights[i].Path, w.Path)
					}
					require.NoError(t, m.SwapAverages())
					again, err := m.Weights()
					require.NoError(t, err)
					assert.Equal(t, weights, again)
				}
				var allX []float32
				var allY []int32
				for k := range x {
					allX, allY = append(allX, x[k]...), append(allY, y[k]...)
				}
				ds, err := data.FromTensors(
					tensor.New(tensor.WithShape(append([]int{len(allY)}, sample...)...), tensor.WithBacking(allX)),
					tensor.New(tensor.WithShape(len(allY)), tensor.WithBacking(allY)))
				require.NoError(t, err)
				logs, err := m.Evaluate(context.Background(), ds, 24)
				require.NoError(t, err)
				want, _ := r.floats("evaluation")
				assert.InDelta(t, want[0], logs["loss"], 5e-4)
				assert.InDelta(t, want[1], logs["accuracy"], 1.01/float64(len(allY)), "but for a tie")
			})
		}
	}
}

func TestSteppersDoNotAllocate(t *testing.T) {
	for _, name := range stepModels {
		m, err := Load(filepath.Join("testdata", name+"_initial.h5"))
		require.NoError(t, err)
		training, _ := m.Training()
		require.NoError(t, m.Compile(training))
		x, y, _ := readRecorded(t, name).batches()
		for _, mode := range []plan.Mode{plan.Training, plan.Evaluation, plan.Inference} {
			step, err := m.Stepper(mode, len(y[0]))
			require.NoError(t, err)
			once := func() {
				if loss, err := step(x[0], y[0]); err != nil || math.IsNaN(loss) {
					t.Fatal(loss, err)
				}
			}
			once()
			assert.Zero(t, testing.AllocsPerRun(20, once), "%s %v", name, mode)
		}
		require.NoError(t, m.Close())
	}
}
