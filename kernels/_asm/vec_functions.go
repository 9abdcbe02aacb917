package main

import (
	"fmt"
	"slices"
	"strings"
)

func init() { register("functions", functionFiles) }

// functionFiles are the loops of unary and binary functions in assembly, compiled from the same formulas as those in Go (loops.go).
func functionFiles() []*File {
	var source strings.Builder
	for _, u := range unary {
		name, forward, backward, from := u[0], u[1], u[2], "x"
		if rest, ok := strings.CutPrefix(backward, "y: "); ok {
			from, backward = "y", rest
		}
		if !inGo(forward) {
			fmt.Fprintf(&source, "func forward%s(x, a, b, c float64) float64 {\n%s\nreturn y\n}\n", name, statements(forward))
		}
		if !inGo(backward) {
			fmt.Fprintf(&source, "func backward%s(g, %s, a, b, c float64) float64 {\n%s\nreturn g * d\n}\n", name, from, statements(backward))
		}
	}
	for _, b := range binary {
		if !inGo(b[1]) {
			fmt.Fprintf(&source, "func each%s(a, b float32) float32 {\n%s\nreturn y\n}\n", b[0], statements(b[1]))
		}
	}
	f := newFormulas(source.String())
	var files []*File
	for _, v := range []*Vectors{AVX2, AVX512} {
		files = append(files, functions(f, v))
	}
	return files
}

// inGo says that a formula calls what there are no vector instructions for.
func inGo(formula string) bool {
	return slices.ContainsFunc([]string{"math.Pow", "math.Sin", "math.Cos", "math.Tanh"}, func(f string) bool { return words(formula)[f] })
}

// exactInSingle are the functions whose value needs one rounding at most, so that float32 gives what float64 does, and those
// whose derivative is a float32, so that the product with it does.
var exactInSingle = map[string]bool{
	"forwardSqrt": true, "forwardReciprocal": true, "forwardSquare": true, "forwardAbs": true, "forwardNeg": true, "forwardSign": true,
	"forwardClip": true, "forwardLeakyRelu": true, "forwardHardShrink": true, "forwardSoftShrink": true, "forwardSparseSigmoid": true,
	"forwardThreshold": true,
	"backwardAbs":      true, "backwardNeg": true, "backwardSign": true, "backwardClip": true, "backwardLeakyRelu": true,
	"backwardHardShrink": true, "backwardSoftShrink": true, "backwardSparseSigmoid": true, "backwardThreshold": true,
}

// functions is the file of one instruction set.
func functions(f *formulas, v *Vectors) *File {
	file := NewFile("vec", "functions_"+v.Name, v)
	file.Import("github.com/meseta-go/meseta/ops")
	file.LaneNumbers()
	pool := &constants{file, map[Static]bool{}}
	var unaries, binaries strings.Builder
	for _, u := range unary {
		name, entry := u[0], ""
		if !inGo(u[1]) {
			l := mapLoop{name: "forward" + name, y: f.compile("forward" + name), arrays: [][2]string{{"src", "x"}}}
			l.emit(file, pool)
			entry += fmt.Sprintf("Forward: func(dst, src []float32, p *Parameters) { forward%s%s(at(dst), at(src), len(dst), p) },\n", name, v.Suffix)
		}
		if !inGo(u[2]) {
			from := "x"
			if strings.HasPrefix(u[2], "y: ") {
				from = "y"
			}
			l := mapLoop{name: "backward" + name, y: f.compile("backward" + name), arrays: [][2]string{{"diffDst", "g"}, {"from", from}}}
			l.emit(file, pool)
			entry += fmt.Sprintf("Backward: func(diffSrc, diffDst, from []float32, p *Parameters) { backward%s%s(at(diffSrc), at(diffDst), at(from), len(diffSrc), p) },\n", name, v.Suffix)
		}
		if entry != "" {
			fmt.Fprintf(&unaries, "ops.%s: {\n%s},\n", name, entry)
		}
	}
	for _, b := range binary {
		if inGo(b[1]) {
			continue
		}
		y := f.compile("each" + b[0])
		for _, l := range []mapLoop{
			{name: "each", arrays: [][2]string{{"as", "a"}, {"bs", "b"}}},
			{name: "right", arrays: [][2]string{{"as", "a"}}, number: "b"},
			{name: "left", arrays: [][2]string{{"bs", "b"}}, number: "a"},
		} {
			l.name, l.y, l.pairs = l.name+b[0], y, true
			l.emit(file, pool)
		}
		fmt.Fprintf(&binaries, strings.ReplaceAll(`ops.%[1]s: {
	Each: func(dst, a, b []float32) { each%[1]s@(at(dst), at(a), at(b), len(dst)) },
	Right: func(dst, a []float32, b float32) { right%[1]s@(at(dst), at(a), len(dst), b) },
	Left: func(dst []float32, a float32, b []float32) { left%[1]s@(at(dst), at(b), len(dst), a) },
},
`, "@", v.Suffix), b[0])
	}
	file.Go("// unary%[1]s and binary%[1]s are the loops for %[1]s; those that are not there are in Go.\nvar unary%[1]s = [ops.UnaryFuncs]UnaryLoops{\n%[2]s}\n\nvar binary%[1]s = [ops.BinaryFuncs]BinaryLoops{\n%[3]s}",
		v.Suffix, unaries.String(), binaries.String())
	return file
}

