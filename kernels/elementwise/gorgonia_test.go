package elementwise

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	_ "go4.org/unsafe/assume-no-moving-gc" // this version asks the runtime, the one that Gorgonia pins panics on new Go
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/meseta-go/meseta/kernels/vec/parity"
	"github.com/meseta-go/meseta/ops"
)

// TestReferenceAgainstGorgonia holds bias and ReLU against Gorgonia's, and the sum of columns against the bias's symbolic gradient.
func TestReferenceAgainstGorgonia(t *testing.T) {
	const rows, c = 6, 5
	src, bias, diffDst := parity.Normal(rng, rows*c), parity.Normal(rng, c), parity.Normal(rng, rows*c)
	g := gorgonia.NewGraph()
	node := func(name string, values []float64, shape ...int) *gorgonia.Node {
		return gorgonia.NewTensor(g, tensor.Float64, len(shape), gorgonia.WithName(name), gorgonia.WithShape(shape...),
			gorgonia.WithValue(tensor.New(tensor.WithShape(shape...), tensor.WithBacking(append([]float64(nil), values...)))))
	}
	x, b, weights := node("src", src, rows, c), node("bias", bias, c), node("diffDst", diffDst, rows, c)
	y := gorgonia.Must(gorgonia.Rectify(gorgonia.Must(gorgonia.BroadcastAdd(x, b, nil, []byte{0}))))
	sum := gorgonia.Must(gorgonia.Sum(gorgonia.Must(gorgonia.HadamardProd(y, weights))))
	gradients, err := gorgonia.Grad(sum, x, b)
	require.NoError(t, err)
	// The machine reuses the memory of what is inside an expression; Read keeps a copy.
	var yValue gorgonia.Value
	gorgonia.Read(y, &yValue)
	machine := gorgonia.NewTapeMachine(g)
	defer machine.Close()
	require.NoError(t, machine.RunAll())

	dst, diffSrc, diffBias := make([]float64, rows*c), make([]float64, rows*c), make([]float64, c)
	ReferenceBiasAdd(dst, src, bias)
	ReferenceReLU(dst, dst, ops.ReLU)
	assert.InDeltaSlice(t, yValue.Data(), dst, 1e-14)
	ReferenceReLUBackward(diffSrc, diffDst, dst, ops.ReLU)
	assert.InDeltaSlice(t, gradients[0].Value().Data(), diffSrc, 1e-14)
	ReferenceColumnSum(diffBias, diffSrc)
	assert.InDeltaSlice(t, gradients[1].Value().Data(), diffBias, 1e-14)
}

// TestFunctionsAgainstGorgonia holds functions of one number, and products with a broadcast vector, against Gorgonia's and their symbolic
// gradients.
func TestFunctionsAgainstGorgonia(t *testing.T) {
	const rows, c = 4, 3
	for f, its := range map[ops.UnaryFunc]func(*gorgonia.Node) (*gorgonia.Node, error){
		ops.Exp: gorgonia.Exp, ops.Log: gorgonia.Log, ops.Sqrt: gorgonia.Sqrt, ops.Square: gorgonia.Square, ops.Tanh: gorgonia.Tanh,
		ops.Sigmoid: gorgonia.Sigmoid, ops.Softplus: gorgonia.Softplus, ops.Log1p: gorgonia.Log1p, ops.Expm1: gorgonia.Expm1, ops.Sin: gorgonia.Sin,
	} {
		src, scale := parity.Normal(rng, rows*c), parity.Normal(rng, c)
		for i := range src {
			src[i] = math.Abs(src[i]) + .1
		}
		g := gorgonia.NewGraph()
		x := gorgonia.NewMatrix(g, tensor.Float64, gorgonia.WithName("x"), gorgonia.WithShape(rows, c),
			gorgonia.WithValue(tensor.New(tensor.WithShape(rows, c), tensor.WithBacking(append([]float64(nil), src...)))))
		w := gorgonia.NewVector(g, tensor.Float64, gorgonia.WithName("w"), gorgonia.WithShape(c),
			gorgonia.WithValue(tensor.New(tensor.WithShape(c), tensor.WithBacking(append([]float64(nil), scale...)))))
		y := gorgonia.Must(gorgonia.BroadcastHadamardProd(gorgonia.Must(its(x)), w, nil, []byte{0}))
		sum := gorgonia.Must(gorgonia.Sum(y))
		gradients, err := gorgonia.Grad(sum, x)
		require.NoError(t, err)
		machine := gorgonia.NewTapeMachine(g)
		require.NoError(t, machine.RunAll())

		o := ops.Unary{Func: f}
		dst, product, ones := make([]float64, rows*c), make([]float64, rows*c), make([]float64, rows*c)
		diffDst, diffSrc := make([]float64, rows*c), make([]float64, rows*c)
		ReferenceUnary(o, dst, src)
		ReferenceBinary(ops.Times, ops.Shape{rows, c}, ops.Shape{c}, product, dst, scale)
		total := 0.0
		for _, v := range product {
			total += v
		}
		from := src
		if f.FromDst() {
			from = dst
		}
		for i := range ones {
			ones[i] = 1
		}
		ReferenceBinary(ops.Times, ops.Shape{rows, c}, ops.Shape{c}, diffDst, ones, scale)
		ReferenceUnaryBackward(ops.UnaryBackward(o), diffSrc, diffDst, from)
		assert.InDelta(t, sum.Value().Data(), total, 1e-12, "%v", f)
		assert.InDeltaSlice(t, gradients[0].Value().Data(), diffSrc, 1e-12, "%v", f)
		require.NoError(t, machine.Close())
	}
}
