package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/meseta-go/meseta"
	"github.com/meseta-go/meseta/data"
	"github.com/meseta-go/meseta/gpu"
	"github.com/meseta-go/meseta/hdf5"
	"github.com/meseta-go/meseta/losses"
	"github.com/meseta-go/meseta/optimizers"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"
)

// asCommand makes the test binary behave as the command: tests that kill it, or limit what it may write, start it so.
const asCommand = "MESETA_TEST_AS_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		main()
	}
	os.Setenv(gpu.LibraryVariable, "none") // whatever the machine has, and for the commands that tests start
	os.Exit(m.Run())
}

// command is the command as a process of its own, in dir.
func command(t *testing.T, dir string, args ...string) *exec.Cmd {
	self, err := os.Executable()
	require.NoError(t, err)
	c := exec.Command(self, args...)
	c.Dir = dir
	c.Env = append(os.Environ(), asCommand+"=1")
	return c
}

// run is the command in this process.
func run(args ...string) (code int, stdout, stderr string) {
	var out, err bytes.Buffer
	code = execute(args, &out, &err)
	return code, out.String(), err.String()
}

// smallIDX makes a directory with n training and test images of MNIST's form.
func smallIDX(t *testing.T, n int) string {
	dir := t.TempDir()
	write := func(name string, header []byte, body []byte) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), append(header, body...), 0o666))
	}
	for _, prefix := range []string{"train", "t10k"} {
		images := make([]byte, n*28*28)
		labels := make([]byte, n)
		for i := range labels {
			labels[i] = byte(i % 10)
			for j := range 28 {
				images[i*784+(i%10)*56+j] = 255
			}
		}
		write(prefix+"-images-idx3-ubyte", []byte{0, 0, 8, 3, 0, 0, byte(n >> 8), byte(n), 0, 0, 0, 28, 0, 0, 0, 28}, images)
		write(prefix+"-labels-idx1-ubyte", []byte{0, 0, 8, 1, 0, 0, byte(n >> 8), byte(n)}, labels)
	}
	return dir
}

