package callbacks

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/meseta-go/meseta/schedules"
)

// recorder is a Run that writes down what it is asked to do.
type recorder struct {
	did      []string
	saved    []string // complete once TrainEnd has returned
	weights  string   // names the moment that the weights are of
	kept     string
	averages string // of the weights, if any
	failSave error
	failSwap error
}

func (r *recorder) Snapshot(weightsOnly bool) (Snapshot, error) {
	return &recordedCopy{r, r.weights, weightsOnly}, nil
}

// recordedCopy is a copy of a recorder's weights.
type recordedCopy struct {
	r           *recorder
	weights     string
	weightsOnly bool
}

// Write runs in a goroutine of the saver, and no two of them at once.
func (c *recordedCopy) Write(path string, weightsOnly bool) error {
	if c.r.failSave != nil {
		return c.r.failSave
	}
	if c.weightsOnly && !weightsOnly {
		return errors.New("the copy has the weights alone")
	}
	c.r.saved = append(c.r.saved, fmt.Sprintf("save %s %v %s", filepath.Base(path), weightsOnly, c.weights))
	return os.WriteFile(path, []byte(c.weights), 0o666)
}

func (c *recordedCopy) Restore() error {
	c.r.did = append(c.r.did, "roll back to "+c.weights)
	c.r.weights = c.weights
	return nil
}

func (r *recorder) KeepWeights() error {
	r.kept = r.weights
	r.did = append(r.did, "keep "+r.weights)
	return nil
}

func (r *recorder) RestoreWeights() error {
	r.did = append(r.did, "restore "+r.kept)
	r.weights = r.kept
	return nil
}

func (r *recorder) HasAverages() bool { return r.averages != "" }

func (r *recorder) SwapAverages() (bool, error) {
	if r.failSwap != nil {
		return false, r.failSwap
	}
	r.weights, r.averages = r.averages, r.weights
	return true, nil
}

func (r *recorder) EachWeight(visit func(string, []int, []float32) error) error {
	if err := visit("dense/kernel", []int{2, 3}, []float32{1, 2, 3, 4, 5, 6}); err != nil {
		return err
	}
	return visit("dense/bias", []int{3}, []float32{0, 0, 0})
}

func (*recorder) Config() ([]byte, error) { return []byte(`{"class_name": "Sequential"}`), nil }

// stream is what the epochs of a test log, by metric.
type stream map[string][]float64

func (s stream) epochs() int {
	for _, values := range s {
		return len(values)
	}
	return 0
}

func (s stream) at(epoch int) Logs {
	logs := Logs{}
	for name, values := range s {
		logs[name] = values[epoch]
	}
	return logs
}

// setupFor describes a run of so many steps an epoch that logs stream.
func setupFor(t *testing.T, s stream, steps int, run Run) Setup {
	setup := Setup{Epochs: s.epochs(), StepsPerEpoch: steps, LearningRate: 0.1, Dir: t.TempDir(), Run: run}
	for _, name := range slices.Sorted(maps.Keys(s)) {
		if strings.HasPrefix(name, "val_") {
			setup.Validation = true
		} else {
			setup.Metrics = append(setup.Metrics, name)
		}
	}
	return setup
}

// fit runs the hooks as a trainer does, and returns the rate of every update.
func fit(t *testing.T, m *Manager, s stream, from int, r *recorder) (used []float64, stopped Outcome) {
	t.Helper()
	require.NoError(t, m.TrainBegin())
	for epoch := from; epoch < s.epochs(); epoch++ {
		require.NoError(t, m.EpochBegin(epoch))
		for i := range m.setup.StepsPerEpoch {
			step := epoch*m.setup.StepsPerEpoch + i
			used = append(used, m.LearningRate(epoch, step))
			r.weights = fmt.Sprint("step ", step+1)
			_, err := m.BatchEnd(Batch{Epoch: epoch, Index: i, Step: step, Size: 8, Logs: func() Logs {
				logs := Logs{}
				for _, name := range m.setup.Metrics {
					logs[name] = s[name][epoch]
				}
				return logs
			}})
			require.NoError(t, err)
			m.saver.wait() // so that no save overtakes another one
		}
		var err error
		stopped, err = m.EpochEnd(epoch, s.at(epoch))
		require.NoError(t, err)
		m.saver.wait()
		if stopped.Stop {
			break
		}
	}
	require.NoError(t, m.TrainEnd(nil))
	return used, stopped
}

