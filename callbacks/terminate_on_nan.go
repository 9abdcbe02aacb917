package callbacks

import (
	"encoding/json"
	"fmt"
	"strings"
)

// NaNPolicy says what a TerminateOnNaN does about a batch whose loss or gradients are not finite.
type NaNPolicy uint8

// The policies.
const (
	StopOnNaN     NaNPolicy = iota // end training, as when a callback stops it
	SkipOnNaN                      // go on with the next batch
	RollBackOnNaN                  // go back to the last good state, lower the learning rate, and go on with the next batch
)

var nanPolicyNames = [...]string{StopOnNaN: "stop", SkipOnNaN: "skip", RollBackOnNaN: "roll_back"}

func (p NaNPolicy) String() string {
	if int(p) < len(nanPolicyNames) {
		return nanPolicyNames[p]
	}
	return fmt.Sprintf("NaNPolicy(%d)", uint8(p))
}

// TerminateOnNaN decides what happens after a batch whose loss or gradients are NaN or infinite. Such a batch never
// changes a weight, a moving mean or a metric, whatever the policy. In a run without this callback it is an error.
//
// A skipped batch counts as a step of the schedule, and not as an update of the optimizer. The good state to which
// RollBackOnNaN goes back is that of the last epoch end at which every metric was finite, or of the beginning; it has
// weights, moving means and the optimizer's slots, and costs as much memory as these.
//
// Keras: callbacks.TerminateOnNaN, which finds the loss after the update has been made, and only stops.
type TerminateOnNaN struct {
	RaiseError     bool // where training ends because of such a batch, Fit returns its error
	Policy         NaNPolicy
	MaxConsecutive int     // skip: so many batches in a row, or roll back: so many times since the last good state, and the next one ends training; default 10
	Factor         float64 // roll back: what the learning rate is multiplied by, in (0, 1]; default 0.5
	Verbose        int     // 1 says each time, 0 the first time and how often it was

	state nanState
	said  bool
}

type nanState struct {
	Batches int     `json:"batches"` // that were not finite
	Wait    int     `json:"wait"`    // of them since the last update, or the last good state
	Scale   float64 `json:"scale"`   // product of all factors
}

const (
	defaultMaxConsecutive = 10
	defaultNaNFactor      = 0.5
)

// Name returns terminate_on_nan.
func (*TerminateOnNaN) Name() string { return "terminate_on_nan" }

func (c *TerminateOnNaN) parameters() []parameter {
	return []parameter{
		{"raise_error", &c.RaiseError}, {"policy", &c.Policy}, {"max_consecutive", &c.MaxConsecutive}, {"factor", &c.Factor}, {"verbose", &c.Verbose},
	}
}

// Begin checks the settings and forgets earlier runs.
func (c *TerminateOnNaN) Begin(*Setup) error {
	switch {
	case c.Policy > RollBackOnNaN:
		return fmt.Errorf("callbacks: TerminateOnNaN: Policy is %s; the policies are StopOnNaN, SkipOnNaN, RollBackOnNaN", c.Policy)
	case c.MaxConsecutive < 0:
		return fmt.Errorf("callbacks: TerminateOnNaN: MaxConsecutive is %d; give a positive number, or 0 for %d", c.MaxConsecutive, defaultMaxConsecutive)
	case c.MaxConsecutive > 0 && c.Policy == StopOnNaN:
		return fmt.Errorf("callbacks: TerminateOnNaN: MaxConsecutive is %d, and the policy stops at the first batch; leave one of them out", c.MaxConsecutive)
	case c.Factor != 0 && c.Policy != RollBackOnNaN:
		return fmt.Errorf("callbacks: TerminateOnNaN: Factor is %g, and only the policy roll_back lowers the learning rate; leave it out, or set the policy", c.Factor)
	case !(c.Factor >= 0 && c.Factor <= 1):
		return fmt.Errorf("callbacks: TerminateOnNaN: Factor is %g; each roll back multiplies the rate by it, so it lies in (0, 1], or is 0 for %g", c.Factor, defaultNaNFactor)
	}
	c.state, c.said = nanState{Scale: 1}, false
	return nil
}

