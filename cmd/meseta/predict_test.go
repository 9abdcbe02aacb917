package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/meseta-go/meseta"
	"github.com/meseta-go/meseta/checkpoint"
	"github.com/meseta-go/meseta/data"
	"github.com/meseta-go/meseta/layers"
	"github.com/meseta-go/meseta/losses"
	"github.com/meseta-go/meseta/optimizers"
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

	table := filepath.Join(dir, "y.csv")
	code, _, stderr = run("predict", model, "--input", filepath.Join(folder, "test"), "--output", table)
	require.Zero(t, code, stderr)
	text, err := os.ReadFile(table)
	require.NoError(t, err)
	rows := strings.Split(strings.TrimSpace(string(text)), "\n")
	require.Len(t, rows, 21)
	assert.True(t, strings.HasPrefix(rows[0], "file,class,class é 0,class é 1,"), rows[0])
	first := got.Predictions[0]
	assert.Equal(t, fmt.Sprintf("class é 0/image 00.png,%s,%g", first.Name, first.Outputs[0]), strings.Join(strings.SplitN(rows[1], ",", 4)[:3], ","))
	code, _, stderr = run("predict", model, "--input", output, "--output", table)
	assert.Equal(t, 2, code)
	assert.Contains(t, stderr, "outputs are written as .npy")

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
		{make([]float32, 2*28*28), []int{2, 28, 28, 1}, "mnist-cnn has the weights that training begins with"},
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

// TestNetworksThatTakeBytes: one that begins with a Rescaling by 1/255, as Keras's do, gets images with values from 0 to 255, in each command.
func TestNetworksThatTakeBytes(t *testing.T) {
	folder, files := smallFolder(t, "", 20)
	dir := t.TempDir()
	make255 := func(rescaling ...layers.Layer) string {
		list := append([]layers.Layer{meseta.Input(10, 20, 1)}, rescaling...)
		m := meseta.Sequential(append(list, &layers.Flatten{}, &layers.Dense{Units: 10, Activation: layers.Softmax})...)
		require.NoError(t, m.Compile(meseta.Training{Optimizer: optimizers.NewAdam(), Loss: losses.SparseCategoricalCrossentropy{}, Seed: 3}))
		file := filepath.Join(dir, fmt.Sprintf("m%d.keras", len(rescaling)))
		require.NoError(t, m.Save(file))
		return file
	}
	var outputs [2][]predicted
	var test [2]string
	for i, model := range []string{make255(), make255(&layers.Rescaling{Scale: 1. / 255})} {
		run := func(args ...string) string {
			code, stdout, stderr := run(args...)
			require.Zero(t, code, stderr)
			if args[0] == "train" {
				assert.Equal(t, i == 1, strings.Contains(stderr, "begins with a Rescaling of values from 0 to 255, so images have these"), stderr)
			}
			return stdout
		}
		saved := filepath.Join(dir, fmt.Sprintf("saved%d.keras", i))
		if i == 0 { // the usual callbacks do without accuracy, and without validation data
			assert.Contains(t, run("train", "--model", model, "--data", folder, "--val", "0", "--steps", "1", "--run-dir", filepath.Join(dir, "none")), "1 epoch, 1 update")
		}
		run("train", "--model", model, "--data", folder, "--val", "0.5", "--steps", "5", "--batch", "4", "--run-dir", filepath.Join(dir, fmt.Sprint(i)), "--save", saved)
		test[i] = run("eval", saved, "--data", folder)
		var got struct{ Predictions []predicted }
		require.NoError(t, json.Unmarshal([]byte(run("predict", saved, "--input", filepath.Join(folder, "test"), "--json")), &got))
		outputs[i] = got.Predictions
	}
	require.Len(t, outputs[0], len(files)/3)
	for i := range outputs[0] {
		assert.InDeltaSlice(t, outputs[0][i].Outputs, outputs[1][i].Outputs, 1e-4)
	}
	assert.Equal(t, test[0], test[1])
	pixels := filepath.Join(dir, "x.npy")
	require.NoError(t, data.SaveNPY(pixels, tensor.New(tensor.WithShape(2, 10, 20, 1), tensor.WithBacking(make([]uint8, 2*10*20)))))
	for i, want := range []string{"x.astype('float32') / 255 is what training makes", "want x.astype('float32')\n"} {
		code, _, stderr := run("predict", filepath.Join(dir, fmt.Sprintf("saved%d.keras", i)), "--input", pixels, "--output", filepath.Join(dir, "y.npy"))
		assert.Equal(t, 1, code)
		assert.Contains(t, stderr, want)
	}
	text, err := os.ReadFile(filepath.Join(dir, "none", "config.yaml"))
	require.NoError(t, err)
	assert.Contains(t, string(text), "monitor: loss\n")
	assert.NotContains(t, string(text), "val_")
}

