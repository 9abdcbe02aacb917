package conv

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/meseta-go/meseta/kernels/cpu"
	"github.com/meseta-go/meseta/ops"
)

// same is a convolution with Keras's padding "same": outputs are inputs by stride, the odd zero goes below and right.
func same(n, h, w, c, r, s, k, strideH, strideW int) Params {
	p := Params{N: n, H: h, W: w, C: c, R: r, S: s, K: k, P: ceilDiv(h, strideH), Q: ceilDiv(w, strideW), StrideH: strideH, StrideW: strideW, DilationH: 1, DilationW: 1}
	p.PadTop, p.PadLeft = max(0, (p.P-1)*strideH+r-h)/2, max(0, (p.Q-1)*strideW+s-w)/2
	return p
}

// valid is a convolution without padding.
func valid(n, h, w, c, r, s, k, strideH, strideW int) Params {
	return Params{N: n, H: h, W: w, C: c, R: r, S: s, K: k, P: (h-r)/strideH + 1, Q: (w-s)/strideW + 1, StrideH: strideH, StrideW: strideW, DilationH: 1, DilationW: 1}
}

// dilated spreads the filter of a convolution whose padding is then given explicitly.
func dilated(p Params, dilationH, dilationW, padTop, padLeft, outP, outQ int) Params {
	p.DilationH, p.DilationW, p.PadTop, p.PadLeft, p.P, p.Q = dilationH, dilationW, padTop, padLeft, outP, outQ
	return p
}

// groups cuts the channels of a convolution into groups.
func groups(p Params, n int) Params {
	p.Groups = n
	return p
}