func TestTrainLeavesARun(t *testing.T) {
	idx, dir := smallIDX(t, 60), filepath.Join(t.TempDir(), "run")
	saved := filepath.Join(t.TempDir(), "sub", "end.h5")
	code, stdout, stderr := run("train", "--data", idx, "--val", "20", "--epochs", "2", "--batch", "16", "--exact", "--run-dir", dir, "--save", saved, "--json")
	require.Zero(t, code, stderr)
	var r result
	require.NoError(t, json.Unmarshal([]byte(stdout), &r), stdout)
	assert.Equal(t, 2, r.Epochs)
	assert.EqualValues(t, 6, r.Updates)
	assert.Equal(t, saved, r.Saved)
	assert.Contains(t, r.Test, "accuracy")
	for _, name := range []string{"config.yaml", "history.csv", "journal.jsonl", "curves.png", "report.html", "mejor_modelo.h5"} {
		info, err := os.Stat(filepath.Join(dir, name))
		if assert.NoError(t, err) {
			assert.NotZero(t, info.Size(), name)
		}
	}
	assert.Contains(t, stderr, "val_accuracy")
	page, err := os.ReadFile(filepath.Join(dir, "report.html"))
	require.NoError(t, err)
	for _, want := range []string{"mnist-cnn on " + filepath.Base(idx), "Confusion on test data", "batch: 16", "cpu ", "test data</span>"} {
		assert.True(t, strings.Contains(string(page), want), want)
	}

	// The resolved configuration gives the same run again.
	text, err := os.ReadFile(filepath.Join(dir, "config.yaml"))
	require.NoError(t, err)
	var cfg config
	require.NoError(t, yaml.UnmarshalWithOptions(text, &cfg, yaml.Strict()))
	assert.Equal(t, 16, cfg.Batch)
	assert.True(t, cfg.Exact)
	again := filepath.Join(t.TempDir(), "again.h5")
	code, _, stderr = run("train", "--config", filepath.Join(dir, "config.yaml"), "--run-dir", filepath.Join(t.TempDir(), "other"), "--save", again)
	require.Zero(t, code, stderr)
	a, err := os.ReadFile(saved)
	require.NoError(t, err)
	b, err := os.ReadFile(again)
	require.NoError(t, err)
	assert.True(t, bytes.Equal(a, b), "same configuration, same bytes")
	code, _, stderr = run("train", "--config", filepath.Join(dir, "config.yaml"), "--exact=false", "--run-dir", filepath.Join(t.TempDir(), "winograd"), "--save", again)
	require.Zero(t, code, stderr)
	b, err = os.ReadFile(again)
	require.NoError(t, err)
	assert.False(t, bytes.Equal(a, b), "Winograd's convolution rounds otherwise")

	// A directory that holds a run is not written over.
	code, _, stderr = run("train", "--data", idx, "--run-dir", dir)
	assert.Equal(t, 1, code)
	assert.Contains(t, stderr, "holds")

	// What was saved can be measured, applied, inspected, verified and trained on.
	code, stdout, stderr = run("eval", saved, "--exact", "--data", idx, "--json")
	require.Zero(t, code, stderr)
	var logs map[string]float64
	require.NoError(t, json.Unmarshal([]byte(stdout), &logs))
	assert.Equal(t, map[string]float64(r.Test), logs)
	x, y := filepath.Join(t.TempDir(), "x.npy"), filepath.Join(t.TempDir(), "y.npy")
	require.NoError(t, data.SaveNPY(x, tensor.New(tensor.WithShape(3, 28, 28, 1), tensor.Of(tensor.Float32))))
	code, stdout, stderr = run("predict", saved, "--input", x, "--output", y)
	require.Zero(t, code, stderr)
	assert.Contains(t, stdout, "(3, 10)")
	out, err := data.LoadNPY(y)
	require.NoError(t, err)
	assert.Equal(t, tensor.Shape{3, 10}, out.Shape())
	code, stdout, _ = run("inspect", saved)
	assert.Zero(t, code)
	assert.Contains(t, stdout, "Trainable params: 1,199,882 (4.58 MB)")
	code, brief, stderr := run("verify", saved)
	assert.Zero(t, code, stderr)
	assert.Equal(t, 1, strings.Count(brief, "\n"), brief)
	code, stdout, stderr = run("verify", saved, "--verbose")
	assert.Zero(t, code, stderr)
	assert.Contains(t, stdout, "conv2d/kernel\n", "each array")
	assert.True(t, strings.HasSuffix(stdout, brief), "%s", stdout)
	code, stdout, stderr = run("train", "--model", saved, "--data", idx, "--val", "0.25", "--steps", "2", "--run-dir", filepath.Join(t.TempDir(), "more"), "--json")
	require.Zero(t, code, stderr)
	require.NoError(t, json.Unmarshal([]byte(stdout), &r))
	assert.EqualValues(t, 8, r.Updates, "the optimizer went on where it was")

	// A damaged file is refused.
	a[len(a)/2] ^= 1
	require.NoError(t, os.WriteFile(saved, a, 0o666))
	_, stdout, _ = run("verify", saved)
	assert.Contains(t, stdout, "the whole file\n")
	assert.Contains(t, stdout, "DAMAGED")
	assert.NotContains(t, stdout, "ok ")
	for _, args := range [][]string{{"verify", saved}, {"eval", saved, "--data", idx}} {
		code, _, stderr = run(args...)
		assert.Equal(t, 1, code, args)
		assert.Contains(t, stderr, saved)
	}
}

// A run that fails leaves a report that says so.
func TestReportOfAFailedRun(t *testing.T) {
	idx, dir := smallIDX(t, 60), filepath.Join(t.TempDir(), "run")
	code, _, stderr := run("train", "--data", idx, "--val", "20", "--epochs", "3", "--batch", "8", "--optimizer", "sgd", "--lr", "9e5", "--run-dir", dir)
	require.Equal(t, 1, code, stderr)
	page, err := os.ReadFile(filepath.Join(dir, "report.html"))
	require.NoError(t, err)
	assert.True(t, strings.Contains(string(page), `class="state failed"`))
	assert.True(t, strings.Contains(string(page), "the update was not applied"))
}

