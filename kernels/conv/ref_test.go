package conv

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/diff/fd"

	"github.com/meseta-go/meseta/ops"
)

// smallShapes are shapes small enough for one evaluation per element: each parameter differs from its neighbour's value
// somewhere, so that swapped axes show.
var smallShapes = []Params{
	{N: 2, H: 4, W: 5, C: 2, R: 3, S: 2, K: 3, P: 2, Q: 4, StrideH: 1, StrideW: 1, DilationH: 1, DilationW: 1},                        // valid
	{N: 1, H: 4, W: 3, C: 2, R: 3, S: 3, K: 2, P: 4, Q: 3, StrideH: 1, StrideW: 1, DilationH: 1, DilationW: 1, PadTop: 1, PadLeft: 1}, // same
	{N: 2, H: 5, W: 6, C: 1, R: 3, S: 3, K: 2, P: 3, Q: 3, StrideH: 2, StrideW: 2, DilationH: 1, DilationW: 1, PadTop: 1},             // stride 2, same: pads 1,1 and 0,1
	{N: 1, H: 7, W: 5, C: 2, R: 2, S: 3, K: 2, P: 4, Q: 3, StrideH: 1, StrideW: 1, DilationH: 3, DilationW: 2, PadLeft: 1},            // dilated
	{N: 1, H: 6, W: 7, C: 2, R: 1, S: 1, K: 3, P: 2, Q: 4, StrideH: 3, StrideW: 2, DilationH: 1, DilationW: 1},                        // rows that nobody reads
	{N: 1, H: 2, W: 2, C: 1, R: 1, S: 2, K: 1, P: 6, Q: 5, StrideH: 1, StrideW: 1, DilationH: 1, DilationW: 3, PadTop: 2, PadLeft: 3}, // outputs of padding alone
	{N: 1, H: 6, W: 5, C: 1, R: 3, S: 2, K: 1, P: 2, Q: 2, StrideH: 2, StrideW: 3, DilationH: 2, DilationW: 2, PadTop: 1},             // stride and dilation
	{N: 2, H: 4, W: 5, C: 4, R: 3, S: 2, K: 6, P: 2, Q: 4, StrideH: 1, StrideW: 1, DilationH: 1, DilationW: 1, Groups: 2},             // groups
	{N: 1, H: 4, W: 5, C: 3, R: 3, S: 3, K: 6, P: 2, Q: 3, StrideH: 2, StrideW: 2, DilationH: 1, DilationW: 1, PadLeft: 1, Groups: 3}, // depthwise
}

func normal(rng *rand.Rand, n int) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = rng.NormFloat64()
	}
	return x
}

// TestReferenceGradients holds the reference gradients against central differences of Σ dst·direction.
func TestReferenceGradients(t *testing.T) {
	for _, p := range smallShapes {
		t.Run(p.String(), func(t *testing.T) {
			require.NoError(t, p.Check())
			rng := rand.New(rand.NewPCG(1, 2))
			src, weights, bias, diffDst := normal(rng, p.SrcLen()), normal(rng, p.WeightsLen()), normal(rng, p.K), normal(rng, p.DstLen())
			dst := make([]float64, p.DstLen())
			loss := func() (sum float64) {
				ReferenceForward(p, Epilogue{Bias: true}, dst, src, weights, bias)
				for i, d := range dst {
					sum += d * diffDst[i]
				}
				return sum
			}
			// The convolution is linear in each argument, so that a central difference is exact but for rounding.
			numeric := func(x []float64) []float64 {
				at := append([]float64(nil), x...)
				g := fd.Gradient(nil, func(v []float64) float64 { copy(x, v); return loss() }, at, &fd.Settings{Formula: fd.Central, Step: 1e-3})
				copy(x, at)
				return g
			}
			diffSrc, diffWeights, diffBias := make([]float64, len(src)), make([]float64, len(weights)), make([]float64, p.K)
			ReferenceBackwardData(p, diffSrc, diffDst, weights)
			ReferenceBackwardWeights(p, diffWeights, diffBias, src, diffDst)
			assert.InDeltaSlice(t, numeric(src), diffSrc, 1e-9)
			assert.InDeltaSlice(t, numeric(weights), diffWeights, 1e-9)
			assert.InDeltaSlice(t, numeric(bias), diffBias, 1e-9)
		})
	}
}

// TestReferenceByHand pins the orientation: a filter with one element shifts the image, and padding is below PadTop.
func TestReferenceByHand(t *testing.T) {
	p := Params{N: 1, H: 2, W: 3, C: 1, R: 2, S: 2, K: 1, P: 2, Q: 3, StrideH: 1, StrideW: 1, DilationH: 1, DilationW: 1, PadTop: 1}
	dst := make([]float32, p.DstLen())
	src := []float32{1, 2, 3, 4, 5, 6}
	ReferenceForward(p, Epilogue{Bias: true, Activation: ops.ReLU}, dst, src, []float32{0, 0, 0, 1}, []float32{-3})
	assert.Equal(t, []float32{0, 0, 0, 2, 3, 0}, dst) // dst[p,q] = relu(src[p,q+1] - 3), since row p-1+1 and column q+1
	ReferenceForward(p, Epilogue{}, dst, src, []float32{1, 0, 0, 0}, nil)
	assert.Equal(t, []float32{0, 0, 0, 1, 2, 3}, dst)
}

func TestCheck(t *testing.T) {
	good := Params{N: 2, H: 5, W: 5, C: 3, R: 3, S: 3, K: 4, P: 3, Q: 3, StrideH: 1, StrideW: 1, DilationH: 1, DilationW: 1}
	require.NoError(t, good.Check())
	assert.Equal(t, int64(2*2*3*3*4*3*3*3), good.FLOPs())
	for name, change := range map[string]func(*Params){
		"N is 0":         func(p *Params) { p.N = 0 },
		"C is -1":        func(p *Params) { p.C = -1 },
		"StrideW is 0":   func(p *Params) { p.StrideW = 0 },
		"DilationH is 0": func(p *Params) { p.DilationH = 0 },
		"PadTop is -1":   func(p *Params) { p.PadTop = -1 },
		"K is":           func(p *Params) { p.K = math.MaxInt32 + 1 },
		"src [N,H,W,C]":  func(p *Params) { p.N, p.H, p.W = 1<<20, 1<<20, 1<<20 },
		"padded image":   func(p *Params) { p.P, p.StrideH, p.DilationW = 1<<20, 1<<20, 1<<20 },
	} {
		p := good
		change(&p)
		err := p.Check()
		require.ErrorIs(t, err, ops.ErrShape, name)
		assert.ErrorContains(t, err, name)
	}
	assert.ErrorIs(t, Epilogue{Activation: 7}.check(), ops.ErrShape)
}
