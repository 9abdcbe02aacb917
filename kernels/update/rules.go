package update

import (
	"math"

	"github.com/meseta-go/meseta/kernels/vec"
	"github.com/meseta-go/meseta/ops"
)

// loop gives the loop for a rule and its weight decay, and sets prepare where the rule has constants that change from step to step. It
// is nil for a rule that it does not know. Keras takes 1-x of some arguments in float64 (vec.Complement) and of some in float32.
func (x *Step) loop(loops *vec.Table, rule ops.UpdateRule) (loop func(a Arrays[float32]), decay float32) {
	switch r := rule.(type) {
	case ops.SGD:
		momentum := loops.Momentum
		if r.Nesterov {
			momentum = loops.Nesterov
		}
		if r.Momentum == 0 {
			return func(a Arrays[float32]) { loops.SGD(a.Param, a.Grad, x.rate) }, r.WeightDecay
		}
		return func(a Arrays[float32]) { momentum(a.Param, a.Grad, a.Slots[0], r.Momentum, x.rate) }, r.WeightDecay
	case ops.Adam:
		keep1, keep2 := vec.Complement(r.Beta1), vec.Complement(r.Beta2)
		x.prepare = func(rate float32, step int64) [3]float32 { return [3]float32{adamRate(r, rate, step)} }
		return func(a Arrays[float32]) {
			loops.Adam(a.Param, a.Grad, a.Slots[0], a.Slots[1], keep1, keep2, x.constants[0], r.Epsilon)
		}, r.WeightDecay
	case ops.RMSprop:
		run, keep := loops.RMSprop[index(r.Centered)][index(r.Momentum != 0)], vec.Complement(r.Rho)
		return func(a Arrays[float32]) {
			momentum, average := rmspropSlots(r, a)
			run(a.Param, a.Grad, a.Slots[0], momentum, average, r.Rho, keep, r.Epsilon, x.rate, r.Momentum)
		}, r.WeightDecay
	case ops.Adagrad:
		return func(a Arrays[float32]) { loops.Adagrad(a.Param, a.Grad, a.Slots[0], r.Epsilon, x.rate) }, r.WeightDecay
	case ops.Adadelta:
		keep := vec.Complement(r.Rho)
		return func(a Arrays[float32]) {
			loops.Adadelta(a.Param, a.Grad, a.Slots[0], a.Slots[1], r.Rho, keep, r.Epsilon, x.rate)
		}, r.WeightDecay
	case ops.Adamax:
		keep1 := vec.Complement(r.Beta1)
		x.prepare = func(rate float32, step int64) [3]float32 { return [3]float32{adamaxRate(r, rate, step)} }
		return func(a Arrays[float32]) {
			loops.Adamax(a.Param, a.Grad, a.Slots[0], a.Slots[1], keep1, r.Beta2, x.constants[0], r.Epsilon)
		}, r.WeightDecay
	case ops.Nadam:
		// The product of the momenta so far is kept, since steps mostly follow each other.
		last, product := int64(0), float32(1)
		x.prepare = func(rate float32, step int64) [3]float32 {
			if step < last {
				last, product = 0, 1
			}
			for ; last < step; last++ {
				product = r.Advance(product, last+1)
			}
			c := nadamConstants(r, product, step)
			return [3]float32{rate * c.next / (1 - c.nextProduct), rate * (1 - c.momentum) / (1 - c.product), 1 / c.correction}
		}
		return func(a Arrays[float32]) {
			loops.Nadam(a.Param, a.Grad, a.Slots[0], a.Slots[1], 1-r.Beta1, 1-r.Beta2, x.constants[0], x.constants[1], x.constants[2], r.Epsilon)
		}, r.WeightDecay
	case ops.Lion:
		return func(a Arrays[float32]) {
			loops.Lion(a.Param, a.Grad, a.Slots[0], r.Beta1, 1-r.Beta1, r.Beta2, 1-r.Beta2, x.rate)
		}, r.WeightDecay
	}
	return nil, 0
}

func index(b bool) int {
	if b {
		return 1
	}
	return 0
}

// rmspropSlots finds what stands behind the first slot.
func rmspropSlots[T Float](r ops.RMSprop, a Arrays[T]) (momentum, average []T) {
	if r.Momentum != 0 {
		return a.Slots[1], a.Slots[2]
	}
	return nil, a.Slots[1]
}

// power is xᵗ, rounded as Keras's float32 tensors hold it: 1-xᵗ cancels, so that at the first steps it is felt in the fifth digit.
func power(x float32, t int64) float32 { return float32(math.Pow(float64(x), float64(t))) }

// adamRate is rate·√(1-Beta2ᵗ)/(1-Beta1ᵗ).
func adamRate(r ops.Adam, rate float32, t int64) float32 {
	return float32(rate*float32(math.Sqrt(float64(1-power(r.Beta2, t))))) / (1 - power(r.Beta1, t))
}

// adamaxRate is rate/(1-Beta1ᵗ).
func adamaxRate(r ops.Adamax, rate float32, t int64) float32 { return rate / (1 - power(r.Beta1, t)) }

// nadamFactors are μₜ, μₜ₊₁, Πₜ, Πₜ₊₁ and 1-Beta2ᵗ.
type nadamFactors struct{ momentum, next, product, nextProduct, correction float32 }

func nadamConstants(r ops.Nadam, product float32, t int64) nadamFactors {
	next := r.Momentum(t + 1)
	return nadamFactors{r.Momentum(t), next, product, product * next, 1 - power(r.Beta2, t)}
}
