package checkpoint

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/meseta-go/meseta/hdf5"
	"github.com/meseta-go/meseta/optimizers"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// optimizerCases are what make_optimizers.py made, by name.
var optimizerCases = map[string]optimizers.Optimizer{
	"sgd":              &optimizers.SGD{LearningRate: 1},
	"adamw":            &optimizers.AdamW{LearningRate: 0.01, Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-7, WeightDecay: 0.004},
	"rmsprop":          &optimizers.RMSprop{LearningRate: 0.01, Rho: 0.9, Epsilon: 1e-7},
	"rmsprop_momentum": &optimizers.RMSprop{LearningRate: 0.01, Rho: 0.8, Momentum: 0.9, Epsilon: 1e-7},
	"rmsprop_centered": &optimizers.RMSprop{LearningRate: 0.01, Rho: 0.9, Epsilon: 1e-7, Centered: true},
	"rmsprop_both":     &optimizers.RMSprop{LearningRate: 0.01, Rho: 0.9, Momentum: 0.5, Epsilon: 1e-7, Centered: true, WeightDecay: 0.01},
	"adagrad":          &optimizers.Adagrad{LearningRate: 0.1, InitialAccumulatorValue: 0.2, Epsilon: 1e-7},
	"adadelta":         &optimizers.Adadelta{LearningRate: 1, Rho: 0.95, Epsilon: 1e-7},
	"adamax":           &optimizers.Adamax{LearningRate: 0.01, Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-7, WeightDecay: 0.02},
	"nadam":            &optimizers.Nadam{LearningRate: 0.01, Beta1: 0.8, Beta2: 0.999, Epsilon: 1e-7},
	"lion":             &optimizers.Lion{LearningRate: 0.003, Beta1: 0.9, Beta2: 0.99},
	"clipnorm":         &optimizers.SGD{LearningRate: 0.1, Momentum: 0.9, Base: optimizers.Base{ClipNorm: 0.05}},
	"global_clipnorm":  with(optimizers.NewAdam(), 0.01, optimizers.Base{GlobalClipNorm: 0.1}),
	"clipvalue":        with(optimizers.NewAdagrad(), 0.1, optimizers.Base{ClipValue: 0.02}),
	"ema":              with(optimizers.NewAdamW(), 0.01, optimizers.Base{UseEMA: true, EMAMomentum: 0.9, EMAOverwriteFrequency: 2}),
	"ema_adagrad":      with(optimizers.NewAdagrad(), 0.1, optimizers.Base{UseEMA: true}),
	"accumulate":       with(optimizers.NewAdam(), 0.01, optimizers.Base{GradientAccumulationSteps: 2}),
	"accumulate_rmsprop": &optimizers.RMSprop{
		LearningRate: 0.01, Rho: 0.9, Momentum: 0.5, Epsilon: 1e-7, Centered: true,
		Base: optimizers.Base{GradientAccumulationSteps: 2, UseEMA: true, EMAMomentum: 0.5},
	},
	"accumulate_nadam": with(optimizers.NewNadam(), 0.01, optimizers.Base{
		GradientAccumulationSteps: 2, UseEMA: true, EMAMomentum: 0.8, EMAOverwriteFrequency: 2, GlobalClipNorm: 0.5,
	}),
	"lamb": &optimizers.Lamb{LearningRate: 0.01, Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-7, WeightDecay: 0.01},
	"muon": optimizers.NewMuon().WithRate(0.01),
	"muon_excluded": func() optimizers.Optimizer {
		o := optimizers.NewMuon()
		o.LearningRate, o.ExcludeLayers, o.Nesterov, o.RMSRate, o.NSSteps, o.AdamLRRatio, o.WeightDecay, o.UseEMA = 0.02, []string{"dense_1"}, false, 0, 3, 0.5, 0.1, true
		return o
	}(),
}

func with(o optimizers.Optimizer, rate float64, base optimizers.Base) optimizers.Optimizer {
	o = o.WithRate(rate)
	*o.BaseArguments() = base
	return o
}

func readExpectedOptimizers(t *testing.T) map[string]expected {
	b, err := os.ReadFile("testdata/expected_optimizers.json")
	require.NoError(t, err)
	var v struct {
		Models map[string]expected `json:"models"`
	}
	require.NoError(t, json.Unmarshal(b, &v))
	require.Len(t, v.Models, len(optimizerCases))
	return v.Models
}

// Each optimizer's state is read as Keras wrote it, and our files hold the same again.
func TestOptimizers(t *testing.T) {
	for name, want := range readExpectedOptimizers(t) {
		t.Run(name, func(t *testing.T) {
			m, err := Load("testdata/optimizer_" + name + ".keras")
			require.NoError(t, err)
			checkModel(t, want, m)
			assert.Equal(t, optimizerCases[name], m.Training.Optimizer)
			for _, suffix := range []string{".keras", ".h5", ".weights.h5"} {
				path := filepath.Join(t.TempDir(), "a"+suffix)
				require.NoError(t, Save(path, m))
				again, err := Load(path)
				require.NoError(t, err)
				checkModel(t, want, again)
				assert.Equal(t, m.Training, again.Training)
				assert.Equal(t, m.Optimizer.Class, again.Optimizer.Class)
			}
			whole := "testdata/optimizer_" + name + ".h5"
			if !slices.Contains([]string{"adamw", "rmsprop_both", "nadam", "accumulate_rmsprop", "accumulate_nadam", "muon_excluded"}, name) {
				return
			}
			theirs, err := Load(whole)
			require.NoError(t, err)
			checkModel(t, want, theirs)
			assert.Equal(t, m.Training, theirs.Training)
			// Variables under the names that Keras gives them, in its order.
			path := filepath.Join(t.TempDir(), "a.h5")
			require.NoError(t, Save(path, m))
			a, err := hdf5.ReadFile(whole)
			require.NoError(t, err)
			b, err := hdf5.ReadFile(path)
			require.NoError(t, err)
			assert.Equal(t, names(t, a.Group("optimizer_weights")), names(t, b.Group("optimizer_weights")))
		})
	}
}