// parityShapes are held against the reference: sizes 1, odd, and next to the widths of vectors and tiles.
var parityShapes = slices.Concat(smallShapes, []Params{
	valid(1, 1, 1, 1, 1, 1, 1, 1, 1),
	valid(3, 1, 1, 5, 1, 1, 7, 1, 1),
	valid(2, 5, 5, 3, 5, 5, 10, 1, 1), // one output a filter
	valid(2, 9, 10, 1, 3, 3, 32, 1, 1),
	valid(2, 8, 17, 32, 3, 3, 64, 1, 1),
	same(2, 8, 9, 3, 3, 3, 16, 1, 1),
	same(3, 8, 8, 16, 3, 3, 16, 1, 1),
	same(2, 7, 8, 32, 3, 3, 32, 1, 1),
	same(5, 4, 4, 64, 3, 3, 64, 1, 1),
	same(2, 5, 7, 16, 3, 3, 48, 1, 1), // tiles over the edge
	same(1, 1, 2, 16, 3, 3, 16, 1, 1),
	dilated(same(2, 6, 5, 16, 3, 3, 32, 1, 1), 1, 1, 0, 2, 4, 7),  // padding that differs by axis
	dilated(same(1, 6, 6, 32, 3, 3, 16, 1, 1), 1, 1, 3, 0, 10, 3), // padding wider than the filter, columns that nobody reads
	same(33, 8, 8, 16, 3, 3, 32, 1, 1),                            // several parts and blocks
	same(3, 5, 4, 144, 3, 3, 80, 1, 1),                            // several depths of channels and panels
	same(2, 9, 8, 16, 3, 3, 32, 2, 2),
	same(2, 8, 9, 16, 1, 1, 32, 2, 2),
	same(2, 6, 7, 17, 1, 1, 15, 1, 1),
	same(1, 30, 15, 15, 1, 1, 33, 1, 1),
	same(1, 12, 11, 3, 7, 7, 24, 2, 2),
	same(2, 6, 5, 31, 3, 3, 33, 1, 1),
	same(2, 6, 15, 8, 3, 3, 9, 1, 1),
	same(2, 5, 14, 7, 2, 4, 48, 1, 1),
	same(2, 5, 13, 16, 3, 3, 49, 1, 3),
	same(1, 3, 16, 12, 3, 5, 80, 3, 2),
	dilated(same(2, 9, 8, 16, 3, 3, 17, 1, 1), 2, 2, 2, 2, 9, 8),
	dilated(valid(2, 11, 12, 5, 3, 3, 16, 2, 2), 2, 3, 1, 2, 4, 4),
	dilated(same(1, 6, 6, 4, 2, 2, 8, 1, 1), 1, 1, 3, 0, 9, 5), // padding above alone, outputs beyond the image
	dilated(same(1, 9, 9, 4, 3, 3, 8, 1, 1), 1, 1, 0, 0, 3, 4), // rows and columns that nobody reads
	same(300, 2, 2, 2, 3, 3, 3, 1, 1),                          // images grouped into tasks
	same(1, 40, 300, 24, 3, 3, 16, 1, 1),                       // images cut into blocks
	valid(1, 1, 3000, 40, 1, 1, 40, 1, 1),                      // a row cut into blocks
	same(1, 7, 7, 64, 3, 3, 88, 1, 1),                          // few outputs, whose panels are shared out
	same(2, 9, 8, 96, 3, 3, 70, 2, 2),
	valid(1, 7, 7, 200, 1, 1, 176, 1, 1),
	groups(same(2, 8, 9, 16, 3, 3, 32, 2, 2), 2),
	groups(same(2, 8, 8, 64, 3, 3, 64, 1, 1), 2), // Winograd within a group
	groups(same(2, 6, 5, 72, 3, 3, 66, 1, 2), 2),
	groups(same(3, 5, 7, 6, 3, 2, 9, 1, 1), 3),
	groups(same(2, 5, 7, 128, 3, 3, 96, 1, 1), 32), // several at a time, of small ones
	groups(same(2, 6, 5, 30, 3, 3, 20, 2, 1), 10),
	groups(valid(2, 7, 6, 35, 1, 1, 15, 1, 1), 5),
	groups(dilated(same(2, 9, 8, 4, 3, 3, 8, 1, 1), 2, 2, 2, 2, 9, 8), 2),
	groups(same(2, 8, 9, 3, 3, 3, 3, 1, 1), 3), // depthwise, channels next to the widths of vectors
	groups(same(2, 7, 6, 7, 3, 3, 7, 2, 2), 7),
	groups(same(1, 8, 7, 8, 3, 3, 8, 1, 1), 8),
	groups(same(3, 6, 15, 17, 3, 3, 17, 1, 1), 17),
	groups(valid(2, 9, 13, 33, 3, 3, 33, 2, 1), 33),
	groups(same(2, 5, 14, 64, 2, 4, 64, 1, 2), 64),
	groups(same(2, 12, 11, 96, 5, 5, 96, 2, 2), 96),
	groups(same(1, 3, 3, 65, 3, 3, 65, 1, 1), 65),
	groups(same(2, 2, 1, 24, 3, 3, 24, 1, 1), 24), // the filter is larger than the image
	groups(valid(3, 1, 1, 40, 1, 1, 40, 1, 1), 40),
	groups(dilated(same(2, 9, 8, 20, 3, 3, 20, 1, 1), 2, 2, 2, 2, 9, 8), 20),
	groups(dilated(valid(2, 11, 12, 5, 3, 3, 5, 2, 2), 2, 3, 1, 2, 4, 4), 5),
	groups(dilated(same(1, 6, 6, 4, 2, 2, 4, 1, 1), 1, 1, 3, 0, 9, 5), 4), // outputs that read padding alone
	groups(dilated(same(1, 9, 9, 4, 3, 3, 4, 1, 1), 1, 1, 0, 0, 3, 4), 4), // rows and columns that nobody reads
	groups(same(2, 7, 6, 5, 3, 3, 15, 1, 1), 5),                           // a multiplier of 3
	groups(same(2, 7, 6, 16, 3, 3, 32, 2, 1), 16),
	groups(same(1, 70, 90, 12, 3, 3, 12, 1, 1), 12), // several tasks and parts
})

// guarded is a buffer with 64-byte alignment and bands around it.
type guarded struct {
	whole []float32
	data  []float32
}

const (
	guardBand = 64 // elements
	guardMark = float32(-1234.5)
)

// newGuarded makes a buffer of n elements. Behind and before it lie NaNs, which may be read but must never get into a result.
func newGuarded(t *testing.T, n int) *guarded {
	m, err := cpu.Alloc(4 * (n + 2*guardBand))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, m.Free()) })
	g := &guarded{whole: m.Float32s()}
	g.data = g.whole[guardBand : guardBand+n]
	for i := range g.whole {
		g.whole[i] = float32(math.NaN())
	}
	return g
}

// mark puts a known number around the data, for buffers that are written.
func (g *guarded) mark() *guarded {
	for i := range guardBand {
		g.whole[i], g.whole[len(g.whole)-1-i] = guardMark, guardMark
	}
	return g
}

func (g *guarded) intact(t *testing.T, name string) {
	t.Helper()
	for i := range guardBand {
		require.Equal(t, guardMark, g.whole[i], "%s: %d before its start was written", name, guardBand-i)
		require.Equal(t, guardMark, g.whole[len(g.whole)-1-i], "%s: %d behind its end was written", name, guardBand-i)
	}
}

