package ops

import (
	"fmt"
	"math"
)

// UnaryFunc is a function of one number. A, B and C are the fields of Unary; a function that does not name them ignores them.
//
// Sources: the formulas are those of keras.ops and keras.activations 3.15.
type UnaryFunc uint8

// The functions.
const (
	Exp         UnaryFunc = iota // eˣ
	Expm1                        // eˣ-1
	Log                          // log x
	Log1p                        // log(1+x)
	LogPositive                  // log x where x > 0, else 0
	Sqrt                         // √x
	Rsqrt                        // 1/√x
	Reciprocal                   // 1/x
	Square                       // x²
	PowScalar                    // xᴬ
	Abs                          // |x|
	Neg                          // -x
	Sign                         // 1, 0 or -1; it has no gradient
	Sin                          // sin x
	Cos                          // cos x
	Tanh                         // tanh x
	Sigmoid                      // 1/(1+e⁻ˣ)
	Softplus                     // log(1+eˣ)
	Erf                          // 2/√π·∫₀ˣ exp(-t²)dt
	Clip                         // A where x < A, B where x > B, else x

	LeakyRelu     // x > 0 ? x : A·x
	Rectify       // x ≥ B ? B : x > C ? x : A·(x-C): slope A below threshold C, at most B
	Elu           // x > 0 ? x : A·(eˣ-1), A ≥ 0
	Selu          // 1.0507·(x > 0 ? x : 1.6733·(eˣ-1)) (arXiv:1706.02515)
	Celu          // x > 0 ? x : A·(exp(x/A)-1), A > 0
	Gelu          // x·Φ(x), Φ being the normal distribution (arXiv:1606.08415)
	GeluTanh      // x/2·(1+tanh(√(2/π)·(x+0.044715x³)))
	Silu          // x·sigmoid(x)
	Mish          // x·tanh(softplus(x)) (arXiv:1908.08681)
	HardSigmoid   // clip(x/6+1/2, 0, 1)
	HardSilu      // x·clip(x/6+1/2, 0, 1)
	HardShrink    // |x| > A ? x : 0
	SoftShrink    // sign(x)·max(|x|-A, 0)
	TanhShrink    // x - tanh x
	Softsign      // x/(1+|x|)
	LogSigmoid    // log(1/(1+e⁻ˣ))
	Squareplus    // (x+√(x²+A))/2
	SparsePlus    // x ≤ -1 ? 0 : x ≥ 1 ? x : (x+1)²/4
	SparseSigmoid // clip((x+1)/2, 0, 1)
	Threshold     // x > A ? x : B

	UnaryFuncs // how many there are
)

var unaryNames = [UnaryFuncs]string{
	Exp: "exp", Expm1: "expm1", Log: "log", Log1p: "log1p", LogPositive: "log_positive", Sqrt: "sqrt", Rsqrt: "rsqrt", Reciprocal: "reciprocal",
	Square: "square", PowScalar: "pow_scalar", Abs: "abs", Neg: "neg", Sign: "sign", Sin: "sin", Cos: "cos", Tanh: "tanh", Sigmoid: "sigmoid",
	Softplus: "softplus", Erf: "erf", Clip: "clip", LeakyRelu: "leaky_relu", Rectify: "rectify", Elu: "elu", Selu: "selu", Celu: "celu",
	Gelu: "gelu", GeluTanh: "gelu_tanh", Silu: "silu", Mish: "mish", HardSigmoid: "hard_sigmoid", HardSilu: "hard_silu",
	HardShrink: "hard_shrink", SoftShrink: "soft_shrink", TanhShrink: "tanh_shrink", Softsign: "softsign", LogSigmoid: "log_sigmoid",
	Squareplus: "squareplus", SparsePlus: "sparse_plus", SparseSigmoid: "sparse_sigmoid", Threshold: "threshold",
}

func (f UnaryFunc) String() string {
	if f < UnaryFuncs {
		return unaryNames[f]
	}
	return "unknown function"
}