// mapLoop is a loop over arrays of float32 whose elements are a formula's inputs.
type mapLoop struct {
	name   string
	y      *node
	arrays [][2]string // the parameters, and the inputs that are their elements
	pairs  bool        // a binary function: in float32, without Parameters
	number string      // the input that is a number, if any
}

func (l mapLoop) emit(file *File, pool *constants) {
	v, single := file.vectors, l.pairs || exactInSingle[l.name]
	read := l.y.inputs()
	signature := "dst"
	for _, array := range l.arrays {
		signature += ", " + array[0]
	}
	signature += " *float32, n int"
	switch {
	case l.number != "":
		signature += ", " + l.number + " float32"
	case !l.pairs:
		signature += ", p *Parameters"
	}
	file.Func(l.name+v.Suffix, "", signature, 0, func(a *Asm) {
		a.Param("dst", pointers[0])
		inputs, kept, taken := map[string]Reg{}, map[string]bool{}, 0
		take := func(input string) Reg {
			r := v.R(taken)
			taken++
			inputs[input] = r
			return r
		}
		// Parameters stay where they are, in float64 unless all is in float32.
		for i, p := range []string{"a", "b", "c"} {
			if !read[p] || l.pairs && p != l.number {
				continue
			}
			r := take(p)
			kept[p] = true
			if l.pairs {
				a.Broadcast(a.At(p), r)
				continue
			}
			a.Param("p", "R9")
			a.Broadcast(Mem{Base: "R9", Disp: 4 * i}, r)
			if !single {
				a.I("VCVTPS2PD", v.half(r), r)
			}
		}
		count, mask := v.Lanes, Reg("K1")
		if !single {
			count /= 2
		}
		last := v.Registers
		if !v.masks {
			last--
			mask = v.R(last)
		}
		var streams []stream
		for i, array := range l.arrays {
			if read[array[1]] {
				a.Param(array[0], pointers[1+i])
				streams = append(streams, stream{Mem{Base: pointers[1+i], Index: index, Scale: 4}, array[1]})
			}
		}
		dst := Mem{Base: pointers[0], Index: index, Scale: 4}
		// part writes the code for vector i of so many side by side, in so many registers from the first on.
		part := func(i, of, first, registers int) (lines []string, y Reg) {
			inner := *a
			inner.lines = nil
			own, free := copyOf(inputs), []Reg(nil)
			for k, s := range streams {
				own[s.input] = v.R(first + k)
				if of > 1 {
					inner.load(s.at.Plus(i*count*4), own[s.input], single)
				}
			}
			for r := first + registers - 1; r >= first+len(streams); r-- {
				free = append(free, v.R(r))
			}
			masks := conditions[i*(len(conditions)/of):][:len(conditions)/of]
			y = newCompiled(&inner, l.y, single, pool, free, masks, own, kept).run(l.y)
			if !single {
				y = inner.narrow(y)
			}
			return inner.lines, y
		}
		a.Param("n", size)
		a.I("XORQ", index, index)
		if several := l.several(v, pool, single, last-taken, len(streams)); several > 1 {
			a.Label("several")
			a.I("LEAQ", Mem{Base: index, Disp: several * count}, next)
			a.I("CMPQ", next, size)
			a.I("JGT", To("one"))
			var parts [][]string
			var results []Reg
			each := (last - taken) / several
			for i := range several {
				lines, y := part(i, several, taken+i*each, each)
				parts, results = append(parts, lines), append(results, y)
			}
			for i := range parts[0] {
				for _, lines := range parts {
					a.lines = append(a.lines, lines[i])
				}
			}
			for i, y := range results {
				a.Store(y, dst.Plus(i*count*4))
			}
			a.I("MOVQ", next, index)
			a.I("JMP", To("several"))
		}
		a.Label("one")
		a.Note("elements of a last, shorter vector").I("XORL", Reg("CX"), Reg("CX"))
		a.Label("loop")
		a.I("LEAQ", Mem{Base: index, Disp: count}, next)
		a.I("CMPQ", next, size)
		a.I("JGT", To("rest"))
		for k, s := range streams {
			a.load(s.at, v.R(taken+k), single)
		}
		a.Label("compute")
		lines, y := part(0, 1, taken, last-taken)
		a.lines = append(a.lines, lines...)
		a.I("TESTQ", Reg("CX"), Reg("CX"))
		a.I("JNE", To("last"))
		a.Store(y, dst)
		a.I("MOVQ", next, index)
		a.I("JMP", To("loop"))
		a.Label("rest")
		a.I("MOVQ", size, Reg("CX"))
		a.I("SUBQ", index, Reg("CX"))
		a.I("JEQ", To("done"))
		a.Mask("CX", next, mask)
		narrowMask := mask
		if !v.masks && !single {
			narrowMask = v.half(mask)
		}
		for k, s := range streams {
			if r := v.R(taken + k); single {
				a.LoadMasked(s.at, narrowMask, r)
			} else {
				a.LoadMasked(s.at, narrowMask, v.half(r))
				a.I("VCVTPS2PD", v.half(r), r)
			}
		}
		a.I("JMP", To("compute"))
		a.Label("last")
		a.StoreMasked(y, narrowMask, dst)
		a.Label("done")
		a.Return()
	})
}

