// Package plan turns a network, a loss and an optimizer into a Program: a list of operations with every shape known, every
// buffer placed and every kernel chosen, so that a training step neither allocates nor looks anything up.
//
// Compiling goes through these files in order: lower.go (layers, loss and gradients as operations) with penalty.go (regularizers and
// constraints), measure.go (metrics) and update.go (what changes states and weights),
// passes.go, constants.go, fuse.go and load.go (fewer and larger operations), place.go (one arena), program.go (the result, which prints itself, and with profile.go
// its times), session.go (what lives across steps: weights, optimizer slots, sums) with averages.go.
//
// Nothing here knows a device. Package kernels offers devices behind one interface; a Program is compiled for
// whichever it is given, through the same passes.
package plan

import (
	"fmt"

	"github.com/meseta-go/meseta/layers"
	"github.com/meseta-go/meseta/losses"
	"github.com/meseta-go/meseta/metrics"
	"github.com/meseta-go/meseta/ops"
	"github.com/meseta-go/meseta/optimizers"
)

// Mode is what a Program does with a batch.
type Mode uint8

// The modes.
const (
	Inference  Mode = iota // the network's output
	Evaluation             // loss and metrics
	Training               // loss, metrics and an update of the weights
)

func (m Mode) String() string {
	switch m {
	case Inference:
		return "inference"
	case Evaluation:
		return "evaluation"
	case Training:
		return "training"
	}
	return "unknown mode"
}

// Model is what programs are compiled from.
type Model struct {
	Layers    *layers.Graph
	Loss      losses.Loss // nil where only Inference is wanted
	Metrics   []metrics.Metric
	Optimizer optimizers.Optimizer // nil where Training is not wanted

	WeightedMetrics []metrics.Metric // in which samples count with their weights, where they have some
}

// check says whether the model has what a mode needs.
func (m Model) check(mode Mode) error {
	if mode >= Evaluation && m.Loss == nil {
		return fmt.Errorf("plan: %v of %s needs a loss; compile the model with one", mode, m.Layers.Name)
	}
	if mode == Training && m.Optimizer == nil {
		return fmt.Errorf("plan: training of %s needs an optimizer; compile the model with one", m.Layers.Name)
	}
	return nil
}

// Feed is what a batch brings beside samples. The zero value is class labels, and no weights.
type Feed struct {
	target   [maxTarget]int // the shape of a sample's target, then zeros; all zero for class labels
	Weighted bool           // samples have weights
}

// maxTarget is the most dimensions that a target may have.
const maxTarget = 6

// NewFeed is what batches bring whose samples have targets of a shape, or class labels where that is nil. The error wraps
// ops.ErrShape.
func NewFeed(target []int, weighted bool) (Feed, error) {
	f := Feed{Weighted: weighted}
	if target != nil && len(target) == 0 || len(target) > maxTarget {
		return f, fmt.Errorf("plan: a target has %d dimensions, want 1 to %d: %w", len(target), maxTarget, ops.ErrShape)
	}
	for i, d := range target {
		if d < 1 {
			return f, fmt.Errorf("plan: a target is of shape %v, every side must be at least 1: %w", ops.Shape(target), ops.ErrShape)
		}
		f.target[i] = d
	}
	return f, nil
}

// Target is the shape of a sample's target, nil for class labels.
func (f Feed) Target() ops.Shape {
	for i, d := range f.target {
		if d == 0 {
			return append(ops.Shape(nil), f.target[:i]...)
		}
	}
	return append(ops.Shape(nil), f.target[:]...)
}

// targets is the type of what the loss compares predictions with.
func (f Feed) targets(batch int) ops.Type {
	if f.target[0] == 0 {
		return ops.Type{DType: ops.Int32, Shape: ops.Shape{batch}}
	}
	return ops.Type{Shape: append(ops.Shape{batch}, f.Target()...)}
}

// Names of the values that live across steps beside weights. A weight's name is its path, "conv2d/kernel"; what an optimizer
// keeps for it is slotName of it.
const (
	learningRate = "learning_rate"
	iterations   = "iterations" // steps that the optimizer applied
	counter      = "counter"    // seed and step number for random operations
	applied      = "applied"    // 1, or 0 behind a step whose loss or gradients were not finite
)

func slotName(slot, weight string) string { return slot + ":" + weight }
func sumName(metric string) string        { return "sum:" + metric }
