package callbacks

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// slowRun writes a file only when the test lets it.
type slowRun struct {
	recorder
	gate chan struct{} // a write takes one
}

func (r *slowRun) Snapshot(weightsOnly bool) (Snapshot, error) {
	return &slowCopy{recordedCopy{&r.recorder, r.weights, weightsOnly}, r.gate}, nil
}

type slowCopy struct {
	recordedCopy
	gate chan struct{}
}

func (c *slowCopy) Write(path string, weightsOnly bool) error {
	<-c.gate
	return c.recordedCopy.Write(path, weightsOnly)
}

// Training goes on while files are written; a file that waits is overtaken by a newer save to the same path, what is being written is
// not; and the end waits for all of them.
func TestSavesAreWrittenInTheBackground(t *testing.T) {
	r := &slowRun{gate: make(chan struct{})}
	m, err := NewManager([]Callback{
		&ModelCheckpoint{Filepath: "last.h5", SaveFreq: 1}, &ModelCheckpoint{Filepath: "{epoch}-{batch}.weights.h5", SaveWeightsOnly: true, SaveFreq: 3},
	}, setupFor(t, stream{"loss": {1}}, 10, r))
	require.NoError(t, err)
	require.NoError(t, m.TrainBegin())
	require.NoError(t, m.EpochBegin(0))
	for step := range 8 {
		r.weights = fmt.Sprint("step ", step+1)
		_, err := m.BatchEnd(Batch{Index: step, Step: step, Size: 8, Logs: func() Logs { return nil }})
		require.NoError(t, err, "nobody writes, and no step waits")
		if step == 0 { // the first file is taken up, and is being written from now on
			for begin := time.Now(); time.Since(begin) < time.Minute; time.Sleep(time.Millisecond) {
				m.saver.mu.Lock()
				n := len(m.saver.waiting)
				m.saver.mu.Unlock()
				if n == 0 {
					break
				}
			}
		}
	}
	assert.Empty(t, r.saved)
	ended := make(chan error)
	go func() { ended <- m.TrainEnd(nil) }()
	for range 4 {
		select {
		case <-ended:
			require.Fail(t, "the end did not wait")
		case r.gate <- struct{}{}:
		}
	}
	require.NoError(t, <-ended)
	assert.Equal(t, []string{
		"save last.h5 false step 1", "save 1-3.weights.h5 true step 3", "save 1-6.weights.h5 true step 6", "save last.h5 false step 8",
	}, r.saved)
}

// Memory is bounded: where too many copies wait, a step waits for the disk.
func TestTooManySnapshotsWait(t *testing.T) {
	r := &slowRun{gate: make(chan struct{}, 100)}
	m, err := NewManager([]Callback{&ModelCheckpoint{Filepath: "{batch}.h5", SaveFreq: 1}}, setupFor(t, stream{"loss": {1}}, 20, r))
	require.NoError(t, err)
	require.NoError(t, m.TrainBegin())
	require.NoError(t, m.EpochBegin(0))
	done := make(chan int)
	go func() {
		for step := range 20 {
			_, err := m.BatchEnd(Batch{Index: step, Step: step, Size: 8, Logs: func() Logs { return nil }})
			assert.NoError(t, err)
			done <- step
		}
		close(done)
	}()
	last := -1
	for waiting := false; !waiting; {
		select {
		case last = <-done:
		case <-time.After(200 * time.Millisecond):
			waiting = true
		}
	}
	assert.Contains(t, []int{maxSnapshots - 1, maxSnapshots}, last, "so many wait, and one is being written")
	for range 20 {
		r.gate <- struct{}{}
	}
	for last = range done {
	}
	assert.Equal(t, 19, last)
	require.NoError(t, m.TrainEnd(nil))
	assert.Len(t, r.saved, 20)
	assert.True(t, strings.HasPrefix(r.saved[19], "save 20.h5"))
}

