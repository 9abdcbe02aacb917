package main

import "fmt"

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

// Registers of the depthwise loops.
const (
	depthColumn, depthList                     = Reg("R10"), Reg("R11") // the channel, the area
	depthSrcStep, depthDstStep, depthSrcColumn = Reg("DX"), Reg("R13"), Reg("R9")
	depthCount                                 = Reg("CX")
)

var depthSrc = []Reg{"AX", "SI", "R8"} // rows under the filter

// depthAt is vector i of column s, steps apart, behind row.
func depthAt(v *Vectors, row, step Reg, s, i int) Mem {
	m := Mem{Base: row, Disp: i * v.Bytes()}
	if s > 0 {
		m.Index, m.Scale = step, s
	}
	return m
}

// depthAreas calls block for every block of channels and area, and there for a rectangle of each size that an area may have; smallest is the
// least number of rows.
func depthAreas(a *Asm, smallest int, block func(label To, rows, cols, vectors int, mask Reg)) {
	for _, x := range []struct {
		name string
		r    Reg
	}{{"srcStep", depthSrcStep}, {"dstStep", depthDstStep}, {"srcColumn", depthSrcColumn}} {
		a.Param(x.name, x.r)
		a.I("SHLQ", Imm(2), x.r)
	}
	a.Note("the end of areas").I("MOVQ", a.At("nareas"), depthList)
	a.I("IMULQ", Imm(48), depthList)
	a.I("ADDQ", a.At("areas"), depthList)
	a.I("MOVQ", depthList, a.At("nareas"))
	several := 2
	if a.v == AVX2 {
		several = 1
	}
	columns(a, "areas", depthColumn, several, func(label To, vectors int, mask Reg) {
		a.Param("areas", depthList)
		a.I("JMP", label+"Test")
		a.Label(label + "Area")
		size := func(rows, cols int) To { return label + To(fmt.Sprintf("%dx%d", rows, cols)) }
		a.Note("by Rows and Columns").I("MOVQ", Mem{Base: depthList, Disp: 40}, depthCount)
		a.I("CMPQ", Mem{Base: depthList, Disp: 32}, Imm(2))
		a.I("JLT", label+"Rows1")
		a.I("JEQ", label+"Rows2")
		for rows := 3; rows > 0; rows-- {
			if rows < 3 {
				a.Label(label + To(fmt.Sprint("Rows", rows)))
			}
			if rows == 1 && smallest == 0 {
				a.I("CMPQ", Mem{Base: depthList, Disp: 32}, Imm(1))
				a.I("JLT", size(0, 0))
			}
			a.I("CMPQ", depthCount, Imm(2))
			a.I("JLT", size(rows, 1))
			a.I("JEQ", size(rows, 2))
			for cols := 3; cols > 0; cols-- {
				if cols < 3 {
					a.Label(size(rows, cols))
				}
				block(size(rows, cols), rows, cols, vectors, mask)
				a.I("JMP", label+"Next")
			}
		}
		if smallest == 0 {
			a.Label(size(0, 0))
			block(size(0, 0), 0, 0, vectors, mask)
		}
		a.Label(label + "Next")
		a.I("ADDQ", Imm(48), depthList)
		a.Label(label + "Test")
		a.I("CMPQ", depthList, a.At("nareas"))
		a.I("JLT", label+"Area")
	})
	a.Return()
}

// depthStart is r = where an area's first element of an array lies, of which the area has the place at disp.
func depthStart(a *Asm, array string, disp int, r Reg) {
	a.I("MOVQ", Mem{Base: depthList, Disp: disp}, r)
	a.I("ADDQ", depthColumn, r)
	a.I("SHLQ", Imm(2), r)
	a.I("ADDQ", a.At(array), r)
}

// depthRows are the pointers to the rows under the filter, and the number of pixels.
func depthRows(a *Asm, rows int) {
	for r := range rows {
		if r == 0 {
			depthStart(a, "src", 8, depthSrc[0])
			continue
		}
		a.Param("srcRow", depthSrc[r])
		a.I("LEAQ", Mem{Base: depthSrc[r-1], Index: depthSrc[r], Scale: 4}, depthSrc[r])
	}
	a.I("MOVQ", Mem{Base: depthList, Disp: 24}, depthCount)
}

