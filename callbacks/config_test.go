package callbacks

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/meseta-go/meseta/schedules"
)

func mustYAML(t *testing.T, value any) []byte {
	t.Helper()
	text, err := yaml.Marshal(value)
	require.NoError(t, err)
	return text
}

// roundTrip sends a value through JSON, as a checkpoint does.
func roundTrip[T any](t *testing.T, value T) (out T) {
	t.Helper()
	text, err := json.Marshal(value)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &out))
	return out
}

func TestDecode(t *testing.T) {
	list, err := Decode([]byte(`
early_stopping: {monitor: val_loss, patience: 3, restore_best_weights: true, min_delta: 1e-4, baseline: 0.5, stopping_threshold: 0.01, divergence_threshold: 9, strict: false}
reduce_lr_on_plateau:
  factor: 0.5
  patience: 2.0
  mode: min
  threshold_mode: rel
model_checkpoint: {filepath: "mejor_modelo.h5", monitor: val_accuracy, mode: max, save_best_only: true, save_freq: epoch, verbose: 1}
learning_rate_scheduler: {schedule: {exponential: {decay_rate: 0.5, decay_epochs: 2, staircase: true}}}
warm_up: {epochs: 1}
timer: {duration: 1h30m, filepath: late.h5}
swap_ema_weights: {swap_on_epoch: true}
terminate_on_nan: {policy: roll_back, max_consecutive: 3, factor: 0.1, raise_error: true}
tensorboard: {log_dir: events, histogram_freq: 2, write_graph: false, write_images: true, write_steps_per_second: true, update_freq: batch}
csv_logger: {filename: h.csv, separator: ";", append: true}
progress_bar:
history: {}
journal: {}
curves: {title: mnist-cnn}
`))
	require.NoError(t, err)
	assert.Equal(t, List{
		&CSVLogger{Filename: "h.csv", Separator: ";", Append: true},
		&Curves{Filename: "curves.png", Title: "mnist-cnn"},
		&EarlyStopping{Monitor: "val_loss", Patience: 3, RestoreBestWeights: true, MinDelta: 1e-4, Baseline: new(0.5), CheckFinite: true, StoppingThreshold: new(0.01), DivergenceThreshold: new(9.0), AllowMissing: true},
		newHistory(),
		&Journal{Filename: "journal.jsonl"},
		&LearningRateScheduler{Schedule: schedules.Exponential{DecayRate: 0.5, DecayEpochs: 2, Staircase: true}},
		&ModelCheckpoint{Filepath: "mejor_modelo.h5", Monitor: "val_accuracy", Mode: Max, SaveBestOnly: true, Verbose: 1},
		&ProgressBar{},
		&ReduceLROnPlateau{Monitor: "val_loss", Factor: 0.5, Patience: 2, Mode: Min, MinDelta: 1e-4, ThresholdMode: Rel},
		&SwapEMAWeights{SwapOnEpoch: true},
		&TensorBoard{LogDir: "events", HistogramFreq: 2, WriteImages: true, WriteStepsPerSecond: true, UpdateFreq: UpdateEveryBatch},
		&TerminateOnNaN{Policy: RollBackOnNaN, MaxConsecutive: 3, Factor: 0.1, RaiseError: true},
		&Timer{Duration: 90 * time.Minute, Filepath: "late.h5"},
		&WarmUp{Epochs: 1},
	}, list)
}

