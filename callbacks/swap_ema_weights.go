package callbacks

import "errors"

// SwapEMAWeights validates with the moving averages of the weights, which an optimizer with UseEMA keeps. Training goes on
// with the weights themselves.
//
// With SwapOnEpoch what is saved at an epoch end, and the best weights that are kept, are the averages too. A whole model is
// saved as in Keras: the averages are its weights, and the weights stand in the averages' place. What is saved after
// updates or on an exception always has the weights themselves. Until the optimizer has made an update, there are no
// averages, and nothing is swapped.
//
// Keras: callbacks.SwapEMAWeights, where it has to stand before a ModelCheckpoint, and where the averages stay in the model
// from an epoch's end to the next one's beginning, so that other callbacks may find either. Model.SwapAverages does the same
// around Evaluate, Predict and Save.
type SwapEMAWeights struct {
	SwapOnEpoch bool
}

// Name returns swap_ema_weights.
func (*SwapEMAWeights) Name() string { return "swap_ema_weights" }

func (c *SwapEMAWeights) parameters() []parameter {
	return []parameter{{"swap_on_epoch", &c.SwapOnEpoch}}
}

// Begin wants an optimizer with averages, and something to do with them.
func (c *SwapEMAWeights) Begin(s *Setup) error {
	if !s.Replay && !s.Run.HasAverages() {
		return errors.New("callbacks: SwapEMAWeights: the optimizer keeps no averages of the weights; set its UseEMA (use_ema: true)")
	}
	if !s.Validation && !c.SwapOnEpoch {
		return errors.New("callbacks: SwapEMAWeights: there is no validation data to measure the averages on, and SwapOnEpoch is false, so it would do nothing; give the run some, or set it")
	}
	return nil
}

// swapIn exchanges the weights with their averages, where a SwapEMAWeights wants that; swapOut takes it back.
func (m *Manager) swapIn(wanted func(*SwapEMAWeights) bool) error {
	if m.swapper == nil || m.setup.Replay || !wanted(m.swapper) {
		return nil
	}
	var err error
	m.swapped, err = m.setup.Run.SwapAverages()
	return m.swapError(err)
}

func (m *Manager) swapOut() error {
	if !m.swapped {
		return nil
	}
	m.swapped = false
	_, err := m.setup.Run.SwapAverages()
	return m.swapError(err)
}

func (m *Manager) swapError(err error) error {
	if err != nil {
		err = errors.Join(errors.New("callbacks: swap_ema_weights: the averages could not be exchanged with the weights"), err)
	}
	return err
}
