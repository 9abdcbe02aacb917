package main

// Registers of maximum pooling. Windows go to the right by step bytes, their rows down by pitch bytes, their pixels by pixel bytes.
const (
	poolDst, poolSrc, poolDiffDst, poolDiffSrc = Reg("DI"), Reg("SI"), Reg("R8"), Reg("R9")
	poolPixel, poolColumn                      = Reg("R10"), Reg("R11") // column: the channel
	poolTap, poolDiffTap                       = Reg("AX"), Reg("BX")   // the channels of one pixel of the window
	poolY, poolX, poolBack                     = Reg("R12"), Reg("R13"), Reg("DX")
)

// pool writes the loops over windows, and over channels in blocks of several vectors, one, and less than one. A block is begun, done for
// each pixel of the window with `tap`, and ended.
func pool(a *Asm, several int, arrays map[string]Reg, begin, tap, end func(count int, mask Reg)) {
	v := a.v
	for _, name := range []string{"dst", "src", "diffDst", "diffSrc"} {
		if r, ok := arrays[name]; ok {
			a.Param(name, r)
		}
	}
	a.Param("c", poolPixel)
	a.I("SHLQ", Imm(2), poolPixel)
	backward := arrays["diffSrc"] != ""
	window := func(label To, count int, mask Reg) {
		begin(count, mask)
		a.I("LEAQ", Mem{Base: poolSrc, Index: poolColumn, Scale: 4}, poolTap)
		if backward {
			a.I("LEAQ", Mem{Base: poolDiffSrc, Index: poolColumn, Scale: 4}, poolDiffTap)
		}
		a.Param("r", poolY)
		a.Label(label + "Y")
		a.Param("s", poolX)
		a.Label(label + "X")
		tap(count, mask)
		a.I("ADDQ", poolPixel, poolTap)
		if backward {
			a.I("ADDQ", poolPixel, poolDiffTap)
		}
		a.I("SUBQ", Imm(1), poolX)
		a.I("JGT", label+"X")
		a.Note("from behind this row to the next: pitch - s·c").I("MOVQ", a.At("pitch"), poolBack)
		a.I("SHLQ", Imm(2), poolBack)
		a.I("MOVQ", a.At("s"), Reg("CX"))
		a.I("IMULQ", poolPixel, Reg("CX"))
		a.I("SUBQ", Reg("CX"), poolBack)
		a.I("ADDQ", poolBack, poolTap)
		if backward {
			a.I("ADDQ", poolBack, poolDiffTap)
		}
		a.I("SUBQ", Imm(1), poolY)
		a.I("JGT", label+"Y")
		end(count, mask)
	}
	a.Label("window")
	a.Note("for count > 0").I("SUBQ", Imm(1), a.At("count"))
	a.I("JLT", To("done"))
	a.I("XORQ", poolColumn, poolColumn)
	for _, l := range []struct {
		label, after To
		count        int
	}{{"several", "one", several}, {"one", "rest", 1}} {
		a.Label(l.label)
		a.I("LEAQ", Mem{Base: poolColumn, Disp: l.count * v.Lanes}, Reg("CX"))
		a.I("CMPQ", Reg("CX"), a.At("c"))
		a.I("JGT", l.after)
		window(l.label, l.count, "")
		a.I("ADDQ", Imm(l.count*v.Lanes), poolColumn)
		a.I("JMP", l.label)
	}
	a.Label("rest")
	a.I("MOVQ", a.At("c"), Reg("CX"))
	a.I("SUBQ", poolColumn, Reg("CX"))
	a.I("JEQ", To("advance"))
	mask := Reg("K1")
	if !v.masks {
		mask = v.R(v.Registers - 1)
	}
	a.Mask(Reg("CX"), poolBack, mask)
	window("rest", 1, mask)
	a.Label("advance")
	a.I("ADDQ", poolPixel, poolDst)
	if backward {
		a.I("ADDQ", poolPixel, poolDiffDst)
	}
	a.I("MOVQ", a.At("step"), Reg("CX"))
	a.I("LEAQ", Mem{Base: poolSrc, Index: "CX", Scale: 4}, poolSrc)
	if backward {
		a.I("LEAQ", Mem{Base: poolDiffSrc, Index: "CX", Scale: 4}, poolDiffSrc)
	}
	a.I("JMP", To("window"))
	a.Label("done")
	a.Return()
}

