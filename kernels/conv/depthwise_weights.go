package conv

import (
	"github.com/meseta-go/meseta/kernels/cpu"
	"github.com/meseta-go/meseta/kernels/vec"
)

// depthwiseWeights computes the weights' gradient of a depthwise convolution: for each filter element and channel the sum over all
// pixels of src under it times diffDst.
//
// Rows of diffDst, counted through all images, are split by shape alone into parts, each with its own sums in the workspace; they are
// added in order at the end.
type depthwiseWeights struct {
	dev       *cpu.Device
	loops     *vec.Table
	p         Params
	bias      bool
	rows      []depthwiseRuns
	biasRuns  []vec.Run
	ones      []float32 // [K]
	parts     int
	partial   int // elements of a partial sum: diffWeights and diffBias
	sums      int // tasks that add partial sums
	widen     *repeater
	wideSrc   int // elements of src with its channels repeated, 0 where there is nothing to repeat
	partTask  func(i, worker int)
	sumTask   func(i, worker int)
	workspace int // elements

	diffWeights, diffBias, src, diffDst, ws []float32 // of the Run in progress
}

// depthwiseRuns is what a row of diffDst adds: products of runs of pixels. They count from the pixel of src at column 0 of the given row.
type depthwiseRuns struct {
	source int
	runs   []vec.Run
}

func newDepthwiseBackwardWeights(dev *cpu.Device, p Params, bias bool) accumulator {
	x := &depthwiseWeights{dev: dev, loops: vec.For(dev.ISA()), p: p, bias: bias, rows: make([]depthwiseRuns, p.P), ones: make([]float32, padded(p.K))}
	for i := range p.K {
		x.ones[i] = 1
	}
	x.biasRuns = []vec.Run{{Sums: p.WeightsLen(), Count: p.Q}}
	for op := range p.P {
		for r := range p.R {
			for s := range p.S {
				h, _, _ := p.at(op, 0, r, s)
				if h < 0 || h >= p.H {
					continue
				}
				first, count := p.columnsInside(s)
				if count == 0 {
					continue
				}
				_, w, _ := p.at(op, first, r, s)
				row := &x.rows[op]
				if len(row.runs) == 0 {
					row.source = h
				}
				row.runs = append(row.runs, vec.Run{
					Sums: (r*p.S + s) * p.K, Src: ((h-row.source)*p.W + w) * p.K, Diff: first * p.K, Count: count,
				})
			}
		}
	}
	x.partial = padded(p.WeightsLen() + p.K)
	x.parts = max(1, min(p.N*p.P, manyParts, partialBytes/(4*x.partial)))
	x.sums = ceilDiv(x.partial, 4096)
	if p.K > p.C {
		x.wideSrc = padded(p.N * p.H * p.W * p.K)
		x.widen = newRepeater(dev, p.SrcLen(), p.K/p.C)
	}
	x.workspace = x.wideSrc + x.parts*x.partial
	x.partTask, x.sumTask = x.part, x.sum
	return x
}

// columnsInside gives the outputs of a row under whose filter column s lies a pixel of the image.
func (p Params) columnsInside(s int) (first, count int) {
	for q := range p.Q {
		if w := q*p.StrideW - p.PadLeft + s*p.DilationW; w >= 0 && w < p.W {
			if count == 0 {
				first = q
			}
			count++
		}
	}
	return first, count
}

func (x *depthwiseWeights) String() string { return "depthwise " + x.dev.ISA().String() }

func (x *depthwiseWeights) workspaceBytes() int { return 4 * x.workspace }

func (x *depthwiseWeights) run(diffWeights, diffBias, src, diffDst, ws []float32) {
	x.diffWeights, x.diffBias, x.src, x.diffDst, x.ws = diffWeights, diffBias, src, diffDst, ws[x.wideSrc:]
	if x.widen != nil {
		x.widen.repeat(ws, src)
		x.src = ws
	}
	x.dev.Parallel(x.parts, x.partTask)
	x.dev.Parallel(x.sums, x.sumTask)
}

// part computes one partial sum.
func (x *depthwiseWeights) part(i, _ int) {
	p, rows := x.p, x.p.N*x.p.P
	sums := x.ws[i*x.partial:][:x.partial]
	clear(sums)
	for row := i * rows / x.parts; row < (i+1)*rows/x.parts; row++ {
		n, r := row/p.P, &x.rows[row%p.P]
		diffDst := x.diffDst[row*p.Q*p.K:]
		x.loops.DepthwiseWeights(sums, x.src[(n*p.H+r.source)*p.W*p.K:], diffDst, r.runs, p.K, p.StrideW*p.K, p.K)
		if x.bias {
			x.loops.DepthwiseWeights(sums, x.ones, diffDst, x.biasRuns, p.K, 0, p.K)
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
