package norm

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/diff/fd"

	"github.com/meseta-go/meseta/kernels/cpu"
	"github.com/meseta-go/meseta/kernels/vec/parity"
	"github.com/meseta-go/meseta/ops"
)

var rng = rand.New(rand.NewPCG(1, 2))

// shapes [Rows,C] have channels that vectors divide, that are repeated, and that are too many for that; one chunk and several.
var shapes = [][2]int{
	{1, 1}, {2, 1}, {40000, 1}, {7, 2}, {50, 3}, {12000, 3}, {9, 5}, {100, 7}, {65, 8}, {1000, 10}, {3, 15}, {2500, 16}, {77, 17},
	{300, 24}, {1200, 32}, {40, 63}, {1001, 64}, {31, 65}, {130, 511}, {3, 1000}, {70, 1001}, {70, 2048},
}

func fusions() (all []Fused) {
	for _, add := range []bool{false, true} {
		for _, activation := range []ops.Activation{ops.Linear, ops.ReLU, ops.ReLU6} {
			all = append(all, Fused{add, activation})
		}
	}
	return all
}

func TestForwardParity(t *testing.T) {
	for i, shape := range shapes {
		p := Params{Rows: shape[0], C: shape[1], Epsilon: 1e-3}
		size := p.Rows * p.C
		src, residual, gamma, beta := parity.Normal(rng, size), parity.Normal(rng, size), parity.Normal(rng, p.C), parity.Normal(rng, p.C)
		for j := range src {
			src[j] = float64(float32(src[j] + float64(j%p.C%7)))
		}
		for c := 0; c < p.C; c += 3 {
			beta[c] += 5 // so that some reach 6
		}
		moving := make([]float64, p.C)
		for c := range moving {
			moving[c] = 0.5 + float64(c%5)
		}
		for j, f := range fusions() {
			if size > 1000 && j != i%6 { // all fusions on the small shapes, one on each of the others
				continue
			}
			dst, inferred, mean, variance, invStd := make([]float64, size), make([]float64, size), make([]float64, p.C), make([]float64, p.C), make([]float64, p.C)
			ReferenceForward(p, f, dst, mean, variance, invStd, src, gamma, beta, residual)
			ReferenceInference(p, f, inferred, src, gamma, beta, beta, moving, residual)
			want := []parity.Want{{Values: dst, Tolerance: 1e-6}, {Values: dst, Tolerance: 1e-6}, {Values: mean, Tolerance: 1e-7}, {Values: variance, Tolerance: 1e-6},
				{Values: invStd, Tolerance: 1e-6}, {Values: inferred, Tolerance: 1e-6}, {Values: mean, Tolerance: 1e-7}, {Values: variance, Tolerance: 1e-6}, {Values: invStd, Tolerance: 1e-6}}
			t.Run(fmt.Sprintf("%dx%d %+v", p.Rows, p.C, f), func(t *testing.T) {
				parity.Check(t, func(t *testing.T, dev *cpu.Device) (func(), [][]float32) {
					x, err := NewForward(dev, p, f)
					require.NoError(t, err)
					statistics, err := NewStatistics(dev, p)
					require.NoError(t, err)
					inference, err := NewInference(dev, p, f)
					require.NoError(t, err)
					s, g, b, v, workspace := parity.In(src), parity.In(gamma), parity.In(beta), parity.In(moving), parity.Workspace(t, x.WorkspaceBytes())
					var r []float32
					if f.Add {
						r = parity.In(residual)
					}
					out := [][]float32{parity.Out(t, size), parity.InOut(t, src), parity.Out(t, p.C), parity.Out(t, p.C), parity.Out(t, p.C), parity.Out(t, size),
						parity.Out(t, p.C), parity.Out(t, p.C), parity.Out(t, p.C)}
					return func() {
						x.Run(out[0], out[2], out[3], out[4], s, g, b, r, workspace)
						x.Run(out[1], out[2], out[3], out[4], out[1], g, b, r, workspace)
						inference.Run(out[5], s, g, b, b, v, r)
						statistics.Run(out[6], out[7], out[8], s, workspace)
					}, out
				}, want...)
			})
		}
	}
}

