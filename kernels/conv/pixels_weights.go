package conv

import (
	"github.com/meseta-go/meseta/kernels/cpu"
	"github.com/meseta-go/meseta/kernels/tile"
	"github.com/meseta-go/meseta/kernels/vec"
)

// pixelsWeights computes the gradient of weights that outnumber pixels: partial sums of these would leave the cache.
//
// First both images are packed as the micro-kernels want them: src into units [pixel,image,channel] of as many channels as a micro-kernel
// has rows, diffDst into panels [pixel,image,channel]. Then a task computes the rows of diffWeights [R·S·C,K] of one filter element, for
// some panels: a sum over all images and the pixels where the element lies inside the image, in registers from its begin to its end.
type pixelsWeights struct {
	dev      *cpu.Device
	set      *tile.Set
	p        Params
	load     *loader
	bias     bool
	panels   []panel
	rows     int        // channels in a unit
	pitch    int        // elements from row to row of a unit
	sources  []int      // pixels of src that are read
	elements []products // of the filter

	unit, packed int // elements of a unit, and of all units
	perWorker    int
	many         int // panels in a task
	parts        int // into which the units of a filter element are cut

	calls                                   []call
	ones                                    []float32
	tap                                     tile.Tap
	diffWeights, diffBias, src, diffDst, ws []float32 // of the Run in progress
	packTask, sumTask                       func(i, worker int)
}

// products are those of a filter element: taps of so many rows each, for panels of one, two… vectors.
type products struct {
	run  int
	taps [][]tile.Tap
}

// panelBytes bounds the panels of a task: they stay in the L2 cache while units pass by.
const panelBytes = 512 << 10

func newPixelsWeights(dev *cpu.Device, p Params, bias bool, load *loader) *pixelsWeights {
	x := &pixelsWeights{
		dev: dev, set: tile.For(dev.ISA()), p: p, load: load, bias: bias, calls: make([]call, dev.Threads()), ones: []float32{1},
	}
	x.panels = cut(x.set, p.K, false)
	x.rows = evenly(p.C, x.panels[0].width.Rows)
	x.pitch = roundUp(x.rows, x.set.Lanes)
	x.listProducts()
	x.unit = len(x.sources) * p.N * x.pitch
	x.packed = roundUp(ceilDiv(p.C, x.rows)*x.unit, slack)
	if load != nil {
		x.perWorker = roundUp(p.N*p.C+slack, slack)
	}
	x.many = min(max(1, panelBytes/(4*p.N*p.P*p.Q*x.panels[0].width.Columns)), len(x.panels))
	x.parts = 1
	if want := 4 * dev.Threads(); dev.Threads() > 1 { // results do not depend on it
		x.parts = min(ceilDiv(want, len(x.elements)*ceilDiv(len(x.panels), x.many)), ceilDiv(p.C, x.rows))
	}
	x.packTask, x.sumTask = x.pack, x.sum
	return x
}

// listProducts lists the pixels that are read, neighbours at the distance of a stride side by side, and for each filter element the pairs of
// pixels that it multiplies, joined to runs where they are side by side in both images.
func (x *pixelsWeights) listProducts() {
	p := x.p
	rows, cols := p.forwardAxes()
	list := covered(rows, cols, p.S, image{p.H, p.W, p.C}, image{p.P, p.Q, p.K})
	places := make([]int, p.H*p.W)
	for _, elements := range list {
		for _, e := range elements {
			places[e.pixel] = 1
		}
	}
	for top := range p.StrideH {
		for left := range p.StrideW {
			for y := top; y < p.H; y += p.StrideH {
				for c := left; c < p.W; c += p.StrideW {
					if pixel := y*p.W + c; places[pixel] != 0 {
						places[pixel] = len(x.sources)
						x.sources = append(x.sources, pixel)
					}
				}
			}
		}
	}
	type pair struct{ source, dst, length int }
	pairs := make([][]pair, p.R*p.S)
	for o, elements := range list {
		for _, e := range elements {
			of := &pairs[e.filter]
			source := places[e.pixel]
			if n := len(*of); n > 0 && (*of)[n-1].source+(*of)[n-1].length == source && (*of)[n-1].dst+(*of)[n-1].length == o {
				(*of)[n-1].length++
				continue
			}
			*of = append(*of, pair{source, o, 1})
		}
	}
	for _, of := range pairs {
		common := 0
		for _, r := range of {
			common = vec.GCD(r.length, common)
		}
		e := products{run: common * p.N, taps: make([][]tile.Tap, len(x.set.Widths))}
		for _, r := range of {
			for i := 0; i < r.length; i += common {
				for w, width := range x.set.Widths {
					e.taps[w] = append(e.taps[w], tile.Tap{A: 4 * (r.source + i) * p.N * x.pitch, B: 4 * (r.dst + i) * p.N * width.Columns})
				}
			}
		}
		x.elements = append(x.elements, e)
	}
}

