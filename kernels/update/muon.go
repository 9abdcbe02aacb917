package update

import (
	"fmt"
	"math"

	"github.com/meseta-go/meseta/kernels/gemm"
	"github.com/meseta-go/meseta/kernels/vec"
	"github.com/meseta-go/meseta/ops"
)

// muon is ops.Muon: passes over all pieces for momentum and norms, then the products for one matrix after the other, each with all
// workers, then a pass for the step. X lies where the gradients do.
type muon struct {
	pieces             *pieces
	arrays             Arrays[float32]
	rate               float32
	rule               ops.Muon
	squares            []float64 // of each piece
	scales             []float32 // of each matrix: the first one of X, then that of the step
	matrices           []orthogonalizer
	workspace          int
	mix, scale, update func(i, worker int)
}

// muonEpsilon is what norms get added.
const muonEpsilon = 1e-7

func newMuon(p *pieces, parameters []Array, rule ops.Muon) (*muon, error) {
	x := &muon{pieces: p, rule: rule, squares: make([]float64, len(p.list)), scales: make([]float32, len(parameters))}
	for _, a := range parameters {
		m, err := newOrthogonalizer(p, a, rule)
		if err != nil {
			return nil, err
		}
		x.matrices = append(x.matrices, m)
		x.workspace = max(x.workspace, m.workspace())
	}
	x.mix = func(i, worker int) {
		a := x.arrays.part(p.list[i], rule.Slots())
		if rule.WeightDecay != 0 {
			p.loops.Decay(a.Param, rule.WeightDecay, x.rate)
		}
		momentum := a.Slots[0]
		p.loops.Average(momentum, a.Grad, rule.Momentum, 1)
		if rule.Nesterov {
			p.loops.Average(a.Grad, momentum, 1, rule.Momentum)
		} else {
			copy(a.Grad, momentum)
		}
		x.squares[i] = p.sumOfSquares(a.Grad, worker)
	}
	x.scale = func(i, _ int) {
		a := x.arrays.part(p.list[i], 0)
		p.loops.Affine(a.Grad, a.Grad, x.scales[p.list[i].array], 0)
	}
	x.update = func(i, _ int) {
		a := x.arrays.part(p.list[i], 0)
		p.loops.SGD(a.Param, a.Grad, x.scales[p.list[i].array])
	}
	return x, nil
}

func (x *muon) run(a Arrays[float32], rate float32, _ int64, workspace []float32) {
	x.arrays, x.rate = a, rate
	x.pieces.do(x.mix)
	for i := range x.scales {
		x.scales[i] = float32(1 / (math.Sqrt(x.pieces.total(i, x.squares)) + muonEpsilon))
	}
	x.pieces.do(x.scale)
	for i := range x.matrices {
		m := &x.matrices[i]
		m.run(a.Grad, workspace)
		x.scales[i] = float32(muonScale(x.rule, m.rows, m.columns)) * rate
	}
	x.pieces.do(x.update)
}

// muonScale is what a step of an [rows,columns] is multiplied by, beside the rate (arXiv:2502.16982, section 2.2).
func muonScale(r ops.Muon, rows, columns int) float64 {
	if r.RMSRate == 0 {
		return 1
	}
	return float64(r.RMSRate) * math.Sqrt(float64(max(rows, columns)))
}

// orthogonalizer brings the singular values of a matrix near 1: Newton-Schulz, of degree 5.
type orthogonalizer struct {
	start, rows, columns int
	rule                 ops.Muon
	gram, square, apply  *gemm.GEMM // S = X·Xᵀ or Xᵀ·X; S·S; (B·S + C·S·S)·X or the other way round
	s, x                 *mixer
}

func newOrthogonalizer(p *pieces, a Array, rule ops.Muon) (o orthogonalizer, err error) {
	if len(a.Shape) != 2 {
		return o, fmt.Errorf("update: muon of a parameter %v, want a matrix: %w", a.Shape, ops.ErrShape)
	}
	r, c := a.Shape[0], a.Shape[1]
	least := min(r, c)
	o = orthogonalizer{start: a.Start, rows: r, columns: c, rule: rule}
	for _, g := range []struct {
		to **gemm.GEMM
		p  gemm.Params
	}{
		{&o.gram, gemm.Params{M: least, N: least, K: max(r, c), TransA: o.tall(), TransB: !o.tall()}},
		{&o.square, gemm.Params{M: least, N: least, K: least}},
		{&o.apply, gemm.Params{M: r, N: c, K: least}},
	} {
		if *g.to, err = gemm.New(p.dev, g.p); err != nil {
			return o, err
		}
	}
	if o.s, err = newMixer(p, least*least, rule.C, rule.B); err != nil {
		return o, err
	}
	o.x, err = newMixer(p, r*c, rule.A, 1)
	return o, err
}

// tall says whether the smaller of XᵀX and X·Xᵀ is the first.
func (o *orthogonalizer) tall() bool { return o.rows > o.columns }

// workspace is S, S·S and a product of X's size, each at a multiple of 64 bytes, and what products want.
func (o *orthogonalizer) workspace() int {
	least := min(o.rows, o.columns)
	return 2*aligned(least*least) + aligned(o.rows*o.columns) + max(o.gram.WorkspaceBytes(), o.square.WorkspaceBytes(), o.apply.WorkspaceBytes())/4
}

// aligned is a number of elements that ends at a multiple of 64 bytes, with 64 bytes behind the last to read.
func aligned(n int) int { return (n+15)/16*16 + 16 }

// run changes the matrix in a sweep.
func (o *orthogonalizer) run(sweep, workspace []float32) {
	least, n := min(o.rows, o.columns), o.rows*o.columns
	cut := func(n int) (part []float32) {
		part, workspace = workspace[:n], workspace[aligned(n):]
		return part
	}
	s, squared, product := cut(least*least), cut(least*least), cut(n)
	x := sweep[o.start : o.start+n]
	for range o.rule.Steps {
		o.gram.Run(s, x, x, nil, workspace)
		o.square.Run(squared, s, s, nil, workspace)
		o.s.run(squared, s)
		if o.tall() {
			o.apply.Run(product, x, squared, nil, workspace)
		} else {
			o.apply.Run(product, squared, x, nil, workspace)
		}
		o.x.run(x, product)
	}
}

// mixer computes dst = own·dst + other·src.
type mixer struct {
	flat     vec.Flat
	dst, src []float32
}

func newMixer(p *pieces, n int, own, other float32) (*mixer, error) {
	m := &mixer{}
	var err error
	m.flat, err = vec.NewFlat(p.dev, "muon", n, func(start, end int) { p.loops.Average(m.dst[start:end], m.src[start:end], own, other) })
	return m, err
}

func (m *mixer) run(dst, src []float32) {
	m.dst, m.src = dst, src
	m.flat.Do()
}
