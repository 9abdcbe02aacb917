package callbacks

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// keras.json is what Keras 3.15.1 decided; testdata/make_goldens.py wrote it.
type keras struct {
	Keras            string              `json:"keras"`
	BaseLearningRate float64             `json:"base_learning_rate"`
	Streams          map[string][]Number `json:"streams"`
	Terminations     map[string]*int     `json:"terminations"` // batches after which TerminateOnNaN stops
	Cases            []kerasCase         `json:"cases"`
	Outcomes         []outcome           `json:"outcomes"`
	Templates        []struct {
		Template string
		Epoch    int
		Value    Number
		Path     string
	} `json:"templates"`
}

type kerasCase struct {
	callback  string
	arguments map[string]any
	stream    string
	outcome   int
}

func (c *kerasCase) UnmarshalJSON(text []byte) error {
	return json.Unmarshal(text, &[]any{&c.callback, &c.arguments, &c.stream, &c.outcome})
}

type outcome struct {
	Epochs []struct {
		LearningRate float32 `json:"learning_rate"`
		Saved        []string
		Stop         bool
	} `json:"epochs"`
	FinalWeights int `json:"final_weights"`
}

func loadKeras(t testing.TB) (k keras) {
	text, err := os.ReadFile("testdata/keras.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &k))
	require.Equal(t, "3.15.1", k.Keras)
	return k
}

// Names that the goldens give to configuration names.
var configNames = map[string]string{
	"EarlyStopping": "early_stopping", "ReduceLROnPlateau": "reduce_lr_on_plateau", "ModelCheckpoint": "model_checkpoint",
}

// The intended differences from Keras, each with what it concerns. Everything else is equal, rates to float32 rounding.
//
// A further difference is not of this table: Keras has no check_finite, so it is off here.
var differences = map[string]func(keras, kerasCase) bool{
	// Rule 8 of the design: NaN and Inf are never best. In Keras a NaN is if it is the first value monitored, and nothing
	// improves on it after; -Inf is the best loss for ever. A NaN after a finite value makes no difference.
	"a value that is not finite never improves": func(k keras, c kerasCase) bool { return c.notFinite(k) },
	// Keras counts the epoch that follows the reduction's: its cooldown c skips c-1 epochs.
	"cooldown c skips c epochs": func(_ keras, c kerasCase) bool { return c.arguments["cooldown"] != nil },
}

// notFinite says whether the first value monitored is NaN, or any is infinite.
func (c kerasCase) notFinite(k keras) bool {
	first, _ := c.arguments["start_from_epoch"].(float64)
	return c.stream == "inf" || !finite(float64(k.Streams[c.stream][int(first)]))
}

// play runs one case's callback over its stream.
func play(t *testing.T, k keras, c kerasCase) outcome {
	t.Helper()
	text, err := json.Marshal(map[string]any{configNames[c.callback]: c.arguments})
	require.NoError(t, err)
	list, err := Decode(text)
	require.NoError(t, err)
	if stopping, ok := list[0].(*EarlyStopping); ok {
		stopping.CheckFinite = false
	}
	r := &weightsRun{}
	setup := Setup{Metrics: []string{"loss", "score"}, Epochs: len(k.Streams[c.stream]), StepsPerEpoch: 1, LearningRate: k.BaseLearningRate, Dir: shared, Run: r}
	monitored := c.arguments["monitor"].(string)
	setup.Validation = strings.HasPrefix(monitored, "val_")
	m, err := NewManager(list, setup)
	require.NoError(t, err)
	require.NoError(t, m.TrainBegin())
	var got outcome
	for epoch, value := range k.Streams[c.stream] {
		require.NoError(t, m.EpochBegin(epoch))
		r.weights, r.saved = epoch, []string{}
		_, err := m.BatchEnd(Batch{Epoch: epoch, Step: epoch, Size: 1, Logs: func() Logs { return nil }})
		require.NoError(t, err)
		logs := Logs{"loss": 0, "score": 0}
		if setup.Validation {
			logs["val_loss"], logs["val_score"] = 0, 0
		}
		logs[monitored] = float64(value)
		out, err := m.EpochEnd(epoch, logs)
		require.NoError(t, err)
		m.saver.wait()
		got.Epochs = append(got.Epochs, struct {
			LearningRate float32 `json:"learning_rate"`
			Saved        []string
			Stop         bool
		}{float32(m.NextLearningRate()), r.saved, out.Stop})
		if out.Stop {
			break
		}
	}
	require.NoError(t, m.TrainEnd(nil))
	got.FinalWeights = r.weights
	return got
}

// weightsRun knows its weights by the epoch that they are of.
type weightsRun struct {
	weights, kept int
	saved         []string
}

// Snapshot gives a copy whose Write notes the path: one at a time, in the saver's goroutine, until play waits for it.
func (r *weightsRun) Snapshot(bool) (Snapshot, error) { return &weightsCopy{r, r.weights}, nil }

type weightsCopy struct {
	run     *weightsRun
	weights int
}

func (c *weightsCopy) Write(path string, _ bool) error {
	c.run.saved = append(c.run.saved, filepath.Base(path))
	return nil
}
func (c *weightsCopy) Restore() error { c.run.weights = c.weights; return nil }

func (r *weightsRun) KeepWeights() error                                  { r.kept = r.weights; return nil }
func (r *weightsRun) RestoreWeights() error                               { r.weights = r.kept; return nil }
func (*weightsRun) HasAverages() bool                                     { return false }
func (*weightsRun) SwapAverages() (bool, error)                           { return false, nil }
func (*weightsRun) EachWeight(func(string, []int, []float32) error) error { return nil }
func (*weightsRun) Config() ([]byte, error)                               { return nil, nil }

var shared string // one directory for thousands of runs that write nothing

func same(a, b outcome) bool {
	if len(a.Epochs) != len(b.Epochs) || a.FinalWeights != b.FinalWeights {
		return false
	}
	for i, x := range a.Epochs {
		y := b.Epochs[i]
		// Keras rounds the rate to float32 at every reduction, we once: at most 8 reductions, so 8 roundings.
		if diff := x.LearningRate/y.LearningRate - 1; diff > 1e-6 || diff < -1e-6 || x.Stop != y.Stop || !slices.Equal(x.Saved, y.Saved) {
			return false
		}
	}
	return true
}

func TestDecisionsAreKeras(t *testing.T) {
	k := loadKeras(t)
	shared = t.TempDir()
	differing := map[string]int{}
	for _, c := range k.Cases {
		var reasons []string
		for name, concerns := range differences {
			if concerns(k, c) {
				reasons = append(reasons, name)
			}
		}
		got, want := play(t, k, c), k.Outcomes[c.outcome]
		if same(got, want) {
			continue
		}
		if len(reasons) == 0 {
			require.Equal(t, want, got, "%s %v on %s", c.callback, c.arguments, c.stream)
			require.Fail(t, "outcomes differ", "%s %v on %s", c.callback, c.arguments, c.stream)
		}
		for _, name := range reasons {
			differing[name]++
		}
	}
	for name := range differences {
		assert.NotZero(t, differing[name], "%q makes no difference any more: take it off the list", name)
	}
}

// The cooldown's difference is exactly one epoch: c here acts as c+1 there.
func TestCooldownIsKerasPlusOne(t *testing.T) {
	k := loadKeras(t)
	shared = t.TempDir()
	key := func(c kerasCase, cooldown float64) string {
		arguments := map[string]any{}
		for name, value := range c.arguments {
			arguments[name] = value
		}
		arguments["cooldown"] = cooldown
		return fmt.Sprint(c.callback, arguments, c.stream)
	}
	theirs := map[string]outcome{}
	for _, c := range k.Cases {
		if cooldown, ok := c.arguments["cooldown"].(float64); ok {
			theirs[key(c, cooldown)] = k.Outcomes[c.outcome]
		}
	}
	compared := 0
	for _, c := range k.Cases {
		cooldown, ok := c.arguments["cooldown"].(float64)
		if !ok || cooldown > 2 || c.notFinite(k) {
			continue
		}
		want, ok := theirs[key(c, cooldown+1)]
		require.True(t, ok)
		got := play(t, k, c)
		require.True(t, same(want, got), "%v on %s:\n%v\n%v", c.arguments, c.stream, want, got)
		compared++
	}
	assert.Greater(t, compared, 100)
}

func TestTerminationsAreKeras(t *testing.T) {
	k := loadKeras(t)
	require.Len(t, k.Terminations, len(k.Streams))
	for name, stream := range k.Streams {
		m, err := NewManager([]Callback{&TerminateOnNaN{}}, Setup{Metrics: []string{"loss"}, Epochs: 1, StepsPerEpoch: len(stream), LearningRate: 1, Dir: t.TempDir(), Run: &weightsRun{}})
		require.NoError(t, err)
		require.NoError(t, m.TrainBegin())
		var got *int
		for i, loss := range stream {
			b := Batch{Index: i, Step: i, Size: 1, Logs: func() Logs { return Logs{"loss": 0} }}
			if !finite(float64(loss)) {
				b.Err, b.Loss = errNotFinite, float64(loss)
			}
			out, err := m.BatchEnd(b)
			require.NoError(t, err)
			if out.Stop {
				got = new(i + 1)
				break
			}
		}
		require.NoError(t, m.TrainEnd(nil))
		assert.Equal(t, k.Terminations[name], got, name)
	}
}

func TestPathsArePythons(t *testing.T) {
	for _, c := range loadKeras(t).Templates {
		template, err := parseTemplate(c.Template, []string{"epoch"}, []string{"val_loss"})
		require.NoError(t, err, c.Template)
		assert.Equal(t, c.Path, template.expand(c.Epoch, 0, Logs{"val_loss": float64(c.Value)}), "%s of epoch %d, %v", c.Template, c.Epoch, float64(c.Value))
	}
}
