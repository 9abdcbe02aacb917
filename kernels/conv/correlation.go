package conv

import (
	"github.com/meseta-go/meseta/kernels/cpu"
	"github.com/meseta-go/meseta/kernels/tile"
)

// Partial sums of weights' gradients together stay below partialBytes, so that they do not leave the cache; there are at most
// manyParts.
const (
	partialBytes = 3 << 20
	manyParts    = 32
)

// unit is a part of the rows of diffWeights [R·S·C,K] that one micro-kernel computes.
type unit struct {
	row, rows int // of diffWeights
	offset    int // of the first row's first factor in what is read, from the pixel under filter element (0,0)
}

// correlation computes diffWeights [R·S·C,K]: the sum over all output pixels of what lies under the filter there (R·S·C
// numbers) times the output's gradient (K numbers).
//
// Micro-kernels add up blocks of whole rows of pixels, as many as fit in the L2 cache, in which the pixels under one
// row of the filter are neighbours; where filters reach over the edge, or pixels are not taken as they are, the block is first loaded, with
// zeros around it, into the worker's own part of the workspace.
// Images are split by shape alone into parts, each with its own sums in the workspace, which are added in order
// at the end. Where there are more workers than parts, each task computes some of a part's columns; that changes no sum.
type correlation struct {
	dev    *cpu.Device
	set    *tile.Set
	p      Params
	bias   bool
	load   *loader
	from   image
	rows   axis
	cols   axis
	units  []unit
	panels []panel

	copied            bool
	pitch, imagePitch int // elements from row to row, and from image to image, of what micro-kernels read
	window            int // elements of a worker's part of the workspace
	blockRows, group  int // rows of dst, or whole images, in a block
	parts, slices     int
	partial           int        // elements of a partial sum: diffWeights and diffBias
	taps              []tile.Tap // one for each row of dst in a block
	zeroTap           tile.Tap
	calls             []call
	ones              []float32
	partTask, sumTask func(i, worker int)
	sums              int // tasks that add partial sums

	diffWeights, diffBias, src, diffDst, ws []float32 // of the Run in progress
}

func newCorrelation(dev *cpu.Device, p Params, bias bool, load *loader) *correlation {
	x := &correlation{
		dev: dev, set: tile.For(dev.ISA()), p: p, bias: bias, load: load, from: image{p.H, p.W, p.C},
		rows: forwardAxis(p.P, p.R, p.StrideH, p.DilationH, p.PadTop), cols: forwardAxis(p.Q, p.S, p.StrideW, p.DilationW, p.PadLeft),
		calls: make([]call, dev.Threads()), ones: []float32{1},
	}
	x.panels = cut(x.set, p.K, false) // the first has no more rows than the others, as units count on
	x.copied = load != nil || !x.rows.inside(p.H) || !x.cols.inside(p.W)
	x.cutBlocks()
	x.listUnits()
	x.cutParts()
	x.partTask, x.sumTask = x.part, x.sum
	return x
}

// cutBlocks chooses how many rows or images micro-kernels add up at once.
func (x *correlation) cutBlocks() {
	p := x.p
	bytes := func(rows int) int { return 4 * (x.rows.extent(rows)*x.cols.extent(p.Q)*p.C + rows*p.Q*p.K) }
	x.blockRows, x.group = p.P, 1
	for x.blockRows > 1 && bytes(x.blockRows) > blockBytes {
		x.blockRows = evenly(p.P, x.blockRows-1)
	}
	if x.blockRows == p.P {
		x.group = max(1, min(p.N, blockBytes/bytes(p.P)))
	}
	x.pitch = p.W * p.C
	x.imagePitch = x.from.len()
	if x.copied {
		x.pitch = x.cols.extent(p.Q) * p.C
		x.imagePitch = x.rows.extent(x.blockRows) * x.pitch
		x.window = roundUp(x.group*x.imagePitch+slack, slack)
	}
	for n := range x.group {
		for r := range x.blockRows {
			x.taps = append(x.taps, tile.Tap{A: 4 * (n*x.imagePitch + r*p.StrideH*x.pitch), B: 4 * (n*p.P + r) * p.Q * p.K})
		}
	}
}

// listUnits cuts the rows of diffWeights into parts that neighbour in what is read: filter rows, or filter elements where
// dilation sets them apart, and these into as few tiles as can be.
func (x *correlation) listUnits() {
	p := x.p
	runs, run := p.S, p.C
	if p.DilationW == 1 || p.S == 1 {
		runs, run = 1, p.S*p.C
	}
	step := evenly(run, x.panels[0].width.Rows)
	for r := range p.R {
		for s := range runs {
			for at := 0; at < run; at += step {
				x.units = append(x.units, unit{
					row: (r*runs+s)*run + at, rows: min(step, run-at),
					offset: r*p.DilationH*x.pitch + s*p.DilationW*p.C + at,
				})
			}
		}
	}
}