// TestLargeMeans holds mean and variance to 1e-6 where a sum of squares in float32 would have no digit left.
func TestLargeMeans(t *testing.T) {
	for _, k := range []struct{ mean, std float64 }{{1000, 1}, {-1000, 1}, {1e4, 1}, {1e6, 1e3}, {1e-3, 1e-6}, {3, 0}, {0, 1e-20}} {
		p := Params{Rows: 5000, C: 19}
		src := parity.Normal(rng, p.Rows*p.C)
		for i := range src {
			src[i] = float64(float32(k.mean + k.std*src[i]))
		}
		dst, mean, variance, invStd := make([]float64, len(src)), make([]float64, p.C), make([]float64, p.C), make([]float64, p.C)
		one, zero := make([]float64, p.C), make([]float64, p.C)
		for c := range one {
			one[c] = 1
		}
		ReferenceForward(p, Fused{}, dst, mean, variance, invStd, src, one, zero, nil)
		parity.Each(t, func(t *testing.T, dev *cpu.Device) {
			x, err := NewForward(dev, p, Fused{})
			require.NoError(t, err)
			d, m, v, s, workspace := make([]float32, len(src)), make([]float32, p.C), make([]float32, p.C), make([]float32, p.C), make([]float32, x.WorkspaceBytes()/4)
			x.Run(d, m, v, s, parity.In(src), parity.In(one), parity.In(zero), nil, workspace)
			for c := range p.C {
				require.InDelta(t, mean[c], m[c], 1e-7*math.Abs(mean[c])+1e-30, "%+v", k)
				require.InDelta(t, variance[c], v[c], 1e-6*variance[c]+1e-45, "%+v", k)
			}
		})
	}
}

func TestBackwardParity(t *testing.T) {
	for i, shape := range shapes {
		p := Params{Rows: shape[0], C: shape[1], Epsilon: 1e-3}
		size := p.Rows * p.C
		src, dst, diffDst, gamma, mean, invStd := parity.Normal(rng, size), parity.Normal(rng, size), parity.Normal(rng, size), parity.Normal(rng, p.C), parity.Normal(rng, p.C), make([]float64, p.C)
		for c := range invStd {
			invStd[c] = 0.25 + float64(c%3)
		}
		for j := range dst {
			switch {
			case j%11 == 0:
				dst[j] = 0
			case j%7 == 0:
				dst[j] = 6
			case j%5 == 0:
				dst[j] += 6
			}
		}
		for variant := range 6 {
			if size > 1000 && variant != i%6 {
				continue
			}
			f := BackwardFused{Mask: []ops.Activation{ops.Linear, ops.ReLU, ops.ReLU6}[variant%3], DiffResidual: variant >= 3}
			diffSrc, diffGamma, diffBeta, diffResidual := make([]float64, size), make([]float64, p.C), make([]float64, p.C), make([]float64, size)
			ReferenceBackward(p, f, diffSrc, diffGamma, diffBeta, diffResidual, diffDst, dst, src, gamma, mean, invStd)
			want := []parity.Want{{Values: diffSrc, Tolerance: 1e-6, Scale: 1}, {Values: diffGamma, Tolerance: 1e-6}, {Values: diffBeta, Tolerance: 1e-6}} // diffSrc is a difference of terms of about 1
			if f.DiffResidual {
				want = append(want, parity.Want{Values: diffResidual})
			}
			for _, alias := range []string{"", "diffSrc", "diffResidual"} {
				if alias == "diffResidual" && !f.DiffResidual {
					continue
				}
				t.Run(fmt.Sprintf("%dx%d %+v diffDst is %s", p.Rows, p.C, f, alias), func(t *testing.T) {
					parity.Check(t, func(t *testing.T, dev *cpu.Device) (func(), [][]float32) {
						x, err := NewBackward(dev, p, f)
						require.NoError(t, err)
						dy, s, g, m, inv := parity.InOut(t, diffDst), parity.In(src), parity.In(gamma), parity.In(mean), parity.In(invStd)
						dx, dr, dg, db, workspace := parity.Out(t, size), parity.Out(t, size), parity.Out(t, p.C), parity.Out(t, p.C), parity.Workspace(t, x.WorkspaceBytes())
						var y []float32
						switch alias {
						case "diffSrc":
							dx = dy
						case "diffResidual":
							dr = dy
						}
						if f.Mask != ops.Linear {
							y = parity.In(dst)
						}
						out := [][]float32{dx, dg, db}
						if f.DiffResidual {
							out = append(out, dr)
						} else {
							dr = nil
						}
						return func() { x.Run(dx, dg, db, dr, dy, y, s, g, nil, m, inv, workspace) }, out
					}, want...)
				})
			}
		}
	}
}

