package conv

import (
	"fmt"
	"math"

	"github.com/meseta-go/meseta/kernels/cpu"
	"github.com/meseta-go/meseta/kernels/tile"
	"github.com/meseta-go/meseta/ops"
)

// Forward computes dst = act(conv2d(src, weights) + bias + residual) for shapes fixed when it was made.
type Forward struct {
	p        Params
	bias     bool
	src      *loader
	x        runner
	residual *copier
}

// flags are those of micro-kernels.
func (e Epilogue) flags() int {
	flags := tile.ActivationFlags(e.Activation)
	if e.Bias {
		flags |= tile.Bias
	}
	if e.Add {
		flags |= tile.Accumulate
	}
	return flags
}

// runner is a variant of Forward or, with other names for its arrays, of BackwardData.
type runner interface {
	// prepare brings weights into the form that run reads, of formLen elements. Where that is 0, run reads them as they are.
	prepare(form, weights, ws []float32)
	formLen() int
	run(dst, src, form, bias, ws []float32)
	workspaceBytes() int // of prepare and of run
	String() string
}

// plainWeights is part of a runner that reads weights as they are.
type plainWeights struct{}

func (plainWeights) prepare(_, _, _ []float32) {}
func (plainWeights) formLen() int              { return 0 }

// prepareAndRun has the form of weights at the front of a workspace of prepareAndRunBytes.
func prepareAndRun(x runner, dst, src, weights, bias, ws []float32) {
	if n := x.formLen(); n > 0 {
		form, rest := ws[:n], ws[n:]
		x.prepare(form, weights, rest)
		weights, ws = form, rest
	}
	x.run(dst, src, weights, bias, ws)
}

func prepareAndRunBytes(x runner) int { return 4*x.formLen() + x.workspaceBytes() }

// NewForward chooses how to compute p on dev. Its error wraps ops.ErrShape.
func NewForward(dev *cpu.Device, p Params, e Epilogue) (*Forward, error) {
	if err := p.Check(); err != nil {
		return nil, err
	}
	if err := e.check(); err != nil {
		return nil, err
	}
	if e.Add && p.groups() > 1 {
		return nil, fmt.Errorf("conv: a residual of %d groups; add it by itself: %w", p.groups(), ops.ErrShape)
	}
	src := newLoader(dev, p)
	return newForward(dev, p, e, src, chooseForward(dev, p, e, src)), nil
}

func newForward(dev *cpu.Device, p Params, e Epilogue, src *loader, x runner) *Forward {
	return &Forward{p: p, bias: e.Bias, src: src, x: x, residual: newCopier(dev)}
}

func chooseForward(dev *cpu.Device, p Params, e Epilogue, src *loader) runner {
	switch {
	case p.depthwise():
		return newDepthwiseForward(dev, p, e, src)
	case p.groups() > 1:
		return newGroupedForward(dev, p, e)
	}
	p = p.flattened(math.MaxInt)
	rows, cols := p.forwardAxes()
	switch p.imageWay(tile.For(dev.ISA()), image{p.H, p.W, p.C}, image{p.P, p.Q, p.K}, rows, cols) {
	case wayPixels:
		return newPixelsForward(dev, p, e, src)
	case wayPanels:
		return newWinogradPanelsForward(dev, p, e, src)
	case wayWinograd:
		return newWinogradForward(dev, p, e, src)
	}
	return newDirectForward(dev, p, e, src)
}

func newDirectForward(dev *cpu.Device, p Params, e Epilogue, src *loader) runner {
	rows, cols := p.forwardAxes()
	return newDirect(dev, p, image{p.H, p.W, p.C}, image{p.P, p.Q, p.K}, rows, cols, false, e.flags(), src)
}

func newPixelsForward(dev *cpu.Device, p Params, e Epilogue, src *loader) runner {
	rows, cols := p.forwardAxes()
	return newPixels(dev, p, image{p.H, p.W, p.C}, image{p.P, p.Q, p.K}, rows, cols, false, e.flags(), src)
}