// TestOptimizersThatMadeNothing reads models that Keras compiled and saved: they are trained as they were compiled, from the beginning.
func TestOptimizersThatMadeNothing(t *testing.T) {
	for _, name := range []string{"sgd", "adamw", "nadam", "accumulate_rmsprop"} {
		for _, suffix := range []string{".keras", ".h5"} {
			m, err := Load("testdata/untrained_" + name + suffix)
			require.NoError(t, err)
			assert.NoError(t, m.TrainingErr, name)
			if assert.NotNil(t, m.Training, name) {
				assert.Equal(t, optimizerCases[name], m.Training.Optimizer)
			}
			if m.Optimizer != nil { // of SGD, which keeps nothing
				assert.Empty(t, m.Optimizer.Slots)
			}
		}
	}
}

// State that does not say what it is, or is not what it says.
func TestOptimizerStateThatDoesNotFit(t *testing.T) {
	m, err := Load("testdata/optimizer_rmsprop_centered.keras")
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "a.weights.h5")
	root := &hdf5.Group{}
	require.NoError(t, writeWeights(root, m, false))
	require.NoError(t, hdf5.WriteFile(path, root))
	got, err := LoadWeights(path, m.Graph)
	require.NoError(t, err)
	assert.Nil(t, got.Optimizer)
	assert.ErrorContains(t, got.TrainingErr, "may be different ones", "two slots: of momentum, or centered")

	nadam, err := Load("testdata/optimizer_nadam.keras")
	require.NoError(t, err)
	for want, change := range map[string]func(m *Model){
		"the product of momenta is": func(m *Model) { m.Training.Optimizer.(*optimizers.Nadam).Beta1 = 0.8 },
		"a number behind the slots": func(m *Model) { m.Training.Optimizer = optimizers.NewAdam() },
	} {
		nadam.Training.Optimizer.(*optimizers.Nadam).Beta1 = 0.9
		path := filepath.Join(t.TempDir(), "a.h5")
		require.NoError(t, Save(path, nadam))
		root, err := hdf5.ReadFile(path)
		require.NoError(t, err)
		other := *nadam
		training := *nadam.Training
		copied := *nadam.Training.Optimizer.(*optimizers.Nadam)
		training.Optimizer = &copied
		other.Training = &training
		change(&other)
		text, err := encodeJSON(trainingConfig(&other, false))
		require.NoError(t, err)
		root.Attrs.Set("training_config", hdf5.StringScalar(string(text), false))
		root.Remove("meseta") // the sums
		if _, ok := other.Training.Optimizer.(*optimizers.Adam); ok {
			group := root.Group("optimizer_weights")
			list := names(t, group)
			for i, name := range list {
				list[i] = strings.Replace(name, "nadam/", "adam/", 1)
				require.NoError(t, group.Put(list[i], group.Dataset(name)))
			}
			setNames(&group.Attrs, "weight_names", list)
		}
		require.NoError(t, hdf5.WriteFile(path, root))
		got, err := Load(path)
		require.NoError(t, err)
		assert.Nil(t, got.Optimizer)
		assert.ErrorContains(t, got.TrainingErr, want)
	}
	nadam.Training = nil
	assert.ErrorContains(t, Save(path, nadam), "needs its configuration")
}

// Keras opens what we write of each optimizer, sees the same state, and goes on to the same losses.
func TestKerasReadsOptimizers(t *testing.T) {
	var jobs []kerasJob
	var cases []string
	for name := range optimizerCases {
		m, err := Load("testdata/optimizer_" + name + ".keras")
		require.NoError(t, err)
		dir := t.TempDir()
		whole, weights := filepath.Join(dir, "model.keras"), filepath.Join(dir, "model.weights.h5")
		require.NoError(t, Save(whole, m))
		require.NoError(t, Save(weights, m))
		golden, x := "testdata/optimizer_"+name+".keras", "testdata/optimizer_x.npy"
		jobs = append(jobs, kerasJob{golden, x, []string{"--train", "2"}}, kerasJob{whole, x, []string{"--train", "2"}},
			kerasJob{golden, x, []string{"--weights", weights, "--train", "2"}})
		cases = append(cases, name)
	}
	got, out := runKeras(t, jobs...)
	var lost []string // two lines of each job
	for _, line := range strings.Split(out, "\n") {
		if strings.HasPrefix(line, "loss ") {
			lost = append(lost, line)
		}
	}
	require.Len(t, lost, 2*len(jobs))
	for i, name := range cases {
		golden := got[3*i]
		for j, ours := range got[3*i+1 : 3*i+3] {
			assert.Equal(t, golden.Weights, ours.Weights, name)
			assert.Equal(t, golden.Optimizer, ours.Optimizer, name)
			assert.Equal(t, golden.OptimizerConfig, ours.OptimizerConfig, name)
			assert.Equal(t, golden.Iterations, ours.Iterations, name)
			assert.Equal(t, golden.Variables, ours.Variables, name)
			assert.Equal(t, lost[6*i:6*i+2], lost[6*i+2*j+2:6*i+2*j+4], name)
		}
	}
}