var plateauStream = stream{
	"loss":         {1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1},
	"accuracy":     {0.5, 0.6, 0.7, 0.7, 0.8, 0.8, 0.8, 0.9, 0.9, 0.9},
	"val_loss":     {1.0, 0.8, 0.9, 0.7, 0.75, 0.72, 0.71, 0.73, 0.9, 0.95},
	"val_accuracy": {0.5, 0.55, 0.6, 0.58, 0.59, 0.61, 0.61, 0.6, 0.5, 0.5},
}

func TestSeedCallbacks(t *testing.T) {
	r := &recorder{}
	m, err := NewManager([]Callback{
		&EarlyStopping{Monitor: "val_loss", Patience: 4, RestoreBestWeights: true},
		&ModelCheckpoint{Filepath: "mejor_modelo.h5", Monitor: "val_accuracy", SaveBestOnly: true, Mode: Max},
		&ReduceLROnPlateau{Factor: 0.5, Patience: 2, MinDelta: 1e-4},
		&LearningRateScheduler{Schedule: schedules.Exponential{DecayRate: 0.9, DecayEpochs: 1, Staircase: true}},
		&WarmUp{Steps: 4},
	}, setupFor(t, plateauStream, 3, r))
	require.NoError(t, err)
	used, stopped := fit(t, m, plateauStream, 0, r)

	assert.True(t, stopped.Stop)
	assert.Contains(t, stopped.Reason, "patience 4")
	assert.Equal(t, []int{0, 1, 2, 3, 4, 5, 6, 7}, m.History().Epoch)
	assert.Equal(t, []string{"keep step 3", "keep step 6", "keep step 12", "restore step 12"}, r.did)
	assert.Equal(t, []string{
		"save mejor_modelo.h5 false step 3", "save mejor_modelo.h5 false step 6", "save mejor_modelo.h5 false step 9", "save mejor_modelo.h5 false step 18",
	}, r.saved)
	want := []float64{0, 0.025, 0.05, 0.9 * 0.075}
	assert.InDeltaSlice(t, want, used[:4], 1e-12)
	// Two epochs after the best (index 3) the rate is halved for epoch 6 on.
	assert.InDelta(t, 0.1*math.Pow(0.9, 5), used[5*3], 1e-12)
	assert.InDelta(t, 0.1*math.Pow(0.9, 6)*0.5, used[6*3], 1e-12)
	assert.InDelta(t, 0.1*math.Pow(0.9, 7)*0.5, m.History().Metrics["learning_rate"][7], 1e-12)
}

// watching is a callback of another package.
type watching struct{ Callback }

func (watching) Watch(Event) error { return nil }

// TestLooks: only who decides after an update, and who is not of this package and told of it, may look at the model then.
func TestLooks(t *testing.T) {
	for name, x := range map[string]struct {
		callback Callback
		want     []bool // after updates 1, 2 and 3
	}{
		"nobody":          {NewJournal(), []bool{false, false, false}},
		"a save":          {&ModelCheckpoint{Filepath: "a.h5", SaveFreq: 2}, []bool{false, true, false}},
		"epochs":          {&Lambda{OnEpochEnd: func(Event) error { return nil }}, []bool{false, false, false}},
		"batches":         {&Lambda{OnBatchEnd: func(Event) error { return nil }}, []bool{true, true, true}},
		"TensorBoard":     {&TensorBoard{UpdateFreq: 1}, []bool{false, false, false}},
		"somebody else's": {&watching{NewJournal()}, []bool{true, true, true}},
	} {
		m, err := NewManager([]Callback{x.callback}, setupFor(t, stream{"loss": {1}}, 3, &recorder{}))
		require.NoError(t, err)
		for step, want := range x.want {
			assert.Equal(t, want, m.Looks(step), "%s after update %d", name, step+1)
		}
	}
}

