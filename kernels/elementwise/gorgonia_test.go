package elementwise

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	_ "go4.org/unsafe/assume-no-moving-gc" // this version asks the runtime, the one that Gorgonia pins panics on new Go
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/meseta-go/meseta/kernels/vec/parity"
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
	ReferenceReLU(dst, dst)
	assert.InDeltaSlice(t, yValue.Data(), dst, 1e-14)
	ReferenceReLUBackward(diffSrc, diffDst, dst)
	assert.InDeltaSlice(t, gradients[0].Value().Data(), diffSrc, 1e-14)
	ReferenceColumnSum(diffBias, diffSrc)
	assert.InDeltaSlice(t, gradients[1].Value().Data(), diffBias, 1e-14)
}
