// feed.cu: takes what the host sent for a step to where the step reads it; see kernels/cuda_pipe.go.
#include "../_cuda/device.cuh"

// Head begins a block: how its part 0 has come. If the divisor is not 0, that is bytes, each of which stands for itself divided by it. If there is an edge too, they
// are images [N,H,W,C], of which each is flipped and moved as four numbers at `moves` say: whether to flip and what to add, for rows and then for columns.
struct Head {
	float divisor, outside;
	int edge, h, w, c;
	i64 moves; // bytes from the block's beginning
};

// What lies beside an image, as kernels.Edge numbers it: `outside`, or for a row a b c d: d c b a | a b c d | d c b a, or a a a a | a b c d | d d d d.
enum { unmoved, constant, reflect, nearest };

// Feed is a block, and its parts: so many numbers of 4 bytes, so many bytes from its beginning. Those without dst go nowhere.
struct Feed {
	const char *block;
	struct {
		float *dst;
		i64 at, size;
	} part[6];
};

// place is where a pixel of a moved image comes from, below 0 if that is outside and stays so.
DEVICE int place(int x, int size, int flip, int add, int edge)
{
	x = (flip ? size - 1 - x : x) + add;
	if (x >= 0 && x < size)
		return x;
	if (edge == constant)
		return -1;
	if (edge == nearest)
		return x < 0 ? 0 : size - 1;
	return x < 0 ? -1 - x : 2 * size - 1 - x;
}

// Threads take a pixel at a time.
DEVICE void move(float *dst, const unsigned char *src, i64 size, const Head *head, const char *block)
{
	int h = head->h, w = head->w, c = head->c;
	for (i64 i = first(); i < size / c; i += step()) {
		i64 row = i / w, n = row / h;
		const int *m = (const int *)(block + head->moves) + 4 * n;
		int y = place((int)(row - n * h), h, m[0], m[1], head->edge), x = place((int)(i - row * w), w, m[2], m[3], head->edge);
		const unsigned char *from = src + ((n * h + y) * w + x) * c;
		for (int k = 0; k < c; k++)
			dst[i * c + k] = y < 0 || x < 0 ? head->outside : (float)from[k] / head->divisor;
	}
}

// Blocks of row y of the grid take part y.
KERNEL(256, feed)(Feed f)
{
	const Head *head = (const Head *)f.block;
	float divisor = head->divisor;
	float *dst = f.part[blockIdx.y].dst;
	const char *src = f.block + f.part[blockIdx.y].at;
	i64 size = f.part[blockIdx.y].size, fours = size / 4;
	if (!dst)
		return;
	if (blockIdx.y == 0 && divisor != 0) {
		if (head->edge != unmoved) {
			move(dst, (const unsigned char *)src, size, head, f.block);
			return;
		}
		for (i64 i = first(); i < fours; i += step()) {
			unsigned four = ((const unsigned *)src)[i];
			float4 x;
			x.x = (float)(four & 255) / divisor;
			x.y = (float)(four >> 8 & 255) / divisor;
			x.z = (float)(four >> 16 & 255) / divisor;
			x.w = (float)(four >> 24) / divisor;
			((float4 *)dst)[i] = x;
		}
		for (i64 i = 4 * fours + first(); i < size; i += step())
			dst[i] = (float)((const unsigned char *)src)[i] / divisor;
		return;
	}
	for (i64 i = first(); i < fours; i += step())
		((float4 *)dst)[i] = ((const float4 *)src)[i];
	for (i64 i = 4 * fours + first(); i < size; i += step())
		dst[i] = ((const float *)src)[i];
}
