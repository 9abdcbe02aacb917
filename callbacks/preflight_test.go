package callbacks

import (
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/meseta-go/meseta/schedules"
)

func exampleSetup(t *testing.T) Setup {
	return Setup{
		Metrics: []string{"loss", "accuracy", "novelty"}, Validation: true, Epochs: 5, StepsPerEpoch: 10, LearningRate: 0.1,
		Dir: t.TempDir(), Run: &recorder{},
	}
}

// Everything that is wrong is found before the first step, and the error says what would be right.
func TestWrongSettingsAreFoundBeforeTheFirstStep(t *testing.T) {
	const names = "loss, accuracy, novelty, val_loss, val_accuracy, val_novelty, learning_rate"
	nan := math.NaN()
	for _, test := range []struct {
		want string
		list []Callback
	}{
		{`"val_los" is not logged; the names are ` + names, []Callback{&EarlyStopping{Monitor: "val_los"}}},
		{`"acc" is not logged; the names are ` + names, []Callback{&ReduceLROnPlateau{Monitor: "acc", Factor: 0.1}}},
		{`"acc" is not logged; the names are ` + names, []Callback{&ModelCheckpoint{Filepath: "m.h5", Monitor: "acc", SaveBestOnly: true}}},
		{`"acc" is not logged; the names are ` + names, []Callback{&ModelCheckpoint{Filepath: "m.h5", Monitor: "acc"}}},
		{`lower or a higher "val_novelty" is better is not known; set Mode`, []Callback{&EarlyStopping{Monitor: "val_novelty"}}},
		{`Mode is Mode(7)`, []Callback{&EarlyStopping{Mode: 7}}},
		{`Mode is Mode(7)`, []Callback{&ModelCheckpoint{Filepath: "m.h5", Mode: 7}}},
		{`MinDelta is NaN`, []Callback{&EarlyStopping{MinDelta: nan}}},
		{`Patience is -1`, []Callback{&EarlyStopping{Patience: -1}}},
		{`StartFromEpoch -2`, []Callback{&EarlyStopping{StartFromEpoch: -2}}},
		{`Baseline is NaN`, []Callback{&EarlyStopping{Baseline: &nan}}},
		{`StoppingThreshold is NaN`, []Callback{&EarlyStopping{StoppingThreshold: &nan}}},
		{`DivergenceThreshold is NaN`, []Callback{&EarlyStopping{DivergenceThreshold: &nan}}},
		{`StoppingThreshold is 2 and DivergenceThreshold 1, and every val_loss would pass one of them`, []Callback{&EarlyStopping{StoppingThreshold: new(2.0), DivergenceThreshold: new(1.0)}}},
		{`StoppingThreshold is 1 and DivergenceThreshold 1, and every val_accuracy`, []Callback{&EarlyStopping{Monitor: "val_accuracy", StoppingThreshold: new(1.0), DivergenceThreshold: new(1.0)}}},
		{`lower or a higher "rare" is better is not known`, []Callback{&EarlyStopping{Monitor: "rare", AllowMissing: true}}},
		{`ThresholdMode is ThresholdMode(5); the modes are Abs, Rel`, []Callback{&ReduceLROnPlateau{Factor: 0.1, ThresholdMode: 5}}},
		{`MinDelta is 1 with ThresholdMode Rel`, []Callback{&ReduceLROnPlateau{Factor: 0.1, MinDelta: 1, ThresholdMode: Rel}}},
		{`2 EarlyStoppings have RestoreBestWeights (monitors val_loss, accuracy)`, []Callback{&EarlyStopping{RestoreBestWeights: true}, &EarlyStopping{Monitor: "accuracy", RestoreBestWeights: true}}},
		{`Factor is 0;`, []Callback{&ReduceLROnPlateau{}}},
		{`Factor is 1;`, []Callback{&ReduceLROnPlateau{Factor: 1}}},
		{`Factor is NaN;`, []Callback{&ReduceLROnPlateau{Factor: nan}}},
		{`Patience is -1 and Cooldown 0`, []Callback{&ReduceLROnPlateau{Factor: 0.1, Patience: -1}}},
		{`MinLR is -1`, []Callback{&ReduceLROnPlateau{Factor: 0.1, MinLR: -1}}},
		{`MinLR 0.5 is above the learning rate 0.1`, []Callback{&ReduceLROnPlateau{Factor: 0.1, MinLR: 0.5}}},
		{`"" is no name of a model file; end Filepath in .h5`, []Callback{&ModelCheckpoint{}}},
		{`"model.onnx" is no name of a model file; end Filepath in .h5`, []Callback{&ModelCheckpoint{Filepath: "model.onnx"}}},
		{`end it in .weights.h5`, []Callback{&ModelCheckpoint{Filepath: "m.h5", SaveWeightsOnly: true}}},
		{`SaveWeightsOnly is false; set it`, []Callback{&ModelCheckpoint{Filepath: "m.weights.h5"}}},
		{`SaveFreq is -1`, []Callback{&ModelCheckpoint{Filepath: "m.h5", SaveFreq: -1}}},
		{`val_loss is known at epoch ends only`, []Callback{&ModelCheckpoint{Filepath: "m.h5", SaveFreq: 3, SaveBestOnly: true}}},
		{`InitialValueThreshold is NaN`, []Callback{&ModelCheckpoint{Filepath: "m.h5", InitialValueThreshold: &nan}}},
		{`EveryNEpochs is 0, SaveFreq 3 updates and SaveInterval 1m0s; set one`, []Callback{&ModelCheckpoint{Filepath: "m.h5", SaveFreq: 3, SaveInterval: time.Minute}}},
		{`SaveInterval -1s and SaveTopK 0; none may be negative`, []Callback{&ModelCheckpoint{Filepath: "m.h5", SaveInterval: -time.Second}}},
		{`SaveTopK -1; none may be negative`, []Callback{&ModelCheckpoint{Filepath: "m.h5", SaveTopK: -1}}},
		{`SaveTopK is 2 and SaveBestOnly set`, []Callback{&ModelCheckpoint{Filepath: "{epoch}.h5", SaveTopK: 2, SaveBestOnly: true}}},
		{`SaveTopK is 2 and Filepath "m.h5" names one file; add a field`, []Callback{&ModelCheckpoint{Filepath: "m.h5", SaveTopK: 2}}},
		{`"acc" is not logged; the names are ` + names, []Callback{&ModelCheckpoint{Filepath: "{epoch}.h5", Monitor: "acc", SaveTopK: 2}}},
		{`val_loss is known at epoch ends only`, []Callback{&ModelCheckpoint{Filepath: "{epoch}.h5", SaveInterval: time.Minute, SaveTopK: 2}}},
		{`field "val_loss" is not known when it is saved`, []Callback{&ModelCheckpoint{Filepath: "{val_loss}.h5", SaveInterval: time.Minute}}},
		{`"a/last.h5" is what SaveLast or OnException writes to`, []Callback{&ModelCheckpoint{Filepath: "a/last.h5", SaveLast: true}}},
		{`"exception.weights.h5" is what SaveLast or OnException writes to`, []Callback{&ModelCheckpoint{Filepath: "exception.weights.h5", SaveWeightsOnly: true, OnException: true}}},
		{`"m{epoch}.h5" is saved by 2 callbacks, and one with SaveTopK would remove what others saved`, []Callback{&ModelCheckpoint{Filepath: "m{epoch}.h5", SaveTopK: 2}, &ModelCheckpoint{Filepath: "m{epoch}.h5"}}},
		{`"late.keras" is saved by 2 callbacks`, []Callback{&ModelCheckpoint{Filepath: "late.keras", SaveTopK: 1}, &Timer{Duration: 1, Filepath: "late.keras"}}},
		{`Policy is NaNPolicy(9)`, []Callback{&TerminateOnNaN{Policy: 9}}},
		{`MaxConsecutive is -1`, []Callback{&TerminateOnNaN{Policy: SkipOnNaN, MaxConsecutive: -1}}},
		{`MaxConsecutive is 3, and the policy stops`, []Callback{&TerminateOnNaN{MaxConsecutive: 3}}},
		{`Factor is 0.5, and only the policy roll_back`, []Callback{&TerminateOnNaN{Policy: SkipOnNaN, Factor: 0.5}}},
		{`Factor is 2; each roll back`, []Callback{&TerminateOnNaN{Policy: RollBackOnNaN, Factor: 2}}},
		{`Factor is NaN; each roll back`, []Callback{&TerminateOnNaN{Policy: RollBackOnNaN, Factor: nan}}},
		{`SwapEMAWeights: the optimizer keeps no averages of the weights; set its UseEMA`, []Callback{&SwapEMAWeights{}}},
		{`two TerminateOnNaNs`, []Callback{&TerminateOnNaN{}, &TerminateOnNaN{Policy: SkipOnNaN}}},
		{`field "val_los" is not known when it is saved; the fields are epoch, ` + names, []Callback{&ModelCheckpoint{Filepath: "{val_los}.h5"}}},
		{`field "batch" is not known when it is saved`, []Callback{&ModelCheckpoint{Filepath: "{batch}.h5"}}},
		{`field "val_loss" is not known when it is saved; the fields are epoch, batch, loss, accuracy, novelty, learning_rate`, []Callback{&ModelCheckpoint{Filepath: "{val_loss}.h5", SaveFreq: 2}}},
		{`Lambda: no function is set`, []Callback{&Lambda{}}},
		{`Timer: Duration is 0s`, []Callback{&Timer{}}},
		{`MinLR 0.5 is above the learning rate 0.2 and would raise it`, []Callback{&ReduceLROnPlateau{Factor: 0.1, MinLR: 0.5}, &LearningRateScheduler{Schedule: schedules.Constant{LearningRate: 0.2}}}},
		{`in update 21 of epoch 3 the schedule's rate is NaN`, []Callback{&LearningRateScheduler{Schedule: ownSchedule{[]float64{1, 1, nan, 1, 1}}}}},
		{`in update 41 of epoch 5 the schedule's rate is -1`, []Callback{&LearningRateScheduler{Schedule: ownSchedule{[]float64{1, 1, 1, 1, -1}}}}},
		{`early_stopping watches val_loss with the mode min and reduce_lr_on_plateau with the mode max`, []Callback{&ReduceLROnPlateau{Factor: 0.1, Mode: Max}, &EarlyStopping{}}},
		{`early_stopping watches loss with the mode max and model_checkpoint with the mode min`, []Callback{&ModelCheckpoint{Filepath: "m.h5", Monitor: "loss", SaveBestOnly: true}, &EarlyStopping{Monitor: "loss", Mode: Max}}},
		{`csv_logger and journal both write`, []Callback{&Journal{Filename: "a/h"}, &CSVLogger{Filename: "a/b/../h"}}},
		{`curves and report both write`, []Callback{&Report{Filename: "x"}, &Curves{Filename: "x"}}},
		{`tensorboard and tensorboard both write`, []Callback{NewTensorBoard(), &TensorBoard{}}},
		{`it saves once, so its path has no fields`, []Callback{&Timer{Duration: 1, Filepath: "{epoch}.h5"}}},
		{`Timer: Filepath is "m.onnx"`, []Callback{&Timer{Duration: 1, Filepath: "m.onnx"}}},
		{`FLOPsPerSample is 1 and PeakFLOPS 0; set both`, []Callback{&Throughput{FLOPsPerSample: 1}}},
		{`FLOPsPerSample is NaN`, []Callback{&Throughput{FLOPsPerSample: nan, PeakFLOPS: 1}}},
		{`RemoteMonitor: the address is "ftp://x/publish/epoch/end/"; Root begins with http`, []Callback{&RemoteMonitor{Root: "ftp://x"}}},
		{`RemoteMonitor: Root and Path are no address`, []Callback{&RemoteMonitor{Root: "http://%zz"}}},
		{`RemoteMonitor: Root has a user name or password`, []Callback{&RemoteMonitor{Root: "http://me:secret@x"}}},
		{`RemoteMonitor: Timeout is -1s`, []Callback{&RemoteMonitor{Timeout: -1e9}}},
		{`RemoteMonitor: the header "X Y" has a name`, []Callback{&RemoteMonitor{Headers: map[string]string{"X Y": "1"}}}},
		{`RemoteMonitor: the header "X" has a name or a value`, []Callback{&RemoteMonitor{Headers: map[string]string{"X": "1\n2"}}}},
		{`EveryNEpochs is -1`, []Callback{&ModelCheckpoint{Filepath: "m.h5", EveryNEpochs: -1}}},
		{`EveryNEpochs is 2, SaveFreq 3 updates and SaveInterval 0s; set one`, []Callback{&ModelCheckpoint{Filepath: "m.h5", EveryNEpochs: 2, SaveFreq: 3}}},
		{`is not closed`, []Callback{&ModelCheckpoint{Filepath: "{epoch.h5"}}},
		{`has no { before it`, []Callback{&ModelCheckpoint{Filepath: "epoch}.h5"}}},
		{`format "s" is not one of Python's`, []Callback{&ModelCheckpoint{Filepath: "{epoch:s}.h5"}}},
		{`"d" is for whole numbers`, []Callback{&ModelCheckpoint{Filepath: "{loss:d}.h5"}}},
		{`".2" gives it decimals`, []Callback{&ModelCheckpoint{Filepath: "{epoch:.2}.h5"}}},
		{`HistogramFreq is -1`, []Callback{&TensorBoard{HistogramFreq: -1}}},
		{`HistogramFreq is 0; set it to a number of epochs`, []Callback{&TensorBoard{WriteImages: true}}},
		{`UpdateFreq is -3`, []Callback{&TensorBoard{UpdateFreq: -3}}},
		{`Schedule is not set`, []Callback{&LearningRateScheduler{}}},
		{`DecayRate is 0`, []Callback{&LearningRateScheduler{Schedule: schedules.Exponential{DecaySteps: 1}}}},
		{`two LearningRateSchedulers`, []Callback{&LearningRateScheduler{Schedule: schedules.Constant{}}, &LearningRateScheduler{Schedule: schedules.Constant{}}}},
		{`both 0`, []Callback{&WarmUp{}}},
		{`two WarmUps`, []Callback{&WarmUp{Steps: 1}, &WarmUp{Steps: 2}}},
		{`two ProgressBars`, []Callback{&ProgressBar{}, &ProgressBar{}}},
		{`Filename is empty`, []Callback{&CSVLogger{}}},
		{`one character`, []Callback{&CSVLogger{Filename: "a.csv", Separator: ", "}}},
		{`cannot separate columns`, []Callback{&CSVLogger{Filename: "a.csv", Separator: "\n"}}},
		{`number 2 of the list is nil`, []Callback{&History{}, nil}},
		{`stands twice`, func() []Callback { c := &EarlyStopping{}; return []Callback{c, c} }()},
		{`put a pointer in the list`, []Callback{byValue{f: []int{1}}}},
	} {
		_, err := NewManager(test.list, exampleSetup(t))
		assert.ErrorContains(t, err, test.want)
		assert.ErrorContains(t, err, "callbacks: ")
	}
}

