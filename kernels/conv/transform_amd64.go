package conv

import "github.com/meseta-go/meseta/kernels/cpu"

// transformsFor gives the transforms of an instruction set.
func transformsFor(isa cpu.ISA) *transforms {
	switch isa {
	case cpu.AVX512:
		return &transformsAVX512
	case cpu.AVX2:
		return &transformsAVX2
	}
	return &transformsPortable
}
