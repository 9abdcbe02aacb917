package update

import (
	"github.com/meseta-go/meseta/kernels/cpu"
	"github.com/meseta-go/meseta/ops"
)

// apart are arrays that each lie for themselves.
func apart(shapes []ops.Shape) []Array {
	list := make([]Array, len(shapes))
	for i, s := range shapes {
		list[i].Shape = s
	}
	return list
}

// Penalties adds up regularizers' penalties on weights: ops.Penalties.
type Penalties struct {
	pieces  *pieces
	sums    []float64 // of each piece
	task    func(i, worker int)
	weights [][]float32
}

// NewPenalties makes Penalties of weights of these shapes. Its error wraps ops.ErrShape if one has no elements.
func NewPenalties(dev *cpu.Device, shapes []ops.Shape, o ops.Penalties) (*Penalties, error) {
	p, err := newPieces(dev, "penalties", apart(shapes))
	if err != nil {
		return nil, err
	}
	x := &Penalties{pieces: p, sums: make([]float64, len(p.list))}
	x.task = func(i, _ int) {
		part, penalty := p.list[i], o.Each[p.list[i].array]
		magnitudes, squares := sumSizes(x.weights[part.array][part.start:part.end])
		x.sums[i] = float64(penalty.L1)*magnitudes + float64(penalty.L2)*squares
	}
	return x, nil
}

// Run gives the sum of all L1·Σ|w| + L2·Σw², added up in float64.
func (x *Penalties) Run(weights [][]float32) float32 {
	x.weights = weights
	x.pieces.dev.Sweep(len(x.pieces.list), x.task)
	total := 0.0
	for _, sum := range x.sums {
		total += sum
	}
	return float32(total)
}

// sumSizes gives Σ|x| and Σx². Four sums each, so that an addition need not wait for the one before.
func sumSizes(src []float32) (magnitudes, squares float64) {
	var m, s [4]float64
	for ; len(src) >= 4; src = src[4:] {
		for i, x := range src[:4] {
			wide := float64(x)
			m[i] += max(wide, -wide)
			s[i] += wide * wide
		}
	}
	for i, x := range src {
		wide := float64(x)
		m[i] += max(wide, -wide)
		s[i] += wide * wide
	}
	return (m[0] + m[1]) + (m[2] + m[3]), (s[0] + s[1]) + (s[2] + s[3])
}

// Regularize adds penalties' gradients to weights': ops.Regularize.
type Regularize struct {
	pieces         *pieces
	task           func(i, worker int)
	grads, weights [][]float32
}

// NewRegularize makes a Regularize of weights of these shapes. Its error wraps ops.ErrShape if one has no elements.
func NewRegularize(dev *cpu.Device, shapes []ops.Shape, o ops.Regularize) (*Regularize, error) {
	p, err := newPieces(dev, "regularize", apart(shapes))
	if err != nil {
		return nil, err
	}
	x := &Regularize{pieces: p}
	x.task = func(i, _ int) {
		part, penalty := p.list[i], o.Each[p.list[i].array]
		grad := x.grads[part.array][part.start:part.end]
		p.loops.Regularize(grad, grad, x.weights[part.array][part.start:part.end], penalty.L1, 2*penalty.L2)
	}
	return x, nil
}

// Run adds L1·sign(w) + 2·L2·w to the gradient of each weight.
func (x *Regularize) Run(grads, weights [][]float32) {
	x.grads, x.weights = grads, weights
	x.pieces.dev.Sweep(len(x.pieces.list), x.task)
}
