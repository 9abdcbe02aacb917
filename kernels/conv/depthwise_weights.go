package conv

import (
	"github.com/meseta-go/meseta/kernels/cpu"
	"github.com/meseta-go/meseta/kernels/vec"
)

// depthwiseWeights computes the weights' gradient of a depthwise convolution: for each filter element and channel the sum over all
// pixels of src under it times diffDst. The pixels of a row of diffDst that the same filter elements read inside the image are summed
// together, for a vector of channels with the sums in registers.
//
// Rows of diffDst, counted through all images, are split by shape alone into parts, each with its own sums in the workspace; they are
// added in order at the end.
type depthwiseWeights struct {
	dev       *cpu.Device
	loops     *vec.Table
	p         Params
	bias      bool
	rows      []depthwiseAreas
	biasAreas []vec.Area
	ones      []float32 // [K]
	parts     int
	partial   int // elements of a partial sum: diffWeights and diffBias
	sums      int // tasks that add partial sums
	widen     *repeater
	strips    *strips // of src, nil where that is taken as it is
	wideSrc   int     // elements of src with its channels repeated, 0 where there is nothing to repeat
	partTask  func(i, worker int)
	sumTask   func(i, worker int)
	workspace int // elements

	diffWeights, diffBias, src, diffDst, ws []float32 // of the Run in progress
}

// fewestPixels of diffDst are in a part, for each filter element: fewer would be little work beside adding up the parts.
const fewestPixels = 4

// depthwiseAreas is what a row of diffDst adds. Areas count from the pixel of src at column 0 of the given row.
type depthwiseAreas struct {
	source int
	areas  []vec.Area
}

func newDepthwiseBackwardWeights(dev *cpu.Device, p Params, bias bool, src *loader) accumulator {
	x := &depthwiseWeights{dev: dev, loops: vec.For(dev.ISA()), p: p, bias: bias, rows: make([]depthwiseAreas, p.P), ones: make([]float32, padded(p.K))}
	for i := range p.K {
		x.ones[i] = 1
	}
	x.biasAreas = []vec.Area{{Filter: p.WeightsLen(), Count: p.Q, Rows: 1, Columns: 1}}
	columns := forwardAxis(p.Q, p.S, p.StrideW, p.DilationW, p.PadLeft).segments(p.W)
	for _, r := range forwardAxis(p.P, p.R, p.StrideH, p.DilationH, p.PadTop).segments(p.H) {
		var areas []vec.Area
		for _, s := range columns {
			areas = append(areas, areasOf(r, s, p.S, p.W, p.K)...)
		}
		if len(areas) == 0 {
			continue
		}
		for i := range r.count {
			x.rows[r.first+i] = depthwiseAreas{source: r.source + i*p.StrideH, areas: areas}
		}
	}
	x.partial = padded(p.WeightsLen() + p.K)
	x.parts = max(1, min(p.N*p.P, manyParts, partialBytes/(4*x.partial), p.N*p.P*p.Q/(fewestPixels*p.R*p.S)))
	x.sums = ceilDiv(x.partial, 4096)
	if p.K > p.C {
		x.wideSrc = padded(p.N * p.H * p.W * p.K)
		x.widen = newRepeater(dev, p.SrcLen(), p.K/p.C)
	}
	x.workspace = x.wideSrc + x.parts*x.partial
	if x.strips = newStrips(dev, p, src); x.strips != nil {
		x.workspace += x.strips.workspace
	}
	x.partTask, x.sumTask = x.part, x.sum
	return x
}

func (x *depthwiseWeights) String() string { return "depthwise " + x.dev.ISA().String() }

func (x *depthwiseWeights) workspaceBytes() int { return 4 * x.workspace }

func (x *depthwiseWeights) run(diffWeights, diffBias, src, diffDst, ws []float32) {
	x.diffWeights, x.diffBias, x.src, x.diffDst, x.ws = diffWeights, diffBias, src, diffDst, ws[x.wideSrc:]
	if x.widen != nil {
		x.widen.repeat(ws, src)
		x.src = ws
	}
	if x.strips != nil {
		x.strips.src, x.strips.ws = src, x.ws[x.parts*x.partial:]
	}
	x.dev.Sweep(x.parts, x.partTask)
	x.dev.Parallel(x.sums, x.sumTask)
}

// part computes one partial sum.
func (x *depthwiseWeights) part(i, worker int) {
	p, rows := x.p, x.p.N*x.p.P
	sums := x.ws[i*x.partial:][:x.partial]
	clear(sums)
	for row, last := i*rows/x.parts, (i+1)*rows/x.parts; row < last; {
		n, first := row/p.P, row%p.P
		end := min(first+last-row, p.P)
		src, top := x.src[n*p.H*p.W*p.K:], 0
		if x.strips != nil {
			end = min(end, first+x.strips.rows)
			src, top = x.strips.of(n, first, end, worker)
		}
		for y := first; y < end; y++ {
			r := &x.rows[y]
			source, diffDst := src[max(r.source-top, 0)*p.W*p.K:], x.diffDst[row*p.Q*p.K:]
			x.loops.DepthwiseWeights(sums, source, diffDst, r.areas, p.K, p.K, p.StrideW*p.K, p.DilationW*p.K, p.DilationH*p.W*p.K, p.S*p.K)
			if x.bias {
				x.loops.DepthwiseWeights(sums, x.ones, diffDst, x.biasAreas, p.K, p.K, 0, 0, 0, 0)
			}
			row++
		}
	}
}

// sum adds a stretch of the partial sums.
func (x *depthwiseWeights) sum(i, _ int) {
	begin, end := i*x.partial/x.sums, (i+1)*x.partial/x.sums
	weights := x.p.WeightsLen()
	x.sumRange(x.diffWeights, 0, min(begin, weights), min(end, weights))
	if x.bias {
		bias := weights + x.p.K
		x.sumRange(x.diffBias, weights, max(weights, min(begin, bias)), max(weights, min(end, bias)))
	}
}

// sumRange adds elements begin to end-1 of the partial sums into dst, whose first is element base.
func (x *depthwiseWeights) sumRange(dst []float32, base, begin, end int) {
	dst = dst[begin-base : end-base]
	copy(dst, x.ws[begin:end])
	for i := 1; i < x.parts; i++ {
		x.loops.Add(dst, dst, x.ws[i*x.partial+begin:][:len(dst)])
	}
}
