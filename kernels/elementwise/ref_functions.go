package elementwise

import (
	"math"

	"github.com/meseta-go/meseta/ops"
)

// ReferenceUnary defines Unary.
func ReferenceUnary[T Float](o ops.Unary, dst, src []T) {
	for i, x := range src {
		dst[i] = T(function(o, float64(x)))
	}
}

// ReferenceUnaryBackward defines UnaryBackward; from is src, or dst where the function's FromDst says so.
func ReferenceUnaryBackward[T Float](o ops.UnaryBackward, diffSrc, diffDst, from []T) {
	for i, v := range from {
		diffSrc[i] = T(float64(diffDst[i]) * derivative(ops.Unary(o), float64(v)))
	}
}

// where is p ? a : b.
func where(p bool, a, b float64) float64 {
	if p {
		return a
	}
	return b
}

// logistic is the sigmoid function.
func logistic(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// cumulative is the normal distribution's function, bell its density.
func cumulative(x float64) float64 { return math.Erfc(-x/math.Sqrt2) / 2 }
func bell(x float64) float64       { return math.Exp(-x*x/2) / math.Sqrt(2*math.Pi) }

func softplus(x float64) float64 {
	if x > 30 {
		return x + math.Exp(-x)
	}
	return math.Log1p(math.Exp(x))
}

// bounds clips, and leaves NaN.
func bounds(x, low, high float64) float64 { return where(x < low, low, where(x > high, high, x)) }

const alpha, lambda = 1.6732632423543772, 1.0507009873554805 // of selu

func function(o ops.Unary, x float64) float64 {
	a, b, c := float64(o.A), float64(o.B), float64(o.C)
	switch o.Func {
	case ops.Exp:
		return math.Exp(x)
	case ops.Expm1:
		return math.Expm1(x)
	case ops.Log:
		return math.Log(x)
	case ops.Log1p:
		return math.Log1p(x)
	case ops.LogPositive:
		return where(x <= 0, 0, math.Log(x))
	case ops.Sqrt:
		return math.Sqrt(x)
	case ops.Rsqrt:
		return 1 / math.Sqrt(x)
	case ops.Reciprocal:
		return 1 / x
	case ops.Square:
		return x * x
	case ops.PowScalar:
		return math.Pow(x, a)
	case ops.Abs:
		return math.Abs(x)
	case ops.Neg:
		return -x
	case ops.Sign:
		return where(x > 0, 1, where(x < 0, -1, x))
	case ops.Sin:
		return math.Sin(x)
	case ops.Cos:
		return math.Cos(x)
	case ops.Tanh:
		return math.Tanh(x)
	case ops.Sigmoid:
		return logistic(x)
	case ops.Softplus:
		return softplus(x)
	case ops.Erf:
		return math.Erf(x)
	case ops.Clip:
		return bounds(x, a, b)
	case ops.LeakyRelu:
		return where(x > 0, x, a*x)
	case ops.Rectify:
		return where(x >= b, b, where(x <= c, where(a == 0, 0, a*(x-c)), x))
	case ops.Elu:
		return where(x > 0, x, a*math.Expm1(x))
	case ops.Selu:
		return lambda * where(x > 0, x, alpha*math.Expm1(x))
	case ops.Celu:
		return where(x > 0, x, a*math.Expm1(x/a))
	case ops.Gelu:
		return x * cumulative(x)
	case ops.GeluTanh:
		return x / 2 * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(x+0.044715*x*x*x)))
	case ops.Silu:
		return x * logistic(x)
	case ops.Mish:
		return x * math.Tanh(softplus(x))
	case ops.HardSigmoid:
		return bounds(x/6+0.5, 0, 1)
	case ops.HardSilu:
		return x * bounds(x/6+0.5, 0, 1)
	case ops.HardShrink:
		return where(math.Abs(x) <= a, 0, x)
	case ops.SoftShrink:
		return where(math.Abs(x) <= a, 0, x-math.Copysign(a, x))
	case ops.TanhShrink:
		return x - math.Tanh(x)
	case ops.Softsign:
		return x / (1 + math.Abs(x))
	case ops.LogSigmoid:
		return -softplus(-x)
	case ops.Squareplus:
		return (x + math.Sqrt(x*x+a)) / 2
	case ops.SparsePlus:
		return where(x <= -1, 0, where(x >= 1, x, (x+1)*(x+1)/4))
	case ops.SparseSigmoid:
		return bounds((x+1)/2, 0, 1)
	case ops.Threshold:
		return where(x <= a, b, x)
	}
	panic("elementwise: a function without a definition")
}

