//go:build !amd64 && !arm64

package vec

import "github.com/meseta-go/meseta/kernels/cpu"

// native gives the loops in assembly for an instruction set, or nil where there are none.
func native(cpu.ISA) *Table { return nil }
