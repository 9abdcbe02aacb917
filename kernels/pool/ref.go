package pool

// Float is what the definitions are generic over: float32 as the kernels compute, float64 to judge them by.
type Float interface{ float32 | float64 }

// ReferenceMaxForward defines MaxForward.
func ReferenceMaxForward[T Float](p Params, dst, src []T) {
	p.each(func(out, c int, pixels []int) {
		dst[out+c] = src[pixels[0]+c]
		for _, in := range pixels {
			if src[in+c] > dst[out+c] {
				dst[out+c] = src[in+c]
			}
		}
	})
}

// ReferenceMaxBackward defines MaxBackward.
func ReferenceMaxBackward[T Float](p Params, diffSrc, diffDst, src, dst []T) {
	clear(diffSrc)
	p.each(func(out, c int, pixels []int) {
		for _, in := range pixels {
			if src[in+c] == dst[out+c] {
				diffSrc[in+c] += diffDst[out+c]
				return
			}
		}
	})
}

// ReferenceAverageForward defines AverageForward.
func ReferenceAverageForward[T Float](p Params, dst, src []T) {
	p.each(func(out, c int, pixels []int) {
		var sum float64
		for _, in := range pixels {
			sum += float64(src[in+c])
		}
		dst[out+c] = T(sum / float64(len(pixels)))
	})
}

// ReferenceAverageBackward defines AverageBackward.
func ReferenceAverageBackward[T Float](p Params, diffSrc, diffDst []T) {
	clear(diffSrc)
	p.each(func(out, c int, pixels []int) {
		for _, in := range pixels {
			diffSrc[in+c] += diffDst[out+c] / T(len(pixels))
		}
	})
}

// each calls f for every output pixel and channel, with the pixel's place in dst and those of its window's pixels in src.
func (p Params) each(f func(out, c int, pixels []int)) {
	for n := range p.N {
		for i := range p.P {
			for j := range p.Q {
				var pixels []int
				for r := range p.R {
					for s := range p.S {
						y, x := i*p.StrideH-p.PadTop+r, j*p.StrideW-p.PadLeft+s
						if y >= 0 && y < p.H && x >= 0 && x < p.W {
							pixels = append(pixels, ((n*p.H+y)*p.W+x)*p.C)
						}
					}
				}
				for c := range p.C {
					f(((n*p.P+i)*p.Q+j)*p.C, c, pixels)
				}
			}
		}
	}
}

// ReferenceGlobalAverageForward defines GlobalAverageForward.
func ReferenceGlobalAverageForward[T Float](pixels, c int, dst, src []T) {
	clear(dst)
	for i, x := range src {
		dst[i/(pixels*c)*c+i%c] += x / T(pixels)
	}
}

// ReferenceGlobalAverageBackward defines GlobalAverageBackward.
func ReferenceGlobalAverageBackward[T Float](pixels, c int, diffSrc, diffDst []T) {
	for i := range diffSrc {
		diffSrc[i] = diffDst[i/(pixels*c)*c+i%c] / T(pixels)
	}
}
