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
	for _, v := range []*Vectors{AVX2, AVX512, NEON} {
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
	elements := func(name string, arrays [][2]string) {
		formulaLoop{name: name, y: f.compile(name), arrays: arrays, parameters: true, single: exactInSingle[name]}.emit(file, pool)
	}
	var unaries, binaries strings.Builder
	for _, u := range unary {
		name, entry := u[0], ""
		if !inGo(u[1]) {
			elements("forward"+name, [][2]string{{"src", "x"}})
			entry += fmt.Sprintf("Forward: func(dst, src []float32, p *Parameters) { forward%s%s(at(dst), at(src), len(dst), p) },\n", name, v.Suffix)
		}
		if !inGo(u[2]) {
			from := "x"
			if strings.HasPrefix(u[2], "y: ") {
				from = "y"
			}
			elements("backward"+name, [][2]string{{"diffDst", "g"}, {"from", from}})
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
		for _, l := range []formulaLoop{
			{name: "each", arrays: [][2]string{{"as", "a"}, {"bs", "b"}}},
			{name: "right", arrays: [][2]string{{"as", "a"}}, numbers: []string{"b"}},
			{name: "left", arrays: [][2]string{{"bs", "b"}}, numbers: []string{"a"}},
		} {
			l.name, l.y, l.single = l.name+b[0], y, true
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