// operands are the inputs of one convolution and what the reference makes of them in float64.
type operands struct {
	p                                                Params
	src, weights, bias, diffDst                      *guarded
	dst, relu, relu6, diffSrc, diffWeights, diffBias []float64
	dstScale, diffSrcScale, weightsScale, biasScale  []float64 // sums of absolute products
}

func widen(x []float32) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = float64(v)
	}
	return y
}

func absolute(x []float64) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = math.Abs(v)
	}
	return y
}

func newOperands(t *testing.T, p Params) *operands {
	rng := rand.New(rand.NewPCG(5, 6))
	random := func(n int) *guarded {
		g := newGuarded(t, n)
		for i := range g.data {
			g.data[i] = float32(rng.NormFloat64())
		}
		return g
	}
	o := &operands{p: p, src: random(p.SrcLen()), weights: random(p.WeightsLen()), bias: random(p.K), diffDst: random(p.DstLen())}
	src, weights, bias, diffDst := widen(o.src.data), widen(o.weights.data), widen(o.bias.data), widen(o.diffDst.data)
	fill := func(src, weights, bias, diffDst []float64) (dst, diffSrc, diffWeights, diffBias []float64) {
		dst, diffSrc, diffWeights, diffBias = make([]float64, p.DstLen()), make([]float64, p.SrcLen()), make([]float64, p.WeightsLen()), make([]float64, p.K)
		ReferenceForward(p, Epilogue{Bias: true}, dst, src, weights, bias)
		ReferenceBackwardData(p, diffSrc, diffDst, weights)
		ReferenceBackwardWeights(p, diffWeights, diffBias, src, diffDst)
		return
	}
	o.dst, o.diffSrc, o.diffWeights, o.diffBias = fill(src, weights, bias, diffDst)
	o.dstScale, o.diffSrcScale, o.weightsScale, o.biasScale = fill(absolute(src), absolute(weights), absolute(bias), absolute(diffDst))
	o.relu = make([]float64, p.DstLen())
	ReferenceForward(p, Epilogue{Bias: true, Activation: ops.ReLU}, o.relu, src, weights, bias)
	o.relu6 = make([]float64, p.DstLen())
	ReferenceForward(p, Epilogue{Bias: true, Activation: ops.ReLU6}, o.relu6, src, weights, bias)
	return o
}

// near holds a result against the reference. An element is a sum of products; float32 sums of n terms in any order err by at most
// n·2⁻²⁴ of the sum of absolute products, which is scale, and in practice by about its root.
func near(t *testing.T, name string, want, scale []float64, got []float32) {
	t.Helper()
	const unit = 16 * 0x1p-24
	require.Len(t, got, len(want), name)
	for i, w := range want {
		if d := math.Abs(float64(got[i]) - w); !(d <= unit*scale[i]) {
			require.Failf(t, "result differs", "%s[%d] is %v, the reference has %v, of absolute products %v", name, i, got[i], w, scale[i])
		}
	}
}

// results are what the three passes wrote.
type results struct{ dst, relu, relu6, diffSrc, diffWeights, diffBias []float32 }

// variant makes the three passes in one of the ways that the constructors choose from.
type variant struct {
	name            string
	forward         func(dev *cpu.Device, p Params, e Epilogue, src *loader) runner
	backwardData    func(dev *cpu.Device, p Params) runner
	backwardWeights func(dev *cpu.Device, p Params, bias bool, src *loader) accumulator
	suits           func(p Params) bool
	scale           func(absolute []float64) []float64
}

// largest is the scale of errors where a result is computed from its neighbours' products too.
func largest(x []float64) []float64 { return slices.Repeat([]float64{slices.Max(x)}, len(x)) }

// plain is a variant of BackwardData without a residual.
func plain(make func(dev *cpu.Device, p Params, add bool) runner) func(dev *cpu.Device, p Params) runner {
	return func(dev *cpu.Device, p Params) runner { return make(dev, p, false) }
}

// copying and copyingWeights are variants that take src as it is.
func copying(make func(dev *cpu.Device, p Params, e Epilogue) runner) func(dev *cpu.Device, p Params, e Epilogue, src *loader) runner {
	return func(dev *cpu.Device, p Params, e Epilogue, _ *loader) runner { return make(dev, p, e) }
}

func copyingWeights(make func(dev *cpu.Device, p Params, bias bool) accumulator) func(dev *cpu.Device, p Params, bias bool, src *loader) accumulator {
	return func(dev *cpu.Device, p Params, bias bool, _ *loader) accumulator { return make(dev, p, bias) }
}

