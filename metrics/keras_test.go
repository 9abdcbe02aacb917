package metrics_test

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/meseta-go/meseta/kernels"
	"github.com/meseta-go/meseta/kernels/cpu"
	"github.com/meseta-go/meseta/layers"
	"github.com/meseta-go/meseta/losses"
	"github.com/meseta-go/meseta/metrics"
	"github.com/meseta-go/meseta/ops"
	"github.com/meseta-go/meseta/plan"
)

// kerasCase is one of testdata/keras.json; make_keras.py says what its fields are.
type kerasCase struct {
	Name        string
	Arguments   map[string]any
	LogName     string `json:"log_name"`
	Shape       []int
	Labels      [][]int32
	Targets     [][]float32
	Predictions [][]float32
	Weights     [][]float32
	Results     [][]float64
}

// session is of a network that gives what it is given, and one metric, as a weighted one.
func session(t *testing.T, output []int, m metrics.Metric) *plan.Session {
	g, err := layers.Sequential("through", &layers.InputLayer{Shape: output}, &layers.Activation{})
	require.NoError(t, err)
	device, err := kernels.NewCPU(cpu.Config{Threads: 2})
	require.NoError(t, err)
	s, err := plan.NewSession(plan.Model{Layers: g, Loss: losses.MeanSquaredError{}, WeightedMetrics: []metrics.Metric{m}}, device, 1)
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, s.Close())
		require.NoError(t, device.Close())
	})
	return s
}

// TestKeras holds each metric's values after each batch against Keras's, which adds in float32.
func TestKeras(t *testing.T) {
	text, err := os.ReadFile("testdata/keras.json")
	require.NoError(t, err)
	var k struct{ Cases []kerasCase }
	require.NoError(t, json.Unmarshal(text, &k))
	seen := map[string]bool{}
	for i, c := range k.Cases {
		t.Run(fmt.Sprintf("%d %s %v weights %v", i, c.Name, c.Arguments, c.Weights != nil), func(t *testing.T) {
			m, err := metrics.Configured(c.Name, c.Arguments)
			require.NoError(t, err)
			assert.Equal(t, c.Name, m.ClassName())
			assert.Equal(t, c.LogName, m.Name())
			s := session(t, c.Shape[1:], m)
			var target []int
			if c.Labels == nil {
				target = c.Shape[1:]
			}
			feed, err := plan.NewFeed(target, c.Weights != nil)
			require.NoError(t, err)
			s.ResetSums()
			for b, predictions := range c.Predictions {
				p, err := s.ProgramFor(plan.Evaluation, c.Shape[0], feed)
				require.NoError(t, err)
				if c.Labels != nil {
					p.SetBatch(predictions, c.Labels[b])
				} else {
					p.SetBatch(predictions, nil)
					p.SetTargets(c.Targets[b])
				}
				if c.Weights != nil {
					p.SetWeights(c.Weights[b])
				}
				require.NoError(t, p.Run())
				names := s.SumNames()
				require.Equal(t, "loss", names[0])
				values := make([]float64, len(names))
				s.Means(values)
				assert.InDeltaSlice(t, c.Results[b], values[1:], 2e-6*max(1, slices.Max(c.Results[b])), "after batch %d", b)
				if len(names) == 2 {
					assert.Equal(t, c.LogName, names[1])
				} else {
					assert.Equal(t, c.LogName+"_0", names[1])
				}
			}
			seen[m.ClassName()] = true
		})
	}
	for _, name := range metrics.Names() {
		m, err := metrics.New(name)
		require.NoError(t, err)
		if name != "accuracy" && name != "class_accuracy" { // Keras has no class for these
			assert.True(t, seen[m.ClassName()], "%s has no case", name)
		}
	}
}

// run gives the values of a metric after one batch.
func run(t *testing.T, m metrics.Metric, output, target []int, predictions, targets []float32, labels []int32) map[string]float64 {
	s := session(t, output, m)
	feed, err := plan.NewFeed(target, false)
	require.NoError(t, err)
	p, err := s.ProgramFor(plan.Evaluation, len(predictions)/ops.Shape(output).Size(), feed)
	require.NoError(t, err)
	s.ResetSums()
	p.SetBatch(predictions, labels)
	if target != nil {
		p.SetTargets(targets)
	}
	require.NoError(t, p.Run())
	names := s.SumNames()
	values := make([]float64, len(names))
	s.Means(values)
	byName := map[string]float64{}
	for i, name := range names {
		byName[name] = values[i]
	}
	return byName
}

func TestAccuracyIsChosen(t *testing.T) {
	two := []float32{.2, .8, .7, .3}
	assert.Equal(t, .5, run(t, metrics.Accuracy{}, []int{2}, nil, two, nil, []int32{1, 1})["accuracy"])
	assert.Equal(t, .5, run(t, metrics.Accuracy{}, []int{2}, []int{2}, two, []float32{.1, .9, 0, 1}, nil)["accuracy"])
	assert.Equal(t, .75, run(t, metrics.Accuracy{}, []int{1}, nil, two, nil, []int32{0, 1, 1, 1})["accuracy"])
	assert.Equal(t, 1., run(t, metrics.Accuracy{}, []int{1}, []int{1}, two, []float32{0, 1, 1, 0}, nil)["accuracy"])
}

