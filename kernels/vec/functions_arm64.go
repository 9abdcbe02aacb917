package vec

import (
	"github.com/meseta-go/meseta/kernels/cpu"
	"github.com/meseta-go/meseta/ops"
)

// nativeUnary, nativeBinary and nativeScores give the loops in assembly for an instruction set, or nil where there are none.
func nativeUnary(isa cpu.ISA) *[ops.UnaryFuncs]UnaryLoops {
	if isa == cpu.NEON {
		return &unaryNEON
	}
	return nil
}

func nativeBinary(isa cpu.ISA) *[ops.BinaryFuncs]BinaryLoops {
	if isa == cpu.NEON {
		return &binaryNEON
	}
	return nil
}

func nativeScores(isa cpu.ISA) *ScoreLoops {
	if isa == cpu.NEON {
		return &scoresNEON
	}
	return nil
}