var variants = []variant{
	{"direct", newDirectForward, plain(newDirectBackwardData), newDirectBackwardWeights, func(p Params) bool { return p.groups() == 1 }, func(x []float64) []float64 { return x }},
	{"pixels", newPixelsForward, plain(newPixelsBackwardData), newPixelsBackwardWeights, func(p Params) bool { return p.groups() == 1 }, func(x []float64) []float64 { return x }},
	{"grouped", copying(newGroupedForward), newGroupedBackwardData, copyingWeights(newGroupedBackwardWeights), func(p Params) bool { return p.groups() > 1 && p.Groups < p.C }, largest},
	{"depthwise", newDepthwiseForward, newDepthwiseBackwardData, newDepthwiseBackwardWeights, Params.depthwise, func(x []float64) []float64 { return x }},
	{"winograd", newWinogradForward, plain(newWinogradBackwardData), newWinogradBackwardWeights, Params.suitsWinograd, largest},
	{"winograd by panels", newWinogradPanelsForward, plain(newWinogradPanelsBackwardData), newWinogradPanelsBackwardWeights, Params.suitsWinograd, largest},
	{"winograd by panels of few images", func(dev *cpu.Device, p Params, e Epilogue, src *loader) runner {
		return newWinogradFewPanelsForward(dev, p, e, src, 1<<14)
	}, plain(newWinogradPanelsBackwardData), func(dev *cpu.Device, p Params, bias bool, src *loader) accumulator {
		return newWinogradPanelsWeights(dev, p, bias, src, 1<<16)
	}, Params.suitsWinograd, largest},
}

// compute runs all passes on a device, twice, checks that nothing around the results was written and that both runs agree.
func (o *operands) compute(t *testing.T, dev *cpu.Device, v variant) (r results) {
	p := o.p.flattened(math.MaxInt)
	newForward := func(e Epilogue) *Forward { return newForward(dev, p, e, nil, v.forward(dev, p, e, nil)) }
	forward := newForward(Epilogue{Bias: true})
	relu := newForward(Epilogue{Bias: true, Activation: ops.ReLU})
	relu6 := newForward(Epilogue{Bias: true, Activation: ops.ReLU6})
	backwardData := newBackwardData(dev, p, v.backwardData(dev, p))
	rows := o.p.flattened(20)
	backwardWeights := BackwardWeights{p: rows, bias: true, x: v.backwardWeights(dev, rows, true, nil)}
	diffBias := newGuarded(t, p.K).mark()
	for _, pass := range []struct {
		name      string
		n         int
		workspace int
		run       func(out, ws []float32)
		result    *[]float32
	}{
		{"dst", p.DstLen(), forward.WorkspaceBytes(), func(out, ws []float32) {
			forward.Run(out, o.src.data, o.weights.data, o.bias.data, nil, ws)
		}, &r.dst},
		{"relu", p.DstLen(), relu.WorkspaceBytes(), func(out, ws []float32) {
			relu.Run(out, o.src.data, o.weights.data, o.bias.data, nil, ws)
		}, &r.relu},
		{"relu6", p.DstLen(), relu6.WorkspaceBytes(), func(out, ws []float32) {
			relu6.Run(out, o.src.data, o.weights.data, o.bias.data, nil, ws)
		}, &r.relu6},
		{"diffSrc", p.SrcLen(), backwardData.WorkspaceBytes(), func(out, ws []float32) {
			backwardData.Run(out, o.diffDst.data, o.weights.data, nil, ws)
		}, &r.diffSrc},
		{"diffWeights", p.WeightsLen(), backwardWeights.WorkspaceBytes(), func(out, ws []float32) {
			backwardWeights.Run(out, diffBias.data, o.src.data, o.diffDst.data, ws)
		}, &r.diffWeights},
	} {
		out, ws := newGuarded(t, pass.n).mark(), newGuarded(t, pass.workspace/4).mark()
		pass.run(out.data, ws.data)
		first := slices.Clone(out.data)
		pass.run(out.data, ws.data)
		require.True(t, sameBits(first, out.data), "%s differs the second time", pass.name)
		out.intact(t, pass.name)
		ws.intact(t, "workspace of "+pass.name)
		*pass.result = first
	}
	diffBias.intact(t, "diffBias")
	r.diffBias = diffBias.data
	return r
}

func sameBits(a, b []float32) bool {
	return slices.EqualFunc(a, b, func(x, y float32) bool { return math.Float32bits(x) == math.Float32bits(y) })
}

func newDevice(t testing.TB, isa cpu.ISA, threads int) *cpu.Device {
	dev, err := cpu.NewDevice(cpu.Config{Threads: threads, ISA: &isa})
	require.NoError(t, err)
	t.Cleanup(dev.Close)
	return dev
}

