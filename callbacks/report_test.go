package callbacks

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/meseta-go/meseta/report"
	"github.com/meseta-go/meseta/schedules"
)

// describedRecorder is a run that can say what it is.
type describedRecorder struct {
	recorder
	asked int
	fail  error
}

func (*describedRecorder) Describe() (*report.Network, []report.Setting) {
	return &report.Network{Name: "net", Layers: []report.Layer{{Name: "first_layer", Class: "InputLayer"}}}, []report.Setting{{Name: "device", Value: "abacus"}}
}

func (r *describedRecorder) Predictions() (*report.Predictions, error) {
	r.asked++
	p := report.NewPredictions("validation data", 1, []string{"yes", "no"}, []int{1, 1, 1})
	return p, errors.Join(r.fail, p.Add([]float32{1}, 0, []float32{0.25, 0.75}))
}

func pageOf(t *testing.T, m *Manager) string {
	text, err := os.ReadFile(filepath.Join(m.setup.Dir, "report.html"))
	require.NoError(t, err)
	return string(text)
}

func TestReportOnEveryWayOut(t *testing.T) {
	for _, c := range []struct {
		cause error
		state string
		asked int
	}{
		{nil, "stopped early", 1}, {context.Canceled, "interrupted", 0}, {errors.New("disk on fire"), "failed", 0},
	} {
		r := &describedRecorder{}
		page := &Report{Title: "my <run>", Configuration: "epochs: 6", Environment: []report.Setting{{Name: "meseta", Value: "v9"}}}
		m, err := NewManager([]Callback{
			page, &EarlyStopping{Patience: 2, RestoreBestWeights: true}, &ReduceLROnPlateau{Factor: 0.5, Patience: 1},
			&ModelCheckpoint{Filepath: "m.h5", Monitor: "val_accuracy", SaveBestOnly: true}, &ModelCheckpoint{Filepath: "s.h5", SaveFreq: 5},
		}, setupFor(t, plateauStream, 2, r))
		require.NoError(t, err)
		require.NoError(t, m.TrainBegin())
		for epoch := range 6 {
			require.NoError(t, m.EpochBegin(epoch))
			for i := range 2 {
				_, err := m.BatchEnd(Batch{Epoch: epoch, Index: i, Step: 2*epoch + i, Size: 8, Logs: func() Logs { return plateauStream.at(epoch) }})
				require.NoError(t, err)
			}
			stopped, err := m.EpochEnd(epoch, plateauStream.at(epoch))
			require.NoError(t, err)
			if epoch == 0 {
				assert.True(t, strings.Contains(pageOf(t, m), `class="state running"`))
			}
			if stopped.Stop {
				break
			}
		}
		require.NoError(t, m.TrainEnd(c.cause))
		text := pageOf(t, m)
		for _, want := range []string{
			`>` + c.state + `<`, "my &lt;run&gt;", "epochs: 6", "v9", "abacus", "first_layer", "saved m.h5", "lowered the learning rate to 0.05", "restored the weights of epoch 4",
			"saved s.h5", "3, update 5", "epoch 4</span>", "images per second",
		} {
			assert.True(t, strings.Contains(text, want), "%s: %s", c.state, want)
		}
		assert.Equal(t, c.asked, r.asked)
		assert.Equal(t, c.asked == 1, strings.Contains(text, "yes predicted as no"))

		// What is known later is added.
		before := page.page.Duration
		require.NoError(t, page.Complete(func(r *report.Run) { r.TestName, r.Test = "test images", map[string]float64{"accuracy": 0.8765} }))
		assert.True(t, strings.Contains(pageOf(t, m), "87.65 %"))
		assert.Equal(t, before, page.page.Duration)
	}
	assert.ErrorContains(t, NewReport().Complete(func(*report.Run) {}), "no run to report on")
}

