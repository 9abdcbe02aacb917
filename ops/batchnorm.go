package ops

import "fmt"

// BatchNorm normalises every channel by its mean and variance over the batch (arXiv:1502.03167):
// dst = act(gamma·(src-mean)/sqrt(variance+Epsilon) + beta [+ residual]).
//
// In: src [...,C], gamma [C], beta [C], and residual like src when Add. Out: dst like src, and mean, variance (biased) and
// invStd = 1/sqrt(variance+Epsilon), each [C].
type BatchNorm struct {
	Epsilon    float32
	Add        bool
	Activation Activation
}

// Name is "batchnorm".
func (BatchNorm) Name() string { return "batchnorm" }

func (o BatchNorm) String() string { return fusedAdd(o.Add, o.Activation) }

func fusedAdd(add bool, a Activation) string {
	switch {
	case add && a != Linear:
		return "+residual +" + a.String()
	case add:
		return "+residual"
	case a != Linear:
		return "+" + a.String()
	}
	return ""
}

// FLOPs counts statistics and application.
func (o BatchNorm) FLOPs(in, _ []Type) int64 { return 7 * int64(in[0].Shape.Size()) }

// Infer gives the types of dst, mean, variance and invStd.
func (o BatchNorm) Infer(in []Type) ([]Type, error) {
	c, err := channels("batchnorm", in, 2)
	if err != nil {
		return nil, err
	}
	if o.Add {
		err = same("batchnorm", "residual", in[3], "src", in[0])
	}
	return []Type{in[0], F32(c), F32(c), F32(c)}, err
}

// channels checks that in[1] to in[vectors] are [C] for a src in[0] of [...,C].
func channels(op string, in []Type, vectors int) (int, error) {
	s := in[0].Shape
	if len(s) < 2 {
		return 0, fmt.Errorf("%s: src is %v, want [N,…,C]: %w", op, in[0], ErrShape)
	}
	c := s[len(s)-1]
	for i := 1; i <= vectors; i++ {
		if err := vector(op, fmt.Sprintf("argument %d", i), in[i], c); err != nil {
			return 0, err
		}
	}
	return c, nil
}

// Gradient emits BatchNormBackward. Gradients of the statistics themselves are not defined: nothing but moving averages reads them.
func (o BatchNorm) Gradient(g *Graph, op Op, diffOut []Value) ([]Value, error) {
	if o.Add || o.Activation != Linear {
		return nil, fmt.Errorf("ops: batchnorm with a fused epilogue has no gradient")
	}
	return g.Add(BatchNormBackward{}, diffOut[0], op.In[0], op.In[1], op.Out[1], op.Out[3])
}

// BatchNormStatistics are those of a BatchNorm that is applied elsewhere: where a convolution loads src (Load).
//
// In: src [...,C]. Out: mean, variance (biased) and invStd = 1/sqrt(variance+Epsilon), each [C].
type BatchNormStatistics struct{ Epsilon float32 }

// Name is "batchnorm_statistics".
func (BatchNormStatistics) Name() string { return "batchnorm_statistics" }

// FLOPs counts two sums.
func (BatchNormStatistics) FLOPs(in, _ []Type) int64 { return 3 * int64(in[0].Shape.Size()) }

// Infer gives the types of mean, variance and invStd.
func (BatchNormStatistics) Infer(in []Type) ([]Type, error) {
	c, err := channels("batchnorm_statistics", in, 0)
	if err != nil {
		return nil, err
	}
	return []Type{F32(c), F32(c), F32(c)}, nil
}

// BatchNormBackward computes the gradients of a BatchNorm.
//
// In: diffDst like src, src [...,C], gamma, mean, invStd [C], and when Mask dst like src, or when Recompute beta [C].
// Out: diffSrc like src, diffGamma, diffBeta [C], and diffResidual like src when Residual.
// With Mask, the ReLU or ReLU6 behind it, diffDst counts only where dst > 0, and of ReLU6 dst < 6; diffResidual is diffDst so masked.
// With Recompute dst, to which nothing was added, is computed from src again instead of read.
type BatchNormBackward struct {
	Mask      Activation // Linear for none
	Residual  bool
	Recompute bool // with Mask and without Residual
}

// Name is "batchnorm_data".
func (BatchNormBackward) Name() string { return "batchnorm_data" }

