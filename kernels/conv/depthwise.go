package conv

import (
	"math"

	"github.com/meseta-go/meseta/kernels/cpu"
	"github.com/meseta-go/meseta/kernels/vec"
	"github.com/meseta-go/meseta/ops"
)

// A convolution is depthwise where each channel of src is a group of its own. Its channels, side by side in memory, then need no sums
// among each other, and the loops of package vec go along them. Where src has fewer channels than dst each is
// repeated first, in the workspace, so that the loops see one channel of src for each of dst.

// depthwiseElements is about how many elements of the result a task computes.
const depthwiseElements = 1 << 14

// segment is a run of outputs along one axis, at a phase's spacing, that use the same taps, all inside the image that is read.
type segment struct {
	first, count int       // outputs: their first index and number
	source       int       // the pixel that the first tap of the first output reads
	taps         []axisTap // none where the filter lies in padding wholly
}

// segments cuts the outputs of every phase by which of their taps are inside an image of the given size.
func (a axis) segments(size int) []segment {
	var list []segment
	for _, phase := range a.phases {
		for i := range phase.count {
			low, high := 0, len(phase.taps)
			for low < high && i*a.step+phase.taps[low].offset < 0 {
				low++
			}
			for high > low && i*a.step+phase.taps[high-1].offset >= size {
				high--
			}
			s := segment{first: phase.first + i*a.spacing, count: 1, taps: phase.taps[low:high]}
			if low < high {
				s.source = i*a.step + phase.taps[low].offset
			}
			if last := len(list) - 1; i > 0 && sameTaps(list[last].taps, s.taps) {
				list[last].count++
				continue
			}
			list = append(list, s)
		}
	}
	return list
}

func sameTaps(a, b []axisTap) bool {
	return len(a) == len(b) && (len(a) == 0 || a[0] == b[0])
}

// depthwise computes Forward or BackwardData of a depthwise convolution, row by row of what is written.
type depthwise struct {
	plainWeights
	dev       *cpu.Device
	loops     *vec.Table
	images    int
	from, to  image // with as many channels each
	rows      []depthwiseRow
	spacing   int // of the columns that neighbour in a segment
	step      int // and of the pixels that they read
	taps      distances
	each      int     // rows in a task
	floor     float32 // of what is written
	ceiling   float32
	zeros     []float32 // in place of a bias
	widen     *repeater // of src, nil where there is nothing to repeat
	narrow    *repeater // of dst
	strips    *strips   // of src, nil where that is taken as it is
	task      func(i, worker int)
	workspace int // elements

	dst, src, weights, bias []float32 // of the Run in progress
}

// distances are those of neighbouring taps, in elements, the same for all rows, columns and phases.
type distances struct{ srcRow, srcColumn, weightsRow, weightsColumn int }

// depthwiseRow is a row of what is written: the first row that it reads, and what computes it, one call after another.
type depthwiseRow struct {
	source int
	calls  []depthwiseCall
}

// depthwiseCall is a call of the loop. Where filters are larger than an area, it takes several to add up a pixel.
type depthwiseCall struct {
	areas       []vec.Area
	first, last bool // of those that add up its pixels
}

// areaSide is the most rows and columns of an area.
const areaSide = 3

// areasOf gives the areas of the outputs at which a segment of rows and one of columns meet; there are several where more filter elements lie over
// these than an area takes. src counts from the first row that is read, dst from the start of the row. Filters have so many columns, images that are read so
// many.
func areasOf(r, s segment, filterColumns, columns, c int) (areas []vec.Area) {
	for i := 0; i < len(r.taps); i += areaSide {
		for j := 0; j < len(s.taps); j += areaSide {
			areas = append(areas, vec.Area{
				Filter: (r.taps[i].filter*filterColumns + s.taps[j].filter) * c,
				Src:    ((r.taps[i].offset-r.taps[0].offset)*columns + s.source + s.taps[j].offset - s.taps[0].offset) * c,
				Dst:    s.first * c, Count: s.count, Rows: min(areaSide, len(r.taps)-i), Columns: min(areaSide, len(s.taps)-j),
			})
		}
	}
	return areas
}

// distance gives the difference of two neighbouring taps, or 0 where no output has two.
func (a axis) distance() (offset, filter int) {
	for _, phase := range a.phases {
		if t := phase.taps; len(t) > 1 {
			return t[1].offset - t[0].offset, t[1].filter - t[0].filter
		}
	}
	return 0, 0
}

func newDepthwiseForward(dev *cpu.Device, p Params, e Epilogue, src *loader) runner {
	rows, cols := forwardAxis(p.P, p.R, p.StrideH, p.DilationH, p.PadTop), forwardAxis(p.Q, p.S, p.StrideW, p.DilationW, p.PadLeft)
	x := newDepthwise(dev, p, image{p.H, p.W, p.K}, image{p.P, p.Q, p.K}, rows, cols)
	if e.Activation != ops.Linear {
		x.floor = 0
	}
	if e.Activation == ops.ReLU6 {
		x.ceiling = 6
	}
	if x.strips = newStrips(dev, p, src); x.strips != nil {
		x.each, x.workspace = x.strips.rows, x.strips.workspace
	}
	if p.K > p.C {
		x.widen = newRepeater(dev, p.N*p.H*p.W*p.C, p.K/p.C)
		x.workspace = padded(p.N * p.H * p.W * p.K)
	}
	return x
}

