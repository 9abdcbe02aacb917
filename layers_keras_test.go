package meseta

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/meseta-go/meseta/checkpoint"
	"github.com/meseta-go/meseta/hdf5"
	"github.com/meseta-go/meseta/kernels"
	"github.com/meseta-go/meseta/kernels/cpu"
	"github.com/meseta-go/meseta/kernels/interpret"
	"github.com/meseta-go/meseta/layers"
	"github.com/meseta-go/meseta/ops"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// layerCase is a network of testdata/layers, recorded of Keras by make_layers.py.
type layerCase struct {
	name   string // FAMILY/CASE
	root   *hdf5.Group
	config string
	graph  *layers.Graph
}

func layerCases(t *testing.T) []layerCase {
	files, err := filepath.Glob(filepath.Join("testdata", "layers", "*.h5"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	var cases []layerCase
	for _, file := range files {
		root, err := hdf5.ReadFile(file)
		require.NoError(t, err)
		family := strings.TrimSuffix(filepath.Base(file), ".h5")
		for _, name := range root.Names() {
			c := layerCase{name: family + "/" + name, root: root.Group(name)}
			v := c.root.Attrs.Get("config")
			require.NotNil(t, v, c.name)
			c.config, err = v.Value.ScalarString()
			require.NoError(t, err, c.name)
			c.graph, err = checkpoint.UnmarshalConfig([]byte(c.config))
			require.NoError(t, err, c.name)
			cases = append(cases, c)
		}
	}
	return cases
}

// floats gives the recorded array of a path.
func (c layerCase) floats(t *testing.T, path string) []float32 {
	d := c.root.Dataset(path)
	require.NotNil(t, d, "%s: %s", c.name, path)
	values, err := d.Float32s()
	require.NoError(t, err)
	return values
}

// lower lists the operations of the network for the recorded batch, and gives the values that a run needs.
func (c layerCase) lower(t *testing.T, training bool) (g *ops.Graph, src, dst ops.Value, weights map[string]ops.Value, in map[ops.Value]any) {
	g = &ops.Graph{}
	x := c.floats(t, "x")
	shape := c.graph.Input()
	src = g.NewValue("x", ops.F32(append([]int{len(x) / shape.Size()}, shape...)...), ops.Input)
	in = map[ops.Value]any{src: x}
	weights = map[string]ops.Value{}
	b := &layers.Builder{Graph: g, Training: training, Counter: g.NewValue("counter", ops.CounterType, ops.State)}
	in[b.Counter] = []int64{1, 2}
	dst, err := c.graph.Lower(b, src, func(l layers.Placed, w layers.Weight) ops.Value {
		path := l.Path(w)
		if _, ok := weights[path]; !ok {
			weights[path] = g.NewValue(path, ops.Type{Shape: w.Shape}, ops.Parameter)
			in[weights[path]] = c.floats(t, "weights/"+path)
		}
		return weights[path]
	})
	require.NoError(t, err, c.name)
	return g, src, dst, weights, in
}

// TestLayersAreKerass holds each layer's output and gradients against those of the real Keras.
func TestLayersAreKerass(t *testing.T) {
	cases := layerCases(t)
	for _, isa := range cpu.Available() {
		device, err := kernels.NewCPU(cpu.Config{Threads: 2, ISA: &isa})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, device.Close()) })
		for _, c := range cases {
			t.Run(c.name+" "+isa.String(), func(t *testing.T) {
				g, _, dst, weights, in := c.lower(t, false)
				assertClose(t, c.floats(t, "y"), interpret.Run(t, device, g, in).Float32(dst), "output")
				paths := 0
				require.NoError(t, c.root.Walk(func(path string, _ *hdf5.Dataset) error {
					if strings.HasPrefix(path, "weights/") {
						paths++
					}
					return nil
				}))
				assert.Len(t, weights, paths, "as many weights as in Keras")

				g, src, dst, weights, in := c.lower(t, true)
				if strings.HasSuffix(c.name, "_random") {
					interpret.Run(t, device, g, in)
					return
				}
				names, wrt := []string{"x"}, []ops.Value{src}
				for path, v := range weights {
					if c.root.Dataset("gradients/"+path) != nil {
						names, wrt = append(names, path), append(wrt, v)
					}
				}
				seed := g.NewValue("seed", g.Type(dst), ops.Input)
				in[seed] = c.floats(t, "seed")
				diff, err := g.Gradients(dst, seed, wrt)
				require.NoError(t, err)
				values := interpret.Run(t, device, g, in)
				for i, d := range diff {
					want := c.floats(t, "gradients/"+names[i])
					got := make([]float32, len(want))
					if d != ops.None {
						got = values.Float32(d)
					}
					assertClose(t, want, got, "gradient of "+names[i])
				}
			})
		}
	}
}

// assertClose allows what two orders of float32 sums differ by, relative to the largest number.
func assertClose(t *testing.T, want, got []float32, what string) {
	t.Helper()
	largest := float32(1e-3)
	for _, x := range want {
		largest = max(largest, x, -x)
	}
	assert.InDeltaSlice(t, want, got, float64(largest)*1e-5, what)
}

// TestKerasReadsLayers has the real Keras build each network from the configuration that we write of it, and compares that with Keras's own.
// MESETA_PYTHON names a Python that has Keras; without it the test is skipped.
func TestKerasReadsLayers(t *testing.T) {
	python := os.Getenv("MESETA_PYTHON")
	if python == "" {
		t.Skip("MESETA_PYTHON is not set: no Keras to compare with")
	}
	type job struct {
		Name   string `json:"name"`
		Ours   string `json:"ours"`
		Theirs string `json:"theirs"`
	}
	var jobs []job
	for _, c := range layerCases(t) {
		text, err := checkpoint.MarshalConfig(c.graph)
		require.NoError(t, err)
		jobs = append(jobs, job{c.name, string(text), c.config})
	}
	file := filepath.Join(t.TempDir(), "jobs.json")
	text, err := json.Marshal(jobs)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(file, text, 0o666))
	out, err := exec.Command(python, filepath.Join("testdata", "layers", "keras_configs.py"), file).CombinedOutput()
	require.NoError(t, err, "%s", out)
}
