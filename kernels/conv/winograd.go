package conv

import (
	"math"

	"github.com/meseta-go/meseta/kernels/cpu"
	"github.com/meseta-go/meseta/kernels/tile"
	"github.com/meseta-go/meseta/kernels/vec"
	"github.com/meseta-go/meseta/ops"
)

// suitsWinograd tells whether a convolution has the shape that the transforms are for: 3×3, unit steps, whole vectors.
func (p Params) suitsWinograd() bool {
	return p.groups() == 1 && p.R == 3 && p.S == 3 && p.StrideH == 1 && p.StrideW == 1 && p.DilationH == 1 && p.DilationW == 1 && p.C%16 == 0 && p.K%16 == 0
}

// planeBytes bounds what a task holds of transformed tiles: about the L2 cache.
const planeBytes = 768 << 10

// planeGap, in elements, keeps the 36 places of a tile in different sets of the L1 cache.
const planeGap = 48

// winograd computes a 3×3 convolution in tiles of 4×4 outputs: Forward and, from diffDst to diffSrc with filters turned
// round, BackwardData.
//
// A task takes some rows of tiles of neighbouring images: it transforms their inputs into 36 planes [tile,channel] in its
// worker's part of the workspace, multiplies each plane with its matrix of weights and transforms the products back.
// Weights are transformed first.
type winograd struct {
	dev       *cpu.Device
	set       *tile.Set
	x         *transforms
	images    int
	from, to  image
	backwards bool
	add       bool // to what dst holds
	sum       func(dst, a, b []float32)
	clip      func(dst, src []float32) // an activation of what is written, or nil
	panels    []panel

	down, across int // tiles in an image
	rows         int // rows of tiles in a task
	fromPlane    int // elements from plane to plane of transformed inputs
	toPlane      int // and of products
	perWorker    int
	source       tiling
	inPlace      bool // products take the place of transformed inputs

	calls                             []call
	zeros                             []float32 // instead of a bias
	floor                             float32
	tap                               tile.Tap
	dst, src, weights, form, bias, ws []float32 // of the Run in progress; form is weights transformed, [36,from,to]
	filterTask, tileTask              func(i, worker int)
}

func newWinograd(dev *cpu.Device, images int, from, to image, top, left int, backwards bool, e Epilogue, load *loader) *winograd {
	w := &winograd{
		dev: dev, set: tile.For(dev.ISA()), x: transformsFor(dev.ISA()), images: images, from: from, to: to,
		backwards: backwards, calls: make([]call, dev.Threads()), zeros: make([]float32, to.channels),
		down: ceilDiv(to.height, tileOut), across: ceilDiv(to.width, tileOut),
		add: e.Add, floor: float32(math.Inf(-1)),
	}
	switch {
	case e.Activation == ops.ReLU6:
		w.clip = vec.For(dev.ISA()).ReLU6
	case e.Activation == ops.ReLU && e.Add: // it comes after the sum
		w.clip = vec.For(dev.ISA()).ReLU
	case e.Activation == ops.ReLU:
		w.floor = 0
	}
	w.panels = cut(w.set, to.channels, true)
	w.rows = tileRows(images*w.down, w.across, from.channels+to.channels, dev.Threads())
	w.fromPlane, w.toPlane = w.rows*w.across*from.channels+planeGap, w.rows*w.across*to.channels+planeGap
	w.sum = vec.For(dev.ISA()).Add
	w.inPlace = w.x.products != nil && from.channels == w.x.lanes && to.channels == w.x.lanes
	held := planes * (w.fromPlane + w.toPlane)
	if w.inPlace {
		held = planes * w.fromPlane
	}
	w.source = tiling{w.x, load, from, top, left, w.down, w.across, w.fromPlane, from.channels, 0}
	w.perWorker = held + edge(w.across, from.channels, to.channels) + planes*w.x.lanes
	w.filterTask, w.tileTask = w.filter, w.tiles
	return w
}

// tileRows chooses how many rows of tiles a task takes: as many as the cache holds, but enough tasks for all workers. Results do not depend
// on it.
func tileRows(rows, across, channels, threads int) int {
	n := planeBytes / (4 * planes * channels * across)
	n = min(n, ceilDiv(rows, 4*threads))
	return max(n, 1, min(rows, ceilDiv(8, across)))
}

// edge is the room, in elements, for a row of tiles that reaches over the edge of an image.
func edge(across, from, to int) int {
	return tileIn*(across*tileOut+2)*from + tileOut*across*tileOut*to
}

