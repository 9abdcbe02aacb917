package losses

import (
	"math"

	"github.com/meseta-go/meseta/ops"
)

// Emitter adds operations to a graph and keeps the first error, after which it adds nothing.
type Emitter struct {
	Graph *ops.Graph
	Err   error
}

// lower adds a loss that is composed of operations on predictions and targets of one type.
func lower(g *ops.Graph, prediction, targets ops.Value, formula func(e *Emitter, p, t ops.Value) ops.Value) (ops.Value, error) {
	t, err := Dense(g, prediction, targets)
	if err != nil {
		return ops.None, err
	}
	e := &Emitter{Graph: g}
	loss := formula(e, prediction, t)
	return loss, e.Err
}

// Add adds an operation of one output.
func (e *Emitter) Add(o ops.Operator, in ...ops.Value) ops.Value {
	if e.Err != nil {
		return ops.None
	}
	var v ops.Value
	v, e.Err = e.Graph.Add1(o, in...)
	return v
}

// Unary applies a function without parameters.
func (e *Emitter) Unary(f ops.UnaryFunc, v ops.Value) ops.Value { return e.Add(ops.Unary{Func: f}, v) }

// Binary applies a function of two.
func (e *Emitter) Binary(f ops.BinaryFunc, a, b ops.Value) ops.Value {
	return e.Add(ops.Binary{Func: f}, a, b)
}

// Plus is a + b.
func (e *Emitter) Plus(a, b ops.Value) ops.Value { return e.Binary(ops.Plus, a, b) }

// Minus is a - b.
func (e *Emitter) Minus(a, b ops.Value) ops.Value { return e.Binary(ops.Minus, a, b) }

// Times is a·b.
func (e *Emitter) Times(a, b ops.Value) ops.Value { return e.Binary(ops.Times, a, b) }

// Constant is a number, which functions of two broadcast. It has no gradient.
func (e *Emitter) Constant(value float64) ops.Value {
	return e.Add(ops.Fill{Type: ops.F32(1), Value: float32(value)})
}

// Affine is v·scale + offset.
func (e *Emitter) Affine(v ops.Value, scale, offset float64) ops.Value {
	return e.Add(ops.Affine{Scale: float32(scale), Offset: float32(offset)}, v)
}

// Clip limits v to a range.
func (e *Emitter) Clip(v ops.Value, low, high float64) ops.Value {
	return e.Add(ops.Unary{Func: ops.Clip, A: float32(low), B: float32(high)}, v)
}

func (e *Emitter) atLeast(v ops.Value, low float64) ops.Value { return e.Clip(v, low, math.Inf(1)) }

// Last reduces the last dimension.
func (e *Emitter) Last(f ops.ReduceFunc, v ops.Value, keep bool) ops.Value {
	return e.Add(ops.Reduce{Func: f, Axes: []int{-1}, KeepDims: keep}, v)
}

// smooth moves targets towards a uniform distribution.
func (e *Emitter) smooth(targets ops.Value, smoothing, uniform float64) ops.Value {
	if smoothing == 0 {
		return targets
	}
	return e.Affine(targets, 1-smoothing, smoothing*uniform)
}

// Reshape gives v another shape.
func (e *Emitter) Reshape(v ops.Value, shape ...int) ops.Value {
	if e.Err != nil || e.Graph.Type(v).Shape.Equal(shape) {
		return v
	}
	return e.Add(ops.Reshape{Shape: shape}, v)
}

// Mean gives the means [N] over all dimensions but the first.
func (e *Emitter) Mean(v ops.Value) ops.Value {
	if e.Err != nil {
		return ops.None
	}
	s := e.Graph.Type(v).Shape
	if n := s.Size() / s[0]; n > 1 {
		v = e.Last(ops.Mean, e.Reshape(v, s[0], n), false)
	}
	return e.Reshape(v, s[0])
}
