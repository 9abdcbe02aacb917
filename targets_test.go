package meseta

import (
	"context"
	"fmt"
	"testing"

	"github.com/meseta-go/meseta/data"
	"github.com/meseta-go/meseta/losses"
	"github.com/meseta-go/meseta/metrics"
	"github.com/meseta-go/meseta/ops"
	"github.com/meseta-go/meseta/optimizers"
	"github.com/meseta-go/meseta/plan"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"
)

// oneHot gives a data set's labels as targets.
func oneHot(t *testing.T, ds data.Dataset) data.Dataset {
	n, classes := ds.Len(), ds.Classes()
	labels, indices := make([]int32, n), make([]int32, n)
	for i := range indices {
		indices[i] = int32(i)
	}
	require.NoError(t, ds.Read(make([]float32, n*data.SampleSize(ds)), labels, indices))
	y := make([]float32, n*classes)
	for i, label := range labels {
		y[i*classes+int(label)] = 1
	}
	ds, err := data.WithTargets(ds, tensor.New(tensor.WithShape(n, classes), tensor.WithBacking(y)))
	require.NoError(t, err)
	return ds
}

func fitted(t *testing.T, training Training, train, val data.Dataset, o FitOptions) map[string][]float64 {
	m := tiny()
	defer m.Close()
	training.Optimizer, training.Seed, training.Threads = optimizers.NewAdam().WithRate(.01), 7, 2
	require.NoError(t, m.Compile(training))
	o.Epochs, o.BatchSize, o.Validation = 3, 8, val
	history, err := m.Fit(context.Background(), train, o)
	require.NoError(t, err)
	return history.Metrics
}

// TestOneHotTargetsAreLabels trains on labels and on the same as one-hot rows, and validates on the other. The two losses round differently.
func TestOneHotTargetsAreLabels(t *testing.T) {
	train, val := tinyData(t, 30), tinyData(t, 12)
	labels := fitted(t, Training{Loss: losses.SparseCategoricalCrossentropy{}}, train, val, FitOptions{})
	hot := fitted(t, Training{Loss: losses.CategoricalCrossentropy{}}, oneHot(t, train), val, FitOptions{})
	require.Len(t, labels["loss"], 3)
	for _, name := range []string{"loss", "val_loss"} {
		assert.InDeltaSlice(t, labels[name], hot[name], 1e-4, name)
	}
	same := fitted(t, Training{Loss: losses.CategoricalCrossentropy{}}, train, val, FitOptions{})
	assert.Equal(t, labels, same, "labels take the same path")
}

func TestTargetsThatDoNotFit(t *testing.T) {
	train := tinyData(t, 6)
	m := compileTiny(t, 1)
	_, err := m.Fit(context.Background(), oneHot(t, train), FitOptions{})
	assert.ErrorIs(t, err, losses.ErrTargets)
	assert.ErrorContains(t, err, "categorical_crossentropy")

	m = tiny()
	defer m.Close()
	require.NoError(t, m.Compile(Training{Optimizer: optimizers.NewSGD(), Loss: losses.BinaryCrossentropy{}}))
	wrong, err := data.WithTargets(train, tensor.New(tensor.WithShape(6, 2), tensor.WithBacking(make([]float32, 12))))
	require.NoError(t, err)
	_, err = m.Fit(context.Background(), wrong, FitOptions{})
	assert.ErrorIs(t, err, ops.ErrShape)
	assert.ErrorContains(t, err, "targets are [6,2], the network gives [6,3]")
}

// TestWeightsOfSamples weighs samples by their class, by themselves, and all alike.
func TestWeightsOfSamples(t *testing.T) {
	train, val := tinyData(t, 30), tinyData(t, 12)
	training := Training{Loss: losses.CategoricalCrossentropy{LabelSmoothing: .1}, Metrics: []metrics.Metric{metrics.Accuracy{}},
		WeightedMetrics: []metrics.Metric{metrics.Accuracy{}, metrics.OfLoss{Loss: losses.CategoricalCrossentropy{LabelSmoothing: .1}}}}
	weigh := func(ds data.Dataset, weight ...float32) data.Dataset {
		w := make([]float32, ds.Len())
		for i := range w {
			w[i] = weight[i%3] // the label
		}
		ds, err := data.WithWeights(ds, tensor.New(tensor.WithShape(len(w)), tensor.WithBacking(w)))
		require.NoError(t, err)
		return ds
	}
	plain := fitted(t, training, train, val, FitOptions{})
	assert.Equal(t, plain["accuracy"], plain["weighted_accuracy"], "without weights")
	assert.InDeltaSlice(t, plain["loss"], plain["categorical_crossentropy"], 1e-12)
	byClass := fitted(t, training, train, weigh(val, 3, .5, 1), FitOptions{ClassWeight: map[int]float64{0: 3, 1: .5}})
	bySample := fitted(t, training, weigh(train, 3, .5, 1), weigh(val, 3, .5, 1), FitOptions{})
	assert.Equal(t, bySample, byClass)
	hot := fitted(t, training, oneHot(t, train), weigh(val, 3, .5, 1), FitOptions{ClassWeight: map[int]float64{0: 3, 1: .5, 2: 1}})
	assert.Equal(t, byClass["val_accuracy"], hot["val_accuracy"])
	assert.NotEqual(t, plain["loss"], byClass["loss"])
	assert.NotEqual(t, byClass["accuracy"], byClass["weighted_accuracy"])
	// The loss is Σ w·l/N, the weighted metric Σ w·l/Σ w; here Σ w/N is 1.5 in training and validation.
	for i := range byClass["loss"] {
		assert.InDelta(t, byClass["loss"][i], 1.5*byClass["categorical_crossentropy"][i], 1e-6)
		assert.InDelta(t, byClass["val_loss"][i], 1.5*byClass["val_categorical_crossentropy"][i], 1e-6)
	}
	// A weight of 0 takes a sample out of the sum, but not out of its number.
	some := fitted(t, training, weigh(train, 1, 1, 0), weigh(val, 1, 0, 0), FitOptions{})
	assert.InDelta(t, some["val_loss"][2], some["val_categorical_crossentropy"][2]/3, 1e-6)
}

