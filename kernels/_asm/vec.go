package main

import (
	"fmt"
	"math"
	"slices"
)

func init() { register("vec", vecFiles) }

// vecFiles are the loops of package vec, one file for each instruction set. Flat loops and rows are here, sums over rows in vec_sums.go,
// maximum pooling in vec_pool.go, depthwise convolution in vec_depthwise.go, other optimizers in vec_update.go, dropout in vec_dropout.go, the table that names them in vec_table.go.
func vecFiles() []*File {
	var files []*File
	for _, v := range []*Vectors{AVX2, AVX512, NEON} {
		f := NewFile("vec", "vec_"+v.Name, v)
		vecTable(f)
		f.LaneNumbers()
		f.Data(six, slices.Repeat([]uint32{math.Float32bits(6)}, v.Lanes)...)
		for _, l := range append(maps(), updates()...) {
			l.emit(f)
		}
		finite(f)
		columnSums(f)
		maxPool(f)
		maxPoolBackward(f, false)
		maxPoolBackward(f, true)
		depthwise(f)
		depthwiseWeights(f)
		if v == NEON {
			dropoutNEON(f)
		} else {
			dropout(f)
		}
		files = append(files, f)
	}
	return files
}

// elementwise describes a loop whose element i of every output depends on element i of every input; with rows, on [rows,width].
type elementwise struct {
	name, doc string
	in        []string // arrays to load, into r[0], r[1]…
	patterns  []string // arrays of width elements that all rows share; 64 bytes behind them may be read
	constants []string // numbers, broadcast to c[0], c[1]…
	out       []output
	registers int // for r; those behind the inputs are free
	unroll    int // vectors at a time
	// body computes outputs in r, of inputs in r, constants c and patterns p.
	body func(a *Asm, r, c []Reg, p []Mem)
}

// output says that an array gets register r[from].
type output struct {
	array string
	from  int
}

func (l elementwise) rows() bool { return l.patterns != nil }

// pointers and the other general registers of elementwise loops.
var pointers = []Reg{"AX", "BX", "DX", "SI", "DI", "R8", "R9", "R10"}

const (
	index = Reg("R11") // element of the row
	size  = Reg("R12") // elements of a row
	next  = Reg("R13")
)

