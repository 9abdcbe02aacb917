package conv

import "github.com/meseta-go/meseta/ops"

// The plainest loops: what the rest of this package computes, by definition. Sums run in the order written, in T.
// Tests and gradient checks call them; programs do not.

// Float is what the reference computes in: float32, or float64 where differences must be resolved.
type Float interface{ float32 | float64 }

// at gives the input pixel under filter element (r,s) of output pixel (p,q), and whether it lies in the image.
func (p Params) at(op, oq, r, s int) (h, w int, inside bool) {
	h = op*p.StrideH - p.PadTop + r*p.DilationH
	w = oq*p.StrideW - p.PadLeft + s*p.DilationW
	return h, w, h >= 0 && h < p.H && w >= 0 && w < p.W
}

// ReferenceForward computes dst[n,p,q,k] = act(Σ src[n,h,w,k/(K/G)·(C/G)+c]·weights[r,s,c,k] + bias[k]) over r, s and the C/G
// channels c of a group. With e.Bias false bias is not read; with e.Add what dst holds is added.
func ReferenceForward[T Float](p Params, e Epilogue, dst, src, weights, bias []T) {
	group := p.one()
	for n := range p.N {
		for op := range p.P {
			for oq := range p.Q {
				for k := range p.K {
					var sum T
					for r := range p.R {
						for s := range p.S {
							h, w, inside := p.at(op, oq, r, s)
							if !inside {
								continue
							}
							for c := range group.C {
								sum += src[((n*p.H+h)*p.W+w)*p.C+k/group.K*group.C+c] * weights[((r*p.S+s)*group.C+c)*p.K+k]
							}
						}
					}
					if e.Bias {
						sum += bias[k]
					}
					if e.Add {
						sum += dst[((n*p.P+op)*p.Q+oq)*p.K+k]
					}
					if e.Activation != ops.Linear && sum < 0 {
						sum = 0
					}
					if e.Activation == ops.ReLU6 && sum > 6 {
						sum = 6
					}
					dst[((n*p.P+op)*p.Q+oq)*p.K+k] = sum
				}
			}
		}
	}
}

// ReferenceBackwardData computes diffSrc[n,h,w,c] = Σ diffDst[n,p,q,k]·weights[r,s,c,k] over every p, q, r and s that
// read (h,w), and k. Pixels that no filter reads get zero.
func ReferenceBackwardData[T Float](p Params, diffSrc, diffDst, weights []T) {
	clear(diffSrc[:p.SrcLen()])
	p.each(func(src, weight, dst int) {
		diffSrc[src] += diffDst[dst] * weights[weight]
	})
}

// ReferenceBackwardWeights computes diffWeights[r,s,c,k] = Σ src[n,h,w,c]·diffDst[n,p,q,k] over n, p and q, and
// diffBias[k] = Σ diffDst[n,p,q,k]. A nil diffBias is left out.
func ReferenceBackwardWeights[T Float](p Params, diffWeights, diffBias, src, diffDst []T) {
	clear(diffWeights[:p.WeightsLen()])
	p.each(func(pixel, weight, dst int) {
		diffWeights[weight] += src[pixel] * diffDst[dst]
	})
	if diffBias == nil {
		return
	}
	clear(diffBias[:p.K])
	for i, d := range diffDst[:p.DstLen()] {
		diffBias[i%p.K] += d
	}
}

// each calls f with the positions in src, weights and dst of every product that the convolution adds up.
func (p Params) each(f func(src, weight, dst int)) {
	group := p.one()
	for n := range p.N {
		for op := range p.P {
			for oq := range p.Q {
				for r := range p.R {
					for s := range p.S {
						h, w, inside := p.at(op, oq, r, s)
						if !inside {
							continue
						}
						for c := range group.C {
							for k := range p.K {
								f(((n*p.H+h)*p.W+w)*p.C+k/group.K*group.C+c, ((r*p.S+s)*group.C+c)*p.K+k, ((n*p.P+op)*p.Q+oq)*p.K+k)
							}
						}
					}
				}
			}
		}
	}
}
