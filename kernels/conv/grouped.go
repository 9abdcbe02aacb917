package conv

import (
	"github.com/meseta-go/meseta/kernels/cpu"
)

// moveElements is about how many elements a task copies.
const moveElements = 1 << 14

// mover copies a few neighbouring columns of many rows, in parallel.
type mover struct {
	dev           *cpu.Device
	rows, columns int
	each          int // rows in a task
	task          func(i, worker int)

	dst, src           []float32 // of the copy in progress
	dstPitch, srcPitch int       // elements from row to row
}

func newMover(dev *cpu.Device, rows, columns int) *mover {
	m := &mover{dev: dev, rows: rows, columns: columns, each: max(1, moveElements/columns)}
	m.task = func(i, _ int) {
		for r := i * m.each; r < min((i+1)*m.each, m.rows); r++ {
			copy(m.dst[r*m.dstPitch:][:m.columns], m.src[r*m.srcPitch:])
		}
	}
	return m
}

func (m *mover) move(dst []float32, dstPitch int, src []float32, srcPitch int) {
	m.dst, m.dstPitch, m.src, m.srcPitch = dst, dstPitch, src, srcPitch
	m.dev.Parallel(ceilDiv(m.rows, m.each), m.task)
}

// grouped computes a convolution in groups, Forward or BackwardData, one group after another: the group's channels are gathered in the
// workspace, convolved by one of the other variants, and scattered.
type grouped struct {
	p                 Params
	from, to          int // channels of a group that are read, and written
	x                 runner
	src, weights, dst *mover
	workspace         int // elements of what is gathered
}

func newGroupedForward(dev *cpu.Device, p Params, e Epilogue) runner {
	one := p.one()
	return newGrouped(dev, p, one.C, one.K, p.N*p.H*p.W, p.N*p.P*p.Q, chooseForward(dev, one, e))
}

func newGroupedBackwardData(dev *cpu.Device, p Params) runner {
	one := p.one()
	return newGrouped(dev, p, one.K, one.C, p.N*p.P*p.Q, p.N*p.H*p.W, chooseBackwardData(dev, one))
}

func newGrouped(dev *cpu.Device, p Params, from, to, srcPixels, dstPixels int, x runner) *grouped {
	one := p.one()
	g := &grouped{
		p: p, from: from, to: to, x: x,
		src: newMover(dev, srcPixels, from), weights: newMover(dev, p.R*p.S*one.C, one.K), dst: newMover(dev, dstPixels, to),
	}
	g.workspace = padded(srcPixels*from) + padded(one.WeightsLen()) + padded(dstPixels*to) + padded(one.K)
	return g
}

// padded is the room for n elements of a workspace with what may be read behind them.
func padded(n int) int { return roundUp(n, slack) + slack }

// part takes n elements off a workspace.
func part(ws *[]float32, n int) []float32 {
	p := (*ws)[:n]
	*ws = (*ws)[padded(n):]
	return p
}

func (g *grouped) String() string { return "grouped " + g.x.String() }

func (g *grouped) workspaceBytes() int { return 4*g.workspace + g.x.workspaceBytes() }

func (g *grouped) run(dst, src, weights, bias, ws []float32) {
	p, k := g.p, g.weights.columns
	oneSrc, oneWeights := part(&ws, g.src.rows*g.from), part(&ws, g.weights.rows*k)
	oneDst, oneBias := part(&ws, g.dst.rows*g.to), part(&ws, k)
	if bias == nil {
		oneBias = nil
	}
	for i := range p.groups() {
		g.src.move(oneSrc, g.from, src[i*g.from:], g.from*p.groups())
		g.weights.move(oneWeights, k, weights[i*k:], p.K)
		if bias != nil {
			copy(oneBias, bias[i*k:])
		}
		g.x.run(oneDst, oneSrc, oneWeights, oneBias, ws)
		g.dst.move(dst[i*g.to:], g.to*p.groups(), oneDst, g.to)
	}
}

// groupedWeights computes the weights' gradient in the same way.
type groupedWeights struct {
	p                     Params
	bias                  bool
	x                     accumulator
	src, diffDst, weights *mover
	workspace             int // elements
}

func newGroupedBackwardWeights(dev *cpu.Device, p Params, bias bool) accumulator {
	one := p.one()
	return &groupedWeights{
		p: p, bias: bias, x: chooseBackwardWeights(dev, one, bias),
		src: newMover(dev, p.N*p.H*p.W, one.C), diffDst: newMover(dev, p.N*p.P*p.Q, one.K), weights: newMover(dev, p.R*p.S*one.C, one.K),
		workspace: padded(one.SrcLen()) + padded(one.DstLen()) + padded(one.WeightsLen()) + padded(one.K),
	}
}

func (g *groupedWeights) String() string { return "grouped " + g.x.String() }

func (g *groupedWeights) workspaceBytes() int { return 4*g.workspace + g.x.workspaceBytes() }

func (g *groupedWeights) run(diffWeights, diffBias, src, diffDst, ws []float32) {
	p, c, k := g.p, g.src.columns, g.weights.columns
	oneSrc, oneDst := part(&ws, g.src.rows*c), part(&ws, g.diffDst.rows*k)
	oneWeights, oneBias := part(&ws, g.weights.rows*k), part(&ws, k)
	for i := range p.groups() {
		g.src.move(oneSrc, c, src[i*c:], p.C)
		g.diffDst.move(oneDst, k, diffDst[i*k:], p.K)
		g.x.run(oneWeights, oneBias, oneSrc, oneDst, ws)
		g.weights.move(diffWeights[i*k:], p.K, oneWeights, k)
		if g.bias {
			copy(diffBias[i*k:], oneBias)
		}
	}
}
