package main

import "fmt"

// pairs is NEON for package tile: its vector is two registers, eight columns, so that panels and slivers are as large as AVX2's.
var pairs = &Vectors{Name: "neon", Suffix: "NEON", Arch: "arm64", Lanes: 8, Registers: 32, prefix: "V"}

// General registers of the micro-kernels. Rows of A have one each.
const (
	neonArg, neonB, neonKsB, neonK, neonTaps, neonLeft, neonKsA = "R0", "R11", "R12", "R13", "R14", "R15", "R19"
	neonRow, neonLdC, neonCols, neonFlags, neonBias, neonC      = "R1", "R2", "R3", "R4", "R5", "R6" // after the sums
)

func neonRowA(i int) string { return fmt.Sprint("R", 1+i) }

func float(i int) string { return fmt.Sprint("F", i) }

// both are two neighbouring registers, for FLDPQ and FSTPQ.
func both(i int) string { return fmt.Sprintf("(F%d, F%d)", i, i+1) }

func disp(bytes int, r string) string {
	if bytes == 0 {
		return "(" + r + ")"
	}
	return fmt.Sprintf("%d(%s)", bytes, r)
}

// neonKernel writes one tile. Sums stay in the lower registers, row by row; numbers of A are multiplied where they lie in a register, four
// from one load: of one row where A lies by rows, of four rows where they lie side by side.
func neonKernel(f *File, rows, vectors int, rowA bool) {
	v := pairs
	registers := 2 * vectors // of a row
	acc := func(i, j int) int { return i*registers + j }
	sums := rows * registers
	// Registers of A, and for each row which of them and which lane.
	aRegisters := rows
	if !rowA {
		aRegisters = (rows + 3) / 4
		if rows%4 == 3 {
			aRegisters++
		}
	}
	firstA := sums
	firstB := sums + aRegisters
	bPairs := min((32-firstB)/2, 2*vectors)
	if bPairs < 1 {
		panic(fmt.Sprintf("%dx%d: no registers for B", rows, vectors))
	}
	name := tileName(v, rows, vectors, rowA)
	f.Func(name, "", "args *Args", 0, func(a *Asm) {
		field := func(offset int) string { return disp(offset, neonArg) }
		load := func(offset int, r string) { a.N("MOVD", field(offset), r) }
		a.N("MOVD", a.At("args"), neonArg)
		load(argC, neonRow)
		load(argLdC, neonLdC)
		for i := range rows {
			a.N("PRFM", "("+neonRow+")", "PLDL1KEEP")
			if i < rows-1 {
				a.N("ADD", neonLdC, neonRow)
			}
		}
		for i := range sums {
			a.N("VEOR", part(i, "B16"), part(i, "B16"), part(i, "B16"))
		}
		load(argKsB, neonKsB)
		if !rowA {
			load(argKsA, neonKsA)
		}
		load(argTaps, neonTaps)
		load(argNTaps, neonLeft)

		a.Label("tap")
		a.N("LDP.P", "16("+neonTaps+")", "(R16, R17)")
		load(argA, neonRowA(0))
		a.Note("a = A + taps[t].A").N("ADD", "R16", neonRowA(0))
		load(argB, neonB)
		a.Note("b = B + taps[t].B").N("ADD", "R17", neonB)
		if rowA && rows > 1 {
			load(argLdA, "R16")
			for i := 1; i < rows; i++ {
				a.N("ADD", "R16", neonRowA(i-1), neonRowA(i))
			}
		}
		nextPair := 0
		// products adds a step of k; element says which register and lane hold the number of a row.
		products := func(u int, element func(i int) (register, lane int)) {
			for j := range vectors {
				b := firstB + 2*(nextPair%bPairs)
				nextPair++
				a.N("FLDPQ", disp(32*j, neonB), both(b))
				for i := range rows {
					register, lane := element(i)
					a.Note("c[%d] += a[%d][k+%d]·b[k+%d]", i, i, u, u).Word(fmlaElement(acc(i, 2*j), b, register, lane))
					a.Word(fmlaElement(acc(i, 2*j+1), b+1, register, lane))
				}
			}
			a.N("ADD", neonKsB, neonB)
		}
		sideBySide := func(i int) (register, lane int) {
			if rows%4 == 3 && i == rows-1 {
				return firstA + aRegisters - 1, 0
			}
			return firstA + i/4, i % 4
		}
		body := func(steps int) {
			if !rowA {
				for u := range steps {
					for i := 0; i < rows; i += 4 {
						switch at := disp(4*i, neonRowA(0)); min(rows-i, 4) {
						case 4:
							a.N("FMOVQ", at, float(firstA+i/4))
						case 3:
							a.N("FMOVD", at, float(firstA+i/4))
							a.N("FMOVS", disp(4*i+8, neonRowA(0)), float(firstA+aRegisters-1))
						case 2:
							a.N("FMOVD", at, float(firstA+i/4))
						case 1:
							a.N("FMOVS", at, float(firstA+i/4))
						}
					}
					a.N("ADD", neonKsA, neonRowA(0))
					products(u, sideBySide)
				}
				return
			}
			for i := range rows {
				if steps == 4 {
					a.N("FMOVQ.P", "16("+neonRowA(i)+")", float(firstA+i))
				} else {
					a.N("FMOVS.P", "4("+neonRowA(i)+")", float(firstA+i))
				}
			}
			for u := range steps {
				products(u, func(i int) (int, int) { return firstA + i, u })
			}
		}
		load(argK, neonK)
		a.Note("for k = 0; k+4 <= K; k += 4").N("SUBS", "$4", neonK)
		a.N("BLT", "last")
		a.N("PCALIGN", "$16")
		a.Label("four")
		body(4)
		a.N("SUBS", "$4", neonK)
		a.N("BGE", "four")
		a.Label("last")
		a.N("ADDS", "$4", neonK)
		a.N("BEQ", "next")
		a.Label("one")
		body(1)
		a.N("SUBS", "$1", neonK)
		a.N("BNE", "one")
		a.Label("next")
		a.Note("for t = range NTaps").N("SUBS", "$1", neonLeft)
		a.N("BNE", "tap")
		neonEpilogue(a, rows, vectors, load)
	})
}

