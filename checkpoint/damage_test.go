package checkpoint

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/meseta-go/meseta/hdf5"
	"github.com/meseta-go/meseta/layers"
	"github.com/meseta-go/meseta/ops"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"
)

// saved gives the bytes of the golden model, written by us with state.
func saved(t testing.TB, suffix string) []byte {
	m, err := Load("testdata/sequential.h5")
	require.NoError(t, err)
	m.State = &State{Blobs: map[string][]byte{"run": []byte(`{"epoch":3}`)}}
	path := filepath.Join(t.TempDir(), "a"+suffix)
	require.NoError(t, Save(path, m))
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	return b
}

// mutate changes src in one of the ways in which files get damaged.
func mutate(r *rand.Rand, src []byte) []byte {
	b := bytes.Clone(src)
	at := r.IntN(len(b))
	switch r.IntN(7) {
	case 0: // cut short
		return b[:at]
	case 1: // one bit
		b[at] ^= 1 << r.IntN(8)
	case 2: // a number becomes huge, or nothing
		copy(b[at&^7:], [][]byte{bytes.Repeat([]byte{0xff}, 8), {0xff, 0xff, 0xff, 0x7f}, make([]byte, 8)}[r.IntN(3)])
	case 3: // one byte
		b[at] = byte(r.Uint32())
	case 4: // a piece is repeated elsewhere
		n := min(r.IntN(600), len(b)-at)
		copy(b[r.IntN(len(b)):], src[at:at+n])
	case 5: // a block of zeros, as after a crash
		clear(b[at&^511 : min(at&^511+512, len(b))])
	case 6: // more bytes at the end
		return append(b, src[:at]...)
	}
	return b
}

// No mutation of a file with sums is accepted, none panics, and none makes us
// allocate more than four times its size.
func TestMutationsAreRefused(t *testing.T) {
	for _, suffix := range []string{".h5", ".weights.h5", ".keras"} {
		t.Run(suffix, func(t *testing.T) {
			src := saved(t, suffix)
			path := filepath.Join(t.TempDir(), "a"+suffix)
			r := rand.New(rand.NewPCG(8, 9))
			require.NoError(t, os.WriteFile(path, src, 0o600))
			_, err := Load(path) // what is made once for the process does not count
			require.NoError(t, err)
			bound := 4 * len(src)
			if suffix == ".keras" {
				bound += 66 << 10 // archive/zip looks for the end of its directory in the last 65 KiB
			}
			most := 0.0
			for n := 0; n < 1000; n++ {
				b := mutate(r, src)
				if bytes.Equal(b, src) {
					continue
				}
				require.NoError(t, os.WriteFile(path, b, 0o600))
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				_, err := Load(path)
				runtime.ReadMemStats(&after)
				require.Error(t, err, "mutation %d", n)
				require.LessOrEqual(t, after.TotalAlloc-before.TotalAlloc, uint64(bound), "allocated at mutation %d", n)
				most = max(most, float64(after.TotalAlloc-before.TotalAlloc)/float64(len(src)))
				_, err = Verify(path)
				require.Error(t, err)
			}
			t.Logf("at most %.2f × the file's size was allocated", most)
		})
	}
}

// Every single byte counts, even those that nobody reads.
func TestEveryByteIsSummed(t *testing.T) {
	for _, suffix := range []string{".h5", ".keras"} {
		src := saved(t, suffix)
		path := filepath.Join(t.TempDir(), "a"+suffix)
		r := rand.New(rand.NewPCG(1, 1))
		for at := r.IntN(40); at < len(src); at += 1 + r.IntN(80) {
			src[at] ^= 0x10
			require.NoError(t, os.WriteFile(path, src, 0o600))
			_, err := Load(path)
			require.Error(t, err, "byte %d of %s", at, suffix)
			src[at] ^= 0x10
		}
	}
}