func (l elementwise) emit(f *File) {
	v := f.vectors
	place := map[string]Reg{}
	var arrays []string
	addArray := func(name string) {
		if _, ok := place[name]; !ok {
			place[name] = pointers[len(place)]
			arrays = append(arrays, name)
		}
	}
	for _, o := range l.out {
		addArray(o.array)
	}
	for _, name := range l.in {
		addArray(name)
	}
	walking := len(arrays)
	for _, name := range l.patterns {
		addArray(name)
	}
	signature := join(arrays) + " *float32, n int"
	if l.rows() {
		signature = join(arrays) + " *float32, rows, width int"
	}
	if len(l.constants) > 0 {
		signature += ", " + join(l.constants) + " float32"
	}
	mask := Reg("K1")
	perSlot := v.Registers - len(l.constants)
	if !v.masks {
		perSlot--
		mask = v.R(v.Registers - 1)
	}
	if l.unroll*l.registers > perSlot {
		panic(fmt.Sprintf("%s: %d registers for each of %d vectors", l.name, l.registers, l.unroll))
	}
	f.Func(l.name+v.Suffix, l.doc, signature, 0, func(a *Asm) {
		for _, name := range arrays {
			a.Param(name, place[name])
		}
		var constants []Reg
		for i, name := range l.constants {
			r := v.R(i)
			a.Broadcast(a.At(name), r)
			constants = append(constants, r)
		}
		if l.rows() {
			a.Param("width", size)
			a.Label("row")
			a.Note("for rows > 0").I("SUBQ", Imm(1), a.At("rows"))
			a.I("JLT", To("done"))
		} else {
			a.Param("n", size)
		}
		a.I("XORQ", index, index)
		at := func(name string, vector int) Mem {
			return Mem{Base: place[name], Index: index, Scale: 4, Disp: vector * v.Bytes()}
		}
		// vectors does so many vectors at the index; masked is the mask of a last, shorter one.
		vectors := func(count int, masked Reg) {
			slot := func(i int) (r []Reg) {
				for j := range l.registers {
					r = append(r, v.R(len(l.constants)+i*l.registers+j))
				}
				return r
			}
			for i := range count {
				for j, name := range l.in {
					if masked != "" {
						a.LoadMasked(at(name, i), masked, slot(i)[j])
					} else {
						a.Load(at(name, i), slot(i)[j])
					}
				}
			}
			for i := range count {
				var patterns []Mem
				for _, name := range l.patterns {
					patterns = append(patterns, at(name, i))
				}
				l.body(a, slot(i), constants, patterns)
			}
			for i := range count {
				for _, o := range l.out {
					if masked != "" {
						a.StoreMasked(slot(i)[o.from], masked, at(o.array, i))
					} else {
						a.Store(slot(i)[o.from], at(o.array, i))
					}
				}
			}
		}
		loop := func(label, after To, count int) {
			a.Label(label)
			a.I("LEAQ", Mem{Base: index, Disp: count * v.Lanes}, next)
			a.Note("%d elements more?", count*v.Lanes).I("CMPQ", next, size)
			a.I("JGT", after)
			vectors(count, "")
			a.I("MOVQ", next, index)
			a.I("JMP", label)
		}
		loop("several", "one", l.unroll)
		loop("one", "rest", 1)
		a.Label("rest")
		end := To("done")
		if l.rows() {
			end = "advance"
		}
		a.I("MOVQ", size, Reg("CX"))
		a.I("SUBQ", index, Reg("CX"))
		a.I("JEQ", end)
		a.Mask(Reg("CX"), next, mask)
		vectors(1, mask)
		if l.rows() {
			a.Label("advance")
			for _, name := range arrays[:walking] {
				a.I("LEAQ", Mem{Base: place[name], Index: size, Scale: 4}, place[name])
			}
			a.I("JMP", To("row"))
		}
		a.Label("done")
		a.Return()
	})
}

func join(names []string) string {
	s := names[0]
	for _, n := range names[1:] {
		s += ", " + n
	}
	return s
}

// Sub is dst = x - y, Mul dst = x·y, Div dst = x/y.
func (a *Asm) Sub(x Reg, y any, dst Reg) { a.I("VSUBPS", y, x, dst) }
func (a *Asm) Mul(x any, y, dst Reg)     { a.I("VMULPS", x, y, dst) }
func (a *Asm) Div(x, y, dst Reg)         { a.I("VDIVPS", y, x, dst) }

// lessOrdered is the predicate of VCMPPS for x < y, false with NaN.
const lessOrdered = Imm(0x11)

// WherePositive is dst = y > 0 ? x : 0; zero holds zeros. y may be overwritten.
func (a *Asm) WherePositive(y, x, zero, dst Reg) {
	if a.v.masks {
		a.I("VCMPPS", lessOrdered, y, zero, Reg("K7"))
		a.I("VMOVAPS.Z", x, Reg("K7"), dst)
		return
	}
	a.I("VCMPPS", lessOrdered, y, zero, y)
	a.I("VANDPS", x, y, dst)
}

// six is a vector of the number 6.
const six Static = "six"

// Relu6 is r = min(max(r, 0), 6), and NaN stays; spare is overwritten.
func (a *Asm) Relu6(r, spare Reg) {
	a.Zero(spare)
	a.Max(spare, r, r)
	a.I("VMOVUPS", six, spare)
	a.Min(spare, r, r)
}

// WhereWithin6 is dst = 0 < y < 6 ? x : 0; zero holds zeros. y and spare may be overwritten.
func (a *Asm) WhereWithin6(y, x, zero, spare, dst Reg) {
	if a.v.masks {
		a.I("VCMPPS", lessOrdered, y, zero, Reg("K7"))
		a.I("VCMPPS", lessOrdered, six, y, Reg("K7"), Reg("K7"))
		a.I("VMOVAPS.Z", x, Reg("K7"), dst)
		return
	}
	a.I("VCMPPS", lessOrdered, six, y, spare)
	a.I("VCMPPS", lessOrdered, y, zero, y)
	a.I("VANDPS", spare, y, y)
	a.I("VANDPS", x, y, dst)
}