type byValue struct{ f []int }

func (byValue) Name() string       { return "by_value" }
func (byValue) Begin(*Setup) error { return nil }

func TestEveryProblemIsListed(t *testing.T) {
	_, err := NewManager([]Callback{&EarlyStopping{Monitor: "a"}, &ReduceLROnPlateau{}, &WarmUp{}}, exampleSetup(t))
	assert.ErrorContains(t, err, "EarlyStopping")
	assert.ErrorContains(t, err, "Factor is 0")
	assert.ErrorContains(t, err, "WarmUp")
}

func TestMonitorOfValidationWithoutValidation(t *testing.T) {
	setup := exampleSetup(t)
	setup.Validation = false
	_, err := NewManager([]Callback{NewEarlyStopping()}, setup)
	assert.ErrorContains(t, err, "there is no validation data")
	_, err = NewManager([]Callback{NewModelCheckpoint("m.h5")}, setup)
	assert.NoError(t, err, "a checkpoint of every epoch needs no metric")
}

func TestSetupIsChecked(t *testing.T) {
	for want, change := range map[string]func(*Setup){
		"Run is nil":          func(s *Setup) { s.Run = nil },
		"Metrics is empty":    func(s *Setup) { s.Metrics = nil },
		"5 epochs of 0":       func(s *Setup) { s.StepsPerEpoch = 0 },
		"-1 epochs":           func(s *Setup) { s.Epochs = -1 },
		"LearningRate is -1":  func(s *Setup) { s.LearningRate = -1 },
		"LearningRate is NaN": func(s *Setup) { s.LearningRate = math.NaN() },
	} {
		setup := exampleSetup(t)
		change(&setup)
		_, err := NewManager(nil, setup)
		assert.ErrorContains(t, err, want)
	}
}

