//go:build nvidia && cgo

package kernels

import (
	"fmt"
	"math"

	"github.com/meseta-go/meseta/gpu"
	"github.com/meseta-go/meseta/ops"
)

// cudaResult is Result of tile/tile.cuh.
type cudaResult struct {
	dst, sums, bias, add           gpu.Pointer
	step, biasStep                 int64
	m, n, ld, parts, activation, _ int32
}

// cudaGemm is Gemm of gemm/gemm.cu.
type cudaGemm struct {
	cudaResult
	a, b         gpu.Pointer
	aStep, bStep int64
	k, _         int32
}

// cudaConvolution is Conv of conv/conv2d.cu.
type cudaConvolution struct {
	cudaResult
	src, weights, diff                                              gpu.Pointer
	n, h, w, c, r, s, k, p, q                                       int32
	strideH, strideW, dilationH, dilationW, padTop, padLeft, groups int32
	load                                                            int32
	mean, invStd, gamma, beta                                       gpu.Pointer
}

// loading has src loaded as l says; vectors begins with what l wants.
func (v *cudaConvolution) loading(l ops.Load, vectors []Buffer) {
	if l.Normalize {
		v.load = int32(l.Activation)
		v.mean, v.invStd, v.gamma, v.beta = address(vectors[0]), address(vectors[1]), address(vectors[2]), address(vectors[3])
	}
}

// loadingName is the name of the variant of a kernel that loads as l says.
func loadingName(name string, l ops.Load) string {
	if l.Normalize {
		return name + "_normalized"
	}
	return name
}

// product is how a product of m by n sums over k is cut: into tiles, and its sums into parts. It depends on the shape alone, so that a run has the same
// bits on every GPU.
type product struct{ groups, m, n, k, tile, parts int }

// enoughBlocks keep any GPU busy; with fewer, sums are cut, but not into parts shorter than leastPart.
const (
	enoughBlocks = 256
	leastPart    = 256
)

func newProduct(groups, m, n, k int) (product, error) {
	for _, x := range [...]int{m, n, k} {
		if x > math.MaxInt32 {
			return product{}, fmt.Errorf("kernels: a product of %d×%d with sums over %d on a GPU: %w; take a smaller batch", m, n, k, ErrUnsupported)
		}
	}
	p := product{groups, m, n, k, 64, 1}
	if m >= 128 && n >= 128 {
		large := p
		if large.tile = 128; large.blocks() >= enoughBlocks {
			return large, nil
		}
	}
	p.parts = max(1, min((enoughBlocks+p.blocks()-1)/p.blocks(), k/leastPart))
	return p, nil
}

func (p product) tiles() int  { return (p.m + p.tile - 1) / p.tile * ((p.n + p.tile - 1) / p.tile) }
func (p product) blocks() int { return p.groups * p.tiles() }

// result is where it goes; ld is the step between rows, step that between groups.
func (p product) result(dst, sums gpu.Pointer, ld, step int) cudaResult {
	return cudaResult{dst: dst, sums: sums, m: int32(p.m), n: int32(p.n), ld: int32(ld), step: int64(step), parts: int32(p.parts)}
}

// chooseProduct makes a kernel of a product; bind gives its parameters, and the part of these that tile_sum wants too.
func chooseProduct[P any](c *CUDA, p product, file, name string, bind func(b Buffers) (P, cudaResult)) (Kernel, error) {
	name = fmt.Sprintf("%s_%d", name, p.tile)
	multiply, err := find[P](c, file, name)
	if err != nil {
		return nil, err
	}
	if p.parts == 1 {
		return &cudaKernel{c, name, 0, func(b Buffers) []launch {
			parameters, _ := bind(b)
			return []launch{start(multiply, p.tiles(), p.groups, parameters)}
		}}, nil
	}
	sum, err := find[cudaResult](c, "tile/tile", "tile_sum")
	if err != nil {
		return nil, err
	}
	return &cudaKernel{c, fmt.Sprintf("%s in %d parts", name, p.parts), 4 * p.groups * p.parts * p.m * p.n, func(b Buffers) []launch {
		parameters, result := bind(b)
		return []launch{start(multiply, p.tiles(), p.groups*p.parts, parameters), start(sum, spread(p.m*p.n), p.groups, result)}
	}}, nil
}

