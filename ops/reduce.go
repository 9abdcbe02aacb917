package ops

import (
	"fmt"
	"slices"
)

// ReduceFunc is how numbers become one.
type ReduceFunc uint8

// The reductions.
const (
	Sum  ReduceFunc = iota
	Mean            // the sum divided by the number of elements
	Max             // the largest, or NaN if one is
	Min             // the smallest, or NaN if one is
)

func (f ReduceFunc) String() string {
	switch f {
	case Sum:
		return "sum"
	case Mean:
		return "mean"
	case Max:
		return "max"
	case Min:
		return "min"
	}
	return "unknown reduction"
}

// Reduce makes one number of all those along some dimensions. Sums are kept in float64 and rounded once.
//
// In: src. Out: dst, whose shape lacks the dimensions in Axes, or has 1 there with KeepDims.
type Reduce struct {
	Func     ReduceFunc
	Axes     []int // counted from 0, or from the end where negative; none means all
	KeepDims bool
}

// Name is the reduction's.
func (o Reduce) Name() string { return o.Func.String() }

func (o Reduce) String() string {
	s := "over all"
	if len(o.Axes) > 0 {
		s = "over " + fmt.Sprint(o.Axes)
	}
	if o.KeepDims {
		s += " kept"
	}
	return s
}

// Over says for each dimension of src whether it is reduced. Its error wraps ErrShape.
func (o Reduce) Over(src Shape) ([]bool, error) {
	over := make([]bool, len(src))
	for i := range over {
		over[i] = len(o.Axes) == 0
	}
	for _, axis := range o.Axes {
		a := axis
		if a < 0 {
			a += len(src)
		}
		if a < 0 || a >= len(src) || over[a] {
			return nil, fmt.Errorf("%s: axis %d of src %v, which is not there or named twice: %w", o.Name(), axis, src, ErrShape)
		}
		over[a] = true
	}
	return over, nil
}

// Infer gives the type of dst.
func (o Reduce) Infer(in []Type) ([]Type, error) {
	if err := float32s(o.Name(), in[:1]); err != nil {
		return nil, err
	}
	if o.Func > Min {
		return nil, fmt.Errorf("ops: there is no reduction of number %d", o.Func)
	}
	over, err := o.Over(in[0].Shape)
	if err != nil {
		return nil, err
	}
	return []Type{{Float32, reduced(in[0].Shape, over, o.KeepDims)}}, nil
}

func reduced(s Shape, over []bool, keep bool) Shape {
	out := Shape{}
	for i, d := range s {
		switch {
		case !over[i]:
			out = append(out, d)
		case keep:
			out = append(out, 1)
		}
	}
	return out
}

// Gradient spreads diffDst over what was reduced: all of it for a sum, a part for a mean, and for a maximum or minimum what falls to each
// of the elements that equal it.
func (o Reduce) Gradient(g *Graph, op Op, diffOut []Value) ([]Value, error) {
	s := g.Type(op.In[0]).Shape
	over, err := o.Over(s)
	if err != nil {
		return nil, err
	}
	e := emitter{g: g}
	kept := reduced(s, over, true)
	d := e.reshape(diffOut[0], kept)
	switch o.Func {
	case Mean:
		d = e.add(Affine{Scale: float32(float64(kept.Size()) / float64(s.Size()))}, d)
	case Max, Min:
		at := e.binary(Equal, op.In[0], e.reshape(op.Out[0], kept))
		count := e.add(Reduce{Func: Sum, Axes: o.Axes, KeepDims: true}, at)
		return []Value{e.binary(Times, at, e.binary(Divide, d, count))}, e.err
	}
	return []Value{e.add(Broadcast{s}, d)}, e.err
}

func (e *emitter) reshape(v Value, s Shape) Value {
	if e.err != nil || e.g.Type(v).Shape.Equal(s) {
		return v
	}
	return e.add(Reshape{s}, v)
}

