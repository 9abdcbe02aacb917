// feed.cu: takes what the host sent for a step to where the step reads it; see kernels/cuda_pipe.go and move.go.
#include "../_cuda/device.cuh"

// Two blocks on a multiprocessor are enough: to have four, ptxas would spill.
#undef KERNEL
#define KERNEL(threads, name) extern "C" __global__ void __launch_bounds__(threads, 2) name

// Head begins a block: how its part 0 has come. If the divisor is not 0, that is bytes, each of which stands for itself divided by it. If there are moves too, they
// are images [N,H,W,C], to which so many moves each are done, one after the other.
struct Head {
	float divisor;
	int each, h, w, c;
	i64 moves; // Move [N,each] so many bytes from the block's beginning
};

// Kinds and edges, as move.go numbers them.
enum { keep, nearest, bilinear, erase, paste, mix, brighten, saturate, turn };
enum { constant, reflect, repeat };
constexpr int deepest = 3;

// Move is Move of move.go.
struct Move {
	int kind, edge, other, before;
	int top, left, bottom, right;
	float value, numbers[6];
};

// Feed is a block, and its parts: so many numbers of 4 bytes, so many bytes from its beginning. Those without dst go nowhere.
struct Feed {
	const char *block;
	struct {
		float *dst;
		i64 at, size;
	} part[6];
};

// Images are the images of a batch as they have come.
struct Images {
	const unsigned char *pixels; // [N,h,w,c]
	const Move *moves;           // [N,each]
	int each, h, w, c;
	const float *numbers; // of each byte

	// move is what is done i-th to image n.
	DEVICE_MEMBER const Move &move(int n, int i) const { return moves[n * each + i]; }
};

DEVICE bool inside(const Move &m, int x, int y) { return x >= m.left && x < m.right && y >= m.top && y < m.bottom; }

// fold brings a coordinate back between low and high, as augment.fold does.
DEVICE float fold(float x, int low, int high, int edge)
{
	float l = low, h = high;
	if (edge == constant)
		return fmaxf(l - 1, fminf(x, h + 1));
	if (edge == reflect) {
		float n = h - l + 1, period = 2 * n;
		x -= l;
		if (x < 0)
			x = -x - 1;
		if (x >= period)
			x -= period * (float)(int)(x / period);
		if (x >= n)
			x = 2 * n - x - 1;
		x += l;
	}
	return fmaxf(l, fminf(x, h));
}

struct Point {
	float x, y;
};

// source says where the value of a pixel of a moved image lies.
DEVICE Point source(const Move &m, int x, int y)
{
	const float *a = m.numbers;
	float sx = a[0] * (float)x + (a[1] * (float)y + a[2]), sy = a[3] * (float)x + (a[4] * (float)y + a[5]);
	return {fold(sx, m.left, m.right - 1, m.edge), fold(sy, m.top, m.bottom - 1, m.edge)};
}

template <int deep> DEVICE float combined(const Images &of, int before, int n, int x, int y, int k);

// value is what channel k of pixel (x, y) of image n is after so many of its moves, at most `deep` of which compute (Deepest of move.go): it goes back through them to where
// the pixel comes from.
template <int deep> DEVICE float value(const Images &of, int before, int n, int x, int y, int k)
{
	while (before > 0) {
		const Move &m = of.move(n, --before);
		if (m.kind == nearest) {
			Point at = source(m, x, y);
			x = (int)roundf(at.x), y = (int)roundf(at.y);
			if (!inside(m, x, y))
				return m.value;
		} else if (m.kind == erase) {
			if (inside(m, x, y))
				return m.value;
		} else if (m.kind == paste) {
			if (inside(m, x, y))
				n = m.other, before = m.before;
		} else if (m.kind != keep) {
			if constexpr (deep > 0)
				return combined<deep>(of, before, n, x, y, k);
		}
	}
	return of.numbers[of.pixels[(((i64)n * of.h + y) * of.w + x) * of.c + k]];
}

DEVICE float largest(float a, float b, float c) { return fmaxf(a, fmaxf(b, c)); }
DEVICE float smallest(float a, float b, float c) { return fminf(a, fminf(b, c)); }
DEVICE float clamp(float x, float low, float high) { return fmaxf(low, fminf(x, high)); }