// derivative is that of function at x, which is y = function where FromDst says so.
func derivative(o ops.Unary, x float64) float64 {
	a, b, c, y := float64(o.A), float64(o.B), float64(o.C), x
	switch o.Func {
	case ops.Exp:
		return y
	case ops.Expm1:
		return y + 1
	case ops.Log:
		return 1 / x
	case ops.Log1p:
		return 1 / (1 + x)
	case ops.LogPositive:
		return where(x <= 0, 0, 1/x)
	case ops.Sqrt:
		return 1 / (2 * y)
	case ops.Rsqrt:
		return -y * y * y / 2
	case ops.Reciprocal:
		return -y * y
	case ops.Square:
		return 2 * x
	case ops.PowScalar:
		return a * math.Pow(x, a-1)
	case ops.Abs:
		return where(x > 0, 1, where(x < 0, -1, x))
	case ops.Neg:
		return -1
	case ops.Sign:
		return 0
	case ops.Sin:
		return math.Cos(x)
	case ops.Cos:
		return -math.Sin(x)
	case ops.Tanh:
		return 1 - y*y
	case ops.Sigmoid:
		return y * (1 - y)
	case ops.Softplus:
		return logistic(x)
	case ops.Erf:
		return 2 / math.Sqrt(math.Pi) * math.Exp(-x*x)
	case ops.Clip:
		return where(x < a || x > b, 0, 1)
	case ops.LeakyRelu:
		return where(x > 0, 1, a)
	case ops.Rectify:
		return where(x >= b, 0, where(x <= c, a, 1))
	case ops.Elu:
		return where(y > 0, 1, y+a)
	case ops.Selu:
		return where(y > 0, lambda, y+lambda*alpha)
	case ops.Celu:
		return where(y > 0, 1, y/a+1)
	case ops.Gelu:
		return cumulative(x) + x*bell(x)
	case ops.GeluTanh:
		k := math.Sqrt(2 / math.Pi)
		t := math.Tanh(k * (x + 0.044715*x*x*x))
		return (1+t)/2 + x/2*(1-t*t)*k*(1+3*0.044715*x*x)
	case ops.Silu:
		return logistic(x) * (1 + x*logistic(-x))
	case ops.Mish:
		t := math.Tanh(softplus(x))
		return t + x*logistic(x)*(1-t*t)
	case ops.HardSigmoid:
		return where(x > -3 && x < 3, 1./6, 0)
	case ops.HardSilu:
		return where(x <= -3, 0, where(x >= 3, 1, x/3+0.5))
	case ops.HardShrink, ops.SoftShrink:
		return where(math.Abs(x) <= a, 0, 1)
	case ops.TanhShrink:
		return math.Tanh(x) * math.Tanh(x)
	case ops.Softsign:
		return 1 / ((1 + math.Abs(x)) * (1 + math.Abs(x)))
	case ops.LogSigmoid:
		return logistic(-x)
	case ops.Squareplus:
		return 0.5 + 0.5*x/math.Sqrt(x*x+a)
	case ops.SparsePlus:
		return where(x <= -1, 0, where(x >= 1, 1, (x+1)/2))
	case ops.SparseSigmoid:
		return where(x > -1 && x < 1, 0.5, 0)
	case ops.Threshold:
		return where(x <= a, 0, 1)
	}
	panic("elementwise: a function without a definition")
}

// ReferenceBinary defines Binary: it finds each operand's element by the indices of dst's.
func ReferenceBinary[T Float](f ops.BinaryFunc, as, bs ops.Shape, dst, a, b []T) {
	to, err := ops.BroadcastShapes(as, bs)
	if err != nil {
		panic(err)
	}
	for i := range dst {
		x, y := float64(a[broadcastIndex(i, as, to)]), float64(b[broadcastIndex(i, bs, to)])
		var z float64
		switch f {
		case ops.Plus:
			z = x + y
		case ops.Minus:
			z = x - y
		case ops.Times:
			z = x * y
		case ops.Divide:
			z = x / y
		case ops.Maximum:
			z = math.Max(x, y)
			z = where(x != x || y != y, math.NaN(), z)
		case ops.Minimum:
			z = math.Min(x, y)
			z = where(x != x || y != y, math.NaN(), z)
		case ops.Pow:
			z = math.Pow(x, y)
		case ops.Greater:
			z = where(x > y, 1, 0)
		case ops.GreaterEqual:
			z = where(x >= y, 1, 0)
		case ops.Equal:
			z = where(x == y, 1, 0)
		}
		dst[i] = T(z)
	}
}

// broadcastIndex is where the element i of an array of shape to lies in one of shape s.
func broadcastIndex(i int, s, to ops.Shape) int {
	at, stride := 0, 1
	for d := len(to) - 1; d >= 0; d-- {
		k := i % to[d]
		i /= to[d]
		if e := d - (len(to) - len(s)); e >= 0 {
			if s[e] != 1 {
				at += k * stride
			}
			stride *= s[e]
		}
	}
	return at
}