func TestOptimizerByName(t *testing.T) {
	idx, dir := smallIDX(t, 20), t.TempDir()
	named := filepath.Join(dir, "run.yaml")
	require.NoError(t, os.WriteFile(named, []byte("optimizer: rmsprop\nlearning_rate: 0.002\n"), 0o666))
	arguments := filepath.Join(dir, "arguments.yaml")
	require.NoError(t, os.WriteFile(arguments, []byte("optimizer: {sgd: {momentum: 0.9, nesterov: true, learning_rate: 0.1}}\n"), 0o666))
	base := filepath.Join(dir, "base.yaml")
	require.NoError(t, os.WriteFile(base, []byte("optimizer: {adamax: {clipnorm: 1.0, use_ema: true, gradient_accumulation_steps: 2}}\n"), 0o666))
	names := filepath.Join(dir, "names.yaml")
	require.NoError(t, os.WriteFile(names, []byte("optimizer: {muon: {exclude_layers: [dense_1], ns_steps: 4}}\n"), 0o666))
	muon := optimizers.NewMuon()
	muon.ExcludeLayers, muon.NSSteps = []string{"dense_1"}, 4
	adamax := optimizers.NewAdamax()
	adamax.Base = optimizers.Base{ClipNorm: 1, UseEMA: true, GradientAccumulationSteps: 2}
	for i, c := range []struct {
		args []string
		want optimizers.Optimizer
	}{
		{[]string{"--optimizer", "Lion"}, optimizers.NewLion()},
		{[]string{"--config", named}, optimizers.NewRMSprop().WithRate(0.002)},
		{[]string{"--config", arguments}, &optimizers.SGD{LearningRate: 0.1, Momentum: 0.9, Nesterov: true}},
		{[]string{"--config", filepath.Join(dir, "SGD", "config.yaml"), "--seed", "2"}, &optimizers.SGD{LearningRate: 0.1, Momentum: 0.9, Nesterov: true}},
		{[]string{"--config", base}, adamax},
		{[]string{"--config", names}, muon},
		{[]string{"--config", named, "--optimizer", "adamw", "--lr", "0.005"}, optimizers.NewAdamW().WithRate(0.005)},
	} {
		saved, runDir := filepath.Join(dir, c.want.ClassName()+".h5"), filepath.Join(dir, c.want.ClassName())
		if i == 3 { // the resolved configuration of the run before
			runDir += "again"
		}
		code, _, stderr := run(append([]string{"train", "--data", idx, "--val", "10", "--batch", "5", "--steps", "1", "--save", saved, "--run-dir", runDir}, c.args...)...)
		require.Zero(t, code, stderr)
		m, err := meseta.Load(saved)
		require.NoError(t, err)
		training, ok := m.Training()
		require.True(t, ok)
		assert.Equal(t, c.want, training.Optimizer)
		require.NoError(t, m.Close())
	}
}

