package main

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

func init() { register("scores", scoreFiles) }

// score is a loop over the elements of a row: y of x, and d or t, and of numbers that are the same for all. With sum, Σ y.
type score struct {
	name, doc string
	arrays    []string
	numbers   []string
	formula   string
	sum       bool
}

var scores = []score{
	{"Sum", "Σ x[i].", []string{"x"}, nil, "y := x", true},
	{"Dot", "Σ x[i]·d[i].", []string{"x", "d"}, nil, "y := x * d", true},
	{"SumExp", "Σ exp(x[i]-m).", []string{"x"}, []string{"m"}, "y := exp(x - m)", true},
	{"ExpTimes", "dst[i] = exp(x[i]-m)·scale.", []string{"x"}, []string{"m", "scale"}, "y := exp(x-m) * scale", false},
	{"Less", "dst[i] = x[i] - m.", []string{"x"}, []string{"m"}, "y := x - m", false},
	{"SoftmaxBackward", "dst[i] = x[i]·(d[i]-sum).", []string{"x", "d"}, []string{"sum"}, "y := x * (d - sum)", false},
	{"LogSoftmaxBackward", "dst[i] = d[i] - exp(x[i])·sum.", []string{"x", "d"}, []string{"sum"}, "y := d - exp(x)*sum", false},
	{"CrossEntropy", "Σ t[i]·(log-(x[i]-m)), where t[i] is not 0.", []string{"x", "t"}, []string{"m", "log"},
		"y := 0.0; if t != 0 { y = t * (log - (x - m)) }", true},
	{"CrossEntropyBackward", "dst[i] = scale·(exp(x[i]-m)·share - t[i]).", []string{"x", "t"}, []string{"scale", "m", "share"},
		"y := scale * (exp(x-m)*share - t)", false},
	{"LogLoss", "Σ -t[i]·log clip(x[i]/sum), between ClipLow and ClipHigh.", []string{"x", "t"}, []string{"sum"},
		"y := -t * log(max(min(x/sum, ClipHigh), ClipLow))", true},
	{"Open", "Σ t[i], where x[i]/sum is from ClipLow to ClipHigh.", []string{"x", "t"}, []string{"sum"},
		"q := x / sum; y := 0.0; if q >= ClipLow && q <= ClipHigh { y = t }", true},
	{"LogLossBackward", "dst[i] = scale·(open - t[i]/(x[i]/sum)), without the second term where Open leaves t[i] out.", []string{"x", "t"}, []string{"scale", "sum", "open"},
		"q := x / sum; d := open; if q >= ClipLow && q <= ClipHigh { d = open - t/q }; y := scale * d", false},
	{"BinaryCrossEntropy", "Σ max(x[i], 0) - x[i]·t[i] + log(1+exp(-|x[i]|)).", []string{"x", "t"}, nil,
		"y := max(x, 0) - x*t + logFrom1to2(exp(-math.Abs(x)))", true},
	{"BinaryCrossEntropyBackward", "dst[i] = scale·(1/(1+exp(-x[i])) - t[i]).", []string{"x", "t"}, []string{"scale"}, "y := scale * (sigmoid(x) - t)", false},
	{"BinaryLogLoss", "Σ -(t[i]·log q + (1-t[i])·log(1-q)), q being x[i] clipped between ClipLow and ClipHigh32.", []string{"x", "t"}, nil,
		"q := max(min(x, ClipHigh32), ClipLow); y := -(t*log(q) + (1-t)*log(1-q))", true},
	{"BinaryLogLossBackward", "dst[i] = scale·((1-t[i])/(1-x[i]) - t[i]/x[i]), and 0 where x[i] would be clipped.", []string{"x", "t"}, []string{"scale"},
		"y := scale * ((1-t)/(1-x) - t/x); if x < ClipLow || x > ClipHigh32 { y = 0 }", false},
}

// lower is the name of the function.
func (s score) lower() string { return "score" + s.name }

// parameters are those of the function in Go.
func (s score) parameters() string {
	p := strings.Join(s.arrays, ", ") + " []float32"
	if !s.sum {
		p = "dst, " + p
	}
	if s.numbers != nil {
		p += ", " + strings.Join(s.numbers, ", ") + " float64"
	}
	return p
}

