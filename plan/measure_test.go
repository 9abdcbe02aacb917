package plan

import (
	"testing"

	"github.com/meseta-go/meseta/layers"
	"github.com/meseta-go/meseta/losses"
	"github.com/meseta-go/meseta/metrics"
	"github.com/meseta-go/meseta/ops"
	"github.com/meseta-go/meseta/optimizers"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// measured has metrics of all kinds, with and without weights, and a sigmoid that the loss reads through.
func measured(t *testing.T) Model {
	g, err := layers.Sequential("measured", &layers.InputLayer{Shape: layers.Shape{4}}, &layers.Dense{Units: 3, Activation: layers.Sigmoid})
	require.NoError(t, err)
	return Model{Layers: g, Loss: losses.BinaryCrossentropy{LabelSmoothing: .1}, Optimizer: optimizers.NewSGD(),
		Metrics:         []metrics.Metric{metrics.NewBinaryAccuracy(), metrics.AUC{}, metrics.F1Score{Average: "macro"}, metrics.RootMeanSquaredError{}},
		WeightedMetrics: []metrics.Metric{metrics.NewBinaryAccuracy(), metrics.Precision{Thresholds: []float64{.3, .5}}, metrics.ClassAccuracy{}, metrics.AUC{}, metrics.AUC{}},
	}
}

func TestMeasuredPrograms(t *testing.T) {
	labels := Feed{}
	weighted, err := NewFeed(nil, true)
	require.NoError(t, err)
	targets, err := NewFeed([]int{3}, true)
	require.NoError(t, err)
	s, err := NewSession(measured(t), paper{workspace: 100}, 1)
	require.NoError(t, err)
	seen := map[*Program]bool{}
	for _, mode := range []Mode{Evaluation, Training} {
		for _, feed := range []Feed{labels, weighted, targets} {
			p, err := s.ProgramFor(mode, 3, feed)
			require.NoError(t, err)
			play(t, "measured", p)
			again, err := s.ProgramFor(mode, 3, feed)
			require.NoError(t, err)
			assert.Same(t, p, again)
			seen[p] = true
		}
	}
	assert.Len(t, seen, 6, "what batches bring is part of the key")

	s, err = NewSession(measured(t), paper{}, 1)
	require.NoError(t, err)
	p, err := s.ProgramFor(Training, 2, targets)
	require.NoError(t, err)
	golden(t, "measured_training.txt", p)
}

// Names that come again are made different as Keras does.
func TestNamesOfSums(t *testing.T) {
	s, err := NewSession(measured(t), paper{}, 1)
	require.NoError(t, err)
	assert.Equal(t, []string{"loss", "binary_accuracy", "auc", "f1_score", "root_mean_squared_error",
		"weighted_binary_accuracy", "precision_0", "precision_1", "class_accuracy_0", "class_accuracy_1", "class_accuracy_2", "weighted_auc", "weighted_auc_1"}, s.SumNames())
	_, shape, ok := s.Sums("class_accuracy")
	assert.True(t, ok)
	assert.Equal(t, ops.Shape{3, 3}, shape)
	m := measured(t)
	m.Metrics = append(m.Metrics, metrics.NewBinaryAccuracy())
	s, err = NewSession(m, paper{}, 1)
	require.NoError(t, err)
	assert.Contains(t, s.SumNames(), "binary_accuracy_1")
	m.Metrics = []metrics.Metric{odd{}}
	_, err = NewSession(m, paper{}, 1)
	assert.ErrorContains(t, err, "metric odd is a plan.odd, neither")
}

// odd is a metric that says nothing of how.
type odd struct{}

func (odd) ClassName() string { return "Odd" }
func (odd) Name() string      { return "odd" }

func TestFeeds(t *testing.T) {
	f, err := NewFeed([]int{2, 3}, true)
	require.NoError(t, err)
	assert.Equal(t, ops.Shape{2, 3}, f.Target())
	assert.True(t, f.Weighted)
	assert.Nil(t, Feed{}.Target())
	for _, wrong := range [][]int{{}, {0}, {1, 2, 3, 4, 5, 6, 7}} {
		_, err := NewFeed(wrong, false)
		assert.ErrorIs(t, err, ops.ErrShape)
	}
	m := measured(t)
	m.Loss = losses.SparseCategoricalCrossentropy{}
	s, err := NewSession(m, paper{}, 1)
	require.NoError(t, err)
	f, err = NewFeed([]int{3}, false)
	require.NoError(t, err)
	_, err = s.ProgramFor(Training, 2, f)
	assert.ErrorIs(t, err, losses.ErrTargets)
	assert.ErrorContains(t, err, "loss sparse_categorical_crossentropy: it wants class labels, the data has targets [2,3]; use categorical_crossentropy")
}