// A wrong dataset is named.
func TestVerifyNamesTheDataset(t *testing.T) {
	src := saved(t, ".h5")
	root, err := hdf5.Parse(src)
	require.NoError(t, err)
	const dataset = "model_weights/conv2d/sequential/conv2d/kernel"
	src[root.Dataset(dataset).Offset] ^= 1
	path := filepath.Join(t.TempDir(), "a.h5")
	require.NoError(t, os.WriteFile(path, src, 0o600))
	r, err := Verify(path)
	require.ErrorIs(t, err, ErrSum)
	assert.ErrorContains(t, err, path+": "+dataset)
	require.NotNil(t, r)
	wrong := 0
	for _, d := range r.Datasets {
		if !d.OK {
			wrong++
			assert.Equal(t, dataset, d.Path)
		}
	}
	assert.Equal(t, 1, wrong)
	assert.False(t, r.File.OK)
	assert.Contains(t, r.String(), "WRONG")
	assert.Contains(t, r.String(), "DAMAGED")
	_, err = Load(path)
	assert.ErrorIs(t, err, ErrSum)
	_, err = LoadWeights(path, sequentialGraph(t))
	assert.ErrorIs(t, err, ErrSum)
}

// Damage to the sums themselves does not make a file one without sums.
func TestSumsCannotBeLost(t *testing.T) {
	for _, suffix := range []string{".h5", ".keras"} {
		src := saved(t, suffix)
		path := filepath.Join(t.TempDir(), "a"+suffix)
		for at := 0; ; at++ {
			next := bytes.Index(src[at:], []byte(sumMark))
			if next < 0 {
				break
			}
			at += next
			b := bytes.Clone(src)
			b[at] ^= 1
			require.NoError(t, os.WriteFile(path, b, 0o600))
			_, err := Load(path)
			require.Error(t, err)
		}
	}
	m, err := Load("testdata/sequential.h5")
	require.NoError(t, err)
	for name, change := range map[string]func(root *hdf5.Group){
		"more sums": func(root *hdf5.Group) { root.Remove("optimizer") },
		"no sums":   func(root *hdf5.Group) { root.Group("meseta").Remove(sumMark + "-datasets") },
	} {
		root := &hdf5.Group{}
		require.NoError(t, writeWeights(root, m, true))
		require.NoError(t, seal(root, nil))
		change(root)
		path := filepath.Join(t.TempDir(), "a.h5")
		require.NoError(t, hdf5.WriteFile(path, root))
		r, err := Verify(path)
		require.ErrorIs(t, err, ErrSum, name)
		assert.Contains(t, r.String(), "WRONG", name)
	}
}

// Of Keras's own files only the structure can be checked, and the report says so.
func TestVerifyWithoutSums(t *testing.T) {
	for _, name := range []string{"sequential.h5", "sequential.weights.h5", "sequential.keras", "tf_keras_residual.h5"} {
		r, err := Verify(filepath.Join("testdata", name))
		require.NoError(t, err, name)
		assert.False(t, r.Summed)
		assert.Contains(t, r.String(), "only its structure could be checked")
	}
	path := filepath.Join(t.TempDir(), "cut.h5")
	b, err := os.ReadFile("testdata/sequential.h5")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, b[:20000], 0o600))
	_, err = Verify(path)
	var broken hdf5.FormatError
	assert.ErrorAs(t, err, &broken)
	assert.ErrorContains(t, err, path)
	_, err = Verify(filepath.Join(t.TempDir(), "none.h5"))
	assert.ErrorIs(t, err, os.ErrNotExist)
}

// Keras's files with random damage are refused or read, without a panic.
func TestMutationsOfKerasFiles(t *testing.T) {
	for _, name := range []string{"sequential.h5", "residual.weights.h5", "residual.keras", "tf_keras_residual.h5"} {
		src, err := os.ReadFile(filepath.Join("testdata", name))
		require.NoError(t, err)
		g := residualGraph(t)
		path := filepath.Join(t.TempDir(), name)
		r := rand.New(rand.NewPCG(5, 6))
		for range 300 {
			require.NoError(t, os.WriteFile(path, mutate(r, src), 0o600))
			_, _ = Load(path)
			_, _ = LoadWeights(path, g)
		}
	}
}