func (w *winograd) String() string { return "winograd 4×4 " + w.set.ISA.String() }

// filterChunk is the number of input channels whose weights are transformed in one task.
const filterChunk = 16

func (w *winograd) formLen() int { return planes * w.from.channels * w.to.channels }

// perFilterWorker is what a worker needs to transform weights.
func (w *winograd) perFilterWorker() int { return (9*filterChunk + planes) * w.set.Lanes }

func (w *winograd) workspaceBytes() int {
	return 4 * w.dev.Threads() * max(w.perWorker, w.perFilterWorker())
}

func (w *winograd) workerSpace(worker int) []float32 {
	n := max(w.perWorker, w.perFilterWorker())
	return w.ws[worker*n:][:n]
}

func (w *winograd) prepare(form, weights, ws []float32) {
	w.form, w.weights, w.ws = form, weights, ws
	w.dev.Parallel(w.from.channels/filterChunk*(w.to.channels/w.x.lanes), w.filterTask)
}

func (w *winograd) run(dst, src, form, bias, ws []float32) {
	w.dst, w.src, w.form, w.bias, w.ws = dst, src, form, bias, ws
	if bias == nil {
		w.bias = w.zeros
	}
	w.dev.Sweep(ceilDiv(w.images*w.down, w.rows), w.tileTask)
}

// filter transforms the weights of filterChunk input channels and one vector of output channels into [36,from,to].
func (w *winograd) filter(i, worker int) {
	from, to, lanes := w.from.channels, w.to.channels, w.x.lanes
	f, t := i%(from/filterChunk)*filterChunk, i/(from/filterChunk)*lanes
	w.filterTo(&w.form[f*to+t], from*to, to, f, filterChunk, t, w.workerSpace(worker))
}

// filterTo transforms the weights from n channels, a multiple of filterChunk, to one vector of channels, the first being f and t. plane is
// the distance of planes of dst, pitch that of input channels, in elements; space is perFilterWorker elements.
func (w *winograd) filterTo(dst *float32, plane, pitch, f, n, t int, space []float32) {
	from, to, lanes := w.from.channels, w.to.channels, w.x.lanes
	scratch := &space[9*filterChunk*lanes]
	if !w.backwards {
		w.x.filter(&w.weights[f*to+t], 4*from*to, 4*to, dst, 4*plane, 4*pitch, n, scratch)
		return
	}
	// Weights are [3,3,to,from]: turn them, and take the taps from the last to the first.
	for c := 0; c < n; c += filterChunk {
		for tap := range 9 {
			w.set.Transpose(&w.weights[(tap*to+t)*from+f+c], 4*from, &space[tap*filterChunk*lanes], 4*lanes, lanes, filterChunk)
		}
		w.x.filter(&space[8*filterChunk*lanes], -4*filterChunk*lanes, 4*lanes, at(dst, 4*c*pitch), 4*plane, 4*pitch, filterChunk, scratch)
	}
}

// tiles computes some rows of tiles.
func (w *winograd) tiles(i, worker int) {
	first := i * w.rows
	rows := min(w.rows, w.images*w.down-first)
	space := w.workerSpace(worker)
	inputs, space := space[:planes*w.fromPlane], space[planes*w.fromPlane:]
	products := inputs
	if !w.inPlace {
		products, space = space[:planes*w.toPlane], space[planes*w.toPlane:]
	}
	edge, scratch := space[planes*w.x.lanes:], &space[0]
	for r := range rows {
		w.source.row(&inputs[r*w.across*w.from.channels], w.src, 0, w.from.channels, first+r, edge, scratch)
	}
	if w.inPlace {
		w.x.products(&inputs[0], 4*w.fromPlane, &w.form[0], rows*w.across)
	} else {
		w.multiply(products, inputs, rows*w.across, worker)
	}
	for r := range rows {
		w.resultRow(products[r*w.across*w.to.channels:], w.toPlane, w.to.channels, 0, w.to.channels, first+r, edge, scratch)
	}
}

// tiling is how an image is cut into rows of tiles of 6×6 that overlap by two pixels, with zeros around the image.
type tiling struct {
	x               *transforms
	load            *loader
	m               image
	padTop, padLeft int
	down, across    int // tiles in an image
	plane           int // elements from plane to plane
	depth, slab     int // channels of a tile that are neighbours in a plane, and elements from these to the tile's next ones
}

