package conv

import (
	"github.com/meseta-go/meseta/kernels/cpu"
	"github.com/meseta-go/meseta/kernels/tile"
)

// winogradPanelsWeights is Winograd's gradient of filters of many channels, whose sums (36 matrices) leave the cache: a part of type
// winogradWeights would go through them all for a few rows of tiles.
//
// First all tiles of some images and of the outputs' gradients there are transformed into 36 planes [depth,tile,channel]. Then a task adds
// the products of one depth of C and one of K over all these tiles, and after the last images transforms its sums, which are in the cache,
// into the gradient. Where there is more than one group of images, the sums wait in the workspace.
type winogradPanelsWeights struct {
	*winogradWeights
	group          int       // rows of tiles that are transformed at once
	c, k           int       // channels in a depth
	slabs          [][]panel // panels of each depth of K, from its first channel
	slabC, slabK   int       // elements from one depth to the next
	planeC, planeK int       // and from plane to plane, of transformed inputs and of differences
	sumPlane       int       // and of sums
	waiting        bool      // sums are held for each task, not for each worker
	perTask        int       // elements of a worker's part of the workspace beside sums
	firstRow       int       // of the group in progress

	rowTask, depthTask func(i, worker int)
}

// gradientBytes bounds what is transformed at once: it passes through the L3 cache.
const gradientBytes = 24 << 20

// newWinogradPanelsWeights transforms as many images at once as make most bytes.
func newWinogradPanelsWeights(dev *cpu.Device, p Params, bias bool, load *loader, most int) *winogradPanelsWeights {
	w := &winogradPanelsWeights{winogradWeights: newWinogradWeights(dev, p, bias, load)}
	rows := p.N * w.down
	w.group = min(rows, max(1, most/(4*planes*(p.C+p.K)*w.across)))
	w.waiting = w.group < rows
	depth := panelDepth
	if dev.Threads() > 1 && ceilDiv(p.C, depth)*ceilDiv(p.K, depth) < 2*dev.Threads() { // results do not depend on it
		depth /= 2
	}
	w.c, w.k = roundUp(evenly(p.C, depth), 16), roundUp(evenly(p.K, depth), 16)
	w.rowsOfC = evenly(w.c, w.panels[0].width.Rows)
	for first := 0; first < p.K; first += w.k {
		w.slabs = append(w.slabs, cut(w.set, min(w.k, p.K-first), false))
	}
	w.slabC, w.slabK = w.group*w.across*w.c, w.group*w.across*w.k
	w.planeC, w.planeK = w.depths()*w.slabC+planeGap, len(w.slabs)*w.slabK+planeGap
	w.sumPlane = w.c*w.k + planeGap
	w.source.plane, w.source.depth, w.source.slab = w.planeC, w.c, w.slabC
	w.perTask = planes*w.x.lanes + edge(w.across, p.C, p.K)
	w.rowTask, w.depthTask = w.transform, w.multiply
	return w
}

// depths is the number of depths of C.
func (w *winogradPanelsWeights) depths() int { return ceilDiv(w.p.C, w.c) }

func (w *winogradPanelsWeights) String() string {
	return "winograd 4×4 by panels " + w.set.ISA.String()
}

// heldSums is how many tasks' sums are in the workspace.
func (w *winogradPanelsWeights) heldSums() int {
	if w.waiting {
		return w.depths() * len(w.slabs)
	}
	return w.dev.Threads()
}

func (w *winogradPanelsWeights) workspaceBytes() int {
	return 4 * (planes*(w.planeC+w.planeK+w.heldSums()*w.sumPlane) + w.dev.Threads()*w.perTask)
}

func (w *winogradPanelsWeights) run(diffWeights, diffBias, src, diffDst, ws []float32) {
	w.diffWeights, w.diffBias, w.src, w.diffDst, w.ws = diffWeights, diffBias, src, diffDst, ws
	rows := w.p.N * w.down
	for w.firstRow = 0; w.firstRow < rows; w.firstRow += w.group {
		w.dev.Parallel(min(w.group, rows-w.firstRow), w.rowTask)
		w.dev.Parallel(w.depths()*len(w.slabs), w.depthTask)
	}
}

// taskSpace is a worker's part of the workspace.
func (w *winogradPanelsWeights) taskSpace(worker int) []float32 {
	return w.ws[planes*(w.planeC+w.planeK+w.heldSums()*w.sumPlane)+worker*w.perTask:][:w.perTask]
}

// transform transforms a row of tiles of the group, and its differences.
func (w *winogradPanelsWeights) transform(i, worker int) {
	space := w.taskSpace(worker)
	scratch, edge := &space[0], space[planes*w.x.lanes:]
	w.source.row(&w.ws[i*w.across*w.c], w.src, 0, w.p.C, w.firstRow+i, edge, scratch)
	differences := w.ws[planes*w.planeC+i*w.across*w.k:]
	for k := 0; k < w.p.K; k += w.k {
		w.differenceRow(&differences[k/w.k*w.slabK], w.planeK, w.k, k, min(k+w.k, w.p.K), w.firstRow+i, edge, scratch)
	}
}

// multiply adds the group's tiles to the sums of one depth of C and one of K.
func (w *winogradPanelsWeights) multiply(i, worker int) {
	p, d, s := w.p, i/len(w.slabs), i%len(w.slabs)
	channels, tiles := min(w.c, p.C-d*w.c), min(w.group, p.N*w.down-w.firstRow)*w.across
	held := worker
	if w.waiting {
		held = i
	}
	inputs, differences := w.ws[d*w.slabC:], w.ws[planes*w.planeC+s*w.slabK:]
	sums := w.ws[planes*(w.planeC+w.planeK+held*w.sumPlane):][:planes*w.sumPlane]
	args := &w.calls[worker].Args
	args.Taps, args.NTaps, args.K = &w.tap, 1, tiles
	args.KsA, args.KsB, args.LdC, args.Flags = 4*w.c, 4*w.k, 4*w.k, 0
	if w.firstRow > 0 {
		args.Flags = tile.Accumulate
	}
	for plane := range planes {
		for c := 0; c < channels; c += w.rowsOfC {
			args.A = &inputs[plane*w.planeC+c]
			for _, pn := range w.slabs[s] {
				args.B, args.Cols = &differences[plane*w.planeK+pn.first], pn.count
				args.C = &sums[plane*w.sumPlane+c*w.k+pn.first]
				pn.width.ColumnA[min(w.rowsOfC, channels-c)](args)
			}
		}
	}
	if w.firstRow+w.group < p.N*w.down {
		return
	}
	first, columns, scratch := s*w.k, min(w.k, p.K-s*w.k), &w.taskSpace(worker)[0]
	for c := range channels {
		w.x.gradient(&sums[c*w.k], 4*w.sumPlane, 0, 1, &w.diffWeights[(d*w.c+c)*p.K+first], 4*p.C*p.K, columns/w.x.lanes, scratch)
	}
	if w.bias && d == 0 { // the sum of diffDst's rows: a product with a row of ones
		args.A, args.KsA, args.K, args.KsB, args.Flags = &w.ones[0], 0, p.N*p.P*p.Q, 4*p.K, 0
		for _, pn := range w.slabs[s] {
			args.B, args.C, args.Cols = &w.diffDst[first+pn.first], &w.diffBias[first+pn.first], pn.count
			pn.width.ColumnA[1](args)
		}
	}
}
