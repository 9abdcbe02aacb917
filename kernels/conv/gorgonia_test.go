package conv

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	_ "go4.org/unsafe/assume-no-moving-gc" // this version asks the runtime, the one that Gorgonia pins panics on new Go
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// permuted returns x [dims] with its axes in the given order: result axis i is x's axis order[i].
func permuted(x []float64, dims, order [4]int) []float64 {
	var stride [4]int
	for i, n := 3, 1; i >= 0; i-- {
		stride[i] = n
		n *= dims[i]
	}
	y := make([]float64, 0, len(x))
	o := order
	for a := range dims[o[0]] {
		for b := range dims[o[1]] {
			for c := range dims[o[2]] {
				for d := range dims[o[3]] {
					y = append(y, x[a*stride[o[0]]+b*stride[o[1]]+c*stride[o[2]]+d*stride[o[3]]])
				}
			}
		}
	}
	return y
}

// ungrouped calls f for each weight of a convolution in groups with its place among the weights [R,S,C,K] of the one that has none.
func (p Params) ungrouped(f func(weight, dense int)) {
	one := p.one()
	for i := range p.WeightsLen() {
		k, c, tap := i%p.K, i/p.K%one.C, i/p.K/one.C
		f(i, (tap*p.C+k/one.K*one.C+c)*p.K+k)
	}
}

// TestReferenceAgainstGorgonia holds all three references against Gorgonia's Conv2d, which is NCHW with filters
// K,C,R,S, and its symbolic gradients. Gorgonia pads both sides alike, so only such shapes are asked for; it knows no groups, which are
// zeros among the weights of a convolution without.
func TestReferenceAgainstGorgonia(t *testing.T) {
	for _, p := range []Params{
		{N: 2, H: 5, W: 4, C: 2, R: 3, S: 2, K: 3, P: 3, Q: 3, StrideH: 1, StrideW: 1, DilationH: 1, DilationW: 1},
		{N: 1, H: 5, W: 6, C: 3, R: 3, S: 3, K: 2, P: 5, Q: 6, StrideH: 1, StrideW: 1, DilationH: 1, DilationW: 1, PadTop: 1, PadLeft: 1},
		{N: 2, H: 7, W: 5, C: 2, R: 3, S: 3, K: 2, P: 4, Q: 3, StrideH: 2, StrideW: 2, DilationH: 1, DilationW: 1, PadTop: 1, PadLeft: 1},
		{N: 1, H: 5, W: 7, C: 1, R: 1, S: 1, K: 2, P: 3, Q: 4, StrideH: 2, StrideW: 2, DilationH: 1, DilationW: 1},
		{N: 2, H: 5, W: 4, C: 4, R: 3, S: 2, K: 6, P: 3, Q: 3, StrideH: 1, StrideW: 1, DilationH: 1, DilationW: 1, Groups: 2},
		{N: 1, H: 5, W: 6, C: 3, R: 3, S: 3, K: 6, P: 3, Q: 3, StrideH: 2, StrideW: 2, DilationH: 1, DilationW: 1, PadTop: 1, PadLeft: 1, Groups: 3},
	} {
		t.Run(p.String(), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(3, 4))
			src, weights, diffDst := normal(rng, p.SrcLen()), normal(rng, p.WeightsLen()), normal(rng, p.DstLen())
			dst, diffSrc, diffWeights := make([]float64, p.DstLen()), make([]float64, p.SrcLen()), make([]float64, p.WeightsLen())
			ReferenceForward(p, Epilogue{}, dst, src, weights, nil)
			ReferenceBackwardData(p, diffSrc, diffDst, weights)
			ReferenceBackwardWeights(p, diffWeights, nil, src, diffDst)

			nchw := func(x []float64, h, w, c int) []float64 {
				return permuted(x, [4]int{p.N, h, w, c}, [4]int{0, 3, 1, 2})
			}
			kcrs := func(x []float64) []float64 { return permuted(x, [4]int{p.R, p.S, p.C, p.K}, [4]int{3, 2, 0, 1}) }
			dense := make([]float64, p.R*p.S*p.C*p.K)
			p.ungrouped(func(i, j int) { dense[j] = weights[i] })
			g := gorgonia.NewGraph()
			node := func(name string, x []float64, shape ...int) *gorgonia.Node {
				return gorgonia.NewTensor(g, tensor.Float64, 4, gorgonia.WithName(name),
					gorgonia.WithValue(tensor.New(tensor.WithShape(shape...), tensor.WithBacking(x))))
			}
			x := node("src", nchw(src, p.H, p.W, p.C), p.N, p.C, p.H, p.W)
			w := node("weights", kcrs(dense), p.K, p.C, p.R, p.S)
			direction := node("diffDst", nchw(diffDst, p.P, p.Q, p.K), p.N, p.K, p.P, p.Q)
			y, err := gorgonia.Conv2d(x, w, tensor.Shape{p.R, p.S}, []int{p.PadTop, p.PadLeft}, []int{p.StrideH, p.StrideW}, []int{p.DilationH, p.DilationW})
			require.NoError(t, err)
			loss := gorgonia.Must(gorgonia.Sum(gorgonia.Must(gorgonia.HadamardProd(y, direction))))
			gradients, err := gorgonia.Grad(loss, x, w)
			require.NoError(t, err)
			var output, gradX, gradW gorgonia.Value
			gorgonia.Read(y, &output)
			gorgonia.Read(gradients[0], &gradX)
			gorgonia.Read(gradients[1], &gradW)
			machine := gorgonia.NewTapeMachine(g)
			defer machine.Close()
			require.NoError(t, machine.RunAll())

			assert.InDeltaSlice(t, output.Data(), nchw(dst, p.P, p.Q, p.K), 1e-12)
			assert.InDeltaSlice(t, gradX.Data(), nchw(diffSrc, p.H, p.W, p.C), 1e-12)
			got := permuted(gradW.Data().([]float64), [4]int{p.K, p.C, p.R, p.S}, [4]int{2, 3, 1, 0})
			p.ungrouped(func(i, j int) { assert.InDelta(t, got[j], diffWeights[i], 1e-12) })
		})
	}
}