// row transforms channels first to last-1 of one row of tiles, counted through all images, into 36 planes. Where tiles reach over
// the edge, or pixels are not taken as they are, the row is first loaded to the buffer edge. (To copy only the tiles at the ends of the row is no faster: the copy
// is what fetches the row into the cache.)
func (t *tiling) row(dst *float32, src []float32, first, last, row int, edge []float32, scratch *float32) {
	n, top, left := row/t.down, row%t.down*tileOut-t.padTop, -t.padLeft
	columns := t.across*tileOut + tileIn - tileOut
	c := t.m.channels
	src = src[n*t.m.len() : (n+1)*t.m.len()]
	pitch := t.m.width * c
	if t.load == nil && top >= 0 && top+tileIn <= t.m.height && left >= 0 && left+columns <= t.m.width {
		src = src[top*pitch+left*c:]
	} else {
		pitch = columns * c
		t.load.window(edge, pitch, src, t.m, top, left, tileIn, columns)
		src = edge
	}
	for f := first; f < last; f += t.depth {
		t.x.source(&src[f], 4*pitch, 4*c, 4*tileOut*c, at(dst, 4*(f/t.depth*t.slab+f%t.depth)), 4*t.plane, 4*t.depth, (min(f+t.depth, last)-f)/t.x.lanes, t.across, scratch)
	}
}

// multiply computes products [36,tile,to] = inputs [36,tile,from] · weights [36,from,to].
func (w *winograd) multiply(products, inputs []float32, tiles, worker int) {
	from, to := w.from.channels, w.to.channels
	args := &w.calls[worker].Args
	args.Taps, args.NTaps, args.K = &w.tap, 1, from
	args.LdA, args.KsB, args.LdC, args.Flags = 4*from, 4*to, 4*to, 0
	for plane := range planes {
		for _, pn := range w.panels {
			args.B, args.Cols = &w.form[plane*from*to+pn.first], pn.count
			step := evenly(tiles, pn.width.Rows)
			for t := 0; t < tiles; t += step {
				args.A = &inputs[plane*w.fromPlane+t*from]
				args.C = &products[plane*w.toPlane+t*to+pn.first]
				pn.width.RowA[min(step, tiles-t)](args)
			}
		}
	}
}

// resultRow transforms channels first to last-1 of one row of tiles back, from products with the given distances of planes and of tiles, in
// elements. Tiles that reach over the edge, or all that are to be added to what is there, go through the buffer edge.
func (w *winograd) resultRow(products []float32, plane, pitch, first, last, row int, edge []float32, scratch *float32) {
	m, channels := w.to, last-first
	n, top := row/w.down, row%w.down*tileOut
	dst := w.dst[n*m.len() : (n+1)*m.len()]
	whole := 0
	if top+tileOut <= m.height && !w.add {
		whole = m.width / tileOut
	}
	result := func(products []float32, dst *float32, row, pixel, tiles int) {
		w.x.result(&products[0], 4*plane, 4*pitch, dst, 4*row, 4*pixel, 4*tileOut*pixel, channels/w.x.lanes, tiles, scratch, &w.bias[first], &w.floor)
	}
	if whole > 0 {
		result(products, &dst[top*m.width*m.channels+first], m.width*m.channels, m.channels, whole)
	}
	if whole < w.across {
		left, line := whole*tileOut, (w.across-whole)*tileOut*channels
		result(products[whole*pitch:], &edge[0], line, channels, w.across-whole)
		w.eachRun(row, left, first, last, func(y, x int, run []float32) {
			from := edge[y*line+(x-left)*channels:][:len(run)]
			if w.add {
				w.sum(run, run, from)
			} else {
				copy(run, from)
			}
		})
	}
	if w.clip != nil {
		w.eachRun(row, 0, first, last, func(_, _ int, run []float32) { w.clip(run, run) })
	}
}

// eachRun passes what one row of tiles gives, in columns left and up of channels first to last-1, by runs of neighbours: row y of the tiles
// from column x of the image on.
func (w *winograd) eachRun(row, left, first, last int, do func(y, x int, run []float32)) {
	m := w.to
	n, top := row/w.down, row%w.down*tileOut
	for y := range min(tileOut, m.height-top) {
		line := w.dst[((n*m.height+top+y)*m.width)*m.channels:][:m.width*m.channels]
		if last-first == m.channels {
			do(y, left, line[left*m.channels:])
			continue
		}
		for x := left; x < m.width; x++ {
			do(y, x, line[x*m.channels:][first:last])
		}
	}
}
