package callbacks

import (
	"bytes"
	"context"
	"errors"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestJournalSaysWhatWasDecidedAndWhy(t *testing.T) {
	s := stream{"loss": {0.5, 0.75, math.Inf(1)}, "val_loss": {nan, 0.5, 0.75}}
	r := &recorder{}
	m, err := NewManager([]Callback{
		NewJournal(), &EarlyStopping{MinDelta: 0.125, Patience: 1, RestoreBestWeights: true}, &ModelCheckpoint{Filepath: "m{epoch}.h5", Monitor: "loss", SaveBestOnly: true},
		&ModelCheckpoint{Filepath: "b{batch}.weights.h5", SaveWeightsOnly: true, SaveFreq: 5},
	}, setupFor(t, s, 2, r))
	require.NoError(t, err)
	fit(t, m, s, 0, r)
	got, err := os.ReadFile(filepath.Join(m.setup.Dir, "journal.jsonl"))
	require.NoError(t, err)
	assert.Equal(t, strings.Join([]string{
		`{"kind":"begin","epoch":0,"step":0,"learning_rate":0.1,"decisions":[],"run":{"version":1,"metrics":["loss"],"validation":true,"epochs":3,"steps_per_epoch":2,"learning_rate":0.1,"callbacks":[` +
			`{"early_stopping":{"baseline":null,"check_finite":false,"divergence_threshold":null,"min_delta":0.125,"mode":"auto","monitor":"","patience":1,"restore_best_weights":true,"start_from_epoch":0,"stopping_threshold":null,"strict":true,"verbose":0}},` +
			`{"journal":{"filename":"journal.jsonl"}},` +
			`{"model_checkpoint":{"every_n_epochs":0,"filepath":"b{batch}.weights.h5","initial_value_threshold":null,"mode":"auto","monitor":"","on_exception":false,"save_best_only":false,"save_freq":5,"save_interval":"0s","save_last":false,"save_top_k":0,"save_weights_only":true,"verbose":0}},` +
			`{"model_checkpoint":{"every_n_epochs":0,"filepath":"m{epoch}.h5","initial_value_threshold":null,"mode":"auto","monitor":"loss","on_exception":false,"save_best_only":true,"save_freq":"epoch","save_interval":"0s","save_last":false,"save_top_k":0,"save_weights_only":false,"verbose":0}}]}}`,
		`{"kind":"epoch","epoch":0,"step":2,"metrics":{"learning_rate":0.1,"loss":0.5,"val_loss":"NaN"},"learning_rate":0.1,"next_learning_rate":0.1,"decisions":[` +
			`{"callback":"model_checkpoint","action":"save","metric":"loss","value":0.5,"best":0.5,"wait":0,"path":"m1.h5","reason":"loss is 0.5, the first value"}],"watched":[` +
			`{"callback":"early_stopping","action":"","metric":"val_loss","value":"NaN","best":null,"wait":1,"path":"","reason":"val_loss is NaN"}]}`,
		`{"kind":"epoch","epoch":1,"step":4,"metrics":{"learning_rate":0.1,"loss":0.75,"val_loss":0.5},"learning_rate":0.1,"next_learning_rate":0.1,"decisions":[],"watched":[` +
			`{"callback":"early_stopping","action":"","metric":"val_loss","value":0.5,"best":0.5,"wait":0,"path":"","keep_weights":true,"reason":"val_loss is 0.5, the first value"},` +
			`{"callback":"model_checkpoint","action":"","metric":"loss","value":0.75,"best":0.5,"wait":0,"threshold":0.5,"path":"","reason":"loss 0.75 did not improve on 0.5"}]}`,
		`{"kind":"batch","epoch":2,"step":5,"metrics":{"learning_rate":0.1,"loss":"Infinity"},"learning_rate":0.1,"next_learning_rate":0.1,"decisions":[` +
			`{"callback":"model_checkpoint","action":"save","best":null,"wait":0,"path":"b1.weights.h5","weights_only":true,"reason":"every 5 updates"}]}`,
		`{"kind":"epoch","epoch":2,"step":6,"metrics":{"learning_rate":0.1,"loss":"Infinity","val_loss":0.75},"learning_rate":0.1,"next_learning_rate":0.1,"decisions":[` +
			`{"callback":"early_stopping","action":"stop","metric":"val_loss","value":0.75,"best":0.5,"wait":1,"threshold":0.375,"path":"","reason":"val_loss 0.75 did not improve on 0.5; 1 epoch without improvement, patience 1"}],"watched":[` +
			`{"callback":"model_checkpoint","action":"","metric":"loss","value":"Infinity","best":0.5,"wait":0,"threshold":0.5,"path":"","reason":"loss is +Inf"}]}`,
		`{"kind":"end","epoch":2,"step":6,"learning_rate":0.1,"decisions":[` +
			`{"callback":"early_stopping","action":"restore","metric":"val_loss","value":0.5,"best":0.5,"best_epoch":1,"wait":1,"path":"","reason":"epoch 2 had the best val_loss, 0.5"}],` +
			`"reason":"early_stopping: val_loss 0.75 did not improve on 0.5; 1 epoch without improvement, patience 1"}`, ``,
	}, "\n"), string(got))

	records := readJournal(t, filepath.Join(m.setup.Dir, "journal.jsonl"))
	require.Len(t, records, 6)
	assert.True(t, math.IsInf(float64(records[3].Metrics["loss"]), 1))
}

// A second run is appended behind the first, and a line that a crash cut off goes.
func TestJournalIsContinued(t *testing.T) {
	s := stream{"loss": {1}}
	setup := setupFor(t, s, 1, &recorder{})
	path := filepath.Join(setup.Dir, "journal.jsonl")
	for runs := 1; runs <= 3; runs++ {
		m, err := NewManager([]Callback{&Journal{}}, setup)
		require.NoError(t, err)
		fit(t, m, s, 0, &recorder{})
		assert.Len(t, readJournal(t, path), 3*runs)
		file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
		require.NoError(t, err)
		torn := `{"kind":"epoch","metrics":{` + strings.Repeat(" ", 10000)
		_, err = file.WriteString(torn)
		require.NoError(t, err)
		require.NoError(t, file.Close())
		assert.Len(t, readJournal(t, path), 3*runs, "a torn line is no record")
	}
	require.NoError(t, os.WriteFile(path, []byte("nothing but a torn line"), 0o666))
	m, err := NewManager([]Callback{&Journal{}}, setup)
	require.NoError(t, err)
	fit(t, m, s, 0, &recorder{})
	assert.Len(t, readJournal(t, path), 3)
}

func TestBrokenJournals(t *testing.T) {
	for text, want := range map[string]string{
		"{}\n":                        `line 1 has the kind ""`,
		"\n{\"kind\":\"begin\"}\nx\n": "line 3 is no record",
		`{"kind":"epoch","metrics":{"loss":"big"}}` + "\n": `"big" is no number`,
		`{"kind":"begin","run":{"version":2}}` + "\n":      "version 2 and this program reads up to 1",
	} {
		_, err := ReadJournal(strings.NewReader(text))
		assert.ErrorContains(t, err, want)
	}
	_, err := ReadJournal(brokenReader{})
	assert.ErrorContains(t, err, "disk on fire")
	records, err := ReadJournal(strings.NewReader(""))
	assert.NoError(t, err)
	assert.Empty(t, records)
	records, err = ReadJournal(strings.NewReader(`{"kind":"epoch","metrics":{"a":"NaN","b":"-Infinity","c":-1.5e-3}}` + "\n"))
	require.NoError(t, err)
	assert.True(t, math.IsNaN(float64(records[0].Metrics["a"])))
	assert.True(t, math.IsInf(float64(records[0].Metrics["b"]), -1))
	assert.Equal(t, Number(-1.5e-3), records[0].Metrics["c"])
	assert.Equal(t, records[0].Metrics["b"], roundTrip(t, records[0].Metrics["b"]))
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, errors.New("disk on fire") }

func TestCSVLogger(t *testing.T) {
	s := stream{"loss": {0.5, nan}, "accuracy": {0.25, 1}, "val_loss": {math.Inf(-1), 1e-7}, "val_accuracy": {0, 100}}
	setup := setupFor(t, s, 2, &recorder{})
	path := filepath.Join(setup.Dir, "logs", "h.csv")
	const rows = "0;0.25;0.1;0.5;0;-inf\n1;1;0.1;nan;100;1e-07\n"
	const header = "epoch;accuracy;learning_rate;loss;val_accuracy;val_loss\n"
	for i, want := range []string{header + rows, header + rows, header + rows + rows} {
		m, err := NewManager([]Callback{&CSVLogger{Filename: "logs/h.csv", Separator: ";", Append: i == 2}}, setup)
		require.NoError(t, err)
		fit(t, m, s, 0, &recorder{})
		got, err := os.ReadFile(path)
		require.NoError(t, err)
		assert.Equal(t, want, string(got))
	}
	// Rows are there before the run ends.
	m, err := NewManager([]Callback{&CSVLogger{Filename: "now.csv"}}, setup)
	require.NoError(t, err)
	require.NoError(t, m.TrainBegin())
	_, err = m.EpochEnd(0, s.at(0))
	require.NoError(t, err)
	got, err := os.ReadFile(filepath.Join(setup.Dir, "now.csv"))
	require.NoError(t, err)
	assert.Equal(t, 2, bytes.Count(got, []byte("\n")))
	require.NoError(t, m.TrainEnd(context.Canceled))
	// Another run's table is continued with the columns that it has, and new ones on the right.
	other := stream{"loss": {1}, "auc": {2}}
	m, err = NewManager([]Callback{&CSVLogger{Filename: "now.csv", Append: true}}, func() Setup { again := setupFor(t, other, 2, &recorder{}); again.Dir = setup.Dir; return again }())
	require.NoError(t, err)
	fit(t, m, other, 0, &recorder{})
	after, err := os.ReadFile(filepath.Join(setup.Dir, "now.csv"))
	require.NoError(t, err)
	assert.Equal(t, "epoch,accuracy,learning_rate,loss,val_accuracy,val_loss,auc\n0,0.25,0,0.5,0,-inf,NA\n0,NA,0.1,1,NA,NA,2\n", string(after))
}

// A run that is resumed has each epoch once, whatever was written after the state was saved.
func TestCSVLoggerResumes(t *testing.T) {
	s := stream{"loss": {0, 1, 2, 3, 4, 5}}
	setup := setupFor(t, s, 2, &recorder{})
	build := func() *Manager {
		m, err := NewManager([]Callback{&CSVLogger{Filename: "h.csv"}}, setup)
		require.NoError(t, err)
		return m
	}
	m := build()
	fit(t, m, stream{"loss": s["loss"][:2]}, 0, &recorder{})
	state, err := m.State()
	require.NoError(t, err)
	file := filepath.Join(setup.Dir, "h.csv")
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(file, append(text, "2,0.1,9\n3,0.1,9\n4,0."...), 0o666))
	m = build()
	require.NoError(t, m.Restore(state))
	fit(t, m, s, 2, &recorder{})
	text, err = os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, "epoch,learning_rate,loss\n0,0.1,0\n1,0.1,1\n2,0.1,2\n3,0.1,3\n4,0.1,4\n5,0.1,5\n", string(text))
}

