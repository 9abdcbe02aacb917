// Package metrics holds what is measured beside the loss: a metric's configuration in Keras's words and the operations it
// stands for. A metric is the mean over all samples of an epoch, or it keeps sums of another form from which its values come.
//
// This file has the interfaces; accuracy.go and mean.go the means; counts.go, auc.go, fscore.go and confusion.go those that keep
// other sums; config.go metrics by name.
//
// Nothing here goes over samples: package kernels/measure counts, and what a metric makes of the counts once an epoch is all the arithmetic.
package metrics

import (
	"errors"
	"fmt"

	"github.com/meseta-go/meseta/ops"
)

// ErrConfig is wrapped by errors about a metric's configuration.
var ErrConfig = errors.New("bad metric configuration")

// Metric is a Mean or a Stateful metric, or one of these Named.
type Metric interface {
	ClassName() string // Keras's name of the class: "SparseCategoricalAccuracy"
	Name() string      // its name in logs: "accuracy"
}

// Mean gives one number for each sample; an epoch's value is their mean.
type Mean interface {
	Metric
	// Lower adds the operations to g and returns the values [N].
	// prediction is the network's output [N,…], targets class labels int32 [N] or numbers float32 [N,…]. Errors wrap ops.ErrShape or
	// losses.ErrTargets.
	Lower(g *ops.Graph, prediction, targets ops.Value) (ops.Value, error)
}

// Finisher is a Mean whose value is a function of the mean.
type Finisher interface {
	Mean
	Finish(mean float64) float64
}

// Stateful adds each batch to sums, from which its values are computed when somebody asks.
type Stateful interface {
	Metric
	// State is how it does that for samples of the network's output, [L] or [H,W,L]. Errors wrap ops.ErrShape or ErrConfig.
	State(output ops.Shape) (State, error)
}

// State is how a Stateful metric keeps sums.
type State struct {
	Sums ops.Shape // of float64, 0 at first
	// Update adds the operations to g that add a batch to the sums. Errors wrap ops.ErrShape or losses.ErrTargets.
	Update func(g *ops.Graph, b Batch) error
	// Suffixes are what the names of the values have behind the metric's name: "" for one value; "_0", "_1" and so on for several.
	Suffixes []string
	// Values computes dst, of as many values as Suffixes, from the sums.
	Values func(dst, sums []float64)
}

// Batch is what a Stateful metric reads of a batch, and its sums.
type Batch struct {
	Sums       ops.Value // float64
	Prediction ops.Value // float32 [N,…]
	Targets    ops.Value // class labels int32 [N] or numbers float32 [N,…]
	Weights    ops.Value // of the samples, float32 [N], or None
	Apply      ops.Value // int32 [1], whether the sums change, or None
}

// Sample is what the operation that adds to the sums is to have, and what it is to read behind its own inputs.
func (b Batch) Sample() (ops.Sample, []ops.Value) {
	o := ops.Sample{Weighted: b.Weights != ops.None, Gated: b.Apply != ops.None}
	var in []ops.Value
	if o.Weighted {
		in = append(in, b.Weights)
	}
	if o.Gated {
		in = append(in, b.Apply)
	}
	return o, in
}

// Named is a metric under another name in logs.
type Named struct {
	Metric
	As string
}

// Name is As.
func (n Named) Name() string { return n.As }

// Base is the metric without names that it was given.
func Base(m Metric) Metric {
	for {
		n, ok := m.(Named)
		if !ok {
			return m
		}
		m = n.Metric
	}
}

// single is the suffix of a metric with one value.
var single = []string{""}

// numbered are suffixes of n values; one value has none.
func numbered(n int) []string {
	if n == 1 {
		return single
	}
	s := make([]string, n)
	for i := range s {
		s[i] = fmt.Sprintf("_%d", i)
	}
	return s
}

// ratio is a/b, and 0 where b is 0.
func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}
