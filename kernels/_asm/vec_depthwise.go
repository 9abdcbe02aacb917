package main

import "fmt"

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
		if l.label == label+"Several" && several == 1 {
			continue
		}
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

// depthwiseWeights keeps the sums of an area, for a block of channels, in registers for a run of pixels: of each pixel diff is loaded once
// for up to nine products. It goes through all areas before the next block, so that a row of pixels is read from the first cache.
func depthwiseWeights(f *File) {
	const (
		column, list, left           = Reg("R10"), Reg("R11"), Reg("R12")
		diff, count                  = Reg("BX"), Reg("CX")
		srcStep, diffStep, srcColumn = Reg("DX"), Reg("R13"), Reg("R9")
		sums, sumsColumn, sumsRow    = Reg("DI"), Reg("AX"), Reg("SI") // after the pixels
	)
	src := []Reg{"AX", "SI", "R8"} // rows under the filter
	v := f.vectors
	several := 2
	if v == AVX2 {
		several = 1
	}
	f.Func("depthwiseWeights"+v.Suffix, "depthwiseWeights… is Table.DepthwiseWeights.",
		"sums, src, diff *float32, areas *Area, nareas, c, srcStep, srcColumn, srcRow, diffStep, sumsRow int", 0, func(a *Asm) {
			a.Param("srcStep", srcStep)
			a.Param("srcColumn", srcColumn)
			a.Param("diffStep", diffStep)
			for _, r := range []Reg{srcStep, srcColumn, diffStep} {
				a.I("SHLQ", Imm(2), r)
			}
			// start is the place of an area's element in an array.
			start := func(array string, disp int, r Reg) {
				a.I("MOVQ", Mem{Base: list, Disp: disp}, r)
				a.I("ADDQ", column, r)
				a.I("SHLQ", Imm(2), r)
				a.I("ADDQ", a.At(array), r)
			}
			// further is r = before + a distance in elements.
			further := func(name string, before, r Reg) {
				a.Param(name, r)
				a.I("LEAQ", Mem{Base: before, Index: r, Scale: 4}, r)
			}
			at := func(row, step Reg, s, i int) Mem {
				m := Mem{Base: row, Disp: i * v.Bytes()}
				if s > 0 {
					m.Index, m.Scale = step, s
				}
				return m
			}
			columns(a, "areas", column, several, func(label To, vectors int, mask Reg) {
				a.Param("areas", list)
				a.Param("nareas", left)
				a.I("JMP", label+"Test")
				a.Label(label + "Area")
				start("src", 8, src[0])
				further("srcRow", src[0], src[1])
				further("srcRow", src[1], src[2])
				start("diff", 16, diff)
				a.I("MOVQ", Mem{Base: list, Disp: 24}, count)
				size := func(rows, cols int) To { return label + To(fmt.Sprintf("%dx%d", rows, cols)) }
				a.Note("by Rows and Columns").I("MOVQ", Mem{Base: list, Disp: 40}, sums)
				a.I("CMPQ", Mem{Base: list, Disp: 32}, Imm(2))
				a.I("JLT", label+"Rows1")
				a.I("JEQ", label+"Rows2")
				for rows := 3; rows > 0; rows-- {
					if rows < 3 {
						a.Label(label + To(fmt.Sprint("Rows", rows)))
					}
					a.I("CMPQ", sums, Imm(2))
					a.I("JLT", size(rows, 1))
					a.I("JEQ", size(rows, 2))
					for cols := 3; cols > 0; cols-- {
						if cols < 3 {
							a.Label(size(rows, cols))
						}
						sum := func(r, s, i int) Reg { return v.R((r*cols+s)*vectors + i) }
						factor := func(i int) Reg { return v.R(9*vectors + i) }
						for i := range rows * cols * vectors {
							a.Zero(v.R(i))
						}
						a.Label(size(rows, cols) + "Pixel")
						for i := range vectors {
							a.Load(Mem{Base: diff, Disp: i * v.Bytes()}, factor(i))
						}
						for r := range rows {
							for s := range cols {
								for i := range vectors {
									a.FMA(at(src[r], srcColumn, s, i), factor(i), sum(r, s, i))
								}
							}
						}
						for r := range rows {
							a.I("ADDQ", srcStep, src[r])
						}
						a.I("ADDQ", diffStep, diff)
						a.I("SUBQ", Imm(1), count)
						a.I("JGT", size(rows, cols)+"Pixel")
						start("sums", 0, sums)
						a.Param("c", sumsColumn)
						a.I("SHLQ", Imm(2), sumsColumn)
						a.Param("sumsRow", sumsRow)
						for r := range rows {
							for s := range cols {
								for i := range vectors {
									to := at(sums, sumsColumn, s, i)
									a.Add(to, sum(r, s, i), sum(r, s, i))
									storePart(a, sum(r, s, i), mask, to)
								}
							}
							if r < rows-1 {
								a.I("LEAQ", Mem{Base: sums, Index: sumsRow, Scale: 4}, sums)
							}
						}
						a.I("JMP", label+"Next")
					}
				}
				a.Label(label + "Next")
				a.I("ADDQ", Imm(48), list)
				a.Label(label + "Test")
				a.I("SUBQ", Imm(1), left)
				a.I("JGE", label+"Area")
			})
			a.Return()
		})
}
