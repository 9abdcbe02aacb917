package conv

import (
	"github.com/meseta-go/meseta/kernels/cpu"
	"github.com/meseta-go/meseta/kernels/tile"
)

// A task holds at most blockBytes of the image that is read: of a 1 MiB L2 cache that leaves room for weights and for
// what is written. It should be worth its dispatch (a few tenths of a microsecond) many times over, yet there should be
// enough tasks for 64 workers.
const (
	blockBytes = 384 << 10
	taskFLOPs  = 4e6
	manyTasks  = 256
)

// Convolutions of a few images have tasks of at least sliceFLOPs, as long as there are fewTasks; of so few outputs in all, images are not cut as
// long as panels make tasks.
const (
	fewOutputs = 256
	fewTasks   = 8
	sliceFLOPs = 5e5
)

// slack is how many elements behind a buffer may be read, and the step to which workspaces are rounded: a cache line.
const slack = 16

// image is one image of an array.
type image struct{ height, width, channels int }

func (m image) len() int { return m.height * m.width * m.channels }

// panel is a group of neighbouring columns of a product that one micro-kernel computes.
type panel struct {
	width        *tile.Width
	first, count int // columns
}

// cut divides columns into panels of two vectors, the shape that leaves micro-kernels the most registers, and one or
// three where the number is odd and triples are wanted.
func cut(set *tile.Set, columns int, triples bool) []panel {
	var panels []panel
	for first := 0; first < columns; {
		left := ceilDiv(columns-first, set.Lanes)
		vectors := min(2, left, len(set.Widths))
		if triples && left == 3 && len(set.Widths) >= 3 {
			vectors = 3
		}
		w := &set.Widths[vectors-1]
		panels = append(panels, panel{width: w, first: first, count: min(w.Columns, columns-first)})
		first += w.Columns
	}
	return panels
}

// phase is a pair of axis phases: outputs that share their taps.
type phase struct {
	row, col axisPhase
	run      int          // products in a tap
	packed   int          // where its panels start in the packed weights
	taps     [][]tile.Tap // for panels of one, two… vectors
}

// depth is the number of products in an output.
func (f *phase) depth(channels int) int { return len(f.row.taps) * len(f.col.taps) * channels }

// call holds a worker's arguments for micro-kernels, on cache lines of its own.
type call struct {
	tile.Args
	_ [64]byte
}

// direct is an implicit GEMM from the images of one array to those of another: Forward and BackwardData.
//
// A task computes a block of output pixels of one image, or a few whole images. Where filters reach over the edge of
// the image, or pixels are not taken as they are, it first loads those that the block reads, with zeros around them, into its worker's own part
// of the workspace, which stays in the L2 cache. Micro-kernels run over it with one tap for each filter row, or one for each
// filter element where neighbours do not touch. Weights are packed into panels first. Where there are few outputs, tasks share a block's panels,
// so that each reads weights of its own.
type direct struct {
	dev        *cpu.Device
	set        *tile.Set
	p          Params // whose weights are [R,S,C,K], whichever way this goes
	from, to   image  // of the array that is read, and of the one that is written
	rows, cols axis
	backwards  bool // from diffDst to diffSrc
	flags      int
	load       *loader
	panels     []panel
	phases     []phase
	packed     int // elements of all packed weights

	copied               bool // pixels go through the workspace
	pitch                int  // elements from row to row of what micro-kernels read
	window               int  // elements of a worker's part of the workspace
	blockRows, blockCols int  // outputs of a phase in a task
	rowBlocks, colBlocks int
	group                int // images in a task
	slices               int // of panels, for each block

	calls                             []call    // one for each worker
	dst, src, weights, form, bias, ws []float32 // of the Run in progress; form is weights packed
	packTask, blockTask               func(i, worker int)
}

func newDirect(dev *cpu.Device, p Params, from, to image, rows, cols axis, backwards bool, flags int, load *loader) *direct {
	d := &direct{
		dev: dev, set: tile.For(dev.ISA()), p: p, from: from, to: to, rows: rows, cols: cols, backwards: backwards, flags: flags, load: load,
		copied: load != nil || !rows.inside(from.height) || !cols.inside(from.width), calls: make([]call, dev.Threads()),
	}
	d.panels = cut(d.set, to.channels, true)
	d.cutBlocks()
	d.pitch = from.width * from.channels
	if d.copied {
		d.pitch = cols.extent(d.blockCols) * from.channels
		d.window = roundUp(rows.extent(d.blockRows)*d.pitch+slack, slack)
	}
	d.listPhases()
	d.packTask, d.blockTask = d.pack, d.compute
	return d
}

