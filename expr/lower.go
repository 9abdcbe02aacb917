package expr

import (
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"

	_ "go4.org/unsafe/assume-no-moving-gc" // this version asks the runtime, the one that Gorgonia pins panics on new Go
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/meseta-go/meseta/ops"
)

// Lower builds an expression of some values of g, in Gorgonia float32 tensors of their shapes, adds its operations to g, and returns its value.
// Errors wrap ErrUnsupported, ops.ErrShape, or what build returned.
func Lower(g *ops.Graph, in []ops.Value, build func(in []*gorgonia.Node) (*gorgonia.Node, error)) (ops.Value, error) {
	e := gorgonia.NewGraph()
	l := &lowering{graph: g, values: map[*gorgonia.Node]ops.Value{}}
	nodes := make([]*gorgonia.Node, len(in))
	for i, v := range in {
		s := g.Type(v).Shape
		nodes[i] = gorgonia.NewTensor(e, tensor.Float32, len(s), gorgonia.WithShape(s...), gorgonia.WithName(fmt.Sprintf("input%d", i)))
		l.values[nodes[i]] = v
	}
	out, err := build(nodes)
	if err != nil {
		return ops.None, err
	}
	if out == nil {
		return ops.None, fmt.Errorf("the expression gave neither a node nor an error: %w", ops.ErrShape)
	}
	v := l.value(out)
	return v, l.err
}

// lowering turns the nodes of one expression into operations. The first error is kept.
type lowering struct {
	graph  *ops.Graph
	values map[*gorgonia.Node]ops.Value
	err    error
}

// value is what a node stands for, with its operations added before.
func (l *lowering) value(n *gorgonia.Node) ops.Value {
	if v, ok := l.values[n]; ok || l.err != nil {
		return v
	}
	if v, ok := constant(n); ok {
		l.values[n] = l.add(ops.Fill{Type: ops.Type{Shape: shapeOf(n)}, Value: v})
		return l.values[n]
	}
	if n.Op() == nil {
		return l.fail("%s is neither an argument of the expression nor a scalar constant; a Layer may have weights: %w", n.Name(), ErrUnsupported)
	}
	in, err := inputs(n)
	if err != nil {
		return l.fail("%v: %w", n, err)
	}
	v := l.operation(n, in)
	if l.err == nil && !l.graph.Type(v).Shape.Equal(shapeOf(n)) {
		v = l.add(ops.Reshape{Shape: shapeOf(n)}, v)
	}
	l.values[n] = v
	return v
}

// inputs lists what a node's operation is applied to. Gorgonia keeps that to itself; its graph's From goes by numbers that two nodes may share once
// it has rewritten an expression to be more exact.
func inputs(n *gorgonia.Node) ([]*gorgonia.Node, error) {
	field := reflect.ValueOf(n).Elem().FieldByName("children")
	if !field.IsValid() || field.Type() != reflect.TypeFor[gorgonia.Nodes]() {
		return nil, fmt.Errorf("nodes of this version of Gorgonia have no list of children: %w", ErrUnsupported)
	}
	list := make([]*gorgonia.Node, field.Len())
	for i := range list {
		list[i] = (*gorgonia.Node)(field.Index(i).UnsafePointer())
	}
	return list, nil
}

// operation adds what a node's operation does to its inputs. Gorgonia's types of operations are not exported, so it goes by what they print.
func (l *lowering) operation(n *gorgonia.Node, in []*gorgonia.Node) ops.Value {
	kind := strings.TrimPrefix(strings.TrimPrefix(fmt.Sprintf("%T", n.Op()), "*"), "gorgonia.")
	text := n.Op().(fmt.Stringer).String()
	switch kind {
	case "elemUnaryOp":
		return l.unary(text, in[0])
	case "elemBinOp":
		return l.binary(strings.Fields(text)[0], in[0], in[1])
	case "minBetween":
		return l.add(ops.Binary{Func: ops.Minimum}, l.value(in[0]), l.value(in[1]))
	case "maxBetween":
		return l.add(ops.Binary{Func: ops.Maximum}, l.value(in[0]), l.value(in[1]))
	case "sumOp":
		return l.add(ops.Reduce{Func: ops.Sum, Axes: integers(text)}, l.value(in[0]))
	case "maxOp":
		return l.add(ops.Reduce{Func: ops.Max, Axes: integers(text)}, l.value(in[0]))
	case "softmaxOp":
		return l.softmax(integers(text)[0], strings.Contains(text, "true"), in[0])
	case "linAlgBinOp":
		return l.product(text, in[0], in[1])
	case "reshapeOp":
		return l.add(ops.Reshape{Shape: shapeOf(n)}, l.value(in[0]))
	case "transposeOp":
		return l.add(ops.Transpose{Perm: integers(text)}, l.value(in[0]))
	case "concatOp":
		return l.concat(integers(text)[0], in)
	case "repeatOp":
		if axis := integers(text)[0]; len(in[0].Shape()) != len(n.Shape()) || in[0].Shape()[axis] != 1 {
			return l.fail("%s of %v to %v, only a dimension of 1 can be repeated: %w", text, in[0].Shape(), n.Shape(), ErrUnsupported)
		}
		return l.add(ops.Broadcast{Shape: shapeOf(n)}, l.value(in[0]))
	case "sliceOp":
		return l.slice(text, in[0])
	}
	return l.fail("%s (%s): %w", text, kind, ErrUnsupported)
}

