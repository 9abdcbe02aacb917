//go:build nvidia && cgo

package meseta

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/meseta-go/meseta/callbacks"
	"github.com/meseta-go/meseta/data"
	"github.com/meseta-go/meseta/gpu"
	"github.com/meseta-go/meseta/layers"
	"github.com/meseta-go/meseta/losses"
	"github.com/meseta-go/meseta/metrics"
	"github.com/meseta-go/meseta/optimizers"
	"github.com/meseta-go/meseta/plan"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// onGPU skips a test where there is no GPU, unless a driver's library is named: the emulated one, see gpu/emulated.
func onGPU(t *testing.T) {
	t.Helper()
	if _, err := gpu.Find(); err != nil {
		if os.Getenv(gpu.LibraryVariable) == "" {
			t.Skip(err)
		}
		require.NoError(t, err)
	}
}

// digits is mnist-cnn in small, ready to be trained.
func digits(t *testing.T, device string) *Model {
	m := Sequential(Input(10, 9, 1),
		&layers.Conv2D{Filters: 5, KernelSize: layers.Square(3), Activation: layers.ReLU},
		&layers.Conv2D{Filters: 7, KernelSize: layers.Square(3), Activation: layers.ReLU},
		&layers.MaxPooling2D{PoolSize: layers.Square(2)},
		&layers.Dropout{Rate: .25},
		&layers.Flatten{},
		&layers.Dense{Units: 9, Activation: layers.ReLU},
		&layers.Dropout{Rate: .5},
		&layers.Dense{Units: 3, Activation: layers.Softmax})
	t.Cleanup(func() { _ = m.Close() }) // a lost GPU does not close well
	require.NoError(t, m.Compile(Training{
		Optimizer: optimizers.NewAdam().WithRate(.01), Loss: losses.SparseCategoricalCrossentropy{},
		Metrics: []metrics.Metric{metrics.Accuracy{}}, Seed: 7, Threads: 1, Device: device,
	}))
	return m
}

func digitsData(t *testing.T) data.Dataset {
	ds, err := data.Synthetic(40, []int{10, 9, 1}, 3, 1)
	require.NoError(t, err)
	return ds
}

// TestTrainingOnAGPUIsTrainingOnTheCPU trains for some epochs, the last batch of each being smaller: the losses are the CPU's, dropout included, and so are
// the weights; a second run has the same bits.
func TestTrainingOnAGPUIsTrainingOnTheCPU(t *testing.T) {
	onGPU(t)
	train := func(device string) (map[string][]float64, []float32) {
		m := digits(t, device)
		defer func() { require.NoError(t, m.Close()) }()
		h, err := m.Fit(t.Context(), digitsData(t), FitOptions{Epochs: 4, BatchSize: 16, Validation: digitsData(t)})
		require.NoError(t, err)
		name, _, err := m.Device()
		require.NoError(t, err)
		assert.Contains(t, name, device)
		var weights []float32
		for _, e := range m.session.Entries() {
			if e.Kind == plan.Trainable {
				w := make([]float32, e.Type.Shape.Size())
				require.NoError(t, m.session.Read(e.Name, w))
				weights = append(weights, w...)
			}
		}
		return h.Metrics, weights
	}
	want, wantWeights := train("cpu")
	got, weights := train("cuda")
	again, weightsAgain := train("cuda")
	for name, values := range want {
		require.Len(t, got[name], len(values), name)
		for i := range values {
			assert.InDelta(t, values[i], got[name][i], 1e-5, "%s of epoch %d", name, i+1) // rounding that 12 steps of Adam carry on
		}
	}
	assert.Less(t, got["loss"][3], got["loss"][0])
	assert.InDeltaSlice(t, wantWeights, weights, 1e-4)
	assert.Equal(t, got, again)
	assert.Equal(t, weights, weightsAgain)
}

// TestTwoModelsOnAGPU: goroutines that train a model each on one GPU do not disturb each other.
func TestTwoModelsOnAGPU(t *testing.T) {
	onGPU(t)
	var losses [3][]float64
	train := func(t *testing.T, i int) {
		m := digits(t, "cuda")
		h, err := m.Fit(t.Context(), digitsData(t), FitOptions{Epochs: 3, BatchSize: 16, Validation: digitsData(t)})
		require.NoError(t, err)
		losses[i] = h.Metrics["val_loss"]
		require.NoError(t, m.Close())
	}
	train(t, 0)
	t.Run("at once", func(t *testing.T) {
		for i := range 2 {
			t.Run(fmt.Sprint(i), func(t *testing.T) {
				t.Parallel()
				train(t, 1+i)
			})
		}
	})
	require.Len(t, losses[0], 3)
	assert.Equal(t, losses[0], losses[1])
	assert.Equal(t, losses[0], losses[2])
}

// TestAStepOnAGPUAllocatesNothing, once its graph is there.
func TestAStepOnAGPUAllocatesNothing(t *testing.T) {
	onGPU(t)
	m := digits(t, "cuda")
	p, err := m.session.Program(plan.Training, 8)
	require.NoError(t, err)
	x, y := make([]float32, 8*90), make([]int32, 8)
	assert.Zero(t, testing.AllocsPerRun(5, func() {
		p.SetBatch(x, y)
		require.NoError(t, p.Run())
	}))
}

// TestALostGPUEndsTheRun in the middle: the error says so, the checkpoints of the epochs before are what they are in a run without that, and the CPU
// goes on from the last.
func TestALostGPUEndsTheRun(t *testing.T) {
	onGPU(t)
	if os.Getenv("MESETA_EMULATED_ORDER") == "" {
		t.Skip("this needs the emulated driver, with MESETA_EMULATED_ORDER")
	}
	run := func(t *testing.T) (dir string, err error) {
		dir = t.TempDir()
		m := digits(t, "cuda")
		defer m.Close()
		_, err = m.Fit(t.Context(), digitsData(t), FitOptions{Epochs: 4, BatchSize: 16, Dir: dir, Callbacks: []callbacks.Callback{
			&callbacks.ModelCheckpoint{Filepath: "{epoch}.h5"},
		}})
		return dir, err
	}
	whole, err := run(t)
	require.NoError(t, err)
	for _, fault := range []string{"launch:400", "lost:400"} {
		t.Run(fault, func(t *testing.T) {
			t.Setenv("MESETA_EMULATED_FAIL", fault)
			dir, err := run(t)
			require.ErrorIs(t, err, gpu.ErrLost)
			files, err := filepath.Glob(filepath.Join(dir, "*.h5"))
			require.NoError(t, err)
			require.NotEmpty(t, files)
			require.Less(t, len(files), 4)
			for _, file := range files {
				got, err := os.ReadFile(file)
				require.NoError(t, err)
				want, err := os.ReadFile(filepath.Join(whole, filepath.Base(file)))
				require.NoError(t, err)
				assert.True(t, bytes.Equal(want, got), file)
			}
			m, err := Load(files[len(files)-1])
			require.NoError(t, err)
			defer m.Close()
			_, err = m.Fit(t.Context(), digitsData(t), FitOptions{BatchSize: 16})
			require.NoError(t, err)
		})
	}
	t.Run("memory", func(t *testing.T) {
		t.Setenv("MESETA_EMULATED_FAIL", "memory:1")
		m := Sequential(Input(10, 9, 1), &layers.Flatten{}, &layers.Dense{Units: 3, Activation: layers.Softmax})
		err := m.Compile(Training{Optimizer: optimizers.NewSGD(), Loss: losses.SparseCategoricalCrossentropy{}, Device: "cuda"})
		require.ErrorIs(t, err, gpu.ErrOutOfMemory)
	})
}
