// functions.h: functions of the device whose results are not rounded correctly, each as far from that as NVIDIA says that a GPU's may be (CUDA C++ Programming
// Guide, "Standard Functions", the larger of what several versions say). A test that asks for more than a GPU keeps fails here already.
#pragma once
#include <cmath>
#include <cstdint>
#include <cstring>

namespace emulated {

// off moves a correctly rounded result by up to `units` in the last place, by how many depends on the argument alone. What functions are sure of stays: 0, 1, -1,
// infinities, NaN, and that none is beyond `most`.
template <class T> inline T off(T result, T x, int units, T most = HUGE_VAL) {
	if (result == 0 || fabs(result) == 1 || !std::isfinite(result))
		return result;
	uint64_t bits = 0;
	memcpy(&bits, &x, sizeof x);
	int by = (int)((bits * 0x9e3779b97f4a7c15) >> 40) % (2 * units + 1) - units;
	for (; by != 0; by -= by < 0 ? -1 : 1)
		result = std::nextafter(result, by < 0 ? -(T)HUGE_VAL : (T)HUGE_VAL);
	return result > most ? most : result < -most ? -most : result;
}

inline float expf(float x) { return off((float)std::exp((double)x), x, 2); }
inline float expm1f(float x) { return off((float)std::expm1((double)x), x, 1); }
inline float logf(float x) { return off((float)std::log((double)x), x, 1); }
inline float log1pf(float x) { return off((float)std::log1p((double)x), x, 1); }
inline float powf(float x, float y) { return off((float)std::pow((double)x, (double)y), x + y, 4); }
inline float sinf(float x) { return off((float)std::sin((double)x), x, 2, 1.f); }
inline float cosf(float x) { return off((float)std::cos((double)x), x, 2, 1.f); }
inline float tanhf(float x) { return off((float)std::tanh((double)x), x, 2, 1.f); }
inline float erff(float x) { return off((float)std::erf((double)x), x, 2, 1.f); }
inline float erfcf(float x) { return off((float)std::erfc((double)x), x, 4, 2.f); }
inline double log(double x) { return off(std::log(x), x, 1); }
inline double pow(double x, double y) { return off(std::pow(x, y), x + y, 2); }

} // namespace emulated

#define expf emulated::expf
#define expm1f emulated::expm1f
#define logf emulated::logf
#define log1pf emulated::log1pf
#define powf emulated::powf
#define sinf emulated::sinf
#define cosf emulated::cosf
#define tanhf emulated::tanhf
#define erff emulated::erff
#define erfcf emulated::erfcf
#define log emulated::log
#define pow emulated::pow
