package callbacks

import (
	"errors"
	"fmt"
	"maps"
	"slices"
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
	problems = append(problems, m.apply(decisions, moment.Batch < 0), m.lost())
	record.NextLearningRate = m.rates.rate(next)
	m.close(record, decisions)
	return record, errors.Join(problems...)
}

// close completes a record with what was decided, and with the earlier saves that were found to have failed.
func (m *Manager) close(record *Record, decisions []*Decision) {
	record.add(append(m.unwritten, decisions...))
	m.unwritten = nil
	m.record = record
}

// apply carries decisions out, in the one order there is: learning rate, roll back, the state to roll back to, the best
// weights, saves, at the end of training the best weights again, stop. The weights that are kept and saved at an epoch end
// may be the averages.
func (m *Manager) apply(decisions []*Decision, epochEnd bool) error {
	m.rates.apply()
	var problems []error
	try := func(d *Decision, act func() error) {
		if m.setup.Replay {
			return
		}
		if err := act(); err != nil {
			problems = append(problems, d.fail(err))
		}
	}
	for _, d := range decisions {
		if d.Action == RollBack {
			try(d, m.rollBack)
		}
	}
	for _, d := range decisions {
		if d.KeepState {
			try(d, m.keepState)
		}
	}
	if slices.ContainsFunc(decisions, func(d *Decision) bool { return d.Keep || d.saves() != nil }) {
		problems = append(problems, m.swapIn(func(c *SwapEMAWeights) bool { return epochEnd && c.SwapOnEpoch }))
		for _, d := range decisions {
			if d.Keep {
				try(d, func() error { return m.setup.Run.KeepWeights() })
			}
		}
		m.save(decisions, try)
		problems = append(problems, m.swapOut())
	}
	for _, d := range decisions {
		if d.Action == Restore && m.ended {
			try(d, m.restore)
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

// fail takes the decision back: it could not be applied.
func (d *Decision) fail(err error) error {
	err = fmt.Errorf("callbacks: %s: %w", d.Callback, err)
	d.Error, d.say = err.Error(), ""
	if d.undo != nil {
		d.undo()
		d.undo = nil
	}
	return err
}

// rollBack goes back to the state that was kept as good.
func (m *Manager) rollBack() error {
	if m.good == nil {
		return errors.New("there is no state to roll back to; a decision with KeepState keeps one")
	}
	return m.good.Restore()
}

// keepState keeps what a roll back goes back to.
func (m *Manager) keepState() (err error) {
	m.good, err = m.setup.Run.Snapshot(false)
	return err
}

// restore sets the best weights.
func (m *Manager) restore() error {
	if err := m.setup.Run.RestoreWeights(); err != nil {
		return fmt.Errorf("restoring the best weights: %w", err)
	}
	return nil
}

// save copies the model once for all who want it saved at this moment, and leaves the writing to the saver.
func (m *Manager) save(decisions []*Decision, try func(*Decision, func() error)) {
	var wanted []*Decision
	weightsOnly := true
	for _, d := range decisions {
		if d.saves() != nil {
			wanted = append(wanted, d)
			weightsOnly = weightsOnly && d.WeightsOnly
		}
	}
	var snapshot Snapshot
	jobs := map[string]*saveJob{} // the state is the same for all of them: one write to a path is enough
	var order []*saveJob
	for _, d := range wanted {
		try(d, func() (err error) {
			if snapshot == nil {
				if snapshot, err = m.setup.Run.Snapshot(weightsOnly); err != nil {
					return err
				}
				m.snapshots++
			}
			for _, path := range d.saves() {
				job := jobs[path]
				if job == nil {
					job = &saveJob{decision: d, path: path, file: m.setup.path(path), weights: d.WeightsOnly, snapshot: snapshot, moment: m.snapshots}
					jobs[path] = job
					order = append(order, job)
				}
				if path == d.Path {
					job.take(d, &m.setup)
				}
			}
			return nil
		})
	}
	for _, job := range order {
		m.saver.add(job)
	}
}

// take lets the job remove what d wants removed, and take back what the callback of d believes if it fails.
func (j *saveJob) take(d *Decision, s *Setup) {
	for _, removed := range d.Removes {
		j.removes = append(j.removes, s.path(removed))
	}
	if d.undo != nil {
		j.undo = append(j.undo, d.undo)
	}
}

// lost takes back what could not be written, in the background, since it was last called. The next record tells of it.
func (m *Manager) lost() error {
	var problems []error
	for _, f := range m.saver.failures() {
		for _, undo := range f.undo {
			undo()
		}
		d := &Decision{Callback: f.decision.Callback, Action: Save, Path: f.path, WeightsOnly: f.weights, Reason: "it could not be written"}
		problems = append(problems, d.fail(f.err))
		m.unwritten = append(m.unwritten, d)
	}
	return errors.Join(problems...)
}