func TestLossAndMetricsOfAConfiguration(t *testing.T) {
	idx, dir := smallIDX(t, 60), filepath.Join(t.TempDir(), "run")
	saved := filepath.Join(t.TempDir(), "end.h5")
	file := filepath.Join(t.TempDir(), "run.yaml")
	require.NoError(t, os.WriteFile(file, []byte(`
loss: {categorical_crossentropy: {label_smoothing: 1e-1}}
metrics:
  - accuracy
  - top_k_categorical_accuracy
  - {auc: {curve: PR, name: pr}}
  - {f1_score: {average: macro}}
weighted_metrics: [accuracy]
class_weight: {0: 2.0, 1: 0.5}
callbacks: {early_stopping: {monitor: val_pr, mode: max}}
`), 0o600))
	code, stdout, stderr := run("train", "--config", file, "--data", idx, "--val", "20", "--epochs", "1", "--batch", "16", "--run-dir", dir, "--save", saved, "--json")
	require.Zero(t, code, stderr)
	var r result
	require.NoError(t, json.Unmarshal([]byte(stdout), &r), stdout)
	for _, name := range []string{"loss", "accuracy", "weighted_accuracy", "top_k_categorical_accuracy", "pr", "f1_score"} {
		assert.Contains(t, r.Test, name)
	}
	text, err := os.ReadFile(filepath.Join(dir, "config.yaml"))
	require.NoError(t, err)
	var cfg config
	require.NoError(t, yaml.UnmarshalWithOptions(text, &cfg, yaml.Strict()))
	assert.Equal(t, map[int]float64{0: 2, 1: .5}, cfg.ClassWeight.weights)
	loss, err := cfg.Loss.loss()
	require.NoError(t, err)
	assert.Equal(t, losses.CategoricalCrossentropy{LabelSmoothing: .1}, loss)
	again := filepath.Join(t.TempDir(), "again.h5")
	code, _, stderr = run("train", "--config", filepath.Join(dir, "config.yaml"), "--run-dir", filepath.Join(t.TempDir(), "other"), "--save", again)
	require.Zero(t, code, stderr)
	a, err := os.ReadFile(saved)
	require.NoError(t, err)
	b, err := os.ReadFile(again)
	require.NoError(t, err)
	assert.True(t, bytes.Equal(a, b), "same configuration, same bytes")

	// The model keeps loss and metrics.
	code, stdout, stderr = run("eval", saved, "--data", idx, "--json")
	require.Zero(t, code, stderr)
	var logs map[string]float64
	require.NoError(t, json.Unmarshal([]byte(stdout), &logs))
	assert.Equal(t, map[string]float64(r.Test), logs)

	require.NoError(t, os.WriteFile(file, []byte("class_weight: balanced\ncallbacks: {}\n"), 0o600))
	code, _, stderr = run("train", "--config", file, "--data", idx, "--val", "20", "--steps", "1", "--loss", "mse", "--run-dir", filepath.Join(t.TempDir(), "balanced"))
	require.Zero(t, code, stderr)
	for text, want := range map[string]string{
		"loss: hubert":                     `no "hubert"`,
		"loss: {huber: {gamma: 1}}":        `no argument "gamma"`,
		"metrics: [accurate]":              `no "accurate"`,
		"metrics: [{auc: {k: 1}}]":         `no argument "k"`,
		"class_weight: even":               "class_weight: even: balanced or weights by class",
		"class_weight: [1, 2]":             "weights by class",
		"metrics: [{auc: {curve: wrong}}]": `curve "wrong"`,
	} {
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		code, _, stderr = run("train", "--config", file, "--data", idx, "--run-dir", filepath.Join(t.TempDir(), "wrong"))
		assert.NotZero(t, code, text)
		assert.Contains(t, stderr, want, text)
	}
}

