package conv

import (
	"github.com/meseta-go/meseta/kernels/cpu"
	"github.com/meseta-go/meseta/kernels/tile"
)

// winogradPanels is Winograd's convolution for many channels on either side, whose transformed weights (36 matrices) leave the cache: a
// task of type winograd would stream them all for a few tiles.
//
// First all tiles of some images are transformed into 36 planes [depth,tile,channel]. Then a task computes the columns of one panel for a
// block of tiles: it transforms the panel's weights for some input channels at a time, a depth, multiplies while they are in the
// cache, and adds to 36 planes of products, which at the end it transforms back. So transformed weights are never written to
// memory, and each is made once for a block of tiles.
type winogradPanels struct {
	*winograd
	group    int // rows of tiles that are transformed at once
	block    int // and those in a task
	depth    int // input channels whose weights a task holds
	slab     int // elements from one depth to the next of a plane of transformed inputs
	weight   int // elements from plane to plane of a panel's weights
	product  int // and of its products
	perTask  int // elements of a worker's part of the workspace
	firstRow int // of the group in progress

	sourceTask, panelTask func(i, worker int)
}

const (
	panelDepth = 64       // input channels at a time: with so many tiles
	panelTiles = 128      // in a task, weights and products stay in the L2 cache
	groupBytes = 16 << 20 // of transformed inputs, which pass through the L3 cache
)

// newWinogradPanels transforms as many images at once as make most bytes.
func newWinogradPanels(dev *cpu.Device, images int, from, to image, top, left int, backwards bool, e Epilogue, load *loader, most int) *winogradPanels {
	w := &winogradPanels{winograd: newWinograd(dev, images, from, to, top, left, backwards, e, load)}
	rows := images * w.down
	w.depth = roundUp(evenly(from.channels, panelDepth), 16)
	w.group = min(rows, max(1, most/(4*planes*from.channels*w.across)))
	w.block = evenly(w.group, max(1, panelTiles/w.across))
	if want := 2 * dev.Threads(); dev.Threads() > 1 { // results do not depend on it
		w.block = min(w.block, ceilDiv(w.group, ceilDiv(want, len(w.panels))))
	}
	w.slab = w.group * w.across * w.depth
	widest := 0
	for _, pn := range w.panels {
		widest = max(widest, pn.width.Columns)
	}
	w.fromPlane = ceilDiv(from.channels, w.depth)*w.slab + planeGap
	w.weight = w.depth*widest + planeGap
	w.product = w.block*w.across*widest + planeGap
	w.source.plane, w.source.depth, w.source.slab = w.fromPlane, w.depth, w.slab
	w.perTask = planes*(w.weight+w.product+w.x.lanes) + max(edge(w.across, from.channels, widest), w.perFilterWorker())
	w.sourceTask, w.panelTask = w.transform, w.panel
	return w
}

func (w *winogradPanels) String() string { return "winograd 4×4 by panels " + w.set.ISA.String() }

// A task prepares its weights by itself.
func (w *winogradPanels) prepare(_, _, _ []float32) {}
func (w *winogradPanels) formLen() int              { return 0 }

func (w *winogradPanels) workspaceBytes() int {
	return 4 * (planes*w.fromPlane + w.dev.Threads()*w.perTask)
}

func (w *winogradPanels) run(dst, src, weights, bias, ws []float32) {
	w.dst, w.src, w.weights, w.bias, w.ws = dst, src, weights, bias, ws
	if bias == nil {
		w.bias = w.zeros
	}
	rows := w.images * w.down
	for w.firstRow = 0; w.firstRow < rows; w.firstRow += w.group {
		n := min(w.group, rows-w.firstRow)
		w.dev.Parallel(n, w.sourceTask)
		w.dev.Parallel(len(w.panels)*ceilDiv(n, w.block), w.panelTask)
	}
}

// taskSpace is a worker's part of the workspace.
func (w *winogradPanels) taskSpace(worker int) []float32 {
	return w.ws[planes*w.fromPlane+worker*w.perTask:][:w.perTask]
}

// transform transforms a row of tiles of the group.
func (w *winogradPanels) transform(i, worker int) {
	space := w.taskSpace(worker)
	w.source.row(&w.ws[i*w.across*w.depth], w.src, 0, w.from.channels, w.firstRow+i, space[planes*w.x.lanes:], &space[0])
}

// panel computes a panel's columns of a block of tiles.
func (w *winogradPanels) panel(i, worker int) {
	pn := w.panels[i%len(w.panels)]
	first := i / len(w.panels) * w.block
	rows := min(w.block, w.group-first, w.images*w.down-w.firstRow-first)
	tiles := rows * w.across
	space := w.taskSpace(worker)
	weights, space := space[:planes*w.weight], space[planes*w.weight:]
	products, space := space[:planes*w.product], space[planes*w.product:]
	scratch, edge := &space[0], space[planes*w.x.lanes:]
	inputs := w.ws[first*w.across*w.depth:]
	width, channels := pn.width.Columns, w.from.channels

	args := &w.calls[worker].Args
	args.Taps, args.NTaps, args.Cols = &w.tap, 1, pn.count
	args.LdA, args.KsB, args.LdC, args.Flags = 4*w.depth, 4*width, 4*width, 0
	step := evenly(tiles, pn.width.Rows)
	for c := 0; c < channels; c += w.depth {
		args.K = min(w.depth, channels-c)
		for t := 0; t < pn.count; t += w.x.lanes {
			w.filterTo(&weights[t], w.weight, width, c, args.K, pn.first+t, edge)
		}
		for plane := range planes {
			args.B = &weights[plane*w.weight]
			for t := 0; t < tiles; t += step {
				args.A = &inputs[plane*w.fromPlane+c/w.depth*w.slab+t*w.depth]
				args.C = &products[plane*w.product+t*width]
				pn.width.RowA[min(step, tiles-t)](args)
			}
		}
		args.Flags = tile.Accumulate
	}
	for r := range rows {
		w.resultRow(products[r*w.across*width:], w.product, width, pn.first, pn.first+pn.count, w.firstRow+first+r, edge, scratch)
	}
}
