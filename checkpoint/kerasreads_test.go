package checkpoint

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/meseta-go/meseta/layers"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"
)

// kerasDump is what keras_check.py --dump writes.
type kerasDump struct {
	Layers          []string          `json:"layers"`
	Weights         map[string]digest `json:"weights"`
	Optimizer       string            `json:"optimizer"`
	Variables       []digest          `json:"variables"`
	Iterations      int64             `json:"iterations"`
	LearningRate    float64           `json:"learning_rate"`
	Config          any               `json:"config"`
	OptimizerConfig map[string]any    `json:"optimizer_config"`
}

// kerasJob is a command line of keras_check.py.
type kerasJob struct {
	model, x string
	args     []string
}

// runKeras runs keras_check.py and gives what Keras holds of each model, and
// what it printed.
func runKeras(t *testing.T, jobs ...kerasJob) ([]kerasDump, string) {
	python := os.Getenv("MESETA_PYTHON")
	if python == "" {
		t.Skip("MESETA_PYTHON does not name a Python with Keras")
	}
	dir := t.TempDir()
	var lines [][]string
	for i, j := range jobs {
		y, dump := filepath.Join(dir, fmt.Sprintf("%d.npy", i)), filepath.Join(dir, fmt.Sprintf("%d.json", i))
		lines = append(lines, append([]string{j.model, j.x, y, "--dump", dump}, j.args...))
	}
	b, err := json.Marshal(lines)
	require.NoError(t, err)
	batch := filepath.Join(dir, "jobs.json")
	require.NoError(t, os.WriteFile(batch, b, 0o600))
	out, err := exec.Command(python, "testdata/keras_check.py", "--batch", batch).CombinedOutput()
	require.NoError(t, err, string(out))
	dumps := make([]kerasDump, len(jobs))
	for i, line := range lines {
		b, err := os.ReadFile(line[4])
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(b, &dumps[i]))
	}
	return dumps, string(out)
}

// Keras opens what we write, sees the same weights, configuration and optimizer,
// and goes on training.
func TestKerasReadsWhatWeWrite(t *testing.T) {
	type testCase struct {
		name  string
		slots bool // Keras restores the optimizer's slots
		model *Model
		want  expected
	}
	var jobs []kerasJob
	var cases []testCase
	for name, want := range readExpected(t, "expected.json") {
		m, err := Load(filepath.Join("testdata", name+".h5"))
		require.NoError(t, err)
		m.State = &State{Blobs: map[string][]byte{"run": []byte("{}")}}
		dir := t.TempDir()
		x, golden := filepath.Join("testdata", name+"_x.npy"), filepath.Join("testdata", name+".keras")
		paths := map[string]string{}
		for _, suffix := range []string{".h5", ".keras", ".weights.h5"} {
			paths[suffix] = filepath.Join(dir, "model"+suffix)
			require.NoError(t, Save(paths[suffix], m))
		}
		jobs = append(jobs, kerasJob{golden, x, nil}, kerasJob{paths[".h5"], x, nil},
			kerasJob{paths[".keras"], x, []string{"--train", "2"}},
			kerasJob{golden, x, []string{"--weights", paths[".weights.h5"], "--train", "2"}})
		cases = append(cases, testCase{name + " golden", true, m, want}, testCase{name + " h5", false, m, want}, // Keras's own .h5 does not get them back either
			testCase{name + " keras", true, m, want}, testCase{name + " weights", true, m, want})
	}
	got, out := runKeras(t, jobs...)
	assert.Contains(t, out, "keras 3")
	for i, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			golden := got[i/4*4]
			assert.Equal(t, c.want.Weights, got[i].Weights)
			assert.Equal(t, golden.Layers, got[i].Layers)
			assert.Equal(t, c.model.Training.Optimizer.ClassName(), got[i].Optimizer)
			assert.Equal(t, c.want.LearningRate, got[i].LearningRate)
			assert.Equal(t, golden.Config.(map[string]any)["config"], got[i].Config.(map[string]any)["config"])
			if c.slots {
				assert.Equal(t, golden.Variables, got[i].Variables)
				assert.Equal(t, c.want.Iterations, got[i].Iterations)
			}
		})
	}
}

// deep is a network of n dense layers with names of 64,600 bytes in all, so that
// the list of names does not fit into one attribute.
func deep(t testing.TB, n int) *Model {
	list := []layers.Layer{&layers.InputLayer{Shape: layers.Shape{2}}}
	m := &Model{Weights: map[string]*tensor.Dense{}}
	for k := range n {
		name := fmt.Sprintf("%s_%05d", strings.Repeat("x", 64600/n), k)
		list = append(list, &layers.Dense{Name: name, Units: 2})
		m.Weights[name+"/kernel"] = tensor.New(tensor.WithShape(2, 2), tensor.WithBacking([]float32{1, 0, 0, float32(k)}))
		m.Weights[name+"/bias"] = tensor.New(tensor.WithShape(2), tensor.WithBacking([]float32{0, float32(k)}))
	}
	var err error
	m.Graph, err = layers.Sequential("", list...)
	require.NoError(t, err)
	return m
}

func TestManyLayers(t *testing.T) {
	m := deep(t, 901)
	path := filepath.Join(t.TempDir(), "deep.h5")
	require.NoError(t, Save(path, m))
	got, err := Load(path)
	require.NoError(t, err)
	assert.Equal(t, digestsOf(t, m.Weights), digestsOf(t, got.Weights))
	sameNetwork(t, m.Graph, got.Graph)
	f, err := read(path)
	require.NoError(t, err)
	group := f.root.Group("model_weights")
	assert.Nil(t, group.Attrs.Get("layer_names"))
	assert.NotNil(t, group.Attrs.Get("layer_names1"))
}

// Keras reads the list of names that is split.
func TestKerasReadsManyLayers(t *testing.T) {
	m := deep(t, 40)
	dir := t.TempDir()
	path, x := filepath.Join(dir, "deep.h5"), filepath.Join(dir, "x.npy")
	require.NoError(t, Save(path, m))
	// One sample of two zeros.
	npy := append([]byte("\x93NUMPY\x01\x00\x46\x00{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }"), "          \n"...)
	require.Len(t, npy, 80)
	require.NoError(t, os.WriteFile(x, append(npy, make([]byte, 8)...), 0o600))
	got, _ := runKeras(t, kerasJob{path, x, nil})
	assert.Equal(t, digestsOf(t, m.Weights), got[0].Weights)
}
