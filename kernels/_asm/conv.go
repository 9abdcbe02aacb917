package main

import (
	"fmt"
	"math"
)

func init() { register("conv", convFiles) }

// convFiles writes the transforms of Winograd's F(4×4,3×3) at the points 0, ±1/√2, ±√2 and infinity, as kernels/conv/transform.go
// defines them. Each is a one-dimensional transform along the columns of a tile into a scratch buffer and another along its rows, for
// one vector of channels at a time.
func convFiles() []*File {
	var files []*File
	for _, v := range []*Vectors{AVX2, AVX512, NEON} {
		f := NewFile("conv", "transform_"+v.Name, v)
		w := winograd{f, v, map[string]Reg{}}
		for _, c := range winogradConstants {
			words := make([]uint32, v.Lanes)
			for i := range words {
				words[i] = math.Float32bits(float32(c.value))
			}
			f.Data(Static(c.name), words...)
		}
		w.source()
		w.result()
		w.difference()
		w.filter()
		w.gradient()
		members := []string{"source", "result", "difference", "filter", "gradient"}
		if v.masks {
			w.products()
			w.correlations()
			members = append(members, "products", "correlations")
		}
		list := fmt.Sprint("lanes: ", v.Lanes)
		for _, m := range members {
			list += ", " + m + ": " + m + v.Suffix
		}
		f.Go("var transforms%s = transforms{%s}", v.Suffix, list)
		files = append(files, f)
	}
	return files
}

// The numbers in the transforms' matrices.
var winogradConstants = []struct {
	name  string
	value float64
}{
	{"half", .5}, {"two", 2}, {"fiveHalves", 2.5}, {"root", math.Sqrt2}, {"rootHalf", math.Sqrt2 / 2}, {"rootQuarter", math.Sqrt2 / 4}, {"rootTwice", math.Sqrt2 * 2},
	{"sixth", 1. / 6}, {"third", 1. / 3}, {"minusThird", -1. / 3}, {"minusTwoThirds", -2. / 3}, {"minusRootThird", -math.Sqrt2 / 3}, {"rootSixth", math.Sqrt2 / 6},
}

// winograd writes transforms for one instruction set. With more than 16 registers constants stay in the upper ones, otherwise they are read
// from memory each time.
type winograd struct {
	f    *File
	v    *Vectors
	held map[string]Reg
}

// hold loads constants into registers from the last one down, where there are enough.
func (w *winograd) hold(a *Asm, names ...string) {
	clear(w.held)
	if w.v.Registers < 24 {
		return
	}
	for i, name := range names {
		r := w.v.R(w.v.Registers - 1 - i)
		a.I("VMOVUPS", Static(name), r)
		w.held[name] = r
	}
}

// c is a constant as an operand that may come first.
func (w *winograd) c(name string) any {
	if r, ok := w.held[name]; ok {
		return r
	}
	return Static(name)
}

// nfma is dst -= x*y, mul dst = x*y, sub dst = x - y, move dst = x.
func nfma(a *Asm, x any, y, dst Reg) { a.I("VFNMADD231PS", x, y, dst) }
func mul(a *Asm, x any, y, dst Reg)  { a.I("VMULPS", x, y, dst) }
func sub(a *Asm, x, y, dst Reg)      { a.I("VSUBPS", y, x, dst) }
func move(a *Asm, x, dst Reg)        { a.I("VMOVAPS", x, dst) }

// sourceLine is Bᵀ: six numbers d to six, each given to store in order. t are four spare registers.
func (w *winograd) sourceLine(a *Asm, d, t []Reg, store func(i int, r Reg)) {
	a.Add(d[4], d[0], t[0])
	nfma(a, w.c("fiveHalves"), d[2], t[0])
	store(0, t[0])
	pair := func(i int, inner, outer string) {
		move(a, d[4], t[1])
		nfma(a, w.c(inner), d[2], t[1])
		move(a, d[3], t[2])
		nfma(a, w.c(inner), d[1], t[2])
		move(a, t[1], t[3])
		a.FMA(w.c(outer), t[2], t[3])
		store(i, t[3])
		nfma(a, w.c(outer), t[2], t[1])
		store(i+1, t[1])
	}
	pair(1, "two", "rootHalf")
	pair(3, "half", "root")
	a.Add(d[5], d[1], t[0])
	nfma(a, w.c("fiveHalves"), d[3], t[0])
	store(5, t[0])
}

