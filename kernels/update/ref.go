package update

import (
	"math"

	"github.com/meseta-go/meseta/kernels/vec"
)

// Float is what the definitions are generic over: float32 as the kernels compute, float64 to judge them by.
type Float interface{ float32 | float64 }

// ReferenceSGD defines SGDUpdate.
func ReferenceSGD[T Float](p SGD, param, grad, velocity []T, learningRate T) {
	for i, g := range grad {
		param[i] -= param[i] * T(p.WeightDecay) * learningRate
		switch {
		case p.Momentum == 0:
			param[i] -= g * learningRate
		case p.Nesterov:
			velocity[i] = velocity[i]*T(p.Momentum) - g*learningRate
			param[i] += velocity[i]*T(p.Momentum) - g*learningRate
		default:
			velocity[i] = velocity[i]*T(p.Momentum) - g*learningRate
			param[i] += velocity[i]
		}
	}
}

// ReferenceAdam defines AdamUpdate.
func ReferenceAdam[T Float](p Adam, param, grad, m, v []T, learningRate float32, step int64) {
	alpha := T(p.alpha(learningRate, step))
	for i, g := range grad {
		param[i] -= param[i] * T(p.WeightDecay) * T(learningRate)
		m[i] += (g - m[i]) * T(vec.Complement(p.Beta1))
		v[i] += (g*g - v[i]) * T(vec.Complement(p.Beta2))
		param[i] -= m[i] * alpha / (T(math.Sqrt(float64(v[i]))) + T(p.Epsilon))
	}
}

// ReferenceFinite defines Finite.
func ReferenceFinite[T Float](src []T) bool {
	for _, x := range src {
		if math.IsInf(float64(x), 0) || math.IsNaN(float64(x)) {
			return false
		}
	}
	return true
}
