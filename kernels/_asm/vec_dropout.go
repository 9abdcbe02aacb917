package main

// dropout computes Philox 4×32-10 (Salmon et al. 2011) for 8 (AVX-512) or 4 (AVX2) counters at a time, each word of a counter in the low
// half of a 64-bit lane: VPMULUDQ then gives a product's both halves, and what stands in the high half of a lane never counts.
//
// Counters lie in such an order that one unpacking of (word 0, word 1) and (word 2, word 3) leaves words in the order of elements.
func dropout(f *File) {
	v := f.vectors
	const rounds = 10
	counters, order := 8, []uint32{0, 4, 1, 5, 2, 6, 3, 7}
	if !v.masks {
		counters, order = 4, []uint32{0, 2, 1, 3}
	}
	var words []uint32
	for _, o := range order {
		words = append(words, o, 0)
	}
	f.Data("counterOrder", words...)

	const (
		dst, src, n, block       = Reg("DI"), Reg("SI"), Reg("R8"), Reg("R9")
		key0, key1, scratch, tmp = Reg("AX"), Reg("BX"), Reg("DX"), Reg("R10")
	)
	// Each round's keys wait on the stack: as one number for a broadcast inside the instruction, or as a whole vector.
	keyBytes := 4
	if !v.masks {
		keyBytes = v.Bytes()
	}
	keyAt := func(round, half int) Mem { return Mem{Base: "SP", Disp: (2*round + half) * keyBytes} }
	c := [4]Reg{v.R(0), v.R(1), v.R(2), v.R(3)}
	p0, p1 := v.R(4), v.R(5)
	multiplier0, multiplier1, threshold, scale := v.R(6), v.R(7), v.R(8), v.R(9)
	first := [3]Reg{v.R(10), v.R(11), v.R(12)} // words 1 to 3 of every counter
	lanesOrder := v.R(13)
	mask, low, high := Reg("K1"), c[0], c[1]
	if !v.masks {
		mask = v.R(15)
	}

	f.Func("dropout"+v.Suffix, "dropout… is Table.Dropout.",
		"dst, src *float32, n int, key uint64, block, word1, word2, word3, threshold uint32, scale float32", 2*rounds*keyBytes, func(a *Asm) {
			spread := func(from Reg, to Reg) {
				x := Reg("X" + string(to[1:]))
				a.I("VMOVD", from, x)
				a.I("VPBROADCASTD", x, to)
			}
			a.Param("dst", dst)
			a.Param("src", src)
			a.Param("n", n)
			a.Param("key", key0)
			a.I("MOVQ", key0, key1)
			a.I("SHRQ", Imm(32), key1)
			for round := range rounds {
				for half, key := range []Reg{key0, key1} {
					if v.masks {
						a.I("MOVL", key, keyAt(round, half))
					} else {
						spread(key, c[0])
						a.I("VMOVDQU", c[0], keyAt(round, half))
					}
				}
				a.I("ADDL", "$0x9E3779B9", key0)
				a.I("ADDL", "$0xBB67AE85", key1)
			}
			for _, constant := range []struct {
				value string
				to    Reg
			}{{"$0xD2511F53", multiplier0}, {"$0xCD9E8D57", multiplier1}} {
				a.I("MOVL", constant.value, scratch)
				spread(scratch, constant.to)
			}
			for i, name := range []string{"word1", "word2", "word3"} {
				a.Param(name, scratch)
				spread(scratch, first[i])
			}
			a.Param("threshold", scratch)
			spread(scratch, threshold)
			a.Broadcast(a.At("scale"), scale)
			a.Param("block", block)
			move := "VMOVDQU"
			if v.masks {
				move = "VMOVDQU32"
				a.Note("the odd words").I("MOVL", "$0xAAAA", scratch)
				a.I("KMOVW", scratch, Reg("K4"))
			}
			a.I(move, Static("counterOrder"), lanesOrder)

			// words leaves the words of the next elements, as many as two vectors hold, in low and high.
			nextWords := func() {
				spread(block, c[0])
				a.I("VPADDD", lanesOrder, c[0], c[0])
				a.I("ADDL", Imm(counters), block)
				words := c
				for round := range rounds {
					c1, c2, c3 := words[1], words[2], words[3]
					if round == 0 {
						c1, c2, c3 = first[0], first[1], first[2]
					}
					product0, product1 := p0, p1
					a.Note("round %d", round).I("VPMULUDQ", multiplier0, words[0], product0)
					a.I("VPMULUDQ", multiplier1, c2, product1)
					// words 0 and 2 get the high halves, words 1 and 3 the low ones of the other product
					new0, new2 := words[0], words[2]
					a.I("VPSRLQ", Imm(32), product1, new0)
					a.I("VPSRLQ", Imm(32), product0, new2)
					if v.masks {
						a.I("VPTERNLOGD.BCST", Imm(0x96), keyAt(round, 0), c1, new0)
						a.I("VPTERNLOGD.BCST", Imm(0x96), keyAt(round, 1), c3, new2)
					} else {
						a.I("VPXOR", keyAt(round, 0), new0, new0)
						a.I("VPXOR", c1, new0, new0)
						a.I("VPXOR", keyAt(round, 1), new2, new2)
						a.I("VPXOR", c3, new2, new2)
					}
					p0, p1 = words[3], words[1]
					words = [4]Reg{new0, product1, new2, product0}
				}
				// pair words 0 and 1, 2 and 3 in 64-bit lanes
				if v.masks {
					a.I("VPSHUFD", Imm(0xA0), words[1], Reg("K4"), words[0])
					a.I("VPSHUFD", Imm(0xA0), words[3], Reg("K4"), words[2])
				} else {
					a.I("VPSLLQ", Imm(32), words[1], words[1])
					a.I("VPSLLQ", Imm(32), words[3], words[3])
					a.I("VPBLENDD", Imm(0xAA), words[1], words[0], words[0])
					a.I("VPBLENDD", Imm(0xAA), words[3], words[2], words[2])
				}
				low, high = words[1], words[3]
				a.I("VPUNPCKLQDQ", words[2], words[0], low)
				a.I("VPUNPCKHQDQ", words[2], words[0], high)
				c = words
			}
			// drop stores vector i of src, scaled where its words reach the threshold; part is the mask of a last, shorter one.
			drop := func(words Reg, i int, part Reg) {
				from, to := Mem{Base: src, Disp: i * v.Bytes()}, Mem{Base: dst, Disp: i * v.Bytes()}
				x, keep := c[0], c[2]
				loadPart(a, from, part, x)
				if v.masks {
					a.Note("not less, unsigned").I("VPCMPUD", Imm(5), threshold, words, Reg("K2"))
					a.I("VMULPS.Z", scale, x, Reg("K2"), x)
				} else {
					a.I("VPMAXUD", threshold, words, keep)
					a.I("VPCMPEQD", words, keep, keep)
					a.Mul(scale, x, x)
					a.I("VANDPS", keep, x, x)
				}
				storePart(a, x, part, to)
			}
			a.Label("two")
			a.I("CMPQ", n, Imm(2*v.Lanes))
			a.I("JLT", To("rest"))
			nextWords()
			drop(low, 0, "")
			drop(high, 1, "")
			a.I("ADDQ", Imm(2*v.Bytes()), src)
			a.I("ADDQ", Imm(2*v.Bytes()), dst)
			a.I("SUBQ", Imm(2*v.Lanes), n)
			a.I("JMP", To("two"))

			a.Label("rest")
			a.I("TESTQ", n, n)
			a.I("JEQ", To("done"))
			nextWords()
			a.I("MOVQ", n, Reg("CX"))
			a.I("CMPQ", n, Imm(v.Lanes))
			a.I("JLT", To("less"))
			drop(low, 0, "")
			a.I("SUBQ", Imm(v.Lanes), Reg("CX"))
			a.I("JEQ", To("done"))
			a.Mask(Reg("CX"), tmp, mask)
			drop(high, 1, mask)
			a.I("JMP", To("done"))
			a.Label("less")
			a.Mask(Reg("CX"), tmp, mask)
			drop(low, 0, mask)
			a.Label("done")
			a.Return()
		})
}