func TestMistakesHaveExitCodesAndReasons(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	bad := filepath.Join(dir, "bad.yaml")
	require.NoError(t, os.WriteFile(bad, []byte("epoch: 3\n"), 0o666))
	monitor := filepath.Join(dir, "monitor.yaml")
	require.NoError(t, os.WriteFile(monitor, []byte("callbacks: {early_stopping: {monitor: val_los}}\n"), 0o666))
	optimizer, optimizerList := filepath.Join(dir, "optimizer.yaml"), filepath.Join(dir, "list.yaml")
	require.NoError(t, os.WriteFile(optimizer, []byte("optimizer: {adam: {beta1: 0.8}}\n"), 0o666))
	require.NoError(t, os.WriteFile(optimizerList, []byte("optimizer: [adam]\n"), 0o666))
	fraction := filepath.Join(dir, "fraction.yaml")
	require.NoError(t, os.WriteFile(fraction, []byte("batch: 2.5\n"), 0o666))
	device := filepath.Join(t.TempDir(), "device.yaml")
	require.NoError(t, os.WriteFile(device, []byte("device: tpu\n"), 0o666))
	noGPU := "`make cuda` in meseta's repository"
	if gpu.Built {
		noGPU = "MESETA_LIBCUDA is none"
	}
	require.NoError(t, os.Mkdir("empty", 0o777))
	require.NoError(t, os.Mkdir("flat", 0o777))
	require.NoError(t, os.WriteFile("flat/a.jpg", []byte{0xff, 0xd8, 0xff}, 0o666))
	idx := smallIDX(t, 40)
	for _, c := range []struct {
		args string
		code int
		want string
	}{
		{"fly", 2, `no command "fly"`},
		{"fit", 2, `no command "fit"; did you mean train?`},
		{"bench stpe", 2, `no command "stpe"; did you mean step?`},
		{"train photos", 2, `meseta train does not take "photos"`},
		{"train --batch-size 3", 2, "unknown flag: --batch-size; did you mean --batch?"},
		{"train --learning_rate 3", 2, "did you mean --lr?\nRun 'meseta train --help' for usage."},
		{"train --shuffle", 2, "unknown flag: --shuffle\n"},
		{"predict m.h5 --inputs x.npy", 2, "did you mean --input?"},
		{"train --epochs many", 2, "invalid argument"},
		{"train --epochs 0", 2, "epochs is 0"},
		{"train --config " + fraction, 2, "batch is 2.5, want a whole number"},
		{"train --lr 0", 2, "--lr 0: want more than 0"},
		{"train --lr NaN", 2, "learning_rate is NaN"},
		{"train --device cuda", 1, noGPU},
		{"train --device cuda:1", 1, noGPU},
		{"train --device gpu", 2, `"gpu" is not a device; want auto, cpu, cuda or cuda:N`},
		{"train --device cuda:-1", 2, "not a device"},
		{"train --config " + device, 2, `"tpu" is not a device`},
		{"train --threads -2", 2, "--threads -2"},
		{"train --optimizer ftrl", 2, "there are adadelta, adagrad"},
		{"train --config " + optimizer, 2, "Adam has no argument \"beta1\""},
		{"train --config " + optimizerList, 2, "a name or {name: {argument: value}} is wanted"},
		{"train --model alexnet --data " + idx + " --val 0.2", 1, "there are mnist-cnn, mobilenet-v2, resnet20, resnet50, resnet9, vgg11-bn"},
		{"train --data nowhere", 1, `data "nowhere" is not the word mnist, and as a path: stat nowhere`},
		{"train --data empty", 1, "empty holds neither CIFAR's files nor class folders, and as IDX files"},
		{"train --data " + idx + " --val 40", 2, "40 training samples"},
		{"train --data flat", 1, "put those of each class into a folder of its own"},
		{"train --data flat/a.jpg", 1, "files of arrays (.npz, .h5) are data"},
		{"train --epochs 3 --initial-epoch 3", 2, "initial_epoch is 3, want 0 or more and less than the 3 epochs"},
		{"train --classes 1", 2, "classes is 1, want 2 or more"},
		{"train --image -1", 2, "image is -1"},
		{"train --lr 1e9 --val 10 --data " + idx, 2, "learning rate 1e+09"},
		{"train --classes 5 --val 10 --data " + idx, 2, "the data have 10 classes, mnist-cnn has 5; --classes 10 gives it as many"},
		{"train --config " + bad, 2, `line 1: there is no setting "epoch"; did you mean epochs?`},
		{"train --config flat/a.jpg", 2, "flat/a.jpg is no text"},
		{"train --config nothing.yaml", 1, "nothing.yaml"},
		{"train --val 20 --data " + idx + " --config " + monitor, 1, "val_accuracy"},
		{"eval", 2, "meseta eval wants MODEL"},
		{"predict m.h5", 2, "--input"},
		{"predict m.h5 --input x.npy", 2, "wants --output"},
		{"eval .", 1, "model . is a directory\n"},
		{"inspect mnist-cnn --plan --mode dream", 2, "--mode dream"},
		{"bench step --model gpt", 2, "mnist-cnn"},
		{"bench step --precision int4", 2, "int4"},
		{"bench step --model resnet20 --image -3", 2, "side of -3"},
		{"bench step --seconds 0", 2, "--seconds 0"},
		{"bench op conv", 2, "wants shapes, mb8ic64ih56oc64kh3ph1 say"},
		{"bench op conv ic3ih8oc4", 2, "kh has to be there"},
		{"bench op conv ic3ih8oc4kh3 --pass up", 2, "no pass \"up\""},
		{"bench op conv ic3ih8oc4kh3 --batch -1", 2, "--batch -1"},
		{"bench op gemm m1n1k1 --device cuda", 1, noGPU},
		{"bench op gemm --list conv_resnet50", 1, "gemm_square"},
		{"bench peak --threads -1", 2, "--threads -1"},
		{"verify nothing.h5", 1, "nothing.h5"},
		{"train --save model.txt", 2, "model.txt has no suffix"},
		{"train --model " + bad, 1, "bad.yaml"},
	} {
		code, stdout, stderr := run(strings.Fields(c.args)...)
		assert.Equal(t, c.code, code, c.args)
		assert.Contains(t, stderr, c.want, c.args)
		assert.Empty(t, stdout, c.args)
		assert.NotContains(t, stderr, "meseta: meseta:", c.args)
	}
}