// maps are the elementwise loops.
func maps() []elementwise {
	list := []elementwise{
		{
			name: "relu", doc: "relu… is Table.ReLU.",
			in: []string{"src"}, out: []output{{"dst", 0}}, registers: 2, unroll: 4,
			body: func(a *Asm, r, _ []Reg, _ []Mem) {
				a.Zero(r[1])
				a.Max(r[1], r[0], r[0])
			},
		},
		{
			name: "reluBackward", doc: "reluBackward… is Table.ReLUBackward.",
			in: []string{"diffDst", "dst"}, out: []output{{"diffSrc", 0}}, registers: 3, unroll: 4,
			body: func(a *Asm, r, _ []Reg, _ []Mem) {
				a.Zero(r[2])
				a.WherePositive(r[1], r[0], r[2], r[0])
			},
		},
		{
			name: "relu6", doc: "relu6… is Table.ReLU6.",
			in: []string{"src"}, out: []output{{"dst", 0}}, registers: 2, unroll: 4,
			body: func(a *Asm, r, _ []Reg, _ []Mem) { a.Relu6(r[0], r[1]) },
		},
		{
			name: "relu6Backward", doc: "relu6Backward… is Table.ReLU6Backward.",
			in: []string{"diffDst", "dst"}, out: []output{{"diffSrc", 0}}, registers: 4, unroll: 3,
			body: func(a *Asm, r, _ []Reg, _ []Mem) {
				a.Zero(r[2])
				a.WhereWithin6(r[1], r[0], r[2], r[3], r[0])
			},
		},
		{
			name: "add", doc: "add… is Table.Add.",
			in: []string{"x", "y"}, out: []output{{"dst", 0}}, registers: 2, unroll: 4,
			body: func(a *Asm, r, _ []Reg, _ []Mem) { a.Add(r[1], r[0], r[0]) },
		},
		{
			name: "affine", doc: "affine… is Table.Affine.",
			in: []string{"src"}, constants: []string{"scale", "offset"}, out: []output{{"dst", 0}}, registers: 1, unroll: 4,
			body: func(a *Asm, r, c []Reg, _ []Mem) {
				a.Mul(c[0], r[0], r[0])
				a.Add(c[1], r[0], r[0])
			},
		},
		{
			name: "decay", doc: "decay… is Table.Decay.",
			in: []string{"param"}, constants: []string{"decay", "rate"}, out: []output{{"param", 0}}, registers: 2, unroll: 4,
			body: func(a *Asm, r, c []Reg, _ []Mem) {
				a.Mul(c[0], r[0], r[1])
				a.Mul(c[1], r[1], r[1])
				a.Sub(r[0], r[1], r[0])
			},
		},
		{
			name: "sgd", doc: "sgd… is Table.SGD.",
			in: []string{"param", "grad"}, constants: []string{"rate"}, out: []output{{"param", 0}}, registers: 2, unroll: 4,
			body: func(a *Asm, r, c []Reg, _ []Mem) {
				a.Mul(c[0], r[1], r[1])
				a.Sub(r[0], r[1], r[0])
			},
		},
		{
			name: "momentum", doc: "momentum… is Table.Momentum.",
			in: []string{"param", "grad", "velocity"}, constants: []string{"momentum", "rate"},
			out: []output{{"velocity", 2}, {"param", 0}}, registers: 3, unroll: 4,
			body: func(a *Asm, r, c []Reg, _ []Mem) {
				a.Mul(c[0], r[2], r[2])
				a.Mul(c[1], r[1], r[1])
				a.Sub(r[2], r[1], r[2])
				a.Add(r[2], r[0], r[0])
			},
		},
		{
			name: "nesterov", doc: "nesterov… is Table.Nesterov.",
			in: []string{"param", "grad", "velocity"}, constants: []string{"momentum", "rate"},
			out: []output{{"velocity", 2}, {"param", 0}}, registers: 4, unroll: 3,
			body: func(a *Asm, r, c []Reg, _ []Mem) {
				a.Mul(c[0], r[2], r[2])
				a.Mul(c[1], r[1], r[1])
				a.Sub(r[2], r[1], r[2])
				a.Mul(c[0], r[2], r[3])
				a.Sub(r[3], r[1], r[3])
				a.Add(r[3], r[0], r[0])
			},
		},
		{
			name: "adam", doc: "adam… is Table.Adam.",
			in: []string{"param", "grad", "m", "v"}, constants: []string{"keep1", "keep2", "alpha", "epsilon"},
			out: []output{{"m", 2}, {"v", 3}, {"param", 0}}, registers: 5, unroll: 2,
			body: func(a *Asm, r, c []Reg, _ []Mem) {
				a.Sub(r[1], r[2], r[4])
				a.Mul(c[0], r[4], r[4])
				a.Note("m += (grad-m)·keep1").Add(r[4], r[2], r[2])
				a.Mul(r[1], r[1], r[4])
				a.Sub(r[4], r[3], r[4])
				a.Mul(c[1], r[4], r[4])
				a.Note("v += (grad²-v)·keep2").Add(r[4], r[3], r[3])
				a.I("VSQRTPS", r[3], r[4])
				a.Add(c[3], r[4], r[4])
				a.Mul(c[2], r[2], r[1])
				a.Div(r[1], r[4], r[1])
				a.Note("param -= m·alpha/(√v+epsilon)").Sub(r[0], r[1], r[0])
			},
		},
		{
			name: "biasAdd", doc: "biasAdd… is Table.BiasAdd.",
			in: []string{"src"}, patterns: []string{"bias"}, out: []output{{"dst", 0}}, registers: 1, unroll: 4,
			body: func(a *Asm, r, _ []Reg, p []Mem) { a.Add(p[0], r[0], r[0]) },
		},
	}
	for i, name := range []string{"normalize", "normalizeReLU", "normalizeReLU6", "normalizeAdd", "normalizeAddReLU", "normalizeAddReLU6"} {
		add, activation := i >= 3, i%3
		in := []string{"src"}
		if add {
			in = append(in, "residual")
		}
		list = append(list, elementwise{
			name: name, doc: fmt.Sprintf("%s… is Table.Normalize[%d][%d].", name, i/3, i%3),
			in: in, patterns: []string{"mean", "scale", "offset"}, out: []output{{"dst", 0}}, registers: 3, unroll: 4,
			body: func(a *Asm, r, _ []Reg, p []Mem) {
				a.Sub(r[0], p[0], r[0])
				a.Load(p[1], r[2])
				a.Note("(src-mean)·scale + offset").I("VFMADD213PS", p[2], r[2], r[0])
				if add {
					a.Add(r[1], r[0], r[0])
				}
				switch activation {
				case 1:
					a.Zero(r[2])
					a.Max(r[2], r[0], r[0])
				case 2:
					a.Relu6(r[0], r[2])
				}
			},
		})
	}
	for i, name := range []string{"normalizeBackward", "normalizeBackwardMasked", "normalizeBackwardMasked6"} {
		in, registers := []string{"diffDst", "src"}, 4
		if i == 2 {
			registers = 5
		}
		if i > 0 {
			in = append(in, "dst")
		}
		list = append(list, elementwise{
			name: name, doc: fmt.Sprintf("%s… is Table.NormalizeBackward[%d].", name, i),
			in: in, patterns: []string{"mean", "a", "b", "c"}, out: []output{{"diffSrc", 1}}, registers: registers, unroll: 3,
			body: func(a *Asm, r, _ []Reg, p []Mem) {
				switch i {
				case 1:
					a.Zero(r[3])
					a.WherePositive(r[2], r[0], r[3], r[0])
				case 2:
					a.Zero(r[3])
					a.WhereWithin6(r[2], r[0], r[3], r[4], r[0])
				}
				a.Sub(r[1], p[0], r[1])
				a.Load(p[2], r[3])
				a.Note("(src-mean)·b + c").I("VFMADD213PS", p[3], r[3], r[1])
				a.Note("+ diffDst·a").I("VFMADD231PS", p[1], r[0], r[1])
			},
		})
	}
	for i, name := range []string{"normalizeBackwardSelf", "normalizeBackwardSelf6"} {
		list = append(list, elementwise{
			name: name, doc: fmt.Sprintf("%s… is Table.NormalizeBackwardSelf[%d].", name, 1+i),
			in: []string{"diffDst", "src"}, patterns: []string{"mean", "a", "b", "c", "offset"}, out: []output{{"diffSrc", 1}}, registers: 4 + i, unroll: 3,
			body: func(a *Asm, r, _ []Reg, p []Mem) {
				a.Sub(r[1], p[0], r[1])
				a.Load(p[1], r[2])
				a.Note("dst = (src-mean)·a + offset").I("VFMADD213PS", p[4], r[1], r[2])
				a.Zero(r[3])
				if i == 0 {
					a.WherePositive(r[2], r[0], r[3], r[0])
				} else {
					a.WhereWithin6(r[2], r[0], r[3], r[4], r[0])
				}
				a.Load(p[2], r[3])
				a.Note("(src-mean)·b + c").I("VFMADD213PS", p[3], r[3], r[1])
				a.Note("+ diffDst·a").I("VFMADD231PS", p[1], r[0], r[1])
			},
		})
	}
	return list
}