// Batches is how many batches of the run were not finite.
func (c *TerminateOnNaN) Batches() int { return c.state.Batches }

// DecideNonFinite stops, skips or rolls back.
func (c *TerminateOnNaN) DecideNonFinite(m Moment, b Batch) (*Decision, error) {
	s := &c.state
	s.Batches++
	s.Wait++
	d := &Decision{Callback: c.Name(), Metric: "loss", Value: new(Number(b.Loss)), Wait: s.Wait, Reason: fmt.Sprintf("the loss is %s", short(b.Loss))}
	if finite(b.Loss) {
		d.Reason = fmt.Sprintf("a gradient is not finite, the loss is %s", short(b.Loss))
	}
	d.Reason += fmt.Sprintf(" in update %d", b.Step+1)
	limit := c.MaxConsecutive
	if limit == 0 {
		limit = defaultMaxConsecutive
	}
	switch {
	case c.Policy == StopOnNaN:
		d.Action = Stop
	case s.Wait > limit && c.Policy == SkipOnNaN:
		d.Action = Stop
		d.Reason += fmt.Sprintf("; %d batches in a row were skipped before", limit)
	case s.Wait > limit:
		d.Action = Stop
		d.Reason += fmt.Sprintf("; it was rolled back %d times since the last good state", limit)
	case c.Policy == SkipOnNaN:
		d.Action = Skip
		d.Reason += "; the batch is skipped"
	default:
		factor := c.Factor
		if factor == 0 {
			factor = defaultNaNFactor
		}
		s.Scale *= factor
		d.Action, d.LearningRate = RollBack, max(m.NextRate*factor, m.Floor)
		d.Reason += "; weights and optimizer go back to the last good state"
	}
	if c.Verbose > 0 || !c.said || d.Action == Stop {
		c.said = true
		d.say = fmt.Sprintf("Epoch %d: %s", m.Epoch+1, d.Reason)
		if d.Action == RollBack {
			d.say += fmt.Sprintf(", the learning rate to %.3e", d.LearningRate)
		}
	}
	if d.Action == Stop && c.RaiseError {
		return d, b.Err
	}
	return d, nil
}

// DecideEpoch keeps the state of an epoch whose metrics are finite, to roll back to.
func (c *TerminateOnNaN) DecideEpoch(m Moment) (*Decision, error) {
	if c.Policy != RollBackOnNaN {
		return nil, nil
	}
	var bad []string
	for _, name := range m.Logs.Names() {
		if !finite(m.Logs[name]) {
			bad = append(bad, name)
		}
	}
	d := &Decision{Callback: c.Name(), Wait: c.state.Wait}
	if bad != nil {
		d.Reason = strings.Join(bad, ", ") + " not finite, so this is no state to roll back to"
		return d, nil
	}
	c.state.Wait, d.Wait = 0, 0
	d.KeepState, d.Reason = true, "every metric is finite: a state to roll back to"
	return d, nil
}

// DecideEnd says how often it was.
func (c *TerminateOnNaN) DecideEnd(error) *Decision {
	if c.state.Batches == 0 {
		return nil
	}
	d := &Decision{Callback: c.Name(), Wait: c.state.Wait, Reason: fmt.Sprintf("%d batches were not finite and changed no weight", c.state.Batches)}
	if c.state.Batches == 1 {
		d.Reason = "1 batch was not finite and changed no weight"
	}
	d.say = "TerminateOnNaN: " + d.Reason
	return d
}

// Watch counts batches in a row.
func (c *TerminateOnNaN) Watch(e Event) error {
	if e.Kind == BatchEnd && e.Batch.Err == nil && c.Policy == SkipOnNaN {
		c.state.Wait = 0
	}
	return nil
}

func (c *TerminateOnNaN) scale() float64 { return c.state.Scale }

// State returns the counts and the product of the factors as JSON.
func (c *TerminateOnNaN) State() (json.RawMessage, error) { return json.Marshal(c.state) }

// Restore takes a State.
func (c *TerminateOnNaN) Restore(state json.RawMessage) error {
	return restoreState(c.Name(), state, &c.state)
}