// TestParity holds every pass, variant, instruction set and shape against the reference, and every number of workers against one.
func TestParity(t *testing.T) {
	shapes := parityShapes
	if raceDetector {
		shapes = slices.DeleteFunc(slices.Clone(shapes), func(p Params) bool { return p.FLOPs() > 1e6 })
	}
	used := map[string]int{}
	for _, p := range shapes {
		t.Run(p.String(), func(t *testing.T) {
			require.NoError(t, p.Check())
			o := newOperands(t, p)
			for _, v := range variants {
				if !v.suits(p) {
					continue
				}
				used[v.name]++
				for _, isa := range cpu.Available() {
					t.Run(fmt.Sprintf("%s %v", v.name, isa), func(t *testing.T) {
						one := o.compute(t, newDevice(t, isa, 1), v)
						near(t, "dst", o.dst, v.scale(o.dstScale), one.dst)
						near(t, "relu", o.relu, v.scale(o.dstScale), one.relu)
						near(t, "relu6", o.relu6, v.scale(o.dstScale), one.relu6)
						near(t, "diffSrc", o.diffSrc, v.scale(o.diffSrcScale), one.diffSrc)
						near(t, "diffWeights", o.diffWeights, v.scale(o.weightsScale), one.diffWeights)
						near(t, "diffBias", o.diffBias, o.biasScale, one.diffBias)
						for _, threads := range []int{2, 3, 5} {
							r := o.compute(t, newDevice(t, isa, threads), v)
							assert.True(t, sameBits(one.dst, r.dst), "dst differs with %d threads", threads)
							assert.True(t, sameBits(one.relu, r.relu), "relu differs with %d threads", threads)
							assert.True(t, sameBits(one.relu6, r.relu6), "relu6 differs with %d threads", threads)
							assert.True(t, sameBits(one.diffSrc, r.diffSrc), "diffSrc differs with %d threads", threads)
							assert.True(t, sameBits(one.diffWeights, r.diffWeights), "diffWeights differs with %d threads", threads)
							assert.True(t, sameBits(one.diffBias, r.diffBias), "diffBias differs with %d threads", threads)
						}
					})
				}
			}
		})
	}
	for _, v := range variants {
		assert.Greater(t, used[v.name], 2, "shapes for %s", v.name)
	}
}

// TestResidual holds BackwardData with a residual against one without, whose result is then added to: the same bits on every instruction
// set with any number of workers, whether the result is written over the residual or not.
func TestResidual(t *testing.T) {
	tested := map[string]int{}
	for _, p := range parityShapes {
		if p.groups() > 1 || p.FLOPs() > 2e7 || raceDetector && p.FLOPs() > 1e6 {
			continue
		}
		p = p.flattened(math.MaxInt)
		rng := rand.New(rand.NewPCG(3, 4))
		random := func(n int) []float32 {
			b := newGuarded(t, n).data
			for i := range b {
				b[i] = float32(rng.NormFloat64())
			}
			return b
		}
		diffDst, weights, residual := random(p.DstLen()), random(p.WeightsLen()), random(p.SrcLen())
		for name, newRunner := range map[string]func(dev *cpu.Device, p Params, add bool) runner{"direct": newDirectBackwardData, "winograd": newWinogradBackwardData, "panels": newWinogradPanelsBackwardData, "pixels": newPixelsBackwardData} {
			if name != "direct" && name != "pixels" && !p.suitsWinograd() {
				continue
			}
			tested[name]++
			for _, isa := range cpu.Available() {
				dev := newDevice(t, isa, 1)
				x := newBackwardData(dev, p, newRunner(dev, p, false))
				want := newGuarded(t, p.SrcLen()).data
				x.Run(want, diffDst, weights, nil, newGuarded(t, x.WorkspaceBytes()/4).data)
				for i, r := range residual {
					want[i] += r
				}
				for _, threads := range []int{1, 2, 3, 5} {
					dev := newDevice(t, isa, threads)
					x := newBackwardData(dev, p, newRunner(dev, p, true))
					for _, over := range []bool{false, true} {
						out, ws := newGuarded(t, p.SrcLen()).mark(), newGuarded(t, x.WorkspaceBytes()/4).mark()
						from := residual
						if over {
							copy(out.data, residual)
							from = out.data
						}
						x.Run(out.data, diffDst, weights, from, ws.data)
						require.True(t, sameBits(want, out.data), "%s %v %v, %d workers, over the residual %v", name, isa, p, threads, over)
						out.intact(t, "diffSrc")
						ws.intact(t, "workspace")
					}
				}
			}
		}
	}
	assert.Greater(t, min(tested["direct"], tested["pixels"], tested["winograd"], tested["panels"]), 2)
}