func newDepthwiseBackwardData(dev *cpu.Device, p Params) runner {
	rows, cols := backwardAxis(p.H, p.R, p.StrideH, p.DilationH, p.PadTop), backwardAxis(p.W, p.S, p.StrideW, p.DilationW, p.PadLeft)
	x := newDepthwise(dev, p, image{p.P, p.Q, p.K}, image{p.H, p.W, p.K}, rows, cols)
	if p.K > p.C {
		x.narrow = newRepeater(dev, p.N*p.H*p.W*p.C, p.K/p.C)
		x.workspace = padded(p.N * p.H * p.W * p.K)
	}
	return x
}

func newDepthwise(dev *cpu.Device, p Params, from, to image, rows, cols axis) *depthwise {
	c := to.channels
	x := &depthwise{
		dev: dev, loops: vec.For(dev.ISA()), images: p.N, from: from, to: to, rows: make([]depthwiseRow, to.height),
		spacing: cols.spacing, step: cols.step, each: max(1, depthwiseElements/(to.width*c)),
		floor: float32(math.Inf(-1)), ceiling: float32(math.Inf(1)), zeros: make([]float32, padded(c)),
	}
	rowOffset, rowFilter := rows.distance()
	columnOffset, columnFilter := cols.distance()
	x.taps = distances{rowOffset * from.width * c, columnOffset * c, rowFilter * p.S * c, columnFilter * c}
	columns := cols.segments(from.width)
	for _, r := range rows.segments(from.height) {
		one := depthwiseCall{first: true, last: true} // the areas that have their pixels for themselves
		var calls []depthwiseCall
		for _, s := range columns {
			areas := areasOf(r, s, p.S, from.width, c)
			switch len(areas) {
			case 0:
				one.areas = append(one.areas, vec.Area{Dst: s.first * c, Count: s.count})
			case 1:
				one.areas = append(one.areas, areas[0])
			default:
				for i := range areas {
					calls = append(calls, depthwiseCall{areas[i : i+1], i == 0, i == len(areas)-1})
				}
			}
		}
		if len(one.areas) > 0 {
			calls = append(calls, one)
		}
		for i := range r.count {
			row := depthwiseRow{calls: calls}
			if len(r.taps) > 0 {
				row.source = r.source + i*rows.step
			}
			x.rows[r.first+i*rows.spacing] = row
		}
	}
	x.task = x.some
	return x
}

func (x *depthwise) String() string { return "depthwise " + x.dev.ISA().String() }

func (x *depthwise) workspaceBytes() int { return 4 * x.workspace }

func (x *depthwise) run(dst, src, weights, bias, ws []float32) {
	x.dst, x.src, x.weights, x.bias = dst, src, weights, bias
	if bias == nil {
		x.bias = x.zeros
	}
	if x.strips != nil {
		x.strips.src, x.strips.ws = src, ws
	}
	if x.widen != nil {
		x.widen.repeat(ws, src)
		x.src = ws
	}
	if x.narrow != nil {
		x.dst = ws
	}
	x.dev.Sweep(ceilDiv(x.images*x.to.height, x.each), x.task)
	if x.narrow != nil {
		x.narrow.fold(dst, ws)
	}
}

// some computes some rows, counted through all images.
func (x *depthwise) some(i, worker int) {
	c, last := x.to.channels, min((i+1)*x.each, x.images*x.to.height)
	for row := i * x.each; row < last; {
		n, first := row/x.to.height, row%x.to.height
		end := min(first+last-row, x.to.height)
		src, top := x.src[n*x.from.len():], 0
		if x.strips != nil {
			src, top = x.strips.of(n, first, end, worker)
		}
		for y := first; y < end; y++ {
			r := &x.rows[y]
			dst := x.dst[row*x.to.width*c:][:x.to.width*c]
			read := src[max(r.source-top, 0)*x.from.width*c:]
			for _, call := range r.calls {
				bias, floor, ceiling := x.bias, x.floor, x.ceiling
				if !call.first {
					bias = nil
				}
				if !call.last {
					floor, ceiling = float32(math.Inf(-1)), float32(math.Inf(1))
				}
				x.loops.Depthwise(dst, read, x.weights, bias, call.areas, c, x.spacing*c, x.step*c,
					x.taps.srcColumn, x.taps.srcRow, x.taps.weightsColumn, x.taps.weightsRow, floor, ceiling)
			}
			row++
		}
	}
}

// repeater makes every element into several, one after another, and adds such up again.
type repeater struct {
	dev       *cpu.Device
	n, times  int
	widen     func(i, worker int)
	narrow    func(i, worker int)
	wide, one []float32 // of the call in progress
}

func newRepeater(dev *cpu.Device, n, times int) *repeater {
	x := &repeater{dev: dev, n: n, times: times}
	x.widen = func(i, _ int) {
		first, last := x.part(i)
		for j, v := range x.one[first:last] {
			wide := x.wide[(first+j)*times:][:times]
			for k := range wide {
				wide[k] = v
			}
		}
	}
	x.narrow = func(i, _ int) {
		first, last := x.part(i)
		for j := first; j < last; j++ {
			sum := float32(0)
			for _, v := range x.wide[j*times:][:times] {
				sum += v
			}
			x.one[j] = sum
		}
	}
	return x
}

func (x *repeater) part(i int) (first, last int) {
	return i * moveElements, min((i+1)*moveElements, x.n)
}

// repeat computes wide[i·times+k] = one[i].
func (x *repeater) repeat(wide, one []float32) {
	x.wide, x.one = wide, one
	x.dev.Parallel(ceilDiv(x.n, moveElements), x.widen)
}

// fold computes one[i] = Σk wide[i·times+k].
func (x *repeater) fold(one, wide []float32) {
	x.wide, x.one = wide, one
	x.dev.Parallel(ceilDiv(x.n, moveElements), x.narrow)
}
