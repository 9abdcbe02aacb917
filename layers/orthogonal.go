package layers

import (
	"fmt"
	"math"

	"github.com/meseta-go/meseta/random"
)

// Orthogonal is a random matrix with orthonormal columns, or rows where there are fewer of those, times Gain; all such matrices are equally
// likely (Saxe et al. 2014, arXiv:1312.6120). A weight of more dimensions is a matrix whose columns are the last one.
type Orthogonal struct {
	Gain float64 // not 0; NewOrthogonal gives Keras's 1
}

// NewOrthogonal has Keras's defaults.
func NewOrthogonal() Orthogonal { return Orthogonal{Gain: 1} }

// ClassName is "Orthogonal".
func (Orthogonal) ClassName() string { return "Orthogonal" }

func (i Orthogonal) check(shape Shape) error {
	if i.Gain == 0 || math.IsNaN(i.Gain) || math.IsInf(i.Gain, 0) {
		return fmt.Errorf("layers: Orthogonal has gain %g, want a number other than 0; NewOrthogonal has Keras's 1: %w", i.Gain, ErrConfig)
	}
	if len(shape) < 2 {
		return fmt.Errorf("layers: Orthogonal is for weights of two dimensions or more, this one is %v: %w", shape, ErrConfig)
	}
	return nil
}

// Fill makes the columns or rows, whichever are fewer, of normal numbers from s and takes out of each what it shares with those before.
//
// That is the Q of a QR factorization whose R has a positive diagonal, which makes it uniform (Mezzadri 2007, arXiv:math-ph/0609050).
func (i Orthogonal) Fill(dst []float32, shape Shape, s *random.Stream) {
	cols := shape[len(shape)-1]
	rows := len(dst) / cols
	length, count := max(rows, cols), min(rows, cols)
	vectors := make([][]float64, count)
	for j := range vectors {
		vectors[j] = make([]float64, length)
		for k := range vectors[j] {
			vectors[j][k] = float64(s.Normal())
		}
	}
	orthonormalize(vectors)
	for j, v := range vectors {
		for k, x := range v {
			at := k*cols + j
			if rows < cols {
				at = j*cols + k
			}
			dst[at] = float32(i.Gain * x)
		}
	}
}

// orthonormalize makes vectors of one length orthonormal: modified Gram and Schmidt in float64, in which normal numbers keep
// orthogonal beyond float32 even where there are as many vectors as elements.
func orthonormalize(vectors [][]float64) {
	for j, v := range vectors {
		scale := 1 / math.Sqrt(dot(v, v))
		for k := range v {
			v[k] *= scale
		}
		for _, w := range vectors[j+1:] {
			shared := dot(v, w)
			w = w[:len(v)]
			for k, x := range v {
				w[k] -= shared * x
			}
		}
	}
}

// dot is the sum of products, in four parts so that additions need not wait for each other.
func dot(a, b []float64) float64 {
	var s0, s1, s2, s3 float64
	b = b[:len(a)]
	for ; len(a) >= 4; a, b = a[4:], b[4:] {
		s0 += a[0] * b[0]
		s1 += a[1] * b[1]
		s2 += a[2] * b[2]
		s3 += a[3] * b[3]
	}
	for i, x := range a {
		s0 += x * b[i]
	}
	return s0 + s1 + (s2 + s3)
}
