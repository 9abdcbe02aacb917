package conv

import (
	"math"

	"github.com/meseta-go/meseta/kernels/cpu"
	"github.com/meseta-go/meseta/kernels/tile"
)

// Forward computes dst = act(conv2d(src, weights) + bias) for shapes fixed when it was made.
type Forward struct {
	p    Params
	bias bool
	src  *loader
	x    runner
}

// flags are those of micro-kernels.
func (e Epilogue) flags() int {
	flags := tile.ActivationFlags(e.Activation)
	if e.Bias {
		flags |= tile.Bias
	}
	return flags
}

// runner is a variant of Forward or, with other names for its arrays, of BackwardData.
type runner interface {
	run(dst, src, weights, bias, ws []float32)
	workspaceBytes() int
	String() string
}

// NewForward chooses how to compute p on dev. Its error wraps ops.ErrShape.
func NewForward(dev *cpu.Device, p Params, e Epilogue) (*Forward, error) {
	if err := p.Check(); err != nil {
		return nil, err
	}
	if err := e.check(); err != nil {
		return nil, err
	}
	src := newLoader(dev, p)
	return &Forward{p: p, bias: e.Bias, src: src, x: chooseForward(dev, p, e, src)}, nil
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
	return newWinograd(dev, p.N, image{p.H, p.W, p.C}, image{p.P, p.Q, p.K}, p.PadTop, p.PadLeft, false, e.Activation, src)
}

func newWinogradPanelsForward(dev *cpu.Device, p Params, e Epilogue, src *loader) runner {
	return newWinogradPanels(dev, p.N, image{p.H, p.W, p.C}, image{p.P, p.Q, p.K}, p.PadTop, p.PadLeft, false, e.Activation, src, groupBytes)
}

// WorkspaceBytes is what Run needs of workspace; it grows with the number of workers.
func (f *Forward) WorkspaceBytes() int { return f.x.workspaceBytes() }

// Variant names the way it computes.
func (f *Forward) Variant() string { return f.x.String() }

// Normalize says what src is normalised by in each Run to come, where Params.Load wants it: mean, invStd, gamma and beta [C].
func (f *Forward) Normalize(mean, invStd, gamma, beta []float32) {
	f.src.set(mean, invStd, gamma, beta)
}

// Run computes dst [N,P,Q,K] from src [N,H,W,C], weights [R,S,C/G,K] and bias [K], which is not read without Epilogue.Bias.
// Buffers are aligned to 64 bytes, and 64 bytes behind each may be read. dst may not overlap the others. It allocates nothing; one
// goroutine at a time may call it.
func (f *Forward) Run(dst, src, weights, bias, workspace []float32) {
	if f.bias {
		bias = bias[:f.p.K]
	}
	f.x.run(dst[:f.p.DstLen()], src[:f.p.SrcLen()], weights[:f.p.WeightsLen()], bias, workspace[:f.x.workspaceBytes()/4])
}
