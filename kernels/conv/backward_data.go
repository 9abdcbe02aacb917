package conv

import (
	"fmt"
	"math"

	"github.com/meseta-go/meseta/kernels/cpu"
	"github.com/meseta-go/meseta/kernels/tile"
	"github.com/meseta-go/meseta/ops"
)

// BackwardData computes the gradient of a convolution's src from that of its dst.
type BackwardData struct {
	p        Params
	x        runner
	residual *copier
}

// NewBackwardData chooses how to compute it for p on dev, with add as the sum with a residual, such as what a shortcut brings; that wants
// a single group. Its error wraps ops.ErrShape.
func NewBackwardData(dev *cpu.Device, p Params, add bool) (*BackwardData, error) {
	if err := p.Check(); err != nil {
		return nil, err
	}
	if add && p.groups() > 1 {
		return nil, fmt.Errorf("conv: a residual of %d groups; add it by itself: %w", p.groups(), ops.ErrShape)
	}
	return newBackwardData(dev, p, chooseBackwardData(dev, p, add)), nil
}

func newBackwardData(dev *cpu.Device, p Params, x runner) *BackwardData {
	return &BackwardData{p: p, x: x, residual: newCopier(dev)}
}

func chooseBackwardData(dev *cpu.Device, p Params, add bool) runner {
	switch {
	case p.depthwise():
		return newDepthwiseBackwardData(dev, p)
	case p.groups() > 1:
		return newGroupedBackwardData(dev, p)
	}
	p = p.flattened(math.MaxInt)
	rows, cols := p.backwardAxes()
	switch p.imageWay(tile.For(dev.ISA()), image{p.P, p.Q, p.K}, image{p.H, p.W, p.C}, rows, cols) {
	case wayPixels:
		return newPixelsBackwardData(dev, p, add)
	case wayPanels:
		return newWinogradPanelsBackwardData(dev, p, add)
	case wayWinograd:
		return newWinogradBackwardData(dev, p, add)
	}
	return newDirectBackwardData(dev, p, add)
}

func newDirectBackwardData(dev *cpu.Device, p Params, add bool) runner {
	rows, cols := p.backwardAxes()
	return newDirect(dev, p, image{p.P, p.Q, p.K}, image{p.H, p.W, p.C}, rows, cols, true, Epilogue{Add: add}.flags(), nil)
}

func newPixelsBackwardData(dev *cpu.Device, p Params, add bool) runner {
	rows, cols := p.backwardAxes()
	return newPixels(dev, p, image{p.P, p.Q, p.K}, image{p.H, p.W, p.C}, rows, cols, true, Epilogue{Add: add}.flags(), nil)
}

func newWinogradBackwardData(dev *cpu.Device, p Params, add bool) runner {
	return newWinograd(dev, p.N, image{p.P, p.Q, p.K}, image{p.H, p.W, p.C}, p.R-1-p.PadTop, p.S-1-p.PadLeft, true, Epilogue{Add: add}, nil)
}

func newWinogradPanelsBackwardData(dev *cpu.Device, p Params, add bool) runner {
	return newWinogradPanels(dev, p.N, image{p.P, p.Q, p.K}, image{p.H, p.W, p.C}, p.R-1-p.PadTop, p.S-1-p.PadLeft, true, Epilogue{Add: add}, nil, groupBytes)
}

// WorkspaceBytes is what Run needs of workspace; it grows with the number of workers.
func (b *BackwardData) WorkspaceBytes() int { return prepareAndRunBytes(b.x) }

// Variant names the way it computes.
func (b *BackwardData) Variant() string { return b.x.String() }

// Run computes diffSrc [N,H,W,C] from diffDst [N,P,Q,K] and weights [R,S,C/G,K], and adds residual [N,H,W,C] to it if it was made to add. Buffers
// are aligned to 64 bytes, and 64 bytes behind each may be read. diffSrc may be residual, which saves a copy, but not overlap the others. It
// allocates nothing; one goroutine at a time may call it.
func (b *BackwardData) Run(diffSrc, diffDst, weights, residual, workspace []float32) {
	diffSrc = diffSrc[:b.p.SrcLen()]
	b.residual.copy(diffSrc, residual)
	prepareAndRun(b.x, diffSrc, diffDst[:b.p.DstLen()], weights[:b.p.WeightsLen()], nil, workspace[:b.WorkspaceBytes()/4])
}