// A configuration may be JSON, and a list where a name occurs twice or an order pleases.
func TestDecodeForms(t *testing.T) {
	list, err := Decode([]byte(`{"early_stopping": {"monitor": "val_loss", "patience": 3, "baseline": null}}`))
	require.NoError(t, err)
	assert.Equal(t, List{&EarlyStopping{Monitor: "val_loss", Patience: 3, CheckFinite: true}}, list)

	list, err = Decode([]byte("- model_checkpoint: {filepath: a.h5}\n- model_checkpoint: {filepath: \"c{epoch}.keras\", save_top_k: 3, save_last: true, on_exception: true, save_interval: 10m}\n- model_checkpoint: {filepath: b.weights.h5, save_weights_only: true, save_freq: 100}\n- journal\n"))
	require.NoError(t, err)
	assert.Equal(t, List{
		&ModelCheckpoint{Filepath: "a.h5", Monitor: "val_loss"},
		&ModelCheckpoint{Filepath: "c{epoch}.keras", Monitor: "val_loss", SaveTopK: 3, SaveLast: true, OnException: true, SaveInterval: 10 * time.Minute},
		&ModelCheckpoint{Filepath: "b.weights.h5", Monitor: "val_loss", SaveWeightsOnly: true, SaveFreq: 100}, &Journal{Filename: "journal.jsonl"},
	}, list)

	list, err = Decode([]byte(`{"timer": {"duration": 2.5}}`))
	require.NoError(t, err)
	assert.Equal(t, List{&Timer{Duration: 2500 * time.Millisecond}}, list)

	for _, empty := range []string{"", "{}", "[]", "null"} {
		list, err = Decode([]byte(empty))
		require.NoError(t, err, empty)
		assert.Empty(t, list)
	}

	var run struct {
		Epochs    int
		Callbacks List
	}
	require.NoError(t, yaml.Unmarshal([]byte("epochs: 5\ncallbacks:\n  early_stopping: {patience: 7}\n"), &run))
	assert.Equal(t, List{&EarlyStopping{Monitor: "val_loss", Patience: 7, CheckFinite: true}}, run.Callbacks)
}