func newWinogradForward(dev *cpu.Device, p Params, e Epilogue, src *loader) runner {
	return newWinograd(dev, p.N, image{p.H, p.W, p.C}, image{p.P, p.Q, p.K}, p.PadTop, p.PadLeft, false, e, src)
}

func newWinogradPanelsForward(dev *cpu.Device, p Params, e Epilogue, src *loader) runner {
	return newWinogradFewPanelsForward(dev, p, e, src, groupBytes)
}

func newWinogradFewPanelsForward(dev *cpu.Device, p Params, e Epilogue, src *loader, most int) runner {
	return newWinogradPanels(dev, p.N, image{p.H, p.W, p.C}, image{p.P, p.Q, p.K}, p.PadTop, p.PadLeft, false, e, src, most)
}

// WorkspaceBytes is what Run needs of workspace; it grows with the number of workers.
func (f *Forward) WorkspaceBytes() int { return prepareAndRunBytes(f.x) }

// PreparedWorkspaceBytes is what Prepare and RunPrepared need each.
func (f *Forward) PreparedWorkspaceBytes() int { return f.x.workspaceBytes() }

// FormLen is the number of elements of weights in the form that they are brought into before everything else, or 0 where there is none.
func (f *Forward) FormLen() int { return f.x.formLen() }

// Prepare brings weights into that form, for RunPrepared.
func (f *Forward) Prepare(form, weights, workspace []float32) {
	f.x.prepare(form[:f.x.formLen()], weights[:f.p.WeightsLen()], workspace[:f.x.workspaceBytes()/4])
}

// Variant names the way it computes.
func (f *Forward) Variant() string { return f.x.String() }

// Normalize says what src is normalised by in each Run to come, where Params.Load wants it: mean, invStd, gamma and beta [C].
func (f *Forward) Normalize(mean, invStd, gamma, beta []float32) {
	f.src.set(mean, invStd, gamma, beta)
}

// Run computes dst [N,P,Q,K] from src [N,H,W,C], weights [R,S,C/G,K], bias [K], which is not read without Epilogue.Bias, and residual [N,P,Q,K], which
// is nil without Epilogue.Add. Buffers are aligned to 64 bytes, and 64 bytes behind each may be read. dst may be residual, which saves a copy,
// but not overlap the others. It allocates nothing; one goroutine at a time may call it.
func (f *Forward) Run(dst, src, weights, bias, residual, workspace []float32) {
	dst, src, bias = f.operands(dst, src, bias, residual)
	prepareAndRun(f.x, dst, src, weights[:f.p.WeightsLen()], bias, workspace[:f.WorkspaceBytes()/4])
}

// RunPrepared is Run with weights in the form that Prepare gave.
func (f *Forward) RunPrepared(dst, src, form, bias, residual, workspace []float32) {
	dst, src, bias = f.operands(dst, src, bias, residual)
	f.x.run(dst, src, form[:f.x.formLen()], bias, workspace[:f.x.workspaceBytes()/4])
}

// operands checks lengths and puts the residual into dst.
func (f *Forward) operands(dst, src, bias, residual []float32) (_, _, _ []float32) {
	if f.bias {
		bias = bias[:f.p.K]
	} else {
		bias = nil
	}
	dst = dst[:f.p.DstLen()]
	f.residual.copy(dst, residual)
	return dst, src[:f.p.SrcLen()], bias
}

// copier puts a residual where a variant adds to it.
type copier struct {
	dev      *cpu.Device
	task     func(i, worker int)
	dst, src []float32 // of the copy in progress
}

// copied is how many elements a task copies.
const copied = 1 << 15

func newCopier(dev *cpu.Device) *copier {
	c := &copier{dev: dev}
	c.task = func(i, _ int) {
		start, end := i*copied, min((i+1)*copied, len(c.dst))
		copy(c.dst[start:end], c.src[start:end])
	}
	return c
}

// copy copies src to dst, if there is one that does not lie there already.
func (c *copier) copy(dst, src []float32) {
	if src != nil && &src[0] != &dst[0] {
		c.dst, c.src = dst, src[:len(dst)]
		c.dev.Parallel(ceilDiv(len(dst), copied), c.task)
	}
}
