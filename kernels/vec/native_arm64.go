package vec

import "github.com/meseta-go/meseta/kernels/cpu"

// native gives the loops in assembly for an instruction set, or nil where there are none.
func native(isa cpu.ISA) *Table {
	if isa == cpu.NEON {
		return &tableNEON
	}
	return nil
}
