package main

import (
	"fmt"
	"go/ast"
	"go/build"
	"go/constant"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"math"
	"os"
	"os/exec"
	"strings"
)

// node is one operation on a vector: what an expression of a formula becomes. Equal operations of a formula are one node.
type node struct {
	op   string // the name of the operation, of those below
	args []*node
	bits uint64 // of a constant: a float64 or uint64; of a shift its count
	name string // of an input
}

// The operations of nodes. Conditions are masks: all bits of an element are set, or none.
//
//	const; input                       a number for all elements; an argument of the formula
//	add sub mul div                    of numbers
//	min max                            the second where one is NaN or both are zeros, as MINPD
//	sqrt and or xor                    of numbers, bit by bit
//	iadd isub shl shr                  of uint64
//	lt le gt ge eq, nlt nle ngt nge ne comparisons and their negations, which hold of NaN
//	both either                        of conditions
//	select                             args[0] ? args[1] : args[2]
var negations = map[string]string{"lt": "nlt", "le": "nle", "gt": "ngt", "ge": "nge", "eq": "ne"}

func init() {
	for a, b := range negations {
		negations[b] = a
	}
	negations["both"], negations["either"] = "either", "both"
}

// condition says whether a node is a mask.
func (n *node) condition() bool { return negations[n.op] != "" }

// formulas compiles functions written in Go to nodes: those of package vec's math.go, and of them what is handed to newFormulas. If statements
// become selections: both sides are computed.
type formulas struct {
	info      types.Info
	functions map[string]*ast.FuncDecl
	nodes     map[string]*node // by operation and arguments
}

// newFormulas reads math.go and the functions of source, which may call those of math.go.
func newFormulas(source string) *formulas {
	f := &formulas{
		info:      types.Info{Types: map[ast.Expr]types.TypeAndValue{}},
		functions: map[string]*ast.FuncDecl{},
	}
	set := token.NewFileSet()
	var files []*ast.File
	mathematics, err := os.ReadFile("../vec/math.go")
	if err != nil {
		fail(err)
	}
	for name, text := range map[string]string{"math.go": string(mathematics), "formulas": "package vec\n\nimport \"math\"\n\nvar _ = math.Pi\n" + source} {
		file, err := parser.ParseFile(set, name, text, 0)
		if err != nil {
			fail(err)
		}
		files = append(files, file)
		for _, d := range file.Decls {
			if d, ok := d.(*ast.FuncDecl); ok {
				f.functions[d.Name.Name] = d
			}
		}
	}
	root, err := exec.Command("go", "env", "GOROOT").Output() // a program built with -trimpath does not know it
	if err != nil {
		fail(err)
	}
	build.Default.GOROOT = strings.TrimSpace(string(root))
	config := types.Config{Importer: importer.ForCompiler(set, "source", nil)}
	if _, err := config.Check("vec", set, files, &f.info); err != nil {
		fail(err)
	}
	return f
}

// compile gives the result of a function as a node whose inputs are named as its parameters are.
func (f *formulas) compile(name string) *node {
	f.nodes = map[string]*node{}
	d := f.functions[name]
	env := map[string]*node{}
	for _, field := range d.Type.Params.List {
		for _, p := range field.Names {
			env[p.Name] = f.make(node{op: "input", name: p.Name})
		}
	}
	return f.block(d.Body.List, env)
}

// make gives the one node that is like n.
func (f *formulas) make(n node) *node {
	key := fmt.Sprint(n.op, " ", n.bits, " ", n.name)
	for _, a := range n.args {
		key += fmt.Sprintf(" %p", a)
	}
	if known := f.nodes[key]; known != nil {
		return known
	}
	f.nodes[key] = &n
	return &n
}

func (f *formulas) op(op string, args ...*node) *node { return f.make(node{op: op, args: args}) }

func (f *formulas) number(x float64) *node {
	return f.make(node{op: "const", bits: math.Float64bits(x)})
}

func (f *formulas) choose(c, a, b *node) *node {
	if a == b {
		return a
	}
	return f.op("select", c, a, b)
}

