//go:build !amd64 && !arm64

package vec

import (
	"github.com/meseta-go/meseta/kernels/cpu"
	"github.com/meseta-go/meseta/ops"
)

// nativeUnary, nativeBinary and nativeScores give the loops in assembly for an instruction set, or nil where there are none.
func nativeUnary(cpu.ISA) *[ops.UnaryFuncs]UnaryLoops    { return nil }
func nativeBinary(cpu.ISA) *[ops.BinaryFuncs]BinaryLoops { return nil }
func nativeScores(cpu.ISA) *ScoreLoops                   { return nil }
