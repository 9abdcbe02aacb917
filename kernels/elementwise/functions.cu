// functions.cu: functions of one number and their derivatives; see unary.go and ops.UnaryFunc. In float32, where functions on the CPU compute in float64.
#include "map.cuh"

// Function is one of n elements, by its number in package ops, with its parameters.
struct Function {
	float *dst;
	const float *src;  // or dst, where the derivative is of that
	const float *diff; // of dst
	i64 size;
	int function, unused;
	float a, b, c, unused2;
};

// In the order of package ops.
enum {
	exp_, expm1_, log_, log1p_, log_positive, sqrt_, rsqrt_, reciprocal, square, pow_scalar, abs_, neg, sign_, sin_, cos_, tanh_, sigmoid_, softplus_, erf_,
	clip, leaky_relu, rectify, elu, selu, celu, gelu, gelu_tanh, silu, mish, hard_sigmoid_, hard_silu, hard_shrink, soft_shrink, tanh_shrink, softsign,
	log_sigmoid, squareplus, sparse_plus, sparse_sigmoid, threshold, functions
};

static constexpr float selu_alpha = 1.6732632423543772848170429916717f, selu_scale = 1.0507009873554804934193349852946f;
static constexpr float gelu_scale = 0.79788456080286535588f, gelu_cubic = 0.044715f; // √(2/π)

DEVICE float sign_of(float x) { return x > 0 ? 1 : x < 0 ? -1 : x; }
DEVICE float sigmoid(float x) { return 1 / (1 + expf(-x)); }
DEVICE float softplus(float x) { return (x > 0 ? x : 0) + log1pf(expf(-fabsf(x))) + 0 * x; } // NaN stays
DEVICE float normal(float x) { return 0.5f * erfcf(-0.70710678118654752440f * x); }
DEVICE float density(float x) { return 0.39894228040143267794f * expf(-0.5f * x * x); }
DEVICE float gelu_inner(float x) { return gelu_scale * x * (1 + gelu_cubic * x * x); }

DEVICE float hard_sigmoid(float x)
{
	float y = x * (1.f / 6) + 0.5f;
	return y < 0 ? 0 : y > 1 ? 1 : y;
}

template <int f> DEVICE float value(float x, float a, float b, float c)
{
	if constexpr (f == exp_)
		return expf(x);
	if constexpr (f == expm1_)
		return expm1f(x);
	if constexpr (f == log_)
		return logf(x);
	if constexpr (f == log1p_)
		return log1pf(x);
	if constexpr (f == log_positive)
		return x <= 0 ? 0 : logf(x);
	if constexpr (f == sqrt_)
		return sqrtf(x);
	if constexpr (f == rsqrt_)
		return 1 / sqrtf(x);
	if constexpr (f == reciprocal)
		return 1 / x;
	if constexpr (f == square)
		return x * x;
	if constexpr (f == pow_scalar)
		return powf(x, a);
	if constexpr (f == abs_)
		return fabsf(x);
	if constexpr (f == neg)
		return -x;
	if constexpr (f == sign_)
		return sign_of(x);
	if constexpr (f == sin_)
		return sinf(x);
	if constexpr (f == cos_)
		return cosf(x);
	if constexpr (f == tanh_)
		return tanhf(x);
	if constexpr (f == sigmoid_)
		return sigmoid(x);
	if constexpr (f == softplus_)
		return softplus(x);
	if constexpr (f == erf_)
		return erff(x);
	if constexpr (f == clip)
		return x < a ? a : x > b ? b : x;
	if constexpr (f == leaky_relu)
		return x > 0 ? x : a * x;
	if constexpr (f == rectify)
		return x >= b ? b : x <= c ? (a != 0 ? a * (x - c) : 0) : x;
	if constexpr (f == elu)
		return x > 0 ? x : a * expm1f(x);
	if constexpr (f == selu)
		return x > 0 ? selu_scale * x : selu_scale * selu_alpha * expm1f(x);
	if constexpr (f == celu)
		return x > 0 ? x : a * expm1f(x / a);
	if constexpr (f == gelu)
		return x * normal(x);
	if constexpr (f == gelu_tanh)
		return 0.5f * x * (1 + tanhf(gelu_inner(x)));
	if constexpr (f == silu)
		return x * sigmoid(x);
	if constexpr (f == mish) {
		float e = expf(x < 20 ? x : 20), n = e * (e + 2); // from there on it is x
		return x * (n / (n + 2));
	}
	if constexpr (f == hard_sigmoid_)
		return hard_sigmoid(x);
	if constexpr (f == hard_silu)
		return x * hard_sigmoid(x);
	if constexpr (f == hard_shrink)
		return fabsf(x) <= a ? 0 : x;
	if constexpr (f == soft_shrink)
		return x > a ? x - a : x >= -a ? 0 : x + a;
	if constexpr (f == tanh_shrink)
		return x - tanhf(x);
	if constexpr (f == softsign)
		return x / (1 + fabsf(x));
	if constexpr (f == log_sigmoid)
		return -softplus(-x);
	if constexpr (f == squareplus)
		return (x + sqrtf(x * x + a)) * 0.5f;
	if constexpr (f == sparse_plus)
		return x <= -1 ? 0 : x < 1 ? (x + 1) * (x + 1) * 0.25f : x;
	if constexpr (f == sparse_sigmoid)
		return x <= -1 ? 0 : x >= 1 ? 1 : (x + 1) * 0.5f;
	if constexpr (f == threshold)
		return x <= a ? b : x;
	return not_a_number();
}

