package main

import (
	"fmt"
	"strconv"
	"strings"
)

// NEON is the vectors of arm64. Of its 32 registers the last four are the back end's own.
var NEON = &Vectors{Name: "neon", Suffix: "NEON", Arch: "arm64", Lanes: 4, Registers: 28, prefix: "V"}

// Families are written in the instructions of amd64: a small language of two-operand arithmetic, addresses with an index, and vectors.
// For arm64 lower turns each into the one, two or three that it takes there. What it knows is what the families use: another instruction
// is a panic. Inner loops that live from arithmetic are not written so but for NEON itself (tile_neon.go), with N and Word.
//
// Numbers have the same bits as on amd64: comparisons, maxima and minima choose as there, and fused stays fused. Flags are those of
// SUBQ, ADDQ, CMPQ and TESTQ before a jump.

// generalARM64 gives general registers their places. R16 and R17 hold operands for one instruction, R12 to R15 addresses (see address),
// R19 the number of lanes that Mask was given. R18 is the platform's, R27 the assembler's, R28 the goroutine, R29 and R30 frame and link.
var generalARM64 = map[Reg]string{
	"AX": "R0", "BX": "R1", "CX": "R2", "DX": "R3", "SI": "R4", "DI": "R5", "R8": "R6", "R9": "R7", "R10": "R8", "R11": "R9", "R12": "R10", "R13": "R11",
}

var addressRegisters = []string{"R12", "R13", "R14", "R15"}

const (
	maskCount          = "R19"
	spareOne, spareTwo = 30, 31 // vector registers
)

// addresses remembers which Base + Scale*Index the address registers hold.
type addresses struct {
	held [4]Mem
	next int
}

// forget drops the addresses that a register's new value makes wrong.
func (s *addresses) forget(r Reg) {
	for i, m := range s.held {
		if m.Base == r || m.Index == r {
			s.held[i] = Mem{}
		}
	}
}

// N writes an instruction of arm64 as it is.
func (a *Asm) N(op string, operands ...string) {
	a.line(strings.TrimRight("\t"+op+" "+strings.Join(operands, ", "), " "))
}

// Word writes an instruction that the assembler does not know.
func (a *Asm) Word(word uint32, text string) {
	if a.note != "" {
		text += ": " + a.note
	}
	a.note = text
	a.line(fmt.Sprintf("\tWORD $0x%08x", word))
}

// gpr is a general register's place.
func gpr(r Reg) string {
	place, ok := generalARM64[r]
	if !ok {
		panic("no general register " + string(r))
	}
	return place
}

// vectorNumber is i of Vi, or of Fi, which is the lower half of the same.
func vectorNumber(r any) int {
	s := string(r.(Reg))
	i, err := strconv.Atoi(s[1:])
	if err != nil || s[0] != 'V' && s[0] != 'F' {
		panic("no vector register " + s)
	}
	return i
}

// part names register i with an arrangement, "S4" or so.
func part(i int, arrangement string) string { return fmt.Sprintf("V%d.%s", i, arrangement) }

// address is a place as arm64 reaches it: a register and a distance. A sum of two registers stays in a register of its own until one of them
// changes or a label comes, for neighbouring vectors share it.
func (a *Asm) address(m Mem) string {
	disp := ""
	if m.Disp != 0 {
		disp = fmt.Sprint(m.Disp)
	}
	if m.Index == "" {
		return fmt.Sprintf("%s(%s)", disp, gpr(m.Base))
	}
	m.Disp = 0
	s := &a.sums
	for i, h := range s.held {
		if h == m {
			return fmt.Sprintf("%s(%s)", disp, addressRegisters[i])
		}
	}
	r := addressRegisters[s.next]
	s.held[s.next] = m
	s.next = (s.next + 1) % len(s.held)
	a.N("ADD", shifted(m), gpr(m.Base), r)
	return fmt.Sprintf("%s(%s)", disp, r)
}

// shifted is a place's index times its scale.
func shifted(m Mem) string {
	shift, ok := map[int]int{1: 0, 2: 1, 4: 2, 8: 3}[m.Scale]
	if !ok {
		panic(fmt.Sprintf("index times %d", m.Scale))
	}
	if shift == 0 {
		return gpr(m.Index)
	}
	return fmt.Sprintf("%s<<%d", gpr(m.Index), shift)
}

