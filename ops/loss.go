package ops

import "fmt"

// Losses of predictions [N,…,L] against targets of the same type, one for each sample: where there are more dimensions than two, the mean
// over them. Those of integer labels are beside Softmax.

// SoftCrossEntropy computes losses[n] = -Σ targets·log softmax(logits) over the last dimension.
//
// In: logits, targets [N,…,L]. Out: losses [N].
type SoftCrossEntropy struct{}

// SoftLogLoss computes losses[n] = -Σ targets·log q over the last dimension, q being probabilities divided by their sum and clipped to
// [1e-7, 1-1e-7] as Keras does. Where the probabilities come from a Softmax, the planner uses SoftCrossEntropy instead.
//
// In: probabilities, targets [N,…,L]. Out: losses [N].
type SoftLogLoss struct{}

// BinaryCrossEntropy computes losses[n], the mean of -t·log s - (1-t)·log(1-s) over the targets t of the sample, with s = 1/(1+exp(-logit)).
//
// In: logits, targets [N,…,L]. Out: losses [N].
type BinaryCrossEntropy struct{}

// BinaryLogLoss computes losses[n], the mean of -t·log q - (1-t)·log(1-q) over the targets t of the sample, q being the probability clipped to
// [1e-7, 1-1e-7]. Where the probabilities come from a sigmoid, the planner uses BinaryCrossEntropy instead.
//
// In: probabilities, targets [N,…,L]. Out: losses [N].
type BinaryLogLoss struct{}

// Name is "soft_cross_entropy".
func (SoftCrossEntropy) Name() string { return "soft_cross_entropy" }

// Name is "soft_log_loss".
func (SoftLogLoss) Name() string { return "soft_log_loss" }

// Name is "binary_cross_entropy".
func (BinaryCrossEntropy) Name() string { return "binary_cross_entropy" }

// Name is "binary_log_loss".
func (BinaryLogLoss) Name() string { return "binary_log_loss" }

// Infer gives the type of losses.
func (o SoftCrossEntropy) Infer(in []Type) ([]Type, error) { return rowLosses(o.Name(), in) }

// Infer gives the type of losses.
func (o SoftLogLoss) Infer(in []Type) ([]Type, error) { return rowLosses(o.Name(), in) }

// Infer gives the type of losses.
func (o BinaryCrossEntropy) Infer(in []Type) ([]Type, error) { return rowLosses(o.Name(), in) }

// Infer gives the type of losses.
func (o BinaryLogLoss) Infer(in []Type) ([]Type, error) { return rowLosses(o.Name(), in) }

func rowLosses(name string, in []Type) ([]Type, error) {
	if s := in[0].Shape; in[0].DType != Float32 || len(s) < 2 {
		return nil, fmt.Errorf("%s: scores are %v, want float32 of 2 dimensions or more: %w", name, in[0], ErrShape)
	}
	return []Type{F32(in[0].Shape[0])}, same(name, "targets", in[1], "scores", in[0])
}

// Gradient emits a SoftLossBackward.
func (o SoftCrossEntropy) Gradient(g *Graph, op Op, diffOut []Value) ([]Value, error) {
	return softGradient(g, o, op, diffOut)
}

// Gradient emits a SoftLossBackward.
func (o SoftLogLoss) Gradient(g *Graph, op Op, diffOut []Value) ([]Value, error) {
	return softGradient(g, o, op, diffOut)
}

// Gradient emits a SoftLossBackward.
func (o BinaryCrossEntropy) Gradient(g *Graph, op Op, diffOut []Value) ([]Value, error) {
	return softGradient(g, o, op, diffOut)
}

// Gradient emits a SoftLossBackward.
func (o BinaryLogLoss) Gradient(g *Graph, op Op, diffOut []Value) ([]Value, error) {
	return softGradient(g, o, op, diffOut)
}

// softGradient is that of the scores. Targets have none: they are the data's.
func softGradient(g *Graph, loss Operator, op Op, diffOut []Value) ([]Value, error) {
	dx, err := g.Add1(SoftLossBackward{loss}, op.In[0], op.In[1], diffOut[0])
	return []Value{dx, None}, err
}

// SoftLossBackward computes the gradient of the scores of Loss, a SoftCrossEntropy, SoftLogLoss, BinaryCrossEntropy or BinaryLogLoss.
//
// In: scores, targets [N,…,L], diffLosses [N]. Out: diffScores [N,…,L].
type SoftLossBackward struct{ Loss Operator }

// Name is the loss's.
func (o SoftLossBackward) Name() string { return o.Loss.Name() + "_data" }

// Infer gives the type of diffScores.
func (o SoftLossBackward) Infer(in []Type) ([]Type, error) {
	if _, err := rowLosses(o.Name(), in); err != nil {
		return nil, err
	}
	return in[:1], vector(o.Name(), "diffLosses", in[2], in[0].Shape[0])
}
