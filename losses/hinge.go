package losses

import "github.com/meseta-go/meseta/ops"

// Losses of scores p against targets t of -1 and 1, of the same shape [N,…]: means over all of a sample's numbers. Where all
// targets of a batch are 0 and 1, as those of class labels, the zeros stand for -1.
type (
	// Hinge is the mean of max(1-t·p, 0).
	Hinge struct{}
	// SquaredHinge is the mean of max(1-t·p, 0)².
	SquaredHinge struct{}
	// CategoricalHinge is max(1 + neg - pos, 0), pos being Σ t·p and neg the largest (1-t)·p along the last dimension, for one-hot
	// targets; and the mean of that over other dimensions.
	CategoricalHinge struct{}
)

// ClassName is "Hinge".
func (Hinge) ClassName() string { return "Hinge" }

// ClassName is "SquaredHinge".
func (SquaredHinge) ClassName() string { return "SquaredHinge" }

// ClassName is "CategoricalHinge".
func (CategoricalHinge) ClassName() string { return "CategoricalHinge" }

// Name is "hinge".
func (Hinge) Name() string { return "hinge" }

// Name is "squared_hinge".
func (SquaredHinge) Name() string { return "squared_hinge" }

// Name is "categorical_hinge".
func (CategoricalHinge) Name() string { return "categorical_hinge" }

// Lower adds the operations of its formula.
func (Hinge) Lower(g *ops.Graph, prediction, targets ops.Value) (ops.Value, error) {
	return lower(g, prediction, targets, func(e *Emitter, p, t ops.Value) ops.Value { return e.Mean(e.hinge(p, t)) })
}

// Lower adds the operations of its formula.
func (SquaredHinge) Lower(g *ops.Graph, prediction, targets ops.Value) (ops.Value, error) {
	return lower(g, prediction, targets, func(e *Emitter, p, t ops.Value) ops.Value {
		return e.Mean(e.Unary(ops.Square, e.hinge(p, t)))
	})
}

// hinge is max(1-t·p, 0), zeros among t being -1 where all are 0 or 1.
func (e *Emitter) hinge(p, t ops.Value) ops.Value {
	binary := e.Plus(e.Binary(ops.Equal, t, e.Constant(0)), e.Binary(ops.Equal, t, e.Constant(1)))
	all := e.Add(ops.Reduce{Func: ops.Min, KeepDims: true}, binary)
	signs := e.Plus(t, e.Times(all, e.Affine(t, 1, -1))) // 2t-1, or t
	return e.Add(ops.Relu{}, e.Affine(e.Times(signs, p), -1, 1))
}

// Lower adds the operations of its formula.
func (CategoricalHinge) Lower(g *ops.Graph, prediction, targets ops.Value) (ops.Value, error) {
	return lower(g, prediction, targets, func(e *Emitter, p, t ops.Value) ops.Value {
		pos := e.Last(ops.Sum, e.Times(t, p), false)
		neg := e.Last(ops.Max, e.Times(e.Affine(t, -1, 1), p), false)
		return e.Mean(e.Add(ops.Relu{}, e.Affine(e.Minus(neg, pos), 1, 1)))
	})
}