// place is the operand of a load or store.
func (a *Asm) place(x any) string {
	switch x := x.(type) {
	case Mem:
		return a.address(x)
	case Static:
		a.N("MOVD", "$"+operand(x), "R16")
		return "(R16)"
	case string:
		return x
	}
	panic(fmt.Sprintf("place of type %T", x))
}

// value is an operand of integer arithmetic: a register or a constant, loaded into R17 where it lies in memory.
func (a *Asm) value(x any) string {
	switch x := x.(type) {
	case Reg:
		return gpr(x)
	case Imm:
		return operand(x)
	}
	a.N("MOVD", a.place(x), "R17")
	return "R17"
}

// vector is the number of the register that holds an operand: its own, or spare where it lies in memory. like says how wide it is.
func (a *Asm) vector(x any, spare int, like Reg) int {
	if r, ok := x.(Reg); ok {
		return vectorNumber(r)
	}
	a.loadVector(x, Reg(string(like[:1])+fmt.Sprint(spare)))
	return spare
}

func (a *Asm) loadVector(x any, r Reg) {
	a.N(transfer(r), a.place(x), fmt.Sprintf("F%d", vectorNumber(r)))
}

// transfer moves all of a register, or its lower half.
func transfer(r Reg) string {
	if r[0] == 'F' {
		return "FMOVD"
	}
	return "FMOVQ"
}

// arithmetic are the vector instructions of two sources, less PS or PD: I("…", y, x, dst) is dst = x … y.
var arithmetic = map[string]string{"VADD": "fadd", "VSUB": "fsub", "VMUL": "fmul", "VDIV": "fdiv"}

// bitwise are those that Go's assembler knows.
var bitwise = map[string]string{"VAND": "VAND", "VOR": "VORR", "VXOR": "VEOR"}

// comparisons of VCMPPS and VCMPPD, by predicate: how x compares with y, or y with x, and whether the result is turned round.
var comparisons = map[Imm]struct {
	op            string
	swapped, turn bool
}{
	0x00: {"fcmeq", false, false}, 0x11: {"fcmgt", true, false}, 0x12: {"fcmge", true, false}, 0x1e: {"fcmgt", false, false}, 0x1d: {"fcmge", false, false},
	0x04: {"fcmeq", false, true}, 0x15: {"fcmgt", true, true}, 0x16: {"fcmge", true, true}, 0x1a: {"fcmgt", false, true}, 0x19: {"fcmge", false, true},
}

// three writes d = n op m for numbers of a kind, PS or PD.
func (a *Asm) three(op, kind string, d, n, m int) {
	format := map[string]string{"PS": " v%d.4s, v%d.4s, v%d.4s", "PD": " v%d.2d, v%d.2d, v%d.2d"}[kind]
	a.Word(same(op+format, d, n, m))
}

var jumps = map[string]string{"JEQ": "BEQ", "JNE": "BNE", "JLT": "BLT", "JLE": "BLE", "JGT": "BGT", "JGE": "BGE", "JMP": "B"}

