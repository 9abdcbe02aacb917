package norm

import (
	"math"

	"github.com/meseta-go/meseta/ops"
)

// Float is what the definitions are generic over: float32 as the kernels compute, float64 to judge them by.
type Float interface{ float32 | float64 }

// ReferenceForward defines Forward. The variance is taken in two passes.
func ReferenceForward[T Float](p Params, f Fused, dst, mean, variance, invStd, src, gamma, beta, residual []T) {
	for c := range p.C {
		var sum, squares float64
		for r := range p.Rows {
			sum += float64(src[r*p.C+c])
		}
		m := sum / float64(p.Rows)
		for r := range p.Rows {
			d := float64(src[r*p.C+c]) - m
			squares += d * d
		}
		v := squares / float64(p.Rows)
		mean[c], variance[c], invStd[c] = T(m), T(v), T(1/math.Sqrt(v+float64(p.Epsilon)))
	}
	referenceApply(p, f, dst, src, gamma, beta, mean, invStd, residual)
}

// ReferenceInference defines Inference.
func ReferenceInference[T Float](p Params, f Fused, dst, src, gamma, beta, movingMean, movingVariance, residual []T) {
	invStd := make([]T, p.C)
	for c, v := range movingVariance {
		invStd[c] = T(1 / math.Sqrt(float64(v)+float64(p.Epsilon)))
	}
	referenceApply(p, f, dst, src, gamma, beta, movingMean, invStd, residual)
}

func referenceApply[T Float](p Params, f Fused, dst, src, gamma, beta, mean, invStd, residual []T) {
	for i, x := range src {
		c := i % p.C
		y := (x-mean[c])*invStd[c]*gamma[c] + beta[c]
		if f.Add {
			y += residual[i]
		}
		if f.Activation != ops.Linear && y < 0 {
			y = 0
		}
		if f.Activation == ops.ReLU6 && y > 6 {
			y = 6
		}
		dst[i] = y
	}
}

// ReferenceBackward defines Backward. No two slices overlap.
func ReferenceBackward[T Float](p Params, f BackwardFused, diffSrc, diffGamma, diffBeta, diffResidual, diffDst, dst, src, gamma, mean, invStd []T) {
	g := make([]T, len(diffDst))
	for i, d := range diffDst {
		if f.Mask == ops.Linear || dst[i] > 0 && (f.Mask == ops.ReLU || dst[i] < 6) {
			g[i] = d
		}
	}
	if f.DiffResidual {
		copy(diffResidual, g)
	}
	for c := range p.C {
		var sum, product float64
		for i := c; i < len(g); i += p.C {
			sum += float64(g[i])
			product += float64(g[i]) * float64((src[i]-mean[c])*invStd[c])
		}
		diffBeta[c], diffGamma[c] = T(sum), T(product)
		for i := c; i < len(g); i += p.C {
			normal := (src[i] - mean[c]) * invStd[c]
			diffSrc[i] = gamma[c] * invStd[c] * (g[i] - (T(sum)+normal*T(product))/T(p.Rows))
		}
	}
}

// ReferenceGroupForward defines GroupForward. The variance is taken in two passes.
func ReferenceGroupForward[T Float](p GroupParams, dst, mean, invStd, src, gamma, beta []T) {
	p.each(func(group int, elements []int) {
		var sum, squares float64
		for _, i := range elements {
			sum += float64(src[i])
		}
		m := sum / float64(len(elements))
		for _, i := range elements {
			d := float64(src[i]) - m
			squares += d * d
		}
		mean[group], invStd[group] = T(m), T(1/math.Sqrt(squares/float64(len(elements))+float64(p.Epsilon)))
		for _, i := range elements {
			y := (src[i] - mean[group]) * invStd[group]
			if gamma != nil {
				y *= gamma[i%p.C]
			}
			if beta != nil {
				y += beta[i%p.C]
			}
			dst[i] = y
		}
	})
}

// ReferenceGroupBackward defines GroupBackward. No two slices overlap.
func ReferenceGroupBackward[T Float](p GroupParams, diffSrc, diffGamma, diffBeta, diffDst, src, mean, invStd, gamma []T) {
	clear(diffGamma)
	clear(diffBeta)
	p.each(func(group int, elements []int) {
		var sum, product float64
		g := func(i int) T {
			if gamma == nil {
				return diffDst[i]
			}
			return diffDst[i] * gamma[i%p.C]
		}
		normal := func(i int) T { return (src[i] - mean[group]) * invStd[group] }
		for _, i := range elements {
			sum += float64(g(i))
			product += float64(g(i)) * float64(normal(i))
			if diffGamma != nil {
				diffGamma[i%p.C] += diffDst[i] * normal(i)
			}
			if diffBeta != nil {
				diffBeta[i%p.C] += diffDst[i]
			}
		}
		for _, i := range elements {
			diffSrc[i] = invStd[group] * (g(i) - (T(sum)+normal(i)*T(product))/T(len(elements)))
		}
	})
}

// each calls f for every group of every sample with its number and the places of its elements.
func (p GroupParams) each(f func(group int, elements []int)) {
	of := p.C / p.Groups
	for n := range p.N {
		for group := range p.Groups {
			var elements []int
			for position := range p.P {
				for c := range of {
					elements = append(elements, (n*p.P+position)*p.C+group*of+c)
				}
			}
			f(n*p.Groups+group, elements)
		}
	}
}
