package main

import (
	"fmt"
	"math"
)

func init() { register("tile", tileFiles) }

// tileShapes gives, for each instruction set, the most rows of a tile of one, two… vectors. Accumulators, the vectors of B and, beyond
// one vector or without broadcasting instructions, one for A fill the registers.
var tileShapes = map[*Vectors][]int{
	AVX2:   {12, 6},
	AVX512: {14, 14, 9, 6},
	pairs:  {10, 6},
}

// tileFiles writes the micro-kernels, the packing kernels and the loop that measures the peak.
func tileFiles() []*File {
	var files []*File
	for _, v := range []*Vectors{AVX2, AVX512, pairs} {
		for _, rowA := range []bool{true, false} {
			name := "columna"
			if rowA {
				name = "rowa"
			}
			f := NewFile("tile", name+"_"+v.Name, v)
			f.LaneNumbers()
			if v != pairs {
				f.Data(six, math.Float32bits(6))
			}
			for i, most := range tileShapes[v] {
				for rows := 1; rows <= most; rows++ {
					if v == pairs {
						neonKernel(f, rows, i+1, rowA)
					} else {
						microKernel(f, v, rows, i+1, rowA)
					}
				}
			}
			files = append(files, f)
		}
		f := NewFile("tile", "pack_"+v.Name, v)
		if v == pairs {
			neonTranspose(f)
			neonCopy(f)
			neonPeak(f)
		} else {
			transpose(f, v)
			copyRows(f, v)
			peak(f, v)
		}
		tables(f, v)
		files = append(files, f)
	}
	return files
}

// Places in the struct Args of package tile.
const (
	argA = 8 * iota
	argB
	argC
	argBias
	argTaps
	argNTaps
	argK
	argLdA
	argKsA
	argKsB
	argLdC
	argFlags
	argCols
)

func tileName(v *Vectors, rows, vectors int, rowA bool) string {
	family := "column"
	if rowA {
		family = "row"
	}
	return fmt.Sprintf("%s%s%dx%d", family, v.Suffix, rows, vectors*v.Lanes)
}

