package ops

import "fmt"

// BatchMatMul computes one product of matrices for each index of the leading dimensions: dst[i] = op(a[i])·op(b[i]), op being the transpose
// where TransA or TransB says so.
//
// In: a [...,M,K] ([...,K,M] when TransA), b [...,K,N] ([...,N,K] when TransB), with the same leading dimensions. Out: dst [...,M,N].
type BatchMatMul struct{ TransA, TransB bool }

// Name is "batch_matmul".
func (BatchMatMul) Name() string { return "batch_matmul" }

func (o BatchMatMul) String() string { return MatMul{TransA: o.TransA, TransB: o.TransB}.String() }

// Dims gives the number of products, and M, N and K.
func (o BatchMatMul) Dims(a, b Shape) (count, m, n, k int) {
	m, n, k = MatMul{TransA: o.TransA, TransB: o.TransB}.Dims(a[len(a)-2:], b[len(b)-2:])
	return a[:len(a)-2].Size(), m, n, k
}

// Infer gives the type of dst.
func (o BatchMatMul) Infer(in []Type) ([]Type, error) {
	if err := float32s("batch_matmul", in[:2]); err != nil {
		return nil, err
	}
	a, b := in[0].Shape, in[1].Shape
	if len(a) < 3 || len(a) != len(b) || !a[:len(a)-2].Equal(b[:len(b)-2]) {
		return nil, fmt.Errorf("batch_matmul: a %v and b %v, want matrices with the same leading dimensions, at least one: %w", a, b, ErrShape)
	}
	lead := len(a) - 2
	t, err := MatMul{TransA: o.TransA, TransB: o.TransB}.Infer([]Type{{Float32, a[lead:]}, {Float32, b[lead:]}})
	if err != nil {
		return nil, fmt.Errorf("batch_%w", err)
	}
	return []Type{{Float32, append(append(Shape{}, a[:lead]...), t[0].Shape...)}}, nil
}

// FLOPs counts two for each product of numbers.
func (o BatchMatMul) FLOPs(in, _ []Type) int64 {
	count, m, n, k := o.Dims(in[0].Shape, in[1].Shape)
	return 2 * int64(count) * int64(m) * int64(n) * int64(k)
}

// Gradient emits two products. With y = op(a)·op(b), da = dy·op(b)ᵀ, transposed again where a is, and db = op(a)ᵀ·dy likewise.
func (o BatchMatMul) Gradient(g *Graph, op Op, diffOut []Value) ([]Value, error) {
	e := emitter{g: g}
	a, b, d := op.In[0], op.In[1], diffOut[0]
	da, db := None, None
	if o.TransA {
		da = e.add(BatchMatMul{TransA: o.TransB, TransB: true}, b, d)
	} else {
		da = e.add(BatchMatMul{TransB: !o.TransB}, d, b)
	}
	if o.TransB {
		db = e.add(BatchMatMul{TransA: true, TransB: o.TransA}, d, a)
	} else {
		db = e.add(BatchMatMul{TransA: !o.TransA}, a, d)
	}
	return []Value{da, db}, e.err
}
