package callbacks

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var errNotFinite = errors.New("the loss is not finite")

// nanRun runs epochs of four updates, of which bad ones (numbered from 0) are not finite, and returns what each update and
// epoch end led to: a letter for the action (. for none), and the rates.
func nanRun(t *testing.T, m *Manager, r *recorder, epochs int, bad ...int) (got string, rates []float64, err error) {
	letters := map[Action]string{Stop: "X", Skip: "s", RollBack: "r", None: "."}
	require.NoError(t, m.TrainBegin())
	defer func() { require.NoError(t, m.TrainEnd(err)) }()
	for epoch := range epochs {
		require.NoError(t, m.EpochBegin(epoch))
		var out Outcome
		for i := range 4 {
			b := Batch{Epoch: epoch, Index: i, Step: 4*epoch + i, Size: 8, Logs: func() Logs { return Logs{"loss": 1} }}
			rates = append(rates, m.LearningRate(epoch, b.Step))
			letter := "u"
			if len(bad) > 0 && bad[0] == b.Step {
				bad = bad[1:]
				b.Err, b.Loss = errNotFinite, math.NaN()
			} else {
				r.weights = fmt.Sprint("update ", b.Step)
			}
			if out, err = m.BatchEnd(b); err != nil {
				return got + "E", rates, err
			}
			if b.Err != nil {
				letter = letters[m.LastRecord().Decisions[0].Action]
			}
			got += letter
			if out.Stop {
				break
			}
		}
		if out, err = m.EpochEnd(epoch, Logs{"loss": 1}); err != nil {
			return got, rates, err
		}
		got += " "
		if out.Stop {
			break
		}
	}
	return got, rates, nil
}

func TestTerminateOnNaN(t *testing.T) {
	for _, test := range []struct {
		name     string
		callback *TerminateOnNaN
		bad      []int
		want     string
		did      string
	}{
		{"stop", &TerminateOnNaN{}, []int{5}, "uuuu uX ", ""},
		{"stop at the first update", &TerminateOnNaN{}, []int{0}, "X ", ""},
		{"raise_error", &TerminateOnNaN{RaiseError: true}, []int{5}, "uuuu uE", ""},
		{"skip", &TerminateOnNaN{Policy: SkipOnNaN}, []int{1, 2, 6}, "ussu uusu uuuu ", ""},
		{"skip, too many in a row", &TerminateOnNaN{Policy: SkipOnNaN, MaxConsecutive: 2}, []int{1, 2, 4, 5, 6}, "ussu ssX ", ""},
		{"skip, too many in a row over an epoch's end", &TerminateOnNaN{Policy: SkipOnNaN, MaxConsecutive: 2, RaiseError: true}, []int{2, 3, 4}, "uuss E", ""},
		{"roll back to the last epoch", &TerminateOnNaN{Policy: RollBackOnNaN}, []int{6}, "uuuu uuru uuuu ", "roll back to update 3"},
		{"roll back to the beginning", &TerminateOnNaN{Policy: RollBackOnNaN}, []int{2}, "uuru uuuu uuuu ", "roll back to begin"},
		{"roll back too often", &TerminateOnNaN{Policy: RollBackOnNaN, MaxConsecutive: 2}, []int{4, 5, 7}, "uuuu rruX ", "roll back to update 3, roll back to update 3"},
		{"an epoch's end is a new state", &TerminateOnNaN{Policy: RollBackOnNaN, MaxConsecutive: 1}, []int{1, 5, 9}, "uruu uruu uruu ", "roll back to begin, roll back to update 3, roll back to update 7"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := stream{"loss": {1, 1, 1}}
			r := &recorder{weights: "begin"}
			var said bytes.Buffer
			setup := setupFor(t, s, 4, r)
			setup.Log = &said
			m, err := NewManager([]Callback{test.callback, NewJournal()}, setup)
			require.NoError(t, err)
			got, rates, err := nanRun(t, m, r, 3, test.bad...)
			assert.Equal(t, test.want, got)
			assert.Equal(t, test.did, strings.Join(r.did, ", "))
			if strings.Contains(test.want, "E") {
				assert.ErrorIs(t, err, errNotFinite)
			} else {
				assert.NoError(t, err)
			}
			if strings.Contains(test.want, "X") {
				assert.Contains(t, m.History().StopReason, fmt.Sprintf("terminate_on_nan: the loss is NaN in update %d", test.bad[len(test.bad)-1]+1))
			}
			assert.Equal(t, math.Pow(0.5, float64(strings.Count(got, "r")))*0.1, m.NextLearningRate())
			assert.Equal(t, 0.1, rates[0])
			assert.Equal(t, len(test.bad), test.callback.Batches())
			assert.Contains(t, said.String(), "the loss is NaN in update")
			if len(test.bad) > 1 {
				assert.Contains(t, said.String(), fmt.Sprintf("TerminateOnNaN: %d batches were not finite and changed no weight\n", len(test.bad)))
			}
			decided := 0
			for _, record := range readJournal(t, setup.Dir+"/journal.jsonl") {
				if record.Kind == RecordBatch {
					decided += len(record.Decisions)
					assert.True(t, math.IsNaN(float64(*record.Decisions[0].Value)))
				}
			}
			assert.Equal(t, len(test.bad), decided)
		})
	}
}

// Without the callback the batch's error ends the run, before any other callback hears of the batch.
func TestNonFiniteWithoutACallback(t *testing.T) {
	r := &recorder{}
	heard := 0
	m, err := NewManager([]Callback{&Lambda{OnBatchEnd: func(Event) error { heard++; return nil }}, &ModelCheckpoint{Filepath: "m.h5", SaveFreq: 1}}, setupFor(t, stream{"loss": {1}}, 4, r))
	require.NoError(t, err)
	got, _, err := nanRun(t, m, r, 1, 2)
	assert.Equal(t, "uuE", got)
	assert.Equal(t, errNotFinite, err)
	assert.Equal(t, 2, heard)
}

