package dropout

import "github.com/meseta-go/meseta/random"

// Reference defines Dropout.
func Reference[T float32 | float64](dst, src []T, rate float32, stream uint32, seed, step uint64) {
	scale := T(1 / (1 - float64(rate)))
	for i, x := range src {
		words := random.Philox(seed, random.Counter(random.Dropout, stream, step, uint32(i/4)))
		dst[i] = 0
		if random.Uniform01(words[i%4]) >= rate {
			dst[i] = x * scale
		}
	}
}