// A directory that is missing is made; one that cannot be made or written, or a file in its place, is an error before the
// first step.
func TestDirectories(t *testing.T) {
	setup := exampleSetup(t)
	_, err := NewManager([]Callback{
		&ModelCheckpoint{Filepath: "a/b/{epoch}/m.h5"}, &CSVLogger{Filename: "c/h.csv"}, &Journal{Filename: "d/j.jsonl"}, &Curves{Filename: "e/c.png"}, &TensorBoard{LogDir: "f"},
	}, setup)
	require.NoError(t, err)
	for _, dir := range []string{"a/b", "c", "d", "e", "f"} {
		entries, err := os.ReadDir(filepath.Join(setup.Dir, dir))
		require.NoError(t, err)
		assert.Empty(t, entries, "the probe is gone")
	}

	setup = exampleSetup(t)
	file := filepath.Join(setup.Dir, "file")
	require.NoError(t, os.WriteFile(file, nil, 0o666))
	require.NoError(t, os.Mkdir(filepath.Join(setup.Dir, "taken"), 0o777))
	for _, c := range []Callback{&ModelCheckpoint{Filepath: "file/m.h5"}, &CSVLogger{Filename: "file/h.csv"}, &Journal{Filename: "file/j.jsonl"}, &Curves{Filename: file + "/c.png"}, &TensorBoard{LogDir: "file"}} {
		_, err := NewManager([]Callback{c}, setup)
		assert.ErrorContains(t, err, "cannot be made", c.Name())
	}
	for _, c := range []Callback{&CSVLogger{Filename: "taken"}, &Journal{Filename: "taken"}, &Curves{Filename: "taken"}} {
		_, err := NewManager([]Callback{c}, setup)
		assert.ErrorContains(t, err, "is a directory", c.Name())
	}
	for _, c := range []Callback{&ModelCheckpoint{Filepath: "/proc/m.h5"}, &Journal{Filename: "/proc/j"}} {
		if _, err := os.Stat("/proc/self"); err != nil {
			continue // not Linux
		}
		_, err := NewManager([]Callback{c}, setup)
		assert.ErrorContains(t, err, "cannot be written", c.Name())
	}
}

func TestDirections(t *testing.T) {
	for name, want := range map[string]Mode{
		"loss": Min, "val_loss": Min, "head_loss": Min, "mean_squared_error": Min, "mse": Min, "val_sparse_categorical_crossentropy": Min, "kl_divergence": Min,
		"accuracy": Max, "val_acc": Max, "auc": Max, "val_auc_1": Max, "f1_score": Max, "sparse_top_k_categorical_accuracy": Max, "precision": Max, "recall_2": Max, "mean_io_u": Max,
		"novelty": Auto, "learning_rate": Auto, "lossy": Auto, "sauce": Auto,
	} {
		mode, known := direction(name)
		assert.Equal(t, want, mode, name)
		assert.Equal(t, want != Auto, known, name)
	}
}
