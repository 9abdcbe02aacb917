package bench

import (
	"embed"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/meseta-go/meseta/ops"
)

//go:embed inputs
var inputs embed.FS

// Inputs lists the lists of shapes that are built in, in alphabetical order: conv_resnet50 and so on. What a name begins with says of what.
func Inputs() []string {
	files, _ := inputs.ReadDir("inputs") // it cannot fail: the folder is a part of the program
	var names []string
	for _, f := range files {
		names = append(names, f.Name())
	}
	return names
}

// Input is the text of a built-in list.
func Input(name string) (string, error) {
	if !slices.Contains(Inputs(), name) {
		return "", fmt.Errorf("bench: there is no list of shapes %q, there are %s", name, strings.Join(Inputs(), ", "))
	}
	text, err := inputs.ReadFile(path.Join("inputs", name))
	return string(text), err
}

// Lines gives the shapes of a list: one a line, without empty lines and what follows a #.
func Lines(text string) (shapes []string) {
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		if line = strings.TrimSpace(line); line != "" {
			shapes = append(shapes, line)
		}
	}
	return shapes
}

// Passes of a convolution: dst from src and weights, and the gradients of src and of weights.
var Passes = []string{"forward", "data", "weights"}

// Operation is an operator whose cost is known.
type Operation interface {
	ops.Operator
	ops.Coster
}

// Case is one operation to measure.
type Case struct {
	Shape string // as it was written, without its name
	Name  string // what n"…" says
	Pass  string // one of Passes, or "product"
	Op    Operation
	In    []ops.Type
}

// maxDim bounds each number of a shape, so that sizes in bytes stay far from overflow.
const maxDim = 1 << 20

// shape is what a line says, keys and numbers.
type shape struct {
	text, name string
	numbers    map[string]int
}

// parse reads a shape as oneDNN's benchdnn writes them: keys and numbers in any order, and n"name" at the end; _ means nothing.
func parse(text string, keys ...string) (shape, error) {
	s := shape{numbers: map[string]int{}}
	wrong := func(what string) (shape, error) {
		return s, fmt.Errorf("bench: shape %s: %s", text, what)
	}
	rest, name, named := strings.Cut(text, `n"`)
	s.text = rest
	if named {
		var after string
		if s.name, after, named = strings.Cut(name, `"`); !named || after != "" {
			return wrong(`the name has no " at its end`)
		}
	}
	for rest = strings.ReplaceAll(rest, "_", ""); rest != ""; {
		n := strings.IndexFunc(rest, func(r rune) bool { return r < 'a' || r > 'z' })
		if n < 1 {
			return wrong(fmt.Sprintf("want a key and a number at %q", rest))
		}
		key := rest[:n]
		rest = rest[n:]
		n = strings.IndexFunc(rest, func(r rune) bool { return r < '0' || r > '9' })
		if n < 0 {
			n = len(rest)
		}
		value, err := strconv.Atoi(rest[:n])
		if err != nil || value > maxDim {
			return wrong(fmt.Sprintf("%s is %q, want a number up to %d", key, rest[:n], maxDim))
		}
		if !slices.Contains(keys, key) {
			return wrong(fmt.Sprintf("there is no key %s, there are %s", key, strings.Join(keys, ", ")))
		}
		if _, twice := s.numbers[key]; twice {
			return wrong(key + " is there twice")
		}
		s.numbers[key] = value
		rest = rest[n:]
	}
	return s, nil
}

// get is the number of a key, or what it is without.
func (s shape) get(key string, otherwise int) int {
	if v, ok := s.numbers[key]; ok {
		return v
	}
	return otherwise
}

// positive tells which of the keys has no number of at least 1.
func (s shape) positive(keys ...string) error {
	for _, key := range keys {
		if s.get(key, 0) < 1 {
			return fmt.Errorf("bench: shape %s: %s has to be there and at least 1", s.text, key)
		}
	}
	return nil
}

// fits tells whether a case's operands and results are of a size that can be measured.
func (c Case) fits() error {
	out, err := c.Op.Infer(c.In)
	if err != nil {
		return err
	}
	bytes := 0.0
	for _, t := range slices.Concat(c.In, out) {
		n := 4.0
		for _, d := range t.Shape {
			n *= float64(d)
		}
		bytes += n
	}
	const most = 32 << 30
	if bytes > most {
		return fmt.Errorf("bench: shape %s: operands and result have %.0f GiB, at most %d can be measured", c.Shape, bytes/(1<<30), most>>30)
	}
	return nil
}

// Shapes of a convolution and of a product of matrices, for those who have to write one.
const (
	ConvExample = "mb8ic64ih56oc64kh3ph1"
	GEMMExample = "m128n10k64"
)

