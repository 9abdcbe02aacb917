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

template <int Q, bool TransA, bool TransB> DEVICE void gemm(const Gemm &g)
{
	int group = blockIdx.y / g.result.parts;
	Matrix<!TransA> a{g.a + group * g.a_step, g.result.m, TransA ? g.result.m : g.k};
	Matrix<TransB> b{g.b + group * g.b_step, g.result.n, TransB ? g.k : g.result.n};
	multiply<Q, Q>(a, b, g.result, g.k);
}

// Tiles of 64×64.
KERNEL(256, gemm_nn_64)(Gemm g) { gemm<1, false, false>(g); }
KERNEL(256, gemm_nt_64)(Gemm g) { gemm<1, false, true>(g); }
KERNEL(256, gemm_tn_64)(Gemm g) { gemm<1, true, false>(g); }
KERNEL(256, gemm_tt_64)(Gemm g) { gemm<1, true, true>(g); }

// Tiles of 128×128.
KERNEL(256, gemm_nn_128)(Gemm g) { gemm<2, false, false>(g); }
KERNEL(256, gemm_nt_128)(Gemm g) { gemm<2, false, true>(g); }
KERNEL(256, gemm_tn_128)(Gemm g) { gemm<2, true, false>(g); }
KERNEL(256, gemm_tt_128)(Gemm g) { gemm<2, true, true>(g); }