func (o BatchNormBackward) String() string {
	s := ""
	if o.Mask != Linear {
		s = "+" + o.Mask.String() + "_data"
	}
	if o.Recompute {
		s += " of src"
	}
	if o.Residual {
		s += " +residual"
	}
	return s
}

// InPlace allows diffSrc to be diffDst.
func (BatchNormBackward) InPlace() []int { return []int{0} }

// FLOPs counts both passes.
func (o BatchNormBackward) FLOPs(in, _ []Type) int64 { return 9 * int64(in[0].Shape.Size()) }

// Infer gives the types of the gradients.
func (o BatchNormBackward) Infer(in []Type) ([]Type, error) {
	if err := same("batchnorm_data", "diffDst", in[0], "src", in[1]); err != nil {
		return nil, err
	}
	c, err := channels("batchnorm_data", in[1:], 3)
	if err != nil {
		return nil, err
	}
	switch {
	case o.Recompute && (o.Mask == Linear || o.Residual):
		err = fmt.Errorf("batchnorm_data: dst cannot be computed again without a mask or with a residual: %w", ErrShape)
	case o.Recompute:
		err = vector("batchnorm_data", "beta", in[5], c)
	case o.Mask != Linear:
		err = same("batchnorm_data", "dst", in[5], "src", in[1])
	}
	out := []Type{in[0], F32(c), F32(c)}
	if o.Residual {
		out = append(out, in[0])
	}
	return out, err
}

// BatchNormInference is BatchNorm with the moving statistics instead of the batch's.
//
// In: src [...,C], gamma, beta, movingMean, movingVariance [C], and residual like src when Add. Out: dst like src.
type BatchNormInference struct {
	Epsilon    float32
	Add        bool
	Activation Activation
}

// Name is "batchnorm_inference".
func (BatchNormInference) Name() string { return "batchnorm_inference" }

func (o BatchNormInference) String() string { return fusedAdd(o.Add, o.Activation) }

// InPlace allows dst to be src.
func (BatchNormInference) InPlace() []int { return []int{0} }

// FLOPs counts one multiply-add an element.
func (o BatchNormInference) FLOPs(in, _ []Type) int64 { return 2 * int64(in[0].Shape.Size()) }

// Infer gives the type of dst.
func (o BatchNormInference) Infer(in []Type) ([]Type, error) {
	if _, err := channels("batchnorm_inference", in, 4); err != nil {
		return nil, err
	}
	if o.Add {
		return in[:1], same("batchnorm_inference", "residual", in[5], "src", in[0])
	}
	return in[:1], nil
}

// Fold appends the operations that compute weights and bias of a convolution or product which does what one with the given weights [...,C], bias [C] or
// None, and this operation on in did: weights·scale and beta + (bias - movingMean)·scale, scale being gamma/√(movingVariance+Epsilon).
func (o BatchNormInference) Fold(g *Graph, in []Value, weights, bias Value) (foldedWeights, foldedBias Value, err error) {
	e := emitter{g: g}
	gamma, beta, mean, variance := in[1], in[2], in[3], in[4]
	scale := e.binary(Times, gamma, e.add(Unary{Func: Rsqrt}, e.add(Affine{Scale: 1, Offset: o.Epsilon}, variance)))
	foldedWeights = e.binary(Times, weights, scale)
	if bias == None {
		foldedBias = e.binary(Minus, beta, e.binary(Times, mean, scale))
	} else {
		foldedBias = e.binary(Plus, beta, e.binary(Times, e.binary(Minus, bias, mean), scale))
	}
	return foldedWeights, foldedBias, e.err
}

// MovingAverage changes each of some moving statistics to moving·Momentum + batch·(1-Momentum), if the step is to be applied.
//
// In: any number of moving [C], no two the same and each with a C of its own, then as many batch [C] in the same order, then apply int32 [1]. Out: none.
type MovingAverage struct{ Momentum float32 }

// Name is "moving_average".
func (MovingAverage) Name() string { return "moving_average" }

func (o MovingAverage) String() string { return fmt.Sprintf("momentum %g", o.Momentum) }

// Updates says that moving statistics are written.
func (MovingAverage) Updates(n int) []int { return from(0, n/2) }

// Infer checks the shapes.
func (MovingAverage) Infer(in []Type) ([]Type, error) {
	last := len(in) - 1
	if err := pairs("moving_average", "moving", "batch", in[:last]); err != nil {
		return nil, err
	}
	return nil, same("moving_average", "apply", in[last], "the type wanted", FlagType)
}
