package metrics

import (
	"math"

	"github.com/meseta-go/meseta/losses"
	"github.com/meseta-go/meseta/ops"
)

// OfLoss is a loss as a metric: its mean over the samples, without regularization.
//
// Names are Keras's of the metric, where they differ from the loss's: LogCosh is LogCoshError, "logcosh". CosineSimilarity is 1 for the same
// direction, not -1.
type OfLoss struct{ Loss losses.Loss }

// ClassName is the class of the metric that Keras has for the loss.
func (m OfLoss) ClassName() string {
	if _, ok := m.Loss.(losses.LogCosh); ok {
		return "LogCoshError"
	}
	return m.Loss.ClassName()
}

// Name is the loss's.
func (m OfLoss) Name() string {
	if _, ok := m.Loss.(losses.LogCosh); ok {
		return "logcosh"
	}
	return m.Loss.Name()
}

// Lower adds what the loss does.
func (m OfLoss) Lower(g *ops.Graph, prediction, targets ops.Value) (ops.Value, error) {
	v, err := m.Loss.Lower(g, prediction, targets)
	if _, ok := m.Loss.(losses.CosineSimilarity); ok && err == nil {
		return g.Add1(ops.Affine{Scale: -1}, v)
	}
	return v, err
}

// RootMeanSquaredError is the root of the mean of (t-p)².
type RootMeanSquaredError struct{}

// ClassName is "RootMeanSquaredError".
func (RootMeanSquaredError) ClassName() string { return "RootMeanSquaredError" }

// Name is "root_mean_squared_error".
func (RootMeanSquaredError) Name() string { return "root_mean_squared_error" }

// Lower adds what MeanSquaredError does.
func (RootMeanSquaredError) Lower(g *ops.Graph, prediction, targets ops.Value) (ops.Value, error) {
	return losses.MeanSquaredError{}.Lower(g, prediction, targets)
}

// Finish takes the root.
func (RootMeanSquaredError) Finish(mean float64) float64 { return math.Sqrt(mean) }
