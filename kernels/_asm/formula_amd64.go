package main

import (
	"fmt"
	"math"
	"slices"
)

// compiled is a formula on its way into a function: which registers hold its nodes.
type compiled struct {
	a      *Asm
	single bool // in float32 rather than float64
	pool   *constants
	free   map[string][]Reg // registers by class: "vector", and with AVX-512 "mask" for conditions
	least  map[string]int   // free at the least so far
	at     map[*node]Reg
	uses   map[*node]int // yet to come
	kept   map[string]bool
}

// constants are those of a file, by name.
type constants struct {
	file  *File
	known map[Static]bool
}

// place gives the name of a constant in memory, for AVX-512 once and else for all elements of a register.
func (p *constants) place(bits uint64, single bool) Static {
	v, words := p.file.vectors, []uint32{uint32(bits), uint32(bits >> 32)}
	name := Static(fmt.Sprintf("wide%016x", bits))
	if single {
		words = []uint32{math.Float32bits(float32(math.Float64frombits(bits)))}
		if bits == 1<<63-1 { // the mask of a magnitude
			words[0] = 1<<31 - 1
		}
		name = Static(fmt.Sprintf("narrow%08x", words[0]))
	}
	if !p.known[name] {
		p.known[name] = true
		if !v.masks {
			words = slices.Repeat(words, v.Bytes()/4/len(words))
		}
		p.file.Data(name, words...)
	}
	return name
}

// opcode appends PD or PS to the name of an instruction.
func (c *compiled) opcode(name string) string {
	if c.single {
		return name + "PS"
	}
	return name + "PD"
}

// conditions are the mask registers of AVX-512 that hold conditions; K1 is that of a last, shorter vector.
var conditions = []Reg{"K7", "K6", "K5", "K4", "K3", "K2"}

// newCompiled starts the code of y, with vector and mask registers that are free and those of its inputs, of which some are to be kept.
func newCompiled(a *Asm, y *node, single bool, pool *constants, free, masks []Reg, inputs map[string]Reg, kept map[string]bool) *compiled {
	c := &compiled{
		a: a, single: single, pool: pool, free: map[string][]Reg{"vector": free, "mask": slices.Clone(masks)}, least: map[string]int{"vector": len(free), "mask": len(masks)},
		at: map[*node]Reg{}, uses: map[*node]int{y: 1}, kept: kept,
	}
	for _, n := range y.order() {
		for _, x := range n.args {
			c.uses[x]++
		}
		if r, ok := inputs[n.name]; ok && n.op == "input" {
			c.at[n] = r
		}
	}
	return c
}

func (c *compiled) take(class string) Reg {
	list := c.free[class]
	if len(list) == 0 {
		panic("a formula needs more " + class + " registers than there are")
	}
	c.free[class] = list[:len(list)-1]
	c.least[class] = min(c.least[class], len(list)-1)
	return list[len(list)-1]
}

func (c *compiled) give(r Reg) {
	class := "vector"
	if r[0] == 'K' {
		class = "mask"
	}
	c.free[class] = append(c.free[class], r)
}

// register gives where a node is; a constant is loaded first.
func (c *compiled) register(n *node) Reg {
	if n.op != "const" {
		return c.at[n]
	}
	r := c.take("vector")
	switch name := c.pool.place(n.bits, c.single); {
	case !c.a.v.masks:
		c.a.I("VMOVUPS", name, r)
	case c.single:
		c.a.I("VBROADCASTSS", name, r)
	default:
		c.a.I("VBROADCASTSD", name, r)
	}
	return r
}

// done frees a node's register behind its last use; that of a constant, at once.
func (c *compiled) done(n *node, r Reg) {
	if n.op == "const" {
		if r != "" {
			c.give(r)
		}
		return
	}
	if c.uses[n]--; c.uses[n] == 0 && !c.kept[n.name] {
		c.give(c.at[n])
	}
}

// last gives the operand that an instruction may read from memory, and the suffix that the instruction then has.
func (c *compiled) last(n *node) (x any, suffix string) {
	if n.op != "const" {
		return c.at[n], ""
	}
	if c.a.v.masks {
		suffix = ".BCST"
	}
	return c.pool.place(n.bits, c.single), suffix
}

