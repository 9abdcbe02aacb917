package ops

import "fmt"

// FlagType is the type of a value that says whether a step's update is applied: 1, or 0 if anything was not finite.
var FlagType = Type{Int32, Shape{1}}

// ScalarType is the type of a number that the host sets between steps, such as the learning rate.
var ScalarType = F32(1)

// IterationsType is the type of an optimizer's count of applied steps.
var IterationsType = Type{Int64, Shape{1}}

// SumType is the type of a running mean: the sum, and the number of samples in it.
var SumType = Type{Float64, Shape{2}}

// Finite makes a flag 0 unless all values are finite. It never makes it 1: once a step is not to be applied, those behind it are not, until the
// host has seen that.
//
// In: flag int32 [1], then losses and any number of other float32 values. Out: none.
type Finite struct{}

// Name is "finite".
func (Finite) Name() string { return "finite" }

// Updates says that flag is written; what alignment leaves unused between values is cleared.
func (Finite) Updates(int) []int { return []int{0} }

// Infer checks the type of flag.
func (Finite) Infer(in []Type) ([]Type, error) {
	return nil, same("finite", "flag", in[0], "the type wanted", FlagType)
}

// Accumulate adds the sum of values, and their number, to a running mean, for any number of these, if the step is to be applied; Weighted the sum of
// values times weights, and the sum of weights.
//
// In: sums float64 [2], then as many values [N] in the same order, then what Sample says. Out: none.
type Accumulate struct{ Sample }

// Name is "accumulate".
func (Accumulate) Name() string { return "accumulate" }

// Means is how many running means there are among n inputs.
func (o Accumulate) Means(n int) int { return (n - o.operands()) / 2 }

// Updates says that sums are written.
func (o Accumulate) Updates(n int) []int { return from(0, o.Means(n)) }

// Infer checks the types.
func (o Accumulate) Infer(in []Type) ([]Type, error) {
	n := o.Means(len(in))
	if n < 1 {
		return nil, fmt.Errorf("accumulate: %d values, want at least %d: %w", len(in), 2+o.operands(), ErrShape)
	}
	for i, sum := range in[:n] {
		if err := same("accumulate", "sum", sum, "the type wanted", SumType); err != nil {
			return nil, err
		}
		if err := rank("accumulate", "values", in[n+i], 1); err != nil {
			return nil, err
		}
		if err := same("accumulate", "values", in[n+i], "the first values", in[n]); err != nil {
			return nil, err
		}
	}
	return nil, o.check("accumulate", in, 2*n, in[n].Shape[0])
}

// Optimize is an optimizer's step over parameters, if the step is to be applied: it adds one to the iterations, unless they count this
// step already, and changes parameters and slots by Rule. The gradients may be written over.
//
// In: learningRate float32 [1], iterations int64 [1], apply int32 [1], then all parameters, then their gradients in the same order,
// then for each of Rule's slots one value for each parameter. Out: none.
type Optimize struct {
	Rule       UpdateRule
	Parameters int     // how many
	Counted    bool    // AccumulateGradients or another Optimize counted the step
	Every      int     // an update is every so many iterations; 0 means 1
	RateFactor float32 // of the learning rate; 0 means 1
}

// UpdateRule is how an optimizer changes a parameter. Each rule is documented with its formula.
type UpdateRule interface {
	Slots() int // values kept for each parameter
	String() string
}

// Name is "optimize".
func (Optimize) Name() string { return "optimize" }

func (o Optimize) String() string {
	s := every(o.Rule.String(), o.Every)
	if o.RateFactor != 0 {
		s += fmt.Sprintf(" rate × %g", o.RateFactor)
	}
	return s
}

// Updates says that iterations, parameters, gradients and slots are written.
func (o Optimize) Updates(n int) []int {
	if o.Counted {
		return from(3, n)
	}
	return append([]int{1}, from(3, n)...)
}

// Infer checks the types.
func (o Optimize) Infer(in []Type) ([]Type, error) {
	if want := 3 + o.Parameters*(2+o.Rule.Slots()); len(in) != want {
		return nil, fmt.Errorf("optimize: %d values, want %d: %w", len(in), want, ErrShape)
	}
	for i := 3 + o.Parameters; i < len(in); i++ {
		if err := same("optimize", "gradient or slot", in[i], "parameter", in[3+(i-3)%o.Parameters]); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// SGD is stochastic gradient descent as Keras has it: w -= w·WeightDecay·rate; then with Momentum
// v = Momentum·v - rate·g; w += v, or with Nesterov w += Momentum·v - rate·g; without Momentum w -= rate·g.
type SGD struct {
	Momentum, WeightDecay float32
	Nesterov              bool
}

// Slots is 1, the velocity, where there is momentum.
func (o SGD) Slots() int {
	if o.Momentum == 0 {
		return 0
	}
	return 1
}

func (o SGD) String() string {
	s := "sgd"
	if o.Momentum != 0 {
		s += fmt.Sprintf(" momentum %g", o.Momentum)
	}
	if o.Nesterov {
		s += " nesterov"
	}
	return withDecay(s, o.WeightDecay)
}

// Adam is arXiv:1412.6980 as Keras has it, t being the iterations after this step: w -= w·WeightDecay·rate;
// m += (g-m)·(1-Beta1); v += (g²-v)·(1-Beta2); w -= rate·sqrt(1-Beta2ᵗ)/(1-Beta1ᵗ)·m/(sqrt(v)+Epsilon).
type Adam struct{ Beta1, Beta2, Epsilon, WeightDecay float32 }

// Slots is 2: momentum and velocity.
func (Adam) Slots() int { return 2 }

func (o Adam) String() string {
	return withDecay(fmt.Sprintf("adam %g %g %g", o.Beta1, o.Beta2, o.Epsilon), o.WeightDecay)
}
