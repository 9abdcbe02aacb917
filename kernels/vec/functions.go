package vec

import (
	"github.com/meseta-go/meseta/kernels/cpu"
	"github.com/meseta-go/meseta/ops"
)

// Parameters are those of an ops.Unary.
type Parameters struct{ A, B, C float32 }

// UnaryLoops are a function of one number and its gradient. n is len of the first slice; slices may be the same. Exact on amd64, and
// with NEON: elsewhere, Go's compiler may fuse products into sums.
type UnaryLoops struct {
	// dst[i] = f(src[i])
	Forward func(dst, src []float32, p *Parameters)
	// diffSrc[i] = diffDst[i]·f′, of src, or of dst where the function's FromDst says so.
	Backward func(diffSrc, diffDst, from []float32, p *Parameters)
}

// BinaryLoops are a function of two numbers. n is len(dst); slices may be the same. Exact.
type BinaryLoops struct {
	Each  func(dst, a, b []float32)         // dst[i] = f(a[i], b[i])
	Right func(dst, a []float32, b float32) // dst[i] = f(a[i], b)
	Left  func(dst []float32, a float32, b []float32)
}

// Unary gives the loops of a function for an instruction set: those that are compiled from its formula, which give the same bits as the portable
// ones on amd64, and those in Go where there are none.
func Unary(isa cpu.ISA, f ops.UnaryFunc) UnaryLoops {
	loops := unaryLoops[f]
	if native := nativeUnary(isa); native != nil {
		if native[f].Forward != nil {
			loops.Forward = native[f].Forward
		}
		if native[f].Backward != nil {
			loops.Backward = native[f].Backward
		}
	}
	return loops
}

// Binary gives the loops of a function for an instruction set, likewise.
func Binary(isa cpu.ISA, f ops.BinaryFunc) BinaryLoops {
	if native := nativeBinary(isa); native != nil && native[f].Each != nil {
		return native[f]
	}
	return binaryLoops[f]
}

// Scores gives the loops of scores for an instruction set.
func Scores(isa cpu.ISA) *ScoreLoops {
	if native := nativeScores(isa); native != nil {
		return native
	}
	return &portableScores
}
