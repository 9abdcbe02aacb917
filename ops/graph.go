package ops

import "fmt"

// Value names a value of a Graph: the index of its Info.
type Value int32

// None stands for "no value", such as the gradient of labels.
const None Value = -1

// Role says where a value lives and who writes it.
type Role uint8

// The roles.
const (
	Temporary Role = iota // written by the one operation that it results from
	Input                 // written by the host before each step
	Parameter             // trainable; lives across steps
	State                 // not trainable; lives across steps: moving statistics, optimizer slots, sums, counters
)

// Info describes a value.
type Info struct {
	Name string // of inputs, parameters and states: unique, and the same in every program of a model
	Type Type
	Role Role
}

// Operator is one kind of operation with its attributes: the Conv2D of given strides and padding, say.
type Operator interface {
	// Name is the short name that a printed program shows.
	Name() string
	// Infer checks the types of the inputs and gives those of the outputs.
	// Its errors wrap ErrShape.
	Infer(in []Type) ([]Type, error)
}

// Differentiable is an Operator that knows which operations are its gradient.
type Differentiable interface {
	Operator
	// Gradient emits the operations that compute the gradients of op's inputs from those of its outputs and
	// returns them in the order of the inputs, None where an input has none. Entries of diffOut may be None.
	Gradient(g *Graph, op Op, diffOut []Value) ([]Value, error)
}

// Coster is an Operator that costs more than a few operations an element.
type Coster interface {
	FLOPs(in, out []Type) int64 // floating-point operations, a multiply-add being two
}

// InPlacer is an Operator whose first output may be written over one of its inputs.
type InPlacer interface {
	InPlace() []int // the inputs that qualify, best first
}

// Viewer is an Operator whose output is its first input under another shape: no arithmetic, no copy.
type Viewer interface{ view() }

// Updater is an Operator that changes states or parameters; it runs although nobody reads its results.
type Updater interface {
	// Updates gives the inputs that it writes, among n.
	Updates(n int) []int
}

// IsView says whether an operator only renames its input.
func IsView(o Operator) bool { _, ok := o.(Viewer); return ok }

// Op is an Operator applied to values.
type Op struct {
	Operator
	In, Out []Value
	Label   string // the layer or phase it stands for, for people
}

// Graph is a list of operations in the order in which they run. Each Temporary is the output of exactly one.
type Graph struct {
	Values []Info
	Ops    []Op
	Label  string // given to operations as they are added
}

// NewValue adds a value that no operation of the graph makes.
func (g *Graph) NewValue(name string, t Type, r Role) Value {
	g.Values = append(g.Values, Info{name, t, r})
	return Value(len(g.Values) - 1)
}

// Type gives the type of v.
func (g *Graph) Type(v Value) Type { return g.Values[v].Type }

// Types gives the types of several values.
func (g *Graph) Types(vs []Value) []Type {
	ts := make([]Type, len(vs))
	for i, v := range vs {
		ts[i] = g.Type(v)
	}
	return ts
}

// Add appends the operation o on in, and returns its outputs.
// The error wraps ErrShape if o does not take values of these types.
func (g *Graph) Add(o Operator, in ...Value) ([]Value, error) {
	types, err := o.Infer(g.Types(in))
	for i := 0; err == nil && i < len(types); i++ {
		if err = types[i].Shape.Check(); err != nil {
			err = fmt.Errorf("%s: %w", o.Name(), err)
		}
	}
	if err != nil {
		if g.Label != "" {
			err = fmt.Errorf("%s: %w", g.Label, err)
		}
		return nil, err
	}
	out := make([]Value, len(types))
	for i, t := range types {
		out[i] = g.NewValue("", t, Temporary)
	}
	g.Ops = append(g.Ops, Op{o, in, out, g.Label})
	return out, nil
}

// Add1 is Add for operators of one output.
func (g *Graph) Add1(o Operator, in ...Value) (Value, error) {
	out, err := g.Add(o, in...)
	if err != nil {
		return None, err
	}
	return out[0], nil
}

// Gradients appends the operations that compute the gradient of sum(seed · y) for every value in wrt, and returns them in that
// order; None for a value that y does not depend on. The seed has the type of y.
//
// It is reverse accumulation: each operation, last first, turns the gradients of its outputs into those of its
// inputs, and a value that is read twice gets the sum. Gradients that nobody reads are emitted too; the planner drops them.
func (g *Graph) Gradients(y, seed Value, wrt []Value) ([]Value, error) {
	diff := make(map[Value]Value, len(g.Values))
	diff[y] = seed
	label := g.Label
	defer func() { g.Label = label }()
	forward := g.Ops
	for i := len(forward) - 1; i >= 0; i-- {
		op := forward[i]
		diffOut := make([]Value, len(op.Out))
		reached := false
		for j, v := range op.Out {
			d, ok := diff[v]
			if !ok {
				d = None
			}
			diffOut[j] = d
			reached = reached || ok
		}
		if !reached {
			continue
		}
		d, ok := op.Operator.(Differentiable)
		if !ok {
			return nil, fmt.Errorf("ops: %s (%s) has no gradient", op.Name(), op.Label)
		}
		g.Label = op.Label
		diffIn, err := d.Gradient(g, op, diffOut)
		if err != nil {
			return nil, err
		}
		for j, v := range op.In {
			if diffIn[j] == None {
				continue
			}
			if prev, ok := diff[v]; ok {
				if diff[v], err = g.Add1(Add{}, prev, diffIn[j]); err != nil {
					return nil, err
				}
			} else {
				diff[v] = diffIn[j]
			}
		}
	}
	out := make([]Value, len(wrt))
	for i, v := range wrt {
		d, ok := diff[v]
		if !ok {
			d = None
		}
		out[i] = d
	}
	return out, nil
}