// lower writes an instruction of amd64 for arm64, as one line of the function: its instructions stay together, for they share registers of
// the back end.
func (a *Asm) lower(op string, o ...any) {
	begin := len(a.lines)
	defer func() { a.lines = append(a.lines[:begin], strings.Join(a.lines[begin:], "\n")) }()
	last := o[len(o)-1]
	if r, ok := last.(Reg); ok {
		if _, general := generalARM64[r]; general && op != "CMPQ" && op != "TESTQ" {
			defer a.sums.forget(r)
		}
	}
	if jump, ok := jumps[op]; ok {
		a.N(jump, operand(o[0]))
		return
	}
	switch op {
	case "PCALIGN":
		a.N(op, operand(o[0]))
	case "MOVQ", "MOVL":
		a.lowerMove(op, o[0], o[1])
	case "ADDQ", "SUBQ":
		a.lowerSum(map[string]string{"ADDQ": "ADDS", "SUBQ": "SUBS"}[op], o[0], o[1])
	case "CMPQ":
		x := o[0]
		if _, register := x.(Reg); !register {
			a.N("MOVD", a.place(x), "R16")
			a.N("CMP", a.value(o[1]), "R16")
			return
		}
		a.N("CMP", a.value(o[1]), a.value(x))
	case "TESTQ":
		a.N("TST", a.value(o[0]), a.value(o[1]))
	case "XORQ", "XORL":
		if o[0] != o[1] {
			panic(op + " of two registers")
		}
		a.N("MOVD", "ZR", gpr(o[1].(Reg)))
	case "SHLQ":
		a.N("LSL", operand(o[0]), gpr(o[1].(Reg)))
	case "IMULQ":
		x := a.value(o[0])
		if _, constant := o[0].(Imm); constant {
			a.N("MOVD", x, "R17")
			x = "R17"
		}
		a.N("MUL", x, gpr(o[1].(Reg)))
	case "LEAQ":
		a.lowerAddress(o[0].(Mem), gpr(o[1].(Reg)))
	case "PREFETCHT0":
		a.N("PRFM", a.address(o[0].(Mem)), "PLDL1KEEP")
	default:
		a.lowerVector(op, o)
	}
}

func (a *Asm) lowerMove(op string, from, to any) {
	load, store := "MOVD", "MOVD"
	if op == "MOVL" {
		load, store = "MOVWU", "MOVW"
	}
	switch to := to.(type) {
	case Reg:
		if r, ok := from.(Reg); ok {
			a.N(load, gpr(r), gpr(to))
		} else if c, ok := from.(Imm); ok {
			a.N("MOVD", operand(c), gpr(to))
		} else {
			a.N(load, a.place(from), gpr(to))
		}
	default:
		a.N(store, gpr(from.(Reg)), a.place(to))
	}
}

// lowerSum is y += x or y -= x, with flags; y may lie in memory.
func (a *Asm) lowerSum(op string, x, y any) {
	if r, ok := y.(Reg); ok {
		a.N(op, a.value(x), gpr(r))
		return
	}
	place := a.place(y)
	a.N("MOVD", place, "R16")
	a.N(op, a.value(x), "R16")
	a.N("MOVD", "R16", place)
}

// lowerAddress leaves the flags alone.
func (a *Asm) lowerAddress(m Mem, dst string) {
	switch {
	case m.Base == "":
		a.N("LSL", fmt.Sprintf("$%d", map[int]int{2: 1, 4: 2, 8: 3}[m.Scale]), gpr(m.Index), dst)
	case m.Index != "":
		a.N("ADD", shifted(m), gpr(m.Base), dst)
	case m.Disp == 0:
		a.N("MOVD", gpr(m.Base), dst)
	default:
		a.N("ADD", fmt.Sprintf("$%d", m.Disp), gpr(m.Base), dst)
		return
	}
	if m.Disp != 0 {
		a.N("ADD", fmt.Sprintf("$%d", m.Disp), dst)
	}
}