func TestDecodeErrors(t *testing.T) {
	for text, want := range map[string]string{
		"early_stoping: {}":                                                        `no callback "early_stoping"; the callbacks are csv_logger, curves, early_stopping, history, journal, learning_rate_scheduler, model_checkpoint, progress_bar, reduce_lr_on_plateau, remote_monitor, report, swap_ema_weights, tensorboard, terminate_on_nan, throughput, timer, warm_up`,
		"early_stopping: {patiance: 3}":                                            `early_stopping: there is no argument "patiance"; the arguments are monitor, min_delta, patience`,
		"history: {a: 1}":                                                          `no argument "a"; it takes none`,
		"early_stopping: {patience: many}":                                         `patience is the string "many"; expected a whole number`,
		"early_stopping: {patience: 2.5}":                                          `patience is 2.5; expected a whole number`,
		"early_stopping: {patience: 18446744073709551615}":                         `expected a whole number`,
		"early_stopping: {patience: 1e300}":                                        `expected a whole number`,
		"early_stopping: {min_delta: [1]}":                                         `min_delta is a list; expected a number`,
		"early_stopping: {baseline: x}":                                            `expected a number or null`,
		"early_stopping: {restore_best_weights: 1}":                                `restore_best_weights is 1; expected true or false`,
		"early_stopping: {mode: down}":                                             `mode is the string "down"; expected auto, min or max`,
		"early_stopping: {strict: 1}":                                              `strict is 1; expected true or false`,
		"reduce_lr_on_plateau: {threshold_mode: relative}":                         `threshold_mode is the string "relative"; expected abs or rel`,
		"early_stopping: {monitor: 3}":                                             `monitor is 3; expected a string`,
		"early_stopping: 3":                                                        `early_stopping: it is 3; expected {argument: value}`,
		"model_checkpoint: {save_freq: 0}":                                         `save_freq is 0; expected epoch or a positive number of updates`,
		"model_checkpoint: {save_freq: batch}":                                     `expected epoch or a positive number`,
		"learning_rate_scheduler: {schedule: 3}":                                   `expected one schedule, {name: {argument: value}}, of constant, cosine, cosine_restarts, exp_range, exponential, inverse_time, one_cycle, piecewise, polynomial, step, triangular, triangular2`,
		"learning_rate_scheduler: {schedule: {wave: {}}}":                          `schedule "wave" is not known; the schedules are constant, cosine, cosine_restarts, exp_range, exponential, inverse_time, one_cycle, piecewise, polynomial, step, triangular, triangular2`,
		"learning_rate_scheduler: {schedule: {constant: {rate: 1}}}":               `schedule constant: there is no argument "rate"; the arguments are learning_rate`,
		"learning_rate_scheduler: {schedule: {piecewise: {boundaries: 3}}}":        `boundaries is 3; expected a list of whole numbers`,
		"learning_rate_scheduler: {schedule: {piecewise: {boundaries: [3, 1.5]}}}": `boundaries [1] is 1.5; expected one of whole numbers`,
		"learning_rate_scheduler: {schedule: {piecewise: {values: [x]}}}":          `values [0] is the string "x"; expected one of numbers`,
		"timer: {duration: soon}":                                                  `duration is the string "soon"; expected a duration (90s, 1h30m) or a number of seconds`,
		"tensorboard: {update_freq: 0}":                                            `update_freq is 0; expected epoch, batch or a positive number of updates`,
		"tensorboard: {profile: 3}":                                                `the arguments are log_dir, histogram_freq, write_graph, write_images, write_steps_per_second, update_freq`,
		"terminate_on_nan: {policy: ignore}":                                       `policy is the string "ignore"; expected stop, skip or roll_back`,
		"remote_monitor: {headers: 3}":                                             `headers is 3; expected {name: text}`,
		"remote_monitor: {headers: {a: 3}}":                                        `headers "a" is 3; expected a string`,
		"timer: {duration: 1e10}":                                                  `expected a duration`,
		"warm_up: {shape: 3}":                                                      `shape is 3; expected linear, exponential or cosine`,
		"warm_up: {shape: arc}":                                                    `shape is the string "arc"; expected linear, exponential or cosine`,
		"3":                                                                        `the configuration is 3; expected`,
		"- 3":                                                                      `number 1 of the list is 3`,
		"- early_stoping":                                                          `no callback "early_stoping"`,
		"- {early_stoping: }":                                                      `no callback "early_stoping"`,
		"early_stopping: {":                                                        `configuration`,
		"early_stopping: {patience: 1}\nearly_stopping: {patience: 2}":             `already defined`,
		"early_stopping: {patience: 1, patience: 2}":                               `already defined`,
	} {
		_, err := Decode([]byte(text))
		assert.ErrorContains(t, err, want, text)
	}
}

func everyCallback() List {
	return List{
		&CSVLogger{Filename: "h.csv"}, NewCurves(), &EarlyStopping{Monitor: "a", Mode: Max, Baseline: new(0.25)}, newHistory(), NewJournal(),
		&LearningRateScheduler{Schedule: schedules.Triangular{BaseLR: 1e-4, MaxLR: 6e-3, StepSize: 2000}}, &ModelCheckpoint{Filepath: "{epoch}.h5", Monitor: "b", SaveFreq: 7},
		&ProgressBar{}, NewReduceLROnPlateau(), NewRemoteMonitor(),
		&RemoteMonitor{Root: "https://monitor", Path: "/a?b=c", Headers: map[string]string{"X-Token": "yes", "Accept": "a: b #"}, SendAsJSON: true, Timeout: time.Second}, &SwapEMAWeights{}, &TerminateOnNaN{Policy: RollBackOnNaN, Factor: 0.25, Verbose: 1}, NewTensorBoard(), &TensorBoard{LogDir: "a b", HistogramFreq: 1, UpdateFreq: 50}, NewThroughput(), &Timer{Duration: 90 * time.Minute, Filepath: "x.weights.h5"}, &WarmUp{Steps: 5, From: 0.1, Shape: schedules.ExponentialShape},
	}
}