// cutParts chooses the number of partial sums by shape, and of tasks for each by the number of workers.
func (x *correlation) cutParts() {
	x.partial = roundUp(x.p.WeightsLen()+x.p.K, slack)
	blocks := ceilDiv(x.p.N, x.group)
	x.parts = max(1, min(blocks, manyParts, partialBytes/(4*x.partial)))
	x.slices = 1
	if want := 2 * x.dev.Threads(); x.dev.Threads() > 1 && x.parts < want {
		x.slices = min(ceilDiv(want, x.parts), len(x.units)*len(x.panels))
	}
	x.sums = ceilDiv(x.partial, 4096)
}

func (x *correlation) String() string { return "direct " + x.set.ISA.String() }

func (x *correlation) workspaceBytes() int {
	return 4 * (x.parts*x.partial + slack + x.dev.Threads()*x.window)
}

func (x *correlation) run(diffWeights, diffBias, src, diffDst, ws []float32) {
	x.diffWeights, x.diffBias, x.src, x.diffDst, x.ws = diffWeights, diffBias, src, diffDst, ws
	x.dev.Sweep(x.parts*x.slices, x.partTask)
	x.dev.Parallel(x.sums, x.sumTask)
}

// part computes a slice of one partial sum.
func (x *correlation) part(i, worker int) {
	slice, part := i%x.slices, i/x.slices
	blocks := ceilDiv(x.p.N, x.group)
	tiles := len(x.units) * len(x.panels)
	first, last := slice*tiles/x.slices, (slice+1)*tiles/x.slices
	flags := 0
	for b := part * blocks / x.parts; b < (part+1)*blocks/x.parts; b++ {
		n := b * x.group
		images := min(x.group, x.p.N-n)
		for row := 0; row < x.p.P; row += x.blockRows {
			x.block(part, n, images, row, min(x.blockRows, x.p.P-row), first, last, flags, worker)
			flags = tile.Accumulate
		}
	}
}

// block adds some rows of some images to the tiles first to last-1 of a partial sum.
func (x *correlation) block(part, n, images, row, rows, first, last, flags, worker int) {
	p := x.p
	top, left := row*p.StrideH+x.rows.low, x.cols.low
	var src []float32
	if x.copied {
		src = x.ws[x.parts*x.partial+slack+worker*x.window:][:x.window]
		for i := range images {
			x.load.window(src[i*x.imagePitch:], x.pitch, x.src[(n+i)*x.from.len():], x.from, top, left, x.rows.extent(rows), x.cols.extent(p.Q))
		}
	} else {
		src = x.src[n*x.from.len()+top*x.pitch+left*p.C:]
	}
	diffDst := x.diffDst[(n*p.P+row)*p.Q*p.K:]
	sums := x.ws[part*x.partial:][:x.partial]

	args := &x.calls[worker].Args
	args.KsB, args.LdC, args.Flags = 4*p.K, 4*p.K, flags
	if x.bias && first == 0 { // the sum of diffDst's rows: a product with a row of ones
		args.A, args.KsA, args.K = &x.ones[0], 0, images*rows*p.Q
		args.Taps, args.NTaps = &x.zeroTap, 1
		for _, pn := range x.panels {
			args.B, args.C, args.Cols = &diffDst[pn.first], &sums[p.WeightsLen()+pn.first], pn.count
			pn.width.ColumnA[1](args)
		}
	}
	args.KsA, args.K = 4*p.StrideW*p.C, p.Q
	args.Taps, args.NTaps = &x.taps[0], images*rows
	for t := first; t < last; t++ {
		pn, u := x.panels[t/len(x.units)], x.units[t%len(x.units)]
		args.A, args.B, args.C, args.Cols = &src[u.offset], &diffDst[pn.first], &sums[u.row*p.K+pn.first], pn.count
		pn.width.ColumnA[u.rows](args)
	}
}

// sum adds a stretch of the partial sums, again as a product with ones.
func (x *correlation) sum(i, worker int) {
	begin, end := i*x.partial/x.sums, (i+1)*x.partial/x.sums
	weights := x.p.WeightsLen()
	x.sumRange(x.diffWeights, 0, min(begin, weights), min(end, weights), worker)
	if x.bias {
		bias := weights + x.p.K
		x.sumRange(x.diffBias, weights, max(weights, min(begin, bias)), max(weights, min(end, bias)), worker)
	}
}

// sumRange adds elements begin to end-1 of the partial sums into dst, whose first is element base.
func (x *correlation) sumRange(dst []float32, base, begin, end, worker int) {
	args := &x.calls[worker].Args
	args.A, args.KsA, args.K, args.KsB = &x.ones[0], 0, x.parts, 4*x.partial
	args.Taps, args.NTaps, args.Flags = &x.zeroTap, 1, 0
	widest := &x.set.Widths[len(x.set.Widths)-1]
	for begin < end {
		w := x.set.Width(end - begin)
		if end-begin > w.Columns {
			w = widest
		}
		args.Cols = min(w.Columns, end-begin)
		args.B, args.C = &x.ws[begin], &dst[begin-base]
		w.ColumnA[1](args)
		begin += args.Cols
	}
}
