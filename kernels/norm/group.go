package norm

import (
	"fmt"
	"math"
	"unsafe"

	"github.com/meseta-go/meseta/kernels/cpu"
	"github.com/meseta-go/meseta/kernels/vec"
	"github.com/meseta-go/meseta/ops"
)

// GroupParams are the shape [N,P,C] of samples of P positions, how many groups the channels make, and what is added to variances.
type GroupParams struct {
	N, P, C int
	Groups  int // divides C
	Epsilon float32
}

func (p GroupParams) check() error {
	if p.N < 1 || p.P < 1 || p.C < 1 || p.Groups < 1 || p.C%p.Groups != 0 {
		return fmt.Errorf("norm: %d groups of [%d,%d,%d], want at least [1,1,1], and groups that divide the channels: %w", p.Groups, p.N, p.P, p.C, ops.ErrShape)
	}
	return Params{1, 1, p.Epsilon}.check()
}

// count is the number of elements of a group.
func (p GroupParams) count() float64 { return float64(p.P) * float64(p.C/p.Groups) }

// groupChunks is the largest number of chunks that leave sums behind, two for each channel.
const groupChunks = 32

// samples is a loop over chunks of samples, with what a worker keeps for one sample.
type samples struct {
	dev    *cpu.Device
	params GroupParams
	wide   vec.Rows // of one sample
	each   int      // samples of a chunk
	task   func(i, worker int)
	sums   []float64 // for each worker 2 rows of Padded
	wides  []float32 // for each worker `vectors` rows of Padded
	count  int       // of vectors
}

func newSamples(dev *cpu.Device, p GroupParams, each, vectors int) (*samples, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	s := &samples{dev: dev, params: p, wide: vec.NewRows(p.P, p.C, p.P*p.C, 1), each: each, count: vectors}
	s.sums = make([]float64, dev.Threads()*2*s.wide.Padded())
	s.wides = make([]float32, dev.Threads()*vectors*s.wide.Padded())
	return s, nil
}

func (s *samples) chunks() int { return (s.params.N + s.each - 1) / s.each }

// chunk gives the samples from first to end of chunk i.
func (s *samples) chunk(i int) (first, end int) {
	return i * s.each, min((i+1)*s.each, s.params.N)
}

// twoSums gives a worker's two rows of sums, cleared.
func (s *samples) twoSums(worker int) (a, b []float64) {
	padded := s.wide.Padded()
	both := s.sums[worker*2*padded:][:2*padded]
	clear(both)
	return both[:padded], both[padded:]
}

// vector gives a worker's vector i.
func (s *samples) vector(worker, i int) []float32 {
	padded := s.wide.Padded()
	return s.wides[(worker*s.count+i)*padded:][:padded]
}

// whole calls loop for the wide rows of the sample that starts at element `start`, and for what is left.
func (s *samples) whole(start int, loop func(start, end, wide, width int)) {
	cut(start, s.params.P*s.params.C, s.wide.Width, loop)
}

// cut calls loop for the rows of the given width of `size` elements from start on, and for what is less than a row.
func cut(start, size, width int, loop func(start, end, wide, width int)) {
	wide := size / width
	rest := start + wide*width
	if wide > 0 {
		loop(start, rest, wide, width)
	}
	if rest < start+size {
		loop(rest, start+size, 1, start+size-rest)
	}
}

// GroupForward normalises every group of channels of every sample by its own statistics; see Run. A value is used by one goroutine
// at a time.
type GroupForward struct {
	*samples
	loops                               *vec.Table
	dst, mean, invStd, src, gamma, beta []float32
	ones, zeros                         []float32
}

// NewGroupForward makes a GroupForward. Its error wraps ops.ErrShape.
func NewGroupForward(dev *cpu.Device, p GroupParams) (*GroupForward, error) {
	s, err := newSamples(dev, p, max(applyChunk/max(p.P*p.C, 1), 1), 3)
	if err != nil {
		return nil, err
	}
	x := &GroupForward{samples: s, loops: vec.For(dev.ISA()), ones: constant(p.C, 1), zeros: constant(p.C, 0)}
	x.task = func(i, worker int) {
		for n, end := x.chunk(i); n < end; n++ {
			x.sample(n, worker)
		}
	}
	return x, nil
}

