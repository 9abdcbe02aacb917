package checkpoint

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/meseta-go/meseta/layers"
	"github.com/meseta-go/meseta/losses"
	"github.com/meseta-go/meseta/metrics"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// kerasLosses are the configurations of testdata/losses.json, written by losses_keras.py.
func kerasLosses(t *testing.T) []struct{ Keras, H5 json.RawMessage } {
	text, err := os.ReadFile("testdata/losses.json")
	require.NoError(t, err)
	var list []struct{ Keras, H5 json.RawMessage }
	require.NoError(t, json.Unmarshal(text, &list))
	require.NotEmpty(t, list)
	return list
}

// four is a model of four classes to write a training configuration of.
func four(t *testing.T, training *Training) *Model {
	g, err := layers.Sequential("four", &layers.InputLayer{Shape: layers.Shape{3}}, &layers.Dense{Units: 4, Activation: layers.Softmax})
	require.NoError(t, err)
	return &Model{Graph: g, Training: training}
}

// Every loss and metric that Keras wrote is read, the same from both kinds of file, and written such that it reads the same.
func TestReadsLossesAndMetrics(t *testing.T) {
	lossSeen, metricSeen := map[string]bool{}, map[string]bool{}
	for _, c := range kerasLosses(t) {
		got, err := readTraining(c.Keras)
		require.NoError(t, err, string(c.Keras))
		h5, err := readTraining(c.H5)
		require.NoError(t, err, string(c.H5))
		assert.Equal(t, got, h5)
		for _, modules := range []bool{false, true} {
			text, err := encodeJSON(trainingConfig(four(t, got), modules))
			require.NoError(t, err)
			again, err := readTraining(text)
			require.NoError(t, err, string(text))
			assert.Equal(t, normal(t, got), normal(t, again))
		}
		lossSeen[got.Loss.ClassName()] = true
		for _, m := range append(got.Metrics, got.WeightedMetrics...) {
			metricSeen[m.ClassName()] = true
		}
	}
	for _, name := range losses.Names() {
		l, err := losses.New(name)
		require.NoError(t, err)
		assert.True(t, lossSeen[l.ClassName()], name)
	}
	for _, name := range metrics.Names() {
		m, err := metrics.New(name)
		require.NoError(t, err)
		if name != "class_accuracy" && name != "mean_io_u" { // not Keras's; not with a network's scores
			assert.True(t, metricSeen[m.ClassName()], name)
		}
	}
}

// normal writes defaults out.
func normal(t *testing.T, training *Training) string {
	text, err := encodeJSON(trainingConfig(four(t, training), false))
	require.NoError(t, err)
	return string(text)
}

// Keras compiles a model from what we write, trains it, and what it writes of that reads the same.
func TestKerasReadsLossesAndMetrics(t *testing.T) {
	python := os.Getenv("MESETA_PYTHON")
	if python == "" {
		t.Skip("MESETA_PYTHON does not name a Python with Keras")
	}
	var trainings []*Training
	var configs []any
	for _, c := range kerasLosses(t) {
		training, err := readTraining(c.Keras)
		require.NoError(t, err)
		trainings = append(trainings, training)
		configs = append(configs, trainingConfig(four(t, training), true))
	}
	text, err := encodeJSON(configs)
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "configs.json")
	require.NoError(t, os.WriteFile(file, text, 0o600))
	out, err := exec.Command(python, "testdata/losses_keras.py", file).CombinedOutput()
	require.NoError(t, err, string(out))
	_, result, ok := strings.Cut(string(out), "RESULT ")
	require.True(t, ok, string(out))
	var list []struct {
		Config json.RawMessage
		Logs   []string
	}
	require.NoError(t, json.NewDecoder(strings.NewReader(result)).Decode(&list))
	require.Len(t, list, len(trainings))
	for i, x := range list {
		got, err := readTraining(x.Config)
		require.NoError(t, err)
		if _, huber := got.Loss.(losses.Huber); huber {
			got.Loss = trainings[i].Loss // whose delta Keras does not write
		}
		assert.Equal(t, normal(t, trainings[i]), normal(t, got))
		for _, m := range trainings[i].Metrics {
			assert.Contains(t, x.Logs, m.Name())
		}
	}
}
