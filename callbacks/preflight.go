package callbacks

import (
	"errors"
	"fmt"
	"io"
	"strings"
)

// What is found out about a run before its first step, beyond what each callback checks for itself in Begin.

func (s *Setup) check() error {
	switch {
	case s.Run == nil && !s.Replay:
		return errors.New("callbacks: Setup.Run is nil; only a replay decides without a run")
	case len(s.Metrics) == 0:
		return errors.New("callbacks: Setup.Metrics is empty; a run logs its loss at least")
	case s.Epochs < 0 || s.StepsPerEpoch < 0 || s.StepsPerEpoch == 0 && !s.Replay:
		return fmt.Errorf("callbacks: Setup has %d epochs of %d steps; neither may be negative, and a run has at least one step", s.Epochs, s.StepsPerEpoch)
	case !(s.LearningRate >= 0) || !finite(s.LearningRate):
		return fmt.Errorf("callbacks: Setup.LearningRate is %g; a learning rate is a finite number, not negative", s.LearningRate)
	}
	if s.Log == nil {
		s.Log = io.Discard
	}
	return nil
}

// checkTogether finds callbacks that contradict each other.
func (m *Manager) checkTogether() (err error) {
	if m.rates, err = newRates(m.callbacks); err != nil {
		return err
	}
	if err := errors.Join(m.checkRates(), m.checkFiles(), m.checkDirections()); err != nil {
		return err
	}
	var restorers []string
	nanGuards := 0
	for _, callback := range m.callbacks {
		switch c := callback.(type) {
		case *EarlyStopping:
			if c.RestoreBestWeights {
				restorers = append(restorers, c.monitor.name)
			}
		case *TerminateOnNaN:
			if nanGuards++; nanGuards > 1 {
				return errors.New("callbacks: there are two TerminateOnNaNs; remove one")
			}
			m.rollsBack = c.Policy == RollBackOnNaN
		case *SwapEMAWeights:
			if m.swapper != nil {
				return errors.New("callbacks: there are two SwapEMAWeights; remove one")
			}
			m.swapper = c
		case *History:
			m.histories = append(m.histories, c)
		case *ProgressBar:
			if m.bar != nil {
				return errors.New("callbacks: there are two ProgressBars; remove one")
			}
			m.bar = c
		}
	}
	if m.histories == nil {
		m.histories = []*History{newHistory()}
	}
	if len(restorers) > 1 {
		return fmt.Errorf("callbacks: %d EarlyStoppings have RestoreBestWeights (monitors %s), and the weights can be set to one best epoch only; leave it to one of them",
			len(restorers), strings.Join(restorers, ", "))
	}
	return nil
}

// checkFiles finds callbacks that would remove or write over each other's files.
func (m *Manager) checkFiles() error {
	saves := map[string]int{} // callbacks that save to a path, or to a template
	logs := map[string]string{}
	for _, callback := range m.callbacks {
		for _, path := range savedPaths(callback) {
			saves[path]++
		}
		path := logPath(callback)
		if path == "" {
			continue
		}
		if other := logs[path]; other != "" {
			return fmt.Errorf("callbacks: %s and %s both write %s; give each its own path", other, callback.Name(), path)
		}
		logs[path] = callback.Name()
	}
	for _, callback := range m.callbacks {
		c, ok := callback.(*ModelCheckpoint)
		if !ok || c.SaveTopK == 0 {
			continue
		}
		for _, path := range savedPaths(c) {
			if saves[path] > 1 {
				return fmt.Errorf("callbacks: ModelCheckpoint: %q is saved by %d callbacks, and one with SaveTopK would remove what others saved; give each its own path", path, saves[path])
			}
		}
	}
	return nil
}

// savedPaths are the paths and templates that a callback saves to.
func savedPaths(callback Callback) []string {
	switch c := callback.(type) {
	case *ModelCheckpoint:
		return append(c.fixedPaths(), c.Filepath)
	case *Timer:
		return []string{c.Filepath}
	default:
		return nil
	}
}

// logPath is the file or directory that a callback has for itself; empty for none.
func logPath(callback Callback) string {
	switch c := callback.(type) {
	case *CSVLogger:
		return c.path
	case *Curves:
		return c.path
	case *Journal:
		return c.path
	case *Report:
		return c.path
	case *TensorBoard:
		return c.dir
	default:
		return ""
	}
}

// checkDirections finds callbacks of which one takes a metric's fall for better and another one its rise.
func (m *Manager) checkDirections() error {
	first := map[string]Callback{}
	for _, callback := range m.callbacks {
		watched := watchedBy(callback)
		if watched.name == "" {
			continue
		}
		other := first[watched.name]
		if other == nil {
			first[watched.name] = callback
		} else if watchedBy(other).max != watched.max {
			return fmt.Errorf("callbacks: %s watches %s with the mode %s and %s with the mode %s; only one of them can be right",
				other.Name(), watched.name, watchedBy(other).mode(), callback.Name(), watched.mode())
		}
	}
	return nil
}

// watchedBy is the metric that a callback decides by; without a name for none.
func watchedBy(callback Callback) monitor {
	switch c := callback.(type) {
	case *EarlyStopping:
		return c.monitor
	case *ModelCheckpoint:
		return c.monitor
	case *ReduceLROnPlateau:
		return c.monitor
	default:
		return monitor{}
	}
}

// checkRates looks at the schedule along the whole run: whether each rate is one, and whether the floor leaves any of them.
func (m *Manager) checkRates() error {
	const places = 1000
	highest := 0.0
	steps := m.setup.Epochs * max(m.setup.StepsPerEpoch, 1)
	for i := range min(steps, places) {
		step := i * ((steps-1)/places + 1)
		epoch := step / max(m.setup.StepsPerEpoch, 1)
		if step >= steps {
			break
		}
		if m.setup.StepsPerEpoch == 0 {
			step = 0
		}
		rate := m.rates.schedule.Rate(m.setup.position(epoch, step))
		if !(rate >= 0) || !finite(rate) {
			return fmt.Errorf("callbacks: LearningRateScheduler: in update %d of epoch %d the schedule's rate is %g; a learning rate is a finite number, not negative", step+1, epoch+1, rate)
		}
		highest = max(highest, rate)
	}
	if steps > 0 && m.rates.floor > highest {
		return fmt.Errorf("callbacks: ReduceLROnPlateau: MinLR %g is above the learning rate %g and would raise it; lower MinLR", m.rates.floor, highest)
	}
	return nil
}
