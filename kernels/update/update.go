// Package update changes parameters by their gradients, as Keras 3's optimizers do, and says whether gradients are finite.
//
// One value updates one tensor; learning rate and step come with every Run. Which optimizer a model has, its schedule, and whether a
// step is applied are decided above. Files: update.go SGD, Adam, Finite; ref.go the definition.
package update

import (
	"math"
	"sync/atomic"

	"github.com/meseta-go/meseta/kernels/cpu"
	"github.com/meseta-go/meseta/kernels/vec"
)

// SGD are the constants of stochastic gradient descent, Keras's `SGD`. Without Momentum there is no velocity.
type SGD struct {
	Momentum, WeightDecay float32
	Nesterov              bool
}

// Adam are the constants of arXiv:1412.6980, Keras's `Adam`, with the weight decay of AdamW (arXiv:1711.05101).
type Adam struct{ Beta1, Beta2, Epsilon, WeightDecay float32 }

// SGDUpdate computes an SGD step; see Run.
type SGDUpdate struct {
	flat                  vec.Flat
	param, grad, velocity []float32
	rate                  float32
	momentum              bool
}

// NewSGD makes an SGD step of n elements. Its error wraps ops.ErrShape if n is less than 1.
func NewSGD(dev *cpu.Device, n int, p SGD) (*SGDUpdate, error) {
	x, loops := &SGDUpdate{momentum: p.Momentum != 0}, vec.For(dev.ISA())
	withMomentum := loops.Momentum
	if p.Nesterov {
		withMomentum = loops.Nesterov
	}
	var err error
	x.flat, err = vec.NewFlat(dev, "sgd", n, func(start, end int) {
		param := x.param[start:end]
		if p.WeightDecay != 0 {
			loops.Decay(param, p.WeightDecay, x.rate)
		}
		if x.momentum {
			withMomentum(param, x.grad[start:end], x.velocity[start:end], p.Momentum, x.rate)
		} else {
			loops.SGD(param, x.grad[start:end], x.rate)
		}
	})
	return x, err
}

// Run computes param -= param·WeightDecay·rate; then velocity = velocity·Momentum - grad·rate and param += velocity, or with
// Nesterov param += velocity·Momentum - grad·rate; without Momentum param -= grad·rate.
//
// param, grad, velocity [n] do not overlap; velocity is nil without Momentum.
func (x *SGDUpdate) Run(param, grad, velocity []float32, learningRate float32) {
	n := x.flat.N()
	x.param, x.grad, x.rate = param[:n], grad[:n], learningRate
	if x.momentum {
		x.velocity = velocity[:n]
	}
	x.flat.Do()
}

// AdamUpdate computes an Adam step; see Run.
type AdamUpdate struct {
	flat              vec.Flat
	constants         Adam
	param, grad, m, v []float32
	rate, alpha       float32
}

// NewAdam makes an Adam step of n elements. Its error wraps ops.ErrShape if n is less than 1.
func NewAdam(dev *cpu.Device, n int, p Adam) (*AdamUpdate, error) {
	x, loops := &AdamUpdate{constants: p}, vec.For(dev.ISA())
	keep1, keep2 := vec.Complement(p.Beta1), vec.Complement(p.Beta2)
	var err error
	x.flat, err = vec.NewFlat(dev, "adam", n, func(start, end int) {
		param := x.param[start:end]
		if p.WeightDecay != 0 {
			loops.Decay(param, p.WeightDecay, x.rate)
		}
		loops.Adam(param, x.grad[start:end], x.m[start:end], x.v[start:end], keep1, keep2, x.alpha, p.Epsilon)
	})
	return x, err
}

// Run computes param -= param·WeightDecay·rate; m += (grad-m)·(1-Beta1); v += (grad²-v)·(1-Beta2);
// param -= m·alpha/(√v + Epsilon), with alpha = rate·√(1-Beta2ᵗ)/(1-Beta1ᵗ) and t the step, 1 for the first.
//
// param, grad, m, v [n] do not overlap.
func (x *AdamUpdate) Run(param, grad, m, v []float32, learningRate float32, step int64) {
	n := x.flat.N()
	x.param, x.grad, x.m, x.v = param[:n], grad[:n], m[:n], v[:n]
	x.rate, x.alpha = learningRate, x.constants.alpha(learningRate, step)
	x.flat.Do()
}

// alpha rounds to float32 where Keras does: 1-Beta2ᵗ cancels, so that at the first steps it is felt in the fifth digit.
func (p Adam) alpha(learningRate float32, step int64) float32 {
	power1 := float32(math.Pow(float64(p.Beta1), float64(step)))
	power2 := float32(math.Pow(float64(p.Beta2), float64(step)))
	return float32(learningRate*float32(math.Sqrt(float64(1-power2)))) / (1 - power1)
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
