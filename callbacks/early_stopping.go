package callbacks

import (
	"encoding/json"
	"fmt"
)

// EarlyStopping stops when a metric has stopped improving.
//
// At each epoch end from StartFromEpoch on, wait grows by one. An improvement sets the best value, and wait to 0 (if it
// also beats Baseline), and never stops; otherwise training stops when wait ≥ Patience, but not after the first epoch. So
// Patience 0 and 1 both stop at the first epoch without improvement.
//
// Keras: callbacks.EarlyStopping. Here best weights are restored on every way out of training, cancelling included, and a
// value that is not finite is never the best.
type EarlyStopping struct {
	Monitor            string  // default val_loss
	MinDelta           float64 // an improvement is larger than |MinDelta|
	Patience           int     // epochs without improvement after which training stops
	Verbose            int     // 1 says when it stops and restores
	Mode               Mode
	Baseline           *float64 // value that has to be beaten for wait to start over; nil for none
	RestoreBestWeights bool     // sets the weights of the best epoch when training ends
	StartFromEpoch     int      // 0-based epoch at which monitoring starts
	CheckFinite        bool     // stop at once when the metric is NaN or infinite (not in Keras; NewEarlyStopping sets it)

	monitor monitor
	state   earlyStoppingState
}

type earlyStoppingState struct {
	Wait      int      `json:"wait"`
	Best      *float64 `json:"best"`
	BestEpoch int      `json:"best_epoch"`
	Kept      bool     `json:"kept"`
}

// NewEarlyStopping returns Keras's defaults, with CheckFinite.
func NewEarlyStopping() *EarlyStopping {
	return &EarlyStopping{Monitor: defaultMonitor, CheckFinite: true}
}

// Name returns early_stopping.
func (*EarlyStopping) Name() string { return "early_stopping" }

func (c *EarlyStopping) parameters() []parameter {
	return []parameter{
		{"monitor", &c.Monitor}, {"min_delta", &c.MinDelta}, {"patience", &c.Patience}, {"verbose", &c.Verbose},
		{"mode", &c.Mode}, {"baseline", &c.Baseline}, {"restore_best_weights", &c.RestoreBestWeights},
		{"start_from_epoch", &c.StartFromEpoch}, {"check_finite", &c.CheckFinite},
	}
}

// Begin checks the settings against s and forgets earlier runs.
func (c *EarlyStopping) Begin(s *Setup) (err error) {
	if c.monitor, err = newMonitor("EarlyStopping", s, c.Monitor, c.Mode, c.MinDelta); err != nil {
		return err
	}
	if c.Patience < 0 || c.StartFromEpoch < 0 {
		return fmt.Errorf("callbacks: EarlyStopping: Patience is %d and StartFromEpoch %d; neither may be negative", c.Patience, c.StartFromEpoch)
	}
	if c.Baseline != nil && !finite(*c.Baseline) {
		return fmt.Errorf("callbacks: EarlyStopping: Baseline is %g; give a finite value or none", *c.Baseline)
	}
	c.state = earlyStoppingState{}
	return nil
}

// DecideEpoch stops, or keeps the weights of a best epoch, or waits.
func (c *EarlyStopping) DecideEpoch(m Moment) (*Decision, error) {
	if m.Epoch < c.StartFromEpoch {
		return nil, nil
	}
	s := &c.state
	value := m.Logs[c.monitor.name]
	d := c.monitor.decision(c.Name(), value, s.Best)
	s.Wait++
	switch {
	case c.monitor.improved(value, s.Best):
		s.Best, s.BestEpoch = &value, m.Epoch
		if c.Baseline == nil || c.monitor.improved(value, c.Baseline) {
			s.Wait = 0
		} else {
			d.Reason += fmt.Sprintf(", but not beyond the baseline %s", short(*c.Baseline))
		}
		d.Keep = c.RestoreBestWeights
		s.Kept = s.Kept || d.Keep
	case c.CheckFinite && !finite(value):
		d.Action = Stop
		d.Reason += ", and check_finite stops at a value that is not finite"
	case s.Wait >= c.Patience && m.Epoch > 0:
		d.Action = Stop
		d.Reason += waited(s.Wait, c.Patience)
	}
	if d.Action == Stop && c.Verbose > 0 {
		d.say = fmt.Sprintf("Epoch %d: early stopping: %s", m.Epoch+1, d.Reason)
	}
	d.Best, d.Wait = s.Best, s.Wait
	return d, nil
}

// DecideEnd restores the weights of the best epoch if they were kept.
func (c *EarlyStopping) DecideEnd() *Decision {
	s := &c.state
	if !s.Kept {
		return nil
	}
	d := &Decision{
		Callback: c.Name(), Action: Restore, Metric: c.monitor.name, Value: new(Number(*s.Best)), Best: s.Best, BestEpoch: new(s.BestEpoch), Wait: s.Wait,
		Reason: fmt.Sprintf("epoch %d had the best %s, %s", s.BestEpoch+1, c.monitor.name, short(*s.Best)),
	}
	if c.Verbose > 0 {
		d.say = fmt.Sprintf("Restored the weights of the best epoch, %d: %s %s", s.BestEpoch+1, c.monitor.name, short(*s.Best))
	}
	return d
}

// State returns wait, best value and best epoch as JSON.
func (c *EarlyStopping) State() (json.RawMessage, error) { return json.Marshal(c.state) }

// Restore takes a State.
func (c *EarlyStopping) Restore(state json.RawMessage) error {
	return restoreState(c.Name(), state, &c.state)
}