func (x *pixelsWeights) String() string { return "direct by pixels " + x.set.ISA.String() }

// panelAt is where a panel of diffDst lies in the workspace.
func (x *pixelsWeights) panelAt(pn panel) int { return x.packed + x.p.N*x.p.P*x.p.Q*pn.first }

// packedPanels is the room of all panels.
func (x *pixelsWeights) packedPanels() int {
	last := x.panels[len(x.panels)-1]
	return roundUp(x.p.N*x.p.P*x.p.Q*(last.first+last.width.Columns), slack)
}

func (x *pixelsWeights) workspaceBytes() int {
	return 4 * (x.packed + x.packedPanels() + slack + x.dev.Threads()*x.perWorker)
}

func (x *pixelsWeights) run(diffWeights, diffBias, src, diffDst, ws []float32) {
	x.diffWeights, x.diffBias, x.src, x.diffDst, x.ws = diffWeights, diffBias, src, diffDst, ws
	x.dev.Parallel(len(x.sources)+x.p.P*x.p.Q, x.packTask)
	x.dev.Parallel(len(x.elements)*ceilDiv(len(x.panels), x.many)*x.parts, x.sumTask)
}

// pack packs one pixel of all images, of src or of diffDst.
func (x *pixelsWeights) pack(i, worker int) {
	p := x.p
	if o := i - len(x.sources); o >= 0 {
		for _, pn := range x.panels {
			width := pn.width.Columns
			x.set.Copy(&x.diffDst[o*p.K+pn.first], 4*p.P*p.Q*p.K, &x.ws[x.panelAt(pn)+o*p.N*width], 4*width, ceilDiv(pn.count, x.set.Lanes), p.N)
		}
		return
	}
	src, pitch := x.src[x.sources[i]*p.C:], p.H*p.W*p.C
	if x.load != nil {
		loaded := x.ws[x.packed+x.packedPanels()+slack+worker*x.perWorker:][:x.perWorker]
		for n := range p.N {
			x.load.copy(loaded[n*p.C:(n+1)*p.C], src[n*pitch:])
		}
		src, pitch = loaded, p.C
	}
	for c := 0; c < p.C; c += x.rows {
		x.set.Copy(&src[c], 4*pitch, &x.ws[c/x.rows*x.unit+i*p.N*x.pitch], 4*x.pitch, ceilDiv(min(x.rows, p.C-c), x.set.Lanes), p.N)
	}
}

// sum computes some rows and columns of the gradient of one filter element, and once of the bias.
func (x *pixelsWeights) sum(i, worker int) {
	p := x.p
	part, i := i%x.parts, i/x.parts
	groups := ceilDiv(len(x.panels), x.many)
	panels, filter := x.panels[i%groups*x.many:min((i%groups+1)*x.many, len(x.panels))], i/groups
	units := ceilDiv(p.C, x.rows)
	args := &x.calls[worker].Args
	args.Flags = 0
	if x.bias && filter == 0 && part == 0 {
		args.A, args.KsA, args.K, args.Taps, args.NTaps = &x.ones[0], 0, p.N*p.P*p.Q, &x.tap, 1
		for _, pn := range panels {
			args.B, args.KsB, args.C, args.Cols = &x.ws[x.panelAt(pn)], 4*pn.width.Columns, &x.diffBias[pn.first], pn.count
			pn.width.ColumnA[1](args)
		}
	}
	e := &x.elements[filter]
	args.K, args.KsA, args.LdC = e.run, 4*x.pitch, 4*p.K
	for u := part * units / x.parts; u < (part+1)*units/x.parts; u++ {
		rows := min(x.rows, p.C-u*x.rows)
		for _, pn := range panels {
			taps := e.taps[pn.width.Columns/x.set.Lanes-1]
			at := (filter*p.C+u*x.rows)*p.K + pn.first
			if len(taps) == 0 { // the element lies in the padding everywhere
				for r := range rows {
					clear(x.diffWeights[at+r*p.K:][:pn.count])
				}
				continue
			}
			args.A, args.B, args.C = &x.ws[u*x.unit], &x.ws[x.panelAt(pn)], &x.diffWeights[at]
			args.KsB, args.Cols, args.Taps, args.NTaps = 4*pn.width.Columns, pn.count, &taps[0], len(taps)
			pn.width.ColumnA[rows](args)
		}
	}
}
