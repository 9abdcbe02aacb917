package callbacks

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
)

// Action is what a decision asks for.
type Action string

// The actions that decisions ask for; None only says what a callback saw.
const (
	None     Action = ""
	ReduceLR Action = "reduce_lr"
	Save     Action = "save"
	Stop     Action = "stop"
	Restore  Action = "restore"
	Skip     Action = "skip"      // go on although a batch was not finite
	RollBack Action = "roll_back" // go on from the state that was last kept as good
)

// Decision is what a callback wants done at a moment, with what it was decided on. Epochs in Reason are 1-based.
type Decision struct {
	Callback     string   `json:"callback"`
	Action       Action   `json:"action"`
	Metric       string   `json:"metric,omitempty"`        // name of the metric that it watched
	Value        *Number  `json:"value,omitempty"`         // its value
	Best         *float64 `json:"best"`                    // the best value so far, this one included; nil before the first finite one
	BestEpoch    *int     `json:"best_epoch,omitempty"`    // restore: the epoch that had it, 0-based
	Wait         int      `json:"wait"`                    // epochs without improvement that led to the decision
	Threshold    *float64 `json:"threshold,omitempty"`     // the value had to be strictly better than this; nil if any finite value would do
	LearningRate float64  `json:"learning_rate,omitempty"` // reduce_lr: the rate that it leads to, before warm-up
	Path         string   `json:"path"`                    // save, and a stop that saves first: where, as configured (relative to the run directory unless absolute)
	WeightsOnly  bool     `json:"weights_only,omitempty"`  // save: weights without configuration and optimizer state
	Last         string   `json:"last,omitempty"`          // a second path to save to, whatever the action
	Removes      []string `json:"removes,omitempty"`       // save: files of earlier saves that go once this one is written
	Keep         bool     `json:"keep_weights,omitempty"`  // the weights of this moment are the best so far and are to be kept
	KeepState    bool     `json:"keep_state,omitempty"`    // weights and optimizer of this moment are good to roll back to
	Reason       string   `json:"reason"`
	Error        string   `json:"error,omitempty"` // what went wrong in applying it

	say  string // a line for people, once it is applied; empty unless verbose
	undo func() // takes the decision back where it could not be applied; nil if there is nothing to take back
}

// saves are the paths that it wants the model saved to.
func (d *Decision) saves() (paths []string) {
	if d.Path != "" && (d.Action == Save || d.Action == Stop) {
		paths = append(paths, d.Path)
	}
	if d.Last != "" {
		paths = append(paths, d.Last)
	}
	return paths
}

// Number is a float64 that JSON can carry when it is not finite, as the strings NaN, Infinity and -Infinity.
type Number float64

// MarshalJSON writes a JSON number, or a string if n is not finite.
func (n Number) MarshalJSON() ([]byte, error) {
	switch f := float64(n); {
	case math.IsNaN(f):
		return []byte(`"NaN"`), nil
	case math.IsInf(f, 1):
		return []byte(`"Infinity"`), nil
	case math.IsInf(f, -1):
		return []byte(`"-Infinity"`), nil
	default:
		return json.Marshal(f)
	}
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (n *Number) UnmarshalJSON(text []byte) error {
	switch string(text) {
	case `"NaN"`:
		*n = Number(math.NaN())
	case `"Infinity"`:
		*n = Number(math.Inf(1))
	case `"-Infinity"`:
		*n = Number(math.Inf(-1))
	default:
		f, err := strconv.ParseFloat(string(text), 64)
		if err != nil {
			return fmt.Errorf("callbacks: %s is no number; expected a JSON number, \"NaN\", \"Infinity\" or \"-Infinity\"", text)
		}
		*n = Number(f)
	}
	return nil
}

func numbers(logs Logs) map[string]Number {
	out := make(map[string]Number, len(logs))
	for name, value := range logs {
		out[name] = Number(value)
	}
	return out
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

// short prints a metric value or a rate for people: 6 significant digits.
func short(x float64) string { return strconv.FormatFloat(x, 'g', 6, 64) }
