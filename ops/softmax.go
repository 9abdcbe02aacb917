package ops

import "fmt"

// Softmax computes dst = exp(src)/Σ exp(src) along the last dimension.
//
// In: src [...,L]. Out: dst [...,L].
type Softmax struct{}

// Name is "softmax".
func (Softmax) Name() string { return "softmax" }

// Infer gives the type of dst.
func (Softmax) Infer(in []Type) ([]Type, error) { return in[:1], rows("softmax", in[0]) }

// Gradient emits SoftmaxBackward.
func (Softmax) Gradient(g *Graph, op Op, diffOut []Value) ([]Value, error) {
	dx, err := g.Add1(SoftmaxBackward{}, diffOut[0], op.Out[0])
	return []Value{dx}, err
}

// rows checks that t is float32 and has a last dimension.
func rows(op string, t Type) error {
	if t.DType != Float32 || len(t.Shape) == 0 {
		return fmt.Errorf("%s: src is %v, want float32 [...,L]: %w", op, t, ErrShape)
	}
	return nil
}

// SoftmaxBackward computes diffSrc = dst·(diffDst - Σ diffDst·dst).
//
// In: diffDst, dst [...,L]. Out: diffSrc [...,L].
type SoftmaxBackward struct{}

// Name is "softmax_data".
func (SoftmaxBackward) Name() string { return "softmax_data" }

// Infer gives the type of diffSrc.
func (SoftmaxBackward) Infer(in []Type) ([]Type, error) {
	return in[:1], both("softmax_data", in)
}

// both checks the operands of a gradient along the last dimension.
func both(op string, in []Type) error {
	if err := rows(op, in[0]); err != nil {
		return err
	}
	return same(op, "diffDst", in[0], "dst", in[1])
}

// LogSoftmax computes dst = src - log Σ exp(src) along the last dimension.
//
// In: src [...,L]. Out: dst [...,L].
type LogSoftmax struct{}

// Name is "log_softmax".
func (LogSoftmax) Name() string { return "log_softmax" }

// Infer gives the type of dst.
func (LogSoftmax) Infer(in []Type) ([]Type, error) { return in[:1], rows("log_softmax", in[0]) }

// Gradient emits LogSoftmaxBackward.
func (LogSoftmax) Gradient(g *Graph, op Op, diffOut []Value) ([]Value, error) {
	dx, err := g.Add1(LogSoftmaxBackward{}, diffOut[0], op.Out[0])
	return []Value{dx}, err
}

// LogSoftmaxBackward computes diffSrc = diffDst - exp(dst)·Σ diffDst.
//
// In: diffDst, dst [...,L]. Out: diffSrc [...,L].
type LogSoftmaxBackward struct{}

// Name is "log_softmax_data".
func (LogSoftmaxBackward) Name() string { return "log_softmax_data" }

// Infer gives the type of diffSrc.
func (LogSoftmaxBackward) Infer(in []Type) ([]Type, error) {
	return in[:1], both("log_softmax_data", in)
}

// Sparsemax computes dst = max(src - τ, 0) along the last dimension, with the τ that makes its sum 1 (arXiv:1602.02068).
//
// In: src [...,L]. Out: dst [...,L].
type Sparsemax struct{}

// Name is "sparsemax".
func (Sparsemax) Name() string { return "sparsemax" }

// Infer gives the type of dst.
func (Sparsemax) Infer(in []Type) ([]Type, error) { return in[:1], rows("sparsemax", in[0]) }

// Gradient emits SparsemaxBackward.
func (Sparsemax) Gradient(g *Graph, op Op, diffOut []Value) ([]Value, error) {
	dx, err := g.Add1(SparsemaxBackward{}, diffOut[0], op.Out[0])
	return []Value{dx}, err
}

// SparsemaxBackward computes diffSrc = diffDst less its mean over the row's dst > 0, there, else 0.
//
// In: diffDst, dst [...,L]. Out: diffSrc [...,L].
type SparsemaxBackward struct{}

