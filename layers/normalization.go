package layers

import (
	"fmt"
	"slices"

	"github.com/meseta-go/meseta/ops"
)

// LayerNormalization gives the elements of every sample along Axis the mean Beta and the deviation Gamma (arXiv:1607.06450).
//
// Input and output [...,C]. Weights: gamma unless NoScale and beta unless NoCenter, each of the shape of the axes.
type LayerNormalization struct {
	Name    string
	Axis    []int   // the last dimensions, counted as Keras does with the batch as 0, or -1 for the last; nil means the last
	Epsilon float64 // added to the variance, > 0; NewLayerNormalization gives Keras's 0.001

	NoCenter, NoScale bool        // without beta, without gamma
	BetaInitializer   Initializer // nil means Zeros
	GammaInitializer  Initializer // nil means Ones
	BetaRegularizer   Regularizer // nil means none, here and below
	GammaRegularizer  Regularizer
	BetaConstraint    Constraint
	GammaConstraint   Constraint
}

// NewLayerNormalization has Keras's defaults.
func NewLayerNormalization() *LayerNormalization { return &LayerNormalization{Epsilon: 1e-3} }

// ClassName is "LayerNormalization".
func (*LayerNormalization) ClassName() string { return "LayerNormalization" }

// GivenName is the field Name.
func (l *LayerNormalization) GivenName() string { return l.Name }

// axes is how many of the last dimensions are normalised, or 0 if Axis does not name the last ones of a sample of so many dimensions.
func (l *LayerNormalization) axes(dimensions int) int {
	if len(l.Axis) == 0 {
		return 1
	}
	sorted := slices.Clone(l.Axis)
	slices.Sort(sorted)
	for i, a := range sorted {
		if a < 0 {
			a += dimensions + 1
		}
		if first := dimensions + 1 - len(sorted); a != first+i || first < 1 {
			return 0
		}
	}
	return len(sorted)
}

// OutputShape is the input's.
func (l *LayerNormalization) OutputShape(in []Shape) (Shape, error) {
	if err := checkEpsilon(l, l.Epsilon); err != nil {
		return nil, err
	}
	if len(in) == 1 && l.axes(len(in[0])) == 0 {
		return nil, fmt.Errorf("layers: LayerNormalization has axis %v, its input %v wants the last ones, such as %d: %w", l.Axis, in[0], len(in[0]), ErrConfig)
	}
	return passThrough(l, in, Linear)
}

// Weights lists gamma and beta.
func (l *LayerNormalization) Weights(in []Shape) []Weight {
	return gammaAndBeta(in[0][len(in[0])-l.axes(len(in[0])):], l.NoScale, l.NoCenter,
		Weight{Initializer: l.GammaInitializer, Regularizer: l.GammaRegularizer, Constraint: l.GammaConstraint},
		Weight{Initializer: l.BetaInitializer, Regularizer: l.BetaRegularizer, Constraint: l.BetaConstraint})
}

// Lower adds a normalization of one group for each row.
func (l *LayerNormalization) Lower(b *Builder, in, w []ops.Value) (ops.Value, error) {
	s := b.Type(in[0]).Shape
	k := l.axes(len(s) - 1)
	channels := s[len(s)-k:]
	rows, err := b.reshape(in[0], append([]int{s.Size() / channels.Size()}, channels...)...)
	if err != nil {
		return ops.None, err
	}
	out, err := b.Add(ops.GroupNorm{Groups: 1, Axes: k, Epsilon: float32(l.Epsilon), Scale: !l.NoScale, Center: !l.NoCenter}, append([]ops.Value{rows}, w...)...)
	if err != nil {
		return ops.None, err
	}
	return b.reshape(out[0], s...)
}

// GroupNormalization gives every group of channels of every sample the mean Beta and the deviation Gamma (arXiv:1803.08494).
//
// Input and output [...,C]. Weights: gamma unless NoScale and beta unless NoCenter, each [C].
type GroupNormalization struct {
	Name    string
	Groups  int     // divides C; 0 means Keras's 32, -1 as many as channels: instance normalization
	Epsilon float64 // added to the variance, > 0; NewGroupNormalization gives Keras's 0.001

	NoCenter, NoScale bool        // without beta, without gamma
	BetaInitializer   Initializer // nil means Zeros
	GammaInitializer  Initializer // nil means Ones
	BetaRegularizer   Regularizer // nil means none, here and below
	GammaRegularizer  Regularizer
	BetaConstraint    Constraint
	GammaConstraint   Constraint
}

// NewGroupNormalization has Keras's defaults.
func NewGroupNormalization() *GroupNormalization {
	return &GroupNormalization{Groups: 32, Epsilon: 1e-3}
}

// ClassName is "GroupNormalization".
func (*GroupNormalization) ClassName() string { return "GroupNormalization" }

// GivenName is the field Name.
func (l *GroupNormalization) GivenName() string { return l.Name }

// groups is the number of groups of so many channels.
func (l *GroupNormalization) groups(channels int) int {
	switch l.Groups {
	case 0:
		return 32
	case -1:
		return channels
	}
	return l.Groups
}

