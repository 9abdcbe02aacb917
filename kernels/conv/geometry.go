package conv

// Forward and BackwardData are both implicit GEMMs, and one description serves both: each output pixel of one image is
// a sum over taps, and a tap reads a pixel of the other image at a constant offset. Along one axis, output o of the
// forward pass reads input o*stride - pad + r*dilation. Backwards, input i receives from output (i + pad -
// r*dilation)/stride, for those r that divide; so the i with the same remainder by stride share their r's and form
// a phase in which neighbours read neighbours.

// axisTap is one filter element along one axis: output index i of a phase reads pixel i*step + offset.
type axisTap struct {
	offset int // may be negative or past the end: padding
	filter int // r or s
}

// axisPhase are the outputs first, first+spacing, … (count of them) of one axis.
type axisPhase struct {
	first, count int
	taps         []axisTap // ascending by offset, at constant distance; none where no filter element reaches
}

// axis is one axis of an implicit GEMM.
type axis struct {
	spacing int // distance of a phase's neighbours in the output image
	step    int // distance of what they read
	low     int // smallest and largest offset of all taps
	high    int
	phases  []axisPhase
}

func forwardAxis(out, filter, stride, dilation, pad int) axis {
	taps := make([]axisTap, filter)
	for r := range taps {
		taps[r] = axisTap{offset: r*dilation - pad, filter: r}
	}
	return newAxis(1, stride, axisPhase{count: out, taps: taps})
}

func backwardAxis(in, filter, stride, dilation, pad int) axis {
	var phases []axisPhase
	for first := range min(stride, in) {
		phase := axisPhase{first: first, count: (in - first + stride - 1) / stride}
		for r := filter - 1; r >= 0; r-- {
			if o := first + pad - r*dilation; o%stride == 0 {
				phase.taps = append(phase.taps, axisTap{offset: o / stride, filter: r})
			}
		}
		phases = append(phases, phase)
	}
	return newAxis(stride, 1, phases...)
}

// forwardAxes and backwardAxes are those of rows and of columns.
func (p Params) forwardAxes() (rows, cols axis) {
	return forwardAxis(p.P, p.R, p.StrideH, p.DilationH, p.PadTop), forwardAxis(p.Q, p.S, p.StrideW, p.DilationW, p.PadLeft)
}

func (p Params) backwardAxes() (rows, cols axis) {
	return backwardAxis(p.H, p.R, p.StrideH, p.DilationH, p.PadTop), backwardAxis(p.W, p.S, p.StrideW, p.DilationW, p.PadLeft)
}

func newAxis(spacing, step int, phases ...axisPhase) axis {
	a := axis{spacing: spacing, step: step, phases: phases}
	seen := false
	for _, phase := range phases {
		for _, t := range phase.taps {
			if !seen {
				a.low, a.high, seen = t.offset, t.offset, true
			}
			a.low, a.high = min(a.low, t.offset), max(a.high, t.offset)
		}
	}
	return a
}

// count is the largest number of outputs of a phase.
func (a axis) count() (n int) {
	for _, phase := range a.phases {
		n = max(n, phase.count)
	}
	return n
}

// extent is how many pixels n neighbouring outputs read, over all phases.
func (a axis) extent(n int) int { return (n-1)*a.step + a.high - a.low + 1 }

// inside tells whether all outputs read only pixels 0 to size-1, so that no padding is needed.
func (a axis) inside(size int) bool {
	return a.low >= 0 && a.low+a.extent(a.count()) <= size
}

// products counts the taps of all outputs, and those that read pixels 0 to size-1.
func (a axis) products(size int) (all, inside int) {
	for _, phase := range a.phases {
		for _, t := range phase.taps {
			all += phase.count
			for i := range phase.count {
				if o := i*a.step + t.offset; o >= 0 && o < size {
					inside++
				}
			}
		}
	}
	return all, inside
}

// reads counts the pixels of 0 to size-1 that some output reads.
func (a axis) reads(size int) (n int) {
	for pixel := range size {
		read := false
		for _, phase := range a.phases {
			for _, t := range phase.taps {
				o := pixel - t.offset
				read = read || o >= 0 && o%a.step == 0 && o/a.step < phase.count
			}
		}
		if read {
			n++
		}
	}
	return n
}

// adjacent tells whether the taps of every phase read neighbouring pixels, so that a row of taps is one run of memory.
func (a axis) adjacent() bool {
	for _, phase := range a.phases {
		for i := 1; i < len(phase.taps); i++ {
			if phase.taps[i].offset != phase.taps[i-1].offset+1 {
				return false
			}
		}
	}
	return true
}

// flattened describes a 1×1 convolution without stride and padding with longer rows of at most the given number of pixels, where
// rows divide so, because micro-kernels stop at the end of each row. Others are returned as they are.
func (p Params) flattened(most int) Params {
	if p.R != 1 || p.S != 1 || p.StrideH != 1 || p.StrideW != 1 || p.PadTop != 0 || p.PadLeft != 0 || p.P != p.H || p.Q != p.W {
		return p
	}
	rows := p.H
	for rows > 1 && (p.H%rows != 0 || rows*p.W > most) {
		rows--
	}
	p.H, p.W = p.H/rows, p.W*rows
	p.P, p.Q = p.H, p.W
	p.DilationH, p.DilationW = 1, 1
	return p
}

// ceilDiv is n/d rounded up, roundUp the multiple of d next to n.
func ceilDiv(n, d int) int { return (n + d - 1) / d }
func roundUp(n, d int) int { return ceilDiv(n, d) * d }

// evenly cuts n ≥ 1 into the fewest parts of at most limit, as equal as can be, and returns the size of the larger ones.
func evenly(n, limit int) int { return ceilDiv(n, ceilDiv(n, limit)) }
