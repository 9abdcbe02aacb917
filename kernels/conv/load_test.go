package conv

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/meseta-go/meseta/kernels/cpu"
	"github.com/meseta-go/meseta/kernels/norm"
	"github.com/meseta-go/meseta/ops"
)

// TestLoading holds convolutions that normalise what they load against the same variants behind package norm's application: the same bits on
// every instruction set, with any number of workers.
func TestLoading(t *testing.T) {
	tested := map[string]int{}
	for i, p := range parityShapes {
		if p.FLOPs() > 2e7 || raceDetector && p.FLOPs() > 1e6 {
			continue
		}
		activation := []ops.Activation{ops.Linear, ops.ReLU, ops.ReLU6}[i%3]
		rng := rand.New(rand.NewPCG(7, uint64(i)))
		random := func(n int, mean, deviation float64) []float32 {
			b := newGuarded(t, n).data
			for i := range b {
				b[i] = float32(mean + deviation*rng.NormFloat64())
			}
			return b
		}
		src, weights, diffDst := random(p.SrcLen(), 3, 2), random(p.WeightsLen(), 0, 1), random(p.DstLen(), 0, 1)
		gamma, beta := random(p.C, 2, 1), random(p.C, 1, 1)
		for _, v := range variants {
			loading := p
			loading.Load = ops.Load{Normalize: true, Activation: activation}
			if !v.suits(p) || loading.Check() != nil {
				continue
			}
			tested[v.name]++
			for _, isa := range cpu.Available() {
				dev := newDevice(t, isa, 1)
				n, err := norm.NewForward(dev, norm.Params{Rows: p.SrcLen() / p.C, C: p.C, Epsilon: 1e-3}, norm.Fused{Activation: activation})
				require.NoError(t, err)
				normalized, mean, variance, invStd := newGuarded(t, p.SrcLen()).data, make([]float32, p.C), make([]float32, p.C), make([]float32, p.C)
				n.Run(normalized, mean, variance, invStd, src, gamma, beta, nil, newGuarded(t, n.WorkspaceBytes()/4).data)

				run := func(dev *cpu.Device, p Params, src []float32) (dst, diffWeights []float32) {
					load := newLoader(dev, p)
					whole, rows := p.flattened(math.MaxInt), p.flattened(20)
					forward := Forward{p: whole, src: load, x: v.forward(dev, whole, Epilogue{}, load)}
					backward := BackwardWeights{p: rows, src: load, x: v.backwardWeights(dev, rows, false, load)}
					if load != nil {
						forward.Normalize(mean, invStd, gamma, beta)
						backward.Normalize(mean, invStd, gamma, beta)
					}
					ws := newGuarded(t, max(forward.WorkspaceBytes(), backward.WorkspaceBytes())/4).mark()
					dst, diffWeights = newGuarded(t, p.DstLen()).data, newGuarded(t, p.WeightsLen()).data
					forward.Run(dst, src, weights, nil, nil, ws.data)
					backward.Run(diffWeights, nil, src, diffDst, ws.data)
					ws.intact(t, "workspace")
					return dst, diffWeights
				}
				dst, diffWeights := run(dev, p, normalized)
				for _, threads := range []int{1, 2, 3, 5} {
					gotDst, gotWeights := run(newDevice(t, isa, threads), loading, src)
					require.True(t, sameBits(dst, gotDst), "dst of %s %v %v, %d workers", v.name, isa, p, threads)
					require.True(t, sameBits(diffWeights, gotWeights), "diffWeights of %s %v %v, %d workers", v.name, isa, p, threads)
				}
			}
		}
	}
	assert.Greater(t, min(tested["direct"], tested["winograd"], tested["depthwise"]), 2)
}
