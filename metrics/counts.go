package metrics

import (
	"fmt"

	"github.com/meseta-go/meseta/losses"
	"github.com/meseta-go/meseta/ops"
)

// Metrics of how often predictions are above thresholds where targets are 0, and where they are not. All numbers of a sample count alike,
// or with ClassID only those of one class. Class labels count as one-hot rows; where the network gives one number a sample, as 0 and 1.
//
// Thresholds are in [0,1]; none means 0.5. With several there is a value for each, named precision_0 and so on.
type (
	// Precision is the part of predictions above the threshold whose target is not 0; 0 without such predictions.
	Precision struct {
		Thresholds []float64
		ClassID    *int
	}
	// Recall is the part of targets other than 0 whose prediction is above the threshold; 0 without such targets.
	Recall struct {
		Thresholds []float64
		ClassID    *int
	}
	// TruePositives is the weight of predictions above the threshold whose target is not 0.
	TruePositives struct{ Thresholds []float64 }
	// FalsePositives is the weight of predictions above the threshold whose target is 0.
	FalsePositives struct{ Thresholds []float64 }
	// TrueNegatives is the weight of predictions not above the threshold whose target is 0.
	TrueNegatives struct{ Thresholds []float64 }
	// FalseNegatives is the weight of predictions not above the threshold whose target is not 0.
	FalseNegatives struct{ Thresholds []float64 }

	// PrecisionAtRecall is the best precision at thresholds where recall is at least Recall.
	PrecisionAtRecall struct {
		Recall        float64
		NumThresholds int // evenly spaced in [0,1]; 0 means Keras's 200
		ClassID       *int
	}
	// RecallAtPrecision is the best recall at thresholds where precision is at least Precision.
	RecallAtPrecision struct {
		Precision     float64
		NumThresholds int
		ClassID       *int
	}
	// SensitivityAtSpecificity is the best recall at thresholds where at least Specificity of the zeros are not above.
	SensitivityAtSpecificity struct {
		Specificity   float64
		NumThresholds int
		ClassID       *int
	}
	// SpecificityAtSensitivity is the largest part of zeros not above thresholds where recall is at least Sensitivity.
	SpecificityAtSensitivity struct {
		Sensitivity   float64
		NumThresholds int
		ClassID       *int
	}
)

// counts are the four kinds of prediction at one threshold.
type counts struct{ truePositives, falsePositives, trueNegatives, falseNegatives float64 }

func (c counts) precision() float64 { return ratio(c.truePositives, c.truePositives+c.falsePositives) }
func (c counts) recall() float64    { return ratio(c.truePositives, c.truePositives+c.falseNegatives) }
func (c counts) specificity() float64 {
	return ratio(c.trueNegatives, c.trueNegatives+c.falsePositives)
}

// tallied gives the counts at each threshold from the sums of an ops.Tally, of column c of width.
func tallied(sums []float64, c, width int) []counts {
	buckets := len(sums) / 2 / width
	at := make([]counts, buckets-1)
	yes, no := 0.0, 0.0
	for b := range buckets { // those not above threshold b lie in buckets 0 to b
		yes, no = yes+sums[b*width+c], no+sums[(buckets+b)*width+c]
		if b < len(at) {
			at[b].falseNegatives, at[b].trueNegatives = yes, no
		}
	}
	for b := range at {
		at[b].truePositives, at[b].falsePositives = yes-at[b].falseNegatives, no-at[b].trueNegatives
	}
	return at
}

// tally is the state of a metric of counts at thresholds.
func tally(m Metric, output ops.Shape, thresholds []float64, classID *int, suffixes []string, values func(dst []float64, at []counts)) (State, error) {
	for i, x := range thresholds {
		if !(x >= 0 && x <= 1) || i > 0 && x <= thresholds[i-1] {
			return State{}, fmt.Errorf("metrics: %s: thresholds are %v, want numbers from 0 to 1 in ascending order: %w", m.ClassName(), thresholds, ErrConfig)
		}
	}
	if width := output[len(output)-1]; classID != nil && (*classID < 0 || *classID >= width) {
		return State{}, fmt.Errorf("metrics: %s: class %d, the network's output %v has 0 to %d: %w", m.ClassName(), *classID, output, width-1, ErrConfig)
	}
	return State{
		Sums: ops.Shape{2, len(thresholds) + 1, 1},
		Update: func(g *ops.Graph, b Batch) error {
			targets, err := losses.Dense(g, b.Prediction, b.Targets)
			if err != nil {
				return err
			}
			e := losses.Emitter{Graph: g}
			p := b.Prediction
			if classID != nil {
				column := ops.Channels{First: *classID, Count: 1}
				p, targets = e.Add(column, p), e.Add(column, targets)
			}
			return b.tally(&e, ops.Tally{Thresholds: narrow(thresholds)}, p, targets)
		},
		Suffixes: suffixes,
		Values:   func(dst, sums []float64) { values(dst, tallied(sums, 0, 1)) },
	}, nil
}

// tally adds an operation that adds scores and targets to the sums.
func (b Batch) tally(e *losses.Emitter, o ops.Tally, scores, targets ops.Value) error {
	if e.Err != nil {
		return e.Err
	}
	var rest []ops.Value
	o.Sample, rest = b.Sample()
	_, err := e.Graph.Add(o, append([]ops.Value{b.Sums, scores, targets}, rest...)...)
	return err
}

// each is the state of a metric with a value for each threshold; none means 0.5.
func each(m Metric, output ops.Shape, thresholds []float64, classID *int, value func(counts) float64) (State, error) {
	if len(thresholds) == 0 {
		thresholds = []float64{.5}
	}
	return tally(m, output, thresholds, classID, numbered(len(thresholds)), func(dst []float64, at []counts) {
		for i, c := range at {
			dst[i] = value(c)
		}
	})
}

