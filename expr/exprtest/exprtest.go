// Package exprtest holds expressions of package expr against Gorgonia's own machine. Nothing but tests imports it.
package exprtest

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/meseta-go/meseta/expr"
	"github.com/meseta-go/meseta/kernels"
	"github.com/meseta-go/meseta/kernels/cpu"
	"github.com/meseta-go/meseta/kernels/interpret"
	"github.com/meseta-go/meseta/ops"
)

// Expression is a function of inputs of some shapes.
type Expression struct {
	Shapes []ops.Shape
	Build  func(in []*gorgonia.Node) (*gorgonia.Node, error)
	// Inputs are drawn uniformly from Low to High; both 0 means -1 to 1.
	Low, High float32
	// Gradients, if not nil, are the right gradients of Σ seed·result, where Gorgonia's are wrong.
	Gradients func(in [][]float32, seed []float32) [][]float32
}

// Check computes an expression and its gradients with Gorgonia's machine and through our operations. They must agree to 1e-5 of the largest number.
func Check(t *testing.T, e Expression) {
	t.Helper()
	device, err := kernels.NewCPU(cpu.Config{Threads: 2})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, device.Close()) })
	if e.Low == e.High {
		e.Low, e.High = -1, 1
	}
	rng := rand.New(rand.NewPCG(1, 2))
	var in [][]float32
	most := 0
	for _, s := range e.Shapes {
		x := make([]float32, s.Size())
		for i := range x {
			x[i] = e.Low + (e.High-e.Low)*rng.Float32()
		}
		in = append(in, x)
		most += len(x)
	}
	seed := make([]float32, most*most)
	for i := range seed {
		seed[i] = rng.Float32() + .5
	}
	want, wantDiff := gorgonias(t, e, in, seed)
	got, gotDiff := ours(t, device, e, in, seed)
	if e.Gradients != nil {
		wantDiff = e.Gradients(in, seed)
	}
	assertClose(t, want, got, "result")
	for i := range wantDiff {
		assertClose(t, wantDiff[i], gotDiff[i], fmt.Sprintf("gradient of input %d", i))
	}
}

func assertClose(t *testing.T, want, got []float32, what string) {
	t.Helper()
	largest := float32(1)
	for _, x := range want {
		largest = max(largest, x, -x)
	}
	assert.InDeltaSlice(t, want, got, 1e-5*float64(largest), what)
}

// gorgonias computes an expression's value and gradients of its sum, weighted by seed, with Gorgonia's own machine.
func gorgonias(t *testing.T, e Expression, in [][]float32, seed []float32) (value []float32, gradients [][]float32) {
	g := gorgonia.NewGraph()
	nodes := make([]*gorgonia.Node, len(in))
	for i, x := range in {
		s := e.Shapes[i]
		nodes[i] = gorgonia.NewTensor(g, tensor.Float32, len(s), gorgonia.WithShape(s...), gorgonia.WithName(string(rune('a'+i))),
			gorgonia.WithValue(tensor.New(tensor.WithShape(s...), tensor.WithBacking(append([]float32{}, x...)))))
	}
	y, err := e.Build(nodes)
	require.NoError(t, err)
	var read gorgonia.Value
	gorgonia.Read(y, &read)
	total := y
	if !y.IsScalar() {
		w := gorgonia.NewTensor(g, tensor.Float32, y.Dims(), gorgonia.WithShape(y.Shape()...), gorgonia.WithName("seed"),
			gorgonia.WithValue(tensor.New(tensor.WithShape(y.Shape()...), tensor.WithBacking(append([]float32{}, seed[:y.Shape().TotalSize()]...)))))
		total = gorgonia.Must(gorgonia.Sum(gorgonia.Must(gorgonia.HadamardProd(y, w))))
	} else {
		total = gorgonia.Must(gorgonia.Mul(y, gorgonia.NewConstant(seed[0])))
	}
	diff, err := gorgonia.Grad(total, nodes...)
	require.NoError(t, err)
	machine := gorgonia.NewTapeMachine(g)
	defer machine.Close()
	require.NoError(t, machine.RunAll())
	for _, d := range diff {
		gradients = append(gradients, numbers(d.Value().Data()))
	}
	return numbers(read.Data()), gradients
}

func numbers(x any) []float32 {
	if f, ok := x.(float32); ok {
		return []float32{f}
	}
	return append([]float32{}, x.([]float32)...)
}

// ours computes the same through our operations.
func ours(t *testing.T, device kernels.Device, e Expression, in [][]float32, seed []float32) (value []float32, gradients [][]float32) {
	g := &ops.Graph{}
	values := make([]ops.Value, len(in))
	given := map[ops.Value]any{}
	for i, x := range in {
		values[i] = g.NewValue("", ops.Type{Shape: e.Shapes[i]}, ops.Input)
		given[values[i]] = x
	}
	y, err := expr.Lower(g, values, e.Build)
	require.NoError(t, err)
	w := g.NewValue("", g.Type(y), ops.Input)
	given[w] = seed[:g.Type(y).Shape.Size()]
	diff, err := g.Gradients(y, w, values)
	require.NoError(t, err)
	run := interpret.Run(t, device, g, given)
	for i, d := range diff {
		if d == ops.None {
			gradients = append(gradients, make([]float32, len(in[i])))
			continue
		}
		gradients = append(gradients, run.Float32(d))
	}
	return run.Float32(y), gradients
}