// TestForwardResidual holds Forward with a residual against the reference, and every number of workers against one, whether the result is
// written over the residual or not.
func TestForwardResidual(t *testing.T) {
	tested := map[string]int{}
	for _, p := range parityShapes {
		if p.groups() > 1 || p.FLOPs() > 2e7 || raceDetector && p.FLOPs() > 1e6 {
			continue
		}
		p = p.flattened(math.MaxInt)
		o := newOperands(t, p)
		residual := newGuarded(t, p.DstLen())
		copy(residual.data, o.diffDst.data)
		src, weights, bias := widen(o.src.data), widen(o.weights.data), widen(o.bias.data)
		for _, v := range variants {
			if !v.suits(p) {
				continue
			}
			tested[v.name]++
			for _, e := range []Epilogue{{Add: true}, {Bias: true, Add: true, Activation: ops.ReLU}, {Bias: true, Add: true, Activation: ops.ReLU6}} {
				want := widen(residual.data)
				ReferenceForward(p, e, want, src, weights, bias)
				scale := absolute(widen(residual.data))
				for i, s := range v.scale(o.dstScale) {
					scale[i] += s
				}
				for _, isa := range cpu.Available() {
					var first []float32
					for _, threads := range []int{1, 2, 3, 5} {
						dev := newDevice(t, isa, threads)
						x := newForward(dev, p, e, nil, v.forward(dev, p, e, nil))
						for _, over := range []bool{false, true} {
							out, ws := newGuarded(t, p.DstLen()).mark(), newGuarded(t, x.WorkspaceBytes()/4).mark()
							from := residual.data
							if over {
								copy(out.data, from)
								from = out.data
							}
							x.Run(out.data, o.src.data, o.weights.data, o.bias.data, from, ws.data)
							if first == nil {
								first = out.data
								near(t, fmt.Sprintf("%s %v %v %v", v.name, isa, e, p), want, scale, first)
							}
							require.True(t, sameBits(first, out.data), "%s %v %v %v, %d workers, over the residual %v", v.name, isa, e, p, threads, over)
							out.intact(t, "dst")
							ws.intact(t, "workspace")
						}
					}
				}
			}
		}
	}
	assert.Greater(t, min(tested["direct"], tested["winograd"]), 2)
}

// TestPrepared holds Forward on prepared weights against Forward on weights as they are, twice: the same bits.
func TestPrepared(t *testing.T) {
	tested := map[string]int{}
	for _, p := range parityShapes {
		if p.FLOPs() > 2e7 || raceDetector && p.FLOPs() > 1e6 {
			continue
		}
		p = p.flattened(math.MaxInt)
		o := newOperands(t, p)
		e := Epilogue{Bias: true, Activation: ops.ReLU}
		for _, v := range variants {
			if !v.suits(p) {
				continue
			}
			for _, isa := range cpu.Available() {
				for _, threads := range []int{1, 3} {
					dev := newDevice(t, isa, threads)
					x := newForward(dev, p, e, nil, v.forward(dev, p, e, nil))
					if x.FormLen() == 0 {
						continue
					}
					tested[v.name]++
					want := newGuarded(t, p.DstLen()).data
					x.Run(want, o.src.data, o.weights.data, o.bias.data, nil, newGuarded(t, x.WorkspaceBytes()/4).data)
					form, ws := newGuarded(t, x.FormLen()).mark(), newGuarded(t, x.PreparedWorkspaceBytes()/4).mark()
					x.Prepare(form.data, o.weights.data, ws.data)
					for range 2 {
						out := newGuarded(t, p.DstLen()).mark()
						x.RunPrepared(out.data, o.src.data, form.data, o.bias.data, nil, ws.data)
						require.True(t, sameBits(want, out.data), "%s %v %v, %d workers", v.name, isa, p, threads)
						out.intact(t, "dst")
					}
					form.intact(t, "form")
					ws.intact(t, "workspace")
				}
			}
		}
	}
	assert.Greater(t, min(tested["direct"], tested["winograd"]), 2)
}

