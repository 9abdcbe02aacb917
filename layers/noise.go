package layers

import (
	"fmt"
	"math"

	"github.com/meseta-go/meseta/ops"
)

// The layers here change their input while training only, by random numbers that follow from the seed, the step and the layer's place.

// Dropout sets a part Rate of its inputs to zero while training, and scales the others by 1/(1-Rate).
type Dropout struct {
	Name string
	Rate float64 // in [0,1)
	// NoiseShape is the shape of what is drawn for a sample, nil for the input's: a dimension of 1 drops all elements along it together. [1,1,1]
	// drops whole samples, which in a branch beside a shortcut is stochastic depth (arXiv:1603.09382).
	NoiseShape Shape
}

// ClassName is "Dropout".
func (*Dropout) ClassName() string { return "Dropout" }

// GivenName is the field Name.
func (l *Dropout) GivenName() string { return l.Name }

// OutputShape is the input's.
func (l *Dropout) OutputShape(in []Shape) (Shape, error) {
	if err := checkRate(l, l.Rate); err != nil {
		return nil, err
	}
	if err := inputs(l, in, 1); err != nil {
		return nil, err
	}
	if l.NoiseShape != nil {
		if s, err := ops.BroadcastShapes(in[0], l.NoiseShape); err != nil || len(l.NoiseShape) != len(in[0]) || !s.Equal(in[0]) {
			return nil, fmt.Errorf("layers: Dropout has noise shape %v, its input is %v; each dimension must be 1 or the input's: %w", l.NoiseShape, in[0], ErrConfig)
		}
	}
	return in[0], nil
}

// Weights is none.
func (*Dropout) Weights([]Shape) []Weight { return nil }

// Lower adds a dropout while training, of the input or of ones that multiply it.
func (l *Dropout) Lower(b *Builder, in, _ []ops.Value) (ops.Value, error) {
	if !b.Training || l.Rate == 0 {
		return in[0], nil
	}
	o := ops.Dropout{Rate: float32(l.Rate), Stream: uint64(b.Layer)}
	s := b.Type(in[0]).Shape
	if l.NoiseShape == nil || l.NoiseShape.Equal(s[1:]) {
		return b.Add1(o, in[0], b.Counter)
	}
	ones, err := b.Add1(ops.Fill{Type: ops.F32(append([]int{s[0]}, l.NoiseShape...)...), Value: 1})
	if err != nil {
		return ops.None, err
	}
	if ones, err = b.Add1(o, ones, b.Counter); err != nil {
		return ops.None, err
	}
	return b.Add1(ops.Binary{Func: ops.Times}, in[0], ones)
}

func checkRate(l Layer, rate float64) error {
	if !(rate >= 0 && rate < 1) {
		return fmt.Errorf("layers: %s has rate %g, want 0 ≤ rate < 1: %w", l.ClassName(), rate, ErrConfig)
	}
	return nil
}

// SpatialDropout2D sets a part Rate of the channels of every image to zero while training, and scales the others by 1/(1-Rate)
// (arXiv:1411.4280).
//
// Input and output [H,W,C].
type SpatialDropout2D struct {
	Name string
	Rate float64 // in [0,1)
}

// ClassName is "SpatialDropout2D".
func (*SpatialDropout2D) ClassName() string { return "SpatialDropout2D" }

// GivenName is the field Name.
func (l *SpatialDropout2D) GivenName() string { return l.Name }

// OutputShape is the input's.
func (l *SpatialDropout2D) OutputShape(in []Shape) (Shape, error) {
	if err := checkRate(l, l.Rate); err != nil {
		return nil, err
	}
	if err := image(l, in); err != nil {
		return nil, err
	}
	return in[0], nil
}

// Weights is none.
func (*SpatialDropout2D) Weights([]Shape) []Weight { return nil }

// Lower adds a dropout of channels while training.
func (l *SpatialDropout2D) Lower(b *Builder, in, _ []ops.Value) (ops.Value, error) {
	return b.spatialDropout(l.Rate, in[0])
}

// SpatialDropout1D sets a part Rate of the channels of every sequence to zero while training, and scales the others by 1/(1-Rate).
//
// Input and output [L,C].
type SpatialDropout1D struct {
	Name string
	Rate float64 // in [0,1)
}

// ClassName is "SpatialDropout1D".
func (*SpatialDropout1D) ClassName() string { return "SpatialDropout1D" }

// GivenName is the field Name.
func (l *SpatialDropout1D) GivenName() string { return l.Name }

// OutputShape is the input's.
func (l *SpatialDropout1D) OutputShape(in []Shape) (Shape, error) {
	if err := checkRate(l, l.Rate); err != nil {
		return nil, err
	}
	if err := sequence(l, in); err != nil {
		return nil, err
	}
	return in[0], nil
}

// Weights is none.
func (*SpatialDropout1D) Weights([]Shape) []Weight { return nil }

