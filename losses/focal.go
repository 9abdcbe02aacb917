package losses

import "github.com/meseta-go/meseta/ops"

// CategoricalFocalCrossentropy is the cross-entropy with less of it where the prediction is good already: -Σ Alpha·(1-p)^Gamma·t·log p over
// the classes. The prediction is [N,…,L], as CategoricalCrossentropy takes it; but FromLogits takes the softmax first.
//
// Source: arXiv:1708.02002.
type CategoricalFocalCrossentropy struct {
	Alpha          float64 // NewCategoricalFocalCrossentropy gives Keras's 0.25
	Gamma          float64 // and 2
	FromLogits     bool
	LabelSmoothing float64 // as CategoricalCrossentropy's
}

// BinaryFocalCrossentropy is BinaryCrossentropy with less of it where the prediction is good already: each term is multiplied by
// (1-p')^Gamma, p' being p for a target of 1 and 1-p for 0, and with ApplyClassBalancing by Alpha or 1-Alpha likewise.
//
// Source: arXiv:1708.02002.
type BinaryFocalCrossentropy struct {
	ApplyClassBalancing bool
	Alpha               float64 // NewBinaryFocalCrossentropy gives Keras's 0.25
	Gamma               float64 // and 2
	FromLogits          bool
	LabelSmoothing      float64 // as BinaryCrossentropy's
}

// NewCategoricalFocalCrossentropy has Keras's defaults.
func NewCategoricalFocalCrossentropy() CategoricalFocalCrossentropy {
	return CategoricalFocalCrossentropy{Alpha: .25, Gamma: 2}
}

// NewBinaryFocalCrossentropy has Keras's defaults.
func NewBinaryFocalCrossentropy() BinaryFocalCrossentropy {
	return BinaryFocalCrossentropy{Alpha: .25, Gamma: 2}
}

// ClassName is "CategoricalFocalCrossentropy".
func (CategoricalFocalCrossentropy) ClassName() string { return "CategoricalFocalCrossentropy" }

// ClassName is "BinaryFocalCrossentropy".
func (BinaryFocalCrossentropy) ClassName() string { return "BinaryFocalCrossentropy" }

// Name is "categorical_focal_crossentropy".
func (CategoricalFocalCrossentropy) Name() string { return "categorical_focal_crossentropy" }

// Name is "binary_focal_crossentropy".
func (BinaryFocalCrossentropy) Name() string { return "binary_focal_crossentropy" }

// Lower adds the operations of its formula.
func (l CategoricalFocalCrossentropy) Lower(g *ops.Graph, prediction, targets ops.Value) (ops.Value, error) {
	if err := checkSmoothing(l, l.LabelSmoothing); err != nil {
		return ops.None, err
	}
	return lower(g, prediction, targets, func(e *Emitter, p, t ops.Value) ops.Value {
		s := g.Type(p).Shape
		t = e.smooth(t, l.LabelSmoothing, 1/float64(s[len(s)-1]))
		if l.FromLogits {
			p = e.Add(ops.Softmax{}, p)
		}
		p = e.Clip(e.Binary(ops.Divide, p, e.Last(ops.Sum, p, true)), epsilon, 1-epsilon)
		factor := e.Add(ops.Unary{Func: ops.PowScalar, A: float32(l.Gamma)}, e.Affine(p, -1, 1))
		terms := e.Times(e.Times(t, e.Unary(ops.Log, p)), factor)
		return e.Mean(e.Affine(e.Last(ops.Sum, terms, false), -l.Alpha, 0))
	})
}

// Lower adds the operations of its formula.
func (l BinaryFocalCrossentropy) Lower(g *ops.Graph, prediction, targets ops.Value) (ops.Value, error) {
	if err := checkSmoothing(l, l.LabelSmoothing); err != nil {
		return ops.None, err
	}
	return lower(g, prediction, targets, func(e *Emitter, p, t ops.Value) ops.Value {
		t = e.smooth(t, l.LabelSmoothing, .5)
		if l.FromLogits {
			p = e.Unary(ops.Sigmoid, p)
		}
		not := func(v ops.Value) ops.Value { return e.Affine(v, -1, 1) }
		q := e.Clip(p, epsilon, 1-epsilon)
		terms := e.Plus(e.Times(t, e.Unary(ops.Log, q)), e.Times(not(t), e.Unary(ops.Log, not(q))))
		good := e.Plus(e.Times(t, p), e.Times(not(t), not(p)))
		terms = e.Times(terms, e.Add(ops.Unary{Func: ops.PowScalar, A: float32(l.Gamma)}, not(good)))
		if l.ApplyClassBalancing {
			terms = e.Times(terms, e.Affine(t, 2*l.Alpha-1, 1-l.Alpha)) // Alpha·t + (1-Alpha)·(1-t)
		}
		return e.Affine(e.Mean(terms), -1, 0)
	})
}