// resultLine is Aᵀ: six numbers to four.
func (w *winograd) resultLine(a *Asm, d, t []Reg, store func(i int, r Reg)) {
	s, e, u, v, o := t[0], t[1], t[2], t[3], t[4]
	a.Add(d[2], d[1], s)
	sub(a, d[1], d[2], e)
	a.Add(d[4], d[3], u)
	sub(a, d[3], d[4], v)
	a.Add(d[0], s, o)
	a.Add(u, o, o)
	store(0, o)
	mul(a, w.c("rootHalf"), e, o)
	a.FMA(w.c("root"), v, o)
	store(1, o)
	mul(a, w.c("half"), s, o)
	a.FMA(w.c("two"), u, o)
	store(2, o)
	move(a, d[5], o)
	a.FMA(w.c("rootQuarter"), e, o)
	a.FMA(w.c("rootTwice"), v, o)
	store(3, o)
}

// differenceLine is A: four numbers to six.
func (w *winograd) differenceLine(a *Asm, d, t []Reg, store func(i int, r Reg)) {
	store(0, d[0])
	pair := func(i int, inner, outer string) {
		move(a, d[0], t[0])
		a.FMA(w.c(inner), d[2], t[0])
		move(a, d[1], t[1])
		a.FMA(w.c(inner), d[3], t[1])
		move(a, t[0], t[2])
		a.FMA(w.c(outer), t[1], t[2])
		store(i, t[2])
		nfma(a, w.c(outer), t[1], t[0])
		store(i+1, t[0])
	}
	pair(1, "half", "rootHalf")
	pair(3, "two", "root")
	store(5, d[3])
}

// filterLine is G: three numbers to six.
func (w *winograd) filterLine(a *Asm, d, t []Reg, store func(i int, r Reg)) {
	store(0, d[0])
	pair := func(i int, first, last, middle string) {
		mul(a, w.c(first), d[0], t[0])
		a.FMA(w.c(last), d[2], t[0])
		mul(a, w.c(middle), d[1], t[1])
		a.Add(t[1], t[0], t[2])
		store(i, t[2])
		sub(a, t[0], t[1], t[0])
		store(i+1, t[0])
	}
	pair(1, "minusTwoThirds", "minusThird", "minusRootThird")
	pair(3, "sixth", "third", "rootSixth")
	store(5, d[2])
}

// gradientLine is Gᵀ: six numbers to three.
func (w *winograd) gradientLine(a *Asm, d, t []Reg, store func(i int, r Reg)) {
	s, e, u, v, o := t[0], t[1], t[2], t[3], t[4]
	a.Add(d[2], d[1], s)
	sub(a, d[1], d[2], e)
	a.Add(d[4], d[3], u)
	sub(a, d[3], d[4], v)
	move(a, d[0], o)
	a.FMA(w.c("minusTwoThirds"), s, o)
	a.FMA(w.c("sixth"), u, o)
	store(0, o)
	mul(a, w.c("minusRootThird"), e, o)
	a.FMA(w.c("rootSixth"), v, o)
	store(1, o)
	move(a, d[5], o)
	a.FMA(w.c("minusThird"), s, o)
	a.FMA(w.c("third"), u, o)
	store(2, o)
}

// registers gives n vector registers from i on.
func (w *winograd) registers(i, n int) (r []Reg) {
	for j := range n {
		r = append(r, w.v.R(i+j))
	}
	return r
}

// scratch is the place of number i in the scratch buffer.
func (w *winograd) scratch(base Reg, i int) Mem { return Mem{Base: base, Disp: i * w.v.Bytes()} }

