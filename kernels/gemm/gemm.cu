// gemm.cu: products of matrices, op(a)·op(b), one or a batch of them. See tile/tile.cuh for how.
//
// a is [M,K], or [K,M] where it is transposed; b [K,N] or [N,K]. The names say which are: gemm_nt has b transposed.
#include "../tile/tile.cuh"

struct Gemm {
	Result result;
	const float *a, *b;
	i64 a_step, b_step; // from one product of a batch to the next
	int k, unused;
};

template <class T, bool TransA, bool TransB, int V = 4> DEVICE void gemm(const Gemm &g)
{
	int group = blockIdx.y / g.result.parts;
	Matrix<!TransA, V> a{g.a, g.a + group * g.a_step, g.result.m, TransA ? g.result.m : g.k};
	Matrix<TransB, V> b{g.b, g.b + group * g.b_step, g.result.n, TransB ? g.k : g.result.n};
	multiply<T>(a, b, g.result, g.k);
}

KERNEL(256, gemm_nn_128x128)(Gemm g) { gemm<Tile128x128, false, false>(g); }
KERNEL(256, gemm_nn_128x64)(Gemm g) { gemm<Tile128x64, false, false>(g); }
KERNEL(256, gemm_nn_128x32)(Gemm g) { gemm<Tile128x32, false, false>(g); }
KERNEL(256, gemm_nt_128x128)(Gemm g) { gemm<Tile128x128, false, true>(g); }
KERNEL(256, gemm_nt_128x64)(Gemm g) { gemm<Tile128x64, false, true>(g); }
KERNEL(256, gemm_nt_128x32)(Gemm g) { gemm<Tile128x32, false, true>(g); }
KERNEL(256, gemm_tn_128x128)(Gemm g) { gemm<Tile128x128, true, false>(g); }
KERNEL(256, gemm_tn_128x64)(Gemm g) { gemm<Tile128x64, true, false>(g); }
KERNEL(256, gemm_tn_128x32)(Gemm g) { gemm<Tile128x32, true, false>(g); }

// Those of rows that are no multiples of 4 long, and of what is rare.
KERNEL(256, gemm_nn_singly_128x32)(Gemm g) { gemm<Tile128x32, false, false, 1>(g); }
KERNEL(256, gemm_nt_singly_128x32)(Gemm g) { gemm<Tile128x32, false, true, 1>(g); }
KERNEL(256, gemm_tn_singly_128x32)(Gemm g) { gemm<Tile128x32, true, false, 1>(g); }
KERNEL(256, gemm_tt_singly_128x32)(Gemm g) { gemm<Tile128x32, true, true, 1>(g); }