// Lower adds a dropout of channels while training.
func (l *SpatialDropout1D) Lower(b *Builder, in, _ []ops.Value) (ops.Value, error) {
	return b.spatialDropout(l.Rate, in[0])
}

func (b *Builder) spatialDropout(rate float64, src ops.Value) (ops.Value, error) {
	if !b.Training || rate == 0 {
		return src, nil
	}
	return b.Add1(ops.SpatialDropout{Rate: float32(rate), Stream: uint64(b.Layer)}, src, b.Counter)
}

// GaussianNoise adds normally distributed numbers of mean 0 and deviation Stddev while training.
type GaussianNoise struct {
	Name   string
	Stddev float64 // in [0,1], as Keras has it
}

// ClassName is "GaussianNoise".
func (*GaussianNoise) ClassName() string { return "GaussianNoise" }

// GivenName is the field Name.
func (l *GaussianNoise) GivenName() string { return l.Name }

// OutputShape is the input's.
func (l *GaussianNoise) OutputShape(in []Shape) (Shape, error) {
	if !(l.Stddev >= 0 && l.Stddev <= 1) {
		return nil, fmt.Errorf("layers: GaussianNoise has stddev %g, want 0 ≤ stddev ≤ 1: %w", l.Stddev, ErrConfig)
	}
	return passThrough(l, in, Linear)
}

// Weights is none.
func (*GaussianNoise) Weights([]Shape) []Weight { return nil }

// Lower adds noise while training.
func (l *GaussianNoise) Lower(b *Builder, in, _ []ops.Value) (ops.Value, error) {
	if !b.Training || l.Stddev == 0 {
		return in[0], nil
	}
	return b.Add1(ops.GaussianNoise{Deviation: float32(l.Stddev), Stream: uint64(b.Layer)}, in[0], b.Counter)
}

// GaussianDropout multiplies by normally distributed numbers of mean 1 and deviation √(Rate/(1-Rate)) while training, which are as random
// as those of Dropout.
type GaussianDropout struct {
	Name string
	Rate float64 // in [0,1)
}

// ClassName is "GaussianDropout".
func (*GaussianDropout) ClassName() string { return "GaussianDropout" }

// GivenName is the field Name.
func (l *GaussianDropout) GivenName() string { return l.Name }

// OutputShape is the input's.
func (l *GaussianDropout) OutputShape(in []Shape) (Shape, error) {
	if err := checkRate(l, l.Rate); err != nil {
		return nil, err
	}
	return passThrough(l, in, Linear)
}

// Weights is none.
func (*GaussianDropout) Weights([]Shape) []Weight { return nil }

// Lower adds a product with noise while training.
func (l *GaussianDropout) Lower(b *Builder, in, _ []ops.Value) (ops.Value, error) {
	if !b.Training || l.Rate == 0 {
		return in[0], nil
	}
	deviation := math.Sqrt(l.Rate / (1 - l.Rate))
	return b.Add1(ops.GaussianDropout{Deviation: float32(deviation), Stream: uint64(b.Layer)}, in[0], b.Counter)
}

// AlphaDropout sets a part Rate of its inputs to the lowest value of a SELU while training, then shifts and scales all of them so that mean 0
// and deviation 1 stay (arXiv:1706.02515).
type AlphaDropout struct {
	Name string
	Rate float64 // in [0,1)
}

// ClassName is "AlphaDropout".
func (*AlphaDropout) ClassName() string { return "AlphaDropout" }

// GivenName is the field Name.
func (l *AlphaDropout) GivenName() string { return l.Name }

// OutputShape is the input's.
func (l *AlphaDropout) OutputShape(in []Shape) (Shape, error) {
	if err := checkRate(l, l.Rate); err != nil {
		return nil, err
	}
	return passThrough(l, in, Linear)
}

// Weights is none.
func (*AlphaDropout) Weights([]Shape) []Weight { return nil }

// Lower adds a dropout around the lowest value, then shift and scale.
func (l *AlphaDropout) Lower(b *Builder, in, _ []ops.Value) (ops.Value, error) {
	if !b.Training || l.Rate == 0 {
		return in[0], nil
	}
	const lowest = -1.6732632423543772 * 1.0507009873554805 // -alpha·scale of SELU
	a := 1 / math.Sqrt((1-l.Rate)*(1+l.Rate*lowest*lowest))
	b0 := -a * lowest * l.Rate
	// a·x + b0 of what stays, a·lowest + b0 of what goes, is a·(x-lowest)·(1 or 0) + a·lowest + b0; a Dropout scales by 1/(1-Rate).
	v, err := b.Add1(ops.Affine{Scale: 1, Offset: float32(-lowest)}, in[0])
	if err != nil {
		return ops.None, err
	}
	if v, err = b.Add1(ops.Dropout{Rate: float32(l.Rate), Stream: uint64(b.Layer)}, v, b.Counter); err != nil {
		return ops.None, err
	}
	return b.Add1(ops.Affine{Scale: float32(a * (1 - l.Rate)), Offset: float32(a*lowest + b0)}, v)
}