// The error for a file of another network names the first weight that differs.
func TestAnotherNetwork(t *testing.T) {
	change := func(filters, units int, more bool) *layers.Graph {
		list := []layers.Layer{
			&layers.InputLayer{Shape: layers.Shape{8, 8, 1}},
			&layers.Conv2D{Filters: 2, KernelSize: layers.Square(3), Name: "conv2d"},
			&layers.Conv2D{Filters: filters, KernelSize: layers.Square(3), Padding: layers.Same, Strides: layers.Size{1, 2}, Name: "conv2d_1"},
			&layers.MaxPooling2D{}, &layers.Flatten{},
			&layers.Dense{Units: units, Name: "dense"},
			&layers.Dense{Units: 4, Name: "dense_1"},
		}
		if more {
			list = append(list, &layers.Dense{Units: 3, Name: "dense_2"})
		}
		g, err := layers.Sequential("", list...)
		require.NoError(t, err)
		return g
	}
	for _, suffix := range []string{".h5", ".weights.h5", ".keras"} {
		path := "testdata/sequential" + suffix
		_, err := LoadWeights(path, change(4, 5, false))
		require.ErrorIs(t, err, ops.ErrShape)
		assert.ErrorContains(t, err, "checkpoint: conv2d_1/kernel is [3,3,2,3] in "+path+", the model wants [3,3,2,4]; ")
		_, err = LoadWeights(path, change(3, 6, false))
		assert.ErrorContains(t, err, "checkpoint: dense/kernel is [9,5] in "+path+", the model wants [9,6]; ")
		_, err = LoadWeights(path, change(3, 5, true))
		require.ErrorIs(t, err, ops.ErrShape)
		assert.ErrorContains(t, err, "dense_2/kernel is not in "+path)
		_, err = LoadWeights(path, change(3, 5, false))
		require.NoError(t, err)
		small, err := layers.Sequential("", change(3, 5, false).Layers[0].Layer, &layers.Conv2D{Filters: 2, KernelSize: layers.Square(3)})
		require.NoError(t, err)
		_, err = LoadWeights(path, small)
		require.ErrorIs(t, err, ops.ErrShape)
		assert.ErrorContains(t, err, "the model has no such layer")
		bare, err := layers.Sequential("", change(3, 5, false).Layers[0].Layer, &layers.Conv2D{Filters: 2, KernelSize: layers.Square(3), NoBias: true})
		require.NoError(t, err)
		_, err = LoadWeights(path, bare)
		assert.ErrorContains(t, err, "conv2d in "+path+" has 2 weights, the model's has 1")
	}
	_, err := LoadWeights("testdata/residual.h5", func() *layers.Graph {
		in := layers.Apply(&layers.InputLayer{Shape: layers.Shape{8, 8, 3}})
		g, err := layers.Functional("", in, layers.Apply(&layers.Conv2D{Name: "stem", Filters: 4, KernelSize: layers.Square(3)}, in))
		require.NoError(t, err)
		return g
	}())
	assert.ErrorContains(t, err, "stem/bias is not in testdata/residual.h5")
}

// What is incomplete is not saved, and what was there stays.
func TestSaveRefuses(t *testing.T) {
	good, err := Load("testdata/sequential.h5")
	require.NoError(t, err)
	dir := t.TempDir()
	for name, c := range map[string]struct {
		path   string
		change func(m *Model)
		want   string
	}{
		"suffix":       {"a.bin", func(*Model) {}, "has no suffix of a format"},
		"no network":   {"a.h5", func(m *Model) { m.Graph = nil }, "without a network"},
		"no weight":    {"a.h5", func(m *Model) { m.Weights = nil }, "conv2d/kernel has no value"},
		"shape":        {"a.h5", func(m *Model) { m.Weights["conv2d/bias"] = tensor.New(tensor.WithShape(3), tensor.Of(tensor.Float32)) }, "conv2d/bias has shape [3], the model wants [2]"},
		"type":         {"a.h5", func(m *Model) { m.Weights["conv2d/bias"] = tensor.New(tensor.WithShape(2), tensor.Of(tensor.Float64)) }, "want float32"},
		"no loss":      {"a.h5", func(m *Model) { m.Training = &Training{} }, "without optimizer or loss"},
		"optimizer":    {"a.keras", func(m *Model) { m.Optimizer = &OptimizerState{Class: "Ftrl"} }, `no layout for the state of optimizer "Ftrl"`},
		"no slot":      {"a.h5", func(m *Model) { m.Optimizer = &OptimizerState{Class: "Adam"} }, "momentum of conv2d/kernel has no value"},
		"state":        {"a.keras", func(m *Model) { m.State = &State{Blobs: map[string][]byte{"a//b": nil}} }, `cannot be named "a//b"`},
		"state tensor": {"a.h5", func(m *Model) { m.State = &State{Tensors: map[string]*tensor.Dense{"": nil}} }, `cannot be named ""`},
		"state clash":  {"a.h5", func(m *Model) { m.State = &State{Blobs: map[string][]byte{"a": nil, "a/b": nil}} }, `"a" is a dataset`},
		"state type": {"a.weights.h5", func(m *Model) {
			m.State = &State{Tensors: map[string]*tensor.Dense{"x": tensor.New(tensor.WithShape(2), tensor.Of(tensor.Int))}}
		}, "state x: a tensor of int"},
		"directory": {"missing/a.h5", func(*Model) {}, "no such file"},
	} {
		t.Run(name, func(t *testing.T) {
			m := *good
			m.Weights = map[string]*tensor.Dense{}
			for path, x := range good.Weights {
				m.Weights[path] = x
			}
			c.change(&m)
			assert.ErrorContains(t, Save(filepath.Join(dir, c.path), &m), c.want)
		})
	}
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Empty(t, files)
	view, err := tensor.New(tensor.WithShape(4, 4), tensor.Of(tensor.Float32)).Slice(nil, tensor.S(0, 2))
	require.NoError(t, err)
	_, err = floats(view.(*tensor.Dense))
	assert.ErrorContains(t, err, "Clone it")
}