// eachTile writes the loops over tiles and, inside, vectors of channels. Before body src and dst are those of this vector.
func (w *winograd) eachTile(a *Asm, src, dst, groups Reg, other func(), body func()) {
	a.Label("tile")
	a.Param("groups", groups)
	a.Param("src", src)
	a.Param("dst", dst)
	other()
	a.Label("group")
	body()
	a.I("ADDQ", Imm(w.v.Bytes()), src)
	a.I("ADDQ", Imm(w.v.Bytes()), dst)
	a.I("SUBQ", Imm(1), groups)
	a.I("JNE", To("group"))
	for _, p := range []string{"src", "dst"} {
		a.Param(p+"Tile", groups)
		a.I("ADDQ", groups, a.At(p))
	}
	a.I("SUBQ", Imm(1), a.At("tiles"))
	a.I("JNE", To("tile"))
	a.Return()
}

const tileSignature = "src *float32, %s, srcTile int, dst *float32, %s, dstTile, groups, tiles int, scratch *float32"

// pixels writes loads of n neighbouring pixels at p; step, step3 and step5 are one, three and five of their distance.
func (w *winograd) pixels(a *Asm, p, step, step3, step5 Reg, d []Reg) {
	for i, r := range d {
		m := Mem{Base: p}
		switch i {
		case 1, 2, 4:
			m.Index, m.Scale = step, i
		case 3:
			m.Index, m.Scale = step3, 1
		case 5:
			m.Index, m.Scale = step5, 1
		}
		a.Load(m, r)
	}
}

const (
	wSrc, wDst, wGroups, wScratch = Reg("SI"), Reg("DI"), Reg("R8"), Reg("AX")
	wRow, wStep, wPlane, wPlane6  = Reg("BX"), Reg("CX"), Reg("DX"), Reg("R13")
	wP, wQ, wStep3, wStep5        = Reg("R9"), Reg("R10"), Reg("R11"), Reg("R12")
)

// fetch asks for four pixels at the same place in the next row of tiles, the next to be read: four rows further down. p is spare.
func (w *winograd) fetch(a *Asm, from, p Reg) {
	a.I("LEAQ", Mem{Base: from, Index: wRow, Scale: tileOut}, p)
	for range tileOut {
		a.I("PREFETCHT0", Mem{Base: p})
		a.I("ADDQ", wStep, p)
	}
}

// tileOut is the size of a tile of outputs.
const tileOut = 4

// toPlanes writes a transform from pixels (size of them, square) to 36 planes.
func (w *winograd) toPlanes(name, doc string, size int, constants []string, line func(a *Asm, d, t []Reg, store func(i int, r Reg))) {
	w.f.Func(name+w.v.Suffix, doc, fmt.Sprintf(tileSignature, "srcRow, srcPixel", "dstPlane"), 0, func(a *Asm) {
		w.hold(a, constants...)
		a.Param("srcRow", wRow)
		a.Param("srcPixel", wStep)
		a.Param("dstPlane", wPlane)
		a.Param("scratch", wScratch)
		a.I("LEAQ", Mem{Base: wStep, Index: wStep, Scale: 2}, wStep3)
		a.I("LEAQ", Mem{Base: wStep, Index: wStep, Scale: 4}, wStep5)
		a.I("LEAQ", Mem{Base: wPlane, Index: wPlane, Scale: 2}, wPlane6)
		a.I("ADDQ", wPlane6, wPlane6)
		w.eachTile(a, wSrc, wDst, wGroups, func() {}, func() {
			t := w.registers(6, 4)
			d := w.registers(0, size)
			a.I("MOVQ", wSrc, wP)
			for y := range size {
				w.pixels(a, wP, wStep, wStep3, wStep5, d)
				if y >= size-tileOut {
					w.fetch(a, wP, wQ)
				}
				line(a, d, t, func(i int, r Reg) { a.Store(r, w.scratch(wScratch, y*6+i)) })
				if y < size-1 {
					a.I("ADDQ", wRow, wP)
				}
			}
			a.I("MOVQ", wDst, wQ)
			for x := range 6 {
				for y := range size {
					a.Load(w.scratch(wScratch, y*6+x), d[y])
				}
				a.I("MOVQ", wQ, wP)
				line(a, d, t, func(i int, r Reg) {
					a.Store(r, Mem{Base: wP})
					if i < 5 {
						a.I("ADDQ", wPlane6, wP)
					}
				})
				if x < 5 {
					a.I("ADDQ", wPlane, wQ)
				}
			}
		})
	})
}