// TestRunDoesNotAllocate runs every pass of a padded and a strided convolution.
func TestRunDoesNotAllocate(t *testing.T) {
	for _, p := range []Params{same(3, 8, 7, 16, 3, 3, 16, 1, 1), same(20, 8, 7, 16, 3, 3, 16, 1, 1), same(3, 8, 7, 15, 3, 3, 17, 1, 1), same(3, 9, 8, 5, 3, 3, 7, 2, 2), same(2, 6, 7, 17, 1, 1, 15, 1, 1),
		groups(same(3, 8, 7, 16, 3, 3, 24, 1, 1), 4), groups(same(3, 8, 7, 16, 3, 3, 16, 2, 2), 16), groups(same(3, 8, 7, 5, 3, 3, 10, 1, 1), 5)} {
		for _, isa := range cpu.Available() {
			dev := newDevice(t, isa, 2)
			forward, err := NewForward(dev, p, Epilogue{Bias: true, Activation: ops.ReLU})
			require.NoError(t, err)
			backwardData, err := NewBackwardData(dev, p, false)
			require.NoError(t, err)
			adding := backwardData
			if p.groups() == 1 {
				adding, err = NewBackwardData(dev, p, true)
				require.NoError(t, err)
			}
			backwardWeights, err := NewBackwardWeights(dev, p, true)
			require.NoError(t, err)
			buffer := func(n int) []float32 { return newGuarded(t, n).data }
			src, other, dst, weights, bias := buffer(p.SrcLen()), buffer(p.SrcLen()), buffer(p.DstLen()), buffer(p.WeightsLen()), buffer(p.K)
			ws := buffer(max(forward.WorkspaceBytes(), backwardData.WorkspaceBytes(), backwardWeights.WorkspaceBytes()) / 4)
			assert.Zero(t, testing.AllocsPerRun(10, func() {
				forward.Run(dst, src, weights, bias, nil, ws)
				backwardData.Run(src, dst, weights, nil, ws)
				adding.Run(src, dst, weights, other, ws)
				backwardWeights.Run(weights, bias, src, dst, ws)
			}), "%v %v", isa, p)
		}
	}
}

// TestManyWorkers holds 64 workers against one, where tasks become smaller but sums must not change.
func TestManyWorkers(t *testing.T) {
	for _, p := range []Params{same(6, 8, 8, 64, 3, 3, 64, 1, 1), same(6, 8, 8, 32, 3, 3, 48, 2, 2)} {
		o := newOperands(t, p)
		isa := cpu.Detect()
		for _, v := range variants {
			if v.suits(p) {
				assert.Equal(t, o.compute(t, newDevice(t, isa, 1), v), o.compute(t, newDevice(t, isa, 64), v), "%s %v", v.name, p)
			}
		}
	}
}

// TestChoice pins which variant the constructors choose, for both images and for weights.
func TestChoice(t *testing.T) {
	dev := newDevice(t, cpu.Portable, 1)
	exact := same(8, 16, 16, 64, 3, 3, 64, 1, 1)
	exact.Exact = true
	for _, x := range []struct {
		images, weights string
		shapes          []Params
	}{
		{"winograd 4×4 portable", "winograd 4×4 portable", []Params{same(32, 8, 8, 64, 3, 3, 64, 1, 1), valid(8, 26, 26, 32, 3, 3, 64, 1, 1)}},
		{"winograd 4×4 by panels portable", "winograd 4×4 by panels portable", []Params{same(8, 8, 8, 64, 3, 3, 64, 1, 1), same(64, 4, 4, 512, 3, 3, 512, 1, 1)}},
		{"winograd 4×4 by panels portable", "direct by pixels portable", []Params{same(1, 8, 8, 64, 3, 3, 64, 1, 1)}},
		{"direct by pixels portable", "direct by pixels portable", []Params{same(128, 2, 2, 64, 3, 3, 64, 1, 1), same(8, 8, 8, 64, 5, 5, 64, 1, 1)}},
		{"direct portable", "direct by pixels portable", []Params{same(8, 16, 16, 64, 5, 5, 64, 1, 1), same(8, 7, 7, 512, 1, 1, 2048, 1, 1)}},
		{"grouped direct portable", "grouped direct portable", []Params{groups(same(8, 8, 8, 16, 3, 3, 16, 2, 2), 2)}},
		{"grouped winograd 4×4 by panels portable", "grouped winograd 4×4 by panels portable", []Params{groups(same(8, 8, 8, 128, 3, 3, 128, 1, 1), 2)}},
		{"depthwise portable", "depthwise portable", []Params{groups(same(8, 8, 8, 16, 3, 3, 16, 1, 1), 16), groups(same(8, 8, 8, 16, 3, 3, 32, 1, 1), 16)}},
		{"direct portable", "direct portable", []Params{
			exact, same(8, 32, 32, 64, 3, 3, 64, 2, 2), same(8, 8, 8, 3, 3, 3, 16, 1, 1), same(8, 8, 8, 64, 1, 1, 64, 1, 1),
		}},
	} {
		for _, p := range x.shapes {
			f, err := NewForward(dev, p, Epilogue{})
			require.NoError(t, err)
			d, err := NewBackwardData(dev, p, false)
			require.NoError(t, err)
			w, err := NewBackwardWeights(dev, p, false)
			require.NoError(t, err)
			assert.Equal(t, []string{x.images, x.images, x.weights}, []string{f.Variant(), d.Variant(), w.Variant()}, "%v", p)
		}
	}
	// Weights that stay the same are transformed for many runs.
	for want, p := range map[string]Params{"winograd 4×4 portable": same(1, 16, 16, 32, 3, 3, 32, 1, 1), "direct portable": same(1, 4, 4, 64, 3, 3, 64, 1, 1),
		"winograd 4×4 by panels portable": same(1, 14, 14, 256, 3, 3, 256, 1, 1)} {
		p.Fixed = true
		f, err := NewForward(dev, p, Epilogue{})
		require.NoError(t, err)
		assert.Equal(t, want, f.Variant(), "%v", p)
	}
}

