package elementwise

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/diff/fd"

	"github.com/meseta-go/meseta/kernels/cpu"
	"github.com/meseta-go/meseta/kernels/vec"
	"github.com/meseta-go/meseta/kernels/vec/parity"
	"github.com/meseta-go/meseta/ops"
)

// unaries has each function, with parameters that move its kinks off those of the others.
func unaries() []ops.Unary {
	parameters := map[ops.UnaryFunc]ops.Unary{
		ops.PowScalar: {A: 2.5}, ops.Clip: {A: -.7, B: 1.2}, ops.LeakyRelu: {A: .2}, ops.Rectify: {A: .1, B: 1.5, C: .3}, ops.Elu: {A: .8},
		ops.Celu: {A: 1.3}, ops.HardShrink: {A: .5}, ops.SoftShrink: {A: .5}, ops.Squareplus: {A: 4}, ops.Threshold: {A: .4, B: -1.1},
	}
	var list []ops.Unary
	for f := range ops.UnaryFuncs {
		o := parameters[f]
		o.Func = f
		list = append(list, o)
	}
	return append(list, ops.Unary{Func: ops.Rectify, B: 6}, ops.Unary{Func: ops.Rectify, B: float32(math.Inf(1)), C: 1}, ops.Unary{Func: ops.PowScalar, A: 2})
}

// positive says whether a function is defined for positive numbers only.
func positive(f ops.UnaryFunc) bool {
	switch f {
	case ops.Log, ops.Log1p, ops.Sqrt, ops.Rsqrt, ops.PowScalar:
		return true
	}
	return false
}

// singular says whether a function or its derivative is infinite at 0.
func singular(f ops.UnaryFunc) bool {
	switch f {
	case ops.Log, ops.LogPositive, ops.Sqrt, ops.Rsqrt, ops.Reciprocal:
		return true
	}
	return false
}

func TestUnaryParity(t *testing.T) {
	for _, o := range unaries() {
		for _, n := range []int{1, 17, 1000, vec.FlatChunk + 1} {
			src, diff := parity.Narrow(parity.Normal(rng, n)), parity.Narrow(parity.Normal(rng, n))
			for i := range src {
				if src[i] *= 2; positive(o.Func) {
					src[i] = float32(math.Abs(float64(src[i])))
				}
				if i%7 == 3 && !singular(o.Func) {
					src[i] = 0
				}
			}
			y, from := make([]float32, n), src
			ReferenceUnary(o, y, src)
			if o.Func.FromDst() {
				from = y
			}
			dx := make([]float32, n)
			ReferenceUnaryBackward(ops.UnaryBackward(o), dx, diff, from)
			t.Run(fmt.Sprintf("%s %v %d", o.Name(), o, n), func(t *testing.T) {
				parity.Check(t, func(t *testing.T, dev *cpu.Device) (func(), [][]float32) {
					forward, err := NewUnary(dev, n, o)
					require.NoError(t, err)
					backward, err := NewUnaryBackward(dev, n, ops.UnaryBackward(o))
					require.NoError(t, err)
					x, d, f := parity.In(src), parity.In(diff), parity.In(from)
					dst, same, diffSrc, diffSame := parity.Out(t, n), parity.InOut(t, src), parity.Out(t, n), parity.InOut(t, diff)
					return func() {
						forward.Run(dst, x)
						forward.Run(same, same)
						backward.Run(diffSrc, d, f)
						backward.Run(diffSame, diffSame, f)
					}, [][]float32{dst, same, diffSrc, diffSame}
				}, close(y), close(y), close(dx), close(dx)) // both sides round once
			})
		}
	}
}

// close asks for what the definition gives in float32, give or take a few roundings.
func close(values []float32) parity.Want {
	w := parity.Exactly(values)
	w.Tolerance = 1.2e-7
	return w
}

// TestUnaryAccuracy sweeps over the float32 numbers of all magnitudes: each function and derivative is within 2 units in the last place
// of its definition, those that subtract nearly equal numbers within so many of these. Package vec's tests hold assembly to the portable bits.
func TestUnaryAccuracy(t *testing.T) {
	var src, ones []float32
	for bits := uint32(0); bits < 0x7f800000; bits += 5347 {
		src, ones = append(src, math.Float32frombits(bits), -math.Float32frombits(bits)), append(ones, 1, 1)
	}
	dst := make([]float32, len(src))
	for _, o := range unaries() {
		p, loops := &vec.Parameters{A: o.A, B: o.B, C: o.C}, vec.Unary(cpu.Portable, o.Func)
		loops.Forward(dst, src, p)
		worst, at := farthest(src, dst, func(x float64) (want, scale float64) {
			want = function(o, x)
			if o.Func == ops.Squareplus || o.Func == ops.GeluTanh {
				return want, x // x·(1+f(x)), where f(x) is near -1
			}
			return want, 0
		})
		assert.LessOrEqual(t, worst, 2.0, "%s of %v", o.Name(), at)
		loops.Backward(dst, ones, src, p)
		worst, at = farthest(src, dst, func(x float64) (want, scale float64) {
			want = derivative(o, x)
			switch o.Func {
			case ops.Squareplus, ops.Gelu, ops.GeluTanh, ops.Silu, ops.Mish, ops.TanhShrink, ops.HardSilu, ops.Sigmoid, ops.Tanh:
				return want, 1 // 1-f(x) or f(x)+g(x)
			}
			return want, 0
		})
		assert.LessOrEqual(t, worst, 2.0, "the derivative of %s at %v", o.Name(), at)
	}
}

