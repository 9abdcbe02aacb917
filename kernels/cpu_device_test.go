package kernels

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/meseta-go/meseta/kernels/cpu"
	"github.com/meseta-go/meseta/ops"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// example is an operator with types of inputs that it takes.
type example struct {
	op ops.Operator
	in []ops.Type
}

// examples has each operator of package ops, by family.
var examples = slices.Concat(convExamples, normExamples, poolExamples, elementwiseExamples, functionExamples(), noiseExamples, arrangeExamples, lossExamples, measureExamples, updateExamples)

// Types of values that several examples take.
var (
	f       = ops.F32
	image   = f(4, 6, 6, 3)
	filter  = f(3, 3, 3, 3)
	channel = f(3)
	labels  = ops.Type{DType: ops.Int32, Shape: ops.Shape{4}}
	padded  = ops.Window{Strides: [2]int{1, 1}, Dilation: [2]int{1, 1}, PadBefore: [2]int{1, 1}, PadAfter: [2]int{1, 1}}
	pooling = ops.MaxPool{Window: ops.Window{Strides: [2]int{2, 2}, Dilation: [2]int{1, 1}}, Size: [2]int{2, 2}}
)

var convExamples = []example{
	{ops.Conv2D{Window: padded, Bias: true, Activation: ops.ReLU}, []ops.Type{image, filter, channel}},
	{ops.Conv2D{Window: padded, Add: true}, []ops.Type{image, filter, image}},
	{ops.Conv2DBackwardData{Window: padded, Src: image.Shape}, []ops.Type{image, filter}},
	{ops.Conv2DBackwardWeights{Window: padded, Filter: filter.Shape, Bias: true}, []ops.Type{image, image}},
	{ops.Conv2D{Window: padded, Groups: 3, Bias: true, Activation: ops.ReLU6}, []ops.Type{image, f(3, 3, 1, 6), f(6)}},
	{ops.Conv2DBackwardData{Window: padded, Src: image.Shape, Add: true}, []ops.Type{image, filter, image}},
	{ops.Conv2DBackwardData{Window: padded, Groups: 2, Src: f(4, 6, 6, 4).Shape}, []ops.Type{f(4, 6, 6, 6), f(3, 3, 2, 6)}},
	{ops.Conv2DBackwardWeights{Window: padded, Groups: 3, Filter: f(3, 3, 1, 6).Shape}, []ops.Type{image, f(4, 6, 6, 6)}},
	{ops.Conv2D{Window: padded, Bias: true, Load: ops.Load{Normalize: true, Activation: ops.ReLU6}}, []ops.Type{image, filter, channel, channel, channel, channel, channel}},
	{ops.Conv2DBackwardWeights{Window: padded, Filter: filter.Shape, Load: ops.Load{Normalize: true}}, []ops.Type{image, image, channel, channel, channel, channel}},
	{ops.Conv2D{Window: padded, Groups: 3, Load: ops.Load{Normalize: true}}, []ops.Type{image, f(3, 3, 1, 3), channel, channel, channel, channel}},
	{ops.Conv2DBackwardWeights{Window: padded, Groups: 3, Filter: f(3, 3, 1, 3).Shape, Load: ops.Load{Normalize: true}}, []ops.Type{image, image, channel, channel, channel, channel}},
	{ops.MatMul{Bias: true, Activation: ops.ReLU}, []ops.Type{f(4, 5), f(5, 3), channel}},
	{ops.MatMul{TransA: true, TransB: true, Activation: ops.ReLU6}, []ops.Type{f(5, 4), f(3, 5)}},
	{ops.BatchMatMul{TransA: true}, []ops.Type{f(4, 5, 3), f(4, 5, 2)}},
}

var normExamples = []example{
	{ops.BatchNorm{Epsilon: 1e-3, Add: true, Activation: ops.ReLU}, []ops.Type{image, channel, channel, image}},
	{ops.BatchNormStatistics{Epsilon: 1e-3}, []ops.Type{image}},
	{ops.BatchNormBackward{Mask: ops.ReLU, Residual: true}, []ops.Type{image, image, channel, channel, channel, image}},
	{ops.BatchNormBackward{Mask: ops.ReLU, Recompute: true}, []ops.Type{image, image, channel, channel, channel, channel}},
	{ops.BatchNormInference{Epsilon: 1e-3, Add: true}, []ops.Type{image, channel, channel, channel, channel, image}},
	{ops.GroupNorm{Groups: 3, Axes: 1, Epsilon: 1e-3, Scale: true, Center: true}, []ops.Type{image, channel, channel}},
	{ops.GroupNorm{Groups: 1, Axes: 2, Epsilon: 1e-3, Center: true}, []ops.Type{image, f(6, 3)}},
	{ops.GroupNormBackward{Groups: 3, Axes: 1, Scale: true}, []ops.Type{image, image, f(4, 3), f(4, 3), channel}},
	{ops.GroupNormBackward{Groups: 1, Axes: 2, Center: true}, []ops.Type{image, image, f(4, 1), f(4, 1)}},
	{ops.MovingAverage{Momentum: .9}, []ops.Type{channel, f(5), channel, f(5), ops.FlagType}},
}