// finite adds up src·0, which is NaN once an element is infinite or NaN.
func finite(f *File) {
	v := f.vectors
	f.Func("finite"+v.Suffix, "finite… stores 0 in bad if Table.Finite holds, else another number.", "src *float32, n int, bad *int32", 0, func(a *Asm) {
		a.Param("src", "AX")
		a.Param("n", size)
		zero, x := v.R(0), v.R(5)
		for i := range 5 {
			a.Zero(v.R(i))
		}
		a.I("XORQ", index, index)
		at := func(vector int) Mem { return Mem{Base: "AX", Index: index, Scale: 4, Disp: vector * v.Bytes()} }
		for _, l := range []struct {
			label, after To
			count        int
		}{{"several", "one", 4}, {"one", "rest", 1}} {
			a.Label(l.label)
			a.I("LEAQ", Mem{Base: index, Disp: l.count * v.Lanes}, next)
			a.I("CMPQ", next, size)
			a.I("JGT", l.after)
			for i := range l.count {
				a.FMA(at(i), zero, v.R(1+i))
			}
			a.I("MOVQ", next, index)
			a.I("JMP", l.label)
		}
		a.Label("rest")
		a.I("MOVQ", size, Reg("CX"))
		a.I("SUBQ", index, Reg("CX"))
		a.I("JEQ", To("sum"))
		mask := Reg("K1")
		if !v.masks {
			mask = v.R(6)
		}
		a.Mask(Reg("CX"), next, mask)
		a.LoadMasked(at(0), mask, x)
		a.FMA(x, zero, v.R(1))
		a.Label("sum")
		a.Add(v.R(2), v.R(1), v.R(1))
		a.Add(v.R(4), v.R(3), v.R(3))
		a.Add(v.R(3), v.R(1), v.R(1))
		if v.masks {
			a.Note("which lanes are NaN").I("VCMPPS", Imm(3), v.R(1), v.R(1), Reg("K2"))
			a.I("KMOVW", Reg("K2"), Reg("AX"))
		} else {
			a.Note("which lanes are NaN").I("VCMPPS", Imm(3), v.R(1), v.R(1), v.R(1))
			a.I("VMOVMSKPS", v.R(1), Reg("AX"))
		}
		a.Param("bad", "BX")
		a.I("MOVL", Reg("AX"), Mem{Base: "BX"})
		a.Return()
	})
}
