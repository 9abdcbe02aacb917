//go:build nvidia && cgo

package kernels

import (
	"fmt"
	"math"
	"slices"

	"github.com/meseta-go/meseta/gpu"
	"github.com/meseta-go/meseta/kernels/vec"
	"github.com/meseta-go/meseta/ops"
)

// cudaLayered is Layered of update/layered.cu.
type cudaLayered struct {
	param, grad                            gpu.Pointer
	slot                                   [2]gpu.Pointer
	prepared, apply                        gpu.Pointer
	ofPieces, ofArrays                     [2]gpu.Pointer
	decay, momentum, keepA, keepB, epsilon float32
	nesterov                               int32
	arrays                                 cudaArrays
}

// cudaBlend is Blend of update/layered.cu.
type cudaBlend struct {
	dst, src, rate, apply gpu.Pointer
	n                     int64
	own, other            float32
}

// layers is an optimizer's step of which some launches are for each piece or each array of the parameters.
type layers struct {
	o                    ops.Optimize
	list                 *pieceList
	update               cudaUpdate
	layered              cudaLayered
	start                *gpu.Kernel[cudaUpdate]
	first, norms, second *gpu.Kernel[cudaLayered]
}

// newLayers finds update_start for a rule, and the kernels that are first for each piece, for each array, and then again for each piece.
func (c *CUDA) newLayers(o ops.Optimize, in []ops.Type, rule, first, norms, second string) (*layers, error) {
	const file = "update/layered"
	l := &layers{o: o, update: newUpdate(o, in)}
	l.update.rule = int32(slices.Index(cudaRules[:], rule))
	var err error
	if l.list, err = newPieceList(o.Name(), in[3:3+o.Parameters]); err != nil {
		return nil, err
	}
	if l.start, err = find[cudaUpdate](c, "update/update", "update_start"); err != nil {
		return nil, err
	}
	for _, k := range []struct {
		to   **gpu.Kernel[cudaLayered]
		name string
	}{{&l.first, first}, {&l.norms, norms}, {&l.second, second}} {
		if *k.to, err = find[cudaLayered](c, file, k.name); err != nil {
			return nil, err
		}
	}
	return l, nil
}

// workspace is the bytes of what update_start makes, and of sums of squares of two kinds.
func (l *layers) workspace() int { return aligned(prepared + l.list.workspace(2)) }

// launches are update_start and those of the three kernels.
func (l *layers) launches(b Buffers) []launch {
	n, p := l.o.Parameters, l.layered
	part := func(i int) gpu.Pointer { return sweepAddress(b.In[3+i*n : 3+(i+1)*n]) }
	p.param, p.grad, p.prepared, p.apply = part(0), part(1), address(b.Workspace), address(b.In[2])
	for i := range l.o.Rule.Slots() {
		p.slot[i] = part(2 + i)
	}
	at := p.prepared + prepared
	for i := range p.ofPieces {
		p.ofPieces[i], p.ofArrays[i] = l.list.places(at)
		at += gpu.Pointer(l.list.workspace(1))
	}
	with := func(a cudaArrays) cudaLayered {
		p := p
		p.arrays = a
		return p
	}
	return slices.Concat([]launch{start(l.start, 1, 1, l.update.on(b))}, eachPiece(l.list, l.first, with), eachArray(l.list, l.norms, with), eachPiece(l.list, l.second, with))
}

func (c *CUDA) lamb(o ops.Optimize, r ops.Lamb, in []ops.Type) (Kernel, error) {
	l, err := c.newLayers(o, in, "lamb", "lamb_moments", "lamb_norms", "lamb_step")
	if err != nil {
		return nil, err
	}
	l.update.a, l.update.b = r.Beta1, r.Beta2
	l.layered = cudaLayered{decay: r.WeightDecay, keepA: vec.Complement(r.Beta1), keepB: vec.Complement(r.Beta2), epsilon: r.Epsilon}
	return &cudaKernel{c, "update_lamb", l.workspace(), l.launches}, nil
}

