package main

import "fmt"

// Vectors is the vector half of an instruction set. Families written with these methods and Asm.I come out for AVX2, for AVX-512 and,
// lowered by arm64.go, for NEON from one description.
type Vectors struct {
	Name      string // in file names
	Suffix    string // of function names
	Arch      string
	Lanes     int // float32 a register
	Registers int
	prefix    string
	masks     bool // has mask registers and broadcasts inside an instruction
}

// The instruction sets.
var (
	AVX2   = &Vectors{Name: "avx2", Suffix: "AVX2", Arch: "amd64", Lanes: 8, Registers: 16, prefix: "Y"}
	AVX512 = &Vectors{Name: "avx512", Suffix: "AVX512", Arch: "amd64", Lanes: 16, Registers: 32, prefix: "Z", masks: true}
)

// Bytes is the size of a register.
func (v *Vectors) Bytes() int { return 4 * v.Lanes }

// R is vector register i.
func (v *Vectors) R(i int) Reg {
	if i < 0 || i >= v.Registers {
		panic(fmt.Sprintf("%s has no vector register %d", v.Name, i))
	}
	return Reg(fmt.Sprint(v.prefix, i))
}

// Zero is dst = 0.
func (a *Asm) Zero(dst Reg) { a.I("VXORPS", dst, dst, dst) }

// Load is dst = src[0:lanes], Store the other way; neither needs alignment.
func (a *Asm) Load(src Mem, dst Reg)  { a.I("VMOVUPS", src, dst) }
func (a *Asm) Store(src Reg, dst Mem) { a.I("VMOVUPS", src, dst) }

// Broadcast is dst[:] = src, one number in memory.
func (a *Asm) Broadcast(src any, dst Reg) { a.I("VBROADCASTSS", src, dst) }

// FMA is dst += x*y.
func (a *Asm) FMA(x any, y, dst Reg) { a.I("VFMADD231PS", x, y, dst) }

// FMABroadcast is dst += x*y where x is one number in memory; spare is overwritten where the set has no such instruction.
func (a *Asm) FMABroadcast(x Mem, y, spare, dst Reg) {
	if a.v.masks {
		a.I("VFMADD231PS.BCST", x, y, dst)
		return
	}
	a.Broadcast(x, spare)
	a.FMA(spare, y, dst)
}

// Add is dst = x + y; Max is dst = x > y ? x : y, which is y where one is NaN or both are zeros.
func (a *Asm) Add(x any, y, dst Reg) { a.I("VADDPS", x, y, dst) }
func (a *Asm) Max(x, y, dst Reg)     { a.I("VMAXPS", y, x, dst) }

// Mask prepares mask, a mask register (K1…) of AVX-512 or a vector register, for the first count lanes, 1 to lanes. It overwrites CX,
// where count may be, tmp, and of AVX2 needs the file's constant lanes (see File.LaneNumbers). NEON has no masks: it keeps count, one at a
// time, in a general register.
func (a *Asm) Mask(count, tmp, mask Reg) {
	if a.v.masks {
		if count != "CX" {
			a.I("MOVQ", count, Reg("CX"))
		}
		a.I("MOVL", Imm(1), tmp)
		a.I("SHLL", Reg("CX"), tmp)
		a.I("SUBL", Imm(1), tmp)
		a.I("KMOVW", tmp, mask)
		return
	}
	if a.v == NEON {
		a.N("MOVD", gpr(count), maskCount)
		return
	}
	a.I("VMOVD", count, "X"+string(mask[1:]))
	a.I("VPBROADCASTD", "X"+string(mask[1:]), mask)
	a.I("VPCMPGTD", lanes, mask, mask)
}

const lanes Static = "lanes"

// LaneNumbers puts 0, 1, 2… where Mask wants them.
func (f *File) LaneNumbers() {
	if f.vectors.masks || f.vectors.Arch == NEON.Arch {
		return
	}
	words := make([]uint32, f.vectors.Lanes)
	for i := range words {
		words[i] = uint32(i)
	}
	f.Data(lanes, words...)
}

// LoadMasked is dst = src[0:n], zero beyond; StoreMasked leaves memory beyond n alone. Neither touches what it does not transfer.
func (a *Asm) LoadMasked(src Mem, mask, dst Reg) {
	if a.v.masks {
		a.I("VMOVUPS.Z", src, mask, dst)
	} else if a.v == NEON {
		a.transferSome(src, dst, false)
	} else {
		a.I("VMASKMOVPS", src, mask, dst)
	}
}

func (a *Asm) StoreMasked(src, mask Reg, dst Mem) {
	if a.v.masks {
		a.I("VMOVUPS", src, mask, dst)
	} else if a.v == NEON {
		a.transferSome(dst, src, true)
	} else {
		a.I("VMASKMOVPS", src, mask, dst)
	}
}

// Return ends a function that has used vectors.
func (a *Asm) Return() {
	if a.v.Arch == NEON.Arch {
		a.N("RET")
		return
	}
	a.I("VZEROUPPER")
	a.I("RET")
}