// neonEpilogue adds what C holds and the bias, clamps and stores. The last eight columns are stored whole, or one to seven of them.
func neonEpilogue(a *Asm, rows, vectors int, load func(offset int, r string)) {
	registers := 2 * vectors
	acc := func(i, j int) int { return i*registers + j }
	x := rows * registers // two spare registers
	last := registers - 2
	add := func(i, j, y int) { a.Word(same("fadd v%d.4s, v%d.4s, v%d.4s", acc(i, j), acc(i, j), y)) }
	eachRow := func(do func(i int)) {
		load(argC, neonRow)
		for i := range rows {
			do(i)
			if i < rows-1 {
				a.N("ADD", neonLdC, neonRow)
			}
		}
	}
	// some moves one to seven numbers at the last eight columns: bits of neonCols say whether four, two and one of them.
	some := func(i int, store bool, low, high int) {
		label := func(s string) string {
			if store {
				return fmt.Sprint("store", s, i)
			}
			return fmt.Sprint("load", s, i)
		}
		move := func(op, place string, r int) {
			if store {
				a.N(op, float(r), place)
			} else {
				a.N(op, place, float(r))
			}
		}
		rest := func(r int, name string) { // up to three at neonC into, or out of, register r
			a.N("TBZ", "$1", neonCols, label("One"+name))
			move("FMOVD", "("+neonC+")", r)
			a.N("TBZ", "$0", neonCols, label("Done"))
			a.N("ADD", "$8", neonC)
			if store {
				a.N("VST1", part(r, "S[2]"), "("+neonC+")")
			} else {
				a.N("VLD1", "("+neonC+")", part(r, "S[2]"))
			}
			a.N("B", label("Done"))
			a.Label(To(label("One" + name)))
			a.N("TBZ", "$0", neonCols, label("Done"))
			move("FMOVS", "("+neonC+")", r)
		}
		a.N("ADD", fmt.Sprintf("$%d", 16*last), neonRow, neonC)
		a.N("TBZ", "$2", neonCols, label("Less"))
		move("FMOVQ", "("+neonC+")", low)
		a.N("ADD", "$16", neonC)
		rest(high, "High")
		a.N("B", label("Done"))
		a.Label(To(label("Less")))
		rest(low, "Low")
		a.Label(To(label("Done")))
	}

	load(argLdC, neonLdC)
	load(argCols, neonCols)
	if vectors > 1 {
		a.N("SUB", fmt.Sprintf("$%d", 8*(vectors-1)), neonCols)
	}
	load(argFlags, neonFlags)
	a.Note("if flags & Accumulate").N("TBZ", "$0", neonFlags, "bias")
	a.N("TBZ", "$3", neonCols, "addSome")
	for _, whole := range []bool{true, false} {
		eachRow(func(i int) {
			for j := 0; j < registers; j += 2 {
				if j == last && !whole {
					a.N("VEOR", part(x, "B16"), part(x, "B16"), part(x, "B16"))
					a.N("VEOR", part(x+1, "B16"), part(x+1, "B16"), part(x+1, "B16"))
					some(i, false, x, x+1)
				} else {
					a.N("FLDPQ", disp(16*j, neonRow), both(x))
				}
				a.Note("c[%d] += C[%d]", i, i)
				add(i, j, x)
				add(i, j+1, x+1)
			}
		})
		if whole {
			a.N("B", "bias")
			a.Label("addSome")
		}
	}
	a.Label("bias")
	a.Note("if flags & Bias").N("TBZ", "$1", neonFlags, "relu")
	load(argBias, neonBias)
	for j := 0; j < registers; j += 2 {
		a.N("FLDPQ", disp(16*j, neonBias), both(x))
		for i := range rows {
			add(i, j, x)
			add(i, j+1, x+1)
		}
	}
	a.Label("relu")
	a.Note("if flags & ReLU").N("TBZ", "$2", neonFlags, "relu6")
	a.N("VEOR", part(x, "B16"), part(x, "B16"), part(x, "B16"))
	for i := range rows * registers {
		a.Note("NaN stays").Word(same("fmax v%d.4s, v%d.4s, v%d.4s", i, i, x))
	}
	a.Label("relu6")
	a.Note("if flags & Six").N("TBZ", "$3", neonFlags, "store")
	a.N("FMOVS", "$6.0", float(x))
	a.N("VDUP", part(x, "S[0]"), part(x, "S4"))
	for i := range rows * registers {
		a.Note("NaN stays").Word(same("fmin v%d.4s, v%d.4s, v%d.4s", i, i, x))
	}
	a.Label("store")
	a.Note("if Cols < width").N("TBZ", "$3", neonCols, "part")
	for _, whole := range []bool{true, false} {
		eachRow(func(i int) {
			for j := 0; j < registers; j += 2 {
				if j == last && !whole {
					some(i, true, acc(i, j), acc(i, j+1))
				} else {
					a.N("FSTPQ", both(acc(i, j)), disp(16*j, neonRow))
				}
			}
		})
		a.N("RET")
		if whole {
			a.Label("part")
		}
	}
}

