package callbacks

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// clock is a time that a test sets.
type clock struct{ t time.Time }

func (c *clock) now() time.Time { return c.t }

// startTimer is TrainBegin on a clock of the test's own.
func startTimer(t *testing.T, m *Manager, timer *Timer) *clock {
	require.NoError(t, m.TrainBegin())
	c := &clock{timer.begun}
	timer.now = c.now
	return c
}

func TestTimerSavesAndStops(t *testing.T) {
	s := stream{"loss": {3, 2, 1}}
	timer := &Timer{Duration: time.Minute, Filepath: "late.weights.h5", Verbose: 1}
	r := &recorder{weights: "now"}
	var said bytes.Buffer
	setup := setupFor(t, s, 2, r)
	setup.Log = &said
	m, err := NewManager([]Callback{timer, NewJournal()}, setup)
	require.NoError(t, err)
	clock := startTimer(t, m, timer)
	require.NoError(t, m.EpochBegin(0))
	update := func(step int) Outcome {
		out, err := m.BatchEnd(Batch{Index: step % 2, Step: step, Size: 8, Logs: func() Logs { return Logs{"loss": 3} }})
		require.NoError(t, err)
		return out
	}
	clock.t = clock.t.Add(time.Minute - 1)
	assert.False(t, update(0).Stop)
	assert.Empty(t, r.saved)
	clock.t = clock.t.Add(1)
	assert.Equal(t, Outcome{true, "timer: the time of 1m0s is over"}, update(1))
	_, err = m.EpochEnd(0, s.at(0))
	require.NoError(t, err)
	require.NoError(t, m.TrainEnd(nil))
	assert.Equal(t, []string{"save late.weights.h5 true now"}, r.saved, "once")
	assert.Equal(t, "timer: the time of 1m0s is over", m.History().StopReason)
	assert.Equal(t, "Epoch 1: the time of 1m0s is over, saving the model to late.weights.h5\n", said.String())
	records := readJournal(t, setup.Dir+"/journal.jsonl")
	require.Len(t, records, 4)
	assert.Equal(t, RecordBatch, records[1].Kind)
	assert.Equal(t, Stop, records[1].Decisions[0].Action)
	assert.Equal(t, "late.weights.h5", records[1].Decisions[0].Path)
}

// The time may run out in validation.
// TestTimerWaitsForTheUpdateThatIsUnderWay: a time that runs out while the next update is under way stops the run after that one, not between the two.
func TestTimerWaitsForTheUpdateThatIsUnderWay(t *testing.T) {
	s := stream{"loss": {3, 2, 1}}
	timer := &Timer{Duration: time.Minute}
	m, err := NewManager([]Callback{timer}, setupFor(t, s, 3, &recorder{weights: "now"}))
	require.NoError(t, err)
	clock := startTimer(t, m, timer)
	require.NoError(t, m.EpochBegin(0))
	update := func(step int, ahead bool) bool {
		out, err := m.BatchEnd(Batch{Index: step, Step: step, Size: 8, Ahead: ahead, Logs: func() Logs { return Logs{"loss": 3} }})
		require.NoError(t, err)
		return out.Stop
	}
	assert.False(t, m.Looks(0))
	clock.t = clock.t.Add(time.Minute)
	assert.False(t, update(0, true))
	assert.True(t, m.Looks(1))
	assert.True(t, update(1, false))
}

func TestTimerStopsAtAnEpochEnd(t *testing.T) {
	s := stream{"loss": {3, 2, 1}}
	timer := &Timer{Duration: time.Minute}
	r := &recorder{}
	m, err := NewManager([]Callback{timer}, setupFor(t, s, 1, r))
	require.NoError(t, err)
	clock := startTimer(t, m, timer)
	require.NoError(t, m.EpochBegin(0))
	out, err := m.EpochEnd(0, s.at(0))
	require.NoError(t, err)
	assert.False(t, out.Stop)
	clock.t = clock.t.Add(time.Hour)
	require.NoError(t, m.EpochBegin(1))
	out, err = m.EpochEnd(1, s.at(1))
	require.NoError(t, err)
	assert.True(t, out.Stop)
	assert.Empty(t, r.saved)
	require.NoError(t, m.TrainEnd(nil))
}

// A run that is resumed has the rest of the time; a new fit has all of it.
func TestTimerCountsOverResumes(t *testing.T) {
	s := stream{"loss": {3, 2, 1}}
	timer := &Timer{Duration: time.Minute}
	build := func() *Manager {
		m, err := NewManager([]Callback{timer}, setupFor(t, s, 1, &recorder{}))
		require.NoError(t, err)
		return m
	}
	m := build()
	clock := startTimer(t, m, timer)
	clock.t = clock.t.Add(40 * time.Second)
	require.NoError(t, m.TrainEnd(nil))
	clock.t = clock.t.Add(time.Hour) // between the parts nothing counts
	state, err := m.State()
	require.NoError(t, err)
	assert.JSONEq(t, `{"seconds":40,"done":false}`, string(state.Callbacks[0].State))

	m = build()
	require.NoError(t, m.Restore(roundTrip(t, state)))
	clock = startTimer(t, m, timer)
	clock.t = clock.t.Add(19 * time.Second)
	assert.False(t, timer.BatchDue(1))
	clock.t = clock.t.Add(time.Second)
	assert.True(t, timer.BatchDue(1))

	m = build()
	clock = startTimer(t, m, timer)
	clock.t = clock.t.Add(59 * time.Second)
	assert.False(t, timer.BatchDue(1))
	require.NoError(t, m.TrainEnd(nil))

	assert.ErrorContains(t, timer.Restore(json.RawMessage(`{"seconds":-1}`)), "it is broken")
	assert.ErrorContains(t, timer.Restore(json.RawMessage(`{"seconds":1e30}`)), "it is broken")
	assert.ErrorContains(t, timer.Restore(json.RawMessage(`{"minutes":1}`)), "saved state of timer")
}

// A save that fails before the stop is an error: the run ends with it.
func TestTimerThatCannotSave(t *testing.T) {
	s := stream{"loss": {3}}
	timer := &Timer{Duration: time.Minute, Filepath: "late.h5"}
	m, err := NewManager([]Callback{timer}, setupFor(t, s, 1, &recorder{failSave: errors.New("disk full")}))
	require.NoError(t, err)
	clock := startTimer(t, m, timer)
	clock.t = clock.t.Add(time.Hour)
	require.NoError(t, m.EpochBegin(0))
	out, err := m.BatchEnd(Batch{Size: 8, Logs: func() Logs { return Logs{"loss": 3} }})
	assert.True(t, out.Stop)
	err = errors.Join(err, m.TrainEnd(err))
	assert.ErrorContains(t, err, "callbacks: timer: disk full")
}

func TestReplayKnowsNoTime(t *testing.T) {
	timer := &Timer{Duration: 1, Filepath: "nowhere/late.h5"}
	m, err := NewManager([]Callback{timer}, Setup{Metrics: []string{"loss"}, Epochs: 2, LearningRate: 1, Replay: true})
	require.NoError(t, err)
	require.NoError(t, m.TrainBegin())
	require.NoError(t, m.EpochBegin(0))
	out, err := m.EpochEnd(0, Logs{"loss": 1})
	require.NoError(t, err)
	assert.False(t, out.Stop)
	assert.NoDirExists(t, "nowhere")
}
