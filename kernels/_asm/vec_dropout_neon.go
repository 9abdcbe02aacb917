package main

// dropoutNEON is dropout for four counters at a time, word by word: register i holds word i of each. A product's high halves are the odd
// words of two UMULLs. At the end rows and columns turn, so that a register holds the words of one counter, which is those of four elements.
func dropoutNEON(f *File) {
	const (
		rounds                         = 10
		dst, src, n, block, key0, key1 = "R0", "R1", "R2", "R3", "R4", "R5"
		bump0, bump1                   = "R7", "R8"
		// vectors, behind four words and what products need
		multiplier0, multiplier1, threshold, scale, order, first = 20, 21, 22, 23, 24, 25 // first to first+2: words 1 to 3
		keep, x                                                  = 28, 29
	)
	f.Data("counters", 0, 1, 2, 3)
	f.Func("dropoutNEON", "dropout… is Table.Dropout.",
		"dst, src *float32, n int, key uint64, block, word1, word2, word3, threshold uint32, scale float32", 0, func(a *Asm) {
			spread := func(name string, to int) {
				a.N("MOVWU", a.At(name), "R16")
				a.N("VDUP", "R16", part(to, "S4"))
			}
			a.N("MOVD", a.At("dst"), dst)
			a.N("MOVD", a.At("src"), src)
			a.N("MOVD", a.At("n"), n)
			a.N("MOVWU", a.At("block"), block)
			for i, constant := range []string{"$0xD2511F53", "$0xCD9E8D57"} {
				a.N("MOVD", constant, "R16")
				a.N("VDUP", "R16", part(multiplier0+i, "S4"))
			}
			a.N("MOVD", "$0x9E3779B9", bump0)
			a.N("MOVD", "$0xBB67AE85", bump1)
			for i, name := range []string{"word1", "word2", "word3"} {
				spread(name, first+i)
			}
			spread("threshold", threshold)
			spread("scale", scale)
			a.N("MOVD", "$counters<>(SB)", "R16")
			a.N("FMOVQ", "(R16)", float(order))

			a.Label("next")
			a.N("CBZ", n, "done")
			a.N("MOVD", a.At("key"), key0)
			a.N("LSR", "$32", key0, key1)
			a.N("VDUP", block, part(0, "S4"))
			a.N("VADD", part(order, "S4"), part(0, "S4"), part(0, "S4"))
			a.N("ADD", "$4", block)
			for i := range 3 {
				a.N("VMOV", part(first+i, "B16"), part(1+i, "B16"))
			}
			words := [4]int{0, 1, 2, 3}
			free := [4]int{4, 5, 6, 7}
			for round := range rounds {
				a.N("VDUP", key0, part(16, "S4"))
				a.N("VDUP", key1, part(17, "S4"))
				for i, multiplier := range []int{multiplier0, multiplier1} {
					word := words[2*i]
					a.Note("round %d", round).Word(same("umull v%d.2d, v%d.2s, v%d.2s", 8+2*i, word, multiplier))
					a.Word(same("umull2 v%d.2d, v%d.4s, v%d.4s", 9+2*i, word, multiplier))
				}
				// words 0 and 2 get the high halves, words 1 and 3 the low ones of the other product
				for i, product := range []int{10, 8} {
					a.N("VUZP2", part(product+1, "S4"), part(product, "S4"), part(free[2*i], "S4"))
					a.N("VEOR", part(16+i, "B16"), part(free[2*i], "B16"), part(free[2*i], "B16"))
					a.N("VEOR", part(words[2*i+1], "B16"), part(free[2*i], "B16"), part(free[2*i], "B16"))
					a.N("VUZP1", part(product+1, "S4"), part(product, "S4"), part(free[2*i+1], "S4"))
				}
				words, free = free, words
				a.N("ADDW", bump0, key0)
				a.N("ADDW", bump1, key1)
			}
			for i := range 2 { // words 0 and 1, 2 and 3, of even and of odd counters
				a.N("VTRN1", part(words[2*i+1], "S4"), part(words[2*i], "S4"), part(8+2*i, "S4"))
				a.N("VTRN2", part(words[2*i+1], "S4"), part(words[2*i], "S4"), part(9+2*i, "S4"))
			}
			for i := range 2 {
				a.N("VZIP1", part(10+i, "D2"), part(8+i, "D2"), part(i, "D2"))
				a.N("VZIP2", part(10+i, "D2"), part(8+i, "D2"), part(2+i, "D2"))
			}
			scaled := func(words int) {
				a.Note("not less, unsigned").Word(same("cmhs v%d.4s, v%d.4s, v%d.4s", keep, words, threshold))
				a.Word(same("fmul v%d.4s, v%d.4s, v%d.4s", x, x, scale))
				a.N("VAND", part(keep, "B16"), part(x, "B16"), part(x, "B16"))
			}
			for i := range 4 {
				a.N("CMP", "$4", n)
				if i == 0 {
					a.N("BLT", "rest")
				} else {
					a.N("BLT", string(rune('a'+i))+"Rest")
				}
				a.N("FMOVQ.P", "16("+src+")", float(x))
				scaled(i)
				a.N("FMOVQ.P", float(x), "16("+dst+")")
				a.N("SUB", "$4", n)
			}
			a.N("B", "next")
			for i := 3; i > 0; i-- {
				a.Label(To(string(rune('a'+i)) + "Rest"))
				a.N("VMOV", part(i, "B16"), part(0, "B16"))
				if i > 1 {
					a.N("B", "rest")
				}
			}
			a.Label("rest")
			a.N("CBZ", n, "done")
			a.N("MOVD", n, maskCount)
			a.LoadMasked(Mem{Base: "BX"}, "", Reg("V29"))
			scaled(0)
			a.StoreMasked(Reg("V29"), "", Mem{Base: "AX"})
			a.Label("done")
			a.Return()
		})
}
