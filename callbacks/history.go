package callbacks

import (
	"encoding/json"
	"slices"
)

// History is what each epoch logged. Fit returns it; in a list of callbacks it is filled as well.
type History struct {
	Epoch      []int                // 0-based numbers of the epochs
	Metrics    map[string][]float64 // values by name, learning_rate among them: one for each epoch
	StopReason string               // why training ended
}

func newHistory() *History { return &History{Metrics: map[string][]float64{}} }

// Name returns history.
func (*History) Name() string { return "history" }

func (*History) parameters() []parameter { return nil }

// Begin empties it.
func (h *History) Begin(*Setup) error {
	*h = *newHistory()
	return nil
}

func (h *History) add(epoch int, logs Logs) {
	h.Epoch = append(h.Epoch, epoch)
	for name, value := range logs {
		h.Metrics[name] = append(h.Metrics[name], value)
	}
}

// Best returns the epoch (0-based) with the best value of a metric, or ok false if it has no finite value.
func (h *History) Best(metric string, mode Mode) (epoch int, value float64, ok bool) {
	if mode == Auto {
		mode, _ = direction(metric)
	}
	m := monitor{name: metric, max: mode == Max}
	var best *float64
	for i, v := range h.Metrics[metric] {
		if m.improved(v, best) {
			best, epoch = &v, h.Epoch[i]
		}
	}
	if best == nil {
		return 0, 0, false
	}
	return epoch, *best, true
}

type historyState struct {
	Epoch   []int               `json:"epoch"`
	Metrics map[string][]Number `json:"metrics"`
}

// State returns all epochs as JSON.
func (h *History) State() (json.RawMessage, error) {
	state := historyState{Epoch: h.Epoch, Metrics: map[string][]Number{}}
	for name, values := range h.Metrics {
		for _, value := range values {
			state.Metrics[name] = append(state.Metrics[name], Number(value))
		}
	}
	return json.Marshal(state)
}

// Restore takes a State.
func (h *History) Restore(text json.RawMessage) error {
	var state historyState
	if err := restoreState(h.Name(), text, &state); err != nil {
		return err
	}
	*h = *newHistory()
	h.Epoch = slices.Clone(state.Epoch)
	for name, values := range state.Metrics {
		for _, value := range values {
			h.Metrics[name] = append(h.Metrics[name], float64(value))
		}
	}
	return nil
}
