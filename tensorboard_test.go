package meseta

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/meseta-go/meseta/callbacks"
	"github.com/meseta-go/meseta/layers"
	"github.com/meseta-go/meseta/losses"
	"github.com/meseta-go/meseta/metrics"
	"github.com/meseta-go/meseta/optimizers"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// shown is what TensorBoard's dashboards show, by run and tag.
type shown struct {
	Scalars    map[string][][2]float64
	Histograms map[string][]struct {
		Step int
		Rows [][3]float64
	}
	Images map[string][][4]int // step, width, height, number
	Graphs map[string]map[string][]string
}

// TestTensorBoardReadsEvents trains with the callback and has the real TensorBoard read the files through the API that its dashboards use.
// MESETA_PYTHON names a Python that has it; without it the test is skipped.
func TestTensorBoardReadsEvents(t *testing.T) {
	python := os.Getenv("MESETA_PYTHON")
	if python == "" {
		t.Skip("MESETA_PYTHON is not set: no TensorBoard to read the files")
	}
	input := layers.Apply(Input(6, 6, 1))
	x := layers.Apply(&layers.Conv2D{Filters: 4, KernelSize: layers.Square(3), Padding: layers.Same, Name: "first"}, input)
	x = layers.Apply(&layers.Add{Name: "sum"}, x, layers.Apply(&layers.Conv2D{Filters: 4, KernelSize: layers.Square(1), Name: "second"}, input))
	x = layers.Apply(&layers.Flatten{}, x)
	m := Functional(input, layers.Apply(&layers.Dense{Units: 3, Activation: layers.Softmax}, x))
	require.NoError(t, m.Compile(Training{Optimizer: optimizers.NewAdam(), Loss: losses.SparseCategoricalCrossentropy{}, Metrics: []metrics.Metric{metrics.Accuracy{}}}))
	dir := t.TempDir()
	board := callbacks.NewTensorBoard()
	board.HistogramFreq, board.WriteImages, board.WriteStepsPerSecond, board.UpdateFreq = 2, true, true, 2
	weights := map[int][]float32{} // the kernel of the last layer, by epoch
	look := &callbacks.Lambda{OnEpochEnd: func(e callbacks.Event) error {
		list, err := m.Weights()
		weights[e.Epoch] = list[4].Value.Data().([]float32)
		return err
	}}
	history, err := m.Fit(t.Context(), tinyData(t, 50), FitOptions{Epochs: 3, BatchSize: 16, ValidationSplit: 0.2, Callbacks: []callbacks.Callback{board, look}, Dir: dir})
	require.NoError(t, err)
	require.NoError(t, m.Close())

	command := exec.Command(python, filepath.Join("testdata", "tensorboard_read.py"), filepath.Join(dir, "logs"))
	var stderr bytes.Buffer
	command.Stderr = &stderr
	out, err := command.Output()
	require.NoError(t, err, "%s", stderr.String())
	var got shown
	require.NoError(t, json.Unmarshal(out, &got), "%s", out)

	// 40 samples in batches of 16: 3 updates an epoch.
	for tag, metric := range map[string]string{
		"train/epoch_loss": "loss", "train/epoch_accuracy": "accuracy", "train/epoch_learning_rate": "learning_rate",
		"validation/epoch_loss": "val_loss", "validation/epoch_accuracy": "val_accuracy",
		"validation/evaluation_loss_vs_iterations": "val_loss", "validation/evaluation_accuracy_vs_iterations": "val_accuracy",
	} {
		points := got.Scalars[tag]
		require.Len(t, points, 3, tag)
		for epoch, p := range points {
			step := epoch
			if len(tag) > 30 {
				step = 3 * (epoch + 1)
			}
			assert.EqualValues(t, step, p[0], tag)
			assert.EqualValues(t, float32(history.Metrics[metric][epoch]), p[1], tag)
		}
	}
	for _, tag := range []string{"train/batch_loss", "train/batch_accuracy", "train/batch_learning_rate", "train/batch_steps_per_second"} {
		var steps []float64
		for _, p := range got.Scalars[tag] {
			steps = append(steps, p[0])
		}
		assert.Equal(t, []float64{2, 4, 6, 8}, steps, tag)
	}
	for _, p := range got.Scalars["train/epoch_steps_per_second"] {
		assert.Positive(t, p[1])
	}
	assert.Len(t, got.Scalars["train/epoch_steps_per_second"], 3)
	assert.Len(t, got.Scalars, 12, "and no others")

	assert.Len(t, got.Histograms, 6)
	kernel := got.Histograms["train/dense/kernel/histogram"]
	require.Len(t, kernel, 2)
	for i, h := range kernel {
		assert.Equal(t, 2*i, h.Step)
		low, high, n := weights[2*i][0], weights[2*i][0], 0.0
		for _, v := range weights[2*i] {
			low, high = min(low, v), max(high, v)
		}
		for _, row := range h.Rows {
			n += row[2]
		}
		assert.EqualValues(t, low, h.Rows[0][0])
		assert.EqualValues(t, high, h.Rows[29][1])
		assert.EqualValues(t, 4*36*3, n)
	}
	assert.Equal(t, map[string][][4]int{
		"train/first/kernel/image": {{0, 3, 3, 4}, {2, 3, 3, 4}}, "train/first/bias/image": {{0, 1, 4, 1}, {2, 1, 4, 1}},
		"train/second/kernel/image": {{0, 1, 4, 1}, {2, 1, 4, 1}}, "train/second/bias/image": {{0, 1, 4, 1}, {2, 1, 4, 1}},
		"train/dense/kernel/image": {{0, 144, 3, 1}, {2, 144, 3, 1}}, "train/dense/bias/image": {{0, 1, 3, 1}, {2, 1, 3, 1}},
	}, got.Images)

	assert.Equal(t, map[string]map[string][]string{"train/keras": {
		"functional/input_layer": {}, "functional/first": {"functional/input_layer"}, "functional/second": {"functional/input_layer"},
		"functional/sum": {"functional/first", "functional/second"}, "functional/flatten": {"functional/sum"}, "functional/dense": {"functional/flatten"},
	}}, got.Graphs)
}
