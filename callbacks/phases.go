package callbacks

import (
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/meseta-go/meseta/schedules"
)

// decide runs both phases: it asks each callback, with the same moment for all, and then applies what they want.
func (m *Manager) decide(moment Moment, next schedules.Position, ask func(Callback, Moment) (*Decision, error)) (*Record, error) {
	moment.Updates = m.updates
	moment.NextRate, moment.Floor = m.rates.reduced(next), m.rates.floor
	record := &Record{
		Kind: RecordEpoch, Epoch: moment.Epoch, Step: m.updates, Metrics: numbers(moment.Logs), LearningRate: m.lastRate,
	}
	if moment.Batch >= 0 {
		record.Kind = RecordBatch
	}
	var decisions []*Decision
	var problems []error
	for _, callback := range m.callbacks {
		own := moment
		own.Logs = maps.Clone(moment.Logs) // nobody can change what another one sees
		d, err := ask(callback, own)
		if err != nil {
			problems = append(problems, fmt.Errorf("callbacks: %s: %w", callback.Name(), err))
		}
		if d != nil {
			decisions = append(decisions, d)
		}
	}
	problems = append(problems, m.apply(decisions))
	record.NextLearningRate = m.rates.rate(next)
	record.add(decisions)
	m.record = record
	return record, errors.Join(problems...)
}

// apply carries decisions out, in the one order there is: learning rate, snapshot of the best weights, saves, stop.
func (m *Manager) apply(decisions []*Decision) error {
	m.rates.apply()
	var problems []error
	try := func(d *Decision, act func() error) {
		if m.setup.Replay {
			return
		}
		if err := act(); err != nil {
			err = fmt.Errorf("callbacks: %s: %w", d.Callback, err)
			d.Error, d.say = err.Error(), ""
			if d.undo != nil {
				d.undo()
			}
			problems = append(problems, err)
		}
	}
	for _, d := range decisions {
		if d.Keep {
			try(d, func() error { return m.setup.Run.KeepWeights() })
		}
	}
	saved := map[string]bool{} // the state is the same for all of them: one write to a path is enough
	for _, d := range decisions {
		if (d.Action == Save || d.Action == Stop && d.Path != "") && !saved[d.Path] {
			saved[d.Path] = true
			try(d, func() error { return m.save(d) })
		}
	}
	var reasons []string
	for _, d := range decisions {
		if d.Action == Stop {
			reasons = append(reasons, fmt.Sprintf("%s: %s", d.Callback, d.Reason))
		}
		if d.say != "" {
			m.lines = append(m.lines, d.say)
		}
	}
	if len(reasons) > 0 && m.stopReason == "" {
		m.stopReason = strings.Join(reasons, "; ")
	}
	return errors.Join(problems...)
}

// save makes the directory, since fields of the template may name new ones, and saves.
func (m *Manager) save(d *Decision) error {
	path := m.setup.path(d.Path)
	if err := makeDirectory(path); err != nil {
		return err
	}
	return m.setup.Run.Save(path, d.WeightsOnly)
}
