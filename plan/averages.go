package plan

import (
	"errors"

	"github.com/meseta-go/meseta/optimizers"
)

// ErrNoAverages is returned where there are no averages of the weights.
var ErrNoAverages = errors.New("plan: there are no averages of the weights: the optimizer has no UseEMA, or has not updated yet")

// SwapAverages exchanges the trainable weights with their moving averages, which an optimizer with UseEMA keeps: once to measure or save
// the averages, and again before training goes on. It waits for steps that run.
func (s *Session) SwapAverages() error {
	if err := s.eachAverage(func(weight, average string, w, a []float32) {
		write(s.buffer(weight), a)
		write(s.buffer(average), w)
	}); err != nil {
		return err
	}
	s.swapped = !s.swapped
	return nil
}

// UseAverages makes the trainable weights their moving averages, as Keras does at the end of fit. Where SwapAverages did so before, they are.
func (s *Session) UseAverages() error {
	if s.swapped {
		return nil
	}
	return s.eachAverage(func(weight, _ string, _, a []float32) { write(s.buffer(weight), a) })
}

// eachAverage visits the trainable weights and their averages, by name and copied.
func (s *Session) eachAverage(visit func(weight, average string, w, a []float32)) error {
	if o := s.model.Optimizer; o == nil || !o.BaseArguments().UseEMA || s.Iterations() == 0 {
		return ErrNoAverages
	}
	s.prepared = nil
	for _, e := range s.entries {
		if e.Kind != Trainable {
			continue
		}
		w, a, average := make([]float32, e.Type.Shape.Size()), make([]float32, e.Type.Shape.Size()), slotName(optimizers.Average, e.Name)
		read(s.buffer(e.Name), w)
		read(s.buffer(average), a)
		visit(e.Name, average, w, a)
	}
	return nil
}