// Parameters is how many of A, B and C the function reads.
func (f UnaryFunc) Parameters() int {
	switch f {
	case PowScalar, LeakyRelu, Elu, Celu, HardShrink, SoftShrink, Squareplus:
		return 1
	case Clip, Threshold:
		return 2
	case Rectify:
		return 3
	}
	return 0
}

// FromDst says whether the gradient is computed from dst = f(src) rather than from src, which then need not be kept.
func (f UnaryFunc) FromDst() bool {
	switch f {
	case Exp, Expm1, Sqrt, Rsqrt, Reciprocal, Tanh, Sigmoid, Elu, Selu, Celu:
		return true
	}
	return false
}

// Unary computes dst = Func(src) for each element.
//
// In: src of any shape. Out: dst of the same.
type Unary struct {
	Func    UnaryFunc
	A, B, C float32
}

// Name is the function's.
func (o Unary) Name() string { return o.Func.String() }

func (o Unary) String() string {
	s := ""
	for _, x := range []float32{o.A, o.B, o.C}[:o.Func.Parameters()] {
		s += fmt.Sprintf(" %g", x)
	}
	if s != "" {
		s = s[1:]
	}
	return s
}

// InPlace allows dst to be src.
func (Unary) InPlace() []int { return []int{0} }

// Infer gives the type of dst.
func (o Unary) Infer(in []Type) ([]Type, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	return in[:1], float32s(o.Name(), in[:1])
}

// check says whether the function is defined for its parameters.
func (o Unary) check() error {
	if o.Func >= UnaryFuncs {
		return fmt.Errorf("ops: there is no function of number %d, there are %d", o.Func, UnaryFuncs)
	}
	for _, x := range []float32{o.A, o.B, o.C} {
		if math.IsNaN(float64(x)) {
			return fmt.Errorf("ops: %s of parameters %v, want numbers", o.Name(), o)
		}
	}
	switch {
	case o.Func == Celu && !(o.A > 0), o.Func == Elu && !(o.A >= 0), o.Func == Squareplus && !(o.A >= 0):
		return fmt.Errorf("ops: %s of parameter %g, which may not be negative nor, for celu, 0", o.Name(), o.A)
	case o.Func == Clip && !(o.A <= o.B), o.Func == Rectify && !(o.C <= o.B):
		return fmt.Errorf("ops: %s of parameters %v, whose lower bound is above the upper", o.Name(), o)
	}
	return nil
}

// Gradient emits UnaryBackward.
func (o Unary) Gradient(g *Graph, op Op, diffOut []Value) ([]Value, error) {
	if o.Func == Sign {
		return []Value{None}, nil
	}
	from := op.In[0]
	if o.Func.FromDst() {
		from = op.Out[0]
	}
	dx, err := g.Add1(UnaryBackward(o), diffOut[0], from)
	return []Value{dx}, err
}

// UnaryBackward computes diffSrc = diffDst·Func′.
//
// In: diffDst, and src, or dst where Func.FromDst(). Out: diffSrc. All of one shape. At a kink the derivative is the one that
// TensorFlow takes.
type UnaryBackward Unary

// Name is the function's.
func (o UnaryBackward) Name() string { return o.Func.String() + "_data" }

func (o UnaryBackward) String() string { return Unary(o).String() }

// InPlace allows diffSrc to be diffDst, src or dst.
func (UnaryBackward) InPlace() []int { return []int{0, 1} }

// Infer gives the type of diffSrc.
func (o UnaryBackward) Infer(in []Type) ([]Type, error) {
	if err := Unary(o).check(); err != nil {
		return nil, err
	}
	if err := float32s(o.Name(), in[:1]); err != nil {
		return nil, err
	}
	return in[:1], same(o.Name(), "diffDst", in[0], "src or dst", in[1])
}

// float32s checks that values are float32.
func float32s(op string, in []Type) error {
	for i, t := range in {
		if t.DType != Float32 {
			return fmt.Errorf("%s: argument %d is %v, want float32: %w", op, i, t, ErrShape)
		}
	}
	return nil
}