func (a *Asm) lowerVector(op string, o []any) {
	last := o[len(o)-1]
	dst, ok := last.(Reg)
	if !ok { // a store
		if op != "VMOVUPS" && op != "VMOVUPD" {
			panic(op + " to memory")
		}
		r := o[0].(Reg)
		a.N(transfer(r), fmt.Sprintf("F%d", vectorNumber(r)), a.place(last))
		return
	}
	if op == "VMOVMSKPS" { // all that matters is whether there is a bit
		a.N("VUADDLV", part(vectorNumber(o[0]), "B16"), fmt.Sprint("V", spareTwo))
		a.N("FMOVD", fmt.Sprint("F", spareTwo), gpr(dst))
		return
	}
	d := vectorNumber(dst)
	name, kind := op[:len(op)-2], op[len(op)-2:]
	if arithmetic[name] != "" {
		m := a.vector(o[0], spareTwo, dst)
		a.three(arithmetic[name], kind, d, a.vector(o[1], spareOne, dst), m)
		return
	}
	if bitwise[name] != "" {
		a.N(bitwise[name], part(a.vector(o[0], spareTwo, dst), "B16"), part(vectorNumber(o[1]), "B16"), part(d, "B16"))
		return
	}
	switch op {
	case "VANDNPS": // y and not x
		a.Word(same("bic v%d.16b, v%d.16b, v%d.16b", d, vectorNumber(o[0]), vectorNumber(o[1])))
	case "VMOVUPS", "VMOVUPD":
		a.loadVector(o[0], dst)
	case "VMOVAPS":
		a.N("VMOV", part(vectorNumber(o[0]), "B16"), part(d, "B16"))
	case "VBROADCASTSD":
		a.N("FMOVD", a.place(o[0]), fmt.Sprint("F", d))
		a.N("VDUP", part(d, "D[0]"), part(d, "D2"))
	case "VBROADCASTSS":
		a.N("FMOVS", a.place(o[0]), fmt.Sprint("F", d))
		a.N("VDUP", part(d, "S[0]"), part(d, "S4"))
	case "VFMADD231PS", "VFNMADD231PS", "VFMADD231PD":
		fma, lanes := "VFMLA", "S4"
		if op == "VFNMADD231PS" {
			fma = "VFMLS"
		} else if kind == "PD" {
			lanes = "D2"
		}
		x := a.vector(o[0], spareTwo, dst)
		a.N(fma, part(x, lanes), part(vectorNumber(o[1]), lanes), part(d, lanes))
	case "VFMADD213PS": // dst = y·dst + x
		x := a.vector(o[0], spareTwo, dst)
		if x != spareTwo {
			a.N("VMOV", part(x, "B16"), part(spareTwo, "B16"))
		}
		a.N("VFMLA", part(vectorNumber(o[1]), "S4"), part(d, "S4"), part(spareTwo, "S4"))
		a.N("VMOV", part(spareTwo, "B16"), part(d, "B16"))
	case "VMAXPS", "VMINPS", "VMAXPD", "VMINPD":
		// x > y ? x : y, or x < y ? x : y: FMAX and FMIN treat NaN and zeros otherwise.
		y := a.vector(o[0], spareTwo, dst)
		x := vectorNumber(o[1])
		larger, smaller := x, y
		if name == "VMIN" {
			larger, smaller = y, x
		}
		mask := spareOne
		if d != x && d != y {
			mask = d
		}
		a.three("fcmgt", kind, mask, larger, smaller)
		a.choose(mask, x, y, d)
	case "VBLENDVPS", "VBLENDVPD":
		a.choose(vectorNumber(o[0]), a.vector(o[1], spareTwo, dst), vectorNumber(o[2]), d)
	case "VCMPPS", "VCMPPD":
		y := a.vector(o[1], spareTwo, dst)
		x := a.vector(o[2], spareOne, dst)
		predicate := o[0].(Imm)
		if predicate == 3 && x == y { // x is NaN: it is not x
			predicate = 4
		}
		c, ok := comparisons[predicate]
		if !ok {
			panic(fmt.Sprintf("comparison %d of %v and %v", predicate, o[1], o[2]))
		}
		if c.swapped {
			x, y = y, x
		}
		a.three(c.op, kind, d, x, y)
		if c.turn {
			a.Word(misc("mvn v%d.16b, v%d.16b", d, d))
		}
	case "VPCMPEQD":
		a.N("VCMEQ", part(vectorNumber(o[0]), "S4"), part(vectorNumber(o[1]), "S4"), part(d, "S4"))
	case "VPADDQ", "VPSUBQ":
		a.N(map[string]string{"VPADDQ": "VADD", "VPSUBQ": "VSUB"}[op], part(a.vector(o[0], spareTwo, dst), "D2"), part(vectorNumber(o[1]), "D2"), part(d, "D2"))
	case "VPSLLQ", "VPSRLQ":
		a.N(map[string]string{"VPSLLQ": "VSHL", "VPSRLQ": "VUSHR"}[op], operand(o[0]), part(vectorNumber(o[1]), "D2"), part(d, "D2"))
	case "VSQRTPS":
		a.Word(misc("fsqrt v%d.4s, v%d.4s", d, vectorNumber(o[0])))
	case "VSQRTPD":
		a.Word(misc("fsqrt v%d.2d, v%d.2d", d, vectorNumber(o[0])))
	case "VCVTPS2PD":
		a.Word(misc("fcvtl v%d.2d, v%d.2s", d, a.vector(o[0], d, "F")))
	case "VCVTPD2PSY":
		a.Word(misc("fcvtn v%d.2s, v%d.2d", d, vectorNumber(o[0])))
	default:
		panic("arm64.go cannot lower " + op + " yet")
	}
}

