package losses

import "github.com/meseta-go/meseta/ops"

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
func (l SparseCategoricalCrossentropy) Lower(g *ops.Graph, prediction, targets ops.Value) (ops.Value, error) {
	if err := Sparse(g, targets, CategoricalCrossentropy{}.Name()); err != nil {
		return ops.None, err
	}
	if l.FromLogits {
		return g.Add1(ops.CrossEntropy{}, prediction, targets)
	}
	return g.Add1(ops.LogLoss{}, prediction, targets)
}

// CategoricalCrossentropy is -Σ t·log p over the classes, of targets t and predicted probabilities p.
//
// The prediction is [N,…,L], probabilities or, with FromLogits, their logarithms but for a constant; targets are of its shape. Where there are
// more dimensions, a sample's loss is the mean over them. After a softmax it is computed from the softmax's input.
type CategoricalCrossentropy struct {
	FromLogits     bool
	LabelSmoothing float64 // in [0,1]: targets become t·(1-LabelSmoothing) + LabelSmoothing/L
}

// ClassName is "CategoricalCrossentropy".
func (CategoricalCrossentropy) ClassName() string { return "CategoricalCrossentropy" }

// Name is "categorical_crossentropy".
func (CategoricalCrossentropy) Name() string { return "categorical_crossentropy" }

// Lower adds a SoftCrossEntropy or a SoftLogLoss; for labels without smoothing what SparseCategoricalCrossentropy adds, which is the
// same and faster.
func (l CategoricalCrossentropy) Lower(g *ops.Graph, prediction, targets ops.Value) (ops.Value, error) {
	if err := checkSmoothing(l, l.LabelSmoothing); err != nil {
		return ops.None, err
	}
	if p := g.Type(prediction).Shape; g.Type(targets).DType == ops.Int32 && l.LabelSmoothing == 0 && len(p) == 2 {
		return SparseCategoricalCrossentropy{l.FromLogits}.Lower(g, prediction, targets)
	}
	return lower(g, prediction, targets, func(e *Emitter, p, t ops.Value) ops.Value {
		s := g.Type(p).Shape
		t = e.smooth(t, l.LabelSmoothing, 1/float64(s[len(s)-1]))
		if l.FromLogits {
			return e.Add(ops.SoftCrossEntropy{}, p, t)
		}
		return e.Add(ops.SoftLogLoss{}, p, t)
	})
}

// BinaryCrossentropy is the mean of -t·log p - (1-t)·log(1-p) over a sample's targets t and predicted probabilities p, each of which
// stands by itself: several labels may hold at once, and with one number a sample there are two classes.
//
// The prediction is [N,…], probabilities or, with FromLogits, log(p/(1-p)); targets are of its shape. After a sigmoid it is computed
// from the sigmoid's input.
type BinaryCrossentropy struct {
	FromLogits     bool
	LabelSmoothing float64 // in [0,1]: targets become t·(1-LabelSmoothing) + LabelSmoothing/2
}

// ClassName is "BinaryCrossentropy".
func (BinaryCrossentropy) ClassName() string { return "BinaryCrossentropy" }

// Name is "binary_crossentropy".
func (BinaryCrossentropy) Name() string { return "binary_crossentropy" }

// Lower adds a BinaryCrossEntropy or a BinaryLogLoss.
func (l BinaryCrossentropy) Lower(g *ops.Graph, prediction, targets ops.Value) (ops.Value, error) {
	if err := checkSmoothing(l, l.LabelSmoothing); err != nil {
		return ops.None, err
	}
	return lower(g, prediction, targets, func(e *Emitter, p, t ops.Value) ops.Value {
		t = e.smooth(t, l.LabelSmoothing, .5)
		if l.FromLogits {
			return e.Add(ops.BinaryCrossEntropy{}, p, t)
		}
		return e.Add(ops.BinaryLogLoss{}, p, t)
	})
}
