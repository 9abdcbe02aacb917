package callbacks

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/meseta-go/meseta/schedules"
)

var nan = math.NaN()

// What differs from Keras on purpose, epoch by epoch: values that are not finite, cooldown, the floor of the rate.
func TestDecisionsOfOurOwn(t *testing.T) {
	for _, test := range []struct {
		name     string
		callback Callback
		losses   []float64
		want     string // a letter an epoch: . nothing, k kept weights, s saved, r reduced, X stopped
	}{
		{"NaN first is never best", &EarlyStopping{Monitor: "loss", Patience: 3, RestoreBestWeights: true}, []float64{nan, 0.9, 0.8, 0.85, 0.9, 0.95, 1}, ".kk..X"},
		{"-Inf is never best", &EarlyStopping{Monitor: "loss", Patience: 2, RestoreBestWeights: true}, []float64{0.9, math.Inf(-1), 0.8, 0.7, 0.75, 0.76}, "k.kk.X"},
		{"NaN only", &EarlyStopping{Monitor: "loss", Patience: 3, RestoreBestWeights: true}, []float64{nan, nan, nan, nan}, "..X"},
		{"check_finite stops at NaN", &EarlyStopping{Monitor: "loss", Patience: 9, CheckFinite: true}, []float64{0.9, 0.8, nan}, "..X"},
		{"check_finite stops in epoch 0", &EarlyStopping{Monitor: "loss", Patience: 9, CheckFinite: true}, []float64{math.Inf(1), 1}, "X"},
		{"check_finite waits for start_from_epoch", &EarlyStopping{Monitor: "loss", Patience: 9, CheckFinite: true, StartFromEpoch: 2}, []float64{nan, nan, 0.5, nan}, "...X"},
		{"a stopping threshold stops at once", &EarlyStopping{Monitor: "loss", Patience: 9, StoppingThreshold: new(0.5), RestoreBestWeights: true}, []float64{0.9, 0.5, 0.49, 0.3}, "kkX"},
		{"a stopping threshold stops without an improvement", &EarlyStopping{Monitor: "loss", Patience: 9, MinDelta: 1, StoppingThreshold: new(0.5)}, []float64{0.9, 0.4}, ".X"},
		{"a stopping threshold of an accuracy", &EarlyStopping{Monitor: "loss", Mode: Max, Patience: 9, StoppingThreshold: new(0.9)}, []float64{0.7, 0.9, 0.8, 0.91}, "...X"},
		{"a stopping threshold in epoch 0", &EarlyStopping{Monitor: "loss", StoppingThreshold: new(2.0)}, []float64{1, 1}, "X"},
		{"a divergence threshold stops at once", &EarlyStopping{Monitor: "loss", Patience: 9, DivergenceThreshold: new(2.0)}, []float64{1, 2, 1.5, 2.1}, "...X"},
		{"a first value may have diverged", &EarlyStopping{Monitor: "loss", Patience: 9, DivergenceThreshold: new(2.0)}, []float64{3, 1}, "X"},
		{"a divergence threshold of an accuracy", &EarlyStopping{Monitor: "loss", Mode: Max, Patience: 9, DivergenceThreshold: new(0.1)}, []float64{0.5, 0.1, 0.09}, "..X"},
		{"Inf has diverged, NaN has not", &EarlyStopping{Monitor: "loss", Patience: 9, DivergenceThreshold: new(2.0)}, []float64{1, nan, math.Inf(-1), math.Inf(1)}, "...X"},
		{"thresholds wait for start_from_epoch", &EarlyStopping{Monitor: "loss", Patience: 9, StartFromEpoch: 2, StoppingThreshold: new(0.5), DivergenceThreshold: new(2.0)}, []float64{0.1, 3, 1, 0.4}, "...X"},
		{"checkpoint ignores NaN", &ModelCheckpoint{Filepath: "m.h5", Monitor: "loss", SaveBestOnly: true}, []float64{nan, 0.9, nan, 0.95, 0.8}, ".s..s"},
		{"checkpoint ignores Inf in max", &ModelCheckpoint{Filepath: "m.h5", Monitor: "loss", SaveBestOnly: true, Mode: Max}, []float64{math.Inf(1), 0.9, 0.8, 1}, ".s.s"},
		{"plateau counts NaN as no improvement", &ReduceLROnPlateau{Monitor: "loss", Factor: 0.5, Patience: 2}, []float64{nan, nan, 0.5, nan, 0.6, nan}, ".r..r."},
		{"cooldown 1 skips one epoch", &ReduceLROnPlateau{Monitor: "loss", Factor: 0.5, Patience: 1, Cooldown: 1}, []float64{1, 1, 1, 1, 1, 1}, ".r.r.r"},
		{"cooldown 3 skips three", &ReduceLROnPlateau{Monitor: "loss", Factor: 0.5, Patience: 1, Cooldown: 3}, []float64{1, 1, 1, 1, 1, 1}, ".r...r"},
		{"an improvement in the cooldown counts", &ReduceLROnPlateau{Monitor: "loss", Factor: 0.5, Patience: 1, Cooldown: 2}, []float64{1, 1, 0.5, 0.6, 0.6}, ".r..r"},
		{"no reduction at min_lr", &ReduceLROnPlateau{Monitor: "loss", Factor: 0.5, Patience: 1, MinLR: 0.05}, []float64{1, 1, 1, 1}, ".r.."},
		{"rel wants a part of the best value", &ReduceLROnPlateau{Monitor: "loss", Factor: 0.5, Patience: 1, MinDelta: 0.1, ThresholdMode: Rel}, []float64{10, 9.1, 8.9, 8.1, 8}, ".r.r."},
		{"abs wants the delta itself", &ReduceLROnPlateau{Monitor: "loss", Factor: 0.5, Patience: 1, MinDelta: 0.1}, []float64{10, 9.1, 8.9, 8.81, 8}, "...r."},
		{"rel below zero", &ReduceLROnPlateau{Monitor: "loss", Factor: 0.5, Patience: 1, MinDelta: 0.1, ThresholdMode: Rel}, []float64{-10, -10.9, -11.1}, ".r."},
		{"rel of a maximum", &ReduceLROnPlateau{Monitor: "loss", Mode: Max, Factor: 0.5, Patience: 1, MinDelta: 0.5, ThresholdMode: Rel}, []float64{0.2, 0.29, 0.31, -1}, ".r.r"},
		{"min_lr is reached through float32", &ReduceLROnPlateau{Monitor: "loss", Factor: 0.1, Patience: 1, MinLR: 0.001}, []float64{1, 1, 1, 1, 1}, ".rr.."},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := stream{"loss": test.losses}
			r := &recorder{}
			m, err := NewManager([]Callback{test.callback}, setupFor(t, s, 1, r))
			require.NoError(t, err)
			require.NoError(t, m.TrainBegin())
			got := ""
			for epoch := range test.losses {
				require.NoError(t, m.EpochBegin(epoch))
				r.weights = fmt.Sprint("epoch ", epoch)
				out, err := m.EpochEnd(epoch, s.at(epoch))
				require.NoError(t, err)
				letter := "."
				for _, d := range append(m.LastRecord().Decisions, m.LastRecord().Watched...) {
					if d.Keep {
						letter = "k"
					}
					if l := map[Action]string{Save: "s", ReduceLR: "r", Stop: "X"}[d.Action]; l != "" {
						letter = l
					}
					if d.Best != nil {
						assert.True(t, finite(*d.Best))
					}
				}
				got += letter
				if out.Stop {
					break
				}
			}
			assert.Equal(t, test.want, got)
			require.NoError(t, m.TrainEnd(nil))
		})
	}
}