func (w *winograd) source() {
	w.toPlanes("source", "source… is transforms.source.", 6, []string{"two", "half", "fiveHalves", "root", "rootHalf"}, w.sourceLine)
}

func (w *winograd) difference() {
	w.toPlanes("difference", "difference… is transforms.difference.", 4, []string{"two", "half", "root", "rootHalf"}, w.differenceLine)
}

// result goes from 36 planes to 4×4 pixels, adds a bias and takes the maximum with floor: -Inf, or 0 for ReLU.
func (w *winograd) result() {
	w.f.Func("result"+w.v.Suffix, "result… is transforms.result.", fmt.Sprintf(tileSignature, "srcPlane", "dstRow, dstPixel")+", bias, floor *float32", 0, func(a *Asm) {
		w.hold(a, "two", "half", "root", "rootHalf", "rootQuarter", "rootTwice")
		const bias, plane3, plane5 = wPlane6, wStep3, wStep5
		a.Param("srcPlane", wPlane)
		a.Param("dstRow", wRow)
		a.Param("dstPixel", wStep)
		a.Param("scratch", wScratch)
		a.I("LEAQ", Mem{Base: wPlane, Index: wPlane, Scale: 2}, plane3)
		a.I("LEAQ", Mem{Base: wPlane, Index: wPlane, Scale: 4}, plane5)
		floor, biasVector := w.v.R(14), w.v.R(15)
		a.Param("floor", wP)
		a.Broadcast(Mem{Base: wP}, floor)
		w.eachTile(a, wSrc, wDst, wGroups, func() { a.Param("bias", bias) }, func() {
			d, t := w.registers(0, 6), w.registers(6, 5)
			a.I("MOVQ", wSrc, wP)
			for y := range 6 {
				w.pixels(a, wP, wPlane, plane3, plane5, d)
				w.resultLine(a, d, t, func(i int, r Reg) { a.Store(r, w.scratch(wScratch, y*4+i)) })
				if y < 5 {
					a.I("LEAQ", Mem{Base: wP, Index: plane3, Scale: 2}, wP)
				}
			}
			a.Load(Mem{Base: bias}, biasVector)
			a.I("ADDQ", Imm(w.v.Bytes()), bias)
			a.I("MOVQ", wDst, wQ)
			for x := range 4 {
				for y := range 6 {
					a.Load(w.scratch(wScratch, y*4+x), d[y])
				}
				a.I("MOVQ", wQ, wP)
				w.resultLine(a, d, t, func(i int, r Reg) {
					a.Add(biasVector, r, r)
					a.Max(floor, r, r)
					a.Store(r, Mem{Base: wP})
					a.Note("the next row of tiles").I("PREFETCHT0", Mem{Base: wP, Index: wRow, Scale: tileOut})
					if i < 3 {
						a.I("ADDQ", wRow, wP)
					}
				})
				if x < 3 {
					a.I("ADDQ", wStep, wQ)
				}
			}
		})
	})
}

// filter goes from 3×3 numbers at distance srcTap to 36 planes, for n vectors at distances srcStep and dstStep.
func (w *winograd) filter() {
	const n = wGroups
	w.f.Func("filter"+w.v.Suffix, "filter… is transforms.filter.", "src *float32, srcTap, srcStep int, dst *float32, dstPlane, dstStep, n int, scratch *float32", 0, func(a *Asm) {
		w.hold(a, "minusTwoThirds", "minusThird", "minusRootThird", "sixth", "third", "rootSixth")
		a.Param("src", wSrc)
		a.Param("srcTap", wStep)
		a.Param("dst", wDst)
		a.Param("dstPlane", wPlane)
		a.Param("srcStep", wRow)
		a.Param("n", n)
		a.Param("scratch", wScratch)
		a.I("LEAQ", Mem{Base: wPlane, Index: wPlane, Scale: 2}, wPlane6)
		a.I("ADDQ", wPlane6, wPlane6)
		d, t := w.registers(0, 3), w.registers(6, 3)
		a.Label("vector")
		a.I("MOVQ", wSrc, wP)
		for y := range 3 {
			for x := range 3 {
				a.Load(Mem{Base: wP}, d[x])
				a.Note("eight vectors ahead").I("PREFETCHT0", Mem{Base: wP, Index: wRow, Scale: 8})
				a.I("ADDQ", wStep, wP)
			}
			w.filterLine(a, d, t, func(i int, r Reg) { a.Store(r, w.scratch(wScratch, y*6+i)) })
		}
		a.I("MOVQ", wDst, wQ)
		for x := range 6 {
			for y := range 3 {
				a.Load(w.scratch(wScratch, y*6+x), d[y])
			}
			a.I("MOVQ", wQ, wP)
			w.filterLine(a, d, t, func(i int, r Reg) {
				a.Store(r, Mem{Base: wP})
				if i < 5 {
					a.I("ADDQ", wPlane6, wP)
				}
			})
			if x < 5 {
				a.I("ADDQ", wPlane, wQ)
			}
		}
		a.I("ADDQ", wRow, wSrc)
		a.I("ADDQ", a.At("dstStep"), wDst)
		a.I("SUBQ", Imm(1), n)
		a.I("JNE", To("vector"))
		a.Return()
	})
}

