package tile

import "github.com/meseta-go/meseta/kernels/cpu"

// For gives the kernels of an instruction set.
func For(isa cpu.ISA) *Set {
	switch isa {
	case cpu.AVX512:
		return &setAVX512
	case cpu.AVX2:
		return &setAVX2
	}
	return &setPortable
}