func constant(n int, value float32) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = value
	}
	return x
}

// Run computes dst = gamma·(src-mean)·invStd + beta, with the mean and invStd = 1/√(variance+Epsilon) of every group, and writes all three.
//
// dst, src [N,P,C]; mean, invStd [N,Groups]; gamma, beta [C], or nil for 1 and 0. dst may be src.
func (x *GroupForward) Run(dst, mean, invStd, src, gamma, beta []float32) {
	x.dst, x.mean, x.invStd, x.src, x.gamma, x.beta = dst, mean, invStd, src, gamma, beta
	if gamma == nil {
		x.gamma = x.ones
	}
	if beta == nil {
		x.beta = x.zeros
	}
	x.dev.Parallel(x.chunks(), x.task)
}

// moments keeps the mean and deviation of a group of sample n, of its sum and sum of squares.
func (x *GroupForward) moments(n, group int, sum, square float64) (mean, invStd float32) {
	at := n*x.params.Groups + group
	x.mean[at], x.invStd[at] = statistics(sum, square, x.params.count(), x.params.Epsilon)
	return x.mean[at], x.invStd[at]
}

// statistics gives mean and inverse deviation of so many numbers, of their sum and sum of squares.
func statistics(sum, square, count float64, epsilon float32) (mean, invStd float32) {
	m := sum / count
	// Rounding may leave equal numbers a variance below 0.
	v := max(square/count-m*m, 0)
	return float32(m), float32(1 / math.Sqrt(v+float64(epsilon)))
}

func (x *GroupForward) sample(n, worker int) {
	p := x.params
	sums, squares := x.twoSums(worker)
	start := n * p.P * p.C
	x.whole(start, func(start, end, wide, width int) { x.loops.Moments(sums, squares, x.src[start:end], wide, width) })
	x.wide.Fold(sums)
	x.wide.Fold(squares)
	means, scales, offsets := x.vector(worker, 0), x.vector(worker, 1), x.vector(worker, 2)
	each := p.C / p.Groups
	for group := range p.Groups {
		sum, square := 0.0, 0.0
		from, to := group*each, (group+1)*each
		for c := from; c < to; c++ {
			sum += sums[c]
			square += squares[c]
		}
		mean, invStd := x.moments(n, group, sum, square)
		for c := from; c < to; c++ {
			means[c], scales[c], offsets[c] = mean, x.gamma[c]*invStd, x.beta[c]
		}
	}
	for _, v := range [...][]float32{means, scales, offsets} {
		x.wide.Repeat(v, v[:p.C])
	}
	x.whole(start, func(start, end, wide, width int) {
		x.loops.Normalize[0][0](x.dst[start:end], x.src[start:end], nil, means, scales, offsets, wide, width)
	})
}

// GroupBackward computes the gradients of GroupForward; see Run. A value is used by one goroutine at a time.
type GroupBackward struct {
	*samples
	loops                                      *vec.Table
	diffSrc, diffDst, src, mean, invStd, gamma []float32
	ones                                       []float32
	partial                                    partial
}

// NewGroupBackward makes a GroupBackward. Its error wraps ops.ErrShape.
func NewGroupBackward(dev *cpu.Device, p GroupParams) (*GroupBackward, error) {
	each := max(sumChunk/max(p.P*p.C, 1), (p.N+groupChunks-1)/groupChunks, 1)
	s, err := newSamples(dev, p, each, 4)
	if err != nil {
		return nil, err
	}
	x := &GroupBackward{samples: s, loops: vec.For(dev.ISA()), ones: constant(p.C, 1)}
	x.partial = partial{chunks: x.chunks(), c: p.C}
	x.task = func(i, worker int) {
		diffGamma, diffBeta := x.partial.of(i)
		for n, end := x.chunk(i); n < end; n++ {
			x.sample(n, worker, diffGamma, diffBeta)
		}
	}
	return x, nil
}

// WorkspaceBytes is the size of Run's workspace.
func (x *GroupBackward) WorkspaceBytes() int { return x.partial.bytes() }

