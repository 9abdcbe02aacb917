package main

// Registers of the depthwise loops. Steps and offsets are turned into bytes.
const (
	depthDst, depthSrc, depthWeights, depthBias = Reg("DI"), Reg("SI"), Reg("R8"), Reg("R9")
	depthColumn                                 = Reg("R10") // the channel
	depthList, depthLeft                        = Reg("R11"), Reg("R12")
	depthSrcStep, depthDstStep                  = Reg("DX"), Reg("R13")
)

// columns does the channels in blocks of several vectors, one, and less than one, whose results are stored by mask; more than
// what is stored may be read. It overwrites CX and AX between blocks.
func columns(a *Asm, label To, column Reg, several int, block func(label To, count int, mask Reg)) {
	v := a.v
	a.I("XORQ", column, column)
	for _, l := range []struct {
		label, after To
		count        int
	}{{label + "Several", label + "One", several}, {label + "One", label + "Rest", 1}} {
		a.Label(l.label)
		a.I("LEAQ", Mem{Base: column, Disp: l.count * v.Lanes}, Reg("CX"))
		a.I("CMPQ", Reg("CX"), a.At("c"))
		a.I("JGT", l.after)
		block(l.label, l.count, "")
		a.I("ADDQ", Imm(l.count*v.Lanes), column)
		a.I("JMP", l.label)
	}
	a.Label(label + "Rest")
	a.I("MOVQ", a.At("c"), Reg("CX"))
	a.I("SUBQ", column, Reg("CX"))
	a.I("JEQ", label+"End")
	mask := Reg("K1")
	if !v.masks {
		mask = v.R(v.Registers - 1)
	}
	a.Mask(Reg("CX"), Reg("AX"), mask)
	block(label+"Rest", 1, mask)
	a.Label(label + "End")
}

// depthwise does four pixels at a time, which share the weights, then one by one.
func depthwise(f *File) {
	v := f.vectors
	f.Func("depthwise"+v.Suffix, "depthwise… is Table.Depthwise.",
		"dst, src, weights, bias *float32, taps *Tap, ntaps, count, c, dstStep, srcStep int, floor, ceiling float32", 0, func(a *Asm) {
			floor, ceiling := v.R(14), v.R(13)
			a.Param("dst", depthDst)
			a.Param("src", depthSrc)
			a.Param("weights", depthWeights)
			a.Param("bias", depthBias)
			a.Param("dstStep", depthDstStep)
			a.Param("srcStep", depthSrcStep)
			a.I("SHLQ", Imm(2), depthDstStep)
			a.I("SHLQ", Imm(2), depthSrcStep)
			a.Broadcast(a.At("floor"), floor)
			a.Broadcast(a.At("ceiling"), ceiling)
			// at is vector i of pixel p behind base; triple holds three steps.
			at := func(base, step, triple Reg, p, i int) Mem {
				m := Mem{Base: base, Disp: i * v.Bytes()}
				switch p {
				case 1, 2:
					m.Index, m.Scale = step, p
				case 3:
					m.Index, m.Scale = triple, 1
				}
				return m
			}
			pixels := func(label, after To, pixels, several int) {
				a.Label(label)
				a.I("CMPQ", a.At("count"), Imm(pixels))
				a.I("JLT", after)
				columns(a, label, depthColumn, several, func(label To, count int, mask Reg) {
					sum := func(p, i int) Reg { return v.R(p*count + i) }
					weight := func(i int) Reg { return v.R(8 + i) }
					for i := range count {
						for p := range pixels {
							a.Load(Mem{Base: depthBias, Index: depthColumn, Scale: 4, Disp: i * v.Bytes()}, sum(p, i))
						}
					}
					a.I("LEAQ", Mem{Base: depthSrcStep, Index: depthSrcStep, Scale: 2}, Reg("CX"))
					a.Param("taps", depthList)
					a.Param("ntaps", depthLeft)
					a.I("JMP", label+"Test")
					a.Label(label + "Tap")
					for _, x := range []struct {
						array, offset Reg
						disp          int
					}{{depthSrc, "AX", 0}, {depthWeights, "BX", 8}} {
						a.I("MOVQ", Mem{Base: depthList, Disp: x.disp}, x.offset)
						a.I("ADDQ", depthColumn, x.offset)
						a.I("LEAQ", Mem{Base: x.array, Index: x.offset, Scale: 4}, x.offset)
					}
					for i := range count {
						a.Load(Mem{Base: "BX", Disp: i * v.Bytes()}, weight(i))
					}
					for p := range pixels {
						for i := range count {
							a.FMA(at("AX", depthSrcStep, "CX", p, i), weight(i), sum(p, i))
						}
					}
					a.I("ADDQ", Imm(16), depthList)
					a.Label(label + "Test")
					a.I("SUBQ", Imm(1), depthLeft)
					a.I("JGE", label+"Tap")
					a.I("LEAQ", Mem{Base: depthDst, Index: depthColumn, Scale: 4}, Reg("AX"))
					a.I("LEAQ", Mem{Base: depthDstStep, Index: depthDstStep, Scale: 2}, Reg("BX"))
					for p := range pixels {
						for i := range count {
							a.Max(floor, sum(p, i), sum(p, i))
							a.Min(ceiling, sum(p, i), sum(p, i))
							storePart(a, sum(p, i), mask, at("AX", depthDstStep, "BX", p, i))
						}
					}
				})
				for _, x := range []struct{ array, step Reg }{{depthDst, depthDstStep}, {depthSrc, depthSrcStep}} {
					a.I("MOVQ", x.step, Reg("AX"))
					a.I("IMULQ", Imm(pixels), Reg("AX"))
					a.I("ADDQ", Reg("AX"), x.array)
				}
				a.I("SUBQ", Imm(pixels), a.At("count"))
				a.I("JMP", label)
			}
			pixels("four", "one", 4, 2)
			pixels("one", "done", 1, 4)
			a.Label("done")
			a.Return()
		})
}