// TestRecompute holds a Backward that computes dst again against one that reads Forward's: the same bits, with any number of workers.
func TestRecompute(t *testing.T) {
	for _, shape := range shapes {
		p := Params{Rows: shape[0], C: shape[1], Epsilon: 1e-3}
		size := p.Rows * p.C
		src, diffDst, gamma, beta := parity.Normal(rng, size), parity.Normal(rng, size), parity.Normal(rng, p.C), parity.Normal(rng, p.C)
		for c := 0; c < p.C; c += 3 {
			beta[c] += 5 // so that some reach 6
		}
		for _, mask := range []ops.Activation{ops.ReLU, ops.ReLU6} {
			for _, isa := range cpu.Available() {
				var want [][]float32
				for _, threads := range []int{1, 2, 3, 5} {
					dev := parity.Device(t, isa, threads)
					forward, err := NewForward(dev, p, Fused{Activation: mask})
					require.NoError(t, err)
					g, b, s, dy := parity.In(gamma), parity.In(beta), parity.In(src), parity.In(diffDst)
					dst, mean, variance, invStd := parity.Out(t, size), parity.Out(t, p.C), parity.Out(t, p.C), parity.Out(t, p.C)
					forward.Run(dst, mean, variance, invStd, s, g, b, nil, parity.Workspace(t, forward.WorkspaceBytes()))
					for _, recompute := range []bool{false, true} {
						x, err := NewBackward(dev, p, BackwardFused{Mask: mask, Recompute: recompute})
						require.NoError(t, err)
						y := dst
						if recompute {
							y = nil
						}
						dx, dg, db := parity.Out(t, size), parity.Out(t, p.C), parity.Out(t, p.C)
						x.Run(dx, dg, db, nil, dy, y, s, g, b, mean, invStd, parity.Workspace(t, x.WorkspaceBytes()))
						if want == nil {
							want = [][]float32{dx, dg, db}
						}
						require.Equal(t, want, [][]float32{dx, dg, db}, "%v %v, %d workers, recompute %v, %v", shape, isa, threads, recompute, mask)
					}
				}
			}
		}
	}
}

func TestReferenceGradients(t *testing.T) {
	p := Params{Rows: 9, C: 3, Epsilon: 1e-3}
	for _, f := range fusions() {
		size := p.Rows * p.C
		src, residual, gamma, beta, diffDst := parity.Normal(rng, size), parity.Normal(rng, size), parity.Normal(rng, p.C), parity.Normal(rng, p.C), parity.Normal(rng, size)
		dst, mean, variance, invStd := make([]float64, size), make([]float64, p.C), make([]float64, p.C), make([]float64, p.C)
		beta[0] += 6
		forward := func() { ReferenceForward(p, f, dst, mean, variance, invStd, src, gamma, beta, residual) }
		numeric := func(x []float64) []float64 {
			at := append([]float64(nil), x...)
			g := fd.Gradient(nil, func(v []float64) (sum float64) {
				copy(x, v)
				forward()
				for i, d := range dst {
					sum += d * diffDst[i]
				}
				return sum
			}, at, &fd.Settings{Formula: fd.Central, Step: 1e-5})
			copy(x, at)
			return g
		}
		want := [][]float64{numeric(src), numeric(gamma), numeric(beta), numeric(residual)}
		forward()
		for _, y := range dst { // no element is at ReLU's kink, where differences mean nothing
			require.True(t, f.Activation == ops.Linear || y == 0 || y > 1e-3 && math.Abs(y-6) > 1e-3 || f.Activation == ops.ReLU6 && y == 6)
		}
		got := [][]float64{make([]float64, size), make([]float64, p.C), make([]float64, p.C), make([]float64, size)}
		ReferenceBackward(p, BackwardFused{Mask: f.Activation, DiffResidual: f.Add}, got[0], got[1], got[2], got[3], diffDst, dst, src, gamma, mean, invStd)
		for i := range want {
			assert.InDeltaSlice(t, want[i], got[i], 1e-7, "%+v, gradient %d", f, i)
		}
	}
}

//go:embed testdata/keras.json
var kerasJSON []byte

