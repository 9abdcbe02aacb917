package dropout

import "math"

// normals makes four normally distributed numbers of four random words, as Gaussian says. The conversions float32(a*b) keep the
// compiler from fusing a product into a sum, so that results are the same everywhere.
func normals(words [4]uint32) (a, b, c, d float32) {
	a, b = boxMuller(words[0], words[1])
	c, d = boxMuller(words[2], words[3])
	return a, b, c, d
}

// boxMuller gives √(-2·ln(1-u))·cos(2πv) and √(-2·ln(1-u))·sin(2πv), where u and v are multiples of 2⁻²⁴ in [0,1).
func boxMuller(u, v uint32) (x, y float32) {
	radius := float32(math.Sqrt(float64(-2 * logOfRest(u))))
	sin, cos := sinCosOfTurn(v)
	return radius * cos, radius * sin
}

// logOfRest gives ln(1-u) of the word of u; u < 1, so that it is finite.
//
// Source: Moshier's Cephes, logf: 1-u is 2ᵉ·m with m in [√½,√2), and of ln m a polynomial.
func logOfRest(u uint32) float32 {
	const root = 0x3f3504f3 // √½
	bits := math.Float32bits(float32(1<<24-u>>8)) - root
	e := float32(int32(bits)>>23 - 24)
	m := math.Float32frombits(bits&(1<<23-1)+root) - 1
	square := m * m
	p := float32(7.0376836292e-2*m) - 1.1514610310e-1
	p = float32(p*m) + 1.1676998740e-1
	p = float32(p*m) - 1.2420140846e-1
	p = float32(p*m) + 1.4249322787e-1
	p = float32(p*m) - 1.6668057665e-1
	p = float32(p*m) + 2.0000714765e-1
	p = float32(p*m) - 2.4999993993e-1
	p = float32(p*m) + 3.3333331174e-1
	p = float32(float32(p*m)*square) + float32(-2.12194440e-4*e)
	p -= float32(0.5 * square)
	return m + p + float32(0.693359375*e)
}

// sinCosOfTurn gives sin(2πv) and cos(2πv) of the word of v.
//
// Source: Cephes, sinf and cosf: the turn is a number of quarters and at most an eighth more or less, and of that polynomials.
func sinCosOfTurn(v uint32) (sin, cos float32) {
	quarters := (v>>8 + 1<<21) >> 22 // 0 to 4
	x := float32(float32(int32(v>>8)-int32(quarters<<22)) * (math.Pi / (1 << 23)))
	square := x * x
	s := float32(-1.9515295891e-4*square) + 8.3321608736e-3
	s = float32(s*square) - 1.6666654611e-1
	s = float32(float32(s*square)*x) + x
	c := float32(2.443315711809948e-5*square) - 1.388731625493765e-3
	c = float32(c*square) + 4.166664568298827e-2
	c = float32(float32(c*square)*square) - float32(0.5*square) + 1
	// Odd quarters swap the two; then the signs. Without branches, which nothing could predict.
	sBits, cBits := math.Float32bits(s), math.Float32bits(c)
	swap := (sBits ^ cBits) & -(quarters & 1)
	sBits ^= swap ^ quarters&2<<30
	cBits ^= swap ^ (quarters+1)&2<<30
	return math.Float32frombits(sBits), math.Float32frombits(cBits)
}
