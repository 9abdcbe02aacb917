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

// rows says that each sample is one row of one group: layer normalization.
func (p GroupParams) rows() bool { return p.P == 1 && p.Groups == 1 }

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

// cut calls loop for the wide rows of the sample that starts at element `start`, and for what is left.
func (s *samples) cut(start int, loop func(start, end, wide, width int)) {
	size := s.params.P * s.params.C
	wide := size / s.wide.Width
	rest := wide * s.wide.Width
	loop(start, start+rest, wide, s.wide.Width)
	if rest < size {
		loop(start+rest, start+size, 1, size-rest)
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
	sample := x.groups
	if p.rows() {
		sample = x.row
	}
	x.task = func(i, worker int) {
		for n, end := x.chunk(i); n < end; n++ {
			sample(n, worker)
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
	m := sum / x.params.count()
	// Rounding may leave a constant group a variance below 0.
	v := max(square/x.params.count()-m*m, 0)
	mean, invStd = float32(m), float32(1/math.Sqrt(v+float64(x.params.Epsilon)))
	at := n*x.params.Groups + group
	x.mean[at], x.invStd[at] = mean, invStd
	return mean, invStd
}

func (x *GroupForward) groups(n, worker int) {
	p := x.params
	sums, squares := x.twoSums(worker)
	start := n * p.P * p.C
	x.cut(start, func(start, end, wide, width int) { x.loops.Moments(sums, squares, x.src[start:end], wide, width) })
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
	x.cut(start, func(start, end, wide, width int) {
		x.loops.Normalize[0][0](x.dst[start:end], x.src[start:end], nil, means, scales, offsets, wide, width)
	})
}

func (x *GroupForward) row(n, worker int) {
	c := x.params.C
	src, dst := x.src[n*c:][:c], x.dst[n*c:][:c]
	sum, square := x.sum(src, worker)
	mean, invStd := x.moments(n, 0, sum, square)
	gamma, beta := x.gamma[:c], x.beta[:c]
	for j, v := range src {
		dst[j] = float32((v-mean)*float32(gamma[j]*invStd)) + beta[j]
	}
}

// foldedRow is how many sums a long row is first added up to.
const foldedRow = 128

// sum gives the sum and the sum of squares of a row.
func (x *GroupForward) sum(row []float32, worker int) (sum, square float64) {
	if wide := len(row) / foldedRow; wide > 1 {
		sums, squares := x.twoSums(worker)
		x.loops.Moments(sums, squares, row[:wide*foldedRow], wide, foldedRow)
		for j := range foldedRow {
			sum += sums[j]
			square += squares[j]
		}
		row = row[wide*foldedRow:]
	}
	for _, v := range row {
		sum += float64(v)
		square += float64(v) * float64(v)
	}
	return sum, square
}

// GroupBackward computes the gradients of GroupForward; see Run. A value is used by one goroutine at a time.
type GroupBackward struct {
	*samples
	loops                                      *vec.Table
	diffSrc, diffDst, src, mean, invStd, gamma []float32
	ones                                       []float32
	partial                                    []float64 // for each chunk 2·C: what diffGamma and diffBeta are the sums of
}

// NewGroupBackward makes a GroupBackward. Its error wraps ops.ErrShape.
func NewGroupBackward(dev *cpu.Device, p GroupParams) (*GroupBackward, error) {
	each := max(sumChunk/max(p.P*p.C, 1), (p.N+groupChunks-1)/groupChunks, 1)
	s, err := newSamples(dev, p, each, 4)
	if err != nil {
		return nil, err
	}
	x := &GroupBackward{samples: s, loops: vec.For(dev.ISA()), ones: constant(p.C, 1)}
	sample := x.groups
	if p.rows() {
		sample = x.row
	}
	x.task = func(i, worker int) {
		both := x.partial[i*2*p.C:][:2*p.C]
		clear(both)
		for n, end := x.chunk(i); n < end; n++ {
			sample(n, worker, both[:p.C], both[p.C:])
		}
	}
	return x, nil
}

// WorkspaceBytes is the size of Run's workspace.
func (x *GroupBackward) WorkspaceBytes() int { return 8 * x.chunks() * 2 * x.params.C }

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
	c := x.params.C
	x.partial = unsafe.Slice((*float64)(unsafe.Pointer(unsafe.SliceData(workspace))), x.chunks()*2*c)
	x.dev.Parallel(x.chunks(), x.task)
	first := x.partial[:2*c]
	for i := 1; i < x.chunks(); i++ {
		for j, v := range x.partial[i*2*c:][:2*c] {
			first[j] += v
		}
	}
	for j := range diffGamma {
		diffGamma[j] = float32(first[j])
	}
	for j := range diffBeta {
		diffBeta[j] = float32(first[c+j])
	}
}

func (x *GroupBackward) groups(n, worker int, diffGamma, diffBeta []float64) {
	p := x.params
	each := p.C / p.Groups
	means := x.vector(worker, 0)
	for c := range p.C {
		means[c] = x.mean[n*p.Groups+c/each]
	}
	x.wide.Repeat(means, means[:p.C])
	sums, products := x.twoSums(worker)
	start := n * p.P * p.C
	x.cut(start, func(start, end, wide, width int) {
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
	x.cut(start, func(start, end, wide, width int) {
		x.loops.NormalizeBackward[0](x.diffSrc[start:end], x.diffDst[start:end], nil, x.src[start:end], means, ofGradient, ofSrc, offsets, wide, width)
	})
}

func (x *GroupBackward) row(n, _ int, diffGamma, diffBeta []float64) {
	c := x.params.C
	src, diffDst, diffSrc := x.src[n*c:][:c], x.diffDst[n*c:][:c], x.diffSrc[n*c:][:c]
	gamma, diffGamma, diffBeta := x.gamma[:c], diffGamma[:c], diffBeta[:c]
	mean, inv := x.mean[n], float64(x.invStd[n])
	sum, product := 0.0, 0.0
	for j, v := range src {
		d := float64(diffDst[j])
		normal := float64(v-mean) * inv
		diffBeta[j] += d
		diffGamma[j] += d * normal
		d *= float64(gamma[j])
		sum += d
		product += d * normal
	}
	b, offset := float32(-inv*inv*product/x.params.count()), float32(-inv*sum/x.params.count())
	scale := x.invStd[n]
	for j, v := range src {
		diffSrc[j] = float32(diffDst[j]*float32(gamma[j]*scale)) + (float32((v-mean)*b) + offset)
	}
}