func TestReportOfARunWithoutAnEpoch(t *testing.T) {
	setup := setupFor(t, plateauStream, 1, &recorder{}) // not described
	m, err := NewManager([]Callback{NewReport()}, setup)
	require.NoError(t, err)
	require.NoError(t, m.TrainBegin())
	require.NoError(t, m.TrainEnd(context.Canceled))
	assert.True(t, strings.Contains(pageOf(t, m), "interrupted"))
}

func TestReportAsksWhomItIsTold(t *testing.T) {
	for _, fail := range []error{nil, errors.New("no memory")} {
		r, asked := &describedRecorder{}, 0
		page := &Report{Predictions: func() (*report.Predictions, error) { asked++; return nil, fail }}
		s := stream{"loss": {1, nan}}
		m, err := NewManager([]Callback{page}, setupFor(t, s, 1, r))
		require.NoError(t, err)
		require.NoError(t, m.TrainBegin())
		require.NoError(t, m.EpochBegin(0))
		_, err = m.EpochEnd(0, s.at(0))
		require.NoError(t, err)
		err = m.TrainEnd(nil)
		assert.ErrorIs(t, err, fail)
		assert.Equal(t, []int{1, 0}, []int{asked, r.asked})
		assert.FileExists(t, page.path, "the report is written whatever happens")
	}
}

// A report is written again only where that is cheap.
func TestReportIsWrittenSeldomWhereItIsSlow(t *testing.T) {
	clock := time.Unix(1000, 0)
	page := &Report{now: func() time.Time { clock = clock.Add(time.Second); return clock }} // a write takes a second
	s := stream{"loss": make([]float64, 500)}
	m, err := NewManager([]Callback{page}, setupFor(t, s, 1, &recorder{}))
	require.NoError(t, err)
	require.NoError(t, m.TrainBegin())
	writes, last := 0, time.Time{}
	for epoch := range 500 {
		require.NoError(t, m.EpochBegin(epoch))
		_, err := m.EpochEnd(epoch, s.at(epoch))
		require.NoError(t, err)
		if page.written != last {
			writes, last = writes+1, page.written
		}
	}
	seconds := clock.Sub(page.begun).Seconds()
	assert.InDelta(t, seconds/reportShare, writes, 3)
	require.NoError(t, m.TrainEnd(nil))
}

// Rates of updates are noted evenly over the whole run, and no more than there is room for.
func TestReportNotesRates(t *testing.T) {
	const epochs, steps = 30, 500
	s := stream{"loss": make([]float64, epochs)}
	schedule := &LearningRateScheduler{Schedule: &schedules.Exponential{DecayRate: 0.9, DecayEpochs: 1}}
	page := &Report{}
	m, err := NewManager([]Callback{page, schedule}, setupFor(t, s, steps, &recorder{}))
	require.NoError(t, err)
	used, _ := fit(t, m, s, 0, &recorder{})
	rates := page.page.Rates
	assert.Greater(t, len(rates), maxRates/2-1)
	assert.LessOrEqual(t, len(rates), maxRates)
	for i, r := range rates {
		step := i * page.stride
		require.Equal(t, report.Rate{Epochs: float64(step/steps) + float64(step%steps)/steps, Rate: used[step]}, r)
	}
	assert.Less(t, (len(rates)-1)*page.stride+page.stride, epochs*steps+page.stride)
	update := 0
	event := Event{Kind: BatchEnd, LearningRate: 1}
	assert.Zero(t, testing.AllocsPerRun(5000, func() { event.Batch.Step = update; update++; page.noteRate(event) }))
}

func TestReportErrors(t *testing.T) {
	setup := exampleSetup(t)
	require.NoError(t, os.Mkdir(filepath.Join(setup.Dir, "report.html"), 0o777))
	_, err := NewManager([]Callback{&Report{}}, setup)
	assert.ErrorContains(t, err, "report.html is a directory")
	setup.Replay = true
	_, err = NewManager([]Callback{&Report{}}, setup)
	assert.NoError(t, err, "a replay writes nothing")
	list, err := Decode([]byte("report: {filename: page.html, title: a run}"))
	require.NoError(t, err)
	assert.Equal(t, List{&Report{Filename: "page.html", Title: "a run"}}, list)
}