// A run that stops anywhere and continues from the saved state decides as the uninterrupted one.
func TestResumeDecidesTheSame(t *testing.T) {
	build := func(r *recorder) *Manager {
		m, err := NewManager([]Callback{
			&EarlyStopping{Patience: 4, RestoreBestWeights: true},
			&ModelCheckpoint{Filepath: "m.h5", Monitor: "val_accuracy", SaveBestOnly: true},
			&ReduceLROnPlateau{Factor: 0.5, Patience: 1, Cooldown: 1},
			&History{},
		}, setupFor(t, plateauStream, 2, r))
		require.NoError(t, err)
		return m
	}
	whole := &recorder{}
	m := build(whole)
	used, stopped := fit(t, m, plateauStream, 0, whole)
	for cut := 1; cut < 8; cut++ {
		r := &recorder{}
		before := build(r)
		short := stream{}
		for name, values := range plateauStream {
			short[name] = values[:cut]
		}
		usedBefore, _ := fit(t, before, short, 0, r)
		r.did = slices.DeleteFunc(r.did, func(s string) bool { return strings.HasPrefix(s, "restore") })
		state, err := before.State()
		require.NoError(t, err)

		after := build(r)
		require.NoError(t, after.Restore(roundTrip(t, state)))
		usedAfter, stoppedAfter := fit(t, after, plateauStream, cut, r)
		assert.Equal(t, used, slices.Concat(usedBefore, usedAfter), "cut %d", cut)
		assert.Equal(t, stopped, stoppedAfter)
		assert.Equal(t, whole.did, r.did)
		assert.Equal(t, whole.saved, r.saved)
		assert.Equal(t, m.History(), after.History())
	}
}

func TestNewFitIsFresh(t *testing.T) {
	es, lr := &EarlyStopping{Patience: 4}, &ReduceLROnPlateau{Factor: 0.5, Patience: 1}
	best := &ModelCheckpoint{Filepath: "m.h5", Monitor: "val_accuracy", SaveBestOnly: true}
	var runs [2][]float64
	for i := range runs {
		r := &recorder{}
		m, err := NewManager([]Callback{es, lr, best}, setupFor(t, plateauStream, 2, r))
		require.NoError(t, err)
		runs[i], _ = fit(t, m, plateauStream, 0, r)
		if i == 1 {
			assert.Empty(t, r.saved, "the checkpoint's best value is kept across fits, as in Keras")
		}
	}
	assert.Equal(t, runs[0], runs[1])
}

func TestBestWeightsAreRestoredOnEveryWayOut(t *testing.T) {
	for _, cause := range []error{nil, context.Canceled, errors.New("disk on fire")} {
		r := &recorder{}
		m, err := NewManager([]Callback{&EarlyStopping{Patience: 9, RestoreBestWeights: true}}, setupFor(t, plateauStream, 1, r))
		require.NoError(t, err)
		require.NoError(t, m.TrainBegin())
		for epoch := range 3 {
			require.NoError(t, m.EpochBegin(epoch))
			r.weights = fmt.Sprint("epoch ", epoch)
			_, err := m.EpochEnd(epoch, plateauStream.at(epoch))
			require.NoError(t, err)
		}
		require.NoError(t, m.TrainEnd(cause))
		require.NoError(t, m.TrainEnd(cause))
		assert.Equal(t, "epoch 1", r.weights)
		assert.Equal(t, Restore, m.LastRecord().Decisions[0].Action)
		if cause != nil {
			assert.Equal(t, cause.Error(), m.History().StopReason)
		}
	}
}