// TestWinogradError bounds the largest error by the largest result, at 64 channels of normal numbers: measured 1.6e-6 for Winograd
// and 3e-7 for sums in order.
func TestWinogradError(t *testing.T) {
	o := newOperands(t, same(1, 16, 16, 64, 3, 3, 64, 1, 1))
	for _, v := range variants {
		if !v.suits(o.p) {
			continue
		}
		bound := map[string]float64{"direct": 1e-6, "pixels": 1e-6, "winograd": 4e-6, "winograd by panels": 4e-6, "winograd by panels of few images": 4e-6}[v.name]
		for _, isa := range cpu.Available() {
			r := o.compute(t, newDevice(t, isa, 1), v)
			for name, x := range map[string]struct {
				want []float64
				got  []float32
			}{"dst": {o.dst, r.dst}, "diffSrc": {o.diffSrc, r.diffSrc}, "diffWeights": {o.diffWeights, r.diffWeights}} {
				worst, largest := 0.0, 0.0
				for i, w := range x.want {
					worst, largest = max(worst, math.Abs(float64(x.got[i])-w)), max(largest, math.Abs(w))
				}
				t.Logf("%s %v %s: %.2g", v.name, isa, name, worst/largest)
				assert.Less(t, worst, bound*largest, "%s %v %s", v.name, isa, name)
			}
		}
	}
}

// TestConstructorsCheck makes sure that bad shapes are errors and never reach a kernel.
func TestConstructorsCheck(t *testing.T) {
	dev := newDevice(t, cpu.Portable, 1)
	bad := valid(1, 2, 2, 1, 3, 3, 1, 1, 1) // P is 0
	_, err := NewForward(dev, bad, Epilogue{})
	require.ErrorIs(t, err, ops.ErrShape)
	_, err = NewBackwardData(dev, bad, false)
	require.ErrorIs(t, err, ops.ErrShape)
	_, err = NewBackwardData(dev, groups(same(1, 4, 4, 4, 3, 3, 4, 1, 1), 2), true)
	require.ErrorIs(t, err, ops.ErrShape)
	assert.ErrorContains(t, err, "a residual of 2 groups")
	_, err = NewForward(dev, groups(same(1, 4, 4, 4, 3, 3, 4, 1, 1), 2), Epilogue{Add: true})
	require.ErrorIs(t, err, ops.ErrShape)
	assert.ErrorContains(t, err, "a residual of 2 groups")
	_, err = NewBackwardWeights(dev, bad, false)
	require.ErrorIs(t, err, ops.ErrShape)
	_, err = NewForward(dev, valid(1, 3, 3, 1, 3, 3, 1, 1, 1), Epilogue{Activation: 9})
	require.ErrorIs(t, err, ops.ErrShape)
	assert.ErrorContains(t, err, "unknown activation")
}

// TestShortBuffersPanic makes sure that a wrong length ends in Go, not in assembly.
func TestShortBuffersPanic(t *testing.T) {
	dev := newDevice(t, cpu.Portable, 1)
	p := same(1, 4, 4, 2, 3, 3, 2, 1, 1)
	f, err := NewForward(dev, p, Epilogue{Bias: true})
	require.NoError(t, err)
	buffer := func(n int) []float32 { return make([]float32, n, n+slack) }
	ws := buffer(f.WorkspaceBytes() / 4)
	assert.NotPanics(t, func() { f.Run(buffer(32), buffer(32), buffer(36), buffer(2), nil, ws) })
	assert.Panics(t, func() { f.Run(make([]float32, 31), buffer(32), buffer(36), buffer(2), nil, ws) })
	assert.Panics(t, func() { f.Run(buffer(32), buffer(32), buffer(36), buffer(2), nil, nil) })
}