// OutputShape is the input's.
func (l *GroupNormalization) OutputShape(in []Shape) (Shape, error) {
	if err := checkEpsilon(l, l.Epsilon); err != nil {
		return nil, err
	}
	if len(in) == 1 && len(in[0]) > 0 {
		c := in[0][len(in[0])-1]
		if g := l.groups(c); g < 1 || c%g != 0 {
			return nil, fmt.Errorf("layers: GroupNormalization has %d groups, which do not divide the %d channels of its input %v: %w", g, c, in[0], ErrConfig)
		}
	}
	return passThrough(l, in, Linear)
}

// Weights lists gamma and beta.
func (l *GroupNormalization) Weights(in []Shape) []Weight {
	return gammaAndBeta(in[0][len(in[0])-1:], l.NoScale, l.NoCenter,
		Weight{Initializer: l.GammaInitializer, Regularizer: l.GammaRegularizer, Constraint: l.GammaConstraint},
		Weight{Initializer: l.BetaInitializer, Regularizer: l.BetaRegularizer, Constraint: l.BetaConstraint})
}

// Lower adds a group norm.
func (l *GroupNormalization) Lower(b *Builder, in, w []ops.Value) (ops.Value, error) {
	s := b.Type(in[0]).Shape
	o := ops.GroupNorm{Groups: l.groups(s[len(s)-1]), Axes: 1, Epsilon: float32(l.Epsilon), Scale: !l.NoScale, Center: !l.NoCenter}
	out, err := b.Add(o, append([]ops.Value{in[0]}, w...)...)
	if err != nil {
		return ops.None, err
	}
	return out[0], nil
}

// UnitNormalization divides every sample, or every part of one along Axis, by its Euclidean length, or by 1e-12 where that is more.
//
// Input and output of any one shape.
type UnitNormalization struct {
	Name string
	Axis []int // dimensions that make one length, counted as Keras does with the batch as 0, or -1 for the last; nil means the last
}

// ClassName is "UnitNormalization".
func (*UnitNormalization) ClassName() string { return "UnitNormalization" }

// GivenName is the field Name.
func (l *UnitNormalization) GivenName() string { return l.Name }

func (l *UnitNormalization) axes() []int {
	if len(l.Axis) == 0 {
		return []int{-1}
	}
	return l.Axis
}

// OutputShape is the input's.
func (l *UnitNormalization) OutputShape(in []Shape) (Shape, error) {
	if err := inputs(l, in, 1); err != nil {
		return nil, err
	}
	if axes := sampleAxes(l.axes(), len(in[0])); axes == nil {
		return nil, fmt.Errorf("layers: UnitNormalization has axis %v, its input %v has 1 to %d: %w", l.Axis, in[0], len(in[0]), ErrConfig)
	}
	return in[0], nil
}

// Weights is none.
func (*UnitNormalization) Weights([]Shape) []Weight { return nil }

// Lower adds a product with the inverse length.
func (l *UnitNormalization) Lower(b *Builder, in, _ []ops.Value) (ops.Value, error) {
	// The least is under the root, so that the gradient at 0 is a number, too.
	least, err := b.constant(1e-24)
	if err != nil {
		return ops.None, err
	}
	v, err := b.Add1(ops.Binary{Func: ops.Times}, in[0], in[0])
	if err != nil {
		return ops.None, err
	}
	if v, err = b.Add1(ops.Reduce{Func: ops.Sum, Axes: l.axes(), KeepDims: true}, v); err != nil {
		return ops.None, err
	}
	if v, err = b.Add1(ops.Binary{Func: ops.Maximum}, v, least); err != nil {
		return ops.None, err
	}
	if v, err = b.Add1(ops.Unary{Func: ops.Rsqrt}, v); err != nil {
		return ops.None, err
	}
	return b.Add1(ops.Binary{Func: ops.Times}, in[0], v)
}

// sampleAxes gives dimensions of a sample of so many, in order and the first being 0, that are counted as Keras does, with the batch as 0 or
// from the end as negative numbers; nil where one is not there or stands twice.
func sampleAxes(axes []int, dimensions int) []int {
	sorted := []int{}
	for _, a := range axes {
		if a < 0 {
			a += dimensions + 1
		}
		if a < 1 || a > dimensions || slices.Contains(sorted, a-1) {
			return nil
		}
		sorted = append(sorted, a-1)
	}
	slices.Sort(sorted)
	return sorted
}

// gammaAndBeta completes what a layer says of its scale and its offset.
func gammaAndBeta(shape Shape, noScale, noCenter bool, gamma, beta Weight) (list []Weight) {
	if !noScale {
		gamma.Name, gamma.Shape, gamma.Trainable, gamma.Initializer = "gamma", shape, true, initializerOr(gamma.Initializer, Ones{})
		list = append(list, gamma)
	}
	if !noCenter {
		beta.Name, beta.Shape, beta.Trainable, beta.Initializer = "beta", shape, true, initializerOr(beta.Initializer, Zeros{})
		list = append(list, beta)
	}
	return list
}

func checkEpsilon(l Layer, epsilon float64) error {
	if !(epsilon > 0) {
		return fmt.Errorf("layers: %s has epsilon %g, want more than 0; New%s has Keras's defaults: %w", l.ClassName(), epsilon, l.ClassName(), ErrConfig)
	}
	return nil
}
