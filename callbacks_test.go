package meseta

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/meseta-go/meseta/callbacks"
	"github.com/meseta-go/meseta/data"
	"github.com/meseta-go/meseta/losses"
	"github.com/meseta-go/meseta/metrics"
	"github.com/meseta-go/meseta/optimizers"
	"github.com/meseta-go/meseta/report"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"
)

// kerasCallbacks is testdata/callbacks.json, which make_callbacks.py wrote.
type kerasCallbacks struct {
	Keras       string
	TensorBoard []kerasSummary
	ValLoss     []float64 `json:"val_loss"`
	Averaged    []float64 `json:"averaged_val_loss"`
	Saved       []float64 `json:"saved_val_loss"`
}

type kerasSummary struct {
	directory, tag string
	step           int64
	scalar         *float64
}

func (s *kerasSummary) UnmarshalJSON(text []byte) error {
	return json.Unmarshal(text, &[]any{&s.directory, &s.tag, &s.step, &s.scalar})
}

func loadKerasCallbacks(t *testing.T) (k kerasCallbacks) {
	text, err := os.ReadFile(filepath.Join("testdata", "callbacks.json"))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &k))
	require.Equal(t, "3.15.1", k.Keras)
	return k
}

// fitSmall trains as make_callbacks.py does. Losses and gradients are summed in another order than Keras's, so values agree to about 1e-5.
func fitSmall(t *testing.T, optimizer optimizers.Optimizer, list ...callbacks.Callback) (m *Model, history *callbacks.History, validation data.Dataset, dir string) {
	m, err := Load(filepath.Join("testdata", "small_initial.h5"))
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, m.Close()) })
	require.NoError(t, m.Compile(Training{Optimizer: optimizer, Loss: losses.SparseCategoricalCrossentropy{}, Metrics: []metrics.Metric{metrics.Accuracy{}}}))
	const samples, train = 50, 40
	x, y := make([]float32, samples*144), make([]int32, samples)
	for i := range y {
		y[i] = int32(i % 5)
		for j := range 144 {
			v := float32((i*31 + j*17) % 23)
			if j/29 == i%5 {
				v += 10
			}
			x[i*144+j] = v / 23
		}
	}
	part := func(from, to int) data.Dataset {
		ds, err := data.FromTensors(tensor.New(tensor.WithShape(to-from, 12, 12, 1), tensor.WithBacking(x[from*144:to*144])), tensor.New(tensor.WithShape(to-from), tensor.WithBacking(y[from:to])))
		require.NoError(t, err)
		return ds
	}
	validation, dir = part(train, samples), t.TempDir()
	history, err = m.Fit(t.Context(), part(0, train), FitOptions{Epochs: 3, BatchSize: 8, NoShuffle: true, Validation: validation, Callbacks: list, Dir: dir})
	require.NoError(t, err)
	return m, history, validation, dir
}

// TestTensorBoardWritesWhatKerasWrites compares the event files of the same run: directories, tags, steps, values.
func TestTensorBoardWritesWhatKerasWrites(t *testing.T) {
	board := callbacks.NewTensorBoard()
	board.HistogramFreq, board.WriteImages, board.WriteStepsPerSecond, board.UpdateFreq = 2, true, true, callbacks.UpdateEveryBatch
	_, _, _, dir := fitSmall(t, &optimizers.SGD{LearningRate: 0.05}, board)
	got := map[string]*float64{}
	paths, err := filepath.Glob(filepath.Join(dir, "logs", "*", "events.*"))
	require.NoError(t, err)
	for _, path := range paths {
		file, err := os.Open(path)
		require.NoError(t, err)
		events, err := report.ReadEvents(file)
		require.NoError(t, err)
		require.NoError(t, file.Close())
		for _, e := range events {
			for _, s := range e.Summaries {
				var value *float64
				if x, ok := s.Scalar(); ok && !strings.HasSuffix(s.Tag(), "per_second") {
					value = new(float64(x))
				}
				got[fmt.Sprint(filepath.Base(filepath.Dir(path)), " ", s.Tag(), " ", e.Step)] = value
			}
		}
	}
	for _, want := range loadKerasCallbacks(t).TensorBoard {
		// Keras puts the name of a sequential model, and of no other, before its weights'.
		key := fmt.Sprint(want.directory, " ", strings.TrimPrefix(want.tag, "small/"), " ", want.step)
		value, ok := got[key]
		if assert.True(t, ok, key) && want.scalar != nil {
			assert.InDelta(t, *want.scalar, *value, 2e-5, key)
		}
		delete(got, key)
	}
	for key := range got {
		assert.Contains(t, key, "batch_learning_rate", "which Keras does not write")
	}
	assert.Len(t, got, 15)
}

// TestSwapEMAWeightsIsKeras compares what is validated and saved with averages of the weights.
func TestSwapEMAWeightsIsKeras(t *testing.T) {
	want := loadKerasCallbacks(t)
	sgd := func() optimizers.Optimizer {
		o := &optimizers.SGD{LearningRate: 0.05, Momentum: 0.9}
		o.UseEMA, o.EMAMomentum = true, 0.8
		return o
	}
	_, history, _, _ := fitSmall(t, sgd())
	assert.InDeltaSlice(t, want.ValLoss, history.Metrics["val_loss"], 1e-4)
	m, history, validation, dir := fitSmall(t, sgd(), &callbacks.SwapEMAWeights{SwapOnEpoch: true}, &callbacks.ModelCheckpoint{Filepath: "{epoch}.weights.h5", SaveWeightsOnly: true})
	assert.InDeltaSlice(t, want.Averaged, history.Metrics["val_loss"], 1e-4)
	for i, loss := range want.Saved {
		require.NoError(t, m.LoadWeights(filepath.Join(dir, fmt.Sprintf("%d.weights.h5", i+1))))
		logs, err := m.Evaluate(t.Context(), validation, 8)
		require.NoError(t, err)
		assert.InDelta(t, loss, logs["loss"], 1e-4)
	}
}
