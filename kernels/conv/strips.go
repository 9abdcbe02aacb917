package conv

import "github.com/meseta-go/meseta/kernels/cpu"

// strips are what neighbouring rows of dst of a depthwise convolution read, where that is not taken as it lies in src: loaded into the worker's own
// part of the workspace.
type strips struct {
	load       *loader
	m          image
	first, end []int // for each row of dst: the first row of src under the filter, and the one behind the last; equal where it lies in padding
	rows       int   // of dst, the most that are taken at once
	size       int   // elements of a worker's part
	workspace  int   // and of all workers'

	src, ws []float32 // of the Run in progress
}

// stripBytes is about how much of src a strip holds. The rows at its ends are loaded for its neighbour too, so longer ones load less, but it
// is to stay in the L2 cache.
const stripBytes = 256 << 10

// newStrips gives the strips of a loader, nil for a nil one.
func newStrips(dev *cpu.Device, p Params, load *loader) *strips {
	if load == nil {
		return nil
	}
	s := &strips{load: load, m: image{p.H, p.W, p.C}, rows: p.P}
	for op := range p.P {
		low, high := 0, 0
		for r := range p.R {
			if h, _, _ := p.at(op, 0, r, 0); h >= 0 && h < p.H {
				if low == high {
					low = h
				}
				high = h + 1
			}
		}
		s.first, s.end = append(s.first, low), append(s.end, high)
	}
	extent := forwardAxis(p.P, p.R, p.StrideH, p.DilationH, p.PadTop).extent
	fits := stripBytes / (4 * p.W * p.C)
	s.rows = min(max(1, (fits-extent(1))/p.StrideH+1), p.P, max(1, p.N*p.P/manyStrips))
	s.size = padded(min(extent(s.rows), p.H) * p.W * p.C)
	s.workspace = dev.Threads() * s.size
	return s
}

// manyStrips is how many there are at least, so that all workers have some.
const manyStrips = 64

// of gives what rows first to end-1 of dst read of image n, and the row of src that it begins with.
func (s *strips) of(n, first, end, worker int) (src []float32, top int) {
	src = s.src[n*s.m.len():]
	low, high := s.m.height, 0
	for y := first; y < end; y++ {
		if s.first[y] < s.end[y] {
			low, high = min(low, s.first[y]), max(high, s.end[y])
		}
	}
	if low >= high {
		return src, 0
	}
	pitch := s.m.width * s.m.channels
	strip := s.ws[worker*s.size:][:s.size]
	s.load.copy(strip[:(high-low)*pitch], src[low*pitch:high*pitch])
	return strip, low
}
