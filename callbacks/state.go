package callbacks

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// State is where a run is, for a checkpoint: with it a new manager of the same callbacks decides exactly as the old one
// would have. It is JSON. The weights that KeepWeights remembered are the run's to save.
type State struct {
	Epoch      int             `json:"epoch"`       // epoch that is under way or was the last, 0-based; -1 before the first
	Completed  int             `json:"completed"`   // epochs that ended
	Updates    int             `json:"updates"`     // since training began
	LastRate   Number          `json:"last_rate"`   // of the last update
	StopReason string          `json:"stop_reason"` // a stop already decided; empty for none
	History    json.RawMessage `json:"history"`
	Callbacks  []CallbackState `json:"callbacks"`
}

// CallbackState is the state of one callback.
type CallbackState struct {
	Name  string          `json:"name"`
	State json.RawMessage `json:"state"`
}

// State returns the manager's state, and that of every callback that has one, in the manager's own order.
func (m *Manager) State() (State, error) {
	s := State{
		Epoch: m.epoch, Completed: m.completed, Updates: m.updates, LastRate: Number(m.lastRate), StopReason: m.stopReason,
		Callbacks: []CallbackState{},
	}
	var err error
	if s.History, err = m.History().State(); err != nil {
		return State{}, fmt.Errorf("callbacks: history: %w", err)
	}
	for _, c := range m.stateful() {
		state, err := c.State()
		if err != nil {
			return State{}, fmt.Errorf("callbacks: state of %s: %w", c.Name(), err)
		}
		s.Callbacks = append(s.Callbacks, CallbackState{c.Name(), state})
	}
	return s, nil
}

type statefulCallback interface {
	Callback
	Stateful
}

// stateful leaves History out, which the manager keeps itself whether it is in the list or not.
func (m *Manager) stateful() (list []statefulCallback) {
	for _, callback := range m.callbacks {
		if _, isHistory := callback.(*History); isHistory {
			continue
		}
		if c, ok := callback.(statefulCallback); ok {
			list = append(list, c)
		}
	}
	return list
}

// Restore continues from a state that a manager of the same callbacks returned. It is called before TrainBegin.
func (m *Manager) Restore(s State) error {
	list := m.stateful()
	if have, want := stateNames(list, nil), stateNames(nil, s.Callbacks); have != want {
		return fmt.Errorf("callbacks: the saved state is of the callbacks [%s] and the run has [%s]; resume with the same callbacks", want, have)
	}
	for i, c := range list {
		if err := c.Restore(s.Callbacks[i].State); err != nil {
			return err
		}
	}
	for _, history := range m.histories {
		if err := history.Restore(s.History); err != nil {
			return err
		}
	}
	m.epoch, m.completed, m.updates = s.Epoch, s.Completed, s.Updates
	m.lastRate, m.stopReason = float64(s.LastRate), s.StopReason
	m.rates.apply()
	return nil
}

func stateNames(list []statefulCallback, states []CallbackState) string {
	var names []string
	for _, c := range list {
		names = append(names, c.Name())
	}
	for _, s := range states {
		names = append(names, s.Name)
	}
	return strings.Join(names, ", ")
}

// restoreState decodes into a copy, so that a broken state changes nothing. Unknown fields are an error: they would be
// lost.
func restoreState[T any](name string, text json.RawMessage, into *T) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	var state T
	if err := decoder.Decode(&state); err != nil {
		return fmt.Errorf("callbacks: saved state of %s is %.80q: %w", name, text, err)
	}
	*into = state
	return nil
}