// loadPart and storePart leave out what a mask does not cover; there is none for whole vectors.
func loadPart(a *Asm, from Mem, mask, r Reg) {
	if mask == "" {
		a.Load(from, r)
	} else {
		a.LoadMasked(from, mask, r)
	}
}

func storePart(a *Asm, r, mask Reg, to Mem) {
	if mask == "" {
		a.Store(r, to)
	} else {
		a.StoreMasked(r, mask, to)
	}
}

func maxPool(f *File) {
	v := f.vectors
	f.Func("maxPool"+v.Suffix, "maxPool… is Table.MaxPool.", "dst, src *float32, count, c, r, s, step, pitch int", 0, func(a *Asm) {
		at := func(base Reg, i int) Mem { return Mem{Base: base, Index: poolColumn, Scale: 4, Disp: i * v.Bytes()} }
		pool(a, 4, map[string]Reg{"dst": poolDst, "src": poolSrc},
			func(count int, mask Reg) {
				for i := range count {
					loadPart(a, at(poolSrc, i), mask, v.R(i))
				}
			},
			func(count int, mask Reg) {
				for i := range count {
					loadPart(a, Mem{Base: poolTap, Disp: i * v.Bytes()}, mask, v.R(4+i))
					a.Max(v.R(4+i), v.R(i), v.R(i))
				}
			},
			func(count int, mask Reg) {
				for i := range count {
					storePart(a, v.R(i), mask, at(poolDst, i))
				}
			})
	})
}

// maxPoolBackward keeps, for each lane, whether its gradient is still to be given away: in mask registers, or in vectors.
func maxPoolBackward(f *File, add bool) {
	v := f.vectors
	name, doc := "maxPoolBackward", "maxPoolBackward… is Table.MaxPoolBackward[0]."
	if add {
		name, doc = "maxPoolBackwardAdd", "maxPoolBackwardAdd… is Table.MaxPoolBackward[1]."
	}
	const several = 3
	largest, gradient, left, spare := func(i int) Reg { return v.R(i) }, func(i int) Reg { return v.R(3 + i) }, func(i int) Reg { return v.R(6 + i) }, func(i int) Reg { return v.R(9 + i) }
	leftMask := func(i int) Reg { return []Reg{"K3", "K4", "K5"}[i] }
	arrays := map[string]Reg{"dst": poolDst, "src": poolSrc, "diffDst": poolDiffDst, "diffSrc": poolDiffSrc}
	f.Func(name+v.Suffix, doc, "diffSrc, diffDst, src, dst *float32, count, c, r, s, step, pitch int", 0, func(a *Asm) {
		at := func(base Reg, i int) Mem { return Mem{Base: base, Index: poolColumn, Scale: 4, Disp: i * v.Bytes()} }
		pool(a, several, arrays,
			func(count int, mask Reg) {
				for i := range count {
					loadPart(a, at(poolDst, i), mask, largest(i))
					loadPart(a, at(poolDiffDst, i), mask, gradient(i))
					if v.masks {
						a.I("KXNORW", leftMask(i), leftMask(i), leftMask(i))
					} else {
						a.I("VPCMPEQD", left(i), left(i), left(i))
					}
				}
			},
			func(count int, mask Reg) {
				for i := range count {
					from, to := Mem{Base: poolTap, Disp: i * v.Bytes()}, Mem{Base: poolDiffTap, Disp: i * v.Bytes()}
					loadPart(a, from, mask, spare(i))
					// spare = the gradient where this is the first element equal to the largest
					if v.masks {
						a.I("VCMPPS", Imm(0), spare(i), largest(i), leftMask(i), Reg("K2"))
						a.I("KANDNW", leftMask(i), Reg("K2"), leftMask(i))
						a.I("VMOVAPS.Z", gradient(i), Reg("K2"), spare(i))
					} else {
						a.I("VCMPPS", Imm(0), spare(i), largest(i), spare(i))
						a.I("VANDPS", left(i), spare(i), spare(i))
						a.I("VANDNPS", left(i), spare(i), left(i))
						a.I("VANDPS", gradient(i), spare(i), spare(i))
					}
					if add {
						loadPart(a, to, mask, v.R(12))
						a.Add(v.R(12), spare(i), spare(i))
					}
					storePart(a, spare(i), mask, to)
				}
			},
			func(int, Reg) {})
	})
}