// slope is the derivative at x; y is the function's value there, of which some of them are.
template <int f> DEVICE float slope(float x, float a, float b, float c)
{
	float y = x;
	if constexpr (f == exp_)
		return y;
	if constexpr (f == expm1_)
		return y + 1;
	if constexpr (f == log_)
		return 1 / x;
	if constexpr (f == log1p_)
		return 1 / (1 + x);
	if constexpr (f == log_positive)
		return x <= 0 ? 0 : 1 / x;
	if constexpr (f == sqrt_)
		return 0.5f / y;
	if constexpr (f == rsqrt_)
		return -0.5f * y * y * y;
	if constexpr (f == reciprocal)
		return -y * y;
	if constexpr (f == square)
		return 2 * x;
	if constexpr (f == pow_scalar)
		return a * powf(x, a - 1);
	if constexpr (f == abs_)
		return sign_of(x);
	if constexpr (f == neg)
		return -1;
	if constexpr (f == sign_)
		return 0;
	if constexpr (f == sin_)
		return cosf(x);
	if constexpr (f == cos_)
		return -sinf(x);
	if constexpr (f == tanh_)
		return 1 - y * y;
	if constexpr (f == sigmoid_)
		return y * (1 - y);
	if constexpr (f == softplus_)
		return sigmoid(x);
	if constexpr (f == erf_)
		return 1.12837916709551257390f * expf(-x * x); // 2/√π
	if constexpr (f == clip)
		return x < a || x > b ? 0 : 1;
	if constexpr (f == leaky_relu)
		return x > 0 ? 1 : a;
	if constexpr (f == rectify)
		return x >= b ? 0 : x <= c ? a : 1;
	if constexpr (f == elu)
		return y > 0 ? 1 : y + a;
	if constexpr (f == selu)
		return y > 0 ? selu_scale : y + selu_scale * selu_alpha;
	if constexpr (f == celu)
		return y > 0 ? 1 : y / a + 1;
	if constexpr (f == gelu)
		return normal(x) + x * density(x);
	if constexpr (f == gelu_tanh) {
		float inner = gelu_inner(x), e = expf(-2 * fabsf(inner)), r = 1 / (1 + e), t = (1 - e) * r; // t is |tanh|, and 1 - t·t would leave little of its digits
		return 0.5f * (inner < 0 ? 1 - t : 1 + t) + 2 * x * e * r * r * gelu_scale * (1 + 3 * gelu_cubic * x * x);
	}
	if constexpr (f == silu) {
		float s = sigmoid(x);
		return s * (1 + x * (1 - s));
	}
	if constexpr (f == mish) {
		float e = expf(x < 20 ? x : 20), r = 1 / (e * (e + 2) + 2), t = e * (e + 2) * r;
		return t + x * (e / (1 + e)) * 2 * r * (1 + t);
	}
	if constexpr (f == hard_sigmoid_)
		return x > -3 && x < 3 ? 1.f / 6 : 0;
	if constexpr (f == hard_silu)
		return x > -3 && x < 3 ? hard_sigmoid(x) + x * (1.f / 6) : hard_sigmoid(x);
	if constexpr (f == hard_shrink || f == soft_shrink)
		return fabsf(x) <= a ? 0 : 1;
	if constexpr (f == tanh_shrink) {
		float t = tanhf(x);
		return t * t;
	}
	if constexpr (f == softsign) {
		float r = 1 / (1 + fabsf(x));
		return r * r;
	}
	if constexpr (f == log_sigmoid)
		return sigmoid(-x);
	if constexpr (f == squareplus)
		return 0.5f + 0.5f * x / sqrtf(x * x + a);
	if constexpr (f == sparse_plus)
		return x <= -1 ? 0 : x < 1 ? (x + 1) * 0.5f : 1;
	if constexpr (f == sparse_sigmoid)
		return x > -1 && x < 1 ? 0.5f : 0;
	if constexpr (f == threshold)
		return x <= a ? 0 : 1;
	return not_a_number();
}

// each runs the function of u.function, whose loop is compiled by itself.
template <bool backward, int f = 0> DEVICE void each(const Function &u)
{
	if (u.function == f) {
		map<true, backward>(u.dst, u.src, u.diff, u.size, [&](float x, float diff) { return backward ? diff * slope<f>(x, u.a, u.b, u.c) : value<f>(x, u.a, u.b, u.c); });
	} else if constexpr (f + 1 < functions) {
		each<backward, f + 1>(u);
	}
}

KERNEL(256, unary)(Function u) { each<false>(u); }
KERNEL(256, unary_backward)(Function u) { each<true>(u); }
