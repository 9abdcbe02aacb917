// Package tile is the inner loops of matrix products: micro-kernels that compute a tile of C = A·B with all of it in registers, and the
// packing that they want. Products, convolutions and Winograd's products are loops around them.
//
// There is no blocking, no parallelism and no choice of variants here; packages gemm and conv do that.
//
// # A tile
//
// A kernel of r rows and w columns computes, for i < r and j < Cols,
//
//	c = sum over t < NTaps, k < K of A[taps[t].A + a(i,k)] · B[taps[t].B + k*KsB + 4*j]   in this order
//	C[i*LdC + 4*j] = act(c + (Accumulate ? C[i*LdC + 4*j] : 0) + (Bias ? Bias[4*j] : 0))
//
// All strides and offsets are in bytes. There are two families, by where the numbers of A lie:
//
//	RowA     a(i,k) = i*LdA + 4*k     rows with unit k: implicit GEMM, A as it is stored, Winograd's products
//	ColumnA  a(i,k) = k*KsA + 4*i     rows side by side: packed A, transposed A, gradients of weights
//
// Taps are pairs of offsets: one tap {0, 0} for a plain product, one a filter position for a convolution.
//
// # Choosing
//
//	set := tile.For(dev.ISA())
//	wide := set.Width(32)                  // the narrowest that holds 32 columns, or the widest there is
//	wide.RowA[rows](&args)                 // 1 ≤ rows ≤ wide.Rows, width-lanes < Cols ≤ width
//
// Rows of B and Bias are read in whole vectors, up to 60 bytes past Cols; C is neither read nor written past Cols. A is read exactly.
// The sums over k of one element of C are one chain of fused multiply-adds in the order above, whatever the tile; so results do
// not depend on how C is cut into tiles, as long as K is not cut (with Accumulate it is cut where the caller cuts it).
// NaN and infinities go through as in the formula; ReLU of NaN is NaN.
//
// Args should live in memory that is made once (a struct for each worker): calls through a table make it escape.
package tile

import (
	"github.com/meseta-go/meseta/kernels/cpu"
	"github.com/meseta-go/meseta/ops"
)

// Tap is a pair of byte offsets, added to A and B for one run over k.
type Tap struct{ A, B int }

// Flags of Args. Accumulate comes first, then Bias, then ReLU, then Six.
const (
	Accumulate = 1 << iota // add what C holds
	Bias                   // add Bias[j]
	ReLU                   // negative numbers become zero
	Six                    // numbers above 6 become 6
)

// ActivationFlags are those that make an activation.
func ActivationFlags(a ops.Activation) int {
	return [...]int{ops.Linear: 0, ops.ReLU: ReLU, ops.ReLU6: ReLU | Six}[a]
}

// Args is what a kernel computes. The generated code knows the order of the fields.
type Args struct {
	A, B, C *float32
	Bias    *float32 // read with the flag Bias
	Taps    *Tap     // the first of NTaps
	NTaps   int      // ≥ 1
	K       int      // ≥ 1, for each tap
	LdA     int      // RowA: bytes between rows of A
	KsA     int      // ColumnA: bytes between steps of k in A
	KsB     int      // bytes between steps of k in B
	LdC     int      // bytes between rows of C
	Flags   int
	Cols    int // columns of C that are stored: above width-lanes, at most width
}

// Kernel computes one tile.
type Kernel func(args *Args)

// Width is the kernels of one width, by number of rows: RowA[1] to RowA[Rows], RowA[0] is nil; likewise ColumnA.
type Width struct {
	Columns       int
	Rows          int
	RowA, ColumnA []Kernel
}

// Set is the kernels of an instruction set.
type Set struct {
	ISA    cpu.ISA
	Lanes  int     // columns in a vector
	Widths []Width // of 1, 2… vectors

	// Transpose packs rows with unit k for ColumnA or as columns of B:
	//
	//	dst[k*ldDst + 4*i] = src[i*ldSrc + 4*k]   for i < rows, k < n; strides in bytes, 1 ≤ rows ≤ Lanes, n ≥ 1
	//
	// Each step of k writes Lanes numbers, those past rows arbitrary: dst needs room for Lanes numbers at the last k, and panels are
	// packed in ascending order where they touch. Rows are read up to 60 bytes past n.
	Transpose func(src *float32, ldSrc int, dst *float32, ldDst, rows, n int)

	// Copy packs rows that are vectors already:
	//
	//	dst[k*ldDst + 4*i] = src[k*ldSrc + 4*i]   for i < vectors*Lanes, k < n; strides in bytes, vectors, n ≥ 1
	//
	// It reads and writes whole vectors.
	Copy func(src *float32, ldSrc int, dst *float32, ldDst, vectors, n int)

	peak           func(n int) // n rounds of peakOperations
	peakOperations int
}

// Width is the narrowest width that holds the columns, or the widest of all.
func (s *Set) Width(columns int) *Width {
	i := min((columns+s.Lanes-1)/s.Lanes, len(s.Widths))
	return &s.Widths[max(i, 1)-1]
}
