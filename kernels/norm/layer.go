package norm

import (
	"github.com/meseta-go/meseta/kernels/cpu"
	"github.com/meseta-go/meseta/kernels/vec"
)

// Layer normalization does row by row what differs from row to row, with loops over one line; what differs from channel to channel is
// done for a block of rows at once, as in batch normalization.

const (
	// lineBlock is about how many elements a block has, so that what stands between two loops stays in the cache.
	lineBlock = 1 << 13
	// lineFold is how many sums a row is first added up to, and foldRoom those with room for a vector read at the last.
	lineFold = 16
	foldRoom = lineFold + 16
)

// lines is what the two directions of layer normalization share.
type lines struct {
	dev    *cpu.Device
	params Params
	loops  *vec.Table
	chunk  int       // rows of a task
	block  int       // rows of a block, at most as many
	wide   vec.Rows  // of a block
	folded []float64 // for each worker two rows of sums

	ones, gamma, beta, zeros []float32 // the last three along a wide row
}

func newLines(dev *cpu.Device, p Params, chunk int) (*lines, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	block := min(max(lineBlock/p.C, 1), chunk, p.Rows)
	l := &lines{dev: dev, params: p, loops: vec.For(dev.ISA()), chunk: chunk, block: block, wide: vec.NewRows(block, p.C, block*p.C, 1), ones: constant(p.C, 1)}
	l.gamma, l.beta = make([]float32, l.wide.Padded()), make([]float32, l.wide.Padded())
	l.zeros = make([]float32, max(l.wide.Padded(), foldRoom))
	l.folded = make([]float64, dev.Threads()*2*foldRoom)
	return l, nil
}

func (l *lines) chunks() int { return (l.params.Rows + l.chunk - 1) / l.chunk }

// blocks calls f for each block of a chunk, with its first row and its number of rows.
func (l *lines) blocks(i int, f func(first, rows int)) {
	for first, end := i*l.chunk, min((i+1)*l.chunk, l.params.Rows); first < end; first += l.block {
		f(first, min(l.block, end-first))
	}
}

// repeat sets what belongs to channels along a wide row; nil is 1 for gamma and 0 for beta.
func (l *lines) repeat(gamma, beta []float32) {
	if gamma == nil {
		gamma = l.ones
	}
	l.wide.Repeat(l.gamma, gamma)
	if beta == nil {
		clear(l.beta)
	} else {
		l.wide.Repeat(l.beta, beta)
	}
}

// sums gives a worker's room for two times lineFold sums of a row, cleared.
func (l *lines) sums(worker int) (a, b []float64) {
	both := l.folded[worker*2*foldRoom:][:2*foldRoom]
	clear(both)
	return both[:foldRoom], both[foldRoom:]
}

// fold adds lineFold sums up.
func fold(sums []float64) float64 {
	var s0, s1, s2, s3 float64
	for j := 0; j < lineFold; j += 4 {
		four := sums[j:][:4]
		s0, s1, s2, s3 = s0+four[0], s1+four[1], s2+four[2], s3+four[3]
	}
	return s0 + s1 + (s2 + s3)
}

// moments gives the sum of a row and that of its squares.
func (l *lines) moments(row []float32, worker int) (sum, square float64) {
	sums, squares := l.sums(worker)
	wide := len(row) / lineFold
	l.loops.Moments(sums, squares, row, wide, lineFold)
	if rest := row[wide*lineFold:]; len(rest) > 0 {
		l.loops.Moments(sums, squares, rest, 1, len(rest))
	}
	return fold(sums), fold(squares)
}

// products gives the sum of a row g and that of its products with another.
func (l *lines) products(g, other []float32, worker int) (sum, product float64) {
	sums, products := l.sums(worker)
	moments := l.loops.GradientMoments[0][0]
	wide := len(g) / lineFold
	moments(sums, products, nil, g, nil, other, l.zeros, wide, lineFold)
	if rest := wide * lineFold; rest < len(g) {
		moments(sums, products, nil, g[rest:], nil, other[rest:], l.zeros, 1, len(g)-rest)
	}
	return fold(sums), fold(products)
}

// centre computes dst = (row-mean)·invStd.
func (l *lines) centre(dst, row []float32, mean, invStd float32) {
	l.loops.Affine(dst, row, 1, -mean)
	l.loops.Affine(dst, dst, invStd, 0)
}

// LayerForward normalises every row by its own statistics; see Run. A value is used by one goroutine at a time.
type LayerForward struct {
	*lines
	task                   func(i, worker int)
	dst, mean, invStd, src []float32
}

// NewLayerForward makes a LayerForward. Its error wraps ops.ErrShape if there are no elements.
func NewLayerForward(dev *cpu.Device, p Params) (*LayerForward, error) {
	l, err := newLines(dev, p, max(applyChunk/max(p.C, 1), 1))
	if err != nil {
		return nil, err
	}
	x := &LayerForward{lines: l}
	x.task = func(i, worker int) { x.blocks(i, func(first, rows int) { x.some(first, rows, worker) }) }
	return x, nil
}

