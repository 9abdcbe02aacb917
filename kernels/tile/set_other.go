//go:build !amd64 && !arm64

package tile

import "github.com/meseta-go/meseta/kernels/cpu"

// For gives the kernels of an instruction set: here there are only those in plain Go.
func For(cpu.ISA) *Set { return &setPortable }
