package vec

import (
	"math"

	"github.com/meseta-go/meseta/kernels/cpu"
	"github.com/meseta-go/meseta/ops"
)

// Parameters are those of an ops.Unary.
type Parameters struct{ A, B, C float32 }

// UnaryLoops are a function of one number and its gradient. n is len of the first slice; slices may be the same.
type UnaryLoops struct {
	// dst[i] = f(src[i])
	Forward func(dst, src []float32, p *Parameters)
	// diffSrc[i] = diffDst[i]·f′, of src, or of dst where the function's FromDst says so.
	Backward func(diffSrc, diffDst, from []float32, p *Parameters)
}

// BinaryLoops are a function of two numbers. n is len(dst); slices may be the same. Exact.
type BinaryLoops struct {
	Each  func(dst, a, b []float32)         // dst[i] = f(a[i], b[i])
	Right func(dst, a []float32, b float32) // dst[i] = f(a[i], b)
	Left  func(dst []float32, a float32, b []float32)
}

// Unary gives the loops of a function for an instruction set: so far those in Go for all.
func Unary(_ cpu.ISA, f ops.UnaryFunc) UnaryLoops { return unaryLoops[f] }

// Binary gives the loops of a function for an instruction set. Sums of equal shapes are in assembly.
func Binary(isa cpu.ISA, f ops.BinaryFunc) BinaryLoops {
	loops := binaryLoops[f]
	if f == ops.Plus {
		loops.Each = For(isa).Add
	}
	return loops
}

// Constants of selu (arXiv:1706.02515) and of the approximation of gelu (arXiv:1606.08415).
const (
	seluAlpha     = 1.6732632423543772848170429916717
	seluScale     = 1.0507009873554804934193349852946
	geluTanhScale = math.Sqrt2 / math.SqrtPi // √(2/π)
	geluTanhCubic = 0.044715
)

func geluTanhInner(x float64) float64 { return geluTanhScale * x * (1 + geluTanhCubic*x*x) }

// density is that of the normal distribution.
func density(x float64) float64 { return 1 / (math.Sqrt2 * math.SqrtPi) * exp(-x*x/2) }

func hardSigmoid(x float64) float64 { return max(min(x/6+0.5, 1), 0) }

// sign keeps zeros and NaN.
func sign(x float64) float64 {
	if x > 0 {
		return 1
	}
	if x < 0 {
		return -1
	}
	return x
}