// muon makes X of all gradients and then, for one matrix after the other, the products of its Steps and the step.
func (c *CUDA) muon(o ops.Optimize, r ops.Muon, in []ops.Type) (Kernel, error) {
	l, err := c.newLayers(o, in, "muon", "muon_momentum", "muon_norms", "muon_scale")
	if err != nil {
		return nil, err
	}
	l.layered = cudaLayered{decay: r.WeightDecay, momentum: r.Momentum}
	if r.Nesterov {
		l.layered.nesterov = 1
	}
	blend, err := find[cudaBlend](c, "update/layered", "muon_blend")
	if err != nil {
		return nil, err
	}
	var matrices []orthogonal
	room := 0
	for _, t := range in[3 : 3+o.Parameters] {
		m, err := c.newOrthogonal(t.Shape, r, blend)
		if err != nil {
			return nil, err
		}
		matrices = append(matrices, m)
		room = max(room, m.workspace())
	}
	return &cudaKernel{c, "update_muon", l.workspace() + room, func(b Buffers) []launch {
		list := l.launches(b)
		rest := Buffer{b.Workspace.Memory, b.Workspace.Offset + l.workspace(), room}
		for i, m := range matrices {
			list = append(list, m.launches(b.In[3+o.Parameters+i], rest, address(b.In[2]))...)
			scale := float32(1)
			if r.RMSRate != 0 {
				scale = float32(float64(r.RMSRate) * math.Sqrt(float64(max(m.rows, m.columns))))
			}
			list = append(list, start(blend, spread(m.rows*m.columns), 1, cudaBlend{
				dst: address(b.In[3+i]), src: address(b.In[3+o.Parameters+i]), rate: address(b.Workspace), apply: address(b.In[2]),
				n: int64(m.rows * m.columns), own: 1, other: -scale,
			}))
		}
		return list
	}}, nil
}

// orthogonal brings the singular values of a matrix near 1, as orthogonalizer of update/muon.go does.
type orthogonal struct {
	rows, columns       int
	rule                ops.Muon
	gram, square, apply *cudaKernel
	blend               *gpu.Kernel[cudaBlend]
}

func (c *CUDA) newOrthogonal(s ops.Shape, r ops.Muon, blend *gpu.Kernel[cudaBlend]) (m orthogonal, err error) {
	if len(s) != 2 {
		return m, fmt.Errorf("kernels: muon of a parameter %v, want a matrix: %w", s, ops.ErrShape)
	}
	m = orthogonal{rows: s[0], columns: s[1], rule: r, blend: blend}
	least := m.least()
	for _, p := range []struct {
		to             **cudaKernel
		m, n, k        int
		transA, transB bool
	}{
		{&m.gram, least, least, max(s[0], s[1]), m.tall(), !m.tall()},
		{&m.square, least, least, least, false, false},
		{&m.apply, s[0], s[1], least, false, false},
	} {
		k, err := c.gemm(1, p.m, p.n, p.k, p.transA, p.transB, ops.Linear, func(b Buffers) operands {
			return operands{dst: address(b.Out[0]), a: address(b.In[0]), b: address(b.In[1])}
		})
		if err != nil {
			return m, err
		}
		*p.to = k.(*cudaKernel)
	}
	return m, nil
}

func (m *orthogonal) tall() bool { return m.rows > m.columns }
func (m *orthogonal) least() int { return min(m.rows, m.columns) }

// workspace is S, S·S, a product of X's size, and what products want.
func (m *orthogonal) workspace() int {
	return 2*aligned(4*m.least()*m.least()) + aligned(4*m.rows*m.columns) + max(m.gram.workspace, m.square.workspace, m.apply.workspace)
}

// launches change x if the step is to be applied.
func (m *orthogonal) launches(x, workspace Buffer, apply gpu.Pointer) (list []launch) {
	cut := func(n int) Buffer {
		b := Buffer{workspace.Memory, workspace.Offset, 4 * n}
		workspace.Offset, workspace.Bytes = workspace.Offset+aligned(b.Bytes), workspace.Bytes-aligned(b.Bytes)
		return b
	}
	least, size := m.least(), m.rows*m.columns
	s, squared, product := cut(least*least), cut(least*least), cut(size)
	multiply := func(k *cudaKernel, a, b, to Buffer) {
		list = append(list, k.bind(Buffers{In: []Buffer{a, b}, Out: []Buffer{to}, Workspace: workspace})...)
	}
	for range m.rule.Steps {
		multiply(m.gram, x, x, s)
		multiply(m.square, s, s, squared)
		list = append(list, start(m.blend, spread(least*least), 1, cudaBlend{dst: address(squared), src: address(s), n: int64(least * least), own: m.rule.C, other: m.rule.B}))
		if m.tall() {
			multiply(m.apply, x, squared, product)
		} else {
			multiply(m.apply, squared, x, product)
		}
		list = append(list, start(m.blend, spread(size), 1, cudaBlend{dst: address(x), src: address(product), apply: apply, n: int64(size), own: m.rule.A, other: 1}))
	}
	return list
}
