package metrics

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/meseta-go/meseta/losses"
	"github.com/meseta-go/meseta/ops"
)

// AUC is the area under a curve of two rates over all thresholds, approximated with some.
//
// Source: Keras's metrics.AUC; its interpolation under precision and recall is that of Davis and Goadrich, ICML 2006.
type AUC struct {
	NumThresholds   int       // evenly spaced in [0,1]; 0 means Keras's 200
	Curve           string    // "ROC", of recall over the rate of false positives, which "" means; or "PR", of precision over recall
	SummationMethod string    // "interpolation", which "" means, "minoring" or "majoring"
	Thresholds      []float64 // between 0 and 1, instead of evenly spaced ones
	MultiLabel      bool      // the mean of the areas of each number of the prediction
	NumLabels       int       // with MultiLabel: as many as the prediction has numbers, which 0 means
	LabelWeights    []float64 // with MultiLabel: a weighted mean
	FromLogits      bool      // predictions are log(p/(1-p))
}

// ClassName is "AUC".
func (AUC) ClassName() string { return "AUC" }

// Name is "auc".
func (AUC) Name() string { return "auc" }

// State counts at the thresholds, for each number of the prediction with MultiLabel.
func (m AUC) State(output ops.Shape) (State, error) {
	wrong := func(format string, args ...any) (State, error) {
		return State{}, fmt.Errorf("metrics: AUC: "+format+": %w", append(args, ErrConfig)...)
	}
	thresholds := append([]float64{}, m.Thresholds...)
	if m.Thresholds == nil {
		if m.NumThresholds < 0 || m.NumThresholds == 1 || m.NumThresholds > maxThresholds {
			return wrong("%d thresholds, want 2 to %d", m.NumThresholds, maxThresholds)
		}
		thresholds = evenly(m.NumThresholds)
		thresholds = thresholds[1 : len(thresholds)-1]
	}
	slices.Sort(thresholds)
	if n := len(thresholds); n > 0 && !(thresholds[0] >= 0 && thresholds[n-1] <= 1) {
		return wrong("thresholds are %v, want numbers from 0 to 1", m.Thresholds)
	}
	const epsilon = 1e-7
	thresholds = append(append([]float64{-epsilon}, thresholds...), 1+epsilon)
	width := 1
	if m.MultiLabel {
		if len(output) != 1 {
			return wrong("MultiLabel wants a network's output of one dimension, it is %v", output)
		}
		width = output[0]
	}
	if m.NumLabels != 0 && (!m.MultiLabel || m.NumLabels != width) {
		return wrong("NumLabels is %d, want as many as the network's output %v has, with MultiLabel", m.NumLabels, output)
	}
	if m.LabelWeights != nil && (!m.MultiLabel || len(m.LabelWeights) != width) {
		return wrong("%d LabelWeights, want one for each of the %d labels of MultiLabel", len(m.LabelWeights), output[len(output)-1])
	}
	area, ok := areas[strings.ToUpper(m.Curve)+" "+strings.ToLower(m.SummationMethod)]
	if !ok {
		return wrong("curve %q summed by %q, want ROC or PR, and interpolation, minoring or majoring", m.Curve, m.SummationMethod)
	}
	return State{
		Sums: ops.Shape{2, len(thresholds) + 1, width},
		Update: func(g *ops.Graph, b Batch) error {
			targets, err := losses.Dense(g, b.Prediction, b.Targets)
			if err != nil {
				return err
			}
			e := losses.Emitter{Graph: g}
			p := b.Prediction
			if m.FromLogits {
				p = e.Unary(ops.Sigmoid, p)
			}
			// Scores outside [0,1] count as its ends.
			return b.tally(&e, ops.Tally{Thresholds: narrow(thresholds), PerColumn: m.MultiLabel}, e.Clip(p, 0, 1), targets)
		},
		Suffixes: single,
		Values: func(dst, sums []float64) {
			sum, weights := 0.0, 0.0
			for c := range width {
				w := 1.0
				if m.LabelWeights != nil {
					w = m.LabelWeights[c]
				}
				sum += w * area(tallied(sums, c, width))
				weights += w
			}
			dst[0] = ratio(sum, weights)
		},
	}, nil
}

// areas are ways to compute the area under a curve, by curve and method, from the counts at ascending thresholds.
var areas = map[string]func([]counts) float64{}

func init() {
	for _, method := range []struct {
		name   string
		height func(a, b float64) float64
	}{{"", middle}, {"interpolation", middle}, {"minoring", math.Min}, {"majoring", math.Max}} {
		for _, curve := range []string{"", "ROC"} {
			areas[curve+" "+method.name] = func(at []counts) float64 { return area(at, falsePositiveRate, counts.recall, method.height) }
		}
		areas["PR "+method.name] = func(at []counts) float64 { return area(at, counts.recall, counts.precision, method.height) }
	}
	areas["PR "], areas["PR interpolation"] = interpolated, interpolated
}

func middle(a, b float64) float64 { return (a + b) / 2 }

func falsePositiveRate(c counts) float64 {
	return ratio(c.falsePositives, c.falsePositives+c.trueNegatives)
}

// area adds rectangles under y over x.
func area(at []counts, x, y func(counts) float64, height func(a, b float64) float64) float64 {
	sum := 0.0
	for i := range len(at) - 1 {
		sum += (x(at[i]) - x(at[i+1])) * height(y(at[i]), y(at[i+1]))
	}
	return sum
}

// interpolated is the area under precision over recall, where true positives between two thresholds rise linearly with predictions.
func interpolated(at []counts) float64 {
	sum := 0.0
	for i := range len(at) - 1 {
		a, b := at[i], at[i+1]
		positives := func(c counts) float64 { return c.truePositives + c.falsePositives }
		found := a.truePositives - b.truePositives
		slope := ratio(found, max(positives(a)-positives(b), 0))
		intercept := b.truePositives - slope*positives(b)
		part := 1.0
		if positives(a) > 0 && positives(b) > 0 {
			part = positives(a) / positives(b)
		}
		sum += ratio(slope*(found+intercept*math.Log(part)), max(b.truePositives+b.falseNegatives, 0))
	}
	return sum
}
