package callbacks

import (
	"encoding/json"
	"fmt"
)

// ReduceLROnPlateau lowers the learning rate when a metric has stopped improving.
//
// After Patience epochs without improvement the rate is multiplied by Factor, but not below MinLR, wait starts over, and
// the next Cooldown epochs do not count. The factors multiply whatever a schedule says.
//
// Keras: callbacks.ReduceLROnPlateau. Here Cooldown c skips c epochs (in Keras c − 1, so that cooldown 1 acts as 0), at
// MinLR it says so once and stops counting, and it composes with schedules and warm-up (in Keras a scheduler overwrites it).
type ReduceLROnPlateau struct {
	Monitor  string  // default val_loss
	Factor   float64 // in (0, 1)
	Patience int     // epochs without improvement after which the rate is lowered
	Verbose  int     // 1 says when it lowers the rate
	Mode     Mode
	MinDelta float64 // an improvement is larger than |MinDelta|
	Cooldown int     // epochs after a reduction that do not count
	MinLR    float64 // the rate is never below it (warm-up apart)

	// Abs is Keras's. With Rel, as PyTorch's ReduceLROnPlateau has it, MinDelta is a part of the best value's magnitude.
	ThresholdMode ThresholdMode

	monitor monitor
	state   plateauState
}

type plateauState struct {
	Wait     int      `json:"wait"`
	Best     *float64 `json:"best"`
	Cooldown int      `json:"cooldown"` // epochs still to skip
	Scale    float64  `json:"scale"`    // product of all reductions
	AtFloor  bool     `json:"at_floor"` // it has said that the rate is at MinLR
}

// NewReduceLROnPlateau returns Keras's defaults: Factor 0.1, Patience 10, MinDelta 1e-4.
func NewReduceLROnPlateau() *ReduceLROnPlateau {
	return &ReduceLROnPlateau{Monitor: defaultMonitor, Factor: 0.1, Patience: 10, MinDelta: 1e-4}
}

// Name returns reduce_lr_on_plateau.
func (*ReduceLROnPlateau) Name() string { return "reduce_lr_on_plateau" }

func (c *ReduceLROnPlateau) parameters() []parameter {
	return []parameter{
		{"monitor", &c.Monitor}, {"factor", &c.Factor}, {"patience", &c.Patience}, {"verbose", &c.Verbose},
		{"mode", &c.Mode}, {"min_delta", &c.MinDelta}, {"cooldown", &c.Cooldown}, {"min_lr", &c.MinLR},
		{"threshold_mode", &c.ThresholdMode},
	}
}

// Begin checks the settings against s and forgets earlier runs.
func (c *ReduceLROnPlateau) Begin(s *Setup) (err error) {
	if c.monitor, err = newMonitor(s, c.Monitor, c.Mode, c.MinDelta); err != nil {
		return fmt.Errorf("callbacks: ReduceLROnPlateau: %w", err)
	}
	if c.ThresholdMode > Rel {
		return fmt.Errorf("callbacks: ReduceLROnPlateau: ThresholdMode is %s; the modes are Abs, Rel", c.ThresholdMode)
	}
	if c.monitor.relative = c.ThresholdMode == Rel; c.monitor.relative && c.monitor.minDelta >= 1 {
		return fmt.Errorf("callbacks: ReduceLROnPlateau: MinDelta is %g with ThresholdMode Rel, so that a loss would have to fall below 0 to improve; give a part below 1, 1e-4 say", c.MinDelta)
	}
	if !(c.Factor > 0 && c.Factor < 1) {
		return fmt.Errorf("callbacks: ReduceLROnPlateau: Factor is %g; each reduction multiplies the rate by it, so it lies between 0 and 1 (NewReduceLROnPlateau sets 0.1)", c.Factor)
	}
	if c.Patience < 0 || c.Cooldown < 0 {
		return fmt.Errorf("callbacks: ReduceLROnPlateau: Patience is %d and Cooldown %d; neither may be negative", c.Patience, c.Cooldown)
	}
	if !(c.MinLR >= 0) || !finite(c.MinLR) {
		return fmt.Errorf("callbacks: ReduceLROnPlateau: MinLR is %g; it is the lowest learning rate, 0 for none", c.MinLR)
	}
	c.state = plateauState{Scale: 1}
	return nil
}

// DecideEpoch lowers the rate, or waits.
func (c *ReduceLROnPlateau) DecideEpoch(m Moment) (*Decision, error) {
	s := &c.state
	value := m.Logs[c.monitor.name]
	d := c.monitor.decision(c.Name(), value, s.Best)
	cooling := s.Cooldown > 0
	if cooling {
		s.Cooldown--
		s.Wait = 0
	}
	// The comparison is in float32 because the optimizer's rate is: 0.1 reduced twice is then exactly a MinLR of 0.001.
	atFloor := float32(m.NextRate) <= float32(m.Floor)
	switch {
	case c.monitor.improved(value, s.Best):
		s.Best, s.Wait = &value, 0
		d.Best = s.Best
	case cooling:
		d.Reason += fmt.Sprintf("; cooling down, %d more", s.Cooldown)
	case atFloor:
		d.Reason += fmt.Sprintf("; the learning rate is at min_lr %s", short(m.Floor))
		if !s.AtFloor && c.Verbose > 0 {
			d.say = fmt.Sprintf("Epoch %d: the learning rate has reached min_lr %.3e and is not reduced any more", m.Epoch+1, m.Floor)
		}
		s.AtFloor, s.Wait = true, 0
	default:
		s.Wait++
		d.Wait = s.Wait
		if s.Wait < c.Patience {
			break
		}
		d.Action, d.LearningRate = ReduceLR, max(m.NextRate*c.Factor, m.Floor)
		d.Reason += waited(s.Wait, c.Patience)
		if c.Verbose > 0 {
			d.say = fmt.Sprintf("Epoch %d: reducing the learning rate to %.3e: %s", m.Epoch+1, d.LearningRate, d.Reason)
		}
		s.Scale *= c.Factor
		s.Wait, s.Cooldown = 0, c.Cooldown
	}
	return d, nil
}

func (c *ReduceLROnPlateau) scale() float64 { return c.state.Scale }

// State returns wait, best value, cooldown and the product of the reductions as JSON.
func (c *ReduceLROnPlateau) State() (json.RawMessage, error) { return json.Marshal(c.state) }

// Restore takes a State.
func (c *ReduceLROnPlateau) Restore(state json.RawMessage) error {
	return restoreState(c.Name(), state, &c.state)
}
