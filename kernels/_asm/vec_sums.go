package main

// Half is vector register i as far as half its lanes go: as many float32 as the register holds float64.
func (v *Vectors) Half(i int) Reg {
	return v.half(v.R(i))
}

// columnSums are the loops that add up the rows of [rows,width] in float64: of src alone, of src and its square, and of a gradient and
// its product with src less its mean. A few vectors of columns stay in registers for all rows.
func columnSums(f *File) {
	type kind struct {
		name, doc    string
		squares      bool
		products     bool
		mask, stored bool
		six          bool // the mask is that of ReLU6
		self         bool // what the mask asks is computed of src
	}
	for _, k := range []kind{
		{name: "columnSums", doc: "columnSums… is Table.ColumnSums."},
		{name: "moments", doc: "moments… is Table.Moments.", squares: true},
		{name: "gradientMoments", doc: "gradientMoments… is Table.GradientMoments[0][0].", products: true},
		{name: "gradientMomentsMasked", doc: "gradientMomentsMasked… is Table.GradientMoments[1][0].", products: true, mask: true},
		{name: "gradientMomentsStored", doc: "gradientMomentsStored… is Table.GradientMoments[1][1].", products: true, mask: true, stored: true},
		{name: "gradientMomentsMasked6", doc: "gradientMomentsMasked6… is Table.GradientMoments[2][0].", products: true, mask: true, six: true},
		{name: "gradientMomentsStored6", doc: "gradientMomentsStored6… is Table.GradientMoments[2][1].", products: true, mask: true, stored: true, six: true},
		{name: "gradientMomentsSelf", doc: "gradientMomentsSelf… is Table.GradientMomentsSelf[1].", products: true, self: true},
		{name: "gradientMomentsSelf6", doc: "gradientMomentsSelf6… is Table.GradientMomentsSelf[2].", products: true, self: true, six: true},
	} {
		v := f.vectors
		const (
			sums, others, masked, diffDst, dst, src, mean = Reg("AX"), Reg("BX"), Reg("DX"), Reg("SI"), Reg("DI"), Reg("R8"), Reg("R9")
			column, offset, pitch, row                    = Reg("R10"), Reg("R11"), Reg("R12"), Reg("R13")
		)
		const scale, shift = masked, dst // of kinds that have no others
		signature := "sums *float64, src *float32, rows, width int"
		two := k.squares || k.products
		switch {
		case k.squares:
			signature = "sums, others *float64, src *float32, rows, width int"
		case k.stored:
			signature = "sums, others *float64, masked, diffDst, dst, src, mean *float32, rows, width int"
		case k.self:
			signature = "sums, others *float64, diffDst, src, mean, scale, shift *float32, rows, width int"
		case k.mask:
			signature = "sums, others *float64, diffDst, dst, src, mean *float32, rows, width int"
		case k.products:
			signature = "sums, others *float64, diffDst, src, mean *float32, rows, width int"
		}
		f.Func(k.name+v.Suffix, k.doc, signature, 0, func(a *Asm) {
			a.Param("sums", sums)
			a.Param("src", src)
			if two {
				a.Param("others", others)
			}
			if k.products {
				a.Param("diffDst", diffDst)
				a.Param("mean", mean)
			}
			if k.mask {
				a.Param("dst", dst)
			}
			if k.stored {
				a.Param("masked", masked)
			}
			if k.self {
				a.Param("scale", scale)
				a.Param("shift", shift)
			}
			a.Param("width", pitch)
			a.I("SHLQ", Imm(2), pitch)
			a.I("XORQ", column, column)

			lanes := v.Lanes / 2
			zero := 15
			a.I("VXORPS", v.Half(zero), v.Half(zero), v.Half(zero))
			// block does the columns of count half vectors from `column` on; part is the mask of a last, shorter one.
			block := func(label To, count int, part Reg) {
				sum, other := func(i int) Reg { return v.R(i) }, func(i int) Reg { return v.R(4 + i) }
				for i := range count {
					at := Mem{Base: sums, Index: column, Scale: 8, Disp: i * v.Bytes()}
					a.I("VMOVUPD", at, sum(i))
					if two {
						at.Base = others
						a.I("VMOVUPD", at, other(i))
					}
				}
				a.I("LEAQ", Mem{Index: column, Scale: 4}, offset)
				a.I("MOVQ", a.At("rows"), row)
				a.I("JMP", label+"Test")
				a.Label(label)
				for i := range count {
					at := func(base Reg) Mem { return Mem{Base: base, Index: offset, Scale: 1, Disp: i * lanes * 4} }
					fetch := func(m Mem, r Reg) {
						if part != "" {
							a.LoadMasked(m, part, r)
						} else {
							a.Load(m, r)
						}
					}
					load := func(base Reg, r Reg) { fetch(at(base), r) }
					g, x, y := 8+2*(i%2), 9+2*(i%2), 12+i%2
					if !k.products {
						load(src, v.Half(x))
						a.I("VCVTPS2PD", v.Half(x), v.R(x))
						a.I("VADDPD", v.R(x), sum(i), sum(i))
						if k.squares {
							a.I("VFMADD231PD", v.R(x), v.R(x), other(i))
						}
						continue
					}
					load(diffDst, v.Half(g))
					if k.mask {
						load(dst, v.Half(y))
						if k.six {
							a.WhereWithin6(v.Half(y), v.Half(g), v.Half(zero), v.Half(x), v.Half(g))
						} else {
							a.WherePositive(v.Half(y), v.Half(g), v.Half(zero), v.Half(g))
						}
					}
					if k.stored {
						if part != "" {
							a.StoreMasked(v.Half(g), part, at(masked))
						} else {
							a.Store(v.Half(g), at(masked))
						}
					}
					load(src, v.Half(x))
					// mean may be read behind its end; what is beyond is multiplied by a gradient of 0 only if it is finite, so take it away.
					m := Mem{Base: mean, Index: column, Scale: 4, Disp: i * lanes * 4}
					if part != "" {
						a.LoadMasked(m, part, v.Half(y))
						a.I("VSUBPS", v.Half(y), v.Half(x), v.Half(x))
					} else {
						a.I("VSUBPS", m, v.Half(x), v.Half(x))
					}
					if k.self {
						m.Base = scale
						fetch(m, v.Half(y))
						m.Base = shift
						spare, added := v.Half(14), any(m)
						if part != "" { // one half vector alone: registers 10 and 11 are idle
							spare, added = v.Half(11), v.Half(10)
							fetch(m, v.Half(10))
						}
						a.Note("dst = (src-mean)·scale + shift").I("VFMADD213PS", added, v.Half(x), v.Half(y))
						if k.six {
							a.WhereWithin6(v.Half(y), v.Half(g), v.Half(zero), spare, v.Half(g))
						} else {
							a.WherePositive(v.Half(y), v.Half(g), v.Half(zero), v.Half(g))
						}
					}
					a.I("VCVTPS2PD", v.Half(g), v.R(g))
					a.I("VCVTPS2PD", v.Half(x), v.R(x))
					a.I("VADDPD", v.R(g), sum(i), sum(i))
					a.Note("Σ diffDst·(src-mean)").I("VFMADD231PD", v.R(g), v.R(x), other(i))
				}
				a.I("ADDQ", pitch, offset)
				a.Label(label + "Test")
				a.I("SUBQ", Imm(1), row)
				a.I("JGE", label)
				for i := range count {
					at := Mem{Base: sums, Index: column, Scale: 8, Disp: i * v.Bytes()}
					a.I("VMOVUPD", sum(i), at)
					if two {
						at.Base = others
						a.I("VMOVUPD", other(i), at)
					}
				}
			}
			loop := func(label, after To, count int) {
				a.Label(label)
				a.I("LEAQ", Mem{Base: column, Disp: count * lanes}, offset)
				a.I("CMPQ", offset, a.At("width"))
				a.I("JGT", after)
				block(label+"Rows", count, "")
				a.I("ADDQ", Imm(count*lanes), column)
				a.I("JMP", label)
			}
			loop("four", "one", 4)
			loop("one", "rest", 1)
			a.Label("rest")
			a.I("MOVQ", a.At("width"), Reg("CX"))
			a.I("SUBQ", column, Reg("CX"))
			a.I("JEQ", To("done"))
			part := Reg("K1")
			if v.masks {
				a.Mask(Reg("CX"), offset, part)
			} else {
				a.Mask(Reg("CX"), offset, v.R(14))
				part = v.Half(14)
			}
			block("restRows", 1, part)
			a.Label("done")
			a.Return()
		})
	}
}
