package kernels

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/meseta-go/meseta/kernels/arrange"
	"github.com/meseta-go/meseta/kernels/elementwise"
	"github.com/meseta-go/meseta/kernels/gemm"
	"github.com/meseta-go/meseta/kernels/reduce"
	"github.com/meseta-go/meseta/kernels/softmax"
	"github.com/meseta-go/meseta/ops"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/diff/fd"
)

// evaluate runs a graph in float64 on the definitions of the kernels; values has the values that no operation makes.
func evaluate(t *testing.T, g *ops.Graph, values map[ops.Value][]float64) {
	for _, op := range g.Ops {
		var in [][]float64
		var s []ops.Shape
		for _, v := range op.In {
			in, s = append(in, values[v]), append(s, g.Type(v).Shape)
		}
		to := g.Type(op.Out[0]).Shape
		dst := make([]float64, to.Size())
		switch o := op.Operator.(type) {
		case ops.Unary:
			elementwise.ReferenceUnary(o, dst, in[0])
		case ops.UnaryBackward:
			elementwise.ReferenceUnaryBackward(o, dst, in[0], in[1])
		case ops.Binary:
			elementwise.ReferenceBinary(o.Func, s[0], s[1], dst, in[0], in[1])
		case ops.Add:
			elementwise.ReferenceAdd(dst, in[0], in[1])
		case ops.Affine:
			elementwise.ReferenceAffine(dst, in[0], float64(o.Scale), float64(o.Offset))
		case ops.Reduce:
			over, err := o.Over(s[0])
			require.NoError(t, err)
			reduce.Reference(o.Func, s[0], over, dst, in[0])
		case ops.SumTo:
			reduce.Reference(ops.Sum, s[0], o.Over(s[0]), dst, in[0])
		case ops.Broadcast:
			arrange.ReferenceBroadcast(s[0], to, dst, in[0])
		case ops.Transpose:
			arrange.ReferenceTranspose(s[0], o.Perm, dst, in[0])
		case ops.Concat:
			var channels []int
			for _, s := range s {
				channels = append(channels, s[len(s)-1])
			}
			arrange.ReferenceConcat(to.Size()/to[len(to)-1], channels, dst, in)
		case ops.Channels:
			arrange.ReferenceChannels(to.Size()/o.Count, s[0][len(s[0])-1], o.First, o.Count, dst, in[0])
		case ops.Reshape:
			copy(dst, in[0])
		case ops.BatchMatMul:
			count, m, n, k := o.Dims(s[0], s[1])
			for i := range count {
				gemm.Reference(gemm.Params{M: m, N: n, K: k, TransA: o.TransA, TransB: o.TransB}, dst[i*m*n:][:m*n], in[0][i*m*k:][:m*k], in[1][i*k*n:][:k*n], nil)
			}
		case ops.Softmax:
			softmax.ReferenceForward(to[len(to)-1], dst, in[0])
		case ops.SoftmaxBackward:
			softmax.ReferenceBackward(to[len(to)-1], dst, in[0], in[1])
		case ops.LogSoftmax:
			softmax.ReferenceLogForward(to[len(to)-1], dst, in[0])
		case ops.LogSoftmaxBackward:
			softmax.ReferenceLogBackward(to[len(to)-1], dst, in[0], in[1])
		default:
			t.Fatalf("no definition of %s", o.Name())
		}
		values[op.Out[0]] = dst
	}
}

