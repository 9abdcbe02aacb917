package callbacks

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// swapRun trains two epochs of two updates with validation, and returns which weights were validated.
func swapRun(t *testing.T, m *Manager, r *recorder) (validated []string) {
	require.NoError(t, m.TrainBegin())
	for epoch := range 2 {
		require.NoError(t, m.EpochBegin(epoch))
		for i := range 2 {
			step := 2*epoch + i
			r.weights, r.averages = fmt.Sprint("w", step), fmt.Sprint("a", step)
			_, err := m.BatchEnd(Batch{Epoch: epoch, Index: i, Step: step, Size: 8, Logs: func() Logs { return Logs{"loss": 1} }})
			require.NoError(t, err)
		}
		require.NoError(t, m.TestBegin(1))
		validated = append(validated, r.weights)
		require.NoError(t, m.TestEnd())
		assert.Equal(t, fmt.Sprint("w", 2*epoch+1), r.weights, "training goes on with the weights")
		_, err := m.EpochEnd(epoch, Logs{"loss": 1, "val_loss": float64(3 - epoch)})
		require.NoError(t, err)
		m.saver.wait()
		assert.Equal(t, fmt.Sprint("w", 2*epoch+1), r.weights)
	}
	require.NoError(t, m.TrainEnd(nil))
	return validated
}

func TestSwapEMAWeights(t *testing.T) {
	for _, test := range []struct {
		swap            *SwapEMAWeights
		validated, kept string
		saved           []string
	}{
		{nil, "[w1 w3]", "w3", []string{"save e1.h5 false w1", "save u2.weights.h5 true w2", "save e2.h5 false w3"}},
		{&SwapEMAWeights{}, "[a1 a3]", "w3", []string{"save e1.h5 false w1", "save u2.weights.h5 true w2", "save e2.h5 false w3"}},
		{&SwapEMAWeights{SwapOnEpoch: true}, "[a1 a3]", "a3", []string{"save e1.h5 false a1", "save u2.weights.h5 true w2", "save e2.h5 false a3"}},
	} {
		r := &recorder{averages: "a"}
		list := []Callback{
			&ModelCheckpoint{Filepath: "e{epoch}.h5"}, &ModelCheckpoint{Filepath: "u{epoch}.weights.h5", SaveWeightsOnly: true, SaveFreq: 3},
			&EarlyStopping{Patience: 9, RestoreBestWeights: true}, &TerminateOnNaN{Policy: RollBackOnNaN},
		}
		if test.swap != nil {
			list = append(list, test.swap)
		}
		m, err := NewManager(list, setupFor(t, stream{"loss": {1, 1}, "val_loss": {3, 2}}, 2, r))
		require.NoError(t, err)
		assert.Equal(t, test.validated, fmt.Sprint(swapRun(t, m, r)))
		assert.Equal(t, test.saved, r.saved)
		assert.Equal(t, test.kept, r.weights, "the best weights")
		require.NoError(t, m.good.Restore())
		assert.Equal(t, "w3", r.weights, "a state to roll back to has the weights, whatever is saved")
	}
}

// A validation that is broken off leaves the weights, not the averages.
func TestSwapEMAWeightsAfterAnError(t *testing.T) {
	r := &recorder{weights: "w", averages: "a"}
	m, err := NewManager([]Callback{&SwapEMAWeights{}, &ModelCheckpoint{Filepath: "m.h5", OnException: true}}, setupFor(t, stream{"loss": {1}, "val_loss": {1}}, 1, r))
	require.NoError(t, err)
	require.NoError(t, m.TrainBegin())
	require.NoError(t, m.EpochBegin(0))
	require.NoError(t, m.TestBegin(1))
	assert.Equal(t, "a", r.weights)
	require.NoError(t, m.TrainEnd(errors.New("cancelled")))
	assert.Equal(t, "w", r.weights)
	assert.Equal(t, []string{"save exception.h5 false w"}, r.saved)
}

func TestSwapEMAWeightsThatFails(t *testing.T) {
	r := &recorder{averages: "a", failSwap: errors.New("no memory")}
	m, err := NewManager([]Callback{&SwapEMAWeights{SwapOnEpoch: true}, &ModelCheckpoint{Filepath: "m.h5"}}, setupFor(t, stream{"loss": {1}, "val_loss": {1}}, 1, r))
	require.NoError(t, err)
	require.NoError(t, m.TrainBegin())
	assert.ErrorContains(t, m.TestBegin(1), "callbacks: swap_ema_weights")
	_, err = m.EpochEnd(0, Logs{"loss": 1, "val_loss": 1})
	assert.ErrorContains(t, err, "no memory")
	require.NoError(t, m.TrainEnd(err))
}

func TestSwapEMAWeightsIsChecked(t *testing.T) {
	setup := setupFor(t, stream{"loss": {1}}, 1, &recorder{averages: "a"})
	_, err := NewManager([]Callback{&SwapEMAWeights{}}, setup)
	assert.ErrorContains(t, err, "no validation data to measure the averages on")
	_, err = NewManager([]Callback{&SwapEMAWeights{SwapOnEpoch: true}, &SwapEMAWeights{SwapOnEpoch: true}}, setup)
	assert.ErrorContains(t, err, "two SwapEMAWeights")
	_, err = NewManager([]Callback{&SwapEMAWeights{SwapOnEpoch: true}}, setup)
	assert.NoError(t, err)
}