func files(t *testing.T, dir string) (names []string) {
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestSaveTopK(t *testing.T) {
	s := stream{"loss": {5, 3, 4, nan, 3, 6, 2, 2, 1, math.Inf(-1)}}
	r := &recorder{}
	setup := setupFor(t, s, 1, r)
	foreign := filepath.Join(setup.Dir, "m00.h5")
	require.NoError(t, os.WriteFile(foreign, nil, 0o666))
	c := &ModelCheckpoint{Filepath: "m{epoch:02d}.h5", Monitor: "loss", SaveTopK: 3, SaveLast: true}
	m, err := NewManager([]Callback{c, NewJournal()}, setup)
	require.NoError(t, err)
	fit(t, m, s, 0, r)
	assert.Equal(t, []string{"journal.jsonl", "last.h5", "m00.h5", "m07.h5", "m08.h5", "m09.h5"}, files(t, setup.Dir))
	last, err := os.ReadFile(filepath.Join(setup.Dir, "last.h5"))
	require.NoError(t, err)
	assert.Equal(t, "step 10", string(last), "the last epoch, best or not")
	var removed []string
	for _, record := range readJournal(t, setup.Dir+"/journal.jsonl") {
		for _, d := range record.Decisions {
			removed = append(removed, d.Removes...)
		}
	}
	// The 5 goes for a 3, the 4 for a 2, and of the two 3 the older one first.
	assert.Equal(t, []string{"m01.h5", "m03.h5", "m02.h5", "m05.h5"}, removed)

	// A second fit goes on with the list; in another directory it removes nothing.
	s = stream{"loss": {0.5, 0.4}}
	m, err = NewManager([]Callback{c}, func() Setup { again := setup; again.Epochs = 2; return again }())
	require.NoError(t, err)
	fit(t, m, s, 0, r)
	assert.Equal(t, []string{"journal.jsonl", "last.h5", "m00.h5", "m01.h5", "m02.h5", "m09.h5"}, files(t, setup.Dir))
	other := setupFor(t, s, 1, r)
	require.NoError(t, os.WriteFile(filepath.Join(other.Dir, "m09.h5"), nil, 0o666))
	m, err = NewManager([]Callback{c}, other)
	require.NoError(t, err)
	fit(t, m, stream{"loss": {0.3, 0.2}}, 0, r)
	assert.Equal(t, []string{"last.h5", "m01.h5", "m02.h5", "m09.h5"}, files(t, other.Dir))
}

// Of K random values the best K files stay, whatever the stream; a resume goes on with the list.
func TestSaveTopKKeepsTheBest(t *testing.T) {
	for k := 1; k < 5; k++ {
		for trial := range 20 {
			values := make([]float64, 12)
			for i := range values {
				values[i] = float64((i*7+trial*5+k)%13) + float64(i)/100 // all different
			}
			s := stream{"loss": values}
			r := &recorder{}
			setup := setupFor(t, s, 1, r)
			build := func() *Manager {
				m, err := NewManager([]Callback{&ModelCheckpoint{Filepath: "m{epoch:02d}.h5", Monitor: "loss", Mode: Max, SaveTopK: k}}, setup)
				require.NoError(t, err)
				return m
			}
			m := build()
			fit(t, m, stream{"loss": values[:5]}, 0, r)
			state, err := m.State()
			require.NoError(t, err)
			m = build()
			require.NoError(t, m.Restore(roundTrip(t, state)))
			fit(t, m, s, 5, r)
			var want []string
			for i, v := range values {
				better := 0
				for _, w := range values {
					if w > v {
						better++
					}
				}
				if better < k {
					want = append(want, fmt.Sprintf("m%02d.h5", i+1))
				}
			}
			assert.Equal(t, want, files(t, setup.Dir))
		}
	}
}

func TestSaveTopKThreshold(t *testing.T) {
	s := stream{"loss": {5, 3, 4, 2}}
	r := &recorder{}
	setup := setupFor(t, s, 1, r)
	var said strings.Builder
	setup.Log = &said
	m, err := NewManager([]Callback{&ModelCheckpoint{Filepath: "{loss:.0f}.h5", Monitor: "loss", SaveTopK: 2, InitialValueThreshold: new(3.5), Verbose: 1}}, setup)
	require.NoError(t, err)
	fit(t, m, s, 0, r)
	assert.Equal(t, []string{"2.h5", "3.h5"}, files(t, setup.Dir))
	assert.Contains(t, said.String(), "Epoch 1: loss 5 is not among the best 2, beyond 3.5\nEpoch 2: loss 3 is among the best 2, saving the model to 3.h5\n")
}

// Saves of other values to the same name write over it, and no other file goes for them.
func TestSaveTopKOfOneName(t *testing.T) {
	s := stream{"loss": {0.44, 0.42, 0.31, 0.41, 0.21}}
	r := &recorder{}
	setup := setupFor(t, s, 1, r)
	m, err := NewManager([]Callback{&ModelCheckpoint{Filepath: "{loss:.1f}.h5", Monitor: "loss", SaveTopK: 2}}, setup)
	require.NoError(t, err)
	fit(t, m, s, 0, r)
	assert.Equal(t, []string{"0.2.h5", "0.3.h5"}, files(t, setup.Dir))
	assert.Equal(t, []string{
		"save 0.4.h5 false step 1", "save 0.4.h5 false step 2", "save 0.3.h5 false step 3", "save 0.4.h5 false step 4", "save 0.2.h5 false step 5",
	}, r.saved)
}

// The new file is there before the old one goes; where it cannot be written, the old one stays, in the list too.
func TestOldFilesStayWhereTheNewOneFails(t *testing.T) {
	s := stream{"loss": {2, 1}}
	r := &recorder{}
	setup := setupFor(t, s, 1, r)
	c := &ModelCheckpoint{Filepath: "{epoch}.h5", Monitor: "loss", SaveTopK: 1}
	m, err := NewManager([]Callback{c}, setup)
	require.NoError(t, err)
	require.NoError(t, m.TrainBegin())
	_, err = m.EpochEnd(0, s.at(0))
	require.NoError(t, err)
	m.saver.wait()
	r.failSave = errors.New("disk full")
	_, err = m.EpochEnd(1, s.at(1))
	assert.ErrorContains(t, errors.Join(err, m.TrainEnd(err)), "disk full")
	assert.Equal(t, []string{"1.h5"}, files(t, setup.Dir))
	assert.Equal(t, []keptFile{{"1.h5", 2}}, c.state.Top)
	assert.Equal(t, 2.0, *c.state.Best)
}

// Two callbacks that save to one path at one moment share one write, and both take it back where it fails.
func TestSharedSaveFails(t *testing.T) {
	s := stream{"loss": {2}, "accuracy": {1}}
	a := &ModelCheckpoint{Filepath: "b.h5", Monitor: "loss", SaveBestOnly: true}
	b := &ModelCheckpoint{Filepath: "b.h5", Monitor: "accuracy", SaveBestOnly: true}
	m, err := NewManager([]Callback{a, b}, setupFor(t, s, 1, &recorder{failSave: errors.New("disk full")}))
	require.NoError(t, err)
	require.NoError(t, m.TrainBegin())
	_, err = m.EpochEnd(0, s.at(0))
	assert.ErrorContains(t, errors.Join(err, m.TrainEnd(err)), "disk full")
	assert.Nil(t, a.state.Best)
	assert.Nil(t, b.state.Best)
}

// What has become a directory or was removed by hand is not removed.
func TestPruningIsCareful(t *testing.T) {
	for _, test := range []struct {
		change func(file string) error
		want   string
	}{
		{os.Remove, ""},
		{func(file string) error { return errors.Join(os.Remove(file), os.Mkdir(file, 0o777)) }, "it is no regular file any more, so it stays"},
		{func(file string) error { return errors.Join(os.Remove(file), os.Symlink("elsewhere", file)) }, "it is no regular file any more, so it stays"},
	} {
		s := stream{"loss": {2, 1}}
		setup := setupFor(t, s, 1, &recorder{})
		m, err := NewManager([]Callback{&ModelCheckpoint{Filepath: "{epoch}.h5", Monitor: "loss", SaveTopK: 1}}, setup)
		require.NoError(t, err)
		require.NoError(t, m.TrainBegin())
		_, err = m.EpochEnd(0, s.at(0))
		require.NoError(t, err)
		m.saver.wait()
		require.NoError(t, test.change(filepath.Join(setup.Dir, "1.h5")))
		_, err = m.EpochEnd(1, s.at(1))
		err = errors.Join(err, m.TrainEnd(err))
		if test.want == "" {
			assert.NoError(t, err)
		} else {
			assert.ErrorContains(t, err, test.want)
		}
		assert.Contains(t, files(t, setup.Dir), "2.h5")
	}
}

func TestSaveLastAndBest(t *testing.T) {
	s := stream{"loss": {2, 3, 1, 4}}
	r := &recorder{}
	setup := setupFor(t, s, 2, r)
	var said strings.Builder
	setup.Log = &said
	m, err := NewManager([]Callback{
		&ModelCheckpoint{Filepath: "d/best.weights.h5", Monitor: "loss", SaveBestOnly: true, SaveWeightsOnly: true, SaveLast: true, Verbose: 1},
		NewJournal(),
	}, setup)
	require.NoError(t, err)
	fit(t, m, s, 0, r)
	assert.Equal(t, []string{
		"save best.weights.h5 true step 2", "save last.weights.h5 true step 2", "save last.weights.h5 true step 4",
		"save best.weights.h5 true step 6", "save last.weights.h5 true step 6", "save last.weights.h5 true step 8",
	}, r.saved)
	assert.Contains(t, said.String(), "Epoch 1: loss is 2, the first value, saving the model to d/best.weights.h5 and d/last.weights.h5\nEpoch 2: loss 3 did not improve on 2, saving the model to d/last.weights.h5\n")
	records := readJournal(t, setup.Dir+"/journal.jsonl")
	assert.Equal(t, "d/last.weights.h5", records[2].Watched[0].Last)
}

func TestSaveInterval(t *testing.T) {
	s := stream{"loss": {1, 1, 1}}
	r := &recorder{}
	c := &ModelCheckpoint{Filepath: "m{epoch}-{batch}.h5", SaveInterval: time.Minute}
	m, err := NewManager([]Callback{c, NewJournal()}, setupFor(t, s, 4, r))
	require.NoError(t, err)
	require.NoError(t, m.TrainBegin())
	clock := &clock{c.saved}
	c.now = clock.now
	for epoch := range 3 {
		require.NoError(t, m.EpochBegin(epoch))
		for i := range 4 {
			clock.t = clock.t.Add(25 * time.Second)
			_, err := m.BatchEnd(Batch{Epoch: epoch, Index: i, Step: 4*epoch + i, Size: 8, Logs: func() Logs { return nil }})
			require.NoError(t, err)
		}
		_, err := m.EpochEnd(epoch, s.at(epoch))
		require.NoError(t, err)
	}
	require.NoError(t, m.TrainEnd(nil))
	assert.Equal(t, []string{"save m1-3.h5 false ", "save m2-2.h5 false ", "save m3-1.h5 false ", "save m3-4.h5 false "}, r.saved)
	assert.Equal(t, "every 1m0s", readJournal(t, m.setup.Dir+"/journal.jsonl")[1].Decisions[0].Reason)
}

// What an error leaves is saved as it is, before the best weights are restored.
func TestSaveOnException(t *testing.T) {
	for _, cause := range []error{nil, context.Canceled, errors.New("disk on fire")} {
		s := stream{"loss": {2, 3}}
		r := &recorder{}
		setup := setupFor(t, s, 1, r)
		var said strings.Builder
		setup.Log = &said
		m, err := NewManager([]Callback{
			&ModelCheckpoint{Filepath: "d/m{epoch}.keras", EveryNEpochs: 100, OnException: true, Verbose: 1},
			&EarlyStopping{Monitor: "loss", Patience: 9, RestoreBestWeights: true},
		}, setup)
		require.NoError(t, err)
		require.NoError(t, m.TrainBegin())
		for epoch := range 2 {
			require.NoError(t, m.EpochBegin(epoch))
			r.weights = fmt.Sprint("epoch ", epoch)
			_, err := m.EpochEnd(epoch, s.at(epoch))
			require.NoError(t, err)
		}
		require.NoError(t, m.TrainEnd(cause))
		assert.Equal(t, "epoch 0", r.weights)
		if cause == nil {
			assert.Empty(t, r.saved)
			continue
		}
		assert.Equal(t, []string{"save exception.keras false epoch 1"}, r.saved)
		assert.Contains(t, said.String(), "Saving the model to d/exception.keras: training ends before its time: "+cause.Error())
		i := slices.IndexFunc(m.LastRecord().Decisions, func(d Decision) bool { return d.Action == Save })
		assert.Equal(t, "d/exception.keras", m.LastRecord().Decisions[i].Path)
	}
}

// A copy that cannot be made is an error at once.
func TestSnapshotThatFails(t *testing.T) {
	s := stream{"loss": {1}}
	c := &ModelCheckpoint{Filepath: "m.h5", Monitor: "loss", SaveBestOnly: true}
	m, err := NewManager([]Callback{c}, setupFor(t, s, 1, &brokenRun{}))
	require.NoError(t, err)
	require.NoError(t, m.TrainBegin())
	_, err = m.EpochEnd(0, s.at(0))
	assert.ErrorContains(t, err, "model_checkpoint: no memory")
	assert.Nil(t, c.state.Best)
	require.NoError(t, m.TrainEnd(err))
}
