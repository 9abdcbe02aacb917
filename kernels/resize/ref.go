package resize

// ReferenceForward defines what NewForward makes.
func ReferenceForward[T float32 | float64](p Params, dst, src []T) {
	clear(dst)
	p.each(func(out, in int, weight float64) {
		for c := range p.C {
			dst[out+c] += T(weight) * src[in+c]
		}
	})
}

// ReferenceBackward defines what NewBackward makes.
func ReferenceBackward[T float32 | float64](p Params, diffSrc, diffDst []T) {
	clear(diffSrc)
	p.each(func(out, in int, weight float64) {
		for c := range p.C {
			diffSrc[in+c] += T(weight) * diffDst[out+c]
		}
	})
}

// each calls f with the places of every pixel of dst and every pixel of src that it is made of, and how much of it.
func (p Params) each(f func(out, in int, weight float64)) {
	rows, cols := newWeights(p.Method, p.H, p.P), newWeights(p.Method, p.W, p.Q)
	for n := range p.N {
		for i := range p.P {
			for j := range p.Q {
				ys, rowWeights := rows.of(i)
				xs, colWeights := cols.of(j)
				for k, y := range ys {
					for l, x := range xs {
						f(((n*p.P+i)*p.Q+j)*p.C, ((n*p.H+int(y))*p.W+int(x))*p.C, float64(rowWeights[k])*float64(colWeights[l]))
					}
				}
			}
		}
	}
}
