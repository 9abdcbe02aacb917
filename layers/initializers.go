package layers

import (
	"fmt"
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

// LecunUniform is uniform within ±sqrt(3/fanIn) (LeCun et al. 1998, Efficient BackProp).
type LecunUniform struct{}

// LecunNormal is a truncated normal of standard deviation sqrt(1/fanIn) (LeCun et al. 1998; arXiv:1706.02515 wants it with SELU).
type LecunNormal struct{}

// VarianceScaling is random with a variance of Scale over a number of inputs or outputs.
type VarianceScaling struct {
	Scale        float64 // > 0; NewVarianceScaling gives Keras's 1
	Mode         string  // "fan_in", "fan_out" or "fan_avg", the mean of both; empty means the first
	Distribution string  // "truncated_normal", "untruncated_normal" or "uniform"; empty means the first
}

// NewVarianceScaling has Keras's defaults.
func NewVarianceScaling() VarianceScaling { return VarianceScaling{Scale: 1} }

// RandomNormal is normal with the given mean and standard deviation.
type RandomNormal struct {
	Mean   float64
	Stddev float64 // > 0; NewRandomNormal gives Keras's 0.05
}

// NewRandomNormal has Keras's defaults.
func NewRandomNormal() RandomNormal { return RandomNormal{Stddev: 0.05} }

// TruncatedNormal is normal with the given mean and standard deviation, drawn anew while it is further than 2 deviations from the mean.
// What is left has a deviation of 0.88·Stddev.
type TruncatedNormal struct {
	Mean   float64
	Stddev float64 // > 0; NewTruncatedNormal gives Keras's 0.05
}

// NewTruncatedNormal has Keras's defaults.
func NewTruncatedNormal() TruncatedNormal { return TruncatedNormal{Stddev: 0.05} }

// RandomUniform is uniform in [MinVal,MaxVal).
type RandomUniform struct{ MinVal, MaxVal float64 } // NewRandomUniform gives Keras's ±0.05

// NewRandomUniform has Keras's defaults.
func NewRandomUniform() RandomUniform { return RandomUniform{-0.05, 0.05} }

// Identity is the identity matrix, of a weight of two dimensions; one that is not square has 1 where row and column are equal, too.
type Identity struct{}

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

// ClassName is "LecunUniform".
func (LecunUniform) ClassName() string { return "LecunUniform" }

// ClassName is "LecunNormal".
func (LecunNormal) ClassName() string { return "LecunNormal" }

// ClassName is "VarianceScaling".
func (VarianceScaling) ClassName() string { return "VarianceScaling" }

// ClassName is "RandomNormal".
func (RandomNormal) ClassName() string { return "RandomNormal" }

// ClassName is "TruncatedNormal".
func (TruncatedNormal) ClassName() string { return "TruncatedNormal" }

// ClassName is "RandomUniform".
func (RandomUniform) ClassName() string { return "RandomUniform" }

// ClassName is "Identity".
func (Identity) ClassName() string { return "Identity" }

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

// Fill draws dst from s.
func (LecunUniform) Fill(dst []float32, shape Shape, s *random.Stream) {
	VarianceScaling{Scale: 1, Distribution: "uniform"}.Fill(dst, shape, s)
}

// Fill draws dst from s.
func (LecunNormal) Fill(dst []float32, shape Shape, s *random.Stream) {
	VarianceScaling{Scale: 1}.Fill(dst, shape, s)
}

// Fill draws dst from s.
func (i VarianceScaling) Fill(dst []float32, shape Shape, s *random.Stream) {
	in, out := fans(shape)
	n := in
	switch i.Mode {
	case "fan_out":
		n = out
	case "fan_avg":
		n = (in + out) / 2
	}
	variance := i.Scale / max(1, n)
	switch i.Distribution {
	case "uniform":
		uniform(dst, math.Sqrt(3*variance), s)
	case "untruncated_normal":
		RandomNormal{Stddev: math.Sqrt(variance)}.Fill(dst, shape, s)
	default:
		truncated(dst, math.Sqrt(variance), s)
	}
}

// Fill draws dst from s.
func (i RandomNormal) Fill(dst []float32, _ Shape, s *random.Stream) {
	for j := range dst {
		dst[j] = float32(i.Mean) + float32(s.Normal()*float32(i.Stddev))
	}
}

// Fill draws dst from s.
func (i TruncatedNormal) Fill(dst []float32, _ Shape, s *random.Stream) {
	for j := range dst {
		dst[j] = float32(i.Mean) + float32(s.TruncatedNormal()*float32(i.Stddev))
	}
}

// Fill draws dst from s.
func (i RandomUniform) Fill(dst []float32, _ Shape, s *random.Stream) {
	for j := range dst {
		dst[j] = s.Uniform(float32(i.MinVal), float32(i.MaxVal))
	}
}

// Fill sets dst to the identity.
func (Identity) Fill(dst []float32, shape Shape, _ *random.Stream) {
	clear(dst)
	for j := range min(shape[0], shape[1]) {
		dst[j*shape[1]+j] = 1
	}
}

// checked is an initializer that cannot fill every weight, or not with every argument. Errors wrap ErrConfig.
type checked interface{ check(shape Shape) error }

func (i VarianceScaling) check(Shape) error {
	if !positiveNumber(i.Scale) {
		return fmt.Errorf("layers: VarianceScaling has scale %g, want more than 0; NewVarianceScaling has Keras's 1: %w", i.Scale, ErrConfig)
	}
	switch i.Mode {
	case "", "fan_in", "fan_out", "fan_avg":
	default:
		return fmt.Errorf("layers: VarianceScaling has mode %q, there are \"fan_in\", \"fan_out\" and \"fan_avg\": %w", i.Mode, ErrConfig)
	}
	switch i.Distribution {
	case "", "truncated_normal", "untruncated_normal", "uniform":
		return nil
	}
	return fmt.Errorf("layers: VarianceScaling has distribution %q, there are \"truncated_normal\", \"untruncated_normal\" and \"uniform\": %w", i.Distribution, ErrConfig)
}

func (i RandomNormal) check(Shape) error { return checkStddev(i, i.Stddev) }

func (i TruncatedNormal) check(Shape) error { return checkStddev(i, i.Stddev) }

func checkStddev(i Initializer, stddev float64) error {
	if !positiveNumber(stddev) {
		return fmt.Errorf("layers: %s has stddev %g, want more than 0; New%s has Keras's 0.05: %w", i.ClassName(), stddev, i.ClassName(), ErrConfig)
	}
	return nil
}

func (i RandomUniform) check(Shape) error {
	if !(i.MinVal < i.MaxVal) {
		return fmt.Errorf("layers: RandomUniform has minval %g and maxval %g, want less and more; NewRandomUniform has Keras's ±0.05: %w", i.MinVal, i.MaxVal, ErrConfig)
	}
	return nil
}

func (Identity) check(shape Shape) error {
	if len(shape) != 2 {
		return fmt.Errorf("layers: Identity is for weights of two dimensions, this one is %v: %w", shape, ErrConfig)
	}
	return nil
}

func positiveNumber(x float64) bool { return x > 0 && !math.IsInf(x, 1) }

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