// unaries are Gorgonia's functions of one number that are one of ours.
var unaries = map[string]ops.UnaryFunc{
	"abs": ops.Abs, "sign": ops.Sign, "sin": ops.Sin, "cos": ops.Cos, "exp": ops.Exp, "ln": ops.Log, "neg": ops.Neg, "square": ops.Square,
	"sqrt": ops.Sqrt, "inv": ops.Reciprocal, "invSqrt": ops.Rsqrt, "tanh": ops.Tanh, "sigmoid": ops.Sigmoid, "log1p": ops.Log1p,
	"expm1": ops.Expm1, "softplus": ops.Softplus,
}

func (l *lowering) unary(name string, in *gorgonia.Node) ops.Value {
	src := l.value(in)
	if f, ok := unaries[name]; ok {
		return l.add(ops.Unary{Func: f}, src)
	}
	switch name {
	case "log2":
		return l.add(ops.Affine{Scale: 1 / math.Ln2}, l.add(ops.Unary{Func: ops.Log}, src))
	case "cube":
		return l.add(ops.Binary{Func: ops.Times}, src, l.add(ops.Unary{Func: ops.Square}, src))
	}
	return l.fail("%s (elemUnaryOp): %w", name, ErrUnsupported)
}

// binaries are Gorgonia's functions of two numbers. Comparisons give 1 and 0.
var binaries = map[string]ops.BinaryFunc{
	"+": ops.Plus, "-": ops.Minus, "⊙": ops.Times, "÷": ops.Divide, "^": ops.Pow, ">": ops.Greater, ">=": ops.GreaterEqual, "=": ops.Equal,
}

func (l *lowering) binary(name string, a, b *gorgonia.Node) ops.Value {
	switch name {
	case "<":
		return l.binary(">", b, a)
	case "<=":
		return l.binary(">=", b, a)
	case "!=":
		return l.add(ops.Affine{Scale: -1, Offset: 1}, l.binary("=", a, b))
	}
	f, ok := binaries[name]
	if !ok {
		return l.fail("%s (elemBinOp): %w", name, ErrUnsupported)
	}
	// One constant makes a function of one number, which needs no gradient of the other.
	if c, ok := constant(b); ok && c != 0 {
		switch f {
		case ops.Plus:
			return l.add(ops.Affine{Scale: 1, Offset: c}, l.value(a))
		case ops.Minus:
			return l.add(ops.Affine{Scale: 1, Offset: -c}, l.value(a))
		case ops.Times:
			return l.add(ops.Affine{Scale: c}, l.value(a))
		case ops.Pow:
			return l.add(ops.Unary{Func: ops.PowScalar, A: c}, l.value(a))
		}
	}
	if c, ok := constant(a); ok && c != 0 {
		switch f {
		case ops.Plus:
			return l.add(ops.Affine{Scale: 1, Offset: c}, l.value(b))
		case ops.Minus:
			return l.add(ops.Affine{Scale: -1, Offset: c}, l.value(b))
		case ops.Times:
			return l.add(ops.Affine{Scale: c}, l.value(b))
		}
	}
	return l.add(ops.Binary{Func: f}, l.value(a), l.value(b))
}

// softmax is over one axis, -1 being Gorgonia's default, the last.
func (l *lowering) softmax(axis int, log bool, in *gorgonia.Node) ops.Value {
	var o ops.Operator = ops.Softmax{}
	if log {
		o = ops.LogSoftmax{}
	}
	if axis == -1 {
		axis = in.Dims() - 1
	}
	return l.along(axis, o, l.value(in))
}

