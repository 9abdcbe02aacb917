package expr_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/meseta-go/meseta/expr"
	"github.com/meseta-go/meseta/expr/exprtest"
	"github.com/meseta-go/meseta/ops"
)

// expression is a function of some inputs, for both Gorgonia and us.
type expression struct {
	name     string
	shapes   []ops.Shape
	build    func(in []*gorgonia.Node) (*gorgonia.Node, error)
	positive bool // draw inputs from 0.1 to 0.9, where logarithms are defined
}

func scalar(x float32) *gorgonia.Node { return gorgonia.NewConstant(x) }

// unaryCase is a function of one [4,3].
func unaryCase(name string, f func(*gorgonia.Node) (*gorgonia.Node, error)) expression {
	return expression{name, []ops.Shape{{4, 3}}, func(in []*gorgonia.Node) (*gorgonia.Node, error) { return f(in[0]) }, true}
}

// binaryCase is a function of two [4,3].
func binaryCase(name string, f func(a, b *gorgonia.Node) (*gorgonia.Node, error)) expression {
	return expression{name, []ops.Shape{{4, 3}, {4, 3}}, func(in []*gorgonia.Node) (*gorgonia.Node, error) { return f(in[0], in[1]) }, true}
}

func expressions() []expression {
	return []expression{
		unaryCase("abs", gorgonia.Abs), unaryCase("exp", gorgonia.Exp), unaryCase("log", gorgonia.Log), unaryCase("log2", gorgonia.Log2),
		unaryCase("neg", gorgonia.Neg), unaryCase("square", gorgonia.Square), unaryCase("sqrt", gorgonia.Sqrt), unaryCase("inverse", gorgonia.Inverse),
		unaryCase("inverse sqrt", gorgonia.InverseSqrt), unaryCase("cube", gorgonia.Cube), unaryCase("tanh", gorgonia.Tanh),
		unaryCase("sigmoid", gorgonia.Sigmoid), unaryCase("log1p", gorgonia.Log1p), unaryCase("expm1", gorgonia.Expm1),
		unaryCase("softplus", gorgonia.Softplus), unaryCase("sin", gorgonia.Sin), unaryCase("cos", gorgonia.Cos), unaryCase("mish", gorgonia.Mish),
		unaryCase("rectify", gorgonia.Rectify),
		unaryCase("leaky relu", func(x *gorgonia.Node) (*gorgonia.Node, error) { return gorgonia.LeakyRelu(x, .1) }),
		unaryCase("softmax", func(x *gorgonia.Node) (*gorgonia.Node, error) { return gorgonia.SoftMax(x) }),
		unaryCase("sum of rows", func(x *gorgonia.Node) (*gorgonia.Node, error) { return gorgonia.Sum(x, 1) }),
		unaryCase("sum of columns", func(x *gorgonia.Node) (*gorgonia.Node, error) { return gorgonia.Sum(x, 0) }),
		unaryCase("sum", func(x *gorgonia.Node) (*gorgonia.Node, error) { return gorgonia.Sum(x) }),
		unaryCase("mean of rows", func(x *gorgonia.Node) (*gorgonia.Node, error) { return gorgonia.Mean(x, 1) }),
		unaryCase("mean", func(x *gorgonia.Node) (*gorgonia.Node, error) { return gorgonia.Mean(x) }),
		unaryCase("norm", func(x *gorgonia.Node) (*gorgonia.Node, error) { return gorgonia.Norm(x, 1, 2) }),
		unaryCase("slice of columns", func(x *gorgonia.Node) (*gorgonia.Node, error) { return gorgonia.Slice(x, nil, gorgonia.S(0, 2)) }),
		unaryCase("one column", func(x *gorgonia.Node) (*gorgonia.Node, error) { return gorgonia.Slice(x, nil, gorgonia.S(1)) }),
		unaryCase("some rows", func(x *gorgonia.Node) (*gorgonia.Node, error) { return gorgonia.Slice(x, gorgonia.S(1, 3)) }),
		unaryCase("reshape", func(x *gorgonia.Node) (*gorgonia.Node, error) { return gorgonia.Reshape(x, tensor.Shape{2, 6}) }),
		unaryCase("transpose", func(x *gorgonia.Node) (*gorgonia.Node, error) { return gorgonia.Transpose(x) }),
		unaryCase("constant minus", func(x *gorgonia.Node) (*gorgonia.Node, error) { return gorgonia.Sub(scalar(2), x) }),
		unaryCase("minus constant", func(x *gorgonia.Node) (*gorgonia.Node, error) { return gorgonia.Sub(x, scalar(2)) }),
		unaryCase("times constant", func(x *gorgonia.Node) (*gorgonia.Node, error) { return gorgonia.Mul(scalar(3), x) }),
		unaryCase("over constant", func(x *gorgonia.Node) (*gorgonia.Node, error) { return gorgonia.Div(x, scalar(4)) }),
		unaryCase("constant over", func(x *gorgonia.Node) (*gorgonia.Node, error) { return gorgonia.Div(scalar(4), x) }),
		unaryCase("plus zero", func(x *gorgonia.Node) (*gorgonia.Node, error) { return gorgonia.Add(x, scalar(0)) }),
		unaryCase("power", func(x *gorgonia.Node) (*gorgonia.Node, error) { return gorgonia.Pow(x, scalar(2.5)) }),
		binaryCase("add", gorgonia.Add), binaryCase("sub", gorgonia.Sub), binaryCase("product", gorgonia.HadamardProd),
		binaryCase("quotient", gorgonia.HadamardDiv), binaryCase("binary cross-entropy", gorgonia.BinaryXent),
		binaryCase("concat", func(a, b *gorgonia.Node) (*gorgonia.Node, error) { return gorgonia.Concat(1, a, b) }),
		binaryCase("masked", func(a, b *gorgonia.Node) (*gorgonia.Node, error) {
			return gorgonia.HadamardProd(gorgonia.Must(gorgonia.Lt(a, b, true)), gorgonia.Must(gorgonia.HadamardProd(a, b)))
		}),
		{"matrix product", []ops.Shape{{4, 3}, {3, 5}}, func(in []*gorgonia.Node) (*gorgonia.Node, error) { return gorgonia.Mul(in[0], in[1]) }, false},
		{"matrix and vector", []ops.Shape{{4, 3}, {3}}, func(in []*gorgonia.Node) (*gorgonia.Node, error) { return gorgonia.Mul(in[0], in[1]) }, false},
		{"dot", []ops.Shape{{5}, {5}}, func(in []*gorgonia.Node) (*gorgonia.Node, error) { return gorgonia.Mul(in[0], in[1]) }, false},
		{"outer", []ops.Shape{{3}, {3}}, func(in []*gorgonia.Node) (*gorgonia.Node, error) { return gorgonia.OuterProd(in[0], in[1]) }, false},
		{"broadcast vector", []ops.Shape{{4, 3}, {3}}, func(in []*gorgonia.Node) (*gorgonia.Node, error) {
			return gorgonia.BroadcastHadamardProd(in[0], in[1], nil, []byte{0})
		}, false},
		{"broadcast column", []ops.Shape{{4, 3}, {4}}, func(in []*gorgonia.Node) (*gorgonia.Node, error) {
			return gorgonia.BroadcastSub(in[0], in[1], nil, []byte{1})
		}, false},
		{"image to channels last", []ops.Shape{{2, 3, 4, 5}}, func(in []*gorgonia.Node) (*gorgonia.Node, error) {
			return gorgonia.Transpose(in[0], 0, 2, 3, 1)
		}, false},
	}
}