// coloured is channel k of a colour as Image.saturate and Image.turnHue of package augment make it.
DEVICE float coloured(const Move &m, float r, float g, float b, int k)
{
	float low = m.numbers[0], range = m.numbers[1], v = k == 0 ? r : k == 1 ? g : b;
	if (m.kind == saturate) {
		float top = largest(r, g, b), value = top - low, span = top - smallest(r, g, b);
		return value > 0 && span > 0 ? fmaxf(low, top - fminf(m.value, value / span) * (top - v)) : v;
	}
	float scale = m.numbers[2];
	r = (r - low) * scale, g = (g - low) * scale, b = (b - low) * scale;
	float value = largest(r, g, b), span = value - smallest(r, g, b);
	if (!(span > 0))
		return v;
	float norm = 1 / (6 * span), hue = m.value;
	if (value == r)
		hue = norm * (g - b) + hue;
	else if (value == g)
		hue = norm * (b - r) + 2.0f / 6 + hue;
	else
		hue = norm * (r - g) + 4.0f / 6 + hue;
	if (hue < 0)
		hue += 1;
	if (hue >= 1)
		hue -= 1;
	float part = fabsf(hue * 6 - (k == 0 ? 3 : 2 * (float)k));
	return (value - span + span * clamp(k == 0 ? part - 1 : 2 - part, 0, 1)) * range + low;
}

// combined is what move `before` makes of one number, of two images, of the three numbers of a colour, or of two rows of two pixels. One call stands for all that it looks at, since
// everything is inlined.
template <int deep> DEVICE float combined(const Images &of, int before, int n, int x, int y, int k)
{
	const Move &m = of.move(n, before);
	bool colours = m.kind == saturate || m.kind == turn, moves = m.kind == bilinear;
	float right = 0, lower = 0; // shares
	if (moves) {
		Point at = source(m, x, y);
		x = (int)floorf(at.x), y = (int)floorf(at.y);
		right = at.x - (float)x, lower = at.y - (float)y;
	}
	float a = 0, b = 0, c = 0; // what was looked at last
#pragma unroll 1
	for (int i = 0;; i++) {
		int column = x, row = y, image = n, after = before, channel = k;
		if (colours)
			channel = i;
		else if (moves)
			column += i & 1, row += i >> 1;
		else if (i == 1)
			image = m.other, after = m.before;
		float v = moves && !inside(m, column, row) ? m.value : value<deep - 1>(of, after, image, column, row, channel);
		if (m.kind == brighten)
			return clamp(v + m.value, m.numbers[0], m.numbers[1]);
		if (i == 1 && m.kind == mix)
			return m.value * c + (1 - m.value) * v;
		if (i == 2 && colours)
			return coloured(m, b, c, v, k);
		if (i == 3)
			return (1 - lower) * ((1 - right) * a + right * b) + lower * ((1 - right) * c + right * v);
		a = b, b = c, c = v;
	}
}

// Threads take a number at a time.
DEVICE void move(float *dst, const Images &of, i64 size)
{
	int row = of.w * of.c, image = of.h * row;
	for (i64 i = first(); i < size; i += step()) {
		int n = (int)(i / image), at = (int)(i - (i64)n * image), y = at / row, x = (at - y * row) / of.c;
		dst[i] = value<deepest>(of, of.each, n, x, y, at - y * row - x * of.c);
	}
}

// Blocks of row y of the grid take part y.
KERNEL(256, feed)(Feed f)
{
	const Head *head = (const Head *)f.block;
	float *dst = f.part[blockIdx.y].dst;
	const char *src = f.block + f.part[blockIdx.y].at;
	i64 size = f.part[blockIdx.y].size, fours = size / 4;
	if (!dst)
		return;
	if (blockIdx.y == 0 && head->divisor != 0) {
		SHARED(float, numbers, [256]); // of each byte
		numbers[threadIdx.x] = (float)threadIdx.x / head->divisor;
		__syncthreads();
		const unsigned char *bytes = (const unsigned char *)src;
		if (head->each > 0) {
			move(dst, {bytes, (const Move *)(f.block + head->moves), head->each, head->h, head->w, head->c, numbers}, size);
			return;
		}
		for (i64 i = first(); i < fours; i += step()) {
			unsigned four = ((const unsigned *)src)[i];
			((float4 *)dst)[i] = {numbers[four & 255], numbers[four >> 8 & 255], numbers[four >> 16 & 255], numbers[four >> 24]};
		}
		for (i64 i = 4 * fours + first(); i < size; i += step())
			dst[i] = numbers[bytes[i]];
		return;
	}
	for (i64 i = first(); i < fours; i += step())
		((float4 *)dst)[i] = ((const float4 *)src)[i];
	for (i64 i = 4 * fours + first(); i < size; i += step())
		dst[i] = ((const float *)src)[i];
}