// flops is the work of a block of outputs of all phases.
func (d *direct) flops(rows, cols int) float64 {
	taps := 0
	for _, r := range d.rows.phases {
		for _, c := range d.cols.phases {
			taps += len(r.taps) * len(c.taps)
		}
	}
	return 2 * float64(taps) * float64(rows) * float64(cols) * float64(d.from.channels) * float64(d.to.channels)
}

// cutBlocks chooses how outputs are cut into tasks.
func (d *direct) cutBlocks() {
	rows, cols := d.rows.count(), d.cols.count()
	d.blockRows, d.blockCols, d.group, d.slices = rows, cols, 1, 1
	all := float64(d.p.N) * d.flops(rows, cols)
	if d.p.N*rows*cols <= fewOutputs {
		d.slices = min(len(d.panels), max(1, int(all/sliceFLOPs)))
	}
	enough := min(taskFLOPs, max(all/fewTasks, sliceFLOPs))
	tooMuch := func() bool {
		bytes := 4 * d.rows.extent(d.blockRows) * d.cols.extent(d.blockCols) * d.from.channels
		tasks := d.p.N * ceilDiv(rows, d.blockRows) * ceilDiv(cols, d.blockCols) * d.slices
		return bytes > blockBytes || tasks < manyTasks && d.flops(d.blockRows, d.blockCols)/float64(d.slices) > enough
	}
	for d.blockRows > 1 && tooMuch() {
		d.blockRows = evenly(rows, d.blockRows-1)
	}
	for d.blockCols > 64 && tooMuch() {
		d.blockCols = evenly(cols, d.blockCols-1)
	}
	d.rowBlocks, d.colBlocks = ceilDiv(rows, d.blockRows), ceilDiv(cols, d.blockCols)
	if each := d.flops(rows, cols); d.rowBlocks*d.colBlocks == 1 && each < taskFLOPs/8 {
		d.group = max(1, min(int(taskFLOPs/8/max(each, 1)), d.p.N/manyTasks))
	}
}

// listPhases lists the taps of each pair of axis phases and places their packed weights.
func (d *direct) listPhases() {
	const size = 4 // bytes of an element
	channels := d.from.channels
	joined := d.cols.adjacent()
	for _, row := range d.rows.phases {
		for _, col := range d.cols.phases {
			f := phase{row: row, col: col, run: channels, packed: d.packed, taps: make([][]tile.Tap, len(d.set.Widths))}
			columns := col.taps
			if joined && len(columns) > 0 {
				f.run *= len(columns)
				columns = columns[:1]
			}
			for i, w := range d.set.Widths {
				b := 0
				for _, r := range row.taps {
					for _, c := range columns {
						a := (r.offset-d.rows.low)*d.pitch + (c.offset-d.cols.low)*channels
						f.taps[i] = append(f.taps[i], tile.Tap{A: a * size, B: b * size})
						b += f.run * w.Columns
					}
				}
			}
			for _, pn := range d.panels {
				d.packed += f.depth(channels) * pn.width.Columns
			}
			d.phases = append(d.phases, f)
		}
	}
	d.packed = roundUp(d.packed+slack, slack)
}

func (d *direct) String() string { return "direct " + d.set.ISA.String() }

func (d *direct) workspaceBytes() int { return 4 * d.dev.Threads() * d.window }

func (d *direct) formLen() int { return d.packed }

func (d *direct) prepare(form, weights, _ []float32) {
	d.form, d.weights = form, weights
	d.dev.Parallel(len(d.phases)*len(d.panels), d.packTask)
}

// run computes the whole.
func (d *direct) run(dst, src, form, bias, ws []float32) {
	d.dst, d.src, d.form, d.bias, d.ws = dst, src, form, bias, ws
	d.dev.Sweep(ceilDiv(d.p.N, d.group)*d.rowBlocks*d.colBlocks*d.slices, d.blockTask)
}

