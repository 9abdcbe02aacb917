// dropout.cu: elements dropped at random, the very ones that dropout.go drops.
#include "../_cuda/device.cuh"

struct Dropout {
	float *dst;
	const float *src;
	const i64 *counter; // seed, step
	i64 size;
	unsigned stream;
	unsigned threshold; // a word at least this large keeps its element
	float scale;        // 1/(1-rate)
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

// Each thread draws a block of four words for four elements.
KERNEL(256, dropout)(Dropout d)
{
	unsigned long long seed = d.counter[0], number = d.counter[1];
	for (i64 block = first(); block * 4 < d.size; block += step()) {
		Words r = philox((unsigned)seed, (unsigned)(seed >> 32), (unsigned)block, d.stream, (unsigned)number, d.purpose << 24 | ((unsigned)(number >> 32) & 0xffffff));
		for (int i = 0; i < 4 && block * 4 + i < d.size; i++) {
			i64 at = block * 4 + i;
			d.dst[at] = r.w[i] >= d.threshold ? d.src[at] * d.scale : 0;
		}
	}
}
