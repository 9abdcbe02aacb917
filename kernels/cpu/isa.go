// Package cpu is the processor as kernels see it: the instruction sets that it has, workers that share the pieces of an
// operation, and memory in large pages.
//
// There is no arithmetic here; the families of operations in the folders beside it compute.
package cpu

import (
	"fmt"
	"runtime"
	"strings"

	"golang.org/x/sys/cpu"
)

// ISA is an instruction set that kernels are written for.
type ISA uint8

// The instruction sets, each faster than those before it where it is available.
const (
	Portable ISA = iota // plain Go
	AVX2                // AVX2 and FMA, 8 float32 a vector
	AVX512              // AVX-512 F, DQ, BW and VL, 16 float32 a vector
	NEON                // Advanced SIMD of arm64, 4 float32 a vector
)

var names = [...]string{"portable", "avx2", "avx512", "neon"}

func (i ISA) String() string {
	if int(i) < len(names) {
		return names[i]
	}
	return fmt.Sprintf("ISA(%d)", i)
}

// Parse finds an instruction set by its name.
func Parse(name string) (ISA, error) {
	for i, n := range names {
		if n == name {
			return ISA(i), nil
		}
	}
	return 0, fmt.Errorf("cpu: instruction set %q is unknown, there are %s", name, strings.Join(names[:], ", "))
}

// Available lists the instruction sets of this machine, Portable first, the fastest last.
func Available() []ISA {
	list := []ISA{Portable}
	if runtime.GOARCH == "arm64" { // Go itself needs Advanced SIMD there
		list = append(list, NEON)
	}
	x := &cpu.X86
	if x.HasAVX2 && x.HasFMA {
		list = append(list, AVX2)
		if x.HasAVX512F && x.HasAVX512DQ && x.HasAVX512BW && x.HasAVX512VL {
			list = append(list, AVX512)
		}
	}
	return list
}

// Detect gives the fastest instruction set of this machine.
func Detect() ISA {
	list := Available()
	return list[len(list)-1]
}