// best is the state of a metric that is the largest value at thresholds where another one is at least a number, or 0.
func best(m Metric, output ops.Shape, thresholds int, classID *int, condition func(counts) float64, least float64, value func(counts) float64) (State, error) {
	if thresholds < 0 || thresholds > maxThresholds || !(least >= 0 && least <= 1) {
		return State{}, fmt.Errorf("metrics: %s at %g, of %d thresholds; want 0 to 1, and 1 to %d thresholds: %w", m.ClassName(), least, thresholds, maxThresholds, ErrConfig)
	}
	return tally(m, output, evenly(thresholds), classID, single, func(dst []float64, at []counts) {
		dst[0] = 0
		for _, c := range at {
			if condition(c) >= least {
				dst[0] = max(dst[0], value(c))
			}
		}
	})
}

func narrow(x []float64) []float32 {
	y := make([]float32, len(x))
	for i, v := range x {
		y[i] = float32(v)
	}
	return y
}

// What a file may ask for, which is kept in memory.
const (
	maxThresholds = 1 << 20
	maxConfusion  = 1 << 26 // numbers in a confusion matrix
)

// evenly gives n thresholds from 0 to 1.
func evenly(n int) []float64 {
	if n == 0 {
		n = 200
	}
	if n < 2 {
		return []float64{.5}
	}
	x := make([]float64, n)
	for i := range x {
		x[i] = float64(i) / float64(n-1)
	}
	return x
}

// ClassName is "Precision".
func (Precision) ClassName() string { return "Precision" }

// ClassName is "Recall".
func (Recall) ClassName() string { return "Recall" }

// ClassName is "TruePositives".
func (TruePositives) ClassName() string { return "TruePositives" }

// ClassName is "FalsePositives".
func (FalsePositives) ClassName() string { return "FalsePositives" }

// ClassName is "TrueNegatives".
func (TrueNegatives) ClassName() string { return "TrueNegatives" }

// ClassName is "FalseNegatives".
func (FalseNegatives) ClassName() string { return "FalseNegatives" }

// ClassName is "PrecisionAtRecall".
func (PrecisionAtRecall) ClassName() string { return "PrecisionAtRecall" }

// ClassName is "RecallAtPrecision".
func (RecallAtPrecision) ClassName() string { return "RecallAtPrecision" }

// ClassName is "SensitivityAtSpecificity".
func (SensitivityAtSpecificity) ClassName() string { return "SensitivityAtSpecificity" }

// ClassName is "SpecificityAtSensitivity".
func (SpecificityAtSensitivity) ClassName() string { return "SpecificityAtSensitivity" }

// Name is "precision".
func (Precision) Name() string { return "precision" }

// Name is "recall".
func (Recall) Name() string { return "recall" }

// Name is "true_positives".
func (TruePositives) Name() string { return "true_positives" }

// Name is "false_positives".
func (FalsePositives) Name() string { return "false_positives" }

// Name is "true_negatives".
func (TrueNegatives) Name() string { return "true_negatives" }

// Name is "false_negatives".
func (FalseNegatives) Name() string { return "false_negatives" }

// Name is "precision_at_recall".
func (PrecisionAtRecall) Name() string { return "precision_at_recall" }

// Name is "recall_at_precision".
func (RecallAtPrecision) Name() string { return "recall_at_precision" }

// Name is "sensitivity_at_specificity".
func (SensitivityAtSpecificity) Name() string { return "sensitivity_at_specificity" }

// Name is "specificity_at_sensitivity".
func (SpecificityAtSensitivity) Name() string { return "specificity_at_sensitivity" }

// State counts at each threshold.
func (m Precision) State(output ops.Shape) (State, error) {
	return each(m, output, m.Thresholds, m.ClassID, counts.precision)
}

// State counts at each threshold.
func (m Recall) State(output ops.Shape) (State, error) {
	return each(m, output, m.Thresholds, m.ClassID, counts.recall)
}

// State counts at each threshold.
func (m TruePositives) State(output ops.Shape) (State, error) {
	return each(m, output, m.Thresholds, nil, func(c counts) float64 { return c.truePositives })
}

// State counts at each threshold.
func (m FalsePositives) State(output ops.Shape) (State, error) {
	return each(m, output, m.Thresholds, nil, func(c counts) float64 { return c.falsePositives })
}

// State counts at each threshold.
func (m TrueNegatives) State(output ops.Shape) (State, error) {
	return each(m, output, m.Thresholds, nil, func(c counts) float64 { return c.trueNegatives })
}

// State counts at each threshold.
func (m FalseNegatives) State(output ops.Shape) (State, error) {
	return each(m, output, m.Thresholds, nil, func(c counts) float64 { return c.falseNegatives })
}

// State counts at each threshold.
func (m PrecisionAtRecall) State(output ops.Shape) (State, error) {
	return best(m, output, m.NumThresholds, m.ClassID, counts.recall, m.Recall, counts.precision)
}

// State counts at each threshold.
func (m RecallAtPrecision) State(output ops.Shape) (State, error) {
	return best(m, output, m.NumThresholds, m.ClassID, counts.precision, m.Precision, counts.recall)
}

// State counts at each threshold.
func (m SensitivityAtSpecificity) State(output ops.Shape) (State, error) {
	return best(m, output, m.NumThresholds, m.ClassID, counts.specificity, m.Specificity, counts.recall)
}

// State counts at each threshold.
func (m SpecificityAtSensitivity) State(output ops.Shape) (State, error) {
	return best(m, output, m.NumThresholds, m.ClassID, counts.recall, m.Sensitivity, counts.specificity)
}