// Run computes, with x̂ = (src-mean)·invStd, g = diffDst·gamma and M elements in a group,
//
//	diffBeta = Σ diffDst,  diffGamma = Σ diffDst·x̂,  both over samples and positions,
//	diffSrc = invStd·(g - Σ g/M - x̂·Σ g·x̂/M),        both over the group.
//
// diffSrc, diffDst, src [N,P,C]; mean, invStd [N,Groups]; diffGamma, diffBeta, gamma [C]. diffGamma and diffBeta are nil where nobody
// asks, gamma is nil for 1. diffSrc may be diffDst.
func (x *GroupBackward) Run(diffSrc, diffGamma, diffBeta, diffDst, src, mean, invStd, gamma, workspace []float32) {
	x.diffSrc, x.diffDst, x.src, x.mean, x.invStd, x.gamma = diffSrc, diffDst, src, mean, invStd, gamma
	if gamma == nil {
		x.gamma = x.ones
	}
	x.partial.use(workspace)
	x.dev.Parallel(x.chunks(), x.task)
	x.partial.finish(diffGamma, diffBeta)
}

// partial is what each chunk of samples leaves of diffGamma and diffBeta: two sums for each channel.
type partial struct {
	chunks, c int
	sums      []float64
}

func (p *partial) bytes() int { return 8 * p.chunks * 2 * p.c }

func (p *partial) use(workspace []float32) {
	p.sums = unsafe.Slice((*float64)(unsafe.Pointer(unsafe.SliceData(workspace))), p.chunks*2*p.c)
}

// of gives the sums of chunk i, cleared.
func (p *partial) of(i int) (diffGamma, diffBeta []float64) {
	both := p.sums[i*2*p.c:][:2*p.c]
	clear(both)
	return both[:p.c], both[p.c:]
}

// finish adds up all chunks. diffGamma and diffBeta may be nil.
func (p *partial) finish(diffGamma, diffBeta []float32) {
	first := p.sums[:2*p.c]
	for i := 1; i < p.chunks; i++ {
		for j, v := range p.sums[i*2*p.c:][:2*p.c] {
			first[j] += v
		}
	}
	for j := range diffGamma {
		diffGamma[j] = float32(first[j])
	}
	for j := range diffBeta {
		diffBeta[j] = float32(first[p.c+j])
	}
}

func (x *GroupBackward) sample(n, worker int, diffGamma, diffBeta []float64) {
	p := x.params
	each := p.C / p.Groups
	means := x.vector(worker, 0)
	for c := range p.C {
		means[c] = x.mean[n*p.Groups+c/each]
	}
	x.wide.Repeat(means, means[:p.C])
	sums, products := x.twoSums(worker)
	start := n * p.P * p.C
	x.whole(start, func(start, end, wide, width int) {
		x.loops.GradientMoments[0][0](sums, products, nil, x.diffDst[start:end], nil, x.src[start:end], means, wide, width)
	})
	x.wide.Fold(sums)
	x.wide.Fold(products)
	ofGradient, ofSrc, offsets := x.vector(worker, 1), x.vector(worker, 2), x.vector(worker, 3)
	for group := range p.Groups {
		inv := float64(x.invStd[n*p.Groups+group])
		sum, product := 0.0, 0.0
		from, to := group*each, (group+1)*each
		for c := from; c < to; c++ {
			gamma := float64(x.gamma[c])
			sum += gamma * sums[c]
			product += gamma * products[c]
			diffGamma[c] += products[c] * inv
			diffBeta[c] += sums[c]
		}
		b, offset := float32(-inv*inv*inv*product/p.count()), float32(-inv*sum/p.count())
		for c := from; c < to; c++ {
			ofGradient[c], ofSrc[c], offsets[c] = float32(float64(x.gamma[c])*inv), b, offset
		}
	}
	for _, v := range [...][]float32{ofGradient, ofSrc, offsets} {
		x.wide.Repeat(v, v[:p.C])
	}
	x.whole(start, func(start, end, wide, width int) {
		x.loops.NormalizeBackward[0](x.diffSrc[start:end], x.diffDst[start:end], nil, x.src[start:end], means, ofGradient, ofSrc, offsets, wide, width)
	})
}
