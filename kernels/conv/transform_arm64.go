package conv

import "github.com/meseta-go/meseta/kernels/cpu"

// transformsFor gives the transforms of an instruction set.
func transformsFor(isa cpu.ISA) *transforms {
	if isa == cpu.NEON {
		return &transformsNEON
	}
	return &transformsPortable
}
