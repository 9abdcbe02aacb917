package ops

import "fmt"

// BinaryFunc is a function of two numbers.
type BinaryFunc uint8

// The functions.
const (
	Plus         BinaryFunc = iota // a + b
	Minus                          // a - b
	Times                          // a·b
	Divide                         // a/b
	Maximum                        // the larger, or NaN if one is
	Minimum                        // the smaller, or NaN if one is
	Pow                            // aᵇ
	Greater                        // a > b ? 1 : 0; this and the following have no gradient
	GreaterEqual                   // a ≥ b ? 1 : 0
	Equal                          // a = b ? 1 : 0

	BinaryFuncs // how many there are
)

var binaryNames = [BinaryFuncs]string{"plus", "minus", "times", "divide", "maximum", "minimum", "pow", "greater", "greater_equal", "equal"}

func (f BinaryFunc) String() string {
	if f < BinaryFuncs {
		return binaryNames[f]
	}
	return "unknown function"
}

// Binary computes dst = Func(a, b) for each element, a and b being broadcast against each other as NumPy does: shapes are aligned at the
// last dimension, and where one is 1 or missing, its number stands for all. Where a and b have one shape, Add is the faster Plus, and
// what passes fuse.
//
// In: a, b. Out: dst of the broadcast shape.
type Binary struct{ Func BinaryFunc }

// Name is the function's.
func (o Binary) Name() string { return o.Func.String() }

// InPlace allows dst to be a or b, if that is not broadcast.
func (Binary) InPlace() []int { return []int{0, 1} }

// Infer gives the type of dst.
func (o Binary) Infer(in []Type) ([]Type, error) {
	if o.Func >= BinaryFuncs {
		return nil, fmt.Errorf("ops: there is no function of number %d, there are %d", o.Func, BinaryFuncs)
	}
	if err := float32s(o.Name(), in[:2]); err != nil {
		return nil, err
	}
	s, err := BroadcastShapes(in[0].Shape, in[1].Shape)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o.Name(), err)
	}
	return []Type{{Float32, s}}, nil
}

// BroadcastShapes gives the shape that both a and b can be broadcast to. Its error wraps ErrShape.
func BroadcastShapes(a, b Shape) (Shape, error) {
	if len(a) < len(b) {
		a, b = b, a
	}
	s := append(Shape{}, a...)
	for i, d := range b {
		at := len(a) - len(b) + i
		switch {
		case d == s[at] || d == 1:
		case s[at] == 1:
			s[at] = d
		default:
			return nil, fmt.Errorf("%v and %v cannot be broadcast, they have %d and %d in one dimension: %w", a, b, s[at], d, ErrShape)
		}
	}
	return s, nil
}

// Gradient emits the products that the function's derivatives want, and sums over what was broadcast. Of two equal numbers, Maximum's
// and Minimum's gradient goes to the first, as in TensorFlow.
func (o Binary) Gradient(g *Graph, op Op, diffOut []Value) ([]Value, error) {
	e := emitter{g: g}
	a, b, dst, d := op.In[0], op.In[1], op.Out[0], diffOut[0]
	var da, db Value
	switch o.Func {
	case Plus:
		da, db = d, d
	case Minus:
		da, db = d, e.add(Affine{Scale: -1}, d)
	case Times:
		da, db = e.binary(Times, d, b), e.binary(Times, d, a)
	case Divide:
		da = e.binary(Divide, d, b)
		db = e.add(Affine{Scale: -1}, e.binary(Times, da, dst))
	case Maximum, Minimum:
		if o.Func == Maximum {
			da = e.binary(Times, d, e.binary(GreaterEqual, a, b))
		} else {
			da = e.binary(Times, d, e.binary(GreaterEqual, b, a))
		}
		db = e.binary(Minus, d, da)
	case Pow:
		less := e.add(Affine{Scale: 1, Offset: -1}, b)
		da = e.binary(Times, d, e.binary(Times, b, e.binary(Pow, a, less)))
		db = e.binary(Times, d, e.binary(Times, dst, e.add(Unary{Func: LogPositive}, a)))
	default:
		return []Value{None, None}, nil
	}
	return []Value{e.sumTo(da, g.Type(a).Shape), e.sumTo(db, g.Type(b).Shape)}, e.err
}

// emitter adds operations to a graph and keeps the first error.
type emitter struct {
	g   *Graph
	err error
}

func (e *emitter) add(o Operator, in ...Value) Value {
	if e.err != nil {
		return None
	}
	var v Value
	v, e.err = e.g.Add1(o, in...)
	return v
}

func (e *emitter) binary(f BinaryFunc, a, b Value) Value { return e.add(Binary{f}, a, b) }

// sumTo sums v over what broadcasting a value of shape s gave it.
func (e *emitter) sumTo(v Value, s Shape) Value {
	if e.err != nil || e.g.Type(v).Shape.Equal(s) {
		return v
	}
	return e.add(SumTo{s}, v)
}
