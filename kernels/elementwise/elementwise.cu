// elementwise.cu: functions of single elements, and sums of columns; see elementwise.go.
#include "map.cuh"

// Elements are operands of one size; which are read depends on the kernel. b may be a row that is repeated, of `columns` elements.
struct Elements {
	float *dst;
	const float *a, *b;
	i64 size;
	int columns, activation;
	float scale, offset;
};

KERNEL(256, fill)(Elements e)
{
	map<false, false>(e.dst, nullptr, nullptr, e.size, [&](float, float) { return e.offset; });
}

KERNEL(256, affine)(Elements e)
{
	map<true, false>(e.dst, e.a, nullptr, e.size, [&](float x, float) { return x * e.scale + e.offset; });
}

KERNEL(256, add)(Elements e)
{
	map<true, true>(e.dst, e.a, e.b, e.size, [](float x, float y) { return x + y; });
}

KERNEL(256, bias_add)(Elements e)
{
	for (i64 i = first(); i < e.size; i += step())
		e.dst[i] = e.a[i] + e.b[i % e.columns];
}

KERNEL(256, relu_forward)(Elements e)
{
	map<true, false>(e.dst, e.a, nullptr, e.size, [&](float x, float) { return activate(x, e.activation); });
}

// a is diffDst, b what relu_forward made.
KERNEL(256, relu_backward)(Elements e)
{
	map<true, true>(e.dst, e.a, e.b, e.size, [&](float diff, float y) { return y > 0 && (e.activation != relu6 || y < 6) ? diff : 0; });
}

// Columns are sums over the rows of src [rows,columns], cut into parts of `each` rows.
struct Columns {
	float *dst;
	double *sums; // [parts,columns]
	const float *src;
	i64 rows, each;
	int columns, parts;
};

// A block adds up 32 columns, eight rows at a time. blockIdx.x walks over columns, y over parts, of several of which column_total makes the sums.
KERNEL(256, column_sums)(Columns c)
{
	SHARED(double, sums, [8][32]);
	int lane = threadIdx.x % 32, row = threadIdx.x / 32, column = blockIdx.x * 32 + lane;
	i64 from = blockIdx.y * c.each, end = min(from + c.each, c.rows);
	double sum = 0;
	if (column < c.columns)
		for (i64 i = from + row; i < end; i += 8)
			sum += c.src[i * c.columns + column];
	sums[row][lane] = sum;
	__syncthreads();
	if (row == 0 && column < c.columns) {
		for (int i = 1; i < 8; i++)
			sum += sums[i][lane];
		if (c.parts == 1)
			c.dst[column] = sum;
		else
			c.sums[(i64)blockIdx.y * c.columns + column] = sum;
	}
}

KERNEL(256, column_total)(Columns c)
{
	for (i64 i = first(); i < c.columns; i += step()) {
		double sum = 0;
		for (int p = 0; p < c.parts; p++)
			sum += c.sums[(i64)p * c.columns + i];
		c.dst[i] = sum;
	}
}