// along adds an operation that goes along the last dimension so that it goes along another.
func (l *lowering) along(axis int, o ops.Operator, in ...ops.Value) ops.Value {
	if l.err != nil {
		return ops.None
	}
	last := len(l.graph.Type(in[0]).Shape) - 1
	if axis == last {
		return l.add(o, in...)
	}
	exchange := ops.Transpose{Perm: make([]int, last+1)} // is its own inverse
	for i := range exchange.Perm {
		exchange.Perm[i] = i
	}
	exchange.Perm[axis], exchange.Perm[last] = last, axis
	turned := make([]ops.Value, len(in))
	for i, v := range in {
		turned[i] = l.add(exchange, v)
	}
	return l.add(exchange, l.add(o, turned...))
}

// product is one of Gorgonia's products of matrices and vectors; a ᵀ says which is transposed.
func (l *lowering) product(text string, a, b *gorgonia.Node) ops.Value {
	left, right := l.value(a), l.value(b)
	if l.err != nil {
		return ops.None
	}
	s, t := l.graph.Type(left).Shape, l.graph.Type(right).Shape
	transA, transB := strings.Contains(strings.ToLower(text), "aᵀ"), strings.HasSuffix(text, "ᵀ")
	switch {
	case strings.Contains(text, "×××"):
		return l.add(ops.BatchMatMul{TransA: transA, TransB: transB}, left, right)
	case strings.Contains(text, "⋅"):
		left, right = l.reshape(left, 1, s[0]), l.reshape(right, t[0], 1)
	case strings.Contains(text, "⊗"):
		left, right = l.reshape(left, s.Size(), 1), l.reshape(right, 1, t.Size())
	case strings.HasSuffix(text, "b"): // a matrix and a vector
		right = l.reshape(right, t[0], 1)
		transB = false
	}
	return l.add(ops.MatMul{TransA: transA, TransB: transB}, left, right)
}

func (l *lowering) concat(axis int, in []*gorgonia.Node) ops.Value {
	list := make([]ops.Value, len(in))
	for i, n := range in {
		list[i] = l.value(n)
	}
	return l.along(axis, ops.Concat{}, list...)
}

// slice reads "T[:, 0:2:1...]": all of the dimensions before the one that is cut, and where it is cut.
func (l *lowering) slice(text string, in *gorgonia.Node) ops.Value {
	src := l.value(in)
	dims := strings.Split(strings.TrimSuffix(strings.TrimPrefix(text, "T["), "...]"), ", ")
	axis := len(dims) - 1
	if dims[axis] == ":" {
		return src
	}
	cut := integers(dims[axis])
	if len(cut) != 3 || cut[2] > 1 {
		return l.fail("%s (sliceOp), only steps of 1 are known: %w", text, ErrUnsupported)
	}
	return l.along(axis, ops.Channels{First: cut[0], Count: cut[1] - cut[0]}, src)
}

func (l *lowering) reshape(v ops.Value, shape ...int) ops.Value {
	return l.add(ops.Reshape{Shape: shape}, v)
}

func (l *lowering) add(o ops.Operator, in ...ops.Value) ops.Value {
	if l.err != nil {
		return ops.None
	}
	var v ops.Value
	v, l.err = l.graph.Add1(o, in...)
	return v
}

func (l *lowering) fail(format string, args ...any) ops.Value {
	if l.err == nil {
		l.err = fmt.Errorf(format, args...)
	}
	return ops.None
}

// constant gives the number of a node that is a scalar constant, or the extent of a dimension.
func constant(n *gorgonia.Node) (float32, bool) {
	if size, ok := strings.CutPrefix(n.Name(), "SizeOf="); ok && n.Op() != nil {
		size, _, _ = strings.Cut(size, "(")
		x, err := strconv.Atoi(size)
		return float32(x), err == nil
	}
	if n.IsVar() || n.Value() == nil || !n.IsScalar() {
		return 0, false
	}
	switch x := n.Value().Data().(type) {
	case float32:
		return x, true
	case float64:
		return float32(x), true
	}
	return 0, false
}

func shapeOf(n *gorgonia.Node) ops.Shape { return append(ops.Shape{}, n.Shape()...) }

// integers lists the integers in a text.
func integers(text string) []int {
	var list []int
	for _, field := range strings.FieldsFunc(text, func(r rune) bool { return (r < '0' || r > '9') && r != '-' }) {
		if i, err := strconv.Atoi(field); err == nil {
			list = append(list, i)
		}
	}
	return list
}
