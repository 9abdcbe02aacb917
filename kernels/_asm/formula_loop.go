package main

// formulaLoop is a loop over arrays of float32 whose elements are a formula's inputs. It writes the results to an array, or their sum
// to a float64.
type formulaLoop struct {
	name       string
	y          *node
	arrays     [][2]string // parameters of the function, and the inputs that their elements are
	parameters bool        // the inputs a, b and c are the fields of a *Parameters
	numbers    []string    // inputs that are parameters of the function, float64 or with single float32
	single     bool        // all is in float32, else all but the arrays in float64
	sum        bool        // element i goes to sum i%8, sum i+4 to sum i, i+2 to i and 1 to 0, so that all sets add in one order
}

// stream is an array that is read, and the input that its elements are.
type stream struct {
	at    Mem
	input string
}

// loopCode is a formulaLoop that is being written for an instruction set.
type loopCode struct {
	formulaLoop
	a       *Asm
	v       *Vectors
	pool    *constants
	streams []stream
	fixed   map[string]Reg // inputs that stay
	kept    map[string]bool
	sums    []Reg
	taken   int // vector registers, from the first on, that the body may not use
	last    int // one more than the last that it may
	count   int // elements of a vector
	mask    Reg // of a last, shorter vector of float32
	dst     Mem
}

func (l formulaLoop) emit(file *File, pool *constants) {
	signature := "dst"
	if l.sum {
		signature = l.arrays[0][0]
	}
	for i, array := range l.arrays {
		if i > 0 || !l.sum {
			signature += ", " + array[0]
		}
	}
	signature += " *float32, n int"
	for _, number := range l.numbers {
		signature += ", " + number + map[bool]string{true: " float32", false: " float64"}[l.single]
	}
	if l.parameters {
		signature += ", p *Parameters"
	}
	if l.sum {
		signature += ", result *float64"
	}
	file.Func(l.name+file.vectors.Suffix, "", signature, 0, func(a *Asm) {
		c := &loopCode{formulaLoop: l, a: a, v: file.vectors, pool: pool, fixed: map[string]Reg{}, kept: map[string]bool{}}
		c.prologue()
		c.sideBySide()
		c.oneByOne()
		if l.sum {
			c.total()
		}
		a.Return()
	})
}

func (c *loopCode) take() Reg {
	c.taken++
	return c.v.R(c.taken - 1)
}

// prologue loads what stays the same.
func (c *loopCode) prologue() {
	a, v, read := c.a, c.v, c.y.inputs()
	c.count, c.mask, c.last = v.Lanes, "K1", v.Registers
	if !c.single {
		c.count /= 2
	}
	if !v.masks {
		c.last--
		c.mask = v.R(c.last)
		if !c.single {
			c.mask = v.half(c.mask)
		}
	}
	stay := func(input string) Reg {
		c.fixed[input], c.kept[input] = c.take(), true
		return c.fixed[input]
	}
	for _, number := range c.numbers {
		if !read[number] {
			continue
		}
		if r := stay(number); c.single {
			a.Broadcast(a.At(number), r)
		} else {
			a.I("VBROADCASTSD", a.At(number), r)
		}
	}
	for i, p := range []string{"a", "b", "c"} {
		if !c.parameters || !read[p] {
			continue
		}
		a.Param("p", "R9")
		r := stay(p)
		a.Broadcast(Mem{Base: "R9", Disp: 4 * i}, r)
		if !c.single {
			a.I("VCVTPS2PD", v.half(r), r)
		}
	}
	if c.sum {
		for range 8 / c.count {
			c.sums = append(c.sums, c.take())
			a.Zero(c.sums[len(c.sums)-1])
		}
	} else {
		a.Param("dst", pointers[0])
		c.dst = Mem{Base: pointers[0], Index: index, Scale: 4}
	}
	for i, array := range c.arrays {
		if read[array[1]] {
			a.Param(array[0], pointers[1+i])
			c.streams = append(c.streams, stream{Mem{Base: pointers[1+i], Index: index, Scale: 4}, array[1]})
		}
	}
	a.Param("n", size)
	a.I("XORQ", index, index)
}

// body writes the formula for a vector whose inputs are in the first of so many registers, with so many masks.
func (c *loopCode) body(a *Asm, first, registers int, masks []Reg) Reg {
	inputs, free := copyOf(c.fixed), []Reg(nil)
	for k, s := range c.streams {
		inputs[s.input] = c.v.R(first + k)
	}
	for r := first + registers - 1; r >= first+len(c.streams); r-- {
		free = append(free, c.v.R(r))
	}
	y := newCompiled(a, c.y, c.single, c.pool, free, masks, inputs, c.kept).run(c.y)
	if c.single || c.sum {
		return y
	}
	narrow := c.v.half(y)
	if c.v.masks {
		a.I("VCVTPD2PS", y, narrow)
	} else {
		a.I("VCVTPD2PSY", y, narrow)
	}
	return narrow
}

// load reads the inputs of vector i at the index.
func (c *loopCode) load(a *Asm, i, first int) {
	for k, s := range c.streams {
		if r := c.v.R(first + k); c.single {
			a.Load(s.at.Plus(4*i*c.count), r)
		} else {
			a.I("VCVTPS2PD", s.at.Plus(4*i*c.count), r)
		}
	}
}

// several is how many vectors are computed side by side, as many as registers allow up to 4: in a formula most operations wait for the
// one before. A short one is not worth it.
func (c *loopCode) several() int {
	if c.single || len(c.y.order()) < 12 {
		return 1
	}
	need := pressure(c.v, c.y, c.pool, len(c.streams))
	for n := 4; n > 1; n-- {
		if c.sum && n%len(c.sums) != 0 {
			continue
		}
		if (c.last-c.taken)/n >= need.vectors && (!c.v.masks || len(conditions)/n >= need.conditions) {
			return n
		}
	}
	return 1
}

