package ops

import "fmt"

// MatMul computes dst = act(op(a)·op(b) + bias), op being the transpose where TransA or TransB says so.
//
// In: a [M,K] ([K,M] when TransA), b [K,N] ([N,K] when TransB), and bias [N] when Bias. Out: dst [M,N].
type MatMul struct {
	TransA, TransB bool
	Bias           bool
	Activation     Activation
}

// Name is "matmul".
func (o MatMul) Name() string { return "matmul" }

func (o MatMul) String() string {
	s := ""
	if o.TransA {
		s += " aᵀ"
	}
	if o.TransB {
		s += " bᵀ"
	}
	s = epilogue(s, o.Bias, false, o.Activation)
	if s != "" && s[0] == ' ' {
		s = s[1:]
	}
	return s
}

// Dims gives M, N and K.
func (o MatMul) Dims(a, b Shape) (m, n, k int) {
	m, k, n = a[0], a[1], b[1]
	if o.TransA {
		m, k = k, m
	}
	if o.TransB {
		n = b[0]
	}
	return m, n, k
}

// Infer gives the type of dst.
func (o MatMul) Infer(in []Type) ([]Type, error) {
	if err := rank("matmul", "a", in[0], 2); err != nil {
		return nil, err
	}
	if err := rank("matmul", "b", in[1], 2); err != nil {
		return nil, err
	}
	m, n, k := o.Dims(in[0].Shape, in[1].Shape)
	kb := in[1].Shape[0]
	if o.TransB {
		kb = in[1].Shape[1]
	}
	if k != kb {
		return nil, fmt.Errorf("matmul: a %v sums over %d, b %v over %d: %w", in[0].Shape, k, in[1].Shape, kb, ErrShape)
	}
	if o.Bias {
		if err := vector("matmul", "bias", in[2], n); err != nil {
			return nil, err
		}
	}
	return []Type{F32(m, n)}, nil
}

// FLOPs counts two for each product.
func (o MatMul) FLOPs(in, out []Type) int64 {
	m, n, k := o.Dims(in[0].Shape, in[1].Shape)
	return 2 * int64(m) * int64(n) * int64(k)
}

// Gradient emits two products; it is defined for a·b without transposes and epilogue, which is what layers use.
func (o MatMul) Gradient(g *Graph, op Op, diffOut []Value) ([]Value, error) {
	if o != (MatMul{}) {
		return nil, fmt.Errorf("ops: matmul has a gradient without transposes and epilogue only, this one is %v", o)
	}
	da, err := g.Add1(MatMul{TransB: true}, diffOut[0], op.In[1])
	if err != nil {
		return nil, err
	}
	db, err := g.Add1(MatMul{TransA: true}, op.In[0], diffOut[0])
	if err != nil {
		return nil, err
	}
	return []Value{da, db}, nil
}

// BiasAdd computes dst = src + bias, the same for every row.
//
// In: src [...,C], bias [C]. Out: dst [...,C].
type BiasAdd struct{}

// Name is "bias".
func (BiasAdd) Name() string { return "bias" }

// InPlace allows dst to be src.
func (BiasAdd) InPlace() []int { return []int{0} }

// Infer gives the type of dst.
func (BiasAdd) Infer(in []Type) ([]Type, error) {
	s := in[0].Shape
	if len(s) == 0 {
		return nil, fmt.Errorf("bias: src is a scalar: %w", ErrShape)
	}
	return in[:1], vector("bias", "bias", in[1], s[len(s)-1])
}

// Gradient sums diffDst over all rows.
func (BiasAdd) Gradient(g *Graph, op Op, diffOut []Value) ([]Value, error) {
	db, err := g.Add1(ColumnSum{}, diffOut[0])
	return []Value{diffOut[0], db}, err
}

// ColumnSum computes dst[c] = Σ src[...,c].
//
// In: src [...,C]. Out: dst [C].
type ColumnSum struct{}

// Name is "column_sum".
func (ColumnSum) Name() string { return "column_sum" }

// Infer gives the type of dst.
func (ColumnSum) Infer(in []Type) ([]Type, error) {
	s := in[0].Shape
	if len(s) == 0 {
		return nil, fmt.Errorf("column_sum: src is a scalar: %w", ErrShape)
	}
	return []Type{F32(s[len(s)-1])}, nil
}