// Name is "sparsemax_data".
func (SparsemaxBackward) Name() string { return "sparsemax_data" }

// Infer gives the type of diffSrc.
func (SparsemaxBackward) Infer(in []Type) ([]Type, error) {
	return in[:1], both("sparsemax_data", in)
}

// scores checks a [N,L] float32 and labels [N] int32.
func scores(op string, in []Type) error {
	if err := rank(op, "scores", in[0], 2); err != nil {
		return err
	}
	return same(op, "labels", in[1], "the type wanted", Type{Int32, Shape{in[0].Shape[0]}})
}

// CrossEntropy computes losses[n] = -log softmax(logits[n])[labels[n]].
//
// In: logits [N,L], labels int32 [N]. Out: losses [N].
type CrossEntropy struct{}

// Name is "cross_entropy".
func (CrossEntropy) Name() string { return "cross_entropy" }

// Infer gives the type of losses.
func (CrossEntropy) Infer(in []Type) ([]Type, error) {
	return []Type{F32(in[0].Shape[0])}, scores("cross_entropy", in)
}

// Gradient emits CrossEntropyBackward.
func (CrossEntropy) Gradient(g *Graph, op Op, diffOut []Value) ([]Value, error) {
	dx, err := g.Add1(CrossEntropyBackward{}, op.In[0], op.In[1], diffOut[0])
	return []Value{dx, None}, err
}

// CrossEntropyBackward computes diffLogits[n] = diffLosses[n]·(softmax(logits[n]) - onehot(labels[n])).
//
// In: logits [N,L], labels int32 [N], diffLosses [N]. Out: diffLogits [N,L].
type CrossEntropyBackward struct{}

// Name is "cross_entropy_data".
func (CrossEntropyBackward) Name() string { return "cross_entropy_data" }

// Infer gives the type of diffLogits.
func (CrossEntropyBackward) Infer(in []Type) ([]Type, error) {
	return in[:1], scores("cross_entropy_data", in)
}

// LogLoss computes losses[n] = -log p for the label's probability p, each row first divided by its sum and
// clipped to [1e-7, 1-1e-7] as Keras does. Where the probabilities come from a Softmax, the planner uses CrossEntropy instead.
//
// In: probabilities [N,L], labels int32 [N]. Out: losses [N].
type LogLoss struct{}

// Name is "log_loss".
func (LogLoss) Name() string { return "log_loss" }

// Infer gives the type of losses.
func (LogLoss) Infer(in []Type) ([]Type, error) {
	return []Type{F32(in[0].Shape[0])}, scores("log_loss", in)
}

// Gradient emits LogLossBackward.
func (LogLoss) Gradient(g *Graph, op Op, diffOut []Value) ([]Value, error) {
	dx, err := g.Add1(LogLossBackward{}, op.In[0], op.In[1], diffOut[0])
	return []Value{dx, None}, err
}

// LogLossBackward computes the gradient of a LogLoss's probabilities.
//
// In: probabilities [N,L], labels int32 [N], diffLosses [N]. Out: diffProbabilities [N,L].
type LogLossBackward struct{}

// Name is "log_loss_data".
func (LogLossBackward) Name() string { return "log_loss_data" }

// Infer gives the type of the gradient.
func (LogLossBackward) Infer(in []Type) ([]Type, error) { return in[:1], scores("log_loss_data", in) }

// Correct computes correct[n] = 1 if the first largest score of the row is at the label, else 0.
//
// In: scores [N,L], labels int32 [N]. Out: correct [N].
type Correct struct{}

// Name is "correct".
func (Correct) Name() string { return "correct" }

// Infer gives the type of correct.
func (Correct) Infer(in []Type) ([]Type, error) {
	return []Type{F32(in[0].Shape[0])}, scores("correct", in)
}