func (s score) result() string { return map[bool]string{true: " float64", false: ""}[s.sum] }

func scoreFiles() []*File {
	var source strings.Builder
	for _, s := range scores {
		fmt.Fprintf(&source, "func %s(%s float64) float64 {\n%s\nreturn y\n}\n", s.lower(), strings.Join(append(slices.Clone(s.arrays), s.numbers...), ", "), statements(s.formula))
	}
	f := newFormulas(source.String())
	writeGo("vec/score_loops.go", scoreLoops())
	var files []*File
	for _, v := range []*Vectors{AVX2, AVX512, NEON} {
		files = append(files, scoreFile(f, v))
	}
	return files
}

// scoreFile is the file of an instruction set.
func scoreFile(f *formulas, v *Vectors) *File {
	file := NewFile("vec", "scores_"+v.Name, v)
	file.LaneNumbers()
	pool := &constants{file, map[Static]bool{}}
	largest(file, pool)
	table := fmt.Sprintf("Largest: func(x []float32) float32 {\nvar y float32\nlargest%s(at(x), len(x), &y)\nreturn y\n},\n", v.Suffix)
	for _, s := range scores {
		l := formulaLoop{name: s.lower(), y: f.compile(s.lower()), numbers: s.numbers, sum: s.sum}
		for _, array := range s.arrays {
			l.arrays = append(l.arrays, [2]string{array, array})
		}
		l.emit(file, pool)
		var args []string
		if !s.sum {
			args = append(args, "at(dst)")
		}
		for _, array := range s.arrays {
			args = append(args, "at("+array+")")
		}
		args = append(append(args, "len(x)"), s.numbers...)
		call := fmt.Sprintf("%s%s(%s", s.lower(), v.Suffix, strings.Join(args, ", "))
		body := call + ")"
		if s.sum {
			body = "\nvar y float64\n" + call + ", &y)\nreturn y\n"
		}
		table += fmt.Sprintf("%s: func(%s)%s { %s },\n", s.name, s.parameters(), s.result(), body)
	}
	file.Go("// scores%[1]s are the loops for %[1]s.\nvar scores%[1]s = ScoreLoops{\n%[2]s}\n", v.Suffix, table)
	return file
}

// scoreLoops is the loops in Go, and their table.
func scoreLoops() string {
	var b strings.Builder
	b.WriteString(`import "math"

// ScoreLoops are the loops over one row of scores that softmax and the losses consist of. n is len(x), the other slices are as long; they may
// be the same. They compute in float64, of which what is stored is rounded once. Sums are added in one order, so all is exact on amd64.
type ScoreLoops struct {
	// Largest gives the largest of the x[i] that are not NaN, -∞ where there is none.
	Largest func(x []float32) float32
`)
	table := "Largest: scoreLargest,\n"
	for _, s := range scores {
		fmt.Fprintf(&b, "\t// %s\n\t%s func(%s)%s\n", s.doc, s.name, s.parameters(), s.result())
		table += fmt.Sprintf("%s: %s,\n", s.name, s.lower())
	}
	fmt.Fprintf(&b, "}\n\nvar portableScores = ScoreLoops{\n%s}\n", table)
	for _, s := range scores {
		var elements, wide, lengths []string
		for _, array := range s.arrays {
			elements = append(elements, array+"[i]")
			wide = append(wide, "float64("+array+"32)")
			lengths = append(lengths, array+"[:len(x)]")
		}
		args := strings.Join(append(elements, s.numbers...), ", ")
		numbers := ""
		if s.numbers != nil {
			numbers = ", " + strings.Join(s.numbers, ", ") + " float64"
		}
		variables := fmt.Sprintf("%s := %s\n%s", strings.Join(s.arrays, ", "), strings.Join(wide, ", "), statements(s.formula))
		inline := !slices.ContainsFunc(far, func(f string) bool { return words(s.formula)[f] })
		y, before := fmt.Sprintf("%sOf(%s)", s.lower(), args), ""
		if inline {
			y, before = "y", strings.ReplaceAll(variables, "32)", "[i])")+"\n"
		} else {
			fmt.Fprintf(&b, "\n//go:noinline\nfunc %sOf(%s32 float32%s) float64 {\n%s\nreturn y\n}\n", s.lower(), strings.Join(s.arrays, "32, "), numbers, variables)
		}
		fmt.Fprintf(&b, "\nfunc %s(%s)%s {\n", s.lower(), s.parameters(), s.result())
		if len(lengths) > 1 {
			fmt.Fprintf(&b, "%s = %s\n", strings.Join(s.arrays[1:], ", "), strings.Join(lengths[1:], ", "))
		}
		if s.sum {
			fmt.Fprintf(&b, "var sums [8]float64\nfor i := range x {\n%ssums[i%%8] += %s\n}\nreturn total(&sums)\n}\n", before, y)
		} else {
			fmt.Fprintf(&b, "dst = dst[:len(x)]\nfor i := range x {\n%sdst[i] = float32(%s)\n}\n}\n", before, y)
		}
	}
	b.WriteString(`
// total adds up sums as the loops in assembly do, whose vectors hold eight or four.
func total(s *[8]float64) float64 {
	return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]))
}

func scoreLargest(x []float32) float32 {
	y := float32(math.Inf(-1))
	for _, v := range x {
		if v > y {
			y = v
		}
	}
	return y
}
`)
	return b.String()
}