// everySchedule has a configuration form.
func everySchedule() []schedules.Schedule {
	return []schedules.Schedule{
		schedules.Constant{LearningRate: 3}, schedules.Exponential{InitialLearningRate: 1, DecayRate: 0.5, DecaySteps: 3},
		schedules.Step{Factor: 0.1, StepEpochs: 30}, schedules.Piecewise{Boundaries: []int{3, 5}, Values: []float64{1, 0.5, 1e-9}},
		schedules.Piecewise{BoundaryEpochs: []float64{2.5}, Values: []float64{1, 0.5}}, schedules.NewPolynomial(),
		schedules.Polynomial{DecaySteps: 7, EndLearningRate: 1, Power: 2, Cycle: true}, schedules.InverseTime{DecayRate: 2, DecayEpochs: 3, Staircase: true},
		schedules.Cosine{DecaySteps: 9, Alpha: 0.1}, schedules.NewCosineRestarts(), schedules.CosineRestarts{FirstDecayEpochs: 2, TMul: 1, MMul: 0.5, Alpha: 0.1},
		schedules.NewOneCycle(), schedules.OneCycle{MaxLR: 1, TotalSteps: 9, PctStart: 0.4, DivFactor: 3, FinalDivFactor: 4, ThreePhase: true},
		schedules.Triangular{MaxLR: 1, StepSize: 3}, schedules.Triangular2{BaseLR: 0.1, MaxLR: 1, StepEpochs: 3}, schedules.ExpRange{MaxLR: 1, StepSize: 3, Gamma: 0.99994},
	}
}

func TestResolvedConfigurationReadsBack(t *testing.T) {
	lists := []List{{}, everyCallback(), append(everyCallback(), NewEarlyStopping(), NewModelCheckpoint("x.h5"))}
	for _, schedule := range everySchedule() {
		lists = append(lists, List{&LearningRateScheduler{Schedule: schedule}})
	}
	for _, list := range lists {
		text := mustYAML(t, list)
		again, err := Decode(text)
		require.NoError(t, err, string(text))
		slices.SortStableFunc(list, func(a, b Callback) int { return strings.Compare(a.Name(), b.Name()) })
		assert.Equal(t, list, again, string(text))
	}
	text := string(mustYAML(t, List{NewReduceLROnPlateau()}))
	assert.Equal(t, "reduce_lr_on_plateau:\n  monitor: val_loss\n  factor: 0.1\n  patience: 10\n  verbose: 0\n  mode: auto\n  min_delta: 0.0001\n  cooldown: 0\n  min_lr: 0.0\n  threshold_mode: abs\n", text)
}

func TestPointersToSchedulesHaveAForm(t *testing.T) {
	for _, pair := range [][2]schedules.Schedule{
		{&schedules.Constant{LearningRate: 1}, schedules.Constant{LearningRate: 1}},
		{&schedules.Exponential{DecayRate: 1}, schedules.Exponential{DecayRate: 1}},
		{&schedules.Triangular{MaxLR: 1}, schedules.Triangular{MaxLR: 1}},
	} {
		list, err := Decode(mustYAML(t, List{&LearningRateScheduler{Schedule: pair[0]}}))
		require.NoError(t, err)
		assert.Equal(t, pair[1], list[0].(*LearningRateScheduler).Schedule)
	}
}

// Arguments left out have Keras's defaults, or PyTorch's.
func TestDefaultsOfSchedules(t *testing.T) {
	for text, want := range map[string]schedules.Schedule{
		"polynomial: {decay_steps: 9}":            schedules.Polynomial{DecaySteps: 9, EndLearningRate: 0.0001, Power: 1},
		"cosine_restarts: {first_decay_steps: 9}": schedules.CosineRestarts{FirstDecaySteps: 9, TMul: 2, MMul: 1},
		"one_cycle: {total_epochs: 9}":            schedules.OneCycle{TotalEpochs: 9, PctStart: 0.3, Shape: schedules.CosineShape, DivFactor: 25, FinalDivFactor: 1e4},
	} {
		for range 2 { // the first one does not change the defaults
			list, err := Decode([]byte("learning_rate_scheduler: {schedule: {" + text + "}}"))
			require.NoError(t, err)
			assert.Equal(t, want, list[0].(*LearningRateScheduler).Schedule)
		}
	}
}