var poolExamples = []example{
	{pooling, []ops.Type{image}},
	{ops.MaxPoolBackward(pooling), []ops.Type{f(4, 3, 3, 3), image, f(4, 3, 3, 3)}},
	{ops.AveragePool(pooling), []ops.Type{image}},
	{ops.AveragePoolBackward{Window: pooling.Window, Size: pooling.Size, Src: image.Shape}, []ops.Type{f(4, 3, 3, 3)}},
	{ops.GlobalAveragePool{}, []ops.Type{image}},
	{ops.GlobalAveragePoolBackward{Src: image.Shape}, []ops.Type{f(4, 3)}},
}

var elementwiseExamples = []example{
	{ops.BiasAdd{}, []ops.Type{image, channel}},
	{ops.ColumnSum{}, []ops.Type{image}},
	{ops.Relu{}, []ops.Type{image}},
	{ops.ReluBackward{}, []ops.Type{image, image}},
	{ops.Relu{Six: true}, []ops.Type{image}},
	{ops.ReluBackward{Six: true}, []ops.Type{image, image}},
	{ops.Add{}, []ops.Type{image, image}},
	{ops.Affine{Scale: 2, Offset: 1}, []ops.Type{image}},
	{ops.Constant{Values: []float32{1, 2, 3}}, nil},
	{ops.Fill{Type: f(4), Value: 2}, nil},
	{ops.Reduce{Func: ops.Mean, Axes: []int{1, 2}, KeepDims: true}, []ops.Type{image}},
	{ops.Reduce{Func: ops.Max}, []ops.Type{image}},
	{ops.Reduce{Func: ops.Sum, Axes: []int{3}}, []ops.Type{image}},
	{ops.Reduce{Func: ops.Min, Axes: []int{0}}, []ops.Type{image}},
	{ops.SumTo{Shape: ops.Shape{6, 1, 3}}, []ops.Type{image}},
	{ops.SumTo{Shape: ops.Shape{3}}, []ops.Type{image}},
	{ops.ArgMax{}, []ops.Type{image}},
}

// functionExamples has all functions of one and of two numbers.
func functionExamples() (list []example) {
	for f := range ops.UnaryFuncs {
		list = append(list,
			example{ops.Unary{Func: f, A: .5, B: 2}, []ops.Type{image}},
			example{ops.UnaryBackward{Func: f, A: .5, B: 2}, []ops.Type{image, image}},
		)
	}
	for f := range ops.BinaryFuncs {
		list = append(list, example{ops.Binary{Func: f}, []ops.Type{image, channel}})
	}
	return list
}

var noiseExamples = []example{
	{ops.Dropout{Rate: .5, Stream: 1}, []ops.Type{image, ops.CounterType}},
	{ops.SpatialDropout{Rate: .5, Stream: 1}, []ops.Type{image, ops.CounterType}},
	{ops.GaussianNoise{Deviation: .5, Stream: 1}, []ops.Type{image, ops.CounterType}},
	{ops.GaussianDropout{Deviation: .5, Stream: 1}, []ops.Type{image, ops.CounterType}},
}

var arrangeExamples = []example{
	{ops.Pad{Before: [2]int{1, 0}, After: [2]int{2, 1}}, []ops.Type{image}},
	{ops.Crop{Before: [2]int{1, 0}, After: [2]int{2, 1}}, []ops.Type{image}},
	{ops.Concat{}, []ops.Type{image, f(4, 6, 6, 2)}},
	{ops.Resize{Size: [2]int{4, 9}, Method: ops.Bilinear}, []ops.Type{image}},
	{ops.ResizeBackward{Src: image.Shape, Method: ops.Bilinear}, []ops.Type{f(4, 4, 9, 3)}},
	{ops.Resize{Size: [2]int{4, 9}, Method: ops.Nearest}, []ops.Type{image}},
	{ops.Resize{Size: [2]int{4, 9}, Method: ops.Bicubic}, []ops.Type{image}},
	{ops.Channels{First: 1, Count: 2}, []ops.Type{image}},
	{ops.Transpose{Perm: []int{0, 3, 1, 2}}, []ops.Type{image}},
	{ops.Broadcast{Shape: image.Shape}, []ops.Type{f(6, 1, 3)}},
	{ops.OneHot{Classes: 3}, []ops.Type{labels}},
}

