package ops

import "fmt"

// AccumulateGradients sums gradients over steps, so that only every so many are an update. If the step is to be applied it adds one to the
// iterations; then, if they are not a multiple of Every, it adds the gradients to sums, and if they are, the gradients become the mean
// over Every steps and sums become 0. ready says whether that is so.
//
// In: iterations int64 [1], apply int32 [1], then all gradients, then their sums in the same order. Out: ready int32 [1].
type AccumulateGradients struct{ Every int }

// Name is "accumulate_gradients".
func (AccumulateGradients) Name() string { return "accumulate_gradients" }

func (o AccumulateGradients) String() string { return fmt.Sprintf("every %d", o.Every) }

// Updates says that iterations, gradients and sums are written.
func (AccumulateGradients) Updates(n int) []int { return append([]int{0}, from(2, n)...) }

// Infer checks the types.
func (o AccumulateGradients) Infer(in []Type) ([]Type, error) {
	if err := same("accumulate_gradients", "iterations", in[0], "the type wanted", IterationsType); err != nil {
		return nil, err
	}
	if err := same("accumulate_gradients", "apply", in[1], "the type wanted", FlagType); err != nil {
		return nil, err
	}
	return []Type{FlagType}, pairs("accumulate_gradients", "gradient", "sum", in[2:])
}

// ClipGradients shortens gradients, if the step is to be applied. One of its fields is set: with Norm, the gradient of each parameter is scaled to
// at most that length; with GlobalNorm, all together are, as one vector; with Value, each element is cut to ±Value.
//
// In: apply int32 [1], then all gradients. Out: none.
//
// Source: arXiv:1211.5063 for the norms.
type ClipGradients struct{ Norm, GlobalNorm, Value float32 }

// Name is "clip_gradients".
func (ClipGradients) Name() string { return "clip_gradients" }

func (o ClipGradients) String() string {
	switch {
	case o.Norm != 0:
		return fmt.Sprintf("norm %g", o.Norm)
	case o.GlobalNorm != 0:
		return fmt.Sprintf("global norm %g", o.GlobalNorm)
	}
	return fmt.Sprintf("value %g", o.Value)
}

// Updates says that gradients are written.
func (ClipGradients) Updates(n int) []int { return from(1, n) }

// Infer checks the types.
func (ClipGradients) Infer(in []Type) ([]Type, error) {
	return nil, same("clip_gradients", "apply", in[0], "the type wanted", FlagType)
}

// AverageWeights keeps exponential moving averages of parameters, if the step is to be applied: a = Momentum·a + (1-Momentum)·w, but a = w
// up to the first update. At every Overwrite-th update then w = a. Where an update takes several steps, each of them does this, as in Keras.
//
// In: iterations int64 [1], counting this step already, apply int32 [1], then all parameters, then their averages in the same order. Out: none.
type AverageWeights struct {
	Momentum  float32
	Overwrite int // 0 for never
	Every     int // an update is every so many iterations
}

// Name is "average_weights".
func (AverageWeights) Name() string { return "average_weights" }

func (o AverageWeights) String() string {
	s := fmt.Sprintf("momentum %g", o.Momentum)
	if o.Overwrite != 0 {
		s += fmt.Sprintf(" overwrite %d", o.Overwrite)
	}
	return every(s, o.Every)
}

// Updates says that averages are written, and parameters where they are overwritten.
func (o AverageWeights) Updates(n int) []int {
	if o.Overwrite != 0 {
		return from(2, n)
	}
	return from(2+(n-2)/2, n)
}

// Infer checks the types.
func (o AverageWeights) Infer(in []Type) ([]Type, error) {
	if err := same("average_weights", "iterations", in[0], "the type wanted", IterationsType); err != nil {
		return nil, err
	}
	if err := same("average_weights", "apply", in[1], "the type wanted", FlagType); err != nil {
		return nil, err
	}
	return nil, pairs("average_weights", "parameter", "average", in[2:])
}

// every says how many iterations are an update, where it is not one.
func every(s string, n int) string {
	if n > 1 {
		s += fmt.Sprintf(" every %d", n)
	}
	return s
}

// from lists the numbers i to n-1.
func from(i, n int) (list []int) {
	for ; i < n; i++ {
		list = append(list, i)
	}
	return list
}

// pairs checks that the second half of types is like the first.
func pairs(op, first, second string, types []Type) error {
	n := len(types) / 2
	if len(types)%2 != 0 {
		return fmt.Errorf("%s: %d values, want a %s for each %s: %w", op, len(types), second, first, ErrShape)
	}
	for i, t := range types[:n] {
		if err := same(op, first, t, second, types[n+i]); err != nil {
			return err
		}
	}
	return nil
}
