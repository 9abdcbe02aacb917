package arrange

// ReferencePad is the definition of Pad.
func ReferencePad[T float32 | float64](f Frame, dst, src []T) {
	h, w := f.outer()
	for n := range f.N {
		for y := range h {
			for x := range w {
				for c := range f.C {
					p, q := y-f.Before[0], x-f.Before[1]
					var v T
					if p >= 0 && p < f.H && q >= 0 && q < f.W {
						v = src[((n*f.H+p)*f.W+q)*f.C+c]
					}
					dst[((n*h+y)*w+x)*f.C+c] = v
				}
			}
		}
	}
}

// ReferenceCrop is the definition of Crop.
func ReferenceCrop[T float32 | float64](f Frame, dst, src []T) {
	h, w := f.outer()
	for n := range f.N {
		for p := range f.H {
			for q := range f.W {
				for c := range f.C {
					dst[((n*f.H+p)*f.W+q)*f.C+c] = src[((n*h+p+f.Before[0])*w+q+f.Before[1])*f.C+c]
				}
			}
		}
	}
}

// ReferenceConcat is the definition of Concat.
func ReferenceConcat[T float32 | float64](rows int, channels []int, dst []T, src [][]T) {
	at := 0
	for r := range rows {
		for k, c := range channels {
			for j := range c {
				dst[at] = src[k][r*c+j]
				at++
			}
		}
	}
}

// ReferenceChannels is the definition of Channels.
func ReferenceChannels[T float32 | float64](rows, total, first, count int, dst, src []T) {
	for r := range rows {
		for j := range count {
			dst[r*count+j] = src[r*total+first+j]
		}
	}
}