// Broadcast repeats src along the dimensions in which it has 1 or which it lacks in front.
//
// In: src. Out: dst of shape Shape.
type Broadcast struct{ Shape Shape }

// Name is "broadcast".
func (Broadcast) Name() string { return "broadcast" }

// Infer gives the type of dst.
func (o Broadcast) Infer(in []Type) ([]Type, error) {
	if err := float32s("broadcast", in[:1]); err != nil {
		return nil, err
	}
	if s, err := BroadcastShapes(in[0].Shape, o.Shape); err != nil || !s.Equal(o.Shape) {
		return nil, fmt.Errorf("broadcast: src %v to %v: %w", in[0].Shape, o.Shape, ErrShape)
	}
	return []Type{{Float32, o.Shape}}, nil
}

// Gradient sums over what was repeated.
func (Broadcast) Gradient(g *Graph, op Op, diffOut []Value) ([]Value, error) {
	e := emitter{g: g}
	return []Value{e.sumTo(diffOut[0], g.Type(op.In[0]).Shape)}, e.err
}

// SumTo sums src over the dimensions in which Shape has 1 or which it lacks in front: the gradient of broadcasting. Sums are kept in
// float64 and rounded once.
//
// In: src. Out: dst of shape Shape.
type SumTo struct{ Shape Shape }

// Name is "sum_to".
func (SumTo) Name() string { return "sum_to" }

// Over says for each dimension of src whether it is summed over.
func (o SumTo) Over(src Shape) []bool {
	over := make([]bool, len(src))
	for i := range src {
		at := i - (len(src) - len(o.Shape))
		over[i] = at < 0 || o.Shape[at] == 1
	}
	return over
}

// Infer gives the type of dst.
func (o SumTo) Infer(in []Type) ([]Type, error) {
	if _, err := (Broadcast{in[0].Shape}).Infer([]Type{{Float32, o.Shape}}); err != nil || in[0].DType != Float32 {
		return nil, fmt.Errorf("sum_to: src %v to %v: %w", in[0], o.Shape, ErrShape)
	}
	return []Type{{Float32, o.Shape}}, nil
}

// Gradient repeats diffDst.
func (SumTo) Gradient(g *Graph, op Op, diffOut []Value) ([]Value, error) {
	dx, err := g.Add1(Broadcast{g.Type(op.In[0]).Shape}, diffOut[0])
	return []Value{dx}, err
}

// Transpose puts the dimensions of src in another order.
//
// In: src. Out: dst, whose dimension i is src's dimension Perm[i].
type Transpose struct{ Perm []int }

// Name is "transpose".
func (Transpose) Name() string { return "transpose" }

func (o Transpose) String() string { return fmt.Sprint(o.Perm) }

// Infer gives the type of dst.
func (o Transpose) Infer(in []Type) ([]Type, error) {
	if err := float32s("transpose", in[:1]); err != nil {
		return nil, err
	}
	s := in[0].Shape
	out := make(Shape, len(o.Perm))
	ok := len(o.Perm) == len(s)
	for i, p := range o.Perm {
		if ok = ok && p >= 0 && p < len(s) && !slices.Contains(o.Perm[:i], p); !ok {
			return nil, fmt.Errorf("transpose: %v is no order of the dimensions of src %v: %w", o.Perm, s, ErrShape)
		}
		out[i] = s[p]
	}
	if !ok {
		return nil, fmt.Errorf("transpose: %v is no order of the dimensions of src %v: %w", o.Perm, s, ErrShape)
	}
	return []Type{{Float32, out}}, nil
}

// Gradient transposes back.
func (o Transpose) Gradient(g *Graph, _ Op, diffOut []Value) ([]Value, error) {
	back := make([]int, len(o.Perm))
	for i, p := range o.Perm {
		back[p] = i
	}
	dx, err := g.Add1(Transpose{back}, diffOut[0])
	return []Value{dx}, err
}