// Conv gives the passes of a convolution: "mb8ic64ih56oc64kh3ph1" has 8 images of 56×56 pixels and 64 channels in, 64 channels out, filters of 3×3 and
// a row of padding on each side.
//
// The keys are benchdnn's: mb images; g groups; ic, ih, iw channels, rows and columns in; oc, oh, ow out; kh, kw the filter; sh, sw strides; ph, pw padding
// above and to the left; dh, dw rows and columns left out between neighbouring elements of the filter. Without iw, kw, sw, pw or dw the one of rows holds;
// without mb, g and strides 1, without padding and dilation 0, without oh and ow what equal padding on both sides gives. batch replaces mb unless it is 0.
func Conv(text string, batch int, passes []string) ([]Case, error) {
	s, err := parse(text, "mb", "g", "ic", "ih", "iw", "oc", "oh", "ow", "kh", "kw", "sh", "sw", "ph", "pw", "dh", "dw")
	if err == nil {
		err = s.positive("ic", "ih", "oc", "kh")
	}
	if err != nil {
		return nil, fmt.Errorf("%w; an example is %s", err, ConvExample)
	}
	both := func(rows, columns string, otherwise int) [2]int {
		r := s.get(rows, otherwise)
		return [2]int{r, s.get(columns, r)}
	}
	in, filter, out := both("ih", "iw", 0), both("kh", "kw", 0), both("oh", "ow", 0)
	w := ops.Window{Strides: both("sh", "sw", 1), Dilation: both("dh", "dw", 0), PadBefore: both("ph", "pw", 0)}
	for d := range 2 {
		w.Dilation[d]++
		w.PadAfter[d] = w.PadBefore[d]
		if out[d] > 0 {
			w.PadAfter[d] = max(0, (out[d]-1)*w.Strides[d]+(filter[d]-1)*w.Dilation[d]+1-in[d]-w.PadBefore[d])
		}
	}
	if batch == 0 {
		batch = s.get("mb", 1)
	}
	groups := s.get("g", 1)
	if batch < 1 || groups < 1 || s.numbers["ic"]%groups != 0 || min(in[1], filter[1], w.Strides[0], w.Strides[1]) < 1 {
		return nil, fmt.Errorf("bench: shape %s: mb, g, iw, kw, sh and sw have to be at least 1, and g a divisor of ic", text)
	}
	src, weights := ops.F32(batch, in[0], in[1], s.numbers["ic"]), ops.F32(filter[0], filter[1], s.numbers["ic"]/groups, s.numbers["oc"])
	o := ops.Conv2D{Window: w, Groups: ops.Groups(groups)}
	types, err := o.Infer([]ops.Type{src, weights})
	if err != nil {
		return nil, fmt.Errorf("bench: shape %s: %w", text, err)
	}
	dst := types[0]
	for d, want := range out {
		if want > 0 && dst.Shape[1+d] != want {
			return nil, fmt.Errorf("bench: shape %s gives %v, oh and ow say %d and %d", text, dst.Shape, out[0], out[1])
		}
	}
	var cases []Case
	for _, pass := range passes {
		c := Case{Shape: s.text, Name: s.name, Pass: pass}
		switch pass {
		case "forward":
			c.Op, c.In = o, []ops.Type{src, weights}
		case "data":
			c.Op, c.In = ops.Conv2DBackwardData{Window: w, Groups: o.Groups, Src: src.Shape}, []ops.Type{dst, weights}
		case "weights":
			c.Op, c.In = ops.Conv2DBackwardWeights{Window: w, Groups: o.Groups, Filter: weights.Shape}, []ops.Type{src, dst}
		default:
			return nil, fmt.Errorf("bench: a convolution has no pass %q, it has %s", pass, strings.Join(Passes, ", "))
		}
		if err := c.fits(); err != nil {
			return nil, err
		}
		cases = append(cases, c)
	}
	return cases, nil
}

// GEMM gives a product of matrices: "m128n10k64" multiplies [128,64] by [64,10]; with ta1 or tb1 the first or the second one is stored transposed.
func GEMM(text string) (Case, error) {
	s, err := parse(text, "m", "n", "k", "ta", "tb")
	if err == nil {
		err = s.positive("m", "n", "k")
	}
	if err != nil {
		return Case{}, fmt.Errorf("%w; an example is %s", err, GEMMExample)
	}
	m, n, k := s.numbers["m"], s.numbers["n"], s.numbers["k"]
	o := ops.MatMul{TransA: s.numbers["ta"] == 1, TransB: s.numbers["tb"] == 1}
	if s.numbers["ta"] > 1 || s.numbers["tb"] > 1 {
		return Case{}, fmt.Errorf("bench: shape %s: ta and tb are 0 or 1", text)
	}
	a, b := ops.F32(m, k), ops.F32(k, n)
	if o.TransA {
		a = ops.F32(k, m)
	}
	if o.TransB {
		b = ops.F32(n, k)
	}
	c := Case{Shape: s.text, Name: s.name, Pass: "product", Op: o, In: []ops.Type{a, b}}
	return c, c.fits()
}