// Rolling back, its factor and a plateau's multiply, above the plateau's floor; a save after the same update has the state that was rolled back to.
func TestRollBackComposes(t *testing.T) {
	s := stream{"loss": {1, 1, 1}}
	r := &recorder{weights: "begin"}
	var said bytes.Buffer
	setup := setupFor(t, s, 4, r)
	setup.Log = &said
	m, err := NewManager([]Callback{
		&TerminateOnNaN{Policy: RollBackOnNaN, Factor: 0.1, Verbose: 1}, &ReduceLROnPlateau{Monitor: "loss", Factor: 0.5, Patience: 1, MinLR: 0.004},
		&ModelCheckpoint{Filepath: "m{batch}.h5", SaveFreq: 3},
	}, setup)
	require.NoError(t, err)
	_, rates, err := nanRun(t, m, r, 3, 2, 9)
	require.NoError(t, err)
	assert.InDeltaSlice(t, []float64{0.1, 0.1, 0.1, 0.01, 0.01, 0.01, 0.01, 0.01, 0.005, 0.005, 0.004, 0.004}, rates, 1e-12)
	assert.Contains(t, r.saved, "save m3.h5 false begin")
	assert.Contains(t, said.String(), "Epoch 1: the loss is NaN in update 3; weights and optimizer go back to the last good state, the learning rate to 1.000e-02\n")
	assert.Contains(t, said.String(), "the learning rate to 4.000e-03\n")
}

// An epoch whose metrics are not finite is no good state.
func TestNoGoodStateFromBadMetrics(t *testing.T) {
	s := stream{"loss": {1, nan, 1}, "val_loss": {1, 1, math.Inf(1)}}
	r := &recorder{weights: "begin"}
	setup := setupFor(t, s, 1, r)
	c := &TerminateOnNaN{Policy: RollBackOnNaN}
	m, err := NewManager([]Callback{c, NewJournal()}, setup)
	require.NoError(t, err)
	fit(t, m, s, 0, r)
	require.NoError(t, m.good.Restore())
	assert.Equal(t, "step 1", r.weights)
	records := readJournal(t, setup.Dir+"/journal.jsonl")
	assert.True(t, records[1].Watched[0].KeepState)
	assert.Equal(t, "loss not finite, so this is no state to roll back to", records[2].Watched[0].Reason)
	assert.Equal(t, "val_loss not finite, so this is no state to roll back to", records[3].Watched[0].Reason)

	// A gradient may be what is not finite.
	d, err := c.DecideNonFinite(Moment{}, Batch{Step: 6, Loss: 0.5, Err: errNotFinite})
	require.NoError(t, err)
	assert.Contains(t, d.Reason, "a gradient is not finite, the loss is 0.5 in update 7")
}

func TestTerminateOnNaNResumes(t *testing.T) {
	s := stream{"loss": {1, 1, 1}}
	build := func(r *recorder) *Manager {
		m, err := NewManager([]Callback{&TerminateOnNaN{Policy: RollBackOnNaN}}, setupFor(t, s, 4, r))
		require.NoError(t, err)
		return m
	}
	r := &recorder{}
	m := build(r)
	_, _, err := nanRun(t, m, r, 1, 1, 3)
	require.NoError(t, err)
	state, err := m.State()
	require.NoError(t, err)
	after := build(r)
	require.NoError(t, after.Restore(roundTrip(t, state)))
	assert.Equal(t, 0.025, after.NextLearningRate())
	assert.Equal(t, 2, after.callbacks[0].(*TerminateOnNaN).Batches())
	assert.ErrorContains(t, after.callbacks[0].(Stateful).Restore([]byte(`{"batch":1}`)), "saved state of terminate_on_nan")
}

// A state that cannot be kept or restored ends the run.
func TestRollBackThatFails(t *testing.T) {
	m, err := NewManager([]Callback{&TerminateOnNaN{Policy: RollBackOnNaN}}, setupFor(t, stream{"loss": {1}}, 4, &brokenRun{}))
	require.NoError(t, err)
	assert.ErrorContains(t, m.TrainBegin(), "keeping the first state: no memory")
	require.NoError(t, m.TrainEnd(nil))

	// A callback of one's own may roll back, once a state was kept.
	own := &ownRollBack{}
	r := &recorder{}
	m, err = NewManager([]Callback{own}, setupFor(t, stream{"loss": {1}}, 4, r))
	require.NoError(t, err)
	require.NoError(t, m.TrainBegin())
	_, err = m.BatchEnd(Batch{Size: 1, Logs: func() Logs { return nil }})
	assert.ErrorContains(t, err, "own: there is no state to roll back to")
	_, err = m.EpochEnd(0, Logs{"loss": 1})
	require.NoError(t, err)
	_, err = m.BatchEnd(Batch{Size: 1, Logs: func() Logs { return nil }})
	require.NoError(t, err)
	assert.Equal(t, []string{"roll back to "}, r.did)
	require.NoError(t, m.TrainEnd(nil))
}

// ownRollBack rolls back after every update.
type ownRollBack struct{ ownCallback }

func (*ownRollBack) BatchDue(int) bool { return true }
func (c *ownRollBack) DecideBatch(Moment) (*Decision, error) {
	return &Decision{Callback: c.Name(), Action: RollBack}, nil
}
func (c *ownRollBack) DecideEpoch(Moment) (*Decision, error) {
	return &Decision{Callback: c.Name(), KeepState: true}, nil
}
