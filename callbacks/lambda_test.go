package callbacks

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Lambdas run after all others, in list order, whatever stands between them.
func TestLambdasRunLastInListOrder(t *testing.T) {
	s := stream{"loss": {1, 0.5}, "val_loss": {1, 0.7}}
	r := &recorder{}
	setup := setupFor(t, s, 2, r)
	var called []string
	say := func(text string) func(Event) error {
		return func(Event) error { called = append(called, text); return nil }
	}
	journalHas := 0
	list := []Callback{
		&Lambda{
			OnTrainBegin: say("begin 1"), OnEpochBegin: say("epoch"), OnBatchEnd: say("batch"), OnTestBegin: say("test"), OnTestEnd: say("tested"),
			OnEpochEnd: func(Event) error {
				text, err := os.ReadFile(filepath.Join(setup.Dir, "journal.jsonl"))
				journalHas = len(text)
				called = append(called, "end 1")
				return err
			},
		},
		NewJournal(),
		&Lambda{OnTrainBegin: say("begin 2"), OnEpochEnd: say("end 2"), OnTrainEnd: say("over")},
		&ModelCheckpoint{Filepath: "m.h5"},
	}
	m, err := NewManager(list, setup)
	require.NoError(t, err)
	require.NoError(t, m.TrainBegin())
	require.NoError(t, m.EpochBegin(0))
	_, err = m.BatchEnd(Batch{Size: 8, Logs: func() Logs { return Logs{"loss": 1} }})
	require.NoError(t, err)
	require.NoError(t, m.TestBegin(1))
	require.NoError(t, m.TestBatchEnd(0))
	require.NoError(t, m.TestEnd())
	_, err = m.EpochEnd(0, s.at(0))
	require.NoError(t, err)
	require.NoError(t, m.TrainEnd(nil))
	assert.Equal(t, []string{"begin 1", "begin 2", "epoch", "batch", "test", "tested", "end 1", "end 2", "over"}, called)
	assert.Positive(t, journalHas, "the epoch stands in the journal before a Lambda hears of its end")
	assert.Len(t, r.saved, 1)

	_, err = yaml.Marshal(List{&Lambda{}})
	assert.ErrorContains(t, err, "lambda (*callbacks.Lambda) has no configuration form; keep it in the program")
}

func TestErrorOfALambdaEndsTheRun(t *testing.T) {
	tired := errors.New("tired")
	s := stream{"loss": {1, 0.5}}
	m, err := NewManager([]Callback{&Lambda{OnEpochEnd: func(Event) error { return tired }}}, setupFor(t, s, 1, &recorder{}))
	require.NoError(t, err)
	require.NoError(t, m.TrainBegin())
	require.NoError(t, m.EpochBegin(0))
	_, err = m.EpochEnd(0, s.at(0))
	require.ErrorIs(t, err, tired)
	assert.ErrorContains(t, err, "callbacks: lambda: epoch 1: tired")
	require.NoError(t, m.TrainEnd(err))
}