// gradient adds parts sums of 36 planes and goes to 3×3 numbers at distance dstTap, for n neighbouring vectors.
func (w *winograd) gradient() {
	const n, part, parts = wGroups, wRow, wStep5
	w.f.Func("gradient"+w.v.Suffix, "gradient… is transforms.gradient.", "src *float32, srcPlane, srcPart, parts int, dst *float32, dstTap, n int, scratch *float32", 0, func(a *Asm) {
		w.hold(a, "minusTwoThirds", "minusThird", "minusRootThird", "sixth", "third", "rootSixth")
		a.Param("src", wSrc)
		a.Param("srcPlane", wPlane)
		a.Param("srcPart", part)
		a.Param("dst", wDst)
		a.Param("dstTap", wStep)
		a.Param("n", n)
		a.Param("scratch", wScratch)
		a.I("LEAQ", Mem{Base: wPlane, Index: wPlane, Scale: 2}, wStep3)
		a.I("LEAQ", Mem{Base: wPlane, Index: wPlane, Scale: 4}, wPlane6) // five planes
		d, t := w.registers(0, 6), w.registers(6, 5)
		a.Label("vector")
		a.I("MOVQ", wSrc, wQ)
		for y := range 6 {
			sum := To(fmt.Sprint("sum", y))
			a.I("MOVQ", wQ, wP)
			a.Param("parts", parts)
			for _, r := range d {
				a.Zero(r)
			}
			a.Label(sum)
			for i, r := range d {
				m := Mem{Base: wP}
				switch i {
				case 1, 2, 4:
					m.Index, m.Scale = wPlane, i
				case 3:
					m.Index, m.Scale = wStep3, 1
				case 5:
					m.Index, m.Scale = wPlane6, 1
				}
				a.Add(m, r, r)
			}
			a.I("ADDQ", part, wP)
			a.I("SUBQ", Imm(1), parts)
			a.I("JNE", sum)
			w.gradientLine(a, d, t, func(i int, r Reg) { a.Store(r, w.scratch(wScratch, y*3+i)) })
			if y < 5 {
				a.I("LEAQ", Mem{Base: wQ, Index: wStep3, Scale: 2}, wQ)
			}
		}
		a.I("MOVQ", wDst, wP)
		a.I("LEAQ", Mem{Base: wStep, Index: wStep, Scale: 2}, wQ) // three taps: a row of the filter
		for x := range 3 {
			for y := range 6 {
				a.Load(w.scratch(wScratch, y*3+x), d[y])
			}
			w.gradientLine(a, d, t, func(i int, r Reg) {
				m := Mem{Base: wP}
				if i > 0 {
					m.Index, m.Scale = wQ, i
				}
				a.Store(r, m)
			})
			if x < 2 {
				a.I("ADDQ", wStep, wP)
			}
		}
		a.I("ADDQ", Imm(w.v.Bytes()), wSrc)
		a.I("ADDQ", Imm(w.v.Bytes()), wDst)
		a.I("SUBQ", Imm(1), n)
		a.I("JNE", To("vector"))
		a.Return()
	})
}