func TestClassAccuracy(t *testing.T) {
	got := run(t, metrics.ClassAccuracy{}, []int{3}, nil, []float32{.9, .1, 0, .8, .2, 0, 0, .9, .1, .5, .2, .3}, nil, []int32{0, 1, 1, 0})
	assert.Equal(t, 1., got["class_accuracy_0"])
	assert.Equal(t, .5, got["class_accuracy_1"])
	assert.NotEqual(t, got["class_accuracy_2"], got["class_accuracy_2"], "NaN for a class without samples")
	got = run(t, metrics.ClassAccuracy{}, []int{1}, nil, []float32{.9, .1, .2, .8}, nil, []int32{1, 1, 0, 0})
	assert.Equal(t, .5, got["class_accuracy_0"])
	assert.Equal(t, .5, got["class_accuracy_1"])
	got = run(t, metrics.ClassAccuracy{}, []int{1}, []int{1}, []float32{.9, .1, .2, .8}, []float32{1, 0, 0, 0}, nil)
	assert.Equal(t, 2./3, got["class_accuracy_0"])
}

func TestConfigured(t *testing.T) {
	for name, want := range map[string]metrics.Metric{
		"accuracy": metrics.Accuracy{}, "acc": metrics.Named{Metric: metrics.Accuracy{}, As: "acc"}, "auc": metrics.AUC{},
		"AUC": metrics.Named{Metric: metrics.AUC{}, As: "AUC"}, "mse": metrics.Named{Metric: metrics.OfLoss{Loss: losses.MeanSquaredError{}}, As: "mse"},
		"top_k_categorical_accuracy": metrics.TopKCategoricalAccuracy{K: 5},
	} {
		got, err := metrics.New(name)
		require.NoError(t, err)
		assert.Equal(t, want, got)
		assert.Equal(t, name, got.Name())
	}
	got, err := metrics.Configured("AUC", map[string]any{"curve": "PR", "name": "pr"})
	require.NoError(t, err)
	assert.Equal(t, metrics.Named{Metric: metrics.AUC{Curve: "PR"}, As: "pr"}, got)
	class := 2
	got, err = metrics.Configured("precision", map[string]any{"thresholds": 0.25, "class_id": 2})
	require.NoError(t, err)
	assert.Equal(t, metrics.Precision{Thresholds: []float64{.25}, ClassID: &class}, got)
	assert.Equal(t, map[string]any{"thresholds": []float64{.25}, "class_id": 2}, metrics.Arguments(got))
	got, err = metrics.Configured("binary_crossentropy", map[string]any{"from_logits": true})
	require.NoError(t, err)
	assert.Equal(t, metrics.OfLoss{Loss: losses.BinaryCrossentropy{FromLogits: true}}, got)
	for _, c := range []struct {
		name      string
		arguments map[string]any
		want      string
	}{
		{"accurate", nil, `no "accurate", there are accuracy, auc`},
		{"auc", map[string]any{"k": 1}, `AUC: there is no argument "k", there is num_thresholds`},
		{"auc", map[string]any{"name": 1}, "want a word"},
		{"mse", map[string]any{"k": 1}, "there is none"},
	} {
		_, err := metrics.Configured(c.name, c.arguments)
		assert.ErrorIs(t, err, metrics.ErrConfig)
		assert.ErrorContains(t, err, c.want)
	}
}

func TestKnown(t *testing.T) {
	assert.True(t, metrics.Known(metrics.AUC{}))
	assert.True(t, metrics.Known(metrics.OfLoss{Loss: losses.MeanSquaredError{}}))
	assert.False(t, metrics.Known(metrics.OfLoss{Loss: losses.NewHuber()}), "Keras has no such metric")
}

func TestStatesThatCannotBe(t *testing.T) {
	class := 3
	for _, m := range []metrics.Stateful{
		metrics.Precision{Thresholds: []float64{2}}, metrics.Recall{Thresholds: []float64{.5, .2}}, metrics.Precision{ClassID: &class},
		metrics.PrecisionAtRecall{Recall: 2}, metrics.RecallAtPrecision{NumThresholds: -1}, metrics.AUC{NumThresholds: 1}, metrics.AUC{Curve: "x"},
		metrics.AUC{Thresholds: []float64{2}}, metrics.AUC{LabelWeights: []float64{1}}, metrics.AUC{MultiLabel: true, NumLabels: 2},
		metrics.F1Score{Average: "x"}, metrics.F1Score{Threshold: 2}, metrics.FBetaScore{}, metrics.MeanIoU{NumClasses: 2},
		metrics.AUC{NumThresholds: 1 << 40}, metrics.PrecisionAtRecall{Recall: .5, NumThresholds: 1 << 40}, metrics.MeanIoU{NumClasses: 1 << 40}, // memory
	} {
		_, err := m.State(ops.Shape{3})
		assert.ErrorIs(t, err, metrics.ErrConfig, "%#v", m)
	}
	_, err := metrics.F1Score{}.State(ops.Shape{4, 4, 3})
	assert.ErrorIs(t, err, metrics.ErrConfig)
}
