package layers

import (
	"math"

	"github.com/meseta-go/meseta/random"
)

// Initializer gives a weight its first values, as a function of the stream s alone.
type Initializer interface {
	ClassName() string // Keras's
	Fill(dst []float32, shape Shape, s *random.Stream)
}

func initializerOr(i, d Initializer) Initializer {
	if i == nil {
		return d
	}
	return i
}

// Zeros fills with 0.
type Zeros struct{}

// Ones fills with 1.
type Ones struct{}

// Constant fills with Value.
type Constant struct{ Value float64 }

// GlorotUniform is uniform within ±sqrt(6/(fanIn+fanOut)) (Glorot and Bengio 2010).
type GlorotUniform struct{}

// GlorotNormal is a truncated normal of standard deviation sqrt(2/(fanIn+fanOut)) (Glorot and Bengio 2010).
type GlorotNormal struct{}

// HeUniform is uniform within ±sqrt(6/fanIn) (arXiv:1502.01852).
type HeUniform struct{}

// HeNormal is a truncated normal of standard deviation sqrt(2/fanIn) (arXiv:1502.01852).
type HeNormal struct{}

// ClassName is "Zeros".
func (Zeros) ClassName() string { return "Zeros" }

// ClassName is "Ones".
func (Ones) ClassName() string { return "Ones" }

// ClassName is "Constant".
func (Constant) ClassName() string { return "Constant" }

// ClassName is "GlorotUniform".
func (GlorotUniform) ClassName() string { return "GlorotUniform" }

// ClassName is "GlorotNormal".
func (GlorotNormal) ClassName() string { return "GlorotNormal" }

// ClassName is "HeUniform".
func (HeUniform) ClassName() string { return "HeUniform" }

// ClassName is "HeNormal".
func (HeNormal) ClassName() string { return "HeNormal" }

// Fill sets dst to 0.
func (Zeros) Fill(dst []float32, _ Shape, _ *random.Stream) { clear(dst) }

// Fill sets dst to 1.
func (Ones) Fill(dst []float32, s Shape, r *random.Stream) { Constant{1}.Fill(dst, s, r) }

// Fill sets dst to Value.
func (i Constant) Fill(dst []float32, _ Shape, _ *random.Stream) {
	for j := range dst {
		dst[j] = float32(i.Value)
	}
}

// Fill draws dst from s.
func (GlorotUniform) Fill(dst []float32, shape Shape, s *random.Stream) {
	in, out := fans(shape)
	uniform(dst, math.Sqrt(6/(in+out)), s)
}

// Fill draws dst from s.
func (GlorotNormal) Fill(dst []float32, shape Shape, s *random.Stream) {
	in, out := fans(shape)
	truncated(dst, math.Sqrt(2/(in+out)), s)
}

// Fill draws dst from s.
func (HeUniform) Fill(dst []float32, shape Shape, s *random.Stream) {
	in, _ := fans(shape)
	uniform(dst, math.Sqrt(6/in), s)
}

// Fill draws dst from s.
func (HeNormal) Fill(dst []float32, shape Shape, s *random.Stream) {
	in, _ := fans(shape)
	truncated(dst, math.Sqrt(2/in), s)
}

// fans counts how many inputs an output depends on and how many outputs an input reaches: the last two dimensions
// are channels in and out, those before them the window.
func fans(s Shape) (in, out float64) {
	switch len(s) {
	case 0:
		return 1, 1
	case 1:
		return float64(s[0]), float64(s[0])
	}
	window := float64(s[:len(s)-2].Size())
	return window * float64(s[len(s)-2]), window * float64(s[len(s)-1])
}

func uniform(dst []float32, limit float64, s *random.Stream) {
	for i := range dst {
		dst[i] = s.Uniform(-float32(limit), float32(limit))
	}
}

// truncated draws from a normal distribution cut at two standard deviations and scaled so that deviation is what is left of it.
func truncated(dst []float32, deviation float64, s *random.Stream) {
	const left = 0.87962566103423978 // standard deviation of a unit normal cut at ±2
	for i := range dst {
		dst[i] = s.TruncatedNormal() * float32(deviation/left)
	}
}
