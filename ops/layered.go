package ops

import "fmt"

// LayeredRule is an UpdateRule that looks at each parameter as a whole, at its norm or its matrix, and not only at single elements.
type LayeredRule interface {
	UpdateRule
	layered()
}

// Lamb is Adam with steps that are as long as a weight is, times the rate. With weight decay first, as in SGD:
// m += (g-m)·(1-Beta1); v += (g²-v)·(1-Beta2); u = m/(1-Beta1ᵗ) / (√(v/(1-Beta2ᵗ)) + Epsilon); w -= rate·‖w‖/‖u‖·u, without the
// fraction where a norm is 0. Norms are those of each parameter.
//
// Source: arXiv:1904.00962, algorithm 2, with φ(x) = x and the decay apart, as Keras 3.15.1 has it.
type Lamb struct{ Beta1, Beta2, Epsilon, WeightDecay float32 }

func (Lamb) layered() {}

// Slots is 2, m and v.
func (Lamb) Slots() int { return 2 }

func (o Lamb) String() string {
	return withDecay(fmt.Sprintf("lamb %g %g %g", o.Beta1, o.Beta2, o.Epsilon), o.WeightDecay)
}

// Muon takes steps whose singular values are all near 1, of parameters that are matrices [R,C]. With weight decay first, as in SGD:
// m = Momentum·m + g; X = m, or with Nesterov g + Momentum·m; X /= ‖X‖ + 1e-7; so many Steps of Newton and Schulz,
// X = A·X + (B·S + C·S·S)·X with S = X·Xᵀ (of the transpose where R > C); w -= rate·RMSRate·√max(R,C)·X, or rate·X where RMSRate is 0.
//
// Source: Keller Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024 (kellerjordan.github.io/posts/muon);
// arXiv:2502.16982 for RMSRate; as Keras 3.15.1 has it.
type Muon struct {
	Momentum    float32
	Nesterov    bool
	A, B, C     float32
	Steps       int
	RMSRate     float32
	WeightDecay float32
}

func (Muon) layered() {}

// Slots is 1, m.
func (Muon) Slots() int { return 1 }

func (o Muon) String() string {
	s := fmt.Sprintf("muon momentum %g", o.Momentum)
	if o.Nesterov {
		s += " nesterov"
	}
	s += fmt.Sprintf(" %d × %g %g %g", o.Steps, o.A, o.B, o.C)
	if o.RMSRate != 0 {
		s += fmt.Sprintf(" rms %g", o.RMSRate)
	}
	return withDecay(s, o.WeightDecay)
}
