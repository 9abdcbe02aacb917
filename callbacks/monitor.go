package callbacks

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Mode says which values of a metric are better.
type Mode uint8

// The modes. Auto is Min for losses and errors and Max for accuracies and the like, by the metric's name.
const (
	Auto Mode = iota
	Min
	Max
)

var modeNames = [...]string{Auto: "auto", Min: "min", Max: "max"}

func (m Mode) String() string {
	if int(m) < len(modeNames) {
		return modeNames[m]
	}
	return fmt.Sprintf("Mode(%d)", uint8(m))
}

// ThresholdMode says how a MinDelta is meant.
type ThresholdMode uint8

// The threshold modes. With Rel a MinDelta of 0.01 is one percent of the best value's magnitude.
const (
	Abs ThresholdMode = iota
	Rel
)

var thresholdModeNames = [...]string{Abs: "abs", Rel: "rel"}

func (m ThresholdMode) String() string {
	if int(m) < len(thresholdModeNames) {
		return thresholdModeNames[m]
	}
	return fmt.Sprintf("ThresholdMode(%d)", uint8(m))
}

const defaultMonitor = "val_loss"

// monitor compares values of one metric with the best so far.
type monitor struct {
	name     string
	max      bool
	minDelta float64 // ≥ 0
	relative bool    // minDelta is a part of the best value's magnitude
}

func (m monitor) mode() Mode {
	if m.max {
		return Max
	}
	return Min
}

// newMonitor checks the name against what will be logged and settles the direction.
func newMonitor(s *Setup, name string, mode Mode, minDelta float64) (monitor, error) {
	name = monitorName(name)
	if err := checkLogged(s, name); err != nil {
		return monitor{}, err
	}
	return settleMonitor(name, mode, minDelta)
}

// settleMonitor is newMonitor for a metric that need not be logged.
func settleMonitor(name string, mode Mode, minDelta float64) (monitor, error) {
	if math.IsNaN(minDelta) || math.IsInf(minDelta, 0) {
		return monitor{}, fmt.Errorf("MinDelta is %g; it is a finite number, 0 for any improvement", minDelta)
	}
	switch mode {
	case Min, Max:
	case Auto:
		var known bool
		if mode, known = direction(name); !known {
			return monitor{}, fmt.Errorf("whether a lower or a higher %q is better is not known; set Mode to min or max", name)
		}
	default:
		return monitor{}, fmt.Errorf("Mode is %s; the modes are Auto, Min, Max", mode)
	}
	return monitor{name: name, max: mode == Max, minDelta: math.Abs(minDelta)}, nil
}

func monitorName(name string) string {
	if name == "" {
		return defaultMonitor
	}
	return name
}

func checkLogged(s *Setup, name string) error {
	names := s.Names()
	if slices.Contains(names, name) {
		return nil
	}
	way := "monitor one of them"
	if plain, isVal := strings.CutPrefix(name, "val_"); isVal && slices.Contains(s.Metrics, plain) {
		way = "there is no validation data: give the run some, or monitor one of them"
	}
	return fmt.Errorf("metric %q is not logged; the names are %s; %s", name, strings.Join(names, ", "), way)
}

// direction knows which way the metrics that Keras names are better, from the words between the underscores of a name.
func direction(name string) (mode Mode, known bool) {
	name = "_" + strings.TrimPrefix(name, "val_") + "_"
	for _, sign := range []struct {
		mode  Mode
		words []string
	}{
		{Max, []string{"acc", "accuracy", "auc", "precision", "recall", "f1_score", "fbeta_score", "top_k", "cosine_similarity", "io_u", "iou", "r2_score", "sensitivity", "specificity"}},
		{Min, []string{"loss", "error", "crossentropy", "divergence", "hinge", "poisson", "logcosh", "mse", "mae", "mape", "msle", "rmse"}},
	} {
		for _, word := range sign.words {
			if strings.Contains(name, "_"+word+"_") {
				return sign.mode, true
			}
		}
	}
	return Auto, false
}

// improved says whether value is strictly better than best by more than minDelta. Anything finite is better than nothing
// (best nil); a value that is not finite is never better.
//
// The comparison is made in float32, as Keras makes it: metrics are float32 numbers, and 0.7 is then not better than 0.8
// by more than 0.1, as a person expects.
func (m monitor) improved(value float64, best *float64) bool {
	switch {
	case !finite(value):
		return false
	case best == nil:
		return true
	case m.max:
		return float32(value-m.delta(*best)) > float32(*best)
	default:
		return float32(value+m.delta(*best)) < float32(*best)
	}
}

// delta is by how much a value has to be better than best.
func (m monitor) delta(best float64) float64 {
	if m.relative {
		return m.minDelta * math.Abs(best)
	}
	return m.minDelta
}

// beyond says whether value is strictly better than a fixed threshold, without MinDelta; nil is never passed.
func (m monitor) beyond(value float64, threshold *float64) bool {
	return threshold != nil && monitor{max: m.max}.improved(value, threshold)
}

// behind says whether value is strictly worse than a fixed threshold; an infinite value may be, NaN is not.
func (m monitor) behind(value float64, threshold *float64) bool {
	switch {
	case threshold == nil:
		return false
	case m.max:
		return float32(value) < float32(*threshold)
	default:
		return float32(value) > float32(*threshold)
	}
}

// threshold is what a value has to be better than.
func (m monitor) threshold(best *float64) *float64 {
	switch {
	case best == nil:
		return nil
	case m.max:
		return new(*best + m.delta(*best))
	default:
		return new(*best - m.delta(*best))
	}
}

// versus says for people how value did against best.
func (m monitor) versus(value float64, best *float64) string {
	switch {
	case !finite(value):
		return fmt.Sprintf("%s is %s", m.name, short(value))
	case best == nil:
		return fmt.Sprintf("%s is %s, the first value", m.name, short(value))
	case m.improved(value, best):
		return fmt.Sprintf("%s improved from %s to %s", m.name, short(*best), short(value))
	default:
		return fmt.Sprintf("%s %s did not improve on %s", m.name, short(value), short(*best))
	}
}

// decision starts a decision about a value; best is the one that the value was compared with.
func (m monitor) decision(callback string, value float64, best *float64) *Decision {
	return &Decision{
		Callback: callback, Metric: m.name, Value: new(Number(value)),
		Best: best, Threshold: m.threshold(best), Reason: m.versus(value, best),
	}
}

// waited says for people that patience has run out.
func waited(wait, patience int) string {
	epochs := "epochs"
	if wait == 1 {
		epochs = "epoch"
	}
	return fmt.Sprintf("; %d %s without improvement, patience %d", wait, epochs, patience)
}
