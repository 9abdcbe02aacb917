package update

import (
	"fmt"
	"math"

	"github.com/meseta-go/meseta/kernels/cpu"
	"github.com/meseta-go/meseta/kernels/vec"
	"github.com/meseta-go/meseta/ops"
)

// Layered computes a step of a rule that looks at each parameter as a whole; see Run.
type Layered struct {
	run       func(a Arrays[float32], rate float32, step int64, workspace []float32)
	workspace int // elements
}

// NewLayered makes a step over parameters at these places. Its error wraps ops.ErrShape if one has no elements or is not of the rule's
// kind, and ErrRule if the rule is none of package ops.
func NewLayered(dev *cpu.Device, parameters []Array, rule ops.LayeredRule) (*Layered, error) {
	p, err := newPieces(dev, rule.String(), parameters)
	if err != nil {
		return nil, err
	}
	switch r := rule.(type) {
	case ops.Lamb:
		return &Layered{run: newLamb(p, r).run}, nil
	case ops.Muon:
		x, err := newMuon(p, parameters, r)
		if err != nil {
			return nil, err
		}
		return &Layered{run: x.run, workspace: x.workspace}, nil
	}
	return nil, fmt.Errorf("update: %v: %w", rule, ErrRule)
}

// WorkspaceBytes is the room that Run wants.
func (x *Layered) WorkspaceBytes() int { return 4 * x.workspace }

// Run computes what the rule's documentation in package ops says, as Step.Run does. Grad is written over. No element outside of the
// parameters' places is touched. Arrays and workspace start at multiples of 64 bytes, and so do the parameters in them.
func (x *Layered) Run(a Arrays[float32], learningRate float32, step int64, workspace []float32) {
	x.run(a, learningRate, step, workspace)
}

// lamb is ops.Lamb: one pass over all pieces for moments and norms, a second for the step.
type lamb struct {
	pieces         *pieces
	arrays         Arrays[float32]
	rate           float32
	scale1, scale2 float32   // 1/(1-Beta1ᵗ), 1/(1-Beta2ᵗ)
	weights, steps []float64 // Σw², Σu² of each piece
	rates          []float32 // of each parameter
	rule           ops.Lamb
	measure, apply func(i, worker int)
}

func newLamb(p *pieces, rule ops.Lamb) *lamb {
	x := &lamb{pieces: p, rule: rule, weights: make([]float64, len(p.list)), steps: make([]float64, len(p.list)), rates: make([]float32, len(p.first)-1)}
	keep1, keep2 := vec.Complement(rule.Beta1), vec.Complement(rule.Beta2)
	x.measure = func(i, worker int) {
		a := x.arrays.part(p.list[i], rule.Slots())
		if rule.WeightDecay != 0 {
			p.loops.Decay(a.Param, rule.WeightDecay, x.rate)
		}
		x.weights[i] = p.sumOfSquares(a.Param, worker)
		p.loops.Lamb(a.Grad, a.Slots[0], a.Slots[1], keep1, keep2, x.scale1, x.scale2, rule.Epsilon)
		x.steps[i] = p.sumOfSquares(a.Grad, worker)
	}
	x.apply = func(i, _ int) {
		a := x.arrays.part(p.list[i], 0)
		p.loops.SGD(a.Param, a.Grad, x.rates[p.list[i].array])
	}
	return x
}

func (x *lamb) run(a Arrays[float32], rate float32, step int64, _ []float32) {
	x.arrays, x.rate = a, rate
	x.scale1, x.scale2 = 1/(1-power(x.rule.Beta1, step)), 1/(1-power(x.rule.Beta2, step))
	x.pieces.do(x.measure)
	for i := range x.rates {
		x.rates[i] = rate * float32(trustRatio(x.pieces.total(i, x.weights), x.pieces.total(i, x.steps)))
	}
	x.pieces.do(x.apply)
}

// trustRatio is ‖w‖/‖u‖ of sums of squares.
func trustRatio(weight, step float64) float64 {
	if weight > 0 && step > 0 {
		return math.Sqrt(weight) / math.Sqrt(step)
	}
	return 1
}

// part is a piece of arrays of which so many slots are wanted.
func (a Arrays[T]) part(p piece, slots int) Arrays[T] {
	b := Arrays[T]{Param: a.Param[p.start:p.end], Grad: a.Grad[p.start:p.end]}
	for i := range slots {
		b.Slots[i] = a.Slots[i][p.start:p.end]
	}
	return b
}
