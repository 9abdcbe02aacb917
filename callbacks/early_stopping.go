package callbacks

import (
	"encoding/json"
	"fmt"
	"strings"
)

// EarlyStopping stops when a metric has stopped improving.
//
// At each epoch end from StartFromEpoch on, wait grows by one. An improvement sets the best value, and wait to 0 (if it
// also beats Baseline), and never stops; otherwise training stops when wait ≥ Patience, but not after the first epoch. So
// Patience 0 and 1 both stop at the first epoch without improvement. The thresholds and CheckFinite stop after any epoch.
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

	// Not in Keras; PyTorch Lightning's EarlyStopping has them.
	CheckFinite         bool     // stop at once when the metric is NaN or infinite; NewEarlyStopping sets it
	StoppingThreshold   *float64 // stop at once when the metric is better than this; nil for none
	DivergenceThreshold *float64 // stop at once when the metric is worse than this; nil for none
	AllowMissing        bool     // an epoch that lacks the metric is passed over, once with a warning (strict: false); else that is an error

	monitor monitor
	state   earlyStoppingState
	warned  bool // that the metric is missing
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
		{"stopping_threshold", &c.StoppingThreshold}, {"divergence_threshold", &c.DivergenceThreshold}, {"strict", (*negated)(&c.AllowMissing)},
	}
}

// Begin checks the settings against s and forgets earlier runs.
func (c *EarlyStopping) Begin(s *Setup) (err error) {
	if c.AllowMissing {
		c.monitor, err = settleMonitor(monitorName(c.Monitor), c.Mode, c.MinDelta)
	} else {
		c.monitor, err = newMonitor(s, c.Monitor, c.Mode, c.MinDelta)
	}
	if err != nil {
		return fmt.Errorf("callbacks: EarlyStopping: %w", err)
	}
	if c.Patience < 0 || c.StartFromEpoch < 0 {
		return fmt.Errorf("callbacks: EarlyStopping: Patience is %d and StartFromEpoch %d; neither may be negative", c.Patience, c.StartFromEpoch)
	}
	for _, f := range []struct {
		name  string
		value *float64
	}{{"Baseline", c.Baseline}, {"StoppingThreshold", c.StoppingThreshold}, {"DivergenceThreshold", c.DivergenceThreshold}} {
		if f.value != nil && !finite(*f.value) {
			return fmt.Errorf("callbacks: EarlyStopping: %s is %g; give a finite value or none", f.name, *f.value)
		}
	}
	if s, d := c.StoppingThreshold, c.DivergenceThreshold; s != nil && d != nil && !c.monitor.beyond(*s, d) {
		return fmt.Errorf("callbacks: EarlyStopping: StoppingThreshold is %g and DivergenceThreshold %g, and every %s would pass one of them; move them apart",
			*s, *d, c.monitor.name)
	}
	c.state, c.warned = earlyStoppingState{}, false
	return nil
}

// DecideEpoch stops, or keeps the weights of a best epoch, or waits.
func (c *EarlyStopping) DecideEpoch(m Moment) (*Decision, error) {
	if m.Epoch < c.StartFromEpoch {
		return nil, nil
	}
	s := &c.state
	value, logged := m.Logs[c.monitor.name]
	if !logged {
		return c.missing(m), nil
	}
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
	switch {
	case c.monitor.beyond(value, c.StoppingThreshold):
		d.Action = Stop
		d.Reason += fmt.Sprintf("; it is better than the stopping threshold %s", short(*c.StoppingThreshold))
	case c.monitor.behind(value, c.DivergenceThreshold):
		d.Action = Stop
		d.Reason += fmt.Sprintf("; it is worse than the divergence threshold %s", short(*c.DivergenceThreshold))
	}
	if d.Action == Stop && c.Verbose > 0 {
		d.say = fmt.Sprintf("Epoch %d: early stopping: %s", m.Epoch+1, d.Reason)
	}
	d.Best, d.Wait = s.Best, s.Wait
	return d, nil
}

// missing passes over an epoch that lacks the metric.
func (c *EarlyStopping) missing(m Moment) *Decision {
	d := &Decision{Callback: c.Name(), Metric: c.monitor.name, Best: c.state.Best, Wait: c.state.Wait, Reason: c.monitor.name + " is not logged"}
	if !c.warned {
		c.warned = true
		d.say = fmt.Sprintf("Warning: epoch %d: early stopping passes over epochs that lack %s; the logs have %s", m.Epoch+1, c.monitor.name, strings.Join(m.Logs.Names(), ", "))
	}
	return d
}

// DecideEnd restores the weights of the best epoch if they were kept.
func (c *EarlyStopping) DecideEnd(error) *Decision {
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