// TestGradientsOfPrimitives holds the operations that each primitive emits as its gradient against central differences.
func TestGradientsOfPrimitives(t *testing.T) {
	type primitive struct {
		op ops.Operator
		in []ops.Shape
	}
	var list []primitive
	for fn := range ops.Greater {
		for _, s := range [][]ops.Shape{{{3, 4}, {3, 4}}, {{3, 4}, {4}}, {{4}, {3, 4}}, {{3, 1}, {2, 1, 4}}, {{}, {3, 4}}, {{1, 1}, {3, 4}}} {
			list = append(list, primitive{ops.Binary{Func: fn}, s})
		}
	}
	for fn := range ops.Min + 1 {
		for _, o := range []ops.Reduce{{}, {KeepDims: true}, {Axes: []int{0}}, {Axes: []int{-1}}, {Axes: []int{0, 2}, KeepDims: true}, {Axes: []int{1}}} {
			o.Func = fn
			list = append(list, primitive{o, []ops.Shape{{2, 3, 4}}})
		}
	}
	for fn := range ops.UnaryFuncs {
		if fn != ops.Sign {
			list = append(list, primitive{ops.Unary{Func: fn, A: .3, B: 1.3, C: .7}, []ops.Shape{{2, 5}}})
		}
	}
	for _, b := range []bool{false, true} {
		for _, c := range []bool{false, true} {
			s := []ops.Shape{{2, 3, 4}, {2, 4, 5}}
			if b {
				s[0] = ops.Shape{2, 4, 3}
			}
			if c {
				s[1] = ops.Shape{2, 5, 4}
			}
			list = append(list, primitive{ops.BatchMatMul{TransA: b, TransB: c}, s})
		}
	}
	list = append(list,
		primitive{ops.Broadcast{Shape: ops.Shape{2, 3, 4}}, []ops.Shape{{3, 1}}},
		primitive{ops.SumTo{Shape: ops.Shape{3, 1}}, []ops.Shape{{2, 3, 4}}},
		primitive{ops.Transpose{Perm: []int{2, 0, 1}}, []ops.Shape{{2, 3, 4}}},
		primitive{ops.Concat{}, []ops.Shape{{2, 3}, {2, 4}}},
		primitive{ops.Softmax{}, []ops.Shape{{2, 3, 4}}},
		primitive{ops.LogSoftmax{}, []ops.Shape{{2, 3, 4}}},
	)
	rng := rand.New(rand.NewPCG(11, 12))
	for _, p := range list {
		name := fmt.Sprintf("%s %+v of %v", p.op.Name(), p.op, p.in)
		g := &ops.Graph{}
		var in []ops.Value
		var sizes []int
		var x []float64
		for _, s := range p.in {
			in, sizes = append(in, g.NewValue("", ops.F32(s...), ops.Input)), append(sizes, s.Size())
			for range s.Size() {
				x = append(x, rng.Float64()*1.5+.4) // positive, for logarithms and powers
			}
		}
		y, err := g.Add1(p.op, in...)
		require.NoError(t, err, name)
		seed := g.NewValue("", g.Type(y), ops.Input)
		d := make([]float64, g.Type(y).Shape.Size())
		for i := range d {
			d[i] = rng.NormFloat64()
		}
		loss := func(x []float64) (sum float64) {
			values := map[ops.Value][]float64{}
			for i, v := range in {
				values[v], x = x[:sizes[i]], x[sizes[i]:]
			}
			evaluate(t, &ops.Graph{Values: g.Values, Ops: g.Ops[:1]}, values)
			for i, v := range values[y] {
				sum += v * d[i]
			}
			return sum
		}
		gradients, err := g.Gradients(y, seed, in)
		require.NoError(t, err, name)
		values := map[ops.Value][]float64{seed: d}
		rest := x
		for i, v := range in {
			values[v], rest = rest[:sizes[i]], rest[sizes[i]:]
		}
		evaluate(t, g, values)
		var got []float64
		for i, v := range gradients {
			require.NotEqual(t, ops.None, v, name)
			require.Equal(t, g.Type(in[i]), g.Type(v), name)
			got = append(got, values[v]...)
		}
		// Affine keeps its factor in float32, so a mean's 1/6 is off by 1e-8 of it.
		assert.InDeltaSlice(t, fd.Gradient(nil, loss, x, &fd.Settings{Formula: fd.Central, Step: 1e-6}), got, 1e-7, name)
	}
}
