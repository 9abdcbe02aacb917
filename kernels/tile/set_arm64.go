package tile

import "github.com/meseta-go/meseta/kernels/cpu"

// For gives the kernels of an instruction set.
func For(isa cpu.ISA) *Set {
	if isa == cpu.NEON {
		return &setNEON
	}
	return &setPortable
}