// depthwise keeps the weights of an area, for a block of channels, in registers for a run of pixels.
func depthwise(f *File) {
	v := f.vectors
	f.Func("depthwise"+v.Suffix, "depthwise… is Table.Depthwise.",
		"dst, src, weights, bias *float32, areas *Area, nareas, c, dstStep, srcStep, srcColumn, srcRow, weightsColumn, weightsRow int, floor, ceiling float32", 0, func(a *Asm) {
			const dst, start, startStep = Reg("DI"), Reg("BX"), Reg("R12")
			held := 18
			if v == AVX2 {
				held = 9
			}
			floor, ceiling := v.R(held), v.R(held+1)
			a.Broadcast(a.At("floor"), floor)
			a.Broadcast(a.At("ceiling"), ceiling)
			depthAreas(a, 0, func(label To, rows, cols, vectors int, mask Reg) {
				weight := func(r, s, i int) Reg { return v.R((r*cols+s)*vectors + i) }
				sum := func(i int) Reg { return v.R(held + 2 + i) }
				if rows > 0 {
					depthStart(a, "weights", 0, "AX")
					a.Param("weightsColumn", "SI")
					a.I("SHLQ", Imm(2), Reg("SI"))
					a.Param("weightsRow", "R8")
				}
				for r := range rows {
					for s := range cols {
						for i := range vectors {
							a.Load(depthAt(v, "AX", "SI", s, i), weight(r, s, i))
						}
					}
					if r < rows-1 {
						a.I("LEAQ", Mem{Base: "AX", Index: "R8", Scale: 4}, Reg("AX"))
					}
				}
				depthStart(a, "dst", 16, dst)
				a.I("MOVQ", dst, start)
				a.I("MOVQ", depthDstStep, startStep)
				a.Note("without a bias from dst").I("CMPQ", a.At("bias"), Imm(0))
				a.I("JEQ", label+"Rows")
				a.Param("bias", start)
				a.I("LEAQ", Mem{Base: start, Index: depthColumn, Scale: 4}, start)
				a.I("XORQ", startStep, startStep)
				a.Label(label + "Rows")
				depthRows(a, rows)
				a.Label(label + "Pixel")
				for i := range vectors {
					a.Load(Mem{Base: start, Disp: i * v.Bytes()}, sum(i))
				}
				for r := range rows {
					for s := range cols {
						for i := range vectors {
							a.FMA(depthAt(v, depthSrc[r], depthSrcColumn, s, i), weight(r, s, i), sum(i))
						}
					}
				}
				for i := range vectors {
					a.Max(floor, sum(i), sum(i))
					a.Min(ceiling, sum(i), sum(i))
					storePart(a, sum(i), mask, Mem{Base: dst, Disp: i * v.Bytes()})
				}
				for r := range rows {
					a.I("ADDQ", depthSrcStep, depthSrc[r])
				}
				a.I("ADDQ", depthDstStep, dst)
				a.I("ADDQ", startStep, start)
				a.I("SUBQ", Imm(1), depthCount)
				a.I("JGT", label+"Pixel")
			})
		})
}

// depthwiseWeights keeps the sums of an area, for a block of channels, in registers for a run of pixels: of each pixel diff is loaded once
// for up to nine products. It goes through all areas before the next block, so that a row of pixels is read from the first cache.
func depthwiseWeights(f *File) {
	v := f.vectors
	f.Func("depthwiseWeights"+v.Suffix, "depthwiseWeights… is Table.DepthwiseWeights.",
		"sums, src, diff *float32, areas *Area, nareas, c, dstStep, srcStep, srcColumn, srcRow, sumsRow int", 0, func(a *Asm) {
			const diff, sums, sumsColumn, sumsRow = Reg("BX"), Reg("DI"), Reg("AX"), Reg("SI") // all but diff after the pixels
			depthAreas(a, 1, func(label To, rows, cols, vectors int, mask Reg) {
				sum := func(r, s, i int) Reg { return v.R((r*cols+s)*vectors + i) }
				factor := func(i int) Reg { return v.R(9*vectors + i) }
				depthRows(a, rows)
				depthStart(a, "diff", 16, diff)
				for i := range rows * cols * vectors {
					a.Zero(v.R(i))
				}
				a.Label(label + "Pixel")
				for i := range vectors {
					a.Load(Mem{Base: diff, Disp: i * v.Bytes()}, factor(i))
				}
				for r := range rows {
					for s := range cols {
						for i := range vectors {
							a.FMA(depthAt(v, depthSrc[r], depthSrcColumn, s, i), factor(i), sum(r, s, i))
						}
					}
				}
				for r := range rows {
					a.I("ADDQ", depthSrcStep, depthSrc[r])
				}
				a.I("ADDQ", depthDstStep, diff)
				a.I("SUBQ", Imm(1), depthCount)
				a.I("JGT", label+"Pixel")
				depthStart(a, "sums", 0, sums)
				a.Param("c", sumsColumn)
				a.I("SHLQ", Imm(2), sumsColumn)
				a.Param("sumsRow", sumsRow)
				for r := range rows {
					for s := range cols {
						for i := range vectors {
							to := depthAt(v, sums, sumsColumn, s, i)
							a.Add(to, sum(r, s, i), sum(r, s, i))
							storePart(a, sum(r, s, i), mask, to)
						}
					}
					if r < rows-1 {
						a.I("LEAQ", Mem{Base: sums, Index: sumsRow, Scale: 4}, sums)
					}
				}
			})
		})
}