// SGD without momentum keeps nothing for a weight, and scalars are tensors too.
func TestPlainSGD(t *testing.T) {
	m, err := Load("testdata/sequential.h5")
	require.NoError(t, err)
	m.Optimizer = &OptimizerState{Class: "SGD", Iterations: 7, LearningRate: 0.5}
	m.Training = nil
	m.State = &State{Tensors: map[string]*tensor.Dense{"x": tensor.New(tensor.FromScalar(float32(2)))}}
	for _, suffix := range []string{".h5", ".weights.h5", ".keras"} {
		path := filepath.Join(t.TempDir(), "a"+suffix)
		require.NoError(t, Save(path, m))
		got, err := Load(path)
		require.NoError(t, err)
		require.NoError(t, got.TrainingErr)
		assert.Nil(t, got.Training)
		require.NotNil(t, got.Optimizer)
		assert.EqualValues(t, 7, got.Optimizer.Iterations)
		assert.Equal(t, float32(0.5), got.Optimizer.LearningRate)
		assert.Empty(t, got.Optimizer.Slots)
		assert.Equal(t, float32(2), got.State.Tensors["x"].Data())
		m.Optimizer = got.Optimizer
	}
}

// Without training there is no optimizer, and a rate that moved is in the configuration.
func TestLearningRate(t *testing.T) {
	m, err := Load("testdata/sequential.keras")
	require.NoError(t, err)
	m.Optimizer.LearningRate = 0.0005
	path := filepath.Join(t.TempDir(), "a.h5")
	require.NoError(t, Save(path, m))
	got, err := Load(path)
	require.NoError(t, err)
	assert.Equal(t, 0.0005, got.Training.Optimizer.Rate())
	m.Optimizer, m.Training = nil, nil
	require.NoError(t, Save(path, m))
	got, err = Load(path)
	require.NoError(t, err)
	assert.Nil(t, got.Optimizer)
	assert.Nil(t, got.Training)
	assert.NoError(t, got.TrainingErr)
}

func FuzzLoad(f *testing.F) {
	files, err := filepath.Glob("testdata/*.h5")
	require.NoError(f, err)
	kerases, err := filepath.Glob("testdata/*.keras")
	require.NoError(f, err)
	for _, path := range append(files, kerases...) {
		b, err := os.ReadFile(path)
		require.NoError(f, err)
		f.Add(b)
	}
	f.Add(saved(f, ".h5"))
	f.Add(saved(f, ".keras"))
	path := filepath.Join(f.TempDir(), "fuzz")
	f.Fuzz(func(t *testing.T, b []byte) {
		require.NoError(t, os.WriteFile(path, b, 0o600))
		m, err := Load(path)
		if err != nil {
			return
		}
		// What loads and can be saved (names may not be HDF5's) loads again.
		if Save(path+".h5", m) != nil {
			return
		}
		_, err = Load(path + ".h5")
		require.NoError(t, err)
	})
}

// What a killed writer left goes; a model stays.
func TestRemoveStale(t *testing.T) {
	dir := t.TempDir()
	stale := filepath.Join(dir, ".best.h5.h5tmp-00000001")
	require.NoError(t, os.WriteFile(stale, nil, 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "best.h5"), nil, 0o600))
	removed, err := RemoveStale(dir)
	require.NoError(t, err)
	assert.Equal(t, []string{stale}, removed)
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Len(t, files, 1)
}