// wrongInGorgonia has the gradients that Gorgonia 0.9.18 gets wrong: it gives ln2/x for log2, -1/(2y³) for y = 1/√x, and of an outer product
// those of its transpose.
var wrongInGorgonia = map[string]func(in [][]float32, seed []float32) [][]float32{
	"log2":         derivative(func(x float64) float64 { return 1 / (x * math.Ln2) }),
	"inverse sqrt": derivative(func(x float64) float64 { return -.5 * math.Pow(x, -1.5) }),
	"outer": func(in [][]float32, seed []float32) [][]float32 {
		a, b := make([]float32, len(in[0])), make([]float32, len(in[1]))
		for i := range a {
			for j := range b {
				a[i] += seed[i*len(b)+j] * in[1][j]
				b[j] += seed[i*len(b)+j] * in[0][i]
			}
		}
		return [][]float32{a, b}
	},
}

func derivative(f func(x float64) float64) func(in [][]float32, seed []float32) [][]float32 {
	return func(in [][]float32, seed []float32) [][]float32 {
		diff := make([]float32, len(in[0]))
		for i, x := range in[0] {
			diff[i] = seed[i] * float32(f(float64(x)))
		}
		return [][]float32{diff}
	}
}

// TestExpressionsAreGorgonias holds values and gradients against Gorgonia's own machine.
func TestExpressionsAreGorgonias(t *testing.T) {
	for _, e := range expressions() {
		t.Run(e.name, func(t *testing.T) {
			x := exprtest.Expression{Shapes: e.shapes, Build: e.build, Gradients: wrongInGorgonia[e.name]}
			if e.positive {
				x.Low, x.High = .1, .9
			}
			exprtest.Check(t, x)
		})
	}
}

func TestUnsupportedOperationsAreNamed(t *testing.T) {
	for _, c := range []struct {
		name  string
		build func(in []*gorgonia.Node) (*gorgonia.Node, error)
	}{
		{"ceil", func(in []*gorgonia.Node) (*gorgonia.Node, error) { return gorgonia.Ceil(in[0]) }},
		{"Dropout", func(in []*gorgonia.Node) (*gorgonia.Node, error) { return gorgonia.Dropout(in[0], .5) }},
		{"At", func(in []*gorgonia.Node) (*gorgonia.Node, error) { return gorgonia.At(in[0], 1, 1) }},
		{"Sparsemax", func(in []*gorgonia.Node) (*gorgonia.Node, error) { return gorgonia.Sparsemax(in[0]) }},
		{"mine", func(in []*gorgonia.Node) (*gorgonia.Node, error) {
			return gorgonia.Add(in[0], gorgonia.NewTensor(in[0].Graph(), tensor.Float32, 2, gorgonia.WithShape(4, 3), gorgonia.WithName("mine")))
		}},
	} {
		g := &ops.Graph{}
		_, err := expr.Lower(g, []ops.Value{g.NewValue("", ops.F32(4, 3), ops.Input)}, c.build)
		assert.ErrorIs(t, err, expr.ErrUnsupported, c.name)
		assert.ErrorContains(t, err, c.name)
	}
}
