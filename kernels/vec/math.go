package vec

import "math"

// The functions here take and give float64, but are exact to some 1e-9 only, far below the rounding of the float32 that becomes of their
// result: that needs shorter polynomials than package math has, and scalar float64 is as fast as float32.
//
// The generator ../_asm reads this file: it compiles these very functions to vector instructions, which do the same operations in the same order
// and so give the same bits. Hence what they may use: float64, uint64, + - * / & | << >>, comparisons, if, return, the builtins min and max, of package
// math the constants, Abs, Sqrt, Inf, NaN and the functions of bits. There, every branch is computed, and the condition only picks a result.

// exp is eˣ. With k = round(x/log 2) and r = x - k·log 2 it is 2ᵏ·eʳ, and |r| ≤ 0.3466. Where it would be no normal float64 it is 0 or ∞.
func exp(x float64) float64 {
	x = max(min(x, 710), -709) // 2¹⁰²⁴ and 2⁻¹⁰²³ are ∞ and 0 to power
	k := x*math.Log2E + shift
	return power(k) * (1 + powers(x-(k-shift)*math.Ln2))
}

// expm1 is eˣ-1, also for small x, and 8e307 for large ones.
func expm1(x float64) float64 {
	x = max(min(x, 709), -709)
	k := x*math.Log2E + shift
	scale := power(k)
	return scale*powers(x-(k-shift)*math.Ln2) + (scale - 1)
}

// shift added to a number leaves the nearest integer in its low bits; power is 2 to that integer.
const shift = 3 << 51

func power(shifted float64) float64 {
	return math.Float64frombits((math.Float64bits(shifted) + 1023) << 52)
}

// powers is eʳ-1 by its Taylor polynomial of degree 7, which leaves 5e-9, summed in Estrin's order: products do not wait for each other.
func powers(r float64) float64 {
	r2 := r * r
	return r + r2*(1./2+r*(1./6)) + r2*r2*((1./24+r*(1./120))+r2*(1./720+r*(1./5040)))
}

// log is log x for x that are no subnormal float64. With x = 2ᵏ·m, √½ ≤ m < √2, and s = (m-1)/(m+1) it is k·log 2 + 2·artanh s; |s| ≤ 0.1716
// leaves 1e-11 of the polynomial of degree 13.
func log(x float64) float64 {
	bits := math.Float64bits(x)
	k := (bits - 0x3fe6a09e667f3bcd + 1024<<52) >> 52 // less √½; more 1024, to be positive
	m := math.Float64frombits(bits - (k-1024)<<52)
	s := (m - 1) / (m + 1)
	t := s * s
	y := (math.Float64frombits(k|integer)-(1<<52+1024))*math.Ln2 + 2*s*(1+t*(1./3)+t*t*((1./5+t*(1./7))+t*t*((1./9+t*(1./11))+t*t*(1./13))))
	if !(x > 0) {
		y = math.NaN()
	}
	if x == 0 {
		y = math.Inf(-1)
	}
	if x > math.MaxFloat64 {
		y = x
	}
	return y
}

// integer are the bits of 1<<52, whose lowest ones count.
const integer = 0x433 << 52

// log1p is log(1+x).
func log1p(x float64) float64 {
	if math.Abs(x) < 1e-3 {
		return x * (1 - x*(1./2-x*(1./3-x*(1./4))))
	}
	return log(1 + x)
}

// tanh is (e²ˣ-1)/(e²ˣ+1).
func tanh(x float64) float64 {
	t := expm1(2 * min(x, 100))
	return t / (t + 2)
}

// sigmoid is 1/(1+e⁻ˣ).
func sigmoid(x float64) float64 { return 1 / (1 + exp(-x)) }

// softplus is log(1+eˣ).
func softplus(x float64) float64 { return max(x, 0) + logFrom1to2(exp(-math.Abs(x))) }

// logFrom1to2 is log(1+x) for x from 0 to 1: 2·artanh(x/(2+x)), of which the polynomial of degree 17 leaves 2e-10.
func logFrom1to2(x float64) float64 {
	s := x / (x + 2)
	t := s * s
	t2 := t * t
	return 2 * s * ((1 + t*(1./3)) + t2*((1./5+t*(1./7))+t2*((1./9+t*(1./11))+t2*((1./13+t*(1./15))+t2*(1./17)))))
}

// erfcx is exp(z²)·(1 - erf z) for z from 0 to 10.6, and finite beyond: a minimax polynomial of degree 10 in (z-3)/(z+3), which is within 1.5e-9
// of it. (The variable is that of Shepherd & Laframboise, Math. Comp. 36 (1981), 249.)
func erfcx(z float64) float64 {
	z = min(z, 20)
	q := (z - 3) / (z + 3)
	q2 := q * q
	q4 := q2 * q2
	return (0.179001151281 - q*0.32623356383) + q2*(0.245603795846-q*0.150115782537) +
		q4*((0.0716658922161-q*0.024394206433)+q2*(0.00426873518394+q*0.000715538580972)+
			q4*((2.92832406381e-05*q-0.000594393596097)+q2*5.60895123994e-05))
}

// erf is 2/√π·∫₀ˣ exp(-t²)dt, near 0 by its Taylor polynomial of degree 15, which leaves 2e-11.
func erf(x float64) float64 {
	z := x * x
	if z < 1./4 {
		z2 := z * z
		return 2 / math.SqrtPi * x * ((1 - z*(1./3)) + z2*(1./10-z*(1./42)) + z2*z2*((1./216-z*(1./1320))+z2*(1./9360-z*(1./75600))))
	}
	y := 1 - exp(-x*x)*erfcx(math.Abs(x))
	if x < 0 {
		return -y
	}
	return y
}

// normal is the distribution function of the normal distribution, Φ, density its derivative.
func normal(x float64) float64 {
	y := exp(x*x*-0.5) * erfcx(math.Abs(x)*(1/math.Sqrt2)) * 0.5
	if x > 0 {
		return 1 - y
	}
	return y
}

func density(x float64) float64 { return 1 / (math.Sqrt2 * math.SqrtPi) * exp(x*x*-0.5) }

// ClipLow and ClipHigh are what probabilities are clipped to: Keras's backend.epsilon() and 1 less it. ClipHigh32 is the float32 nearest to ClipHigh:
// a binary cross-entropy takes the logarithm of 1 less it, so that the rounding shows.
const (
	ClipLow    = 1e-7
	ClipHigh   = 1 - ClipLow
	ClipHigh32 = 1 - 0x1p-23
)

// Constants of selu (arXiv:1706.02515) and of the approximation of gelu (arXiv:1606.08415).
const (
	seluAlpha     = 1.6732632423543772848170429916717
	seluScale     = 1.0507009873554804934193349852946
	geluTanhScale = math.Sqrt2 / math.SqrtPi // √(2/π)
	geluTanhCubic = 0.044715
)

func geluTanhInner(x float64) float64 { return geluTanhScale * x * (1 + geluTanhCubic*x*x) }

func hardSigmoid(x float64) float64 { return max(min(x*(1./6)+0.5, 1), 0) }

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