// A metric that need not be logged is passed over where it is missing, and watched where it is not.
func TestMissingMetricThatNeedNotBeLogged(t *testing.T) {
	s := stream{"loss": {1, 1, 1, 1, 1, 1}}
	var said bytes.Buffer
	setup := setupFor(t, s, 1, &recorder{})
	setup.Log = &said
	m, err := NewManager([]Callback{&EarlyStopping{Monitor: "rare_loss", Patience: 2, AllowMissing: true}, NewJournal()}, setup)
	require.NoError(t, err)
	require.NoError(t, m.TrainBegin())
	for epoch := range 6 {
		require.NoError(t, m.EpochBegin(epoch))
		logs := s.at(epoch)
		if epoch%2 == 1 {
			logs["rare_loss"] = float64(epoch)
		}
		out, err := m.EpochEnd(epoch, logs)
		require.NoError(t, err)
		assert.Equal(t, epoch == 5, out.Stop, "epoch %d: first value in epoch 1, worse ones in 3 and 5", epoch)
	}
	require.NoError(t, m.TrainEnd(nil))
	assert.Equal(t, 1, strings.Count(said.String(), "Warning: epoch 1: early stopping passes over epochs that lack rare_loss; the logs have learning_rate, loss"), said.String())
	assert.Equal(t, "rare_loss is not logged", readJournal(t, setup.Dir+"/journal.jsonl")[1].Watched[0].Reason)
}

