package callbacks

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestErrorsInConfiguration checks settings that configurations can have, and that no name of Go is left.
func TestErrorsInConfiguration(t *testing.T) {
	for text, want := range map[string]string{
		"model_checkpoint: {filepath: best.h5, save_weights_only: true}":                                                             `callbacks: model_checkpoint: save_weights_only writes Keras's weights format, and filepath is "best.h5"; end it in .weights.h5`,
		"model_checkpoint: {filepath: SaveWeightsOnly}":                                                                              `"SaveWeightsOnly" is no name of a model file; end filepath in .h5 or .keras`,
		"early_stopping: {monitor: loss, patience: -1}":                                                                              "callbacks: early_stopping: patience is -1 and start_from_epoch 0",
		"[early_stopping: {monitor: loss, restore_best_weights: true}, early_stopping: {monitor: loss, restore_best_weights: true}]": "2 early_stoppings have restore_best_weights",
		"[warm_up: {steps: 1}, warm_up: {steps: 2}]":                                                                                 "there are two warm_ups; remove one",
		"reduce_lr_on_plateau: {monitor: loss, factor: 2}":                                                                           "factor is 2; each reduction multiplies the rate by it, so it lies between 0 and 1 (reduce_lr_on_plateau sets 0.1)",
		"terminate_on_nan: {factor: 0.5}":                                                                                            "factor is 0.5, and only the policy roll_back lowers the learning rate",
		"learning_rate_scheduler: {}":                                                                                                "learning_rate_scheduler: schedule is not set; give one, exponential say",
		"learning_rate_scheduler: {schedule: {step: {initial_learning_rate: 1, factor: -1, step_epochs: 1}}}":                        "learning_rate_scheduler: schedules: step.factor is -1",
		"learning_rate_scheduler: {schedule: {exp_range: {base_lr: 0.1, max_lr: 0.2, step_size: 5, gamma: 3}}}":                      "schedules: exp_range.gamma is 3",
		"learning_rate_scheduler: {schedule: {triangular2: {base_lr: 0.3, max_lr: 0.2, step_size: 5}}}":                              "schedules: triangular2.max_lr is 0.2, below the lowest rate 0.3; swap them or set base_lr",
		"throughput: {flops_per_sample: 1}":                                                                                          "flops_per_sample is 1 and peak_flops 0",
		"tensorboard: {histogram_freq: -1}":                                                                                          "tensorboard: histogram_freq is -1",
	} {
		list, err := Decode([]byte(text))
		require.NoError(t, err, text)
		_, err = NewManager(list, Setup{Metrics: []string{"loss"}, Epochs: 2, StepsPerEpoch: 3, LearningRate: 0.1, Dir: t.TempDir(), Run: &recorder{}})
		require.Error(t, err, text)
		got := InConfiguration(err)
		assert.ErrorContains(t, got, want, text)
		assert.ErrorIs(t, got, err)
	}
	assert.NoError(t, InConfiguration(nil))
	assert.EqualError(t, InConfiguration(fmt.Errorf("open /data/Report/Patience: %w", errors.ErrUnsupported)), "open /data/Report/Patience: unsupported operation")
}
