// Package update changes parameters by their gradients, as Keras 3's optimizers do, and says whether gradients are finite; and it has what
// surrounds that: penalties on weights, gradients summed and clipped, averages of weights, and what these are made to fulfil.
//
// One value updates one array, or many that lie side by side; learning rate and step come with every Run. Which optimizer a model has,
// its schedule, and whether a step is applied are decided above. Files: update.go Step, Finite; rules.go which loop does which rule of
// package ops; layered.go and muon.go the rules that look at each parameter as a whole; gradients.go sums, clipping and averages;
// penalty.go regularizers; constrain.go constraints; pieces.go how arrays side by side are cut where each counts by itself; ref.go the
// definition.
package update

import (
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/meseta-go/meseta/kernels/cpu"
	"github.com/meseta-go/meseta/kernels/vec"
	"github.com/meseta-go/meseta/ops"
)

// ErrRule is wrapped by errors about a rule that there is no kernel for.
var ErrRule = errors.New("unknown update rule")

// MaxSlots is the most that a rule keeps for a parameter.
const MaxSlots = 3

// Float is what the definitions are generic over: float32 as the kernels compute, float64 to judge them by.
type Float interface{ float32 | float64 }

// Arrays are what a step works on, all [n] and none over another.
type Arrays[T Float] struct {
	Param, Grad []T
	Slots       [MaxSlots][]T // in the order of the rule's documentation; nil behind the last
}

// Step computes an optimizer's step; see Run.
type Step struct {
	flat      vec.Flat
	slots     int
	arrays    Arrays[float32]
	rate      float32
	constants [3]float32 // of this step, made by prepare
	prepare   func(rate float32, step int64) [3]float32
}

// New makes a step of n elements. Its error wraps ops.ErrShape if n is less than 1, and ErrRule if the rule is none of package ops.
func New(dev *cpu.Device, n int, rule ops.UpdateRule) (*Step, error) {
	x, loops := &Step{slots: rule.Slots()}, vec.For(dev.ISA())
	loop, decay := x.loop(loops, rule)
	if loop == nil || x.slots > MaxSlots {
		return nil, fmt.Errorf("update: %v: %w", rule, ErrRule)
	}
	var err error
	x.flat, err = vec.NewFlat(dev, rule.String(), n, func(start, end int) {
		part := Arrays[float32]{Param: x.arrays.Param[start:end], Grad: x.arrays.Grad[start:end]}
		for i := range x.slots {
			part.Slots[i] = x.arrays.Slots[i][start:end]
		}
		if decay != 0 {
			loops.Decay(part.Param, decay, x.rate)
		}
		loop(part)
	})
	return x, err
}

// Run computes what the rule's documentation in package ops says, of Param [n] and the rule's slots. Grad is only read. step is 1 for
// the first.
func (x *Step) Run(a Arrays[float32], learningRate float32, step int64) {
	x.arrays, x.rate = a, learningRate
	if x.prepare != nil {
		x.constants = x.prepare(learningRate, step)
	}
	x.flat.Do()
}

// Finite says whether all elements of a tensor are finite.
type Finite struct {
	flat vec.Flat
	src  []float32
	bad  atomic.Bool
}

// NewFinite makes a Finite of n elements. Its error wraps ops.ErrShape if n is less than 1.
func NewFinite(dev *cpu.Device, n int) (*Finite, error) {
	x, loops := &Finite{}, vec.For(dev.ISA())
	var err error
	x.flat, err = vec.NewFlat(dev, "finite", n, func(start, end int) {
		if !x.bad.Load() && !loops.Finite(x.src[start:end]) {
			x.bad.Store(true)
		}
	})
	return x, err
}

// Run says whether no element of src [n] is infinite or NaN.
func (x *Finite) Run(src []float32) bool {
	x.src = src[:x.flat.N()]
	x.bad.Store(false)
	x.flat.Do()
	return !x.bad.Load()
}
