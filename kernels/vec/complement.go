package vec

import "strconv"

// Complement gives 1-x as Keras computes it of an optimizer's or a layer's argument: in float64, of the number that was written, rounded
// once. The float32 nearest to 0.999 is off by 1.3e-5 of the 0.001 that is left, so x is first read back as the shortest decimal
// number that rounds to it.
func Complement(x float32) float32 {
	var digits [32]byte
	written, err := strconv.ParseFloat(string(strconv.AppendFloat(digits[:0], float64(x), 'g', -1, 32)), 64)
	if err != nil { // ParseFloat reads what AppendFloat writes
		panic(err)
	}
	return float32(1 - written)
}
