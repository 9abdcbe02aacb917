package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/meseta-go/meseta/data"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"
)

// TestPredictImages trains on class folders and applies the model to images: in a directory, an archive and alone, by the names of the classes.
func TestPredictImages(t *testing.T) {
	folder, files := smallFolder(t, "", 40)
	dir := t.TempDir()
	code, _, stderr := run("train", "--data", folder, "--val", "0.25", "--epochs", "1", "--batch", "10", "--run-dir", filepath.Join(dir, "run"))
	require.Zero(t, code, stderr)
	model := filepath.Join(dir, "run", "mejor_modelo.h5")
	output := filepath.Join(dir, "y.npy")
	code, stdout, stderr := run("predict", model, "--input", filepath.Join(folder, "test"), "--output", output, "--batch", "7")
	require.Zero(t, code, stderr)
	lines := strings.Split(strings.TrimSpace(stdout), "\n")
	require.Len(t, lines, 20)
	assert.Regexp(t, `^class é 0/image 00\.png: class é \d \d+\.\d %, class é \d \d+\.\d %, class é \d \d+\.\d %$`, lines[0])
	y, err := data.LoadNPY(output)
	require.NoError(t, err)
	assert.Equal(t, tensor.Shape{20, 10}, y.Shape())

	// The same numbers by eval's reader, which knows the classes, and as JSON of an archive and a single image.
	archive := filepath.Join(dir, "x.zip")
	require.NoError(t, os.WriteFile(archive, zipOf(t, files), 0o666))
	code, stdout, stderr = run("predict", model, "--input", archive, "--json")
	require.Zero(t, code, stderr)
	var got struct {
		Shape       []int
		Predictions []predicted
	}
	require.NoError(t, json.Unmarshal([]byte(stdout), &got), stdout)
	assert.Equal(t, []int{60, 10}, got.Shape)
	all := y.Data().([]float32)
	for i, p := range got.Predictions[:20] {
		assert.True(t, strings.HasPrefix(p.File, "test/"))
		assert.Equal(t, all[i*10:(i+1)*10], p.Outputs)
		assert.Equal(t, slices.Max(p.Outputs), p.Outputs[p.Class])
		assert.Equal(t, "class é "+string(rune('0'+p.Class)), p.Name)
	}
	code, stdout, stderr = run("predict", model, "--input", filepath.Join(folder, "test", "class é 0", "image 00.png"))
	require.Zero(t, code, stderr)
	assert.Equal(t, strings.TrimPrefix(lines[0], "class é 0/")+"\n", stdout)

	require.NoError(t, os.WriteFile(filepath.Join(folder, "test", "bad.png"), []byte("no image"), 0o666))
	code, _, stderr = run("predict", model, "--input", filepath.Join(folder, "test"))
	assert.Equal(t, 1, code)
	assert.Contains(t, stderr, "bad.png")
	code, stdout, stderr = run("predict", model, "--input", filepath.Join(folder, "test"), "--skip-broken")
	require.Zero(t, code, stderr)
	assert.Len(t, strings.Split(strings.TrimSpace(stdout), "\n"), 20)
	assert.Contains(t, stderr, "skipped 1 broken images, 20 are left")
	code, _, stderr = run("eval", filepath.Join(dir, "run"), "--data", folder)
	assert.Equal(t, 1, code)
	assert.Contains(t, stderr, "is a directory; name a file of it: "+model)
}

func TestPredictSaysHowToMakeSamples(t *testing.T) {
	input, output := filepath.Join(t.TempDir(), "x.npy"), filepath.Join(t.TempDir(), "y.npy")
	for _, c := range []struct {
		x    any
		dims []int
		want string
	}{
		{make([]float32, 28*28), []int{28, 28, 1}, "x[None] is one sample"},
		{make([]float32, 2*28*28), []int{2, 1, 28, 28}, "x.transpose(0, 2, 3, 1)"},
		{make([]uint8, 2*28*28), []int{2, 28, 28, 1}, "x.astype('float32') / 255"},
		{make([]float64, 2*28*28), []int{2, 28, 28, 1}, "want x.astype('float32')\n"},
		{make([]float32, 2*27*28), []int{2, 27, 28, 1}, "shapes disagree\n"},
		{make([]float32, 2*28*28), []int{2, 28, 28, 1}, "mnist-cnn is an architecture"},
	} {
		require.NoError(t, data.SaveNPY(input, tensor.New(tensor.WithShape(c.dims...), tensor.WithBacking(c.x))))
		_, _, stderr := run("predict", "mnist-cnn", "--input", input, "--output", output)
		assert.Contains(t, stderr, c.want)
	}
}

func TestBest(t *testing.T) {
	for _, c := range []struct {
		numbers       []float32
		names         []string
		probabilities bool
		want          string
	}{
		{[]float32{.125}, nil, false, "0.125"},
		{[]float32{.2, .7, .06, .04}, []string{"a", "b"}, true, "b 70.0 %, a 20.0 %, class 2 6.0 %"},
		{[]float32{-3, 12.25}, nil, false, "class 1 12.25, class 0 -3"},
	} {
		assert.Equal(t, c.want, best(c.numbers, c.names, c.probabilities))
	}
}
