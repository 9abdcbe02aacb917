package vec

import "math"

// The functions here take and give float64, but are exact to some 1e-9 only, far below the rounding of the float32 that becomes of their
// result: that needs shorter polynomials than package math has, and scalar float64 is as fast as float32.

// exp is eˣ. With k = round(x/log 2) and r = x - k·log 2 it is 2ᵏ·eʳ, and |r| ≤ 0.3466.
func exp(x float64) float64 {
	if math.Abs(x) > 700 {
		return math.Exp(x)
	}
	k := x*math.Log2E + shift
	return power(k) * (1 + powers(x-(k-shift)*math.Ln2))
}

// expm1 is eˣ-1, also for small x.
func expm1(x float64) float64 {
	if math.Abs(x) > 700 {
		return math.Expm1(x)
	}
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
	if !(x > 0 && x <= math.MaxFloat64) {
		return math.Log(x) // -∞, ∞ or NaN
	}
	bits := math.Float64bits(x)
	k := int64(bits-0x3fe6a09e667f3bcd) >> 52 // less √½
	m := math.Float64frombits(bits - uint64(k)<<52)
	s := (m - 1) / (m + 1)
	t := s * s
	return float64(k)*math.Ln2 + 2*s*(1+t*(1./3)+t*t*((1./5+t*(1./7))+t*t*((1./9+t*(1./11))+t*t*(1./13))))
}

// log1p is log(1+x).
func log1p(x float64) float64 {
	if math.Abs(x) < 1e-3 {
		return x * (1 - x*(1./2-x*(1./3-x*(1./4))))
	}
	return log(1 + x)
}

// tanh is (e²ˣ-1)/(e²ˣ+1).
func tanh(x float64) float64 {
	if x > 100 {
		return 1
	}
	t := expm1(2 * x)
	return t / (t + 2)
}

// sigmoid is 1/(1+e⁻ˣ).
func sigmoid(x float64) float64 { return 1 / (1 + exp(-x)) }

// softplus is log(1+eˣ).
func softplus(x float64) float64 { return max(x, 0) + log1p(exp(-math.Abs(x))) }

// erfc is 1 - erf x, to 1.2e-7 of it (Press et al., Numerical Recipes in C, 2nd edition, section 6.2).
func erfc(x float64) float64 {
	z := math.Abs(x)
	t := 1 / (1 + z/2)
	y := t * exp(-z*z-1.26551223+t*(1.00002368+t*(0.37409196+t*(0.09678418+t*(-0.18628806+t*(0.27886807+
		t*(-1.13520398+t*(1.48851587+t*(-0.82215223+t*0.17087277)))))))))
	if x < 0 {
		return 2 - y
	}
	return y
}

// normal is the distribution function of the normal distribution, Φ.
func normal(x float64) float64 { return erfc(-x/math.Sqrt2) / 2 }
