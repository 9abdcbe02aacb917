package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestMeant(t *testing.T) {
	words := []string{"batch", "epochs", "learning_rate", "metrics", "val", "run-dir"}
	for word, want := range map[string]string{
		"batch_size": "batch", "batch-size": "batch", "lr": "learning_rate", "validation_split": "val", // what others call them
		"epoch": "epochs", "Metrics": "metrics", "metrcis": "metrics", "runDir": "run-dir", "learningrate": "learning_rate",
		"shuffle": "", "vat": "val", "at": "", "": "", "bitcoin": "",
	} {
		assert.Equal(t, want, meant(word, words), word)
	}
}

func TestMistakesCountsEdits(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "ab", 2}, {"ab", "", 2}, {"abc", "abc", 0}, {"abc", "abd", 1}, {"abc", "acb", 1}, {"abcd", "bcd", 1}, {"bcd", "abcd", 1}, {"kitten", "sitting", 3}} {
		assert.Equal(t, c.want, mistakes(c.a, c.b), "%s %s", c.a, c.b)
	}
}

func TestMistakesInAConfiguration(t *testing.T) {
	file := filepath.Join(t.TempDir(), "run.yaml")
	for text, want := range map[string]string{
		"epochs: 1\nbatch_size: 32":        `line 2: there is no setting "batch_size"; did you mean batch?`,
		"early_stopping: {patience: 3}":    "callbacks stand under callbacks:, as callbacks: {early_stopping: {…}}",
		"shuffle: false":                   "the settings are model, classes, image, data",
		"seed: 1\nepochs: three":           "line 2: epochs: three: a whole number is wanted",
		"{seed: 1, epochs: [3]}":           "line 1: epochs: a list: a whole number is wanted",
		"epochs:\n  most: 3":               "line 1: epochs: a mapping: a whole number is wanted",
		"seed: -1":                         "seed: -1: a whole number from 0 on is wanted",
		"epochs: 99999999999999999999":     "epochs: 99999999999999999999: a whole number is wanted, of at most 64 bits",
		"learning_rate: high":              "learning_rate: high: a number is wanted",
		"exact: 3":                         "exact: 3: true or false is wanted",
		`exact: ""`:                        `exact: "": true or false is wanted`,
		"model: [resnet20]":                "model: a list: a word is wanted",
		"seed: &n 3\nloss: 5\nepochs: *n":  "line 2: loss: 5: a name or {name: {argument: value}} is wanted",
		"metrics: {mae: , mse: }":          "metrics: {mae: null, mse: null}: a name or {name: {argument: value}} is wanted",
		"weighted_metrics: [mae, 3]":       "weighted_metrics: 3: a name",
		"augment: 3":                       "line 1: augment: number 1 of the list is 3",
		"augment: {cutout: 8, mixup: }":    "want a list item for each, as the order matters",
		"- epochs: 3":                      "it has no settings; want them as a YAML mapping",
		"callbacks: {early_stoping: {}}":   `no callback "early_stoping"; the callbacks are csv_logger`,
		"callbacks: [early_stopping: {}\n": "not found",
	} {
		require.NoError(t, os.WriteFile(file, []byte(text), 0o666))
		code, _, stderr := run("train", "--config", file)
		assert.Equal(t, 2, code, text)
		assert.Contains(t, stderr, want, text)
	}
}

// TestOneInPlaceOfAList reads what Keras takes too.
func TestOneInPlaceOfAList(t *testing.T) {
	one := defaultConfig()
	require.NoError(t, readConfig("one", []byte("metrics: accuracy\nweighted_metrics: {top_k_categorical_accuracy: {k: 3}}\naugment: {random_flip: horizontal}"), &one))
	list := defaultConfig()
	require.NoError(t, readConfig("list", []byte("metrics: [accuracy]\nweighted_metrics: [{top_k_categorical_accuracy: {k: 3}}]\naugment: [{random_flip: horizontal}]"), &list))
	assert.Equal(t, list, one)
	require.NoError(t, readConfig("word", []byte("augment: rand_augment"), &one))
	assert.Len(t, one.Augment, 1)
	require.NoError(t, readConfig("named", []byte("&all {epochs: 3}"), &one))
	assert.Equal(t, 3, one.Epochs)
	for _, empty := range []string{"", "# nothing yet\n", "---\n"} {
		nothing := defaultConfig()
		require.NoError(t, readConfig("empty", []byte(empty), &nothing))
		assert.Equal(t, defaultConfig(), nothing, "%q", empty)
	}
}

// TestRunThatDoesNotBegin leaves its directory as it found it, so that the same command will do when what was wrong is mended.
func TestRunThatDoesNotBegin(t *testing.T) {
	t.Chdir(t.TempDir())
	idx := smallIDX(t, 40)
	monitor := filepath.Join(t.TempDir(), "monitor.yaml")
	require.NoError(t, os.WriteFile(monitor, []byte("callbacks: {early_stopping: {monitor: val_acc}}\n"), 0o666))
	require.NoError(t, os.Mkdir("mine", 0o777))
	for _, args := range [][]string{
		{"--data", "nowhere"}, {"--data", idx, "--val", "500"}, {"--data", idx, "--val", "10", "--config", monitor},
	} {
		for _, more := range [][]string{nil, {"--run-dir", "new"}, {"--run-dir", "mine"}} {
			code, _, stderr := run(append(append([]string{"train"}, args...), more...)...)
			assert.NotZero(t, code)
			assert.NotContains(t, stderr, "what it left")
		}
	}
	for dir, want := range map[string]int{".": 2, "runs": 0, "mine": 0} { // mine and runs
		entries, err := os.ReadDir(dir)
		require.NoError(t, err)
		assert.Len(t, entries, want, dir)
	}
	_, _, stderr := run("train", "--data", idx, "--val", "10", "--config", monitor)
	assert.Contains(t, stderr, "callbacks: early_stopping: metric", "in the configuration's words")
	code, _, stderr := run("train", "--data", idx, "--val", "10", "--steps", "1", "--run-dir", "mine")
	assert.Zero(t, code, stderr)
}