// TestSaveIsTriedFirst: where no file can be made beside the model's, a run does not start.
func TestSaveIsTriedFirst(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("wants a directory that even root cannot write to: /proc")
	}
	t.Chdir(t.TempDir())
	code, _, stderr := run("train", "--save", "/proc/model.h5", "--steps", "1")
	assert.Equal(t, 1, code)
	assert.Contains(t, stderr, "/proc/model.h5 cannot be saved")
	assert.NoDirExists(t, runsDirectory)
}

func TestInspectDraws(t *testing.T) {
	file := filepath.Join(t.TempDir(), "net.svg")
	t.Setenv("COLUMNS", "60")
	code, stdout, stderr := run("inspect", "resnet20", "--svg", file)
	require.Zero(t, code, stderr)
	for line := range strings.Lines(stdout) {
		assert.LessOrEqual(t, utf8.RuneCountInString(strings.TrimSuffix(line, "\n")), 60)
	}
	drawing, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, 73, strings.Count(string(drawing), `class="p-box"`), "as many boxes as layers")
	code, stdout, stderr = run("inspect", "mnist-cnn", "--svg", file, "--json")
	require.Zero(t, code, stderr)
	assert.True(t, json.Valid([]byte(stdout)), stdout)
	again, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.NotEqual(t, drawing, again)
	code, _, stderr = run("inspect", "mnist-cnn", "--svg", filepath.Join(file, "net.svg"))
	assert.Equal(t, 1, code)
	assert.Contains(t, stderr, "net.svg")
}

func TestDoctorAndInspect(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, args := range []string{"doctor", "doctor --json", "inspect resnet20 --json", "inspect resnet20 --plan --batch 2", "--help", "train --help"} {
		code, stdout, stderr := run(strings.Fields(args)...)
		assert.Zero(t, code, "%s: %s", args, stderr)
		assert.NotEmpty(t, stdout, args)
	}
}

// doctor fails where training could not begin, after it has said what there is.
func TestDoctorFails(t *testing.T) {
	t.Chdir(t.TempDir())
	code, stdout, stderr := run("doctor", "--device", "cuda:999")
	assert.Equal(t, 1, code)
	assert.Contains(t, stdout, "instructions")
	assert.NotEmpty(t, stderr)
	code, _, stderr = run("doctor", "--device", "gpu")
	assert.Equal(t, 2, code)
	assert.Contains(t, stderr, "want auto, cpu, cuda or cuda:N")
	require.NoError(t, os.WriteFile(runsDirectory, nil, 0o666)) // root may write to every directory, but not to a file's entries
	code, _, stderr = run("doctor", "--json")
	assert.Equal(t, 1, code)
	assert.Contains(t, stderr, "runs/ cannot be written")
}

// A file whose training is not supported is trained with the usual one, which is said.
func TestSaysThatTrainingIsAnother(t *testing.T) {
	idx, dir := smallIDX(t, 20), t.TempDir()
	plain, foreign := filepath.Join(dir, "plain.h5"), filepath.Join(dir, "foreign.h5")
	train := []string{"train", "--data", idx, "--val", "5", "--batch", "5", "--steps", "1"}
	code, _, stderr := run(append(train, "--save", plain, "--run-dir", filepath.Join(dir, "a"))...)
	require.Zero(t, code, stderr)
	assert.NotContains(t, stderr, "cannot go on")

	root, err := hdf5.ReadFile(plain)
	require.NoError(t, err)
	text, err := root.Attrs.Get("training_config").ScalarString()
	require.NoError(t, err)
	require.Contains(t, text, `"Adam"`)
	root.Attrs.Set("training_config", hdf5.StringScalar(strings.Replace(text, `"Adam"`, `"Ftrl"`, 1), true))
	root.Remove("meseta") // the sums
	require.NoError(t, hdf5.WriteFile(foreign, root))
	for _, args := range [][]string{append(train, "--model", foreign, "--run-dir", filepath.Join(dir, "b")), {"eval", foreign, "--data", idx}} {
		code, _, stderr = run(args...)
		require.Zero(t, code, stderr)
		assert.Contains(t, stderr, `training cannot go on as the file says: optimizer "Ftrl" is not supported`)
		assert.Contains(t, stderr, "the optimizer is now Adam, the loss sparse_categorical_crossentropy")
	}
}