// ownSchedule is a schedule of a user's program.
type ownSchedule struct{ numbers []float64 }

func (o ownSchedule) Rate(p schedules.Position) float64 { return o.numbers[p.Epoch] }
func (ownSchedule) Check(schedules.Position) error      { return nil }

// ownCallback is a callback of a user's program.
type ownCallback struct{ stopAt int }

func (*ownCallback) Name() string       { return "own" }
func (*ownCallback) Begin(*Setup) error { return nil }
func (c *ownCallback) DecideEpoch(m Moment) (*Decision, error) {
	m.Logs["loss"] = -1 // nobody else sees it
	if m.Epoch == c.stopAt {
		return &Decision{Callback: c.Name(), Action: Stop, Reason: "enough"}, nil
	}
	return nil, nil
}

func TestOwnCallbacksAndSchedules(t *testing.T) {
	_, err := yaml.Marshal(List{&ownCallback{}})
	assert.ErrorContains(t, err, "own (*callbacks.ownCallback) has no configuration form")
	_, err = yaml.Marshal(List{&LearningRateScheduler{Schedule: ownSchedule{}}})
	assert.ErrorContains(t, err, "a schedule of type callbacks.ownSchedule has no configuration form")

	s := stream{"loss": {1, 0.5, 0.25}}
	r := &recorder{}
	m, err := NewManager([]Callback{&ownCallback{stopAt: 1}, &LearningRateScheduler{Schedule: ownSchedule{[]float64{3, 2, 1, 0}}}, NewJournal()}, setupFor(t, s, 2, r))
	require.NoError(t, err)
	used, stopped := fit(t, m, s, 0, r)
	assert.Equal(t, []float64{3, 3, 2, 2}, used)
	assert.Equal(t, Outcome{true, "own: enough"}, stopped)
	assert.Equal(t, []float64{1, 0.5}, m.History().Metrics["loss"])
	records := readJournal(t, m.setup.Dir+"/journal.jsonl")
	assert.Contains(t, string(records[0].Run.Callbacks), `{"own":{"type":"*callbacks.ownCallback"}}`)
	assert.Contains(t, string(records[0].Run.Callbacks), `callbacks.ownSchedule`)
}

// Whatever stands in a configuration, it is decoded or refused; what is decoded is written so that it reads back the same.
func FuzzDecode(f *testing.F) {
	lists := []List{everyCallback(), append(everyCallback(), NewEarlyStopping())}
	for _, schedule := range everySchedule() {
		lists = append(lists, List{&LearningRateScheduler{Schedule: schedule}})
	}
	for _, list := range lists {
		text, err := yaml.Marshal(list)
		require.NoError(f, err)
		f.Add(text)
	}
	f.Add([]byte("early_stopping: {patience: 3, baseline: .nan, min_delta: -.inf}"))
	f.Add([]byte("- journal\n- model_checkpoint: {filepath: \"a: b #{epoch:02d}\"}"))
	f.Add([]byte("csv_logger: {filename: \"\\u0000\\n\", separator: \"\\t\"}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		list, err := Decode(text)
		if err != nil {
			return
		}
		for _, callback := range list {
			if c, ok := callback.(*LearningRateScheduler); ok && c.Schedule == nil {
				return // not complete: Begin refuses it
			}
		}
		written, err := yaml.Marshal(list)
		require.NoError(t, err)
		again, err := Decode(written)
		require.NoError(t, err, "%s", written)
		rewritten, err := yaml.Marshal(again)
		require.NoError(t, err)
		require.Equal(t, string(written), string(rewritten))
		// Preflight takes anything without panicking.
		_, _ = NewManager(list, Setup{Metrics: []string{"loss"}, Replay: true, LearningRate: 1})
	})
}
