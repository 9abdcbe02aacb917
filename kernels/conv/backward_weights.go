package conv

import "github.com/meseta-go/meseta/kernels/cpu"

// BackwardWeights computes the gradients of a convolution's weights and bias.
type BackwardWeights struct {
	p    Params
	bias bool
	src  *loader
	x    accumulator
}

// accumulator is a variant of BackwardWeights.
type accumulator interface {
	run(diffWeights, diffBias, src, diffDst, ws []float32)
	workspaceBytes() int
	String() string
}

// NewBackwardWeights chooses how to compute it for p on dev, with the bias's gradient if withBias is set. Its error wraps ops.ErrShape.
func NewBackwardWeights(dev *cpu.Device, p Params, withBias bool) (*BackwardWeights, error) {
	if err := p.Check(); err != nil {
		return nil, err
	}
	src := newLoader(dev, p)
	return &BackwardWeights{p: p, bias: withBias, src: src, x: chooseBackwardWeights(dev, p, withBias, src)}, nil
}

func chooseBackwardWeights(dev *cpu.Device, p Params, bias bool, src *loader) accumulator {
	switch {
	case p.depthwise():
		return newDepthwiseBackwardWeights(dev, p, bias, src)
	case p.groups() > 1:
		return newGroupedBackwardWeights(dev, p, bias)
	}
	p = p.flattened(256) // longer rows would not stay in the cache while the filter's channels pass by
	switch p.weightsWay() {
	case wayPixels:
		return newPixelsBackwardWeights(dev, p, bias, src)
	case wayPanels:
		return newWinogradPanelsBackwardWeights(dev, p, bias, src)
	case wayWinograd:
		return newWinogradBackwardWeights(dev, p, bias, src)
	}
	return newDirectBackwardWeights(dev, p, bias, src)
}

func newDirectBackwardWeights(dev *cpu.Device, p Params, bias bool, src *loader) accumulator {
	return newCorrelation(dev, p, bias, src)
}

func newPixelsBackwardWeights(dev *cpu.Device, p Params, bias bool, src *loader) accumulator {
	return newPixelsWeights(dev, p, bias, src)
}

func newWinogradBackwardWeights(dev *cpu.Device, p Params, bias bool, src *loader) accumulator {
	return newWinogradWeights(dev, p, bias, src)
}

func newWinogradPanelsBackwardWeights(dev *cpu.Device, p Params, bias bool, src *loader) accumulator {
	return newWinogradPanelsWeights(dev, p, bias, src, gradientBytes)
}

// WorkspaceBytes is what Run needs of workspace; it grows with the number of workers.
func (b *BackwardWeights) WorkspaceBytes() int { return b.x.workspaceBytes() }

// Variant names the way it computes.
func (b *BackwardWeights) Variant() string { return b.x.String() }

// Normalize says what src is normalised by in each Run to come, where Params.Load wants it: mean, invStd, gamma and beta [C].
func (b *BackwardWeights) Normalize(mean, invStd, gamma, beta []float32) {
	b.src.set(mean, invStd, gamma, beta)
}

// Run computes diffWeights [R,S,C/G,K] and diffBias [K], which is left alone without withBias, from src [N,H,W,C] and
// diffDst [N,P,Q,K]. Buffers are aligned to 64 bytes, and 64 bytes behind each may be read. Results may not overlap the
// others. It allocates nothing; one goroutine at a time may call it.
func (b *BackwardWeights) Run(diffWeights, diffBias, src, diffDst, workspace []float32) {
	if b.bias {
		diffBias = diffBias[:b.p.K]
	}
	b.x.run(diffWeights[:b.p.WeightsLen()], diffBias, src[:b.p.SrcLen()], diffDst[:b.p.DstLen()], workspace[:b.x.workspaceBytes()/4])
}