func TestMinLRIsSaidOnce(t *testing.T) {
	s := stream{"loss": {1, 1, 1, 1, 1, 1}}
	var said bytes.Buffer
	setup := setupFor(t, s, 1, &recorder{})
	setup.Log = &said
	m, err := NewManager([]Callback{&ReduceLROnPlateau{Monitor: "loss", Factor: 0.5, Patience: 1, MinLR: 0.05, Verbose: 1}}, setup)
	require.NoError(t, err)
	fit(t, m, s, 0, &recorder{})
	assert.Equal(t, 1, strings.Count(said.String(), "has reached min_lr 5.000e-02"))
	assert.Equal(t, 1, strings.Count(said.String(), "Epoch 2: reducing the learning rate to 5.000e-02: loss 1 did not improve on 1; 1 epoch without improvement, patience 1"))
}

// Reductions multiply a schedule, the floor is under both, the warm-up over all, and a second plateau multiplies too.
func TestRatesCompose(t *testing.T) {
	s := stream{"loss": {1, 1, 1, 1, 1, 1}}
	r := &recorder{}
	m, err := NewManager([]Callback{
		&ReduceLROnPlateau{Monitor: "loss", Factor: 0.5, Patience: 1, MinLR: 0.01},
		&ReduceLROnPlateau{Monitor: "loss", Factor: 0.1, Patience: 3, MinLR: 0.001},
		&LearningRateScheduler{Schedule: schedules.Exponential{InitialLearningRate: 1, DecayRate: 0.5, DecaySteps: 2, Staircase: true}},
		&WarmUp{Epochs: 1, From: 0.5},
	}, setupFor(t, s, 2, r))
	require.NoError(t, err)
	used, _ := fit(t, m, s, 0, r)
	want := []float64{0.5, 0.75, 0.5, 0.5, 0.125, 0.125, 0.03125, 0.03125, 0.01, 0.01, 0.01, 0.01}
	assert.InDeltaSlice(t, want, used, 1e-12)
	assert.InDelta(t, 0.01, m.NextLearningRate(), 1e-12)
}

func TestSaveEveryNSteps(t *testing.T) {
	s := stream{"loss": {1, 0.5, 0.75}}
	r := &recorder{}
	m, err := NewManager([]Callback{
		&ModelCheckpoint{Filepath: "s{epoch:02d}-{batch:03d}-{loss:.1f}-{learning_rate:g}.weights.h5", SaveWeightsOnly: true, SaveFreq: 4},
		&ModelCheckpoint{Filepath: "best.h5", Monitor: "loss", SaveBestOnly: true, SaveFreq: 3},
	}, setupFor(t, s, 3, r))
	require.NoError(t, err)
	fit(t, m, s, 0, r)
	assert.Equal(t, []string{
		"save best.h5 false step 3",
		"save s02-001-0.5-0.1.weights.h5 true step 4",
		"save best.h5 false step 6",
		"save s03-002-0.8-0.1.weights.h5 true step 8",
	}, r.saved)
}

// Every second epoch: what is best in between is not looked at.
func TestSaveEveryNEpochs(t *testing.T) {
	s := stream{"loss": {1, 0.9, 0.1, 0.5, 0.4, 0.6, 0.3}}
	r := &recorder{}
	m, err := NewManager([]Callback{
		&ModelCheckpoint{Filepath: "e{epoch}.keras", EveryNEpochs: 3, Verbose: 1}, &ModelCheckpoint{Filepath: "best.h5", Monitor: "loss", SaveBestOnly: true, EveryNEpochs: 2},
		NewJournal(),
	}, setupFor(t, s, 1, r))
	require.NoError(t, err)
	fit(t, m, s, 0, r)
	assert.Equal(t, []string{"save best.h5 false step 2", "save e3.keras false step 3", "save best.h5 false step 4", "save e6.keras false step 6"}, r.saved)
	assert.Equal(t, "every 3 epochs", readJournal(t, m.setup.Dir+"/journal.jsonl")[3].Decisions[0].Reason)
}