func TestWeightsThatDoNotFit(t *testing.T) {
	train := tinyData(t, 6)
	weighted, err := data.WithWeights(train, tensor.New(tensor.WithShape(6), tensor.WithBacking(make([]float32, 6))))
	require.NoError(t, err)
	m := compileTiny(t, 1)
	for _, c := range []struct {
		ds     data.Dataset
		weight map[int]float64
		want   string
	}{
		{weighted, map[int]float64{0: 1}, "have weights already"},
		{train, map[int]float64{-1: 1}, "class -1"},
		{train, map[int]float64{1: -2}, "class 1 the weight -2"},
		{train, map[int]float64{9: 2}, "class 9 the weight 2, the classes are 0 to 2"},
		{oneHot(t, train), map[int]float64{3: 2}, "the classes are 0 to 2"},
	} {
		_, err := m.Fit(context.Background(), c.ds, FitOptions{ClassWeight: c.weight})
		assert.ErrorContains(t, err, c.want)
	}
}

// TestMetricsOfAnEpoch has metrics of all kinds at once. They begin anew with each epoch, and evaluation gives what validation did.
func TestMetricsOfAnEpoch(t *testing.T) {
	train, val := tinyData(t, 30), tinyData(t, 12)
	training := Training{Optimizer: optimizers.NewAdam().WithRate(.01), Loss: losses.SparseCategoricalCrossentropy{}, Seed: 7, Threads: 2, Metrics: []metrics.Metric{
		metrics.AUC{}, metrics.Named{Metric: metrics.AUC{Curve: "PR"}, As: "pr"}, metrics.F1Score{}, metrics.F1Score{Average: "macro"}, metrics.ClassAccuracy{},
		metrics.RootMeanSquaredError{}, metrics.SparseTopKCategoricalAccuracy{K: 3}, metrics.TruePositives{}, metrics.FalseNegatives{},
	}}
	m := tiny()
	defer m.Close()
	require.NoError(t, m.Compile(training))
	history, err := m.Fit(context.Background(), train, FitOptions{Epochs: 6, BatchSize: 8, Validation: val})
	require.NoError(t, err)
	h := history.Metrics
	for _, name := range []string{"auc", "pr", "f1_score_0", "f1_score_2", "f1_score_1", "class_accuracy_2", "root_mean_squared_error", "sparse_top_k_categorical_accuracy"} {
		require.Len(t, h[name], 6, name)
		require.Len(t, h["val_"+name], 6, name)
	}
	assert.Greater(t, h["val_auc"][5], .9)
	for i := range 6 {
		assert.Equal(t, 1., h["sparse_top_k_categorical_accuracy"][i])
		assert.Equal(t, 30., h["true_positives"][i]+h["false_negatives"][i], "counts begin anew")
		assert.Equal(t, 12., h["val_true_positives"][i]+h["val_false_negatives"][i])
	}
	logs, err := m.Evaluate(context.Background(), val, 12)
	require.NoError(t, err)
	for name, value := range logs {
		assert.InDelta(t, h["val_"+name][5], value, 1e-6, name)
	}

	matrix, shape, err := m.MetricSums("class_accuracy")
	require.NoError(t, err)
	assert.Equal(t, ops.Shape{3, 3}, shape)
	for class := range 3 {
		row := matrix[class*3 : class*3+3]
		assert.Equal(t, 4., row[0]+row[1]+row[2], "four samples of each class")
		assert.InDelta(t, logs[fmt.Sprintf("class_accuracy_%d", class)], row[class]/4, 1e-12)
	}
	_, _, err = m.MetricSums("auc_0")
	assert.ErrorContains(t, err, `no metric "auc_0"`)

	step, err := m.Stepper(plan.Training, 30)
	require.NoError(t, err)
	x, y := make([]float32, 30*36), make([]int32, 30)
	indices := make([]int32, 30)
	for i := range indices {
		indices[i] = int32(i)
	}
	require.NoError(t, train.Read(x, y, indices))
	assert.Zero(t, testing.AllocsPerRun(5, func() {
		if _, err := step(x, y); err != nil {
			t.Fatal(err)
		}
	}))
}
