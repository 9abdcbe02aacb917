package gemm

import "github.com/meseta-go/meseta/ops"

// Reference is the definition in plain loops; tests hold Run against it.
func Reference[T float32 | float64](p Params, dst, a, b, bias []T) {
	for m := range p.M {
		for n := range p.N {
			var sum T
			for k := range p.K {
				x, y := m*p.K+k, k*p.N+n
				if p.TransA {
					x = k*p.M + m
				}
				if p.TransB {
					y = n*p.K + k
				}
				sum += a[x] * b[y]
			}
			if p.Bias {
				sum += bias[n]
			}
			if p.Activation != ops.Linear && sum < 0 {
				sum = 0
			}
			if p.Activation == ops.ReLU6 && sum > 6 {
				sum = 6
			}
			dst[m*p.N+n] = sum
		}
	}
}