// microKernel writes one tile of rows x vectors*lanes. Rows of C, and of A when rowA, are reached from three pointers: row 5p+q is
// pointer p plus 0, 1, 2, 3 or 4 times the stride.
func microKernel(f *File, v *Vectors, rows, vectors int, rowA bool) {
	const (
		arg, b, k, taps, ksB, tmp = Reg("AX"), Reg("DX"), Reg("R9"), Reg("R10"), Reg("R11"), Reg("R13")
		stride, stride3           = Reg("BX"), Reg("CX") // of A, then of C
		ksB3                      = Reg("R12")
	)
	pointers := []Reg{"SI", "DI", "R8"}
	leftTaps := Mem{Base: "SP"}
	field := func(offset int) Mem { return Mem{Base: arg, Disp: offset} }
	acc := func(i, j int) Reg { return v.R(i*vectors + j) }
	bv := func(j int) Reg { return v.R(v.Registers - 1 - j) }
	av := v.R(v.Registers - 1 - vectors)
	width := v.Bytes()
	row := func(i int) Mem {
		m := Mem{Base: pointers[i/5]}
		switch i % 5 {
		case 1, 2, 4:
			m.Index, m.Scale = stride, i%5
		case 3:
			m.Index, m.Scale = stride3, 1
		}
		return m
	}
	step := func(base, one, three Reg, u int) Mem { // base + u steps of k
		m := Mem{Base: base}
		switch u {
		case 1, 2:
			m.Index, m.Scale = one, u
		case 3:
			m.Index, m.Scale = three, 1
		}
		return m
	}

	f.Func(tileName(v, rows, vectors, rowA), "", "args *Args", 8, func(a *Asm) {
		eachRow := func(do func(i int, m Mem)) {
			for i := range rows {
				do(i, row(i))
			}
		}
		rowPointers := func(first any, op string, strideField int) {
			a.I("MOVQ", field(strideField), stride)
			a.I("LEAQ", Mem{Base: stride, Index: stride, Scale: 2}, stride3)
			a.I(op, first, pointers[0])
			for p := 1; 5*p < rows; p++ {
				a.I("LEAQ", Mem{Base: pointers[p-1], Index: stride, Scale: 4}, pointers[p])
				a.I("ADDQ", stride, pointers[p])
			}
		}

		a.Param("args", arg)
		rowPointers(field(argC), "MOVQ", argLdC)
		eachRow(func(i int, m Mem) {
			for j := 0; j < vectors*width; j += 64 {
				a.I("PREFETCHT0", m.Plus(j))
			}
		})
		for i := range rows * vectors {
			a.Zero(v.R(i))
		}
		a.I("MOVQ", field(argKsB), ksB)
		a.I("LEAQ", Mem{Base: ksB, Index: ksB, Scale: 2}, ksB3)
		if !rowA {
			a.I("MOVQ", field(argKsA), stride)
			a.I("LEAQ", Mem{Base: stride, Index: stride, Scale: 2}, stride3)
		}
		a.I("MOVQ", field(argTaps), taps)
		a.I("MOVQ", field(argNTaps), tmp)
		a.I("MOVQ", tmp, leftTaps)

		a.Label("tap")
		a.Note("a = A + taps[t].A").I("MOVQ", field(argA), pointers[0])
		a.I("ADDQ", Mem{Base: taps}, pointers[0])
		if rowA {
			rowPointers(pointers[0], "MOVQ", argLdA)
		}
		a.Note("b = B + taps[t].B").I("MOVQ", field(argB), b)
		a.I("ADDQ", Mem{Base: taps, Disp: 8}, b)
		a.I("ADDQ", Imm(16), taps)
		body := func(steps int) {
			for u := range steps {
				for j := range vectors {
					a.Load(step(b, ksB, ksB3, u).Plus(j*width), bv(j))
				}
				for i := range rows {
					var m Mem
					if rowA {
						m = row(i).Plus(4 * u)
						a.Note("c[%d] += a[%d][k+%d] * b[k+%d]", i, i, u, u)
					} else {
						m = step(pointers[0], stride, stride3, u).Plus(4 * i)
						a.Note("c[%d] += a[k+%d][%d] * b[k+%d]", i, u, i, u)
					}
					if vectors == 1 {
						a.FMABroadcast(m, bv(0), av, acc(i, 0))
						continue
					}
					a.Broadcast(m, av)
					for j := range vectors {
						a.FMA(bv(j), av, acc(i, j))
					}
				}
			}
			advance := func(p, by Reg) {
				if steps == 4 {
					a.I("LEAQ", Mem{Base: p, Index: by, Scale: 4}, p)
				} else {
					a.I("ADDQ", by, p)
				}
			}
			advance(b, ksB)
			if !rowA {
				advance(pointers[0], stride)
				return
			}
			for p := 0; 5*p < rows; p++ {
				a.I("ADDQ", Imm(4*steps), pointers[p])
			}
		}
		a.Note("for k = 0; k+4 <= K; k += 4").I("MOVQ", field(argK), k)
		a.I("SUBQ", Imm(4), k)
		a.I("JLT", To("last"))
		a.I("PCALIGN", Imm(32))
		a.Label("four")
		body(4)
		a.I("SUBQ", Imm(4), k)
		a.I("JGE", To("four"))
		a.Label("last")
		a.I("ADDQ", Imm(4), k)
		a.I("JEQ", To("next"))
		a.Label("one")
		body(1)
		a.I("SUBQ", Imm(1), k)
		a.I("JNE", To("one"))
		a.Label("next")
		a.Note("for t = range NTaps").I("SUBQ", Imm(1), leftTaps)
		a.I("JNE", To("tap"))

		// From here on stride is that of C, av zero, and bv(0) or K1 the mask of the last vector.
		last := vectors - 1
		flags, cols, mask := k, tmp, Reg("K1")
		a.I("MOVQ", field(argCols), cols)
		if last > 0 {
			a.I("SUBQ", Imm(last*v.Lanes), cols)
		}
		if !v.masks {
			mask = bv(0)
		}
		if v.masks {
			a.I("MOVQ", cols, Reg("CX"))
			a.Mask("CX", b, mask)
		} else {
			a.Mask(cols, b, mask)
		}
		rowPointers(field(argC), "MOVQ", argLdC)
		a.I("MOVQ", field(argFlags), flags)
		a.Note("if flags & Accumulate").I("TESTQ", Imm(1), flags)
		a.I("JEQ", To("bias"))
		eachRow(func(i int, m Mem) {
			for j := range last {
				a.Add(m.Plus(j*width), acc(i, j), acc(i, j))
			}
			a.Note("c[%d] += C[%d]", i, i)
			a.LoadMasked(m.Plus(last*width), mask, av)
			a.Add(av, acc(i, last), acc(i, last))
		})
		a.Label("bias")
		a.Note("if flags & Bias").I("TESTQ", Imm(2), flags)
		a.I("JEQ", To("relu"))
		a.I("MOVQ", field(argBias), b)
		for j := range vectors {
			a.Load(Mem{Base: b, Disp: j * width}, av)
			for i := range rows {
				a.Add(av, acc(i, j), acc(i, j))
			}
		}
		a.Label("relu")
		a.Note("if flags & ReLU").I("TESTQ", Imm(4), flags)
		a.I("JEQ", To("relu6"))
		a.Zero(av)
		for i := range rows * vectors {
			a.Max(av, v.R(i), v.R(i))
		}
		a.Label("relu6")
		a.Note("if flags & Six").I("TESTQ", Imm(8), flags)
		a.I("JEQ", To("store"))
		a.Broadcast(six, av)
		for i := range rows * vectors {
			a.Min(av, v.R(i), v.R(i))
		}
		a.Label("store")
		eachRow(func(i int, m Mem) {
			for j := range last {
				a.Store(acc(i, j), m.Plus(j*width))
			}
		})
		a.Note("if Cols < width").I("CMPQ", cols, Imm(v.Lanes))
		a.I("JLT", To("part"))
		eachRow(func(i int, m Mem) { a.Store(acc(i, last), m.Plus(last*width)) })
		a.Return()
		a.Label("part")
		eachRow(func(i int, m Mem) { a.StoreMasked(acc(i, last), mask, m.Plus(last*width)) })
		a.Return()
	})
}

