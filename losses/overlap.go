package losses

import (
	"slices"

	"github.com/meseta-go/meseta/ops"
)

// Losses of how little targets t and predictions p of the same shape [N,…], both in [0,1], overlap.
type (
	// KLDivergence is Σ t·log(t/p) along the last dimension, both clipped to [1e-7, 1]; and the mean of that over other dimensions.
	KLDivergence struct{}
	// Dice is 1 - 2·Σ t·p/(Σ t + Σ p + 1e-7).
	Dice struct {
		Axis []int // summed over, without 0, the samples; nil, as in Keras, is the whole batch at once
	}
	// Tversky is 1 - Σ t·p/(Σ t·p + Alpha·Σ t·(1-p) + Beta·Σ p·(1-t) + 1e-7).
	//
	// Source: arXiv:1706.05721.
	Tversky struct {
		Alpha, Beta float64 // NewTversky gives Keras's 0.5
		Axis        []int   // as Dice's
	}
)

// NewTversky has Keras's defaults.
func NewTversky() Tversky { return Tversky{Alpha: .5, Beta: .5} }

// ClassName is "KLDivergence".
func (KLDivergence) ClassName() string { return "KLDivergence" }

// ClassName is "Dice".
func (Dice) ClassName() string { return "Dice" }

// ClassName is "Tversky".
func (Tversky) ClassName() string { return "Tversky" }

// Name is "kl_divergence".
func (KLDivergence) Name() string { return "kl_divergence" }

// Name is "dice".
func (Dice) Name() string { return "dice" }

// Name is "tversky".
func (Tversky) Name() string { return "tversky" }

// Lower adds the operations of its formula.
func (KLDivergence) Lower(g *ops.Graph, prediction, targets ops.Value) (ops.Value, error) {
	return lower(g, prediction, targets, func(e *Emitter, p, t ops.Value) ops.Value {
		p, t = e.Clip(p, epsilon, 1), e.Clip(t, epsilon, 1)
		return e.Mean(e.Last(ops.Sum, e.Times(t, e.Unary(ops.Log, e.Binary(ops.Divide, t, p))), false))
	})
}

// Lower adds the operations of its formula.
func (l Dice) Lower(g *ops.Graph, prediction, targets ops.Value) (ops.Value, error) {
	if err := checkAxis(l, l.Axis); err != nil {
		return ops.None, err
	}
	return lower(g, prediction, targets, func(e *Emitter, p, t ops.Value) ops.Value {
		sum := func(v ops.Value) ops.Value { return e.Add(ops.Reduce{Func: ops.Sum, Axes: l.Axis, KeepDims: true}, v) }
		both := e.Affine(sum(e.Times(t, p)), 2, 0)
		return e.perSample(p, e.Binary(ops.Divide, both, e.Affine(e.Plus(sum(t), sum(p)), 1, epsilon)))
	})
}

// Lower adds the operations of its formula.
func (l Tversky) Lower(g *ops.Graph, prediction, targets ops.Value) (ops.Value, error) {
	if err := checkAxis(l, l.Axis); err != nil {
		return ops.None, err
	}
	return lower(g, prediction, targets, func(e *Emitter, p, t ops.Value) ops.Value {
		sum := func(v ops.Value) ops.Value { return e.Add(ops.Reduce{Func: ops.Sum, Axes: l.Axis, KeepDims: true}, v) }
		both, missed, wrong := sum(e.Times(t, p)), sum(e.Times(e.Affine(p, -1, 1), t)), sum(e.Times(p, e.Affine(t, -1, 1)))
		whole := e.Plus(e.Affine(both, 1, epsilon), e.Plus(e.Affine(missed, l.Alpha, 0), e.Affine(wrong, l.Beta, 0)))
		return e.perSample(p, e.Binary(ops.Divide, both, whole))
	})
}

// perSample gives 1 less the overlaps, as a mean for each sample, or for each what the whole batch has.
func (e *Emitter) perSample(p, overlap ops.Value) ops.Value {
	loss := e.Affine(overlap, -1, 1)
	if e.Err != nil {
		return ops.None
	}
	n := e.Graph.Type(p).Shape[0]
	if e.Graph.Type(loss).Shape[0] == n {
		return e.Mean(loss)
	}
	return e.Add(ops.Broadcast{Shape: ops.Shape{n}}, e.Reshape(loss, 1))
}

func checkAxis(l Loss, axis []int) error {
	if slices.Contains(axis, 0) {
		return configError(l, "Axis is %v, want axes other than 0, or none for all", axis)
	}
	return nil
}