// block runs statements on the variables in env, and gives what they return, or nil.
func (f *formulas) block(list []ast.Stmt, env map[string]*node) *node {
	for i, s := range list {
		switch s := s.(type) {
		case *ast.ReturnStmt:
			return f.expr(s.Results[0], env)
		case *ast.AssignStmt:
			f.assign(s, env)
		case *ast.BlockStmt:
			if y := f.block(s.List, env); y != nil {
				return y
			}
		case *ast.IfStmt:
			c := f.expr(s.Cond, env)
			then, otherwise := copyOf(env), env
			y := f.block(s.Body.List, then)
			var rest []ast.Stmt
			if s.Else != nil {
				rest = []ast.Stmt{s.Else}
			}
			if y != nil {
				return f.choose(c, y, f.block(append(rest, list[i+1:]...), otherwise))
			}
			if f.block(rest, otherwise) != nil {
				panic("a formula returns in the else alone")
			}
			for name := range env {
				env[name] = f.choose(c, then[name], otherwise[name])
			}
		default:
			panic(fmt.Sprintf("statement of type %T in a formula", s))
		}
	}
	return nil
}

func copyOf[V any](m map[string]V) map[string]V {
	c := map[string]V{}
	for name, v := range m {
		c[name] = v
	}
	return c
}

func (f *formulas) assign(s *ast.AssignStmt, env map[string]*node) {
	name, y := s.Lhs[0].(*ast.Ident).Name, f.expr(s.Rhs[0], env)
	switch s.Tok {
	case token.DEFINE, token.ASSIGN:
		env[name] = y
	case token.ADD_ASSIGN:
		env[name] = f.op("add", env[name], y)
	default:
		panic("assignment " + s.Tok.String() + " in a formula")
	}
}

func (f *formulas) expr(e ast.Expr, env map[string]*node) *node {
	t := f.info.Types[e]
	if t.Value != nil {
		if t.Type.Underlying().(*types.Basic).Info()&types.IsInteger != 0 {
			x, exact := constant.Uint64Val(constant.ToInt(t.Value))
			if !exact {
				panic("integer constant " + t.Value.String())
			}
			return f.make(node{op: "const", bits: x})
		}
		x, _ := constant.Float64Val(constant.ToFloat(t.Value))
		return f.number(x)
	}
	switch e := e.(type) {
	case *ast.ParenExpr:
		return f.expr(e.X, env)
	case *ast.Ident:
		if env[e.Name] == nil {
			panic("no variable " + e.Name)
		}
		return env[e.Name]
	case *ast.UnaryExpr:
		x := f.expr(e.X, env)
		switch e.Op {
		case token.SUB:
			return f.negative(x)
		case token.NOT:
			return f.not(x)
		}
		panic("operator " + e.Op.String() + " in a formula")
	case *ast.BinaryExpr:
		return f.binary(e, f.expr(e.X, env), f.expr(e.Y, env))
	case *ast.CallExpr:
		return f.call(e, env)
	}
	panic(fmt.Sprintf("expression of type %T in a formula", e))
}

func (f *formulas) negative(x *node) *node { return f.op("xor", x, f.number(math.Copysign(0, -1))) }

func (f *formulas) not(c *node) *node {
	if c.op == "both" || c.op == "either" {
		return f.op(negations[c.op], f.not(c.args[0]), f.not(c.args[1]))
	}
	return f.op(negations[c.op], c.args[0], c.args[1])
}

func (f *formulas) binary(e *ast.BinaryExpr, x, y *node) *node {
	if b, ok := f.info.Types[e.X].Type.Underlying().(*types.Basic); ok && b.Kind() == types.Uint64 {
		switch e.Op {
		case token.SHL, token.SHR:
			return f.make(node{op: map[token.Token]string{token.SHL: "shl", token.SHR: "shr"}[e.Op], args: []*node{x}, bits: y.bits})
		case token.ADD:
			return f.op("iadd", x, y)
		case token.SUB:
			return f.op("isub", x, y)
		case token.OR:
			return f.op("or", x, y)
		case token.AND:
			return f.op("and", x, y)
		}
		panic("operator " + e.Op.String() + " of integers in a formula")
	}
	op := map[token.Token]string{
		token.ADD: "add", token.SUB: "sub", token.MUL: "mul", token.QUO: "div", token.LSS: "lt", token.LEQ: "le", token.GTR: "gt",
		token.GEQ: "ge", token.EQL: "eq", token.NEQ: "ne", token.LAND: "both", token.LOR: "either",
	}[e.Op]
	if op == "" {
		panic("operator " + e.Op.String() + " in a formula")
	}
	if op == "div" && y.op == "const" {
		if fraction, _ := math.Frexp(math.Float64frombits(y.bits)); fraction == 0.5 { // a power of two: the product is the same
			return f.op("mul", x, f.number(1/math.Float64frombits(y.bits)))
		}
	}
	return f.op(op, x, y)
}