// Run computes dst = gamma·(src-mean)·invStd + beta, with the mean and invStd = 1/√(variance+Epsilon) of every row, and writes all three.
//
// dst, src [Rows,C]; mean, invStd [Rows]; gamma, beta [C], or nil for 1 and 0. dst may be src.
func (x *LayerForward) Run(dst, mean, invStd, src, gamma, beta []float32) {
	x.dst, x.mean, x.invStd, x.src = dst, mean, invStd, src
	x.repeat(gamma, beta)
	x.dev.Parallel(x.chunks(), x.task)
}

// some normalises a block of rows.
func (x *LayerForward) some(first, rows, worker int) {
	c := x.params.C
	for n := first; n < first+rows; n++ {
		row := x.src[n*c:][:c]
		sum, square := x.moments(row, worker)
		x.mean[n], x.invStd[n] = statistics(sum, square, float64(c), x.params.Epsilon)
		x.centre(x.dst[n*c:][:c], row, x.mean[n], x.invStd[n])
	}
	cut(first*c, rows*c, x.wide.Width, func(start, end, wide, width int) {
		x.loops.Normalize[0][0](x.dst[start:end], x.dst[start:end], nil, x.zeros, x.gamma, x.beta, wide, width)
	})
}

// LayerBackward computes the gradients of LayerForward; see Run. A value is used by one goroutine at a time.
type LayerBackward struct {
	*lines
	task                                func(i, worker int)
	diffSrc, diffDst, src, mean, invStd []float32
	room                                int       // of a block
	scratch                             []float32 // for each worker two blocks: (src-mean)·invStd and diffDst·gamma
	wideSums                            []float64 // for each worker two wide rows
	partial                             partial
}

// NewLayerBackward makes a LayerBackward. Its error wraps ops.ErrShape if there are no elements.
func NewLayerBackward(dev *cpu.Device, p Params) (*LayerBackward, error) {
	l, err := newLines(dev, p, max(sumChunk/max(p.C, 1), (p.Rows+groupChunks-1)/groupChunks, 1))
	if err != nil {
		return nil, err
	}
	x := &LayerBackward{lines: l, room: l.block*p.C + 16, partial: partial{chunks: l.chunks(), c: p.C}}
	x.scratch = make([]float32, dev.Threads()*2*x.room)
	x.wideSums = make([]float64, dev.Threads()*2*l.wide.Padded())
	x.task = x.some
	return x, nil
}

// WorkspaceBytes is the size of Run's workspace.
func (x *LayerBackward) WorkspaceBytes() int { return x.partial.bytes() }

// Run computes, with x̂ = (src-mean)·invStd and g = diffDst·gamma,
//
//	diffBeta = Σ diffDst,  diffGamma = Σ diffDst·x̂,  both over the rows,
//	diffSrc = invStd·(g - Σ g/C - x̂·Σ g·x̂/C),        both over the row.
//
// diffSrc, diffDst, src [Rows,C]; mean, invStd [Rows]; diffGamma, diffBeta, gamma [C]. diffGamma and diffBeta are nil where nobody asks,
// gamma is nil for 1. diffSrc may be diffDst.
func (x *LayerBackward) Run(diffSrc, diffGamma, diffBeta, diffDst, src, mean, invStd, gamma, workspace []float32) {
	x.diffSrc, x.diffDst, x.src, x.mean, x.invStd = diffSrc, diffDst, src, mean, invStd
	x.repeat(gamma, nil)
	x.partial.use(workspace)
	x.dev.Parallel(x.chunks(), x.task)
	x.partial.finish(diffGamma, diffBeta)
}

// some does a chunk of rows.
func (x *LayerBackward) some(i, worker int) {
	padded := x.wide.Padded()
	both := x.wideSums[worker*2*padded:][:2*padded]
	clear(both)
	sums, products := both[:padded], both[padded:]
	normal, scaled := x.scratch[worker*2*x.room:][:x.room], x.scratch[(worker*2+1)*x.room:][:x.room]
	x.blocks(i, func(first, rows int) { x.rows(first, rows, worker, normal, scaled, sums, products) })
	x.wide.Fold(sums)
	x.wide.Fold(products)
	diffGamma, diffBeta := x.partial.of(i)
	copy(diffGamma, products)
	copy(diffBeta, sums)
}

// rows does a block of rows, with room for it in normal and scaled.
func (x *LayerBackward) rows(first, rows, worker int, normal, scaled []float32, sums, products []float64) {
	c := x.params.C
	for n := range rows {
		x.centre(normal[n*c:][:c], x.src[(first+n)*c:][:c], x.mean[first+n], x.invStd[first+n])
	}
	diffDst, diffSrc := x.diffDst[first*c:], x.diffSrc[first*c:]
	cut(0, rows*c, x.wide.Width, func(start, end, wide, width int) {
		x.loops.GradientMoments[0][0](sums, products, nil, diffDst[start:end], nil, normal[start:end], x.zeros, wide, width)
		x.loops.Normalize[0][0](scaled[start:end], diffDst[start:end], nil, x.zeros, x.gamma, x.zeros, wide, width)
	})
	for n := range rows {
		g, normal, inv := scaled[n*c:][:c], normal[n*c:][:c], float64(x.invStd[first+n])
		sum, product := x.products(g, normal, worker)
		row := diffSrc[n*c:][:c]
		x.loops.Affine(row, g, float32(inv), float32(-inv*sum/float64(c)))
		x.loops.Average(row, normal, 1, float32(-inv*product/float64(c)))
	}
}
