package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// writeText writes a file in a new directory and gives its path.
func writeText(t *testing.T, name, text string) string {
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o666))
	return path
}

func TestTrainAugments(t *testing.T) {
	idx := smallIDX(t, 60)
	histories := map[string]string{}
	train := func(name, config, threads string) {
		dir := filepath.Join(t.TempDir(), "run")
		code, _, stderr := run("train", "--config", config, "--data", idx, "--val", "20", "--epochs", "2", "--batch", "16", "--run-dir", dir, "--threads", threads)
		require.Zero(t, code, stderr)
		text, err := os.ReadFile(filepath.Join(dir, "history.csv"))
		require.NoError(t, err)
		histories[name] = string(text)
		resolved, err := os.ReadFile(filepath.Join(dir, "config.yaml"))
		require.NoError(t, err)
		histories[name+" config"] = string(resolved)
	}
	augmented := writeText(t, "a.yaml", "augment: [{random_translation: {height_factor: 0.1, width_factor: 0.1}}, {pad_and_crop: 2}, {cutout: 8}]\n")
	train("augmented", augmented, "1")
	workers := writeText(t, "w.yaml", "workers: 4\naugment: [{random_translation: {height_factor: 0.1, width_factor: 0.1}}, {pad_and_crop: 2}, {cutout: 8}]\n")
	train("again", workers, "2")
	train("plain", writeText(t, "b.yaml", "seed: 1\n"), "1")
	assert.Equal(t, histories["augmented"], histories["again"], "for any number of threads and workers")
	assert.NotEqual(t, histories["augmented"], histories["plain"])
	train("resolved", writeText(t, "c.yaml", histories["augmented config"]), "1")
	assert.Equal(t, histories["augmented"], histories["resolved"])

	code, _, stderr := run("train", "--config", writeText(t, "f.yaml", "workers: -1\n"))
	assert.Equal(t, 2, code)
	assert.Contains(t, stderr, "workers is -1")
	code, _, stderr = run("train", "--config", writeText(t, "d.yaml", "augment: [{spin: 3}]\n"))
	assert.NotZero(t, code)
	assert.Contains(t, stderr, `there is no augmentation "spin"; there are cutmix, cutout`)
	code, _, stderr = run("train", "--data", idx, "--val", "20", "--run-dir", t.TempDir(), "--config", writeText(t, "e.yaml", "augment: [{pad_and_crop: 40}]\n"))
	assert.NotZero(t, code)
	assert.Contains(t, stderr, "padding is 40, images of 28x28 need 1 to 28")
}

func TestTrainMixes(t *testing.T) {
	idx := smallIDX(t, 90)
	config := writeText(t, "mix.yaml", "augment: [{pad_and_crop: 2}, {mixup: 0.4}, cutmix]\n")
	saved := filepath.Join(t.TempDir(), "end.h5")
	code, stdout, stderr := run("train", "--config", config, "--data", idx, "--val", "30", "--epochs", "2", "--batch", "20", "--run-dir", t.TempDir(), "--save", saved, "--json")
	require.Zero(t, code, stderr)
	var r result
	require.NoError(t, json.Unmarshal([]byte(stdout), &r))
	assert.Contains(t, r.Test, "accuracy")
	assert.EqualValues(t, 6, r.Updates)
	code, stdout, stderr = run("eval", saved, "--data", idx)
	require.Zero(t, code, stderr)
	assert.Contains(t, stdout, "accuracy")
	// Of class folders, some of which are empty, targets are as wide as the network's output.
	code, _, stderr = run("train", "--config", config, "--data", hardFolder(t), "--skip-broken", "--val", "6", "--epochs", "1", "--batch", "8", "--run-dir", t.TempDir())
	assert.Zero(t, code, stderr)
}
