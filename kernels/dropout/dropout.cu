// dropout.cu: elements dropped at random, the very ones that dropout.go drops, channels that spatial.go drops, and the noise of gaussian.go, bit for bit.
#include "../_cuda/device.cuh"

struct Dropout {
	float *dst;
	const float *src;
	const i64 *counter; // seed, step
	i64 size;
	unsigned stream;
	unsigned threshold; // a word at least this large keeps its element
	float scale;        // 1/(1-rate), or the deviation of noise
	unsigned purpose;
};

struct Words {
	unsigned w[4];
};

// philox is Philox 4×32-10; see random/philox.go, where its constants have names.
DEVICE Words philox(unsigned k0, unsigned k1, unsigned c0, unsigned c1, unsigned c2, unsigned c3)
{
	for (int round = 0; round < 10; round++) {
		unsigned high0 = __umulhi(0xD2511F53u, c0), low0 = 0xD2511F53u * c0;
		unsigned high1 = __umulhi(0xCD9E8D57u, c2), low1 = 0xCD9E8D57u * c2;
		c0 = high1 ^ c1 ^ k0;
		c1 = low1;
		c2 = high0 ^ c3 ^ k1;
		c3 = low0;
		k0 += 0x9E3779B9u;
		k1 += 0xBB67AE85u;
	}
	return {{c0, c1, c2, c3}};
}

// draw gives the words of a block, of a step.
DEVICE Words draw(const Dropout &d, unsigned block)
{
	unsigned long long seed = d.counter[0], number = d.counter[1];
	return philox((unsigned)seed, (unsigned)(seed >> 32), block, d.stream, (unsigned)number, d.purpose << 24 | ((unsigned)(number >> 32) & 0xffffff));
}

// change makes four elements of four of the source and of a block's words: values are made of words, of which and a source element to makes one.
template <class Values, class To> DEVICE void change(const Dropout &d, Values values, To to)
{
	for (i64 block = first(); block * 4 < d.size; block += step()) {
		auto v = values(draw(d, (unsigned)block));
		if (block * 4 + 4 <= d.size) {
			float4 x = ((const float4 *)d.src)[block];
			((float4 *)d.dst)[block] = {to(x.x, v.w[0]), to(x.y, v.w[1]), to(x.z, v.w[2]), to(x.w, v.w[3])};
			continue;
		}
		for (i64 at = block * 4; at < d.size; at++)
			d.dst[at] = to(d.src[at], v.w[at % 4]);
	}
}

KERNEL(256, dropout)(Dropout d)
{
	change(d, [](Words r) { return r; }, [&](float x, unsigned word) { return word >= d.threshold ? x * d.scale : 0; });
}

// log_of_rest, sine and cosine are those of normal.go, where their sources stand.
DEVICE float log_of_rest(unsigned u)
{
	const unsigned root = 0x3f3504f3; // √½
	unsigned bits = __float_as_int((float)((1 << 24) - (int)(u >> 8))) - root;
	float e = ((int)bits >> 23) - 24, m = __int_as_float((bits & ((1 << 23) - 1)) + root) - 1, square = m * m;
	float p = 7.0376836292e-2f * m - 1.1514610310e-1f;
	p = p * m + 1.1676998740e-1f;
	p = p * m - 1.2420140846e-1f;
	p = p * m + 1.4249322787e-1f;
	p = p * m - 1.6668057665e-1f;
	p = p * m + 2.0000714765e-1f;
	p = p * m - 2.4999993993e-1f;
	p = p * m + 3.3333331174e-1f;
	p = p * m * square + -2.12194440e-4f * e;
	p -= 0.5f * square;
	return m + p + 0.693359375f * e;
}

struct Turn {
	float sin, cos;
};

DEVICE Turn sin_cos_of_turn(unsigned v)
{
	unsigned quarters = ((v >> 8) + (1 << 21)) >> 22; // 0 to 4
	float x = (float)((int)(v >> 8) - (int)(quarters << 22)) * (3.14159265358979323846f / (1 << 23)), square = x * x;
	float s = -1.9515295891e-4f * square + 8.3321608736e-3f;
	s = s * square - 1.6666654611e-1f;
	s = s * square * x + x;
	float c = 2.443315711809948e-5f * square - 1.388731625493765e-3f;
	c = c * square + 4.166664568298827e-2f;
	c = c * square * square - 0.5f * square + 1;
	unsigned sin = __float_as_int(s), cos = __float_as_int(c), swap = (sin ^ cos) & -(quarters & 1);
	sin ^= swap ^ (quarters & 2) << 30;
	cos ^= swap ^ ((quarters + 1) & 2) << 30;
	return {__int_as_float(sin), __int_as_float(cos)};
}

struct Normals {
	float w[4];
};

// normals is that of normal.go.
DEVICE Normals normals(Words r)
{
	float a = sqrtf(-2 * log_of_rest(r.w[0])), b = sqrtf(-2 * log_of_rest(r.w[2]));
	Turn s = sin_cos_of_turn(r.w[1]), t = sin_cos_of_turn(r.w[3]);
	return {{a * s.cos, a * s.sin, b * t.cos, b * t.sin}};
}

KERNEL(256, gaussian_noise)(Dropout d)
{
	change(d, [](Words r) { return normals(r); }, [&](float x, float z) { return x + z * d.scale; });
}

KERNEL(256, gaussian_dropout)(Dropout d)
{
	change(d, [](Words r) { return normals(r); }, [&](float x, float z) { return x * (1 + z * d.scale); });
}

// Spatial is a tensor [samples,positions,channels].
struct Spatial {
	Dropout dropout;
	int samples, positions, channels, unused;
};

// A thread has four channels at a position. blockIdx.y walks over samples.
KERNEL(256, spatial_dropout)(Spatial s)
{
	const Dropout &d = s.dropout;
	int blocks = (s.channels + 3) / 4;
	for (int sample = blockIdx.y; sample < s.samples; sample += gridDim.y)
		for (i64 i = first(); i < (i64)s.positions * blocks; i += step()) {
			int block = i % blocks;
			Words r = draw(d, (unsigned)sample * blocks + block);
			i64 from = (sample * (i64)s.positions + i / blocks) * s.channels + block * 4;
			for (int j = 0; j < 4 && block * 4 + j < s.channels; j++)
				d.dst[from + j] = r.w[j] >= d.threshold ? d.src[from + j] * d.scale : 0;
		}
}
