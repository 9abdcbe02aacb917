package elementwise

import "github.com/meseta-go/meseta/ops"

// Float is what the definitions are generic over: float32 as the kernels compute, float64 to judge them by.
type Float interface{ float32 | float64 }

// ReferenceReLU defines ReLU.
func ReferenceReLU[T Float](dst, src []T, a ops.Activation) {
	for i, x := range src {
		if x < 0 {
			x = 0
		}
		if a == ops.ReLU6 && x > 6 {
			x = 6
		}
		dst[i] = x
	}
}

// ReferenceReLUBackward defines ReLUBackward.
func ReferenceReLUBackward[T Float](diffSrc, diffDst, dst []T, a ops.Activation) {
	for i, g := range diffDst {
		if !(dst[i] > 0) || a == ops.ReLU6 && dst[i] >= 6 {
			g = 0
		}
		diffSrc[i] = g
	}
}

// ReferenceAdd defines Add.
func ReferenceAdd[T Float](dst, a, b []T) {
	for i := range dst {
		dst[i] = a[i] + b[i]
	}
}

// ReferenceAffine defines Affine.
func ReferenceAffine[T Float](dst, src []T, scale, offset T) {
	for i, x := range src {
		dst[i] = T(x*scale) + offset
	}
}

// ReferenceBiasAdd defines BiasAdd; c is len(bias).
func ReferenceBiasAdd[T Float](dst, src, bias []T) {
	for i, x := range src {
		dst[i] = x + bias[i%len(bias)]
	}
}

// ReferenceColumnSum defines ColumnSum; c is len(dst).
func ReferenceColumnSum[T Float](dst, src []T) {
	clear(dst)
	for i, x := range src {
		dst[i%len(dst)] += x
	}
}