// sideBySide is the loop over several vectors at a time, their instructions by turns.
func (c *loopCode) sideBySide() {
	a, n := c.a, c.several()
	if n == 1 {
		return
	}
	a.Label("several")
	a.I("LEAQ", Mem{Base: index, Disp: n * c.count}, next)
	a.I("CMPQ", next, size)
	a.I("JGT", To("one"))
	parts, results := make([][]string, n), make([]Reg, n)
	for i := range n {
		registers, masks, inner := (c.last-c.taken)/n, len(conditions)/n, *a
		inner.lines, inner.sums = nil, addresses{}
		c.load(&inner, i, c.taken+i*registers)
		results[i] = c.body(&inner, c.taken+i*registers, registers, conditions[i*masks:][:masks])
		parts[i] = inner.lines
	}
	a.sums = addresses{}
	for i := range parts[0] {
		for _, lines := range parts {
			a.lines = append(a.lines, lines[i])
		}
	}
	for i, y := range results {
		if c.sum {
			a.I("VADDPD", y, c.sums[i%len(c.sums)], c.sums[i%len(c.sums)])
		} else {
			a.Store(y, c.dst.Plus(4*i*c.count))
		}
	}
	a.I("MOVQ", next, index)
	a.I("JMP", To("several"))
	a.Label("one")
}

// oneByOne is the loop over what is left, and the last vector that is shorter: its number of elements is in CX, else 0.
func (c *loopCode) oneByOne() {
	a := c.a
	a.I("XORL", Reg("CX"), Reg("CX"))
	a.Label("loop")
	a.I("LEAQ", Mem{Base: index, Disp: c.count}, next)
	a.I("CMPQ", next, size)
	a.I("JGT", To("rest"))
	c.load(a, 0, c.taken)
	a.Label("compute")
	y := c.body(a, c.taken, c.last-c.taken, conditions)
	a.I("TESTQ", Reg("CX"), Reg("CX"))
	a.I("JNE", To("last"))
	if c.sum {
		a.I("VADDPD", y, c.sums[0], c.sums[0])
		if n := len(c.sums); n > 1 { // the next vector's sums are the others
			spare := c.v.R(c.taken)
			a.Copy(c.sums[0], spare)
			for i := range n - 1 {
				a.Copy(c.sums[i+1], c.sums[i])
			}
			a.Copy(spare, c.sums[n-1])
		}
	} else {
		a.Store(y, c.dst)
	}
	a.I("MOVQ", next, index)
	a.I("JMP", To("loop"))
	a.Label("rest")
	a.I("MOVQ", size, Reg("CX"))
	a.I("SUBQ", index, Reg("CX"))
	a.I("JEQ", To("done"))
	whole := c.mask
	if !c.v.masks && !c.single {
		whole = Reg(c.v.prefix) + whole[1:]
	}
	a.Mask("CX", next, whole)
	for k, s := range c.streams {
		if r := c.v.R(c.taken + k); c.single {
			a.LoadMasked(s.at, c.mask, r)
		} else {
			a.LoadMasked(s.at, c.mask, c.v.half(r))
			a.I("VCVTPS2PD", c.v.half(r), r)
		}
	}
	a.I("JMP", To("compute"))
	a.Label("last")
	switch {
	case !c.sum:
		a.StoreMasked(y, c.mask, c.dst)
	case c.v.masks:
		a.I("VADDPD", y, c.sums[0], c.mask, c.sums[0])
	case c.v == NEON: // one of two
		a.Note("and 0 above").N("FMOVD", string(c.v.half(y)), string(c.v.half(y)))
		a.I("VADDPD", y, c.sums[0], c.sums[0])
	default:
		a.I("VPMOVSXDQ", c.mask, whole)
		a.I("VANDPD", y, whole, y)
		a.I("VADDPD", y, c.sums[0], c.sums[0])
	}
	a.Label("done")
}

// total adds up the sums and stores them.
func (c *loopCode) total() {
	a, half, other := c.a, c.v.half(c.sums[0]), c.v.half(c.v.R(c.taken))
	if c.v == NEON {
		// 0 and 4, 2 and 6, in whatever order one vector at a time has left the sums
		a.I("VADDPD", c.sums[2], c.sums[0], c.sums[0])
		a.I("VADDPD", c.sums[3], c.sums[1], c.sums[1])
		a.I("VADDPD", c.sums[1], c.sums[0], c.sums[0])
		s := vectorNumber(c.sums[0])
		a.Word(misc("faddp d%d, v%d.2d", s, s))
		a.Param("result", "AX")
		a.N("FMOVD", float(s), "("+gpr("AX")+")")
		return
	}
	if c.v.masks {
		a.I("VEXTRACTF64X4", Imm(1), c.sums[0], other)
		a.I("VADDPD", other, half, half)
	} else {
		a.I("VADDPD", c.sums[1], c.sums[0], c.sums[0])
	}
	x, y, whole := "X"+half[1:], "X"+other[1:], "Y"+half[1:]
	a.I("VEXTRACTF128", Imm(1), whole, y)
	a.I("VADDPD", y, x, x)
	a.I("VUNPCKHPD", x, x, y)
	a.I("VADDSD", y, x, x)
	a.Param("result", "AX")
	a.I("VMOVSD", x, Mem{Base: "AX"})
}

// half is the register of half the size that is a part of r.
func (v *Vectors) half(r Reg) Reg {
	return Reg(map[string]string{"Y": "X", "Z": "Y", "V": "F"}[v.prefix]) + r[1:]
}
