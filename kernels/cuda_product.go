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

// tileDepth is depth of tile/tile.cuh.
const tileDepth = 8

// productTile is a variant of the kernels of products: the rows and columns that a block computes, and how fast it multiplies, of what a GPU can do at most:
// about the part of the instructions of its loop that multiply (docs/gpu.md), less for what small tiles read more.
type productTile struct {
	suffix string
	m, n   int
	speed  float64
}

// The tiles of the kernels of convolutions; those of matrices lack the narrowest. The single ones are for rows that are no multiples of four long.
var (
	tiles       = []productTile{{"128x128", 128, 128, .85}, {"128x64", 128, 64, .75}, {"128x32", 128, 32, .6}, {"256x16", 256, 16, .55}}
	singleTiles = []productTile{{"singly_128x32", 128, 32, .5}}
)

// product is how products of m by n, with sums over k, are cut: into tiles, and the sums into parts. It depends on the shape alone, so that a run has the
// same bits on every GPU.
type product struct {
	groups, m, n, k int
	phases          int // the rows, and the sums, are spread over so many
	rows            int // of the largest phase
	tile            productTile
	parts           int
}

// enoughBlocks keep a large GPU busy, two on each of 132 multiprocessors.
const enoughBlocks = 2 * 132

// What cutting sums into parts costs, in multiplications of one of enoughBlocks blocks: the launch that adds them, and the traffic of each element of a
// part. A part has at least leastPart of k.
const (
	sumCost   = 250_000
	partCost  = .3
	leastPart = 128
)

// mostBlocks is how many blocks may lie along y and z.
const mostBlocks = 65535

// newProduct chooses the tile and the parts that cost least.
func newProduct(p product, tiles []productTile) (product, error) {
	if p.phases == 0 {
		p.phases, p.rows = 1, p.m
	}
	if max(p.m, p.n, p.k) > math.MaxInt32-1<<13 || max(p.groups, p.phases) > mostBlocks {
		return product{}, fmt.Errorf("kernels: %d products of %d×%d with sums over %d, in %d phases, on a GPU: %w; take a smaller batch",
			p.groups, p.m, p.n, p.k, p.phases, ErrUnsupported)
	}
	best := math.Inf(1)
	var chosen product
	for _, p.tile = range tiles {
		p.parts = 1
		blocks := p.blocks()
		most := max(1, min(p.k/p.phases/leastPart, 2*enoughBlocks/blocks, mostBlocks/p.groups))
		for ; p.parts <= most; p.parts++ {
			if cost := p.cost(blocks); cost < best {
				best, chosen = cost, p
			}
		}
	}
	return chosen, nil
}

// cost takes the number of blocks without parts.
func (p product) cost(blocks int) float64 {
	rounds := (blocks*p.parts + enoughBlocks - 1) / enoughBlocks
	cost := float64(rounds) * float64(p.tile.m*p.tile.n) * math.Ceil(float64(p.k)/float64(p.phases*p.parts)) / p.tile.speed
	if p.parts > 1 {
		cost += sumCost + partCost*float64(p.groups*p.parts*p.m)*float64(p.n)
	}
	return cost
}

// tiles is their number in a phase of a group.
func (p product) tiles() int {
	return (p.rows + p.tile.m - 1) / p.tile.m * ((p.n + p.tile.n - 1) / p.tile.n)
}

func (p product) blocks() int { return p.groups * p.phases * p.tiles() }

// result is where it goes; ld is the step between rows, step that between groups.
func (p product) result(dst, sums gpu.Pointer, ld, step int) cudaResult {
	return cudaResult{dst: dst, sums: sums, m: int32(p.m), n: int32(p.n), ld: int32(ld), step: int64(step), parts: int32(p.parts)}
}

// chooseProduct makes a kernel of a product; bind gives its parameters, and the part of these that tile_sum wants too.
func chooseProduct[P any](c *CUDA, p product, file, name string, bind func(b Buffers) (P, cudaResult)) (Kernel, error) {
	name += "_" + p.tile.suffix
	multiply, err := find[P](c, file, name)
	if err != nil {
		return nil, err
	}
	return summed(c, name, p.groups, p.parts, p.m*p.n, func(b Buffers) (launch, cudaResult) {
		parameters, result := bind(b)
		return startGrid(multiply, p.tiles(), p.groups*p.parts, p.phases, parameters), result
	})
}

// summed makes a kernel of a launch whose sums are cut into parts, of groups of a size; tile_sum adds them.
func summed(c *CUDA, name string, groups, parts, size int, bind func(b Buffers) (launch, cudaResult)) (Kernel, error) {
	if parts == 1 {
		return &cudaKernel{c, name, 0, func(b Buffers) []launch {
			first, _ := bind(b)
			return []launch{first}
		}}, nil
	}
	sum, err := find[cudaResult](c, "tile/tile", "tile_sum")
	if err != nil {
		return nil, err
	}
	sharers := 1 // as in tile/tile.cu
	for sharers < 8 && sharers*8 <= parts {
		sharers *= 2
	}
	elements := blockThreads / sharers
	return &cudaKernel{c, fmt.Sprintf("%s in %d parts", name, parts), 4 * groups * parts * size, func(b Buffers) []launch {
		first, result := bind(b)
		return []launch{first, start(sum, (size+elements-1)/elements, groups, result)}
	}}, nil
}

// operands are those of products of matrices; bias and add may be 0.
type operands struct{ dst, a, b, bias, add gpu.Pointer }

// gemm computes count products op(a)·op(b), [m,k] by [k,n]; only a single one has bias and add.
func (c *CUDA) gemm(count, m, n, k int, transA, transB bool, activation ops.Activation, pick func(b Buffers) operands) (Kernel, error) {
	letter := map[bool]string{true: "t", false: "n"}
	name := "gemm_" + letter[transA] + letter[transB]
	among := tiles[:3]
	alongA, alongB := k, n
	if transA {
		alongA = m
	}
	if transB {
		alongB = k
	}
	if alongA%4+alongB%4+n%4 > 0 || transA && transB {
		among = singleTiles
	}
	p, err := newProduct(product{groups: count, m: m, n: n, k: k}, among)
	if err != nil {
		return nil, err
	}
	return chooseProduct(c, p, "gemm/gemm", name, func(b Buffers) (cudaGemm, cudaResult) {
		o := pick(b)
		g := cudaGemm{cudaResult: p.result(o.dst, address(b.Workspace), n, m*n), a: o.a, b: o.b, aStep: int64(m * k), bStep: int64(k * n), k: int32(k)}
		g.bias, g.add, g.activation = o.bias, o.add, int32(activation)
		return g, g.cudaResult
	})
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
