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

// fewestChannels is how many channels micro-kernels want on either side. Groups of fewer are taken several at a time, as one convolution with
// zeros among its weights where groups would mix: the products with zeros cost less than the lanes that would idle.
const fewestChannels = 32

// together is the number of groups that are convolved at once.
func (p Params) together() int {
	one := p.one()
	for n := 1; n < p.Groups; n++ {
		if p.Groups%n == 0 && n*min(one.C, one.K) >= fewestChannels {
			return n
		}
	}
	return p.Groups
}

// some is the convolution of n groups, as one without groups.
func (p Params) some(n int) Params {
	p.C, p.K, p.Groups = n*(p.C/p.Groups), n*(p.K/p.Groups), 1
	return p
}

// blocks calls f for each row of the weights of groups first to first+n-1: with its place among all weights and among those of some(n), the
// row's length, and what lies between rows of either being another group's, or zero.
func (p Params) blocks(first, n int, f func(all, some, columns int)) {
	one := p.one()
	for tap := range p.R * p.S {
		for g := range n {
			for c := range one.C {
				f((tap*one.C+c)*p.K+(first+g)*one.K, ((tap*n+g)*one.C+c)*n*one.K+g*one.K, one.K)
			}
		}
	}
}

// grouped computes a convolution in groups, Forward or BackwardData, a few groups after the others: the groups' channels are gathered in the
// workspace, convolved by one of the other variants, and scattered.
type grouped struct {
	plainWeights
	p         Params
	together  int
	from, to  int // channels of so many groups that are read, and written
	x         runner
	src, dst  *mover
	workspace int // elements of what is gathered
}

func newGroupedForward(dev *cpu.Device, p Params, e Epilogue) runner {
	some := p.some(p.together())
	return newGrouped(dev, p, some.C, some.K, p.N*p.H*p.W, p.N*p.P*p.Q, chooseForward(dev, some, e, nil))
}

func newGroupedBackwardData(dev *cpu.Device, p Params) runner {
	some := p.some(p.together())
	return newGrouped(dev, p, some.K, some.C, p.N*p.P*p.Q, p.N*p.H*p.W, chooseBackwardData(dev, some, false))
}

func newGrouped(dev *cpu.Device, p Params, from, to, srcPixels, dstPixels int, x runner) *grouped {
	some := p.some(p.together())
	return &grouped{
		p: p, together: p.together(), from: from, to: to, x: x, src: newMover(dev, srcPixels, from), dst: newMover(dev, dstPixels, to),
		workspace: padded(srcPixels*from) + padded(some.WeightsLen()) + padded(dstPixels*to) + padded(some.K),
	}
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

func (g *grouped) workspaceBytes() int { return 4*g.workspace + prepareAndRunBytes(g.x) }

func (g *grouped) run(dst, src, weights, bias, ws []float32) {
	p, some := g.p, g.p.some(g.together)
	someSrc, someWeights := part(&ws, g.src.rows*g.from), part(&ws, some.WeightsLen())
	someDst, someBias := part(&ws, g.dst.rows*g.to), part(&ws, some.K)
	if bias == nil {
		someBias = nil
	}
	clear(someWeights)
	times := p.Groups / g.together
	for i := range times {
		g.src.move(someSrc, g.from, src[i*g.from:], g.from*times)
		p.blocks(i*g.together, g.together, func(all, some, columns int) { copy(someWeights[some:some+columns], weights[all:]) })
		if bias != nil {
			copy(someBias, bias[i*some.K:])
		}
		prepareAndRun(g.x, someDst, someSrc, someWeights, someBias, ws)
		g.dst.move(dst[i*g.to:], g.to*times, someDst, g.to)
	}
}

// groupedWeights computes the weights' gradient in the same way.
type groupedWeights struct {
	p            Params
	together     int
	bias         bool
	x            accumulator
	src, diffDst *mover
	workspace    int // elements
}

func newGroupedBackwardWeights(dev *cpu.Device, p Params, bias bool) accumulator {
	some := p.some(p.together())
	return &groupedWeights{
		p: p, together: p.together(), bias: bias, x: chooseBackwardWeights(dev, some, bias, nil),
		src: newMover(dev, p.N*p.H*p.W, some.C), diffDst: newMover(dev, p.N*p.P*p.Q, some.K),
		workspace: padded(some.SrcLen()) + padded(some.DstLen()) + padded(some.WeightsLen()) + padded(some.K),
	}
}

func (g *groupedWeights) String() string { return "grouped " + g.x.String() }

func (g *groupedWeights) workspaceBytes() int { return 4*g.workspace + g.x.workspaceBytes() }

func (g *groupedWeights) run(diffWeights, diffBias, src, diffDst, ws []float32) {
	p, some := g.p, g.p.some(g.together)
	someSrc, someDst := part(&ws, some.SrcLen()), part(&ws, some.DstLen())
	someWeights, someBias := part(&ws, some.WeightsLen()), part(&ws, some.K)
	for i := range p.Groups / g.together {
		g.src.move(someSrc, some.C, src[i*some.C:], p.C)
		g.diffDst.move(someDst, some.K, diffDst[i*some.K:], p.K)
		g.x.run(someWeights, someBias, someSrc, someDst, ws)
		p.blocks(i*g.together, g.together, func(all, some, columns int) { copy(diffWeights[all:all+columns], someWeights[some:]) })
		if g.bias {
			copy(diffBias[i*some.K:], someBias)
		}
	}
}
