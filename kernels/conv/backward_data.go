package conv

import (
	"math"

	"github.com/meseta-go/meseta/kernels/cpu"
)

// BackwardData computes the gradient of a convolution's src from that of its dst.
type BackwardData struct {
	p Params
	x runner
}

// NewBackwardData chooses how to compute it for p on dev. Its error wraps ops.ErrShape.
func NewBackwardData(dev *cpu.Device, p Params) (*BackwardData, error) {
	if err := p.Check(); err != nil {
		return nil, err
	}
	return &BackwardData{p: p, x: chooseBackwardData(dev, p)}, nil
}

func chooseBackwardData(dev *cpu.Device, p Params) runner {
	switch {
	case p.depthwise():
		return newDepthwiseBackwardData(dev, p)
	case p.groups() > 1:
		return newGroupedBackwardData(dev, p)
	}
	p = p.flattened(math.MaxInt)
	if p.prefersWinograd(p.transformingWeights()) {
		return newWinogradBackwardData(dev, p)
	}
	return newDirectBackwardData(dev, p)
}

func newDirectBackwardData(dev *cpu.Device, p Params) runner {
	rows, cols := backwardAxis(p.H, p.R, p.StrideH, p.DilationH, p.PadTop), backwardAxis(p.W, p.S, p.StrideW, p.DilationW, p.PadLeft)
	return newDirect(dev, p, image{p.P, p.Q, p.K}, image{p.H, p.W, p.C}, rows, cols, true, 0)
}

func newWinogradBackwardData(dev *cpu.Device, p Params) runner {
	return newWinograd(dev, p.N, image{p.P, p.Q, p.K}, image{p.H, p.W, p.C}, p.R-1-p.PadTop, p.S-1-p.PadLeft, true, false)
}

// WorkspaceBytes is what Run needs of workspace; it grows with the number of workers.
func (b *BackwardData) WorkspaceBytes() int { return b.x.workspaceBytes() }

// Variant names the way it computes.
func (b *BackwardData) Variant() string { return b.x.String() }

// Run computes diffSrc [N,H,W,C] from diffDst [N,P,Q,K] and weights [R,S,C/G,K]. Buffers are aligned to 64 bytes, and 64 bytes
// behind each may be read. diffSrc may not overlap the others. It allocates nothing; one goroutine at a time may call it.
func (b *BackwardData) Run(diffSrc, diffDst, weights, workspace []float32) {
	b.x.run(diffSrc[:b.p.SrcLen()], diffDst[:b.p.DstLen()], weights[:b.p.WeightsLen()], nil, workspace[:b.x.workspaceBytes()/4])
}
