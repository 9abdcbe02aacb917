package ops

import (
	"fmt"
	"slices"
)

// InTopK computes dst[n] = 1 if fewer than K of the row's scores are larger than that of the label, else 0; so ties count. It is 0 for a
// label outside the row, and where the label's score or one that counts is not finite.
//
// In: scores [N,L], labels int32 [N]. Out: dst [N].
type InTopK struct{ K int }

// Name is "in_top_k".
func (InTopK) Name() string { return "in_top_k" }

func (o InTopK) String() string { return fmt.Sprint(o.K) }

// Infer gives the type of dst.
func (o InTopK) Infer(in []Type) ([]Type, error) {
	if o.K < 1 {
		return nil, fmt.Errorf("in_top_k: of the %d best scores, want at least 1: %w", o.K, ErrShape)
	}
	return []Type{F32(in[0].Shape[0])}, scores("in_top_k", in)
}

// Sample says what an operation that adds a batch to sums reads behind its own inputs: weights [N] if Weighted, then apply int32 [1] if
// Gated, without which, or where it is 1, the sums change.
type Sample struct{ Weighted, Gated bool }

// operands is how many these are.
func (o Sample) operands() (n int) {
	if o.Weighted {
		n++
	}
	if o.Gated {
		n++
	}
	return n
}

// check checks what comes behind n inputs of an operation on so many samples.
func (o Sample) check(name string, in []Type, n, samples int) error {
	want := n + o.operands()
	if len(in) != want {
		return fmt.Errorf("%s: %d values, want %d: %w", name, len(in), want, ErrShape)
	}
	if o.Weighted {
		if err := vector(name, "weights", in[n], samples); err != nil {
			return err
		}
	}
	if o.Gated {
		return same(name, "apply", in[want-1], "the type wanted", FlagType)
	}
	return nil
}

// Tally counts scores between thresholds, those of targets apart from those of others, each sample with its weight or 1. A score lies in
// bucket b if it is above b of the thresholds:
//
//	sums[0][b][c] += Σ w·t, sums[1][b][c] += Σ w·(1-t)
//
// with t the target if Soft, else 1 for a target other than 0. c is the place in the last dimension with PerColumn, else 0. A score that is NaN
// is above none.
//
// In: sums float64 [2, len(Thresholds)+1, L or 1], scores, targets [N,…,L], then what Sample says. Out: none.
type Tally struct {
	Sample
	Thresholds []float32 // ascending
	PerColumn  bool
	Soft       bool
}

// Name is "tally".
func (Tally) Name() string { return "tally" }

func (o Tally) String() string {
	s := fmt.Sprintf("%d thresholds", len(o.Thresholds))
	if len(o.Thresholds) == 1 {
		s = fmt.Sprintf(">%g", o.Thresholds[0])
	}
	if o.PerColumn {
		s += " per column"
	}
	return s
}

// Updates says that sums is written.
func (Tally) Updates(int) []int { return []int{0} }

// Infer checks the types.
func (o Tally) Infer(in []Type) ([]Type, error) {
	s := in[1].Shape
	if in[1].DType != Float32 || len(s) < 2 {
		return nil, fmt.Errorf("tally: scores are %v, want float32 of 2 dimensions or more: %w", in[1], ErrShape)
	}
	if err := same("tally", "targets", in[2], "scores", in[1]); err != nil {
		return nil, err
	}
	if len(o.Thresholds) == 0 || !slices.IsSorted(o.Thresholds) {
		return nil, fmt.Errorf("tally: thresholds are %v, want some, in ascending order: %w", o.Thresholds, ErrShape)
	}
	columns := 1
	if o.PerColumn {
		columns = s[len(s)-1]
	}
	if err := same("tally", "sums", in[0], "the type wanted", Type{Float64, Shape{2, len(o.Thresholds) + 1, columns}}); err != nil {
		return nil, err
	}
	return nil, o.check("tally", in, 3, s[0])
}

// Confuse adds to a confusion matrix: sums[label][predicted] += w, the sample's weight or 1. A label or prediction outside the matrix does
// not count.
//
// In: sums float64 [L,L], predicted, labels int32 [N,…], then what Sample says. Out: none.
type Confuse struct{ Sample }

// Name is "confuse".
func (Confuse) Name() string { return "confuse" }

// Updates says that sums is written.
func (Confuse) Updates(int) []int { return []int{0} }

// Infer checks the types.
func (o Confuse) Infer(in []Type) ([]Type, error) {
	s := in[0].Shape
	if in[0].DType != Float64 || len(s) != 2 || s[0] != s[1] || in[1].DType != Int32 || len(in[1].Shape) == 0 {
		return nil, fmt.Errorf("confuse: sums are %v, predicted %v, want float64 [L,L] and int32 [N,…]: %w", in[0], in[1], ErrShape)
	}
	if err := same("confuse", "labels", in[2], "predicted", in[1]); err != nil {
		return nil, err
	}
	return nil, o.check("confuse", in, 3, in[1].Shape[0])
}