// run writes the instructions and gives the register of the result.
func (c *compiled) run(y *node) Reg {
	for _, n := range y.order() {
		switch n.op {
		case "const", "input":
			continue
		}
		c.operation(n)
	}
	return c.at[y]
}

// predicates are those of VCMPPS and VCMPPD; none signals.
var predicates = map[string]Imm{
	"lt": 0x11, "le": 0x12, "gt": 0x1e, "ge": 0x1d, "eq": 0x00, "nlt": 0x15, "nle": 0x16, "ngt": 0x1a, "nge": 0x19, "ne": 0x04,
}

// operation writes one.
func (c *compiled) operation(n *node) {
	args := n.args
	switch n.op {
	case "select":
		c.selection(n)
		return
	case "both", "either":
		c.junction(n)
		return
	case "add", "mul", "and", "or", "xor", "iadd":
		if args[0].op == "const" {
			args = []*node{args[1], args[0]}
		}
	}
	if len(args) == 1 {
		r := c.register(args[0])
		c.done(args[0], r)
		c.at[n] = c.take("vector")
		switch n.op {
		case "sqrt":
			c.a.I(c.opcode("VSQRT"), r, c.at[n])
		case "shl":
			c.a.I("VPSLLQ", Imm(n.bits), r, c.at[n])
		case "shr":
			c.a.I("VPSRLQ", Imm(n.bits), r, c.at[n])
		default:
			panic("operation " + n.op)
		}
		return
	}
	x := c.register(args[0])
	y, suffix := c.last(args[1])
	c.done(args[0], x)
	c.done(args[1], "")
	if n.condition() {
		class := "vector"
		if c.a.v.masks {
			class = "mask"
		}
		c.at[n] = c.take(class)
		c.a.I(c.opcode("VCMP")+suffix, predicates[n.op], y, x, c.at[n])
		return
	}
	c.at[n] = c.take("vector")
	op := map[string]string{"iadd": "VPADDQ", "isub": "VPSUBQ"}[n.op]
	if op == "" {
		op = c.opcode(map[string]string{
			"add": "VADD", "sub": "VSUB", "mul": "VMUL", "div": "VDIV", "min": "VMIN", "max": "VMAX", "and": "VAND", "or": "VOR", "xor": "VXOR",
		}[n.op])
	}
	c.a.I(op+suffix, y, x, c.at[n])
}

// selection writes args[0] ? args[1] : args[2].
func (c *compiled) selection(n *node) {
	mask, otherwise := c.at[n.args[0]], c.register(n.args[2])
	then, suffix := c.last(n.args[1])
	c.done(n.args[0], "")
	c.done(n.args[1], "")
	c.done(n.args[2], otherwise)
	c.at[n] = c.take("vector")
	if c.a.v.masks {
		c.a.I(c.opcode("VBLENDM")+suffix, then, otherwise, mask, c.at[n])
	} else {
		c.a.I(c.opcode("VBLENDV"), mask, then, otherwise, c.at[n])
	}
}

// junction writes a conjunction or disjunction of conditions.
func (c *compiled) junction(n *node) {
	x, y := c.at[n.args[0]], c.at[n.args[1]]
	c.done(n.args[0], "")
	c.done(n.args[1], "")
	if c.a.v.masks {
		c.at[n] = c.take("mask")
		c.a.I(map[string]string{"both": "KANDW", "either": "KORW"}[n.op], y, x, c.at[n])
	} else {
		c.at[n] = c.take("vector")
		c.a.I(c.opcode(map[string]string{"both": "VAND", "either": "VOR"}[n.op]), y, x, c.at[n])
	}
}

// need is how many registers code needs.
type need struct{ vectors, conditions int }

// pressure gives what y needs, with so many inputs that are not kept.
func pressure(v *Vectors, y *node, pool *constants, inputs int) need {
	const many = 64
	free, places, kept := make([]Reg, many), map[string]Reg{}, map[string]bool{}
	for i := range free {
		free[i] = Reg(fmt.Sprint(v.prefix, i))
	}
	for name := range y.inputs() {
		places[name] = Reg(fmt.Sprint(v.prefix, many))
		kept[name] = true
	}
	c := newCompiled(&Asm{v: v}, y, false, pool, free, append(make([]Reg, 0), conditions...), places, kept)
	c.run(y)
	return need{many - c.least["vector"] + inputs, len(conditions) - c.least["mask"]}
}
