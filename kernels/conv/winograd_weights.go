package conv

import (
	"github.com/meseta-go/meseta/kernels/cpu"
	"github.com/meseta-go/meseta/kernels/tile"
)

// winogradWeights computes the gradient of a 3×3 filter in tiles: Gᵀ[Σ (Bᵀ d B) ⊗ (A y Aᵀ)]G over all tiles d of inputs and y of
// the outputs' gradients.
//
// Rows of tiles are split by shape alone into parts, each with its own sum of 36 matrices [C,K] in the workspace; a part goes
// through its rows in blocks that fit in the cache. At the end the parts are added in order and transformed. Where there are more
// workers than parts, each task computes some of a part's columns; that changes no sum.
type winogradWeights struct {
	dev  *cpu.Device
	set  *tile.Set
	x    *transforms
	p    Params
	bias bool

	panels       []panel
	rowsOfC      int // rows of C in a micro-kernel
	down, across int // tiles in an image
	block        int // rows of tiles in a block
	parts        int
	sliceK       int // slices of a part by panels of K
	sliceC       int // and by groups of C
	partial      int // elements of a part's sums: 36 matrices and the bias's gradient
	srcPlane     int // elements from plane to plane
	dstPlane     int
	perWorker    int
	source       tiling
	chunk        int // elements of [C,K] in a task of the last transform

	calls                                   []call
	ones                                    []float32
	tap                                     tile.Tap
	diffWeights, diffBias, src, diffDst, ws []float32 // of the Run in progress
	partTask, sumTask                       func(i, worker int)
}

// Sums of all parts together stay below winogradPartialBytes; a part has at least fewestTiles.
const (
	winogradPartialBytes = 5 << 20
	fewestTiles          = 64
)

func newWinogradWeights(dev *cpu.Device, p Params, bias bool, load *loader) *winogradWeights {
	w := &winogradWeights{
		dev: dev, set: tile.For(dev.ISA()), x: transformsFor(dev.ISA()), p: p, bias: bias, calls: make([]call, dev.Threads()), ones: []float32{1},
		down: ceilDiv(p.P, tileOut), across: ceilDiv(p.Q, tileOut),
	}
	w.panels = cut(w.set, p.K, false)
	w.rowsOfC = evenly(p.C, w.panels[0].width.Rows)
	rows := p.N * w.down
	w.partial = roundUp(planes*p.C*p.K+p.K, slack)
	w.parts = max(1, min(manyParts, rows, winogradPartialBytes/(4*w.partial), rows*w.across/fewestTiles))
	// Long sums keep the 36 matrices in cache for longer than blocks that fit do, so a block has at least fewestTiles.
	w.block = max(1, min(ceilDiv(rows, w.parts), max(planeBytes/(4*planes*(p.C+p.K)), fewestTiles)/w.across))
	w.sliceK, w.sliceC = 1, 1
	if want := 2 * dev.Threads(); dev.Threads() > 1 && w.parts < want {
		w.sliceK = min(ceilDiv(want, w.parts), len(w.panels))
		w.sliceC = min(ceilDiv(want, w.parts*w.sliceK), p.C/16)
	}
	w.srcPlane, w.dstPlane = w.block*w.across*p.C+planeGap, w.block*w.across*p.K+planeGap
	w.source = tiling{w.x, load, image{p.H, p.W, p.C}, p.PadTop, p.PadLeft, w.down, w.across, w.srcPlane, p.C, 0}
	w.perWorker = planes*(w.srcPlane+w.dstPlane) + edge(w.across, p.C, p.K) + planes*w.x.lanes
	w.chunk = 64 * w.x.lanes
	w.partTask, w.sumTask = w.part, w.sum
	return w
}

func (w *winogradWeights) String() string { return "winograd 4×4 " + w.set.ISA.String() }

func (w *winogradWeights) workspaceBytes() int {
	return 4 * (w.parts*w.partial + w.dev.Threads()*w.perWorker)
}

func (w *winogradWeights) run(diffWeights, diffBias, src, diffDst, ws []float32) {
	w.diffWeights, w.diffBias, w.src, w.diffDst, w.ws = diffWeights, diffBias, src, diffDst, ws
	w.dev.Sweep(w.parts*w.sliceK*w.sliceC, w.partTask)
	w.dev.Parallel(ceilDiv(w.p.C*w.p.K, w.chunk)+1, w.sumTask)
}

// slice is some of the columns and rows of the 36 sums [C,K].
type slice struct {
	panels      []panel
	first, last int // channels C
}

// part computes a slice of one part's sums.
func (w *winogradWeights) part(i, worker int) {
	k, i := i%w.sliceK, i/w.sliceK
	c, part := i%w.sliceC, i/w.sliceC
	groups := w.p.C / 16
	s := slice{
		w.panels[k*len(w.panels)/w.sliceK : (k+1)*len(w.panels)/w.sliceK],
		c * groups / w.sliceC * 16, (c + 1) * groups / w.sliceC * 16,
	}
	rows := w.p.N * w.down
	first, last := part*rows/w.parts, (part+1)*rows/w.parts
	flags := 0
	for row := first; row < last; row += w.block {
		w.add(part, s, row, min(w.block, last-row), flags, worker)
		flags = tile.Accumulate
	}
}

