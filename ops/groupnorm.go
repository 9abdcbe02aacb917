package ops

import "fmt"

// GroupNorm normalises the elements of every group of channels of every sample by their mean and variance (arXiv:1803.08494):
// dst = gamma·(src-mean)/sqrt(variance+Epsilon) + beta.
//
// The channels are the last Axes dimensions, taken as one; Groups divides their number. One group and no dimension between the first and the
// channels is layer normalization (arXiv:1607.06450), as many groups as channels is instance normalization.
//
// In: src [N,…,C…], gamma [C…] when Scale, beta [C…] when Center. Out: dst like src; mean and invStd = 1/sqrt(variance+Epsilon), each
// [N,Groups].
type GroupNorm struct {
	Groups        int
	Axes          int
	Epsilon       float32
	Scale, Center bool
}

// Name is "groupnorm".
func (GroupNorm) Name() string { return "groupnorm" }

func (o GroupNorm) String() string {
	s := fmt.Sprintf("groups %d", o.Groups)
	if o.Axes != 1 {
		s += fmt.Sprintf(" axes %d", o.Axes)
	}
	if !o.Scale {
		s += " no scale"
	}
	if !o.Center {
		s += " no center"
	}
	return s
}

// InPlace allows dst to be src.
func (GroupNorm) InPlace() []int { return []int{0} }

// FLOPs counts statistics and application.
func (o GroupNorm) FLOPs(in, _ []Type) int64 { return 7 * int64(in[0].Shape.Size()) }

// Channels is the shape of gamma and beta for a src.
func (o GroupNorm) Channels(src Shape) Shape { return src[len(src)-o.Axes:] }

// check says whether a src can be normalised.
func (o GroupNorm) check(op string, src Type) error {
	if src.DType != Float32 || o.Axes < 1 || len(src.Shape) <= o.Axes {
		return fmt.Errorf("%s: src is %v, want float32 of more than the %d dimensions of the channels: %w", op, src, o.Axes, ErrShape)
	}
	if c := o.Channels(src.Shape).Size(); o.Groups < 1 || c%o.Groups != 0 {
		return fmt.Errorf("%s: %d groups do not divide the %d channels of src %v: %w", op, o.Groups, c, src, ErrShape)
	}
	return nil
}

// Infer gives the types of dst, mean and invStd.
func (o GroupNorm) Infer(in []Type) ([]Type, error) {
	if err := o.check("groupnorm", in[0]); err != nil {
		return nil, err
	}
	c := Type{Float32, o.Channels(in[0].Shape)}
	for i, t := range in[1:] {
		if err := same("groupnorm", fmt.Sprintf("argument %d", i+1), t, "the channels", c); err != nil {
			return nil, err
		}
	}
	statistics := F32(in[0].Shape[0], o.Groups)
	return []Type{in[0], statistics, statistics}, nil
}

// Gradient emits GroupNormBackward. Nothing reads the statistics but the gradient.
func (o GroupNorm) Gradient(g *Graph, op Op, diffOut []Value) ([]Value, error) {
	in := []Value{diffOut[0], op.In[0], op.Out[1], op.Out[2]}
	if o.Scale {
		in = append(in, op.In[1])
	}
	return g.Add(GroupNormBackward(o), in...)
}

// GroupNormBackward computes the gradients of a GroupNorm.
//
// In: diffDst, src [N,…,C…], mean, invStd [N,Groups], gamma [C…] when Scale. Out: diffSrc like src, diffGamma [C…] when Scale, diffBeta
// [C…] when Center.
type GroupNormBackward GroupNorm

// Name is "groupnorm_data".
func (GroupNormBackward) Name() string { return "groupnorm_data" }

func (o GroupNormBackward) String() string { return GroupNorm(o).String() }

// InPlace allows diffSrc to be diffDst.
func (GroupNormBackward) InPlace() []int { return []int{0} }

// FLOPs counts both passes.
func (o GroupNormBackward) FLOPs(in, _ []Type) int64 { return 9 * int64(in[0].Shape.Size()) }

// Infer gives the types of the gradients.
func (o GroupNormBackward) Infer(in []Type) ([]Type, error) {
	if err := GroupNorm(o).check("groupnorm_data", in[1]); err != nil {
		return nil, err
	}
	if err := same("groupnorm_data", "diffDst", in[0], "src", in[1]); err != nil {
		return nil, err
	}
	for i, what := range []string{"mean", "invStd"} {
		if err := same("groupnorm_data", what, in[2+i], "the type wanted", F32(in[1].Shape[0], o.Groups)); err != nil {
			return nil, err
		}
	}
	c := Type{Float32, GroupNorm(o).Channels(in[1].Shape)}
	out := in[:1:1]
	if o.Scale {
		if err := same("groupnorm_data", "gamma", in[4], "the channels", c); err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	if o.Center {
		out = append(out, c)
	}
	return out, nil
}
