package norm

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	_ "go4.org/unsafe/assume-no-moving-gc" // this version asks the runtime, the one that Gorgonia pins panics on new Go
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/meseta-go/meseta/kernels/vec/parity"
	"github.com/meseta-go/meseta/ops"
)

// TestReferenceAgainstGorgonia holds batch normalization with a residual and a ReLU behind it against the same expression in
// Gorgonia, statistics included, and its symbolic gradients. (Gorgonia's own BatchNorm gives no gradient of its scale.)
func TestReferenceAgainstGorgonia(t *testing.T) {
	p := Params{Rows: 7, C: 3, Epsilon: 1e-3}
	size := p.Rows * p.C
	src, residual, gamma, beta, diffDst := parity.Normal(rng, size), parity.Normal(rng, size), parity.Normal(rng, p.C), parity.Normal(rng, p.C), parity.Normal(rng, size)
	g := gorgonia.NewGraph()
	node := func(name string, values []float64, shape ...int) *gorgonia.Node {
		return gorgonia.NewTensor(g, tensor.Float64, len(shape), gorgonia.WithName(name), gorgonia.WithShape(shape...),
			gorgonia.WithValue(tensor.New(tensor.WithShape(shape...), tensor.WithBacking(append([]float64(nil), values...)))))
	}
	x, r, weights := node("src", src, p.Rows, p.C), node("residual", residual, p.Rows, p.C), node("diffDst", diffDst, p.Rows, p.C)
	scale, offset := node("gamma", gamma, p.C), node("beta", beta, p.C)
	perRow := []byte{0}
	count := gorgonia.NewConstant(float64(p.Rows))
	mean := gorgonia.Must(gorgonia.Div(gorgonia.Must(gorgonia.Sum(x, 0)), count))
	centred := gorgonia.Must(gorgonia.BroadcastSub(x, mean, nil, perRow))
	variance := gorgonia.Must(gorgonia.Div(gorgonia.Must(gorgonia.Sum(gorgonia.Must(gorgonia.Square(centred)), 0)), count))
	std := gorgonia.Must(gorgonia.Sqrt(gorgonia.Must(gorgonia.Add(variance, gorgonia.NewConstant(float64(p.Epsilon))))))
	normal := gorgonia.Must(gorgonia.BroadcastHadamardDiv(centred, std, nil, perRow))
	y := gorgonia.Must(gorgonia.BroadcastAdd(gorgonia.Must(gorgonia.BroadcastHadamardProd(normal, scale, nil, perRow)), offset, nil, perRow))
	y = gorgonia.Must(gorgonia.Rectify(gorgonia.Must(gorgonia.Add(y, r))))
	sum := gorgonia.Must(gorgonia.Sum(gorgonia.Must(gorgonia.HadamardProd(y, weights))))
	gradients, err := gorgonia.Grad(sum, x, scale, offset, r)
	require.NoError(t, err)
	// The machine reuses the memory of what is inside an expression; Read keeps a copy.
	var yValue gorgonia.Value
	gorgonia.Read(y, &yValue)
	var varianceValue gorgonia.Value
	gorgonia.Read(variance, &varianceValue)
	machine := gorgonia.NewTapeMachine(g)
	defer machine.Close()
	require.NoError(t, machine.RunAll())

	dst, m, v, invStd := make([]float64, size), make([]float64, p.C), make([]float64, p.C), make([]float64, p.C)
	ReferenceForward(p, Fused{Add: true, Activation: ops.ReLU}, dst, m, v, invStd, src, gamma, beta, residual)
	assert.InDeltaSlice(t, yValue.Data(), dst, 1e-12)
	assert.InDeltaSlice(t, varianceValue.Data(), v, 1e-12)
	got := [][]float64{make([]float64, size), make([]float64, p.C), make([]float64, p.C), make([]float64, size)}
	ReferenceBackward(p, BackwardFused{Mask: ops.ReLU, DiffResidual: true}, got[0], got[1], got[2], got[3], diffDst, dst, src, gamma, m, invStd)
	for i := range got {
		assert.InDeltaSlice(t, gradients[i].Value().Data(), got[i], 1e-12, "gradient %d", i)
	}
}