func TestTakesBytes(t *testing.T) {
	for want, list := range map[bool][]*layers.Rescaling{
		true:  {{Scale: 1. / 255}, {Scale: 1 / 127.5, Offset: -1}, {Scales: []float64{1. / 255, 1. / 256}}},
		false: {{Scale: 1}, {Scale: .125}, {Scales: []float64{1. / 255, 1}}},
	} {
		for _, r := range list {
			g, err := layers.Sequential("", &layers.InputLayer{Shape: layers.Shape{2, 2, 2}}, r, &layers.Flatten{})
			require.NoError(t, err)
			assert.Equal(t, want, takesBytes(g), r)
			g, err = layers.Sequential("", &layers.InputLayer{Shape: layers.Shape{2, 2, 2}}, &layers.Flatten{}, &layers.Rescaling{Scale: 1. / 255})
			require.NoError(t, err)
			assert.False(t, takesBytes(g), "it does not begin with it")
		}
	}
}

// TestPredictOfTwoClasses: a network that ends in one sigmoid gives the share of the second class.
func TestPredictOfTwoClasses(t *testing.T) {
	folder, _ := smallFolder(t, "", 20)
	two, dir := filepath.Join(t.TempDir(), "two"), t.TempDir()
	require.NoError(t, os.Mkdir(two, 0o777))
	for i := range 2 {
		name := fmt.Sprint("class é ", i)
		require.NoError(t, os.Rename(filepath.Join(folder, "train", name), filepath.Join(two, name)))
	}
	g, err := layers.Sequential("", &layers.InputLayer{Shape: layers.Shape{10, 20, 1}}, &layers.Flatten{}, &layers.Dense{Units: 1, Activation: layers.Sigmoid})
	require.NoError(t, err)
	text, err := checkpoint.MarshalConfig(g)
	require.NoError(t, err)
	network := filepath.Join(dir, "network.json") // as Keras's to_json
	require.NoError(t, os.WriteFile(network, text, 0o666))
	saved := filepath.Join(dir, "end.h5")
	code, _, stderr := run("train", "--model", network, "--data", two, "--val", "0.25", "--epochs", "30", "--lr", "0.1", "--run-dir", filepath.Join(dir, "run"), "--save", saved)
	require.Zero(t, code, stderr)
	for i := range 2 {
		name := fmt.Sprint("class é ", i)
		code, stdout, stderr := run("predict", saved, "--input", filepath.Join(folder, "test", name))
		require.Zero(t, code, stderr)
		assert.Regexp(t, `\.png: `+name+` \d+\.\d %, class é \d \d+\.\d %\n$`, stdout)
		code, stdout, stderr = run("predict", saved, "--input", filepath.Join(folder, "test", name), "--json")
		require.Zero(t, code, stderr)
		assert.Contains(t, stdout, fmt.Sprintf(`"class":%d,"name":"%s","outputs":[0.`, i, name))
	}
	require.NoError(t, os.WriteFile(network, []byte("{}"), 0o666))
	code, _, stderr = run("inspect", network)
	assert.Equal(t, 1, code)
	assert.Contains(t, stderr, "network.json")
}
