package callbacks

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Timer stops training once Duration is over, after the update under way, and saves first if Filepath is set. The epoch
// counts as ended: validation and what is due at an epoch end still run.
//
// Time is counted while training runs, over all parts of a run that is resumed. A replay knows no time and never stops.
// PyTorch Lightning: callbacks.Timer.
type Timer struct {
	Duration time.Duration
	Filepath string // where the model is saved before the stop, .h5 or .keras or, for weights alone, .weights.h5; empty for nowhere
	Verbose  int    // 1 says when it stops

	now    func() time.Time // nil while the clock stands
	begun  time.Time
	before time.Duration // counted in earlier parts of the run
	done   bool          // it has stopped the run
}

// Name returns timer.
func (*Timer) Name() string { return "timer" }

func (c *Timer) parameters() []parameter {
	return []parameter{{"duration", &c.Duration}, {"filepath", &c.Filepath}, {"verbose", &c.Verbose}}
}

// Begin checks the settings and sets the clock back.
func (c *Timer) Begin(s *Setup) error {
	if c.Duration <= 0 {
		return fmt.Errorf("callbacks: Timer: Duration is %s; give a positive one, 90 minutes (90m) say", c.Duration)
	}
	if c.Filepath != "" {
		if strings.ContainsAny(c.Filepath, "{}") {
			return fmt.Errorf("callbacks: Timer: Filepath is %q; it saves once, so its path has no fields", c.Filepath)
		}
		if !isModelFile(c.Filepath) {
			return fmt.Errorf("callbacks: Timer: Filepath is %q; end it in .h5 or .keras for a whole model, or in .weights.h5", c.Filepath)
		}
		if !s.Replay {
			if err := checkLogFile(s.path(c.Filepath)); err != nil {
				return fmt.Errorf("callbacks: Timer: %w", err)
			}
		}
	}
	c.now, c.before, c.done = nil, 0, false
	return nil
}

// Watch starts the clock as training begins and stops it at the end.
func (c *Timer) Watch(e Event) error {
	switch e.Kind {
	case TrainBegin:
		c.now, c.begun = time.Now, time.Now()
	case TrainEnd:
		c.before, c.now = c.elapsed(), nil
	}
	return nil
}

func (c *Timer) elapsed() time.Duration {
	if c.now == nil {
		return c.before
	}
	return c.before + c.now().Sub(c.begun)
}

// BatchDue says whether the time is over.
func (c *Timer) BatchDue(int) bool { return !c.done && c.now != nil && c.elapsed() >= c.Duration }

// DecideBatch saves and stops.
func (c *Timer) DecideBatch(m Moment) (*Decision, error) { return c.decide(m), nil }

// DecideEpoch saves and stops if the time ran out in validation.
func (c *Timer) DecideEpoch(m Moment) (*Decision, error) {
	if !c.BatchDue(m.Updates) {
		return nil, nil
	}
	return c.decide(m), nil
}

func (c *Timer) decide(m Moment) *Decision {
	c.done = true
	d := &Decision{
		Callback: c.Name(), Action: Stop, Path: c.Filepath, WeightsOnly: strings.HasSuffix(c.Filepath, ".weights.h5"),
		Reason: fmt.Sprintf("the time of %s is over", c.Duration),
	}
	if c.Verbose > 0 {
		d.say = fmt.Sprintf("Epoch %d: %s", m.Epoch+1, d.Reason)
		if d.Path != "" {
			d.say += ", saving the model to " + d.Path
		}
	}
	return d
}

type timerState struct {
	Seconds float64 `json:"seconds"` // that training ran
	Done    bool    `json:"done"`    // the run was stopped
}

// State returns the time that training ran as JSON.
func (c *Timer) State() (json.RawMessage, error) {
	return json.Marshal(timerState{c.elapsed().Seconds(), c.done})
}

// Restore takes a State.
func (c *Timer) Restore(text json.RawMessage) error {
	var state timerState
	if err := restoreState(c.Name(), text, &state); err != nil {
		return err
	}
	if !(state.Seconds >= 0) || state.Seconds > float64(1<<62)/1e9 {
		return errors.New("callbacks: saved state of timer: seconds are negative or too many; it is broken")
	}
	c.before, c.done = time.Duration(state.Seconds*1e9), state.Done
	return nil
}
