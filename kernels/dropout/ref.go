package dropout

import (
	"math"

	"github.com/meseta-go/meseta/random"
)

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

// ReferenceSpatial defines Spatial.
func ReferenceSpatial[T float32 | float64](dst, src []T, n, c int, rate float32, stream uint32, seed, step uint64) {
	scale := T(1 / (1 - float64(rate)))
	sample, blocks := len(src)/n, (c+3)/4
	for i, x := range src {
		channel := i % c
		words := random.Philox(seed, random.Counter(random.Dropout, stream, step, uint32(i/sample*blocks+channel/4)))
		dst[i] = 0
		if random.Uniform01(words[channel%4]) >= rate {
			dst[i] = x * scale
		}
	}
}

// ReferenceNoise defines what NewNoise makes.
func ReferenceNoise[T float32 | float64](dst, src []T, deviation T, stream uint32, seed, step uint64) {
	for i, x := range src {
		dst[i] = x + T(referenceNormal[T](i, stream, seed, step)*deviation)
	}
}

// ReferenceGaussianDropout defines what NewGaussianDropout makes.
func ReferenceGaussianDropout[T float32 | float64](dst, src []T, deviation T, stream uint32, seed, step uint64) {
	for i, x := range src {
		dst[i] = x * (1 + T(referenceNormal[T](i, stream, seed, step)*deviation))
	}
}

func referenceNormal[T float32 | float64](i int, stream uint32, seed, step uint64) T {
	words := random.Philox(seed, random.Counter(random.Dropout, stream, step, uint32(i/4)))
	pair := words[i%4/2*2:][:2]
	radius := math.Sqrt(-2 * math.Log(1-float64(random.Uniform01(pair[0]))))
	angle := 2 * math.Pi * float64(random.Uniform01(pair[1]))
	if i%2 == 0 {
		return T(radius * math.Cos(angle))
	}
	return T(radius * math.Sin(angle))
}
