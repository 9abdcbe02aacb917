package arrange

import (
	"math"

	"github.com/meseta-go/meseta/ops"
)

var nan = float32(math.NaN())

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

// ReferenceBroadcast is the definition of Broadcast.
func ReferenceBroadcast[T float32 | float64](s, to ops.Shape, dst, src []T) {
	for i := range dst {
		at, stride := 0, 1
		for rest, d := i, len(to)-1; d >= 0; d-- {
			if e := d - (len(to) - len(s)); e >= 0 {
				if s[e] != 1 {
					at += rest % to[d] * stride
				}
				stride *= s[e]
			}
			rest /= to[d]
		}
		dst[i] = src[at]
	}
}

// ReferenceTranspose is the definition of Transpose.
func ReferenceTranspose[T float32 | float64](s ops.Shape, perm []int, dst, src []T) {
	for i, v := range src {
		index := make([]int, len(s))
		for rest, d := i, len(s)-1; d >= 0; d-- {
			index[d] = rest % s[d]
			rest /= s[d]
		}
		at := 0
		for _, p := range perm {
			at = at*s[p] + index[p]
		}
		dst[at] = v
	}
}

// ReferenceOneHot is the definition of OneHot.
func ReferenceOneHot(classes int, dst []float32, labels []int32) {
	for i := range dst {
		label := labels[i/classes]
		switch {
		case label < 0 || int(label) >= classes:
			dst[i] = nan
		case i%classes == int(label):
			dst[i] = 1
		default:
			dst[i] = 0
		}
	}
}