// A full disk is an error that names the file, once, and the run's end is still told to everybody.
func TestFullDisk(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("there is no /dev/full here")
	}
	s := stream{"loss": {1, 2}}
	for _, c := range []func(dir string) Callback{
		func(string) Callback { return &Journal{Filename: "full"} },
		func(string) Callback { return &CSVLogger{Filename: "full"} },
	} {
		setup := setupFor(t, s, 1, &recorder{})
		require.NoError(t, os.Symlink("/dev/full", filepath.Join(setup.Dir, "full")))
		callback := c(setup.Dir)
		m, err := NewManager([]Callback{callback, &EarlyStopping{Monitor: "loss", RestoreBestWeights: true}}, setup)
		require.NoError(t, err)
		err = m.TrainBegin()
		require.ErrorIs(t, err, syscall.ENOSPC, callback.Name())
		assert.ErrorContains(t, err, "full")
		assert.NoError(t, m.TrainEnd(err), "said once")
	}
}

func TestCurvesAreDrawnOnEveryWayOut(t *testing.T) {
	for _, cause := range []error{nil, context.Canceled} {
		r := &recorder{}
		m, err := NewManager([]Callback{
			&Curves{}, &EarlyStopping{Patience: 4, RestoreBestWeights: true}, &ReduceLROnPlateau{Factor: 0.5, Patience: 1},
			&ModelCheckpoint{Filepath: "m.h5", Monitor: "val_accuracy", SaveBestOnly: true}, &ModelCheckpoint{Filepath: "all.h5"},
		}, setupFor(t, plateauStream, 1, r))
		require.NoError(t, err)
		require.NoError(t, m.TrainBegin())
		for epoch := range 6 {
			require.NoError(t, m.EpochBegin(epoch))
			_, err := m.EpochEnd(epoch, plateauStream.at(epoch))
			require.NoError(t, err)
		}
		curves := m.callbacks[0].(*Curves)
		require.NoError(t, m.TrainEnd(cause))
		file, err := os.Open(filepath.Join(m.setup.Dir, "curves.png"))
		require.NoError(t, err)
		_, err = png.Decode(file)
		require.NoError(t, err)
		require.NoError(t, file.Close())
		assert.Equal(t, 3, curves.marks[len(curves.marks)-1].Epoch, "the best epoch")
	}
	// Nothing is drawn of a run that has no epoch.
	m, err := NewManager([]Callback{NewCurves()}, exampleSetup(t))
	require.NoError(t, err)
	require.NoError(t, m.TrainBegin())
	require.NoError(t, m.TrainEnd(context.Canceled))
	assert.NoFileExists(t, filepath.Join(m.setup.Dir, "curves.png"))
}