// neonTranspose turns blocks of four by four: up to eight rows, of which those past the fourth are in a second half.
func neonTranspose(f *File) {
	const src, ldSrc, dst, ldDst, rows, n = "R0", "R1", "R2", "R3", "R4", "R5"
	row := func(i int) string { return fmt.Sprint("R", 7+i) } // R7 to R14
	f.Func("transposeNEON", "", "src *float32, ldSrc int, dst *float32, ldDst, rows, n int", 0, func(a *Asm) {
		for _, x := range []struct{ name, r string }{{"src", src}, {"ldSrc", ldSrc}, {"dst", dst}, {"ldDst", ldDst}, {"rows", rows}, {"n", n}} {
			a.N("MOVD", a.At(x.name), x.r)
		}
		// Rows that are not there are the last one.
		a.N("MOVD", src, row(0))
		for i := 1; i < 8; i++ {
			a.N("ADD", ldSrc, row(i-1), row(i))
			a.N("CMP", fmt.Sprintf("$%d", i), rows)
			a.N("CSEL", "GT", row(i), row(i-1), row(i))
		}
		turn := func(first int) { // registers first to first+3; by way of 16 to 19
			x, t := func(i int) int { return first + i }, func(i int) int { return 16 + i }
			for i := range 4 {
				a.N("FMOVQ.P", "16("+row(first+i)+")", float(x(i)))
			}
			for i := 0; i < 4; i += 2 {
				a.N("VTRN1", part(x(i+1), "S4"), part(x(i), "S4"), part(t(i), "S4"))
				a.N("VTRN2", part(x(i+1), "S4"), part(x(i), "S4"), part(t(i+1), "S4"))
			}
			for i := range 2 {
				a.N("VZIP1", part(t(2+i), "D2"), part(t(i), "D2"), part(x(i), "D2"))
				a.N("VZIP2", part(t(2+i), "D2"), part(t(i), "D2"), part(x(2+i), "D2"))
			}
		}
		a.N("CMP", "$4", rows)
		a.N("BLE", "four")
		for _, size := range []struct {
			label To
			wide  bool
		}{{"eight", true}, {"four", false}} {
			a.Label(size.label)
			turn(0)
			if size.wide {
				turn(4)
			}
			for k := range 4 {
				if size.wide {
					a.N("FSTPQ", fmt.Sprintf("(F%d, F%d)", k, 4+k), "("+dst+")")
				} else {
					a.N("FMOVQ", float(k), "("+dst+")")
				}
				a.N("ADD", ldDst, dst)
				a.N("SUBS", "$1", n)
				a.N("BEQ", "done")
			}
			a.N("B", string(size.label))
		}
		a.Label("done")
		a.N("RET")
	})
}

