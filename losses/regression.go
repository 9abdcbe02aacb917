package losses

import (
	"math"

	"github.com/meseta-go/meseta/ops"
)

// epsilon is Keras's backend.epsilon().
const epsilon = 1e-7

// Losses of numbers t against predictions p of the same shape [N,…]: means over all of a sample's numbers.
type (
	// MeanSquaredError is the mean of (t-p)².
	MeanSquaredError struct{}
	// MeanAbsoluteError is the mean of |t-p|.
	MeanAbsoluteError struct{}
	// MeanAbsolutePercentageError is 100 times the mean of |t-p|/max(|t|, 1e-7).
	MeanAbsolutePercentageError struct{}
	// MeanSquaredLogarithmicError is the mean of (log(max(t, 1e-7)+1) - log(max(p, 1e-7)+1))².
	MeanSquaredLogarithmicError struct{}
	// Huber is the mean of (t-p)²/2 where |t-p| ≤ Delta, else Delta·|t-p| - Delta²/2.
	Huber struct {
		Delta float64 // above 0; NewHuber gives Keras's 1
	}
	// LogCosh is the mean of log cosh(p-t).
	LogCosh struct{}
	// Poisson is the mean of p - t·log(p+1e-7).
	Poisson struct{}
	// CosineSimilarity is -Σ t·p/(|t|·|p|) along the last dimension, from -1 for the same direction to 1 for the opposite one; and the
	// mean of that over other dimensions.
	CosineSimilarity struct{}
)

// NewHuber has Keras's default.
func NewHuber() Huber { return Huber{Delta: 1} }

// ClassName is "MeanSquaredError".
func (MeanSquaredError) ClassName() string { return "MeanSquaredError" }

// ClassName is "MeanAbsoluteError".
func (MeanAbsoluteError) ClassName() string { return "MeanAbsoluteError" }

// ClassName is "MeanAbsolutePercentageError".
func (MeanAbsolutePercentageError) ClassName() string { return "MeanAbsolutePercentageError" }

// ClassName is "MeanSquaredLogarithmicError".
func (MeanSquaredLogarithmicError) ClassName() string { return "MeanSquaredLogarithmicError" }

// ClassName is "Huber".
func (Huber) ClassName() string { return "Huber" }

// ClassName is "LogCosh".
func (LogCosh) ClassName() string { return "LogCosh" }

// ClassName is "Poisson".
func (Poisson) ClassName() string { return "Poisson" }

// ClassName is "CosineSimilarity".
func (CosineSimilarity) ClassName() string { return "CosineSimilarity" }

// Name is "mean_squared_error".
func (MeanSquaredError) Name() string { return "mean_squared_error" }

// Name is "mean_absolute_error".
func (MeanAbsoluteError) Name() string { return "mean_absolute_error" }

// Name is "mean_absolute_percentage_error".
func (MeanAbsolutePercentageError) Name() string { return "mean_absolute_percentage_error" }

// Name is "mean_squared_logarithmic_error".
func (MeanSquaredLogarithmicError) Name() string { return "mean_squared_logarithmic_error" }

// Name is "huber".
func (Huber) Name() string { return "huber" }

// Name is "log_cosh".
func (LogCosh) Name() string { return "log_cosh" }

// Name is "poisson".
func (Poisson) Name() string { return "poisson" }

// Name is "cosine_similarity".
func (CosineSimilarity) Name() string { return "cosine_similarity" }

// Lower adds a difference, its square and a mean.
func (MeanSquaredError) Lower(g *ops.Graph, prediction, targets ops.Value) (ops.Value, error) {
	return lower(g, prediction, targets, func(e *Emitter, p, t ops.Value) ops.Value {
		return e.Mean(e.Unary(ops.Square, e.Minus(t, p)))
	})
}

// Lower adds a difference, its magnitude and a mean.
func (MeanAbsoluteError) Lower(g *ops.Graph, prediction, targets ops.Value) (ops.Value, error) {
	return lower(g, prediction, targets, func(e *Emitter, p, t ops.Value) ops.Value {
		return e.Mean(e.Unary(ops.Abs, e.Minus(t, p)))
	})
}

// Lower adds the operations of its formula.
func (MeanAbsolutePercentageError) Lower(g *ops.Graph, prediction, targets ops.Value) (ops.Value, error) {
	return lower(g, prediction, targets, func(e *Emitter, p, t ops.Value) ops.Value {
		relative := e.Binary(ops.Divide, e.Minus(t, p), e.atLeast(e.Unary(ops.Abs, t), epsilon))
		return e.Affine(e.Mean(e.Unary(ops.Abs, relative)), 100, 0)
	})
}

// Lower adds the operations of its formula.
func (MeanSquaredLogarithmicError) Lower(g *ops.Graph, prediction, targets ops.Value) (ops.Value, error) {
	return lower(g, prediction, targets, func(e *Emitter, p, t ops.Value) ops.Value {
		first, second := e.Unary(ops.Log1p, e.atLeast(p, epsilon)), e.Unary(ops.Log1p, e.atLeast(t, epsilon))
		return e.Mean(e.Unary(ops.Square, e.Minus(first, second)))
	})
}

// Lower adds a²/2 + Delta·(|p-t|-a) with a = min(|p-t|, Delta), which is the same.
func (l Huber) Lower(g *ops.Graph, prediction, targets ops.Value) (ops.Value, error) {
	if !(l.Delta > 0) {
		return ops.None, configError(l, "Delta is %g, want more than 0", l.Delta)
	}
	return lower(g, prediction, targets, func(e *Emitter, p, t ops.Value) ops.Value {
		size := e.Unary(ops.Abs, e.Minus(p, t))
		a := e.Add(ops.Unary{Func: ops.Clip, B: float32(l.Delta)}, size)
		return e.Mean(e.Plus(e.Affine(e.Unary(ops.Square, a), .5, 0), e.Affine(e.Minus(size, a), l.Delta, 0)))
	})
}

// Lower adds d + softplus(-2d) - log 2, d being p-t.
func (LogCosh) Lower(g *ops.Graph, prediction, targets ops.Value) (ops.Value, error) {
	return lower(g, prediction, targets, func(e *Emitter, p, t ops.Value) ops.Value {
		d := e.Minus(p, t)
		return e.Mean(e.Affine(e.Plus(d, e.Unary(ops.Softplus, e.Affine(d, -2, 0))), 1, -math.Ln2))
	})
}

// Lower adds the operations of its formula.
func (Poisson) Lower(g *ops.Graph, prediction, targets ops.Value) (ops.Value, error) {
	return lower(g, prediction, targets, func(e *Emitter, p, t ops.Value) ops.Value {
		return e.Mean(e.Minus(p, e.Times(t, e.Unary(ops.Log, e.Affine(p, 1, epsilon)))))
	})
}

// Lower adds the operations of its formula; lengths below 1e-7 count as that.
func (CosineSimilarity) Lower(g *ops.Graph, prediction, targets ops.Value) (ops.Value, error) {
	return lower(g, prediction, targets, func(e *Emitter, p, t ops.Value) ops.Value {
		unit := func(v ops.Value) ops.Value {
			length := e.atLeast(e.Last(ops.Sum, e.Unary(ops.Square, v), true), epsilon*epsilon)
			return e.Times(v, e.Unary(ops.Rsqrt, length))
		}
		return e.Mean(e.Affine(e.Last(ops.Sum, e.Times(unit(t), unit(p)), false), -1, 0))
	})
}
