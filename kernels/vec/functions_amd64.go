package vec

import (
	"github.com/meseta-go/meseta/kernels/cpu"
	"github.com/meseta-go/meseta/ops"
)

// nativeUnary, nativeBinary and nativeScores give the loops in assembly for an instruction set, or nil where there are none.
func nativeUnary(isa cpu.ISA) *[ops.UnaryFuncs]UnaryLoops {
	switch isa {
	case cpu.AVX2:
		return &unaryAVX2
	case cpu.AVX512:
		return &unaryAVX512
	}
	return nil
}

func nativeBinary(isa cpu.ISA) *[ops.BinaryFuncs]BinaryLoops {
	switch isa {
	case cpu.AVX2:
		return &binaryAVX2
	case cpu.AVX512:
		return &binaryAVX512
	}
	return nil
}

func nativeScores(isa cpu.ISA) *ScoreLoops {
	switch isa {
	case cpu.AVX2:
		return &scoresAVX2
	case cpu.AVX512:
		return &scoresAVX512
	}
	return nil
}