// neonCopy copies rows of whole vectors.
func neonCopy(f *File) {
	const src, ldSrc, dst, ldDst, vectors, n, i, p, q = "R0", "R1", "R2", "R3", "R4", "R5", "R6", "R7", "R8"
	f.Func("copyNEON", "", "src *float32, ldSrc int, dst *float32, ldDst, vectors, n int", 0, func(a *Asm) {
		for _, x := range []struct{ name, r string }{{"src", src}, {"ldSrc", ldSrc}, {"dst", dst}, {"ldDst", ldDst}, {"vectors", vectors}, {"n", n}} {
			a.N("MOVD", a.At(x.name), x.r)
		}
		a.Label("row")
		a.N("MOVD", src, p)
		a.N("MOVD", dst, q)
		a.N("MOVD", vectors, i)
		a.Label("vector")
		a.N("FLDPQ.P", "32("+p+")", "(F0, F1)")
		a.N("FSTPQ.P", "(F0, F1)", "32("+q+")")
		a.N("SUBS", "$1", i)
		a.N("BNE", "vector")
		a.N("ADD", ldSrc, src)
		a.N("ADD", ldDst, dst)
		a.N("SUBS", "$1", n)
		a.N("BNE", "row")
		a.N("RET")
	})
}

// neonPeak has twice the chains: four units times a latency of four cycles must be covered.
func neonPeak(f *File) {
	f.Func("peakNEON", "", "n int", 0, func(a *Asm) {
		a.N("MOVD", a.At("n"), "R0")
		for i := range 2*peakChains + 1 {
			a.N("VEOR", part(i, "B16"), part(i, "B16"), part(i, "B16"))
		}
		a.N("PCALIGN", "$16")
		a.Label("loop")
		for range peakUnroll {
			for i := range 2 * peakChains {
				a.N("VFMLA", part(2*peakChains, "S4"), part(2*peakChains, "S4"), part(i, "S4"))
			}
		}
		a.N("SUBS", "$1", "R0")
		a.N("BNE", "loop")
		a.N("RET")
	})
}