var lossExamples = []example{
	{ops.Softmax{}, []ops.Type{f(4, 3)}},
	{ops.SoftmaxBackward{}, []ops.Type{f(4, 3), f(4, 3)}},
	{ops.Softmax{}, []ops.Type{image}},
	{ops.LogSoftmax{}, []ops.Type{image}},
	{ops.LogSoftmaxBackward{}, []ops.Type{image, image}},
	{ops.Sparsemax{}, []ops.Type{image}},
	{ops.SparsemaxBackward{}, []ops.Type{image, image}},
	{ops.CrossEntropy{}, []ops.Type{f(4, 3), labels}},
	{ops.CrossEntropyBackward{}, []ops.Type{f(4, 3), labels, f(4)}},
	{ops.LogLoss{}, []ops.Type{f(4, 3), labels}},
	{ops.LogLossBackward{}, []ops.Type{f(4, 3), labels, f(4)}},
	{ops.Correct{}, []ops.Type{f(4, 3), labels}},
	{ops.SoftCrossEntropy{}, []ops.Type{f(4, 3), f(4, 3)}},
	{ops.SoftLogLoss{}, []ops.Type{f(4, 2, 3), f(4, 2, 3)}},
	{ops.BinaryCrossEntropy{}, []ops.Type{f(4, 3), f(4, 3)}},
	{ops.BinaryLogLoss{}, []ops.Type{f(4, 3), f(4, 3)}},
	{ops.SoftLossBackward{Loss: ops.SoftCrossEntropy{}}, []ops.Type{f(4, 3), f(4, 3), f(4)}},
	{ops.SoftLossBackward{Loss: ops.SoftLogLoss{}}, []ops.Type{f(4, 3), f(4, 3), f(4)}},
	{ops.SoftLossBackward{Loss: ops.BinaryCrossEntropy{}}, []ops.Type{f(4, 3), f(4, 3), f(4)}},
	{ops.SoftLossBackward{Loss: ops.BinaryLogLoss{}}, []ops.Type{f(4, 3), f(4, 3), f(4)}},
}

var measureExamples = []example{
	{ops.InTopK{K: 2}, []ops.Type{f(4, 3), labels}},
	{ops.Accumulate{}, []ops.Type{ops.SumType, ops.SumType, f(4), f(4)}},
	{ops.Accumulate{Sample: ops.Sample{Weighted: true, Gated: true}}, []ops.Type{ops.SumType, f(4), f(4), ops.FlagType}},
	{ops.Tally{Thresholds: []float32{.2, .5}}, []ops.Type{sums(2, 3, 1), f(4, 3), f(4, 3)}},
	{ops.Tally{Sample: ops.Sample{Weighted: true, Gated: true}, Thresholds: []float32{.5}, PerColumn: true, Soft: true},
		[]ops.Type{sums(2, 2, 3), f(4, 2, 3), f(4, 2, 3), f(4), ops.FlagType}},
	{ops.Confuse{Sample: ops.Sample{Gated: true}}, []ops.Type{sums(3, 3), labels, labels, ops.FlagType}},
}

func sums(shape ...int) ops.Type { return ops.Type{DType: ops.Float64, Shape: shape} }

