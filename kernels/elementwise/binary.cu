// binary.cu: functions of two numbers, of arrays broadcast against each other; see binary.go.
#include "../_cuda/walk.cuh"

// Functions, as package ops numbers them.
enum { plus, minus, times, divide, maximum, minimum, power, greater, greater_equal, equal };

template <int f> DEVICE float function(float a, float b)
{
	switch (f) {
	case plus:
		return a + b;
	case minus:
		return a - b;
	case times:
		return a * b;
	case divide:
		return a / b;
	case maximum: // 0 is more than -0
		return a != a || a > b ? a : a == b ? __int_as_float(__float_as_int(a) & __float_as_int(b)) : b;
	case minimum:
		return a != a || a < b ? a : a == b ? __int_as_float(__float_as_int(a) | __float_as_int(b)) : b;
	case power:
		return pow((double)a, (double)b);
	case greater:
		return a > b;
	case greater_equal:
		return a >= b;
	}
	return a == b;
}

// Binary is a walk over dst, with a and b beside it.
struct Binary {
	float *dst;
	const float *a, *b;
	Walk walk;
};

template <int f, int count> DEVICE void binary_steps(const Binary &p)
{
	bool repeats_a = repeats(p.walk, 0), repeats_b = repeats(p.walk, 1);
	for (i64 i = first(); i < p.walk.steps; i += step()) {
		Places at = places(p.walk, i);
		float a[count], b[count];
		load(a, p.a + at.at[0], repeats_a);
		load(b, p.b + at.at[1], repeats_b);
		for (int j = 0; j < count; j++)
			a[j] = function<f>(a[j], b[j]);
		store(p.dst + i * count, a);
	}
}

template <int f> DEVICE void binary(const Binary &p)
{
	if (p.walk.four)
		binary_steps<f, 4>(p);
	else
		binary_steps<f, 1>(p);
}

KERNEL(256, binary_plus)(Binary p) { binary<plus>(p); }
KERNEL(256, binary_minus)(Binary p) { binary<minus>(p); }
KERNEL(256, binary_times)(Binary p) { binary<times>(p); }
KERNEL(256, binary_divide)(Binary p) { binary<divide>(p); }
KERNEL(256, binary_maximum)(Binary p) { binary<maximum>(p); }
KERNEL(256, binary_minimum)(Binary p) { binary<minimum>(p); }
KERNEL(256, binary_pow)(Binary p) { binary<power>(p); }
KERNEL(256, binary_greater)(Binary p) { binary<greater>(p); }
KERNEL(256, binary_greater_equal)(Binary p) { binary<greater_equal>(p); }
KERNEL(256, binary_equal)(Binary p) { binary<equal>(p); }