// depthwiseWeights keeps the sums of a block of channels in registers for a run of pixels, and goes through all runs before the
// next block, so that a row of pixels is read from the first cache.
func depthwiseWeights(f *File) {
	v := f.vectors
	f.Func("depthwiseWeights"+v.Suffix, "depthwiseWeights… is Table.DepthwiseWeights.",
		"sums, src, diff *float32, runs *Run, nruns, c, srcStep, diffStep int", 0, func(a *Asm) {
			a.Param("sums", depthDst)
			a.Param("src", depthSrc)
			a.Param("diff", depthWeights)
			a.Param("srcStep", depthSrcStep)
			a.Param("diffStep", depthDstStep)
			a.I("SHLQ", Imm(2), depthSrcStep)
			a.I("SHLQ", Imm(2), depthDstStep)
			columns(a, "runs", depthColumn, 4, func(label To, count int, mask Reg) {
				a.Param("runs", depthList)
				a.Param("nruns", depthLeft)
				a.I("JMP", label+"Test")
				a.Label(label + "Run")
				for _, x := range []struct {
					array, offset Reg
					disp          int
				}{{depthDst, "R9", 0}, {depthSrc, "AX", 8}, {depthWeights, "BX", 16}} {
					a.I("MOVQ", Mem{Base: depthList, Disp: x.disp}, x.offset)
					a.I("ADDQ", depthColumn, x.offset)
					a.I("LEAQ", Mem{Base: x.array, Index: x.offset, Scale: 4}, x.offset)
				}
				a.I("MOVQ", Mem{Base: depthList, Disp: 24}, Reg("CX"))
				for i := range count {
					a.Zero(v.R(i))
				}
				a.Label(label + "Pixel")
				for i := range count {
					a.Load(Mem{Base: "BX", Disp: i * v.Bytes()}, v.R(8+i))
					a.FMA(Mem{Base: "AX", Disp: i * v.Bytes()}, v.R(8+i), v.R(i))
				}
				a.I("ADDQ", depthSrcStep, Reg("AX"))
				a.I("ADDQ", depthDstStep, Reg("BX"))
				a.I("SUBQ", Imm(1), Reg("CX"))
				a.I("JGT", label+"Pixel")
				for i := range count {
					to := Mem{Base: "R9", Disp: i * v.Bytes()}
					a.Add(to, v.R(i), v.R(i))
					storePart(a, v.R(i), mask, to)
				}
				a.I("ADDQ", Imm(32), depthList)
				a.Label(label + "Test")
				a.I("SUBQ", Imm(1), depthLeft)
				a.I("JGE", label+"Run")
			})
			a.Return()
		})
}
