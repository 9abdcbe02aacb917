// Package losses holds what training minimises: a loss's configuration in Keras's words and the operations it stands for.
package losses

import "github.com/meseta-go/meseta/ops"

// Loss gives one number for each sample; training minimises their mean.
type Loss interface {
	ClassName() string // Keras's name of the class: "SparseCategoricalCrossentropy"
	Name() string      // Keras's name of the function: "sparse_categorical_crossentropy"
	// Lower adds the operations to g and returns the losses [N].
	// prediction is the network's output [N,…], labels int32 [N]. Errors wrap ops.ErrShape.
	Lower(g *ops.Graph, prediction, labels ops.Value) (ops.Value, error)
}

// SparseCategoricalCrossentropy is -log of the probability predicted for the label.
//
// The prediction is [N,L], probabilities or, with FromLogits, their logarithms but for a constant; a label is in [0,L).
// After a softmax it is computed from the softmax's input, as Keras does too, which loses no small probability.
type SparseCategoricalCrossentropy struct{ FromLogits bool }

// ClassName is "SparseCategoricalCrossentropy".
func (SparseCategoricalCrossentropy) ClassName() string { return "SparseCategoricalCrossentropy" }

// Name is "sparse_categorical_crossentropy".
func (SparseCategoricalCrossentropy) Name() string { return "sparse_categorical_crossentropy" }

// Lower adds a CrossEntropy or a LogLoss.
func (l SparseCategoricalCrossentropy) Lower(g *ops.Graph, prediction, labels ops.Value) (ops.Value, error) {
	if l.FromLogits {
		return g.Add1(ops.CrossEntropy{}, prediction, labels)
	}
	return g.Add1(ops.LogLoss{}, prediction, labels)
}