func TestProgressBarCallback(t *testing.T) {
	var shown, said bytes.Buffer
	s := stream{"loss": {1, 0.5}, "val_loss": {1, 2}}
	r := &recorder{}
	setup := setupFor(t, s, 3, r)
	setup.Log = &said
	m, err := NewManager([]Callback{&ProgressBar{Output: &shown}, &EarlyStopping{Patience: 1, Verbose: 1}}, setup)
	require.NoError(t, err)
	m.Println("before")
	require.NoError(t, m.TrainBegin())
	for epoch := range 2 {
		require.NoError(t, m.EpochBegin(epoch))
		_, err := m.BatchEnd(Batch{Epoch: epoch, Step: 3 * epoch, Size: 4, Logs: func() Logs { return Logs{"loss": 3} }})
		require.NoError(t, err)
		require.NoError(t, m.TestBegin(2))
		require.NoError(t, m.TestBatchEnd(0))
		require.NoError(t, m.TestEnd())
		_, err = m.EpochEnd(epoch, s.at(epoch))
		require.NoError(t, err)
	}
	require.NoError(t, m.TrainEnd(nil))
	assert.Regexp(t, `(?s)epoch 1/2  [\d.]+s  [\d,]+ img/s  loss 1.0000  val_loss 1.0000  lr 1.000e-01\n.*epoch 2/2 .*val_loss 2.0000  lr 1.000e-01\nEpoch 2: early stopping: .*\n`, shown.String())
	assert.Equal(t, "before\n", said.String())
}

