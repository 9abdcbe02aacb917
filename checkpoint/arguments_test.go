package checkpoint

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/meseta-go/meseta/losses"
	"github.com/meseta-go/meseta/metrics"
	"github.com/meseta-go/meseta/optimizers"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// No argument of Keras's is read and forgotten: a configuration in which one argument is not the default is either refused, or comes out as it
// went in.
func TestNoArgumentIsDropped(t *testing.T) {
	python := os.Getenv("MESETA_PYTHON")
	if python == "" {
		t.Skip("MESETA_PYTHON does not name a Python with Keras")
	}
	classes := map[string][]string{
		"layers": slices.Sorted(maps.Keys(codecs)),
		"initializers": {"Zeros", "Ones", "Constant", "Identity", "GlorotUniform", "GlorotNormal", "HeUniform", "HeNormal", "LecunUniform", "LecunNormal",
			"RandomNormal", "TruncatedNormal", "RandomUniform", "Orthogonal", "VarianceScaling"},
		"regularizers": {"L1", "L2", "L1L2"}, "constraints": {"MaxNorm", "MinMaxNorm", "UnitNorm", "NonNeg"},
	}
	require.Len(t, classes["initializers"], len(initializers))
	for _, name := range optimizers.Names() {
		o, err := optimizers.New(name)
		require.NoError(t, err)
		classes["optimizers"] = append(classes["optimizers"], o.ClassName())
	}
	for _, name := range losses.Names() {
		l, err := losses.New(name)
		require.NoError(t, err)
		classes["losses"] = append(classes["losses"], l.ClassName())
	}
	for _, name := range metrics.Names() {
		m, err := metrics.New(name)
		require.NoError(t, err)
		if m != (metrics.Metric)(metrics.Accuracy{}) && m != (metrics.Metric)(metrics.ClassAccuracy{}) { // no class of Keras's takes arguments for them
			classes["metrics"] = append(classes["metrics"], m.ClassName())
		}
	}
	text, err := json.Marshal(classes)
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "classes.json")
	require.NoError(t, os.WriteFile(file, text, 0o600))
	command := exec.Command(python, "testdata/arguments_keras.py", file)
	command.Stderr = os.Stderr
	out, err := command.Output()
	require.NoError(t, err, string(out))
	_, result, ok := strings.Cut(string(out), "RESULT ")
	require.True(t, ok, string(out))
	var cases []struct {
		What, Argument  string
		Model, Training *string
	}
	require.NoError(t, json.NewDecoder(strings.NewReader(result)).Decode(&cases))
	kept, refused := 0, 0
	var usual []string
	for _, c := range cases {
		var theirs, ours any
		var err error
		if c.Model != nil {
			theirs, ours, err = throughGraph(t, *c.Model)
		} else {
			theirs, ours, err = throughTraining(t, *c.Training)
		}
		if err != nil {
			refused++
			assert.NotEmpty(t, c.Argument, "%s: %v", c.What, err)
			word, _, _ := strings.Cut(c.Argument, "_")
			assert.Contains(t, strings.ReplaceAll(err.Error(), "axes", "axis"), word, c.What)
			continue
		}
		kept++
		found := differences(theirs, ours, "")
		if c.Argument == "" {
			usual = found // what Keras writes that says nothing
			continue
		}
		for _, d := range found {
			if !slices.Contains(usual, d) {
				t.Errorf("%s: %s", c.What, d)
			}
		}
	}
	t.Logf("%d come back, %d are refused", kept, refused)
	assert.Greater(t, kept, 500)
}

func throughGraph(t *testing.T, text string) (theirs, ours any, err error) {
	g, err := UnmarshalConfig([]byte(text))
	if err != nil {
		return nil, nil, err
	}
	again, err := MarshalConfig(g)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal([]byte(text), &theirs))
	require.NoError(t, json.Unmarshal(again, &ours))
	list := func(v any) any { return v.(map[string]any)["config"].(map[string]any)["layers"] }
	return list(theirs), list(ours), nil
}

func throughTraining(t *testing.T, text string) (theirs, ours any, err error) {
	training, err := readTraining([]byte(text))
	if err != nil {
		return nil, nil, err
	}
	config := trainingConfig(four(t, training), true)
	if _, short := config["loss"].(string); short { // Keras's defaults
		values := pythonValues(losses.Arguments(training.Loss))
		values["name"], values["reduction"] = training.Loss.Name(), "sum_over_batch_size"
		config["loss"] = keras(training.Loss.ClassName(), "keras.losses", values)
	}
	again, err := encodeJSON(config)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal([]byte(text), &theirs))
	require.NoError(t, json.Unmarshal(again, &ours))
	return theirs, ours, nil
}

// differences lists where two configurations say different things.
func differences(a, b any, path string) (list []string) {
	switch x := a.(type) {
	case map[string]any:
		y, ok := b.(map[string]any)
		if !ok {
			break
		}
		keys := maps.Clone(x)
		maps.Copy(keys, y)
		for _, key := range slices.Sorted(maps.Keys(keys)) {
			if at := path + "/" + key; key != "seed" && key != "build_config" && at != "/optimizer/config/name" && at != "/loss/config/name" {
				list = append(list, differences(x[key], y[key], at)...)
			}
		}
		return list
	case []any:
		y, ok := b.([]any)
		if !ok || len(x) != len(y) {
			break
		}
		for i := range x {
			list = append(list, differences(x[i], y[i], fmt.Sprint(path, "/", i))...)
		}
		return list
	case float64:
		if y, ok := b.(float64); ok && rate(x) == rate(y) {
			return nil
		}
	}
	if a == "mean" {
		a = "sum_over_batch_size" // which is the same
	}
	for _, v := range []*any{&a, &b} {
		if list, ok := (*v).([]any); ok && len(list) == 1 { // an axis alone or in a list
			*v = list[0]
		}
		if *v == nil {
			*v = false
		}
	}
	if brief(a) == brief(b) {
		return nil
	}
	return []string{fmt.Sprintf("%s was %s, is %s", path, brief(a), brief(b))}
}