// pack packs the weights of one phase for one panel: [row taps][column taps][channels][columns of the panel].
func (d *direct) pack(i, _ int) {
	f, pn := &d.phases[i/len(d.panels)], d.panels[i%len(d.panels)]
	channels, width := d.from.channels, pn.width.Columns
	at := f.packed + f.depth(channels)*pn.first
	for _, r := range f.row.taps {
		for _, s := range f.col.taps {
			element := (r.filter*d.p.S + s.filter) * d.p.C * d.p.K
			to := d.form[at : at+channels*width]
			at += channels * width
			if !d.backwards {
				d.set.Copy(&d.weights[element+pn.first], 4*d.p.K, &to[0], 4*width, ceilDiv(pn.count, d.set.Lanes), channels)
				continue
			}
			for c := 0; c < pn.count; c += d.set.Lanes {
				d.set.Transpose(&d.weights[element+(pn.first+c)*d.p.K], 4*d.p.K, &to[c], 4*width, min(d.set.Lanes, pn.count-c), channels)
			}
		}
	}
}

// compute is one task.
func (d *direct) compute(i, worker int) {
	slice, i := i%d.slices, i/d.slices
	panels := d.panels[slice*len(d.panels)/d.slices : (slice+1)*len(d.panels)/d.slices]
	col, i := i%d.colBlocks*d.blockCols, i/d.colBlocks
	row, i := i%d.rowBlocks*d.blockRows, i/d.rowBlocks
	for n := i * d.group; n < min((i+1)*d.group, d.p.N); n++ {
		d.block(n, row, col, panels, worker)
	}
}

// block computes some panels of outputs row to row+blockRows by col to col+blockCols of every phase of image n.
func (d *direct) block(n, row, col int, panels []panel, worker int) {
	src := d.src[n*d.from.len() : (n+1)*d.from.len()]
	top, left := row*d.rows.step+d.rows.low, col*d.cols.step+d.cols.low
	if d.copied {
		rows, cols := min(d.blockRows, d.rows.count()-row), min(d.blockCols, d.cols.count()-col)
		w := d.ws[worker*d.window:][:d.window]
		d.load.window(w, d.pitch, src, d.from, top, left, d.rows.extent(rows), d.cols.extent(cols))
		src = w
	} else {
		src = src[top*d.pitch+left*d.from.channels:]
	}
	for i := range d.phases {
		f := &d.phases[i]
		rows, cols := min(d.blockRows, f.row.count-row), min(d.blockCols, f.col.count-col)
		if rows <= 0 || cols <= 0 {
			continue
		}
		y, x := f.row.first+row*d.rows.spacing, f.col.first+col*d.cols.spacing
		dst := d.dst[((n*d.to.height+y)*d.to.width+x)*d.to.channels:]
		if len(f.row.taps) == 0 || len(f.col.taps) == 0 {
			if d.flags&tile.Accumulate == 0 {
				d.zero(dst, rows, cols, panels)
			}
		} else {
			d.multiply(f, dst, src, rows, cols, panels, worker)
		}
	}
}

// zero clears outputs that no filter element reaches.
func (d *direct) zero(dst []float32, rows, cols int, panels []panel) {
	first, last := panels[0], panels[len(panels)-1]
	for i := range rows {
		for j := range cols {
			at := (i*d.rows.spacing*d.to.width + j*d.cols.spacing) * d.to.channels
			clear(dst[at+first.first : at+last.first+last.count])
		}
	}
}

// multiply runs the micro-kernels of one phase over some panels of a block.
func (d *direct) multiply(f *phase, dst, src []float32, rows, cols int, panels []panel, worker int) {
	args := &d.calls[worker].Args
	args.K = f.run
	args.LdA = 4 * d.cols.step * d.from.channels
	args.LdC = 4 * d.cols.spacing * d.to.channels
	args.Flags = d.flags
	for _, pn := range panels {
		args.B = &d.form[f.packed+f.depth(d.from.channels)*pn.first]
		args.KsB = 4 * pn.width.Columns
		args.Cols = pn.count
		taps := f.taps[pn.width.Columns/d.set.Lanes-1]
		args.Taps, args.NTaps = &taps[0], len(taps)
		if d.flags&tile.Bias != 0 {
			args.Bias = &d.bias[pn.first]
		}
		step := evenly(cols, pn.width.Rows)
		for r := range rows {
			a := src[r*d.rows.step*d.pitch:]
			c := dst[r*d.rows.spacing*d.to.width*d.to.channels:]
			for q := 0; q < cols; q += step {
				args.A = &a[q*d.cols.step*d.from.channels]
				args.C = &c[q*d.cols.spacing*d.to.channels+pn.first]
				pn.width.RowA[min(step, cols-q)](args)
			}
		}
	}
}
