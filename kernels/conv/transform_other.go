//go:build !amd64 && !arm64

package conv

import "github.com/meseta-go/meseta/kernels/cpu"

// transformsFor gives the transforms of an instruction set: here there are only those in plain Go.
func transformsFor(cpu.ISA) *transforms { return &transformsPortable }
