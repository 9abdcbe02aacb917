// Package metrics holds what is measured beside the loss: a metric's configuration in Keras's words and the operations it
// stands for. A metric is the mean over all samples of an epoch.
package metrics

import "github.com/meseta-go/meseta/ops"

// Metric gives one number for each sample; an epoch's value is their mean.
type Metric interface {
	ClassName() string // Keras's name of the class: "SparseCategoricalAccuracy"
	Name() string      // its name in logs: "accuracy"
	// Lower adds the operations to g and returns the values [N].
	// prediction is the network's output [N,…], labels int32 [N]. Errors wrap ops.ErrShape.
	Lower(g *ops.Graph, prediction, labels ops.Value) (ops.Value, error)
}

// Accuracy is the part of samples whose largest score is at the label. The prediction is [N,L], a label in [0,L).
type Accuracy struct{}

// ClassName is "SparseCategoricalAccuracy", what Keras makes of "accuracy" for integer labels.
func (Accuracy) ClassName() string { return "SparseCategoricalAccuracy" }

// Name is "accuracy".
func (Accuracy) Name() string { return "accuracy" }

// Lower adds a Correct.
func (Accuracy) Lower(g *ops.Graph, prediction, labels ops.Value) (ops.Value, error) {
	return g.Add1(ops.Correct{}, prediction, labels)
}
