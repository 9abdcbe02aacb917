package callbacks

import (
	"errors"
	"fmt"

	"github.com/meseta-go/meseta/schedules"
)

// LearningRateScheduler sets the learning rate of every update from a schedule. A run has at most one.
//
// Keras: callbacks.LearningRateScheduler, which asks its function once an epoch; a schedule here is asked at each update.
// ReduceLROnPlateau and WarmUp multiply it.
type LearningRateScheduler struct {
	Schedule schedules.Schedule
	Verbose  int // 1 says the rate as each epoch begins
}

// Name returns learning_rate_scheduler.
func (*LearningRateScheduler) Name() string { return "learning_rate_scheduler" }

func (c *LearningRateScheduler) parameters() []parameter {
	return []parameter{{"schedule", &c.Schedule}, {"verbose", &c.Verbose}}
}

// Begin checks the schedule.
func (c *LearningRateScheduler) Begin(s *Setup) error {
	if c.Schedule == nil {
		return errors.New("callbacks: LearningRateScheduler: Schedule is not set; give one, Exponential say")
	}
	if err := c.Schedule.Check(s.position(0, 0)); err != nil {
		return fmt.Errorf("callbacks: LearningRateScheduler: %w", err)
	}
	return nil
}

// WarmUp raises the learning rate over the first updates, whatever schedule there is. A run has at most one. Its fields
// are those of schedules.WarmUp.
type WarmUp struct {
	Steps  int     // how long it takes, in updates
	Epochs float64 // or, instead, in epochs
	From   float64 // the factor of the first update, in [0, 1); above 0 where it rises exponentially
	Shape  schedules.Shape
}

// Name returns warm_up.
func (*WarmUp) Name() string { return "warm_up" }

func (c *WarmUp) parameters() []parameter {
	return []parameter{{"steps", &c.Steps}, {"epochs", &c.Epochs}, {"from", &c.From}, {"shape", &c.Shape}}
}

// Begin checks the settings.
func (c *WarmUp) Begin(s *Setup) error {
	if err := schedules.WarmUp(*c).Check(s.position(0, 0)); err != nil {
		return fmt.Errorf("callbacks: WarmUp: %w", err)
	}
	return nil
}

func (s *Setup) position(epoch, step int) schedules.Position {
	return schedules.Position{Epoch: epoch, Step: step, StepsPerEpoch: s.StepsPerEpoch, Base: s.LearningRate}
}

// rates composes everything that has a say in the learning rate.
type rates struct {
	schedule  schedules.Schedule
	scheduled bool // by a LearningRateScheduler; else it is the optimizer's own rate
	warmUp    *schedules.WarmUp
	scalers   []scaler
	scale     float64 // product of the scalers' reductions that were applied
	floor     float64
}

// scaler is a callback that multiplies the rate by what it has decided so far.
type scaler interface{ scale() float64 }

func newRates(list []Callback) (rates, error) {
	r := rates{schedule: schedules.Constant{}, scale: 1}
	for _, callback := range list {
		switch c := callback.(type) {
		case *LearningRateScheduler:
			if r.scheduled {
				return r, errors.New("callbacks: there are two LearningRateSchedulers; a run follows one schedule, remove the other")
			}
			r.schedule, r.scheduled = c.Schedule, true
		case *WarmUp:
			if r.warmUp != nil {
				return r, errors.New("callbacks: there are two WarmUps; remove one")
			}
			r.warmUp = new(schedules.WarmUp(*c))
		case *ReduceLROnPlateau:
			r.floor = max(r.floor, c.MinLR)
		}
		if c, ok := callback.(scaler); ok {
			r.scalers = append(r.scalers, c)
		}
	}
	return r, nil
}

// apply takes over what the scalers have decided.
func (r *rates) apply() {
	r.scale = 1
	for _, s := range r.scalers {
		r.scale *= s.scale()
	}
}

// reduced is the schedule's rate with the scalers' reductions, without floor and warm-up.
func (r *rates) reduced(p schedules.Position) float64 { return r.schedule.Rate(p) * r.scale }

func (r *rates) rate(p schedules.Position) float64 {
	rate := max(r.reduced(p), r.floor)
	if r.warmUp != nil {
		rate *= r.warmUp.Factor(p)
	}
	return rate
}