// farthest gives the largest error in units of the last place, of what is wanted or of scale if that is larger, and where it is.
func farthest(src, dst []float32, of func(x float64) (want, scale float64)) (worst float64, at float32) {
	for i, x := range src {
		want, scale := of(float64(x))
		got := float64(dst[i])
		if float64(float32(want)) == got || math.IsNaN(want) && math.IsNaN(got) {
			continue
		}
		ulp := max(math.Abs(want), math.Abs(scale))/(1<<23) + 0x1p-149
		if e := math.Abs(got-want) / ulp; !(e <= worst) {
			worst, at = e, x
		}
	}
	return worst, at
}

func TestUnaryGradients(t *testing.T) {
	x := parity.Normal(rng, 200)
	for _, o := range unaries() {
		if o.Func == ops.Sign {
			continue
		}
		src := append([]float64(nil), x...)
		for i := range src {
			src[i] *= 2
			if positive(o.Func) {
				src[i] = math.Abs(src[i]) + .1
			}
			// Off kinks: no parameter or constant of a function is within 1e-4 of a multiple of 0.1 and 0.001.
			src[i] = math.Round(src[i]*1000)/1000 + 5e-4
			if singular(o.Func) && math.Abs(src[i]) < .2 {
				src[i] += .5
			}
		}
		n := len(src)
		y, got, ones := make([]float64, n), make([]float64, n), make([]float64, n)
		for i := range ones {
			ones[i] = 1
		}
		ReferenceUnary(o, y, src)
		from := src
		if o.Func.FromDst() {
			from = y
		}
		ReferenceUnaryBackward(ops.UnaryBackward(o), got, ones, from)
		for i, v := range src {
			want := fd.Derivative(func(x float64) float64 { return function(o, x) }, v, &fd.Settings{Formula: fd.Central, Step: 1e-5})
			assert.InDelta(t, want, got[i], 1e-7*max(1, math.Abs(want)), "%s %v at %v", o.Name(), o, v)
		}
	}
}

// TestUnaryExtremes has what Keras gives on TensorFlow for numbers that are not finite.
func TestUnaryExtremes(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	dst := make([]float32, 3)
	for _, o := range unaries() { // NaN never gets lost
		vec.Unary(cpu.Portable, o.Func).Forward(dst[:1], []float32{nan}, &vec.Parameters{A: o.A, B: o.B, C: o.C})
		assert.True(t, dst[0] != dst[0], "%s of NaN is %v", o.Name(), dst[0])
	}
	for f, want := range map[ops.UnaryFunc][3]float32{
		ops.Exp: {0, inf, nan}, ops.Tanh: {-1, 1, nan}, ops.Sigmoid: {0, 1, nan}, ops.Softplus: {0, inf, nan}, ops.Log: {nan, inf, nan},
		ops.Erf: {-1, 1, nan}, ops.Elu: {-1, inf, nan}, ops.LeakyRelu: {-inf, inf, nan}, ops.HardSigmoid: {0, 1, nan}, ops.Abs: {inf, inf, nan},
		ops.SoftShrink: {-inf, inf, nan}, ops.SparsePlus: {0, inf, nan}, ops.Sign: {-1, 1, nan}, ops.Silu: {nan, inf, nan}, ops.LogSigmoid: {-inf, 0, nan},
	} {
		vec.Unary(cpu.Portable, f).Forward(dst, []float32{-inf, inf, nan}, &vec.Parameters{A: 1})
		for i := range dst {
			if want[i] != want[i] {
				assert.True(t, dst[i] != dst[i], "%v of element %d is %v", f, i, dst[i])
			} else {
				assert.Equal(t, want[i], dst[i], "%v of element %d", f, i)
			}
		}
	}
}

// pairs are shapes that broadcast: equal, a scalar, vectors along each dimension, both sides, rows that are long and short.
var pairs = [][2]ops.Shape{
	{{1}, {1}}, {{7}, {7}}, {{3, 5}, {3, 5}}, {{3, 5}, {}}, {{}, {4}}, {{3, 5}, {1}}, {{3, 5}, {5}}, {{3, 5}, {3, 1}}, {{3, 1}, {1, 5}},
	{{2, 3, 4, 5}, {5}}, {{2, 3, 4, 5}, {2, 1, 1, 5}}, {{2, 3, 4, 5}, {2, 3, 4, 1}}, {{2, 3, 4, 5}, {1, 4, 1}}, {{4, 1, 6}, {5, 1}},
	{{5, 1, 4, 1}, {3, 1, 7}}, {{4, 1, 3}, {2, 4, 6, 3}}, {{vec.FlatChunk + 3}, {vec.FlatChunk + 3}}, {{2, 2*vec.FlatChunk + 5}, {2, 1}},
	{{3 * vec.FlatChunk}, {1}}, {{4000, 7}, {7}}, {{7}, {4000, 7}}, {{5, 90, 64}, {64}}, {{33, 257}, {257}}, {{4000, 7}, {4000, 1}},
}