func TestVerbose(t *testing.T) {
	s := stream{"loss": {1, 0.5, nan, 0.75, 0.8}}
	var said bytes.Buffer
	r := &recorder{}
	setup := setupFor(t, s, 1, r)
	setup.Log = &said
	m, err := NewManager([]Callback{
		&EarlyStopping{Monitor: "loss", Patience: 2, RestoreBestWeights: true, Verbose: 1},
		&ModelCheckpoint{Filepath: "best.h5", Monitor: "loss", SaveBestOnly: true, Verbose: 1},
		&ModelCheckpoint{Filepath: "all.h5", Verbose: 1},
		&LearningRateScheduler{Schedule: schedules.Constant{LearningRate: 0.25}, Verbose: 1},
	}, setup)
	require.NoError(t, err)
	fit(t, m, s, 0, r)
	for _, line := range []string{
		"Epoch 1: the learning rate is 2.500e-01",
		"Epoch 1: loss is 1, the first value, saving the model to best.h5",
		"Epoch 2: loss improved from 1 to 0.5, saving the model to best.h5",
		"Epoch 3: loss is NaN",
		"Warning: epoch 3: loss is NaN; it counts as no improvement",
		"Epoch 4: loss 0.75 did not improve on 0.5",
		"Epoch 4: every epoch, saving the model to all.h5",
		"Epoch 4: early stopping: loss 0.75 did not improve on 0.5; 2 epochs without improvement, patience 2",
		"Restored the weights of the best epoch, 2: loss 0.5",
	} {
		assert.Equal(t, 1, strings.Count(said.String(), line+"\n")+strings.Count(said.String(), line+". "), "%s\nin:\n%s", line, said.String())
	}
}

// A save that fails ends the run at the next step with an error that says which, the journal has it, and the best value is
// not taken: the next fit saves again.
func TestFailedSave(t *testing.T) {
	s := stream{"loss": {1, 0.9}}
	full := &recorder{failSave: errors.New("no space left on device")}
	best := &ModelCheckpoint{Filepath: "m.h5", Monitor: "loss", SaveBestOnly: true, Verbose: 1}
	setup := setupFor(t, s, 1, full)
	for _, late := range []bool{false, true} {
		setup.Dir = t.TempDir()
		m, err := NewManager([]Callback{best, &Journal{}}, setup)
		require.NoError(t, err)
		require.NoError(t, m.TrainBegin())
		require.NoError(t, m.EpochBegin(0))
		_, err = m.EpochEnd(0, s.at(0))
		if err == nil {
			m.saver.wait()
			if late { // found at the very end only
				err = m.TrainEnd(nil)
			} else {
				_, err = m.BatchEnd(Batch{Epoch: 1, Step: 1, Size: 8})
			}
		}
		require.ErrorContains(t, err, "model_checkpoint: no space left on device")
		require.NoError(t, m.TrainEnd(err))
		records := readJournal(t, filepath.Join(setup.Dir, "journal.jsonl"))
		last := records[len(records)-1]
		for _, r := range records[1:] { // where it was found
			for _, d := range r.Decisions {
				if d.Error != "" {
					assert.Equal(t, "m.h5", d.Path)
					assert.Contains(t, d.Error, "no space left")
					last.Kind = "found"
				}
			}
		}
		assert.EqualValues(t, "found", last.Kind)
	}

	r := &recorder{}
	setup.Run = r
	m, err := NewManager([]Callback{best}, setup)
	require.NoError(t, err)
	fit(t, m, s, 0, r)
	assert.Len(t, r.saved, 2)
}

// brokenRun cannot keep or restore weights.
type brokenRun struct{ recorder }

func (*brokenRun) KeepWeights() error              { return errors.New("no memory") }
func (*brokenRun) Snapshot(bool) (Snapshot, error) { return nil, errors.New("no memory") }
func (*brokenRun) RestoreWeights() error           { return errors.New("weights are gone") }

func TestBrokenRun(t *testing.T) {
	s := stream{"loss": {1}}
	setup := setupFor(t, s, 1, &brokenRun{})
	m, err := NewManager([]Callback{&EarlyStopping{Monitor: "loss", RestoreBestWeights: true}}, setup)
	require.NoError(t, err)
	require.NoError(t, m.TrainBegin())
	require.ErrorContains(t, m.TrainBegin(), "called twice")
	_, err = m.EpochEnd(0, s.at(0))
	require.ErrorContains(t, err, "no memory")
	require.ErrorContains(t, m.TrainEnd(err), "restoring the best weights: weights are gone")
}

func TestMissingMetric(t *testing.T) {
	m, err := NewManager(nil, exampleSetup(t))
	require.NoError(t, err)
	require.NoError(t, m.TrainBegin())
	_, err = m.EpochEnd(0, Logs{"loss": 1})
	assert.ErrorContains(t, err, `logged learning_rate, loss and lacks "accuracy"`)
	assert.NoError(t, m.TrainEnd(err))
}

