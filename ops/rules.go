package ops

import (
	"fmt"
	"math"
)

// The rules here take WeightDecay as SGD and Adam do, before anything else: w -= w·WeightDecay·rate. t is the number of the step, 1 for
// the first. All of them are as Keras 3.15.1 computes them.

func withDecay(s string, decay float32) string {
	if decay != 0 {
		s += fmt.Sprintf(" decay %g", decay)
	}
	return s
}

// RMSprop divides by a running size of the gradient: v = Rho·v + (1-Rho)·g²; step = rate·g/sqrt(v+Epsilon); w -= step.
// Centered, a = Rho·a + (1-Rho)·g and v - a² stands for v under the root, 0 where rounding makes it negative (Keras gives NaN there).
// With Momentum m = Momentum·m + step; w -= m.
//
// Source: Hinton's lecture 6e (2012); arXiv:1308.0850, equations 38 to 45, for the centered form.
type RMSprop struct {
	Rho, Momentum, Epsilon, WeightDecay float32
	Centered                            bool
}

// Slots is 1, v; one more, m, with Momentum; and the last, a, if Centered.
func (o RMSprop) Slots() int {
	n := 1
	if o.Momentum != 0 {
		n++
	}
	if o.Centered {
		n++
	}
	return n
}

func (o RMSprop) String() string {
	s := fmt.Sprintf("rmsprop %g %g", o.Rho, o.Epsilon)
	if o.Momentum != 0 {
		s += fmt.Sprintf(" momentum %g", o.Momentum)
	}
	if o.Centered {
		s += " centered"
	}
	return withDecay(s, o.WeightDecay)
}

// Adagrad divides by the root of all squared gradients so far: a += g²; w -= rate·g/sqrt(a+Epsilon). Where a starts is the
// optimizer's to say.
//
// Source: Duchi, Hazan, Singer, JMLR 12 (2011), 2121-2159.
type Adagrad struct{ Epsilon, WeightDecay float32 }

// Slots is 1, a.
func (Adagrad) Slots() int { return 1 }

func (o Adagrad) String() string {
	return withDecay(fmt.Sprintf("adagrad %g", o.Epsilon), o.WeightDecay)
}

// Adadelta holds steps to the size of earlier ones: a = Rho·a + (1-Rho)·g²; step = sqrt(d+Epsilon)·g/sqrt(a+Epsilon);
// d = Rho·d + (1-Rho)·step²; w -= rate·step.
//
// Source: arXiv:1212.5701, algorithm 1.
type Adadelta struct{ Rho, Epsilon, WeightDecay float32 }

// Slots is 2, a and d.
func (Adadelta) Slots() int { return 2 }

func (o Adadelta) String() string {
	return withDecay(fmt.Sprintf("adadelta %g %g", o.Rho, o.Epsilon), o.WeightDecay)
}

// Adamax is Adam with the largest magnitude instead of a root: m += (g-m)·(1-Beta1); u = max(Beta2·u, |g|);
// w -= rate/(1-Beta1ᵗ)·m/(u+Epsilon).
//
// Source: arXiv:1412.6980, section 7.1.
type Adamax struct{ Beta1, Beta2, Epsilon, WeightDecay float32 }

// Slots is 2, m and u.
func (Adamax) Slots() int { return 2 }

func (o Adamax) String() string {
	return withDecay(fmt.Sprintf("adamax %g %g %g", o.Beta1, o.Beta2, o.Epsilon), o.WeightDecay)
}

// Nadam is Adam with Nesterov's momentum, which rises from step to step: with μₜ = Beta1·(1 - 0.96ᵗ/2) and Πₜ = μ₁·…·μₜ,
// m += (g-m)·(1-Beta1); v += (g²-v)·(1-Beta2);
// w -= rate·(μₜ₊₁·m/(1-Πₜ₊₁) + (1-μₜ)·g/(1-Πₜ))/(sqrt(v/(1-Beta2ᵗ)) + Epsilon).
//
// Source: Dozat, "Incorporating Nesterov Momentum into Adam", ICLR workshop 2016.
type Nadam struct{ Beta1, Beta2, Epsilon, WeightDecay float32 }

// Slots is 2, m and v.
func (Nadam) Slots() int { return 2 }

// Momentum is μₜ, rounded to float32 where Keras rounds.
func (o Nadam) Momentum(t int64) float32 { return o.Beta1 * nadamRise(t) }

// Product is Πₜ, as Keras's float32 has it after t steps. It is Advance from 1, t times.
func (o Nadam) Product(t int64) float32 {
	product := float32(1)
	for i := int64(1); i <= t && product > nadamSmallest; i++ {
		product = o.Advance(product, i)
	}
	return product
}

// Advance gives Πₜ from the one before. Once 1-Πₜ has long been 1 it stays.
func (o Nadam) Advance(before float32, t int64) float32 {
	if before <= nadamSmallest {
		return before
	}
	return float32(before*o.Beta1) * nadamRise(t)
}

const nadamSmallest = 1e-30

func nadamRise(t int64) float32 {
	return 1 - float32(0.5*float32(math.Pow(float64(float32(0.96)), float64(t))))
}

func (o Nadam) String() string {
	return withDecay(fmt.Sprintf("nadam %g %g %g", o.Beta1, o.Beta2, o.Epsilon), o.WeightDecay)
}

// Lion takes steps of one size: w -= rate·sign(Beta1·m + (1-Beta1)·g), where sign(0) = 0; then m = Beta2·m + (1-Beta2)·g.
//
// Source: arXiv:2302.06675, algorithm 2, with the decay before the step.
type Lion struct{ Beta1, Beta2, WeightDecay float32 }

// Slots is 1, m.
func (Lion) Slots() int { return 1 }

func (o Lion) String() string {
	return withDecay(fmt.Sprintf("lion %g %g", o.Beta1, o.Beta2), o.WeightDecay)
}