func (f *formulas) call(e *ast.CallExpr, env map[string]*node) *node {
	if f.info.Types[e.Fun].IsType() { // float64(x) of a float64
		return f.expr(e.Args[0], env)
	}
	name := ""
	switch fun := e.Fun.(type) {
	case *ast.Ident:
		name = fun.Name
	case *ast.SelectorExpr:
		name = fun.X.(*ast.Ident).Name + "." + fun.Sel.Name
	}
	if name == "math.Inf" {
		return f.number(math.Inf(constant.Sign(f.info.Types[e.Args[0]].Value)))
	}
	var args []*node
	for _, a := range e.Args {
		args = append(args, f.expr(a, env))
	}
	switch name {
	case "math.Abs":
		return f.op("and", args[0], f.make(node{op: "const", bits: 1<<63 - 1}))
	case "math.Sqrt":
		return f.op("sqrt", args[0])
	case "math.Float64bits", "math.Float64frombits":
		return args[0]
	case "math.NaN":
		return f.number(math.NaN())
	case "min", "max":
		return f.extreme(name, args[0], args[1])
	}
	d := f.functions[name]
	if d == nil {
		panic("function " + name + " in a formula")
	}
	inner := map[string]*node{}
	for _, field := range d.Type.Params.List {
		for _, p := range field.Names {
			inner[p.Name] = args[len(inner)]
		}
	}
	return f.block(d.Body.List, inner)
}

// extreme is Go's min or max, where NaN stays and -0 is less than 0.
func (f *formulas) extreme(name string, x, y *node) *node {
	if x.op == "const" {
		x, y = y, x
	}
	if y.op == "const" && math.Float64frombits(y.bits) != 0 {
		return f.op(name, y, x)
	}
	if y.op == "const" && y.bits == 0 && name == "max" {
		return f.op("add", f.op("max", y, x), y) // -0 + 0 = 0
	}
	if name == "max" {
		return f.negative(f.extreme("min", f.negative(x), f.negative(y)))
	}
	// As Go's compiler: the first minimum loses NaN where x is, the second where y is, and both choose a zero of the other sign.
	first := f.op("min", x, y)
	return f.op("or", first, f.op("min", first, x))
}

// inputs gives the names of the inputs that a node reads.
func (n *node) inputs() map[string]bool {
	names := map[string]bool{}
	for _, n := range n.order() {
		if n.op == "input" {
			names[n.name] = true
		}
	}
	return names
}

// order lists the nodes that y needs, each behind its arguments, of which those that need more registers come first.
func (y *node) order() (list []*node) {
	depth := map[*node]int{}
	var measure func(n *node) int
	measure = func(n *node) int {
		if d, ok := depth[n]; ok {
			return d
		}
		d := 0
		for _, a := range n.args {
			d = max(d, measure(a)+1)
		}
		depth[n] = d
		return d
	}
	measure(y)
	done := map[*node]bool{}
	var visit func(n *node)
	visit = func(n *node) {
		if done[n] {
			return
		}
		done[n] = true
		args := append([]*node{}, n.args...)
		for len(args) > 0 {
			deepest := 0
			for i, a := range args {
				if depth[a] > depth[args[deepest]] {
					deepest = i
				}
			}
			visit(args[deepest])
			args = append(args[:deepest], args[deepest+1:]...)
		}
		list = append(list, n)
	}
	visit(y)
	return list
}

// String is the formula, for panics.
func (n *node) String() string {
	switch n.op {
	case "const":
		return fmt.Sprint(math.Float64frombits(n.bits))
	case "input":
		return n.name
	}
	var args []string
	for _, a := range n.args {
		args = append(args, a.String())
	}
	return n.op + "(" + strings.Join(args, ", ") + ")"
}
