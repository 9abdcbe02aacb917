package vec

import "github.com/meseta-go/meseta/kernels/cpu"

// native gives the loops in assembly for an instruction set, or nil where there are none.
func native(isa cpu.ISA) *Table {
	switch isa {
	case cpu.AVX2:
		return &tableAVX2
	case cpu.AVX512:
		return &tableAVX512
	}
	return nil
}