// tables lists the kernels for Go.
func tables(f *File, v *Vectors) {
	f.Import("github.com/meseta-go/meseta/kernels/cpu")
	f.Go("var set%s = Set{ISA: cpu.%s, Lanes: %d, Transpose: transpose%s, Copy: copy%s, peak: peak%s, peakOperations: %d, Widths: []Width{", v.Suffix, v.Suffix, v.Lanes, v.Suffix, v.Suffix, v.Suffix, 2*v.Lanes*peakChains*peakUnroll)
	for i, most := range tileShapes[v] {
		f.Go("{Columns: %d, Rows: %d,", (i+1)*v.Lanes, most)
		for _, rowA := range []bool{true, false} {
			name := "ColumnA"
			if rowA {
				name = "RowA"
			}
			f.Go("%s: []Kernel{nil,", name)
			for rows := 1; rows <= most; rows++ {
				f.Go("%s,", tileName(v, rows, i+1, rowA))
			}
			f.Go("},")
		}
		f.Go("},")
	}
	f.Go("}}")
}

// transpose writes the packing of rows with unit k: blocks of lanes x lanes numbers turn in registers.
func transpose(f *File, v *Vectors) {
	const src, dst, ldDst, n, rows, p, offset = Reg("SI"), Reg("DI"), Reg("DX"), Reg("R9"), Reg("R8"), Reg("R10"), Reg("R11")
	f.Func("transpose"+v.Suffix, "", "src *float32, ldSrc int, dst *float32, ldDst, rows, n int", 8*v.Lanes, func(a *Asm) {
		a.Param("src", src)
		a.Param("dst", dst)
		a.Param("ldDst", ldDst)
		a.Param("rows", rows)
		a.Param("n", n)
		a.Param("ldSrc", p)
		a.Note("offset[i] = min(i, rows-1)*ldSrc").I("XORL", offset, offset)
		for i := range v.Lanes {
			a.I("MOVQ", offset, Mem{Base: "SP", Disp: 8 * i})
			if i == v.Lanes-1 {
				break
			}
			next := To(fmt.Sprint("row", i+1))
			a.I("CMPQ", rows, Imm(i+1))
			a.I("JLE", next)
			a.I("ADDQ", p, offset)
			a.Label(next)
		}
		a.Label("block")
		x := make([]Reg, v.Lanes)
		for i := range x {
			x[i] = v.R(i)
			a.I("MOVQ", Mem{Base: "SP", Disp: 8 * i}, p)
			a.Load(Mem{Base: src, Index: p, Scale: 1}, x[i])
		}
		x = turn(a, v, x)
		a.I("CMPQ", n, Imm(v.Lanes))
		a.I("JLT", To("part"))
		for i := range x {
			a.Store(x[i], Mem{Base: dst})
			a.I("ADDQ", ldDst, dst)
		}
		a.I("ADDQ", Imm(v.Bytes()), src)
		a.I("SUBQ", Imm(v.Lanes), n)
		a.I("JNE", To("block"))
		a.Return()
		a.Label("part")
		for i := range x[:v.Lanes-1] {
			a.Store(x[i], Mem{Base: dst})
			a.I("ADDQ", ldDst, dst)
			a.I("SUBQ", Imm(1), n)
			a.I("JEQ", To("end"))
		}
		a.Label("end")
		a.Return()
	})
}