func TestTrainEndWithoutBegin(t *testing.T) {
	m, err := NewManager([]Callback{&CSVLogger{Filename: "h.csv"}, &Journal{}}, exampleSetup(t))
	require.NoError(t, err)
	require.NoError(t, m.TrainEnd(errors.New("early")))
	assert.NoFileExists(t, filepath.Join(m.setup.Dir, "journal.jsonl"))
	assert.Equal(t, "early", m.History().StopReason)
}

// A step costs no allocation as long as no callback decides.
func TestBatchEndAllocatesNothing(t *testing.T) {
	setup := exampleSetup(t)
	m, err := NewManager([]Callback{
		NewEarlyStopping(), NewReduceLROnPlateau(), &ModelCheckpoint{Filepath: "m.h5", SaveFreq: 1 << 30}, &WarmUp{Steps: 5},
		&LearningRateScheduler{Schedule: schedules.Triangular{MaxLR: 1, StepSize: 3}}, &CSVLogger{Filename: "h.csv"}, NewJournal(), NewCurves(),
	}, setup)
	require.NoError(t, err)
	require.NoError(t, m.TrainBegin())
	require.NoError(t, m.EpochBegin(0))
	batch := Batch{Size: 8, Logs: func() Logs { return Logs{} }}
	assert.Zero(t, testing.AllocsPerRun(100, func() {
		_ = m.LearningRate(0, batch.Step)
		_, _ = m.BatchEnd(batch)
		batch.Step++
	}))
	require.NoError(t, m.TrainEnd(nil))
}

// A replay decides as the run did, and touches nothing.
func TestReplay(t *testing.T) {
	build := func() []Callback {
		return []Callback{
			&EarlyStopping{Patience: 4, RestoreBestWeights: true}, &ModelCheckpoint{Filepath: "d/m-{val_loss:.2f}.h5", SaveBestOnly: true},
			&ReduceLROnPlateau{Factor: 0.5, Patience: 1, Cooldown: 1}, &LearningRateScheduler{Schedule: schedules.Exponential{DecayRate: 0.9, DecayEpochs: 1}},
			&Journal{}, &CSVLogger{Filename: "h.csv"}, &Curves{}, &ProgressBar{}, &History{},
		}
	}
	r := &recorder{}
	list := build()
	list[7] = &ProgressBar{Output: &bytes.Buffer{}}
	m, err := NewManager(list, setupFor(t, plateauStream, 3, r))
	require.NoError(t, err)
	fit(t, m, plateauStream, 0, r)
	records := readJournal(t, filepath.Join(m.setup.Dir, "journal.jsonl"))

	for _, steps := range []int{3, 0} {
		setup := setupFor(t, plateauStream, steps, nil)
		setup.Run, setup.Replay = nil, true
		replay, err := NewManager(build(), setup)
		require.NoError(t, err)
		require.NoError(t, replay.TrainBegin())
		for epoch := range plateauStream.epochs() {
			require.NoError(t, replay.EpochBegin(epoch))
			out, err := replay.EpochEnd(epoch, plateauStream.at(epoch))
			require.NoError(t, err)
			want := records[1+epoch]
			got := roundTrip(t, *replay.LastRecord())
			if steps == 0 { // steps are not counted, so rates go by whole epochs
				reduced := math.Pow(0.5, float64(reductions(records[:2+epoch])))
				assert.InDelta(t, 0.1*math.Pow(0.9, float64(epoch+1))*reduced, got.NextLearningRate, 1e-12)
			} else {
				assert.Equal(t, want, got)
			}
			if out.Stop {
				break
			}
		}
		require.NoError(t, replay.TrainEnd(nil))
		if steps == 3 {
			assert.Equal(t, records[len(records)-1], roundTrip(t, *replay.LastRecord()))
		}
		entries, err := os.ReadDir(setup.Dir)
		require.NoError(t, err)
		assert.Empty(t, entries)
	}
}

func reductions(records []Record) (n int) {
	for _, r := range records {
		for _, d := range r.Decisions {
			if d.Action == ReduceLR {
				n++
			}
		}
	}
	return n
}

func readJournal(t *testing.T, path string) []Record {
	t.Helper()
	file, err := os.Open(path)
	require.NoError(t, err)
	defer file.Close()
	records, err := ReadJournal(file)
	require.NoError(t, err)
	return records
}