var updateExamples = []example{
	{ops.Finite{}, []ops.Type{ops.FlagType, f(4), image, channel}},
	{ops.AccumulateGradients{Every: 2}, []ops.Type{ops.IterationsType, ops.FlagType, image, channel, image, channel}},
	{ops.ClipGradients{GlobalNorm: 1}, []ops.Type{ops.FlagType, image, channel}},
	{ops.AverageWeights{Momentum: .9, Overwrite: 2}, []ops.Type{ops.IterationsType, ops.FlagType, image, channel, image, channel}},
	{ops.Penalties{Each: []ops.Penalty{{L1: .1, L2: .2}, {L2: .1}}}, []ops.Type{filter, channel}},
	{ops.Penalize{}, []ops.Type{f(4), ops.ScalarType}},
	{ops.Regularize{Each: []ops.Penalty{{L1: .1, L2: .2}, {L2: .1}}}, []ops.Type{filter, channel, filter, channel}},
	{ops.NonNegative{}, []ops.Type{filter, ops.FlagType}},
	{ops.ConstrainNorm{Max: 2, Rate: 1, Along: []bool{true, true, true, false}}, []ops.Type{filter, ops.FlagType}},
	optimizing(ops.SGD{Momentum: .9}, channel),
	optimizing(ops.Lamb{Beta1: .9, Beta2: .999, Epsilon: 1e-7}, filter, channel),
	{ops.Optimize{Rule: ops.Muon{Momentum: .9, A: 2, B: -1.5, C: .5, Steps: 5}, Parameters: 2, RateFactor: .5}, []ops.Type{
		ops.ScalarType, ops.IterationsType, ops.FlagType, f(5, 3), f(4, 7), f(5, 3), f(4, 7), f(5, 3), f(4, 7),
	}},
	optimizing(ops.Adam{Beta1: .9, Beta2: .999, Epsilon: 1e-7}, channel),
	optimizing(ops.Nadam{Beta1: .9, Beta2: .999, Epsilon: 1e-7}, channel),
	optimizing(ops.RMSprop{Rho: .9, Epsilon: 1e-7, Momentum: .5, Centered: true}, channel),
	optimizing(ops.Adagrad{Epsilon: 1e-7}, channel),
	optimizing(ops.Adadelta{Rho: .9, Epsilon: 1e-7}, channel),
	optimizing(ops.Adamax{Beta1: .9, Beta2: .999, Epsilon: 1e-7}, channel),
	optimizing(ops.Lion{Beta1: .9, Beta2: .99}, channel),
}

// optimizing is a step of a rule over parameters of these types.
func optimizing(r ops.UpdateRule, parameters ...ops.Type) example {
	in := []ops.Type{ops.ScalarType, ops.IterationsType, ops.FlagType}
	for range 2 + r.Slots() {
		in = append(in, parameters...)
	}
	return example{ops.Optimize{Rule: r, Parameters: len(parameters)}, in}
}

// TestEveryOperatorHasAKernel runs each operator once, on every instruction set.
func TestEveryOperatorHasAKernel(t *testing.T) {
	for _, isa := range cpu.Available() {
		c, err := NewCPU(cpu.Config{Threads: 2, ISA: &isa})
		require.NoError(t, err)
		for _, x := range examples {
			name := fmt.Sprintf("%s %v", x.op.Name(), isa)
			out, err := x.op.Infer(x.in)
			require.NoError(t, err, name)
			k, err := c.Choose(x.op, x.in, out)
			require.NoError(t, err, name)
			assert.NotEmpty(t, k.Variant(), name)
			m, err := c.Alloc(1 << 20)
			require.NoError(t, err)
			at := 0
			place := func(types []ops.Type) (list []Buffer) {
				for _, typ := range types {
					list = append(list, Buffer{m, at, typ.Bytes()})
					at += aligned(typ.Bytes())
				}
				return list
			}
			b := Buffers{In: place(x.in), Out: place(out)}
			for i, typ := range x.in {
				fillIn(b.In[i], typ)
			}
			b.Workspace = Buffer{m, at + Slack, k.WorkspaceBytes()}
			run := c.Sequence([]func(){k.Bind(b)})
			require.NoError(t, run())
			require.Zero(t, testing.AllocsPerRun(3, func() { _ = run() }), name)
			for i, typ := range out {
				if typ.DType == ops.Float32 {
					for _, v := range f32(b.Out[i]) {
						require.False(t, math.IsNaN(float64(v)), name)
					}
				}
			}
			require.NoError(t, m.Free())
		}
		require.NoError(t, c.Close())
	}
}

func fillIn(b Buffer, t ops.Type) {
	switch t.DType {
	case ops.Float32:
		for i, v := 0, f32(b); i < len(v); i++ {
			v[i] = float32(i%5+1) / 5
		}
	case ops.Int32:
		for i, v := 0, view[int32](b); i < len(v); i++ {
			v[i] = int32(1 - i%2)
		}
	}
}

// TestExamplesAreComplete: each operator has an example, and each rule of an optimizer.
func TestExamplesAreComplete(t *testing.T) {
	have := map[string]bool{}
	for _, x := range examples {
		have[typeName(x.op)] = true
		if o, ok := x.op.(ops.Optimize); ok {
			have[typeName(o.Rule)] = true
		}
	}
	methods := methodsOfOps(t)
	found := 0
	for name, m := range methods {
		if m["Infer"] && !m["view"] || m["Slots"] {
			found++
			assert.True(t, have[name], "%s has no example, so perhaps no kernel", name)
		}
	}
	assert.Greater(t, found, 80)
}