// turn transposes the registers x, lanes of them, and says in which registers the columns are. With AVX-512 it uses all 32 registers,
// with AVX2 all 16.
func turn(a *Asm, v *Vectors, x []Reg) []Reg {
	y := make([]Reg, v.Lanes)
	for i := range y {
		y[i] = v.R(v.Lanes + i)
	}
	for i := 0; i < v.Lanes; i += 2 { // pairs of rows
		a.I("VUNPCKLPS", x[i+1], x[i], y[i])
		a.I("VUNPCKHPS", x[i+1], x[i], y[i+1])
	}
	for i := 0; i < v.Lanes; i += 4 { // then fours: x[4g+c] holds column c of each group of four, rows 4g to 4g+3
		a.I("VUNPCKLPD", y[i+2], y[i], x[i])
		a.I("VUNPCKHPD", y[i+2], y[i], x[i+1])
		a.I("VUNPCKLPD", y[i+3], y[i+1], x[i+2])
		a.I("VUNPCKHPD", y[i+3], y[i+1], x[i+3])
	}
	if v.Lanes == 8 { // then the halves
		for i := range 4 {
			a.I("VPERM2F128", Imm(0x20), x[4+i], x[i], y[i])
			a.I("VPERM2F128", Imm(0x31), x[4+i], x[i], y[4+i])
		}
		return y
	}
	for h := 0; h < 16; h += 8 { // then the quarters, in two steps
		for i := range 4 {
			a.I("VSHUFF32X4", Imm(0x88), x[h+4+i], x[h+i], y[h+i])
			a.I("VSHUFF32X4", Imm(0xdd), x[h+4+i], x[h+i], y[h+4+i])
		}
	}
	for i := range 8 {
		a.I("VSHUFF32X4", Imm(0x88), y[8+i], y[i], x[i])
		a.I("VSHUFF32X4", Imm(0xdd), y[8+i], y[i], x[8+i])
	}
	return x
}

// copyRows writes the packing of rows that are vectors already.
func copyRows(f *File, v *Vectors) {
	const src, ldSrc, dst, ldDst, n, vectors, p, q, i = Reg("SI"), Reg("BX"), Reg("DI"), Reg("DX"), Reg("R9"), Reg("R8"), Reg("R10"), Reg("R11"), Reg("CX")
	f.Func("copy"+v.Suffix, "", "src *float32, ldSrc int, dst *float32, ldDst, vectors, n int", 0, func(a *Asm) {
		a.Param("src", src)
		a.Param("ldSrc", ldSrc)
		a.Param("dst", dst)
		a.Param("ldDst", ldDst)
		a.Param("vectors", vectors)
		a.Param("n", n)
		a.I("CMPQ", vectors, Imm(2))
		a.I("JEQ", To("two"))
		a.Label("row")
		a.I("MOVQ", src, p)
		a.I("MOVQ", dst, q)
		a.I("MOVQ", vectors, i)
		a.Label("vector")
		a.Load(Mem{Base: p}, v.R(0))
		a.Store(v.R(0), Mem{Base: q})
		a.I("ADDQ", Imm(v.Bytes()), p)
		a.I("ADDQ", Imm(v.Bytes()), q)
		a.I("SUBQ", Imm(1), i)
		a.I("JNE", To("vector"))
		a.I("ADDQ", ldSrc, src)
		a.I("ADDQ", ldDst, dst)
		a.I("SUBQ", Imm(1), n)
		a.I("JNE", To("row"))
		a.Return()
		a.Label("two")
		a.Note("16 rows ahead").I("MOVQ", ldSrc, p)
		a.I("SHLQ", Imm(4), p)
		a.Label("pair")
		a.Load(Mem{Base: src}, v.R(0))
		a.Load(Mem{Base: src, Disp: v.Bytes()}, v.R(1))
		a.I("PREFETCHT0", Mem{Base: src, Index: p, Scale: 1})
		a.I("PREFETCHT0", Mem{Base: src, Index: p, Scale: 1, Disp: v.Bytes()})
		a.Store(v.R(0), Mem{Base: dst})
		a.Store(v.R(1), Mem{Base: dst, Disp: v.Bytes()})
		a.I("ADDQ", ldSrc, src)
		a.I("ADDQ", ldDst, dst)
		a.I("SUBQ", Imm(1), n)
		a.I("JNE", To("pair"))
		a.Return()
	})
}

// The peak is measured with chains of FMAs that wait for nothing but themselves: latency (4 or 5 cycles) times two ports.
const peakChains, peakUnroll = 12, 4

func peak(f *File, v *Vectors) {
	f.Func("peak"+v.Suffix, "", "n int", 0, func(a *Asm) {
		a.Param("n", "CX")
		for i := range peakChains + 1 {
			a.Zero(v.R(i))
		}
		a.I("PCALIGN", Imm(32))
		a.Label("loop")
		for range peakUnroll {
			for i := range peakChains {
				a.FMA(v.R(peakChains), v.R(peakChains), v.R(i))
			}
		}
		a.I("SUBQ", Imm(1), Reg("CX"))
		a.I("JNE", To("loop"))
		a.Return()
	})
}
