package vec

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/meseta-go/meseta/kernels/cpu"
	"github.com/meseta-go/meseta/ops"
)

// sweep has numbers of all magnitudes and both signs, those where formulas change, and what is no finite number.
func sweep() []float32 {
	var x []float32
	for bits := uint32(0); bits < 0x7f800000; bits += 9999 {
		x = append(x, math.Float32frombits(bits), -math.Float32frombits(bits))
	}
	for _, v := range []float64{0, 1, 2, 3, 0.5, 0.3, 1.5, -.7, 1.2, 1e-3, 6, 709, 710, 100, 88.7, 103.9, 1e-45, 1e-38, math.MaxFloat32, math.Inf(1), math.NaN()} {
		near := float32(v)
		for _, v := range []float32{near, math.Nextafter32(near, 1e9), math.Nextafter32(near, -1e9)} {
			x = append(x, v, -v)
		}
	}
	return x
}

// requireBits asks for the same bits, or for two NaN. Where Go's compiler fuses products of float64 into sums, the last bit may differ, and where
// numbers of some size cancel, what is left of their rounding.
func requireBits(t *testing.T, want, got []float32, at func(i int) string) {
	t.Helper()
	fused := runtime.GOARCH != "amd64"
	for i, w := range want {
		if g := got[i]; math.Float32bits(w) != math.Float32bits(g) && (w == w || g == g) {
			if fused && math.Abs(float64(w)-float64(g)) <= 0x1p-23*math.Abs(float64(w))+1e-15 {
				continue
			}
			require.Fail(t, "bits differ", "%s: %v, the portable loop gives %v", at(i), g, w)
		}
	}
}

func TestUnaryBits(t *testing.T) {
	src := sweep()
	rng := rand.New(rand.NewPCG(3, 4))
	diff := make([]float32, len(src))
	for i := range diff {
		diff[i] = float32(rng.NormFloat64())
	}
	want, wantBackward, got := make([]float32, len(src)), make([]float32, len(src)), make([]float32, len(src))
	for f := range ops.UnaryFuncs {
		for i, p := range []*Parameters{{A: -.7, B: 1.2, C: .3}, {A: .1, B: float32(math.Inf(1)), C: 1}, {B: 6}} {
			if i > 0 && f.Parameters() == 0 {
				break
			}
			unaryLoops[f].Forward(want, src, p)
			unaryLoops[f].Backward(wantBackward, diff, src, p)
			for _, isa := range cpu.Available() {
				loops := Unary(isa, f)
				loops.Forward(got, src, p)
				requireBits(t, want, got, func(i int) string { return fmt.Sprintf("%v: %v %+v of %v", isa, f, *p, src[i]) })
				loops.Backward(got, diff, src, p)
				requireBits(t, wantBackward, got, func(i int) string { return fmt.Sprintf("%v: %v's derivative %+v at %v", isa, f, *p, src[i]) })
			}
		}
	}
}

func TestBinaryBits(t *testing.T) {
	var a, b []float32
	special := []float32{0, float32(math.Copysign(0, -1)), 1, -1, 3, float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1)), 1e-45, -1e-40, 3e38, 1. / 3}
	for _, x := range special {
		for _, y := range special {
			a, b = append(a, x), append(b, y)
		}
	}
	rng := rand.New(rand.NewPCG(5, 6))
	for range 2000 {
		a, b = append(a, math.Float32frombits(rng.Uint32())), append(b, math.Float32frombits(rng.Uint32()))
	}
	want, got := make([]float32, len(a)), make([]float32, len(a))
	for _, isa := range cpu.Available() {
		for f := range ops.BinaryFuncs {
			loops := Binary(isa, f)
			binaryLoops[f].Each(want, a, b)
			loops.Each(got, a, b)
			requireBits(t, want, got, func(i int) string { return fmt.Sprintf("%v: %v %v %v", isa, a[i], f, b[i]) })
			for _, number := range special {
				binaryLoops[f].Right(want, a, number)
				loops.Right(got, a, number)
				requireBits(t, want, got, func(i int) string { return fmt.Sprintf("%v: %v %v %v", isa, a[i], f, number) })
				binaryLoops[f].Left(want, number, b)
				loops.Left(got, number, b)
				requireBits(t, want, got, func(i int) string { return fmt.Sprintf("%v: %v %v %v", isa, number, f, b[i]) })
			}
		}
	}
}

// Every length, in place too: nothing behind the last element is read for a result or written.
func TestFunctionLengths(t *testing.T) {
	p := &Parameters{A: .5, B: 1, C: .2}
	for _, isa := range cpu.Available() {
		for n := range 40 {
			src, diff := make([]float32, n+1), make([]float32, n+1)
			for i := range src {
				src[i], diff[i] = float32(i+1)/8, float32(3-i)
			}
			check := func(name any, portable, native func(x, y []float32)) {
				want, got := append([]float32{}, src...), append([]float32{}, src...)
				portable(want[:n], diff[:n])
				native(got[:n], diff[:n])
				requireBits(t, want, got, func(i int) string { return fmt.Sprintf("%v: %v, element %d of %d", isa, name, i, n) })
			}
			for f := range ops.UnaryFuncs {
				portable, loops := unaryLoops[f], Unary(isa, f)
				check(f, func(x, _ []float32) { portable.Forward(x, x, p) }, func(x, _ []float32) { loops.Forward(x, x, p) })
				check(f, func(x, y []float32) { portable.Backward(x, x, y, p) }, func(x, y []float32) { loops.Backward(x, x, y, p) })
				check(f, func(x, y []float32) { portable.Backward(x, y, x, p) }, func(x, y []float32) { loops.Backward(x, y, x, p) })
			}
			for f := range ops.BinaryFuncs {
				portable, loops := binaryLoops[f], Binary(isa, f)
				check(f, func(x, y []float32) { portable.Each(x, y, x) }, func(x, y []float32) { loops.Each(x, y, x) })
				check(f, func(x, _ []float32) { portable.Right(x, x, 3) }, func(x, _ []float32) { loops.Right(x, x, 3) })
				check(f, func(x, _ []float32) { portable.Left(x, 3, x) }, func(x, _ []float32) { loops.Left(x, 3, x) })
			}
		}
	}
}