func typeName(v any) string { return strings.TrimPrefix(fmt.Sprintf("%T", v), "ops.") }

// methodsOfOps finds in the source of package ops the methods of its types. Operators are those with Infer, unless they are views; rules those with Slots.
func methodsOfOps(t *testing.T) map[string]map[string]bool {
	methods := map[string]map[string]bool{}
	for _, f := range parsed(t, "../ops/*.go") {
		for _, d := range f.Decls {
			m, ok := d.(*ast.FuncDecl)
			if !ok || m.Recv == nil {
				continue
			}
			if receiver, ok := m.Recv.List[0].Type.(*ast.Ident); ok {
				if methods[receiver.Name] == nil {
					methods[receiver.Name] = map[string]bool{}
				}
				methods[receiver.Name][m.Name.Name] = true
			}
		}
	}
	return methods
}

func parsed(t *testing.T, pattern string) (list []*ast.File) {
	files, err := filepath.Glob(pattern)
	require.NoError(t, err)
	for _, file := range files {
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		require.NoError(t, err)
		list = append(list, f)
	}
	return list
}

// TestEveryOperatorIsOnBothDevices needs neither the tag nvidia nor a driver: it finds in the source of CUDA.Choose and what it asks the operators and rules that
// they tell apart. TestCUDAHasEveryOperator does ask them. Tests with GPU in their names run where there is no source (bench/gpu).
func TestEveryOperatorIsOnBothDevices(t *testing.T) {
	cases := map[string]bool{}
	for _, f := range parsed(t, "cuda_*.go") {
		ast.Inspect(f, func(n ast.Node) bool {
			var types []ast.Expr
			switch n := n.(type) {
			case *ast.CaseClause:
				types = n.List
			case *ast.TypeAssertExpr:
				types = []ast.Expr{n.Type}
			}
			for _, e := range types {
				if s, ok := e.(*ast.SelectorExpr); ok && fmt.Sprint(s.X) == "ops" {
					cases[s.Sel.Name] = true
				}
			}
			return true
		})
	}
	for _, x := range examples {
		assert.True(t, cases[typeName(x.op)], "%s has no kernel for GPUs", x.op.Name())
		if o, ok := x.op.(ops.Optimize); ok {
			assert.True(t, cases[typeName(o.Rule)], "the rule %v has none", o.Rule)
		}
	}
}

func TestUnknownOperatorsAreErrors(t *testing.T) {
	c, err := NewCPU(cpu.Config{Threads: 1})
	require.NoError(t, err)
	defer c.Close()
	_, err = c.Choose(strange{}, nil, nil)
	assert.ErrorIs(t, err, ErrUnsupported)
	assert.ErrorContains(t, err, "strange on the CPU")
	_, err = c.Choose(ops.Conv2D{Window: padded, Groups: 3, Load: ops.Load{Normalize: true}}, []ops.Type{image, f(3, 3, 1, 6), channel, channel, channel, channel}, []ops.Type{f(4, 6, 6, 6)})
	assert.ErrorIs(t, err, ErrUnsupported)
	assert.ErrorContains(t, err, "groups 3 of batchnorm on the CPU")
}

// TestExact makes sure that the switch reaches all three passes of a convolution that would use Winograd's algorithm.
func TestExact(t *testing.T) {
	c, err := NewCPU(cpu.Config{Threads: 1})
	require.NoError(t, err)
	defer c.Close()
	image, filter := f(8, 8, 8, 64), f(3, 3, 64, 64)
	window := ops.Window{Strides: [2]int{1, 1}, Dilation: [2]int{1, 1}, PadBefore: [2]int{1, 1}, PadAfter: [2]int{1, 1}}
	for _, exact := range []bool{false, true} {
		c.Exact = exact
		for _, e := range []example{
			{ops.Conv2D{Window: window}, []ops.Type{image, filter}},
			{ops.Conv2DBackwardData{Window: window, Src: image.Shape}, []ops.Type{image, filter}},
			{ops.Conv2DBackwardWeights{Window: window, Filter: filter.Shape}, []ops.Type{image, image}},
		} {
			out, err := e.op.Infer(e.in)
			require.NoError(t, err)
			k, err := c.Choose(e.op, e.in, out)
			require.NoError(t, err)
			want := "winograd"
			if exact {
				want = "direct"
			}
			assert.Contains(t, k.Variant(), want, "%s, exact %v", e.op.Name(), exact)
		}
	}
}

type strange struct{}

func (strange) Name() string                         { return "strange" }
func (strange) Infer([]ops.Type) ([]ops.Type, error) { return nil, nil }