func TestKeras(t *testing.T) {
	var k struct {
		Rows, C           int
		Epsilon, Momentum float32
		Gamma, Beta       []float32
		Inference         []float32
		Steps             []struct {
			Src, Dst       []float32
			DiffDst        []float32 `json:"diff_dst"`
			DiffSrc        []float32 `json:"diff_src"`
			DiffGamma      []float32 `json:"diff_gamma"`
			DiffBeta       []float32 `json:"diff_beta"`
			MovingMean     []float32 `json:"moving_mean"`
			MovingVariance []float32 `json:"moving_variance"`
		}
	}
	require.NoError(t, json.Unmarshal(kerasJSON, &k))
	require.Len(t, k.Steps, 3)
	p := Params{Rows: k.Rows, C: k.C, Epsilon: k.Epsilon}
	parity.Each(t, func(t *testing.T, dev *cpu.Device) {
		forward, err := NewForward(dev, p, Fused{})
		require.NoError(t, err)
		backward, err := NewBackward(dev, p, BackwardFused{})
		require.NoError(t, err)
		inference, err := NewInference(dev, p, Fused{})
		require.NoError(t, err)
		channels := func() []float32 { return make([]float32, k.C) }
		movingMean, movingVariance := channels(), channels()
		for c := range movingVariance {
			movingVariance[c] = 1
		}
		var src []float32
		dst := make([]float32, k.Rows*k.C)
		for _, s := range k.Steps {
			diffSrc, diffGamma, diffBeta, mean, variance, invStd := make([]float32, k.Rows*k.C), channels(), channels(), channels(), channels(), channels()
			workspace := make([]float32, max(forward.WorkspaceBytes(), backward.WorkspaceBytes())/4)
			src = parity.In(s.Src)
			forward.Run(dst, mean, variance, invStd, src, k.Gamma, k.Beta, nil, workspace)
			assert.InDeltaSlice(t, s.Dst, dst, 5e-6)
			backward.Run(diffSrc, diffGamma, diffBeta, nil, parity.In(s.DiffDst), nil, src, k.Gamma, nil, mean, invStd, workspace)
			assert.InDeltaSlice(t, s.DiffSrc, diffSrc, 5e-6)
			assert.InDeltaSlice(t, s.DiffGamma, diffGamma, 1e-4) // Keras sums 60 products in float32, with the mean taken out after
			assert.InDeltaSlice(t, s.DiffBeta, diffBeta, 1e-5)
			UpdateMoving(movingMean, mean, k.Momentum)
			UpdateMoving(movingVariance, variance, k.Momentum)
			assert.InDeltaSlice(t, s.MovingMean, movingMean, 1e-6)
			assert.InDeltaSlice(t, s.MovingVariance, movingVariance, 2e-6)
		}
		inference.Run(dst, src, k.Gamma, k.Beta, movingMean, movingVariance, nil)
		assert.InDeltaSlice(t, k.Inference, dst, 1e-5)
	})
}

func TestNoAllocation(t *testing.T) {
	p := Params{Rows: 2500, C: 24, Epsilon: 1e-3}
	size := p.Rows * p.C
	a, b, c, d, v := make([]float32, size+16), make([]float32, size+16), make([]float32, size+16), make([]float32, size+16), make([]float32, p.C+16)
	parity.NoAllocation(t, func(t *testing.T, dev *cpu.Device) (func(), [][]float32) {
		forward, err := NewForward(dev, p, Fused{true, ops.ReLU})
		require.NoError(t, err)
		inference, err := NewInference(dev, p, Fused{true, ops.ReLU})
		require.NoError(t, err)
		backward, err := NewBackward(dev, p, BackwardFused{Mask: ops.ReLU, DiffResidual: true})
		require.NoError(t, err)
		recomputing, err := NewBackward(dev, p, BackwardFused{Mask: ops.ReLU, Recompute: true})
		require.NoError(t, err)
		workspace := make([]float32, max(forward.WorkspaceBytes(), backward.WorkspaceBytes())/4)
		return func() {
			forward.Run(a, v, v, v, b, v, v, c, workspace)
			inference.Run(a, b, v, v, v, v, c)
			backward.Run(a, v, v, d, b, c, c, v, nil, v, v, workspace)
			recomputing.Run(a, v, v, nil, b, nil, c, v, v, v, v, workspace)
		}, nil
	})
}

func TestErrors(t *testing.T) {
	dev := parity.Device(t, cpu.Portable, 1)
	_, err := NewForward(dev, Params{Rows: 0, C: 3}, Fused{})
	assert.EqualError(t, err, "norm: [0,3], want at least [1,1]: shapes disagree")
	assert.ErrorIs(t, err, ops.ErrShape)
	_, err = NewInference(dev, Params{Rows: 1, C: 3, Epsilon: -1}, Fused{})
	assert.ErrorContains(t, err, "epsilon is -1")
	_, err = NewBackward(dev, Params{Rows: 1, C: 0}, BackwardFused{})
	assert.ErrorIs(t, err, ops.ErrShape)
	_, err = NewBackward(dev, Params{Rows: 1, C: 3}, BackwardFused{Mask: 200})
	assert.ErrorContains(t, err, "want linear, relu or relu6")
	_, err = NewForward(dev, Params{Rows: 1, C: 3}, Fused{Activation: 200})
	assert.ErrorContains(t, err, "want linear, relu or relu6")
	for _, f := range []BackwardFused{{Recompute: true}, {Mask: ops.ReLU, DiffResidual: true, Recompute: true}} {
		_, err = NewBackward(dev, Params{Rows: 1, C: 3}, f)
		assert.ErrorContains(t, err, "dst can be computed again where")
		assert.ErrorIs(t, err, ops.ErrShape)
	}
	x, err := NewBackward(dev, Params{Rows: 1, C: 1}, BackwardFused{DiffResidual: true})
	require.NoError(t, err)
	one := make([]float32, 64)
	assert.PanicsWithValue(t, sameSlice, func() { x.Run(one, one, one, one, one, one, one, one, one, one, one, one) })
}
