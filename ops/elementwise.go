package ops

import "fmt"

// Relu computes dst = max(src, 0), and if Six min(max(src, 0), 6).
//
// In: src of any shape. Out: dst of the same.
type Relu struct{ Six bool }

// Activation is ReLU or ReLU6.
func (o Relu) Activation() Activation {
	if o.Six {
		return ReLU6
	}
	return ReLU
}

// Name is "relu" or "relu6".
func (o Relu) Name() string { return o.Activation().String() }

// InPlace allows dst to be src.
func (Relu) InPlace() []int { return []int{0} }

// Infer gives the type of dst.
func (Relu) Infer(in []Type) ([]Type, error) { return in[:1], nil }

// Gradient reads dst, so that src need not be kept.
func (o Relu) Gradient(g *Graph, op Op, diffOut []Value) ([]Value, error) {
	dx, err := g.Add1(ReluBackward(o), diffOut[0], op.Out[0])
	return []Value{dx}, err
}

// ReluBackward computes diffSrc = diffDst where dst > 0, and if Six dst < 6, else 0.
//
// In: diffDst, dst. Out: diffSrc. All of one shape.
type ReluBackward Relu

// Name is "relu_data" or "relu6_data".
func (o ReluBackward) Name() string { return Relu(o).Name() + "_data" }

// InPlace allows diffSrc to be diffDst.
func (ReluBackward) InPlace() []int { return []int{0, 1} }

// Infer gives the type of diffSrc.
func (o ReluBackward) Infer(in []Type) ([]Type, error) {
	return in[:1], same(o.Name(), "diffDst", in[0], "dst", in[1])
}

// Add computes dst = a + b; all of one shape.
type Add struct{}

// Name is "add".
func (Add) Name() string { return "add" }

// InPlace allows dst to be a or b.
func (Add) InPlace() []int { return []int{0, 1} }

// Infer gives the type of dst.
func (Add) Infer(in []Type) ([]Type, error) { return in[:1], same("add", "a", in[0], "b", in[1]) }

// Gradient is diffDst for both.
func (Add) Gradient(_ *Graph, _ Op, diffOut []Value) ([]Value, error) {
	return []Value{diffOut[0], diffOut[0]}, nil
}

// Affine computes dst = src·Scale + Offset.
//
// In: src of any shape. Out: dst of the same.
type Affine struct{ Scale, Offset float32 }

// Name is "affine".
func (Affine) Name() string { return "affine" }

func (o Affine) String() string { return fmt.Sprintf("×%g%+g", o.Scale, o.Offset) }

// InPlace allows dst to be src.
func (Affine) InPlace() []int { return []int{0} }

// Infer gives the type of dst.
func (Affine) Infer(in []Type) ([]Type, error) { return in[:1], nil }

// Gradient is diffDst·Scale.
func (o Affine) Gradient(g *Graph, op Op, diffOut []Value) ([]Value, error) {
	dx, err := g.Add1(Affine{Scale: o.Scale}, diffOut[0])
	return []Value{dx}, err
}

// Dropout computes dst = src/(1-Rate) where a random number is at least Rate, else 0 (Srivastava et al. 2014, inverted).
// The number depends on the seed, the step, Stream and the element's index alone, so its gradient is the same
// operation on diffDst and no mask is kept.
//
// In: src of any shape, counter int64 [2]: the seed and the step. Out: dst like src.
type Dropout struct {
	Rate   float32
	Stream uint64 // differs for each dropout layer of a model
}

// Name is "dropout".
func (Dropout) Name() string { return "dropout" }

func (o Dropout) String() string { return fmt.Sprintf("rate %g stream %d", o.Rate, o.Stream) }

// InPlace allows dst to be src.
func (Dropout) InPlace() []int { return []int{0} }

// Infer gives the type of dst.
func (Dropout) Infer(in []Type) ([]Type, error) {
	return in[:1], same("dropout", "counter", in[1], "the type wanted", CounterType)
}

// Gradient drops the same elements of diffDst.
func (o Dropout) Gradient(g *Graph, op Op, diffOut []Value) ([]Value, error) {
	dx, err := g.Add1(o, diffOut[0], op.In[1])
	return []Value{dx, None}, err
}

// CounterType is the type of the value that random operations read: the run's seed and the step's number.
var CounterType = Type{Int64, Shape{2}}

// Reshape gives its input another shape of as many elements.
type Reshape struct{ Shape Shape }

// Name is "reshape".
func (Reshape) Name() string { return "reshape" }
func (Reshape) view()        {}

// Infer gives the type of dst.
func (o Reshape) Infer(in []Type) ([]Type, error) {
	if in[0].Shape.Size() != o.Shape.Size() {
		return nil, fmt.Errorf("reshape: src %v has %d elements, %v has %d: %w", in[0].Shape, in[0].Shape.Size(), o.Shape, o.Shape.Size(), ErrShape)
	}
	return []Type{{in[0].DType, o.Shape}}, nil
}

// Gradient reshapes back.
func (Reshape) Gradient(g *Graph, op Op, diffOut []Value) ([]Value, error) {
	dx, err := g.Add1(Reshape{g.Type(op.In[0]).Shape}, diffOut[0])
	return []Value{dx}, err
}
