package metrics

import (
	"fmt"

	"github.com/meseta-go/meseta/losses"
	"github.com/meseta-go/meseta/ops"
)

type (
	// Accuracy is what Keras takes for "accuracy": BinaryAccuracy where the network gives one number, SparseCategoricalAccuracy for class
	// labels, CategoricalAccuracy for targets.
	Accuracy struct{}
	// SparseCategoricalAccuracy is the part of samples whose largest score is at the class label.
	SparseCategoricalAccuracy struct{}
	// CategoricalAccuracy is the part of samples whose largest score is where the largest target is, along the last dimension.
	CategoricalAccuracy struct{}
	// BinaryAccuracy is the part of predictions that are above the threshold where the target is 1, and not above it where it is 0.
	BinaryAccuracy struct {
		Threshold float64 // NewBinaryAccuracy gives Keras's 0.5
	}
	// SparseTopKCategoricalAccuracy is the part of samples where fewer than K scores are larger than that of the class label.
	SparseTopKCategoricalAccuracy struct {
		K int // NewSparseTopKCategoricalAccuracy gives Keras's 5
	}
	// TopKCategoricalAccuracy is the part of samples where fewer than K scores are larger than that where the largest target is.
	TopKCategoricalAccuracy struct {
		K int // NewTopKCategoricalAccuracy gives Keras's 5
	}
)

// NewBinaryAccuracy has Keras's default.
func NewBinaryAccuracy() BinaryAccuracy { return BinaryAccuracy{.5} }

// NewSparseTopKCategoricalAccuracy has Keras's default.
func NewSparseTopKCategoricalAccuracy() SparseTopKCategoricalAccuracy {
	return SparseTopKCategoricalAccuracy{5}
}

// NewTopKCategoricalAccuracy has Keras's default.
func NewTopKCategoricalAccuracy() TopKCategoricalAccuracy { return TopKCategoricalAccuracy{5} }

// ClassName is "Accuracy", though Keras's class of that name is another one.
func (Accuracy) ClassName() string { return "Accuracy" }

// ClassName is "SparseCategoricalAccuracy".
func (SparseCategoricalAccuracy) ClassName() string { return "SparseCategoricalAccuracy" }

// ClassName is "CategoricalAccuracy".
func (CategoricalAccuracy) ClassName() string { return "CategoricalAccuracy" }

// ClassName is "BinaryAccuracy".
func (BinaryAccuracy) ClassName() string { return "BinaryAccuracy" }

// ClassName is "SparseTopKCategoricalAccuracy".
func (SparseTopKCategoricalAccuracy) ClassName() string { return "SparseTopKCategoricalAccuracy" }

// ClassName is "TopKCategoricalAccuracy".
func (TopKCategoricalAccuracy) ClassName() string { return "TopKCategoricalAccuracy" }

// Name is "accuracy".
func (Accuracy) Name() string { return "accuracy" }

// Name is "sparse_categorical_accuracy".
func (SparseCategoricalAccuracy) Name() string { return "sparse_categorical_accuracy" }

// Name is "categorical_accuracy".
func (CategoricalAccuracy) Name() string { return "categorical_accuracy" }

// Name is "binary_accuracy".
func (BinaryAccuracy) Name() string { return "binary_accuracy" }

// Name is "sparse_top_k_categorical_accuracy".
func (SparseTopKCategoricalAccuracy) Name() string { return "sparse_top_k_categorical_accuracy" }

// Name is "top_k_categorical_accuracy".
func (TopKCategoricalAccuracy) Name() string { return "top_k_categorical_accuracy" }

// Lower adds what the metric that it stands for does.
func (Accuracy) Lower(g *ops.Graph, prediction, targets ops.Value) (ops.Value, error) {
	p := g.Type(prediction).Shape
	switch {
	case p[len(p)-1] == 1:
		return NewBinaryAccuracy().Lower(g, prediction, targets)
	case g.Type(targets).DType == ops.Int32:
		return SparseCategoricalAccuracy{}.Lower(g, prediction, targets)
	}
	return CategoricalAccuracy{}.Lower(g, prediction, targets)
}

// Lower adds a Correct.
func (SparseCategoricalAccuracy) Lower(g *ops.Graph, prediction, targets ops.Value) (ops.Value, error) {
	if err := losses.Sparse(g, targets, CategoricalAccuracy{}.Name()); err != nil {
		return ops.None, err
	}
	return g.Add1(ops.Correct{}, prediction, targets)
}

// Lower adds a Correct for the place of the largest target.
func (CategoricalAccuracy) Lower(g *ops.Graph, prediction, targets ops.Value) (ops.Value, error) {
	return ofRows(g, ops.Correct{}, prediction, targets)
}

// Lower adds comparisons and their mean.
func (m BinaryAccuracy) Lower(g *ops.Graph, prediction, targets ops.Value) (ops.Value, error) {
	t, err := losses.Dense(g, prediction, targets)
	if err != nil {
		return ops.None, err
	}
	e := losses.Emitter{Graph: g}
	above := e.Binary(ops.Greater, prediction, e.Constant(m.Threshold))
	return e.Mean(e.Binary(ops.Equal, above, t)), e.Err
}

// Lower adds an InTopK.
func (m SparseTopKCategoricalAccuracy) Lower(g *ops.Graph, prediction, targets ops.Value) (ops.Value, error) {
	if err := losses.Sparse(g, targets, TopKCategoricalAccuracy{}.Name()); err != nil {
		return ops.None, err
	}
	if err := checkK(m, m.K); err != nil {
		return ops.None, err
	}
	return g.Add1(ops.InTopK{K: m.K}, prediction, targets)
}

// Lower adds an InTopK for the place of the largest target.
func (m TopKCategoricalAccuracy) Lower(g *ops.Graph, prediction, targets ops.Value) (ops.Value, error) {
	if err := checkK(m, m.K); err != nil {
		return ops.None, err
	}
	return ofRows(g, ops.InTopK{K: m.K}, prediction, targets)
}

func checkK(m Metric, k int) error {
	if k < 1 {
		return fmt.Errorf("metrics: %s: K is %d, want 1 or more: %w", m.ClassName(), k, ErrConfig)
	}
	return nil
}

// labelsOf gives targets as labels, int32 of the prediction's shape without the last dimension.
func labelsOf(g *ops.Graph, prediction, targets ops.Value) (ops.Value, error) {
	p := g.Type(prediction).Shape
	if g.Type(targets).DType == ops.Int32 && len(p) == 2 {
		return targets, nil
	}
	t, err := losses.Dense(g, prediction, targets)
	if err != nil {
		return ops.None, err
	}
	return g.Add1(ops.ArgMax{}, t)
}

// ofRows gives the mean over a sample's rows of an operation on scores [M,L] and labels [M].
func ofRows(g *ops.Graph, o ops.Operator, prediction, targets ops.Value) (ops.Value, error) {
	labels, err := labelsOf(g, prediction, targets)
	if err != nil {
		return ops.None, err
	}
	s := g.Type(prediction).Shape
	e := losses.Emitter{Graph: g}
	n, l := s[0], s[len(s)-1]
	each := e.Add(o, e.Reshape(prediction, s.Size()/l, l), e.Reshape(labels, s.Size()/l))
	return e.Mean(e.Reshape(each, n, s.Size()/l/n)), e.Err
}