// choose is d = mask ? x : y, bit by bit. d may be any of the three.
func (a *Asm) choose(mask, x, y, d int) {
	switch d {
	case mask:
		a.N("VBSL", part(y, "B16"), part(x, "B16"), part(d, "B16"))
	case y:
		a.N("VBIT", part(mask, "B16"), part(x, "B16"), part(d, "B16"))
	case x:
		a.N("VBIF", part(mask, "B16"), part(y, "B16"), part(d, "B16"))
	default:
		a.N("VMOV", part(mask, "B16"), part(d, "B16"))
		a.N("VBSL", part(y, "B16"), part(x, "B16"), part(d, "B16"))
	}
}

// withoutRepeats leaves out loads of a constant into the register, or of its address into the one, that hold it already: vectors side by side
// use the same.
func withoutRepeats(text string) string {
	address, vector := "", "" // what R16 and V31 hold
	var kept []string
	for line := range strings.Lines(text) {
		code, comment, _ := strings.Cut(strings.TrimSpace(line), "//")
		code = strings.TrimSpace(code)
		constant, isAddress := strings.CutPrefix(code, "MOVD $")
		constant, ours := strings.CutSuffix(constant, "<>(SB), R16")
		switch {
		case isAddress && ours:
			if constant == address {
				continue
			}
			address = constant
		case code == "FMOVQ (R16), F31":
			if address != "" && vector == address {
				continue
			}
			vector = address
		default:
			to := code[strings.LastIndex(code, " ")+1:]
			if strings.HasSuffix(code, ":") {
				address, vector = "", ""
			}
			if strings.Contains(strings.ReplaceAll(code, "(R16)", ""), "R16") {
				address = ""
			}
			if word := strings.Fields(comment); strings.HasPrefix(code, "WORD") {
				to = strings.ToUpper(word[1])
			}
			if strings.HasPrefix(to, "V31.") || to == "V31" || to == "F31" {
				vector = ""
			}
		}
		kept = append(kept, strings.TrimRight(line, "\n"))
	}
	return strings.Join(kept, "\n")
}

// transferSome loads or stores the first lanes of a register, as many as Mask was given.
func (a *Asm) transferSome(m Mem, r Reg, store bool) {
	a.fresh++
	label := func(s string) string { return fmt.Sprintf("%s%d", s, a.fresh) }
	n := vectorNumber(r)
	register := fmt.Sprint("F", n)
	move := func(op, place string) {
		if store {
			a.N(op, register, place)
		} else {
			a.N(op, place, register)
		}
	}
	// Everything below goes through R16, so that nothing behind it depends on which way was taken.
	place := a.address(m)
	base := place[strings.Index(place, "(")+1 : len(place)-1]
	if m.Disp != 0 {
		a.N("ADD", fmt.Sprintf("$%d", m.Disp), base, "R16")
	} else {
		a.N("MOVD", base, "R16")
	}
	if r[0] == 'V' {
		a.N("TBNZ", "$2", maskCount, label("whole"))
	}
	a.N("TBZ", "$1", maskCount, label("single"))
	move("FMOVD", "(R16)")
	if r[0] == 'V' {
		a.N("TBZ", "$0", maskCount, label("moved"))
		a.N("ADD", "$8", "R16")
		if store {
			a.N("VST1", part(n, "S[2]"), "(R16)")
		} else {
			a.N("VLD1", "(R16)", part(n, "S[2]"))
		}
	}
	a.N("B", label("moved"))
	if r[0] == 'V' {
		a.lines = append(a.lines, label("whole")+":")
		move("FMOVQ", "(R16)")
		a.N("B", label("moved"))
	}
	a.lines = append(a.lines, label("single")+":")
	move("FMOVS", "(R16)")
	a.lines = append(a.lines, label("moved")+":")
}