// stream is an array that is read, and the input that its elements are.
type stream struct {
	at    Mem
	input string
}

// load reads a vector of float32, as float64 unless all is in float32.
func (a *Asm) load(src Mem, dst Reg, single bool) {
	if single {
		a.Load(src, dst)
	} else {
		a.I("VCVTPS2PD", src, dst)
	}
}

// narrow rounds a vector of float64 to float32, in half the register.
func (a *Asm) narrow(r Reg) Reg {
	y := a.v.half(r)
	if a.v.masks {
		a.I("VCVTPD2PS", r, y)
	} else {
		a.I("VCVTPD2PSY", r, y)
	}
	return y
}

// several is how many vectors are computed side by side, as many as registers allow up to 4: in a formula most operations wait for the
// one before. A short one is not worth it.
func (l mapLoop) several(v *Vectors, pool *constants, single bool, registers, streams int) int {
	if single || len(l.y.order()) < 12 {
		return 1
	}
	need := pressure(v, l.y, pool, streams)
	for n := 4; n > 1; n-- {
		if registers/n >= need.vectors && (!v.masks || len(conditions)/n >= need.conditions) {
			return n
		}
	}
	return 1
}

// half is the register of half the size that is a part of r.
func (v *Vectors) half(r Reg) Reg {
	if v.masks {
		return "Y" + r[1:]
	}
	return "X" + r[1:]
}