// largest writes ScoreLoops.Largest.
func largest(file *File, pool *constants) {
	v := file.vectors
	low := pool.place(math.Float64bits(math.Inf(-1)), true)
	file.Func("largest"+v.Suffix, "", "x *float32, n int, y *float32", 0, func(a *Asm) {
		best, x, mask := v.R(0), v.R(1), Reg("K1")
		at := Mem{Base: "AX", Index: index, Scale: 4}
		a.Param("x", "AX")
		a.Param("n", size)
		if v.masks {
			a.Broadcast(low, best)
		} else {
			mask = v.R(2)
			a.I("VMOVUPS", low, best)
		}
		a.I("XORQ", index, index)
		a.Label("loop")
		a.I("LEAQ", Mem{Base: index, Disp: v.Lanes}, next)
		a.I("CMPQ", next, size)
		a.I("JGT", To("rest"))
		a.Load(at, x)
		a.Note("the other where x is NaN").Max(x, best, best)
		a.I("MOVQ", next, index)
		a.I("JMP", To("loop"))
		a.Label("rest")
		a.I("MOVQ", size, Reg("CX"))
		a.I("SUBQ", index, Reg("CX"))
		a.I("JEQ", To("done"))
		if v == NEON {
			a.Label("one")
			a.Note("one by one").Broadcast(at, x)
			a.Max(x, best, best)
			a.I("ADDQ", Imm(1), index)
			a.I("CMPQ", index, size)
			a.I("JLT", To("one"))
			a.Label("done")
			a.Word(misc("fmaxv s%d, v%d.4s", 0, vectorNumber(best)))
			a.Param("y", "BX")
			a.N("FMOVS", float(0), "("+gpr("BX")+")")
			a.Return()
			return
		}
		a.Mask("CX", next, mask)
		a.LoadMasked(at, mask, x)
		if v.masks {
			a.I("VMAXPS", best, x, mask, best)
		} else {
			a.I("VBLENDVPS", mask, x, best, x)
			a.Max(x, best, best)
		}
		a.Label("done")
		if v.masks {
			a.I("VEXTRACTF64X4", Imm(1), best, v.half(x))
			a.I("VMAXPS", v.half(best), v.half(x), v.half(best))
		}
		xs, bests := "X"+x[1:], "X"+best[1:]
		a.I("VEXTRACTF128", Imm(1), "Y"+best[1:], xs)
		a.I("VMAXPS", bests, xs, bests)
		for _, order := range []Imm{0x4e, 0xb1} {
			a.I("VPERMILPS", order, bests, xs)
			a.I("VMAXPS", bests, xs, bests)
		}
		a.Param("y", "BX")
		a.I("VMOVSS", bests, Mem{Base: "BX"})
		a.Return()
	})
}
