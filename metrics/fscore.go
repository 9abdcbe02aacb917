package metrics

import (
	"fmt"

	"github.com/meseta-go/meseta/losses"
	"github.com/meseta-go/meseta/ops"
)

type (
	// FBetaScore is (1+Beta²)·precision·recall/(Beta²·precision + recall) of each class. A class is predicted where its score is the row's largest,
	// or with a Threshold where it is above that.
	FBetaScore struct {
		Average   string  // "" for one value of each class, "micro" counts all classes together, "macro" is the mean, "weighted" that by targets
		Beta      float64 // above 0; NewFBetaScore gives Keras's 1
		Threshold float64 // in (0,1]; 0 for none
	}
	// F1Score is FBetaScore with a Beta of 1.
	F1Score struct {
		Average   string
		Threshold float64
	}
)

// NewFBetaScore has Keras's default.
func NewFBetaScore() FBetaScore { return FBetaScore{Beta: 1} }

// ClassName is "FBetaScore".
func (FBetaScore) ClassName() string { return "FBetaScore" }

// ClassName is "F1Score".
func (F1Score) ClassName() string { return "F1Score" }

// Name is "fbeta_score".
func (FBetaScore) Name() string { return "fbeta_score" }

// Name is "f1_score".
func (F1Score) Name() string { return "f1_score" }

// State counts for each class.
func (m F1Score) State(output ops.Shape) (State, error) {
	return fScore(m, m.Average, 1, m.Threshold, output)
}

// State counts for each class.
func (m FBetaScore) State(output ops.Shape) (State, error) {
	return fScore(m, m.Average, m.Beta, m.Threshold, output)
}

func fScore(m Metric, average string, beta, threshold float64, output ops.Shape) (State, error) {
	wrong := func(format string, args ...any) (State, error) {
		return State{}, fmt.Errorf("metrics: %s: "+format+": %w", append(append([]any{m.ClassName()}, args...), ErrConfig)...)
	}
	switch {
	case average != "" && average != "micro" && average != "macro" && average != "weighted":
		return wrong("average is %q, want micro, macro, weighted or none", average)
	case !(beta > 0):
		return wrong("Beta is %g, want more than 0", beta)
	case !(threshold >= 0 && threshold <= 1):
		return wrong("threshold is %g, want 0 to 1", threshold)
	case len(output) != 1:
		return wrong("the network's output is %v, want one dimension", output)
	}
	classes := output[0]
	s := State{
		Sums: ops.Shape{2, 2, classes},
		Update: func(g *ops.Graph, b Batch) error {
			targets, err := losses.Dense(g, b.Prediction, b.Targets)
			if err != nil {
				return err
			}
			e := losses.Emitter{Graph: g}
			p, at := b.Prediction, threshold
			if threshold == 0 {
				largest := e.Binary(ops.GreaterEqual, p, e.Last(ops.Max, p, true))
				p, at = e.Times(largest, e.Binary(ops.Greater, e.Unary(ops.Abs, p), e.Constant(1e-9))), .5
			}
			return b.tally(&e, ops.Tally{Thresholds: []float32{float32(at)}, PerColumn: true, Soft: true}, p, targets)
		},
		Suffixes: single,
	}
	if average == "" {
		s.Suffixes = numbered(classes)
	}
	const epsilon = 1e-7
	score := func(c counts) float64 {
		precision := c.truePositives / (c.truePositives + c.falsePositives + epsilon)
		recall := c.truePositives / (c.truePositives + c.falseNegatives + epsilon)
		return (1 + beta*beta) * precision * recall / (beta*beta*precision + recall + epsilon)
	}
	s.Values = func(dst, sums []float64) {
		all, sum, weighted, weights := counts{}, 0.0, 0.0, 0.0
		for i := range classes {
			c := tallied(sums, i, classes)[0]
			f, weight := score(c), c.truePositives+c.falseNegatives
			if average == "" {
				dst[i] = f
			}
			all.truePositives += c.truePositives
			all.falsePositives += c.falsePositives
			all.falseNegatives += c.falseNegatives
			sum, weighted, weights = sum+f, weighted+f*weight, weights+weight
		}
		switch average {
		case "micro":
			dst[0] = score(all)
		case "macro":
			dst[0] = sum / float64(classes)
		case "weighted":
			dst[0] = weighted / (weights + epsilon)
		}
	}
	return s, nil
}
