package main

import "fmt"

// lanePlanes is the number of planes that a Winograd transform fills.
const lanePlanes = 36

// products and correlations are Winograd's products where there are as many channels as lanes, on both sides. A matrix of a plane
// then fills half of 32 registers, and the micro-kernels of package tile would spend as long around their sums as in them.

// products multiplies n rows of each plane with the plane's matrix, which stays in the upper registers, in place.
func (w *winograd) products() {
	const (
		tiles, plane, weights, n = Reg("DI"), Reg("BX"), Reg("SI"), Reg("DX")
		p, left, planes          = Reg("AX"), Reg("CX"), Reg("R8")
	)
	v := w.v
	w.f.Func("products"+v.Suffix, "products… is transforms.products.", "tiles *float32, plane int, weights *float32, n int", 0, func(a *Asm) {
		a.Param("tiles", tiles)
		a.Param("plane", plane)
		a.Param("weights", weights)
		a.Param("n", n)
		a.I("MOVQ", Imm(lanePlanes), planes)
		row := func(i int) Reg { return v.R(v.Lanes + i) }
		rows := func(count int) {
			for k := range v.Lanes {
				for i := range count {
					m := Mem{Base: p, Disp: i*v.Bytes() + 4*k}
					if k == 0 {
						a.Note("c[%d] = a[%d][0] * b[0]", i, i).I("VMULPS.BCST", m, row(k), v.R(i))
					} else {
						a.FMABroadcast(m, row(k), "", v.R(i))
					}
				}
			}
			for i := range count {
				a.Store(v.R(i), Mem{Base: p, Disp: i * v.Bytes()})
			}
			a.I("ADDQ", Imm(count*v.Bytes()), p)
		}
		a.Label("plane")
		for k := range v.Lanes {
			a.Load(Mem{Base: weights, Disp: k * v.Bytes()}, row(k))
		}
		a.I("ADDQ", Imm(v.Lanes*v.Bytes()), weights)
		a.I("MOVQ", tiles, p)
		a.I("MOVQ", n, left)
		for _, count := range []int{v.Lanes, 4, 1} {
			loop, next := To(fmt.Sprint("rows", count)), To(fmt.Sprint("after", count))
			a.I("SUBQ", Imm(count), left)
			a.I("JLT", next)
			a.I("PCALIGN", Imm(32))
			a.Label(loop)
			rows(count)
			a.I("SUBQ", Imm(count), left)
			a.I("JGE", loop)
			a.Label(next)
			a.I("ADDQ", Imm(count), left)
		}
		a.I("ADDQ", plane, tiles)
		a.I("SUBQ", Imm(1), planes)
		a.I("JNE", To("plane"))
		a.Return()
	})
}

// correlations adds, for each plane, the products of n rows of two arrays to a matrix, which stays in the lower registers.
func (w *winograd) correlations() {
	const (
		sums, src, srcPlane, diff, diffPlane, n = Reg("DI"), Reg("SI"), Reg("BX"), Reg("DX"), Reg("R9"), Reg("R10")
		p, q, left, planes                      = Reg("AX"), Reg("R11"), Reg("CX"), Reg("R8")
	)
	v := w.v
	w.f.Func("correlations"+v.Suffix, "correlations… is transforms.correlations.", "sums, src *float32, srcPlane int, diff *float32, diffPlane, n, add int", 0, func(a *Asm) {
		for _, x := range []struct {
			name string
			r    Reg
		}{{"sums", sums}, {"src", src}, {"srcPlane", srcPlane}, {"diff", diff}, {"diffPlane", diffPlane}, {"n", n}} {
			a.Param(x.name, x.r)
		}
		a.I("MOVQ", Imm(lanePlanes), planes)
		a.Label("plane")
		for i := range v.Lanes {
			a.Zero(v.R(i))
		}
		a.I("CMPQ", a.At("add"), Imm(0))
		a.I("JEQ", To("zero"))
		for i := range v.Lanes {
			a.Load(Mem{Base: sums, Disp: i * v.Bytes()}, v.R(i))
		}
		a.Label("zero")
		a.I("MOVQ", src, p)
		a.I("MOVQ", diff, q)
		a.I("MOVQ", n, left)
		steps := func(count int) {
			for u := range count {
				a.Load(Mem{Base: q, Disp: u * v.Bytes()}, v.R(v.Lanes+u))
				for i := range v.Lanes {
					a.Note("sums[%d] += src[%d] * diff", i, i)
					a.FMABroadcast(Mem{Base: p, Disp: u*v.Bytes() + 4*i}, v.R(v.Lanes+u), "", v.R(i))
				}
			}
			a.I("ADDQ", Imm(count*v.Bytes()), p)
			a.I("ADDQ", Imm(count*v.Bytes()), q)
		}
		for _, count := range []int{4, 1} {
			loop, next := To(fmt.Sprint("steps", count)), To(fmt.Sprint("after", count))
			a.I("SUBQ", Imm(count), left)
			a.I("JLT", next)
			a.I("PCALIGN", Imm(32))
			a.Label(loop)
			steps(count)
			a.I("SUBQ", Imm(count), left)
			a.I("JGE", loop)
			a.Label(next)
			a.I("ADDQ", Imm(count), left)
		}
		for i := range v.Lanes {
			a.Store(v.R(i), Mem{Base: sums, Disp: i * v.Bytes()})
		}
		a.I("ADDQ", Imm(v.Lanes*v.Bytes()), sums)
		a.I("ADDQ", srcPlane, src)
		a.I("ADDQ", diffPlane, diff)
		a.I("SUBQ", Imm(1), planes)
		a.I("JNE", To("plane"))
		a.Return()
	})
}
