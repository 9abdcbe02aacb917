package conv

import (
	"github.com/meseta-go/meseta/kernels/cpu"
	"github.com/meseta-go/meseta/kernels/tile"
)

// pixels computes images of a few pixels, Forward and BackwardData, an output pixel at a time: the rows of a micro-kernel are the same pixel
// of neighbouring images, and its taps only the filter elements that lie inside the image there.
//
// First the pixels that are read are gathered to [pixel,image,channel]. Then a task packs the weights of one panel of columns and
// computes those of all pixels for some images.
type pixels struct {
	plainWeights
	dev       *cpu.Device
	set       *tile.Set
	p         Params // whose weights are [R,S,C,K], whichever way this goes
	load      *loader
	from, to  image
	backwards bool // from diffDst to diffSrc
	flags     int
	panels    []panel

	elements []int // of the filter that some output uses, in the order that they are packed: r*S + s
	sources  []int // pixels that are read; -1 is a pixel of zeros, for outputs that read nothing inside the image
	outputs  []output
	pitch    int // elements from image to image of a gathered pixel
	packed   int // elements of a panel's weights
	block    int // images in a task

	calls                       []call
	dst, src, weights, bias, ws []float32 // of the Run in progress
	gatherTask, panelTask       func(i, worker int)
}

// output is a pixel that is written, and what it sums for panels of one, two… vectors.
type output struct {
	pixel int
	taps  [][]tile.Tap
}

// element is a filter element and the pixel that it lies over, for some output.
type element struct{ filter, pixel int }

// covered lists, for each output pixel in order, the filter elements that lie inside the image.
func covered(rows, cols axis, filterColumns int, from, to image) [][]element {
	list := make([][]element, to.height*to.width)
	for _, row := range rows.phases {
		for _, col := range cols.phases {
			for i := range row.count {
				for j := range col.count {
					o := (row.first+i*rows.spacing)*to.width + col.first + j*cols.spacing
					for _, r := range row.taps {
						for _, s := range col.taps {
							y, x := i*rows.step+r.offset, j*cols.step+s.offset
							if y >= 0 && y < from.height && x >= 0 && x < from.width {
								list[o] = append(list[o], element{r.filter*filterColumns + s.filter, y*from.width + x})
							}
						}
					}
				}
			}
		}
	}
	return list
}

func newPixels(dev *cpu.Device, p Params, from, to image, rows, cols axis, backwards bool, flags int, load *loader) *pixels {
	x := &pixels{
		dev: dev, set: tile.For(dev.ISA()), p: p, load: load, from: from, to: to, backwards: backwards, flags: flags, calls: make([]call, dev.Threads()),
	}
	x.panels = cut(x.set, to.channels, true)
	x.pitch = roundUp(from.channels, slack)
	if x.pitch%512 == 0 {
		x.pitch += slack // rows that lie a multiple of 2 KiB apart evict each other from the L1 cache
	}
	list := covered(rows, cols, p.S, from, to)
	place := func(list *[]int, places map[int]int, what int) int {
		i, seen := places[what]
		if !seen {
			i = len(*list)
			places[what], *list = i, append(*list, what)
		}
		return i
	}
	sources, weights := map[int]int{}, map[int]int{}
	for o, elements := range list {
		if len(elements) == 0 && !backwards { // there is an epilogue all the same
			elements = []element{{0, -1}}
		}
		out := output{pixel: o, taps: make([][]tile.Tap, len(x.set.Widths))}
		for _, e := range elements {
			from, at := place(&x.sources, sources, e.pixel), place(&x.elements, weights, e.filter)
			for i, w := range x.set.Widths {
				out.taps[i] = append(out.taps[i], tile.Tap{A: 4 * from * p.N * x.pitch, B: 4 * at * x.from.channels * w.Columns})
			}
		}
		x.outputs = append(x.outputs, out)
	}
	widest := 0
	for _, pn := range x.panels {
		widest = max(widest, pn.width.Columns)
	}
	x.packed = roundUp(len(x.elements)*from.channels*widest+slack, slack)
	x.block = ceilDiv(p.N, ceilDiv(2*dev.Threads(), len(x.panels))) // results do not depend on it
	if dev.Threads() == 1 {
		x.block = p.N
	}
	x.gatherTask, x.panelTask = x.gather, x.panel
	return x
}

func (x *pixels) String() string { return "direct by pixels " + x.set.ISA.String() }

// gathered is the room for the pixels that are read.
func (x *pixels) gathered() int { return len(x.sources)*x.p.N*x.pitch + slack }

func (x *pixels) workspaceBytes() int { return 4 * (x.gathered() + x.dev.Threads()*x.packed) }

func (x *pixels) run(dst, src, weights, bias, ws []float32) {
	x.dst, x.src, x.weights, x.bias, x.ws = dst, src, weights, bias, ws
	x.dev.Parallel(x.p.N, x.gatherTask)
	x.dev.Parallel(len(x.panels)*ceilDiv(x.p.N, x.block), x.panelTask)
}

// gather brings the pixels of one image to where they are read.
func (x *pixels) gather(n, _ int) {
	channels := x.from.channels
	for i, pixel := range x.sources {
		to := x.ws[(i*x.p.N+n)*x.pitch:][:channels]
		if pixel < 0 {
			clear(to)
			continue
		}
		x.load.copy(to, x.src[n*x.from.len()+pixel*channels:])
	}
}

// panel computes some columns of some images.
func (x *pixels) panel(i, worker int) {
	pn := x.panels[i%len(x.panels)]
	first := i / len(x.panels) * x.block
	last := min(first+x.block, x.p.N)
	packed := x.ws[x.gathered()+worker*x.packed:][:x.packed]
	channels, width := x.from.channels, pn.width.Columns
	for i, e := range x.elements {
		at := e * x.p.C * x.p.K
		to := packed[i*channels*width:]
		if !x.backwards {
			x.set.Copy(&x.weights[at+pn.first], 4*x.p.K, &to[0], 4*width, ceilDiv(pn.count, x.set.Lanes), channels)
			continue
		}
		for c := 0; c < pn.count; c += x.set.Lanes {
			x.set.Transpose(&x.weights[at+(pn.first+c)*x.p.K], 4*x.p.K, &to[c], 4*width, min(x.set.Lanes, pn.count-c), channels)
		}
	}

	args := &x.calls[worker].Args
	args.B, args.K, args.Cols, args.Flags = &packed[0], channels, pn.count, x.flags
	args.LdA, args.KsB, args.LdC = 4*x.pitch, 4*width, 4*x.to.len()
	if x.flags&tile.Bias != 0 {
		args.Bias = &x.bias[pn.first]
	}
	step := evenly(last-first, pn.width.Rows)
	for n := first; n < last; n += step {
		args.A = &x.ws[n*x.pitch]
		for _, o := range x.outputs {
			at := n*x.to.len() + o.pixel*x.to.channels + pn.first
			taps := o.taps[width/x.set.Lanes-1]
			if len(taps) == 0 {
				x.zero(at, min(step, last-n), pn.count)
				continue
			}
			args.Taps, args.NTaps, args.C = &taps[0], len(taps), &x.dst[at]
			pn.width.RowA[min(step, last-n)](args)
		}
	}
}

// zero clears columns of a pixel of some images, unless there is something that they are added to.
func (x *pixels) zero(at, images, columns int) {
	for n := range images {
		if x.flags&tile.Accumulate == 0 {
			clear(x.dst[at+n*x.to.len():][:columns])
		}
	}
}