func TestBinaryParity(t *testing.T) {
	for f := range ops.BinaryFuncs {
		for _, p := range pairs {
			to, err := ops.BroadcastShapes(p[0], p[1])
			require.NoError(t, err)
			n := to.Size()
			if n > 1000 && f != ops.Divide && f != ops.Plus && f != ops.Greater {
				continue
			}
			a, b, want := numbers(p[0].Size()), numbers(p[1].Size()), make([]float32, n)
			if len(a) == len(b) {
				copy(b, a[:len(a)/2]) // so that some are equal
			}
			ReferenceBinary(f, p[0], p[1], want, a, b)
			t.Run(fmt.Sprintf("%v %v %v", f, p[0], p[1]), func(t *testing.T) {
				parity.Check(t, func(t *testing.T, dev *cpu.Device) (func(), [][]float32) {
					x, err := NewBinary(dev, f, p[0], p[1])
					require.NoError(t, err)
					u, v, dst := parity.In(a), parity.In(b), parity.Out(t, n)
					outputs := [][]float32{dst}
					over := func(values []float32) []float32 { // in place of an operand that is not broadcast
						if len(values) != n {
							return dst
						}
						return parity.InOut(t, values)
					}
					overA, overB := over(a), over(b)
					outputs = append(outputs, overA, overB)
					return func() {
						x.Run(dst, u, v)
						if len(a) == n {
							x.Run(overA, overA, v)
						}
						if len(b) == n {
							x.Run(overB, u, overB)
						}
					}, outputs
				}, parity.Exactly(want), parity.Exactly(want), parity.Exactly(want))
			})
		}
	}
}

func TestFunctionsDoNotAllocate(t *testing.T) {
	const n = 3 * vec.FlatChunk
	a, b, c := make([]float32, n), make([]float32, n), make([]float32, n)
	parity.NoAllocation(t, func(t *testing.T, dev *cpu.Device) (func(), [][]float32) {
		forward, err := NewUnary(dev, n, ops.Unary{Func: ops.Gelu})
		require.NoError(t, err)
		backward, err := NewUnaryBackward(dev, n, ops.UnaryBackward{Func: ops.Gelu})
		require.NoError(t, err)
		binary, err := NewBinary(dev, ops.Times, ops.Shape{3, vec.FlatChunk / 4, 4}, ops.Shape{3, 1, 4})
		require.NoError(t, err)
		row, err := NewBinary(dev, ops.Times, ops.Shape{n / 4, 4}, ops.Shape{4})
		require.NoError(t, err)
		return func() { forward.Run(b, a); backward.Run(c, a, b); binary.Run(c, a, b); row.Run(c, a, b) }, nil
	})
}

func TestFunctionErrors(t *testing.T) {
	dev := parity.Device(t, cpu.Portable, 1)
	_, err := NewUnary(dev, 0, ops.Unary{Func: ops.Exp})
	assert.EqualError(t, err, "exp: 0 elements, want at least 1: shapes disagree")
	_, err = NewBinary(dev, ops.Plus, ops.Shape{3, 2}, ops.Shape{3})
	assert.ErrorIs(t, err, ops.ErrShape)
	_, err = NewBinary(dev, ops.Plus, ops.Shape{0, 2}, ops.Shape{2})
	assert.ErrorIs(t, err, ops.ErrShape)
}

// BenchmarkFunctions has each function and its derivative on 64 KiB a tensor, for each instruction set.
func BenchmarkFunctions(b *testing.B) {
	src, diff, dst := parity.Narrow(parity.Normal(rng, vec.FlatChunk)), parity.Narrow(parity.Normal(rng, vec.FlatChunk)), make([]float32, vec.FlatChunk)
	for i := range src {
		src[i] = float32(math.Abs(float64(src[i])))
	}
	run := func(name string, f func()) {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				f()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(src)), "ns/element")
		})
	}
	for _, isa := range cpu.Available() {
		for f := range ops.UnaryFuncs {
			loops, p := vec.Unary(isa, f), &vec.Parameters{A: .5, B: 1}
			run(fmt.Sprintf("%v/%v", f, isa), func() { loops.Forward(dst, src, p) })
			run(fmt.Sprintf("%v_data/%v", f, isa), func() { loops.Backward(dst, diff, src, p) })
		}
		for f := range ops.BinaryFuncs {
			loops, dev := vec.Binary(isa, f), parity.Device(b, isa, 1)
			row, err := NewBinary(dev, f, ops.Shape{vec.FlatChunk / 16, 16}, ops.Shape{16})
			require.NoError(b, err)
			run(fmt.Sprintf("%v/%v", f, isa), func() { loops.Each(dst, src, diff) })
			run(fmt.Sprintf("%v_row/%v", f, isa), func() { row.Run(dst, src, diff) })
			run(fmt.Sprintf("%v_number/%v", f, isa), func() { loops.Right(dst, src, 2) })
		}
	}
}