// chooseConv picks the kernels of convolutions and matrix products.
func (c *CUDA) chooseConv(o ops.Operator, in, out []ops.Type) (Kernel, error) {
	switch o := o.(type) {
	case ops.Conv2D:
		v := convolution(o.Window, o.Groups, in[0].Shape, in[1].Shape, out[0].Shape)
		p, err := newProduct(int(v.groups), int(v.n*v.p*v.q), int(v.k/v.groups), int(v.r*v.s*v.c/v.groups))
		if err != nil {
			return nil, err
		}
		return chooseProduct(c, p, "conv/conv2d", loadingName("conv_forward", o.Load), func(b Buffers) (cudaConvolution, cudaResult) {
			v := v
			v.cudaResult = p.result(address(b.Out[0]), address(b.Workspace), int(v.k), p.n)
			rest := b.In[2:]
			if o.Bias {
				v.bias, v.biasStep, rest = address(rest[0]), int64(p.n), rest[1:]
			}
			if o.Add {
				v.add = address(rest[0])
			}
			v.activation = int32(o.Activation)
			v.loading(o.Load, b.In[o.Loaded():])
			v.src, v.weights = address(b.In[0]), address(b.In[1])
			return v, v.cudaResult
		})
	case ops.Conv2DBackwardData:
		v := convolution(o.Window, o.Groups, o.Src, in[1].Shape, in[0].Shape)
		p, err := newProduct(int(v.groups), int(v.n*v.h*v.w), int(v.c/v.groups), int(v.r*v.s*v.k/v.groups))
		if err != nil {
			return nil, err
		}
		return chooseProduct(c, p, "conv/conv2d", "conv_data", func(b Buffers) (cudaConvolution, cudaResult) {
			v := v
			v.cudaResult = p.result(address(b.Out[0]), address(b.Workspace), int(v.c), p.n)
			v.diff, v.weights, v.add = address(b.In[0]), address(b.In[1]), addressAt(b.In, 2)
			return v, v.cudaResult
		})
	case ops.Conv2DBackwardWeights:
		v := convolution(o.Window, o.Groups, in[0].Shape, o.Filter, in[1].Shape)
		p, err := newProduct(int(v.groups), int(v.r*v.s*v.c/v.groups), int(v.k/v.groups), int(v.n*v.p*v.q))
		if err != nil {
			return nil, err
		}
		weights, err := chooseProduct(c, p, "conv/conv2d", loadingName("conv_weights", o.Load), func(b Buffers) (cudaConvolution, cudaResult) {
			v := v
			v.cudaResult = p.result(address(b.Out[0]), address(b.Workspace), int(v.k), p.n)
			v.src, v.diff = address(b.In[0]), address(b.In[1])
			v.loading(o.Load, b.In[2:])
			return v, v.cudaResult
		})
		if err != nil || !o.Bias {
			return weights, err
		}
		bias, err := c.columnSum(p.k, int(v.k))
		if err != nil {
			return nil, err
		}
		return c.both(weights, bias, func(b Buffers) Buffers { return Buffers{In: b.In[1:2], Out: b.Out[1:]} }), nil
	case ops.MatMul:
		m, n, k := o.Dims(in[0].Shape, in[1].Shape)
		return c.gemm(1, m, n, k, o.TransA, o.TransB, o.Activation)
	case ops.BatchMatMul:
		count, m, n, k := o.Dims(in[0].Shape, in[1].Shape)
		return c.gemm(count, m, n, k, o.TransA, o.TransB, ops.Linear)
	}
	return nil, nil
}

// gemm is a batch of products; a third input is the bias of a single one.
func (c *CUDA) gemm(count, m, n, k int, transA, transB bool, a ops.Activation) (Kernel, error) {
	p, err := newProduct(count, m, n, k)
	if err != nil {
		return nil, err
	}
	name := "gemm_" + map[bool]string{true: "t", false: "n"}[transA] + map[bool]string{true: "t", false: "n"}[transB]
	return chooseProduct(c, p, "gemm/gemm", name, func(b Buffers) (cudaGemm, cudaResult) {
		g := cudaGemm{
			cudaResult: p.result(address(b.Out[0]), address(b.Workspace), n, m*n),
			a:          address(b.In[0]), b: address(b.In[1]), aStep: int64(m * k), bStep: int64(k * n), k: int32(k),
		}
		g.bias, g.activation = addressAt(b.In, 2), int32(a)
		return g, g.cudaResult
	})
}

func convolution(w ops.Window, g ops.Groups, src, filter, dst ops.Shape) cudaConvolution {
	at := func(s ops.Shape, i int) int32 { return int32(s[i]) }
	return cudaConvolution{
		n: at(src, 0), h: at(src, 1), w: at(src, 2), c: at(src, 3), r: at(filter, 0), s: at(filter, 1), k: at(filter, 3), p: at(dst, 1), q: at(dst, 2),
		strideH: int32(w.Strides[0]), strideW: int32(w.Strides[1]), dilationH: int32(w.Dilation[0]), dilationW: int32(w.Dilation[1]),
		padTop: int32(w.PadBefore[0]), padLeft: int32(w.PadBefore[1]), groups: int32(g.Count()),
	}
}

// both runs a kernel and then another on buffers that it picks, whose workspace lies behind the first's.
func (c *CUDA) both(first, second Kernel, pick func(b Buffers) Buffers) Kernel {
	x, y := first.(*cudaKernel), second.(*cudaKernel)
	room := aligned(x.workspace)
	return &cudaKernel{c, x.variant + ", " + y.variant, room + y.workspace, func(b Buffers) []launch {
		rest := pick(b)
		rest.Workspace = Buffer{b.Workspace.Memory, b.Workspace.Offset + room, y.workspace}
		return append(x.bind(b), y.bind(rest)...)
	}}
}