func TestHistoryBest(t *testing.T) {
	h := History{Epoch: []int{3, 4, 5}, Metrics: map[string][]float64{"val_loss": {nan, 2, 1}, "accuracy": {0.5, 0.75, 0.75}, "bad": {nan, nan, nan}}}
	epoch, value, ok := h.Best("val_loss", Auto)
	assert.Equal(t, []any{5, 1.0, true}, []any{epoch, value, ok})
	epoch, value, ok = h.Best("accuracy", Auto)
	assert.Equal(t, []any{4, 0.75, true}, []any{epoch, value, ok})
	epoch, _, _ = h.Best("val_loss", Max)
	assert.Equal(t, 4, epoch)
	_, _, ok = h.Best("bad", Min)
	assert.False(t, ok)
	_, _, ok = h.Best("none", Min)
	assert.False(t, ok)
}

func TestRestoreErrors(t *testing.T) {
	build := func(list ...Callback) *Manager {
		m, err := NewManager(list, exampleSetup(t))
		require.NoError(t, err)
		return m
	}
	good, err := build(NewEarlyStopping(), NewReduceLROnPlateau(), NewModelCheckpoint("m.h5"), newHistory()).State()
	require.NoError(t, err)
	assert.ErrorContains(t, build(NewEarlyStopping()).Restore(good), "is of the callbacks [early_stopping, model_checkpoint, reduce_lr_on_plateau] and the run has [early_stopping]")
	for i := range good.Callbacks {
		for _, broken := range []string{`{"surprise":1}`, `[`, `{"best":"x"}`} {
			bad := good
			bad.Callbacks = append([]CallbackState{}, good.Callbacks...)
			bad.Callbacks[i].State = []byte(broken)
			m := build(NewEarlyStopping(), NewReduceLROnPlateau(), NewModelCheckpoint("m.h5"))
			assert.ErrorContains(t, m.Restore(bad), "saved state of "+good.Callbacks[i].Name)
		}
	}
	bad := good
	bad.History = []byte("{")
	assert.ErrorContains(t, build(NewEarlyStopping(), NewReduceLROnPlateau(), NewModelCheckpoint("m.h5")).Restore(bad), "saved state of history")

	stopped := good
	stopped.StopReason = "enough"
	m := build(NewEarlyStopping(), NewReduceLROnPlateau(), NewModelCheckpoint("m.h5"))
	require.NoError(t, m.Restore(stopped))
	assert.Equal(t, Outcome{true, "enough"}, m.Stopped())
}