// add adds some rows of tiles to a slice of a part's sums.
func (w *winogradWeights) add(part int, s slice, first, rows, flags, worker int) {
	p := w.p
	sums := w.ws[part*w.partial:][:w.partial]
	space := w.ws[w.parts*w.partial+worker*w.perWorker:][:w.perWorker]
	inputs, space := space[:planes*w.srcPlane], space[planes*w.srcPlane:]
	differences, space := space[:planes*w.dstPlane], space[planes*w.dstPlane:]
	edge, scratch := space[planes*w.x.lanes:], &space[0]
	args := &w.calls[worker].Args
	args.Taps, args.NTaps = &w.tap, 1
	last := s.panels[len(s.panels)-1]
	firstK, lastK := s.panels[0].first, last.first+last.count
	for r := range rows {
		w.source.row(&inputs[r*w.across*p.C], w.src, s.first, s.last, first+r, edge, scratch)
		w.differenceRow(&differences[r*w.across*p.K+firstK], w.dstPlane, p.K, firstK, lastK, first+r, edge, scratch)
		if w.bias && s.first == 0 {
			args.Flags = flags
			if r > 0 {
				args.Flags = tile.Accumulate
			}
			w.addBias(sums[planes*p.C*p.K:], first+r, s.panels, args)
		}
	}
	if w.x.correlations != nil && p.C == w.x.lanes && p.K == w.x.lanes {
		w.x.correlations(&sums[0], &inputs[0], 4*w.srcPlane, &differences[0], 4*w.dstPlane, rows*w.across, flags&tile.Accumulate)
		return
	}
	args.KsA, args.KsB, args.LdC, args.Flags = 4*p.C, 4*p.K, 4*p.K, flags
	args.K = rows * w.across
	for plane := range planes {
		for _, pn := range s.panels {
			args.B, args.Cols = &differences[plane*w.dstPlane+pn.first], pn.count
			for c := s.first; c < s.last; c += w.rowsOfC {
				args.A = &inputs[plane*w.srcPlane+c]
				args.C = &sums[(plane*p.C+c)*p.K+pn.first]
				pn.width.ColumnA[min(w.rowsOfC, s.last-c)](args)
			}
		}
	}
}

// differenceRow transforms channels first to last-1 of one row of tiles of diffDst, counted through all images, into 36 planes at the given
// distances of planes and of tiles, in elements. Tiles that reach over the edge are zero there.
func (w *winogradWeights) differenceRow(dst *float32, plane, tile, first, last, row int, edge []float32, scratch *float32) {
	m := image{w.p.P, w.p.Q, w.p.K}
	n, top := row/w.down, row%w.down*tileOut
	src := w.diffDst[n*m.len() : (n+1)*m.len()]
	pitch := m.width * m.channels
	if top+tileOut <= m.height && m.width%tileOut == 0 {
		src = src[top*pitch:]
	} else {
		pitch = w.across * tileOut * m.channels
		(*loader)(nil).window(edge, pitch, src, m, top, 0, tileOut, w.across*tileOut)
		src = edge
	}
	w.x.difference(&src[first], 4*pitch, 4*m.channels, 4*tileOut*m.channels, dst, 4*plane, 4*tile, (last-first)/w.x.lanes, w.across, scratch)
}

// addBias adds the pixels of one row of tiles of diffDst: a product with a row of ones.
func (w *winogradWeights) addBias(sums []float32, row int, panels []panel, args *tile.Args) {
	p := w.p
	n, top := row/w.down, row%w.down*tileOut
	diffDst := w.diffDst[(n*p.P+top)*p.Q*p.K:]
	args.A, args.KsA, args.KsB, args.K = &w.ones[0], 0, 4*p.K, min(tileOut, p.P-top)*p.Q
	for _, pn := range panels {
		args.B, args.C, args.Cols = &diffDst[pn.first], &sums[pn.first], pn.count
		pn.width.ColumnA[1](args)
	}
}

// sum adds the parts and transforms a stretch of [C,K]; the last task adds the bias's gradient.
func (w *winogradWeights) sum(i, worker int) {
	elements := w.p.C * w.p.K
	if first := i * w.chunk; first < elements {
		space := w.ws[w.parts*w.partial+worker*w.perWorker:]
		w.x.gradient(&w.ws[first], 4*elements, 4*w.partial, w.parts, &w.diffWeights[first], 4*elements, min(w.chunk, elements-first)/w.x.lanes, &space[0])
		return
	}
	if !w.bias {
		return
	}
	args := &w.calls[worker].Args
	args.Taps, args.NTaps, args.Flags = &w.tap, 1, 0
	args.A, args.KsA, args.K, args.KsB = &w.ones[0], 0, w.parts, 4*w.partial
	for _, pn := range w.panels {
		args.B, args.C, args.Cols = &w.ws[planes*elements+pn.first], &w.diffBias[pn.first], pn.count
		pn.width.ColumnA[1](args)
	}
}
