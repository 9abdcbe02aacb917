package checkpoint

import (
	"archive/zip"
	"encoding/json"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/meseta-go/meseta/hdf5"
	"github.com/meseta-go/meseta/layers"
	"github.com/meseta-go/meseta/losses"
	"github.com/meseta-go/meseta/optimizers"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// edit gives the configuration of a golden model with the first old replaced.
func edit(t *testing.T, g *layers.Graph, old, new string) []byte {
	b, err := MarshalConfig(g)
	require.NoError(t, err)
	require.Contains(t, string(b), old)
	return []byte(strings.Replace(string(b), old, new, 1))
}

// What a configuration asks for and we do not do is an error that names the
// layer and the key, never ignored.
func TestConfigRefuses(t *testing.T) {
	for _, c := range []struct{ old, new, want string }{
		{`"class_name":"Dropout"`, `"class_name":"LSTM"`, `layer dropout is of class "LSTM", which is not supported`},
		{`"class_name":"Sequential"`, `"class_name":"Subclassed"`, `the model is of class "Subclassed"`},
		{`"groups":1`, `"groups":3`, "1 channels in and 2 filters, which cannot be cut into 3 groups"},
		{`"dilation_rate":[1,1]`, `"dilation_rate":[2]`, "layer conv2d has dilation_rate [2], want two integers"},
		{`"data_format":"channels_last"`, `"data_format":"channels_first"`, `layer conv2d has data_format "channels_first"`},
		{`"kernel_regularizer":null`, `"kernel_regularizer":{"class_name":"OrthogonalRegularizer"}`, `layer conv2d has kernel_regularizer orthogonal_regularizer, which is not supported`},
		{`"kernel_regularizer":null`, `"kernel_regularizer":{"class_name":"L2","config":{"l1":1}}`, `layer conv2d: kernel_regularizer has l1 1, which is not supported`},
		{`"kernel_regularizer":null`, `"kernel_regularizer":{"class_name":"L2","config":{"l2":-1}}`, `layer conv2d: kernel: layers: regularizer L2 has the factor -1`},
		{`"kernel_regularizer":null`, `"kernel_regularizer":7`, `layer conv2d has kernel_regularizer 7, want an object`},
		{`"kernel_constraint":null`, `"kernel_constraint":"max_length"`, `layer conv2d has kernel_constraint max_length, which is not supported`},
		{`"kernel_constraint":null`, `"kernel_constraint":{"class_name":"MaxNorm","config":{"axis":"all"}}`, `kernel_constraint has axis "all", want an integer or a list of them`},
		{`"activity_regularizer":null`, `"activity_regularizer":"l2"`, `layer conv2d has activity_regularizer "l2", which is not supported`},
		{`"activity_regularizer":null`, `"brand_new":3`, "layer conv2d has brand_new 3, which is not supported"},
		{`"activation":"relu"`, `"activation":"threshold"`, `layer conv2d has activation "threshold"`},
		{`"activation":"relu"`, `"activation":7`, `layer conv2d has activation 7`},
		{`"class_name":"HeNormal"`, `"class_name":"STFT"`, "layer conv2d has kernel_initializer stft, which is not supported"},
		{`"class_name":"HeNormal"`, `"class_name":"Identity"`, "layer conv2d: kernel: layers: Identity is for weights of two dimensions"},
		{`"class_name":"HeNormal","config":{"seed":null}`, `"class_name":"VarianceScaling","config":{"mode":"fan"}`, `layer conv2d: kernel: layers: VarianceScaling has mode "fan"`},
		{`"class_name":"HeNormal","config":{"seed":null}`, `"class_name":"LecunNormal","config":{"input_axes":[0]}`, "kernel_initializer has input_axes [0], which is not supported"},
		{`"config":{"seed":null}`, `"config":{"seed":1,"odd":2}`, "kernel_initializer has odd 2"},
		{`"name":"float32"`, `"name":"mixed_float16"`, `has dtype "mixed_float16"`},
		{`"padding":"valid"`, `"padding":"causal"`, `layer conv2d has padding "causal"`},
		{`"kernel_size":[3,3]`, `"kernel_size":[3,3,3]`, "layer conv2d has kernel_size [3,3,3], want two integers"},
		{`"filters":2`, `"filters":"two"`, `layer conv2d has filters "two", want an integer`},
		{`"use_bias":true`, `"use_bias":1`, `layer conv2d has use_bias 1, want true or false`},
		{`"rate":0.25`, `"rate":"a"`, `layer dropout has rate "a", want a number`},
		{`"name":"conv2d"`, `"name":["conv2d"]`, `want a string`},
		{`"trainable":true`, `"trainable":false`, "is frozen (trainable false), which is not supported; saved with trainable = True"},
		{`"class_name":"Conv2D"`, `"class_name":"RandomFlip"`, `layer conv2d is of class "RandomFlip", which is not supported; leave augmentation out of the network`},
		{`"class_name":"Conv2D"`, `"class_name":"Functional"`, `is of class "Functional", which is not supported within a network`},
		{`"class_name":"Conv2D"`, `"class_name":"LSTM"`, `is of class "LSTM", which is not supported`},
		{`"batch_shape":[null,8,8,1]`, `"batch_shape":[16,8,8,1]`, "fixed batch size"},
		{`"batch_shape":[null,8,8,1]`, `"batch_shape":[null,null,8,1]`, "dimensions must be known"},
		{`"batch_shape":[null,8,8,1]`, `"batch_shape":8`, "want a list of dimensions"},
		{`"ragged":false`, `"ragged":true`, "layer input_layer has ragged true"},
		{`{"build_config"`, `["build_config"`, "broken file"},
	} {
		_, err := UnmarshalConfig(edit(t, sequentialGraph(t), c.old, c.new))
		assert.ErrorContains(t, err, c.want, c.new)
	}
	for _, c := range []struct{ old, new, want string }{
		{`"axis":-1`, `"axis":1`, "layer batch_normalization has axis 1, only the last one, 3, is supported"},
		{`"axis":-1`, `"axis":[1]`, "layer batch_normalization has axis [1]"},
		{`"moving_variance_initializer":{"class_name":"Ones"`, `"moving_variance_initializer":{"class_name":"Zeros"`, "moving_variance_initializer other than ones"},
		{`"negative_slope":0`, `"negative_slope":"a"`, `layer re_lu has negative_slope "a", want a number`},
		{`"max_value":null`, `"max_value":0`, "layer re_lu has max_value 0, which leaves nothing"},
		{`"keras_history":["image",0,0]`, `"keras_history":["nobody",0,0]`, `layer stem reads "nobody", which is not there`},
		{`"keras_history":["image",0,0]`, `"keras_history":["image",1,0]`, "layers at several places are not supported"},
		{`"keras_history":["image",0,0]`, `"keras_history":"image"`, "reference to a layer"},
		{`"kwargs":{}`, `"kwargs":{"mask":1}`, "called with mask 1"},
		{`"input_layers":["image",0,0]`, `"input_layers":[["image",0,0],["stem",0,0]]`, "has input_layers"},
		{`"output_layers":["probabilities",0,0]`, `"output_layers":["nobody",0,0]`, "which are not both there"},
		{`"name":"stem"`, `"name":"image"`, "stands twice"},
	} {
		_, err := UnmarshalConfig(edit(t, residualGraph(t), c.old, c.new))
		assert.ErrorContains(t, err, c.want, c.new)
	}
}

// Forms that older versions of Keras wrote mean what the newer ones do.
func TestConfigForms(t *testing.T) {
	want := sequentialGraph(t)
	for _, c := range []struct{ old, new string }{
		{`"kernel_size":[3,3]`, `"kernel_size":3`},
		{`"activation":"relu"`, `"activation":{"module":"builtins","class_name":"function","config":"relu","registered_name":"function"}`},
		{`"batch_shape":[null,8,8,1]`, `"batch_input_shape":[null,8,8,1]`},
		{`"dilation_rate":[1,1]`, `"dilation_rate":1`},
		{`"module":"keras.layers",`, ``},
	} {
		g, err := UnmarshalConfig(edit(t, want, c.old, c.new))
		require.NoError(t, err, c.new)
		sameNetwork(t, want, g)
	}
	g, err := UnmarshalConfig(edit(t, residualGraph(t), `"axis":-1`, `"axis":[3]`))
	require.NoError(t, err)
	sameNetwork(t, residualGraph(t), g)

	// A Sequential that was built by its first batch, and one of Keras 2.2.
	const dense = `{"class_name":"Dense","config":{"name":"dense","units":2,"activation":"linear","kernel_initializer":"glorot_uniform"%}}`
	small, err := layers.Sequential("", &layers.InputLayer{Shape: layers.Shape{3}}, &layers.Dense{Units: 2})
	require.NoError(t, err)
	for _, config := range []string{
		`{"class_name":"Sequential","config":{"name":"sequential","layers":[` + strings.Replace(dense, "%", "", 1) + `],"build_input_shape":[null,3]}}`,
		`{"class_name":"Sequential","config":[` + strings.Replace(dense, "%", `,"batch_input_shape":[null,3]`, 1) + `]}`,
	} {
		g, err := UnmarshalConfig([]byte(config))
		require.NoError(t, err)
		sameNetwork(t, small, g)
	}
	_, err = UnmarshalConfig([]byte(`{"class_name":"Sequential","config":{"layers":[` + strings.Replace(dense, "%", "", 1) + `]}}`))
	assert.ErrorContains(t, err, "input shape")
}

func TestInitializers(t *testing.T) {
	for _, i := range []layers.Initializer{
		layers.Zeros{}, layers.Ones{}, layers.Constant{Value: 2.5}, layers.GlorotUniform{}, layers.GlorotNormal{}, layers.HeUniform{}, layers.HeNormal{},
	} {
		c := newConfig("it", map[string]any{"x": roundJSON(t, initializerConfig(i, nil))})
		assert.Equal(t, i, c.initializer("x", nil))
		require.NoError(t, c.end())
	}
}

func roundJSON(t *testing.T, v any) any {
	b, err := json.Marshal(v)
	require.NoError(t, err)
	var out any
	require.NoError(t, json.Unmarshal(b, &out))
	return out
}

func TestTrainingConfig(t *testing.T) {
	const adam = `"optimizer_config":{"class_name":"Adam","config":{"name":"adam","learning_rate":0.0010000000474974513}}`
	const loss = `"loss":"sparse_categorical_crossentropy"`
	got, err := readTraining([]byte(`{` + loss + `,` + adam + `,"metrics":["accuracy"],"weighted_metrics":[],"loss_weights":null}`))
	require.NoError(t, err)
	assert.Equal(t, optimizers.NewAdam(), got.Optimizer, "0.001 widened from float32 is 0.001")
	got, err = readTraining([]byte(`{"loss":{"class_name":"SparseCategoricalCrossentropy","config":{"from_logits":true}},` + adam + `}`))
	require.NoError(t, err)
	assert.Equal(t, losses.SparseCategoricalCrossentropy{FromLogits: true}, got.Loss)
	assert.Empty(t, got.Metrics)
	got, err = readTraining([]byte(`{` + loss + `,"optimizer":{"class_name":"AdamW","config":{"learning_rate":0.001}}}`))
	require.NoError(t, err)
	assert.Equal(t, optimizers.NewAdamW(), got.Optimizer)

	for _, c := range []struct{ config, want string }{
		{`{`, "broken file"},
		{`3`, "want an object"},
		{`{` + loss + `}`, "no optimizer"},
		{`{` + loss + `,"optimizer_config":{"class_name":"Ftrl","config":{}}}`, `optimizer "Ftrl" is not supported`},
		{`{` + loss + `,"optimizer_config":{"class_name":"Adam","config":{"learning_rate":0.001,"amsgrad":true}}}`, "optimizer Adam has amsgrad true"},
		{`{` + loss + `,"optimizer_config":{"class_name":"Adam","config":{"learning_rate":0.001,"clipnorm":-1}}}`, "Adam has ClipNorm -1"},
		{`{` + loss + `,"optimizer_config":{"class_name":"Adam","config":{"clipnorm":1,"clipvalue":1}}}`, "only one of them can be set"},
		{`{` + loss + `,"optimizer_config":{"class_name":"Adam","config":{"use_ema":true,"ema_momentum":0}}}`, "ema_momentum 0"},
		{`{` + loss + `,"optimizer_config":{"class_name":"Adam","config":{"gradient_accumulation_steps":"two"}}}`, `gradient_accumulation_steps "two", want an integer`},
		{`{` + loss + `,"optimizer_config":{"class_name":"Adam","config":{"loss_scale_factor":8}}}`, "has loss_scale_factor 8, which is not supported"},
		{`{` + loss + `,"optimizer_config":{"class_name":"Adam","config":{"learning_rate":{"class_name":"ExponentialDecay"}}}}`, "want a number"},
		{`{` + loss + `,"optimizer_config":{"class_name":"Adam","config":{"learning_rate":-1}}}`, "learning rate -1"},
		{`{"loss":"ctc",` + adam + `}`, `loss "ctc" is not supported`},
		{`{"loss":{"class_name":"Huber","config":{"delta":"x"}},` + adam + `}`, "delta is x, want a number"},
		{`{"loss":{"class_name":"Huber","config":{"reduction":"sum"}},` + adam + `}`, "reduction"},
		{`{"loss":{"class_name":"BinaryCrossentropy","config":{"axis":1}},` + adam + `}`, "axis"},
		{`{"loss":{"a":"mse"},` + adam + `}`, "loss"},
		{`{` + loss + `,` + adam + `,"metrics":["r2_score"]}`, `metric "r2_score" is not supported`},
		{`{` + loss + `,` + adam + `,"metrics":{"a":["mae"]}}`, "want a list"},
		{`{` + loss + `,` + adam + `,"metrics":[{"class_name":"Accuracy","config":{"name":"acc"}}]}`, "is not supported"},
		{`{` + loss + `,` + adam + `,"metrics":[{"class_name":"Precision","config":{"top_k":3}}]}`, "top_k"},
		{`{` + loss + `,` + adam + `,"metrics":[{"class_name":"MeanIoU","config":{"num_classes":3}}]}`, "sparse_y_pred true"},
		{`{` + loss + `,` + adam + `,"loss_weights":[2]}`, "has loss_weights [2]"},
	} {
		_, err := readTraining([]byte(c.config))
		assert.ErrorContains(t, err, c.want, c.config)
	}
}

// A model whose training configuration cannot be used still loads, and says why.
func TestUnusableTraining(t *testing.T) {
	root, err := hdf5.ReadFile("testdata/sequential.h5")
	require.NoError(t, err)
	root.Attrs.Set("training_config", hdf5.StringScalar(`{"loss":"ctc","optimizer_config":{"class_name":"Adam","config":{"learning_rate":0.001}}}`, false))
	path := filepath.Join(t.TempDir(), "a.h5")
	require.NoError(t, hdf5.WriteFile(path, root))
	m, err := Load(path)
	require.NoError(t, err)
	assert.Nil(t, m.Training)
	assert.ErrorContains(t, m.TrainingErr, `loss "ctc"`)
	assert.NotEmpty(t, m.Weights)

	// Optimizer state that does not fit.
	for name, change := range map[string]func(g *hdf5.Group){
		"3 variables for 8 weights":   func(g *hdf5.Group) { setNames(&g.Attrs, "weight_names", names(t, g)[:5]) },
		"no number of iterations":     func(g *hdf5.Group) { setNames(&g.Attrs, "weight_names", names(t, g)[1:]) },
		"no variables":                func(g *hdf5.Group) { setNames(&g.Attrs, "weight_names", nil) },
		"the model wants":             func(g *hdf5.Group) { l := names(t, g); l[2], l[4] = l[4], l[2]; setNames(&g.Attrs, "weight_names", l) },
		"1 variables for each weight": func(g *hdf5.Group) { setNames(&g.Attrs, "weight_names", names(t, g)[:10]) },
	} {
		root, err := hdf5.ReadFile("testdata/sequential.h5")
		require.NoError(t, err)
		change(root.Group("optimizer_weights"))
		require.NoError(t, hdf5.WriteFile(path, root))
		m, err := Load(path)
		require.NoError(t, err, name)
		assert.Nil(t, m.Optimizer)
		assert.ErrorContains(t, m.TrainingErr, name)
	}
}

func names(t *testing.T, g *hdf5.Group) []string {
	list, err := getNames(g.Attrs, "weight_names")
	require.NoError(t, err)
	return list
}

// Files that are HDF5 or zip, and not what they should be.
func TestNotAModel(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.h5")
	write := func(change func(root *hdf5.Group)) {
		root, err := hdf5.ReadFile("testdata/sequential.h5")
		require.NoError(t, err)
		change(root)
		require.NoError(t, hdf5.WriteFile(path, root))
	}
	for want, change := range map[string]func(root *hdf5.Group){
		"it is no file of Keras":     func(root *hdf5.Group) { root.Remove("model_weights") },
		"no attribute layer_names":   func(root *hdf5.Group) { root.Group("model_weights").Attrs = nil },
		`no group for layer "dense"`: func(root *hdf5.Group) { root.Group("model_weights").Remove("dense") },
		`no dataset "sequential/dense/kernel"`: func(root *hdf5.Group) {
			root.Group("model_weights/dense/sequential/dense").Remove("kernel")
		},
		"attribute model_config": func(root *hdf5.Group) { root.Attrs.Set("model_config", hdf5.Int64Values([]int64{1}, 1)) },
		"want strings": func(root *hdf5.Group) {
			root.Group("model_weights").Attrs.Set("layer_names", hdf5.Int64Values([]int64{1}, 1))
		},
	} {
		write(change)
		_, err := Load(path)
		assert.ErrorContains(t, err, want)
		assert.ErrorContains(t, err, path)
	}
	for want, b := range map[string][]byte{
		"no HDF5 signature": []byte(strings.Repeat("no file of ours ", 10)),
		"not a valid zip":   []byte("PK but not really"),
	} {
		require.NoError(t, os.WriteFile(path, b, 0o600))
		_, err := Load(path)
		assert.ErrorContains(t, err, want)
	}
}

// Weights of half precision, and a .keras that somebody packed again.
func TestOtherPackings(t *testing.T) {
	want, err := Load("testdata/sequential.keras")
	require.NoError(t, err)
	root, err := hdf5.ReadFile("testdata/sequential.weights.h5")
	require.NoError(t, err)
	bias := root.Dataset("layers/dense_1/vars/1")
	single, err := bias.Float32s()
	require.NoError(t, err)
	half := make([]byte, 2*len(single))
	for i, x := range single { // bfloat16 is the upper half of a float32
		bits := math.Float32bits(x)
		half[2*i], half[2*i+1] = byte(bits>>16), byte(bits>>24)
	}
	bias.Value = hdf5.Value{Type: hdf5.BFloat16, Shape: bias.Shape, Data: half}
	path := filepath.Join(t.TempDir(), "a.weights.h5")
	require.NoError(t, hdf5.WriteFile(path, root))
	_, err = LoadWeights(path, want.Graph)
	assert.ErrorContains(t, err, "dense_1/bias in "+path+": two-byte elements without the attribute dtype")
	bias.Attrs.Set("dtype", hdf5.StringScalar("float8", true))
	require.NoError(t, hdf5.WriteFile(path, root))
	_, err = LoadWeights(path, want.Graph)
	assert.ErrorContains(t, err, `of dtype "float8", want bfloat16`)
	bias.Attrs.Set("dtype", hdf5.StringScalar("bfloat16", true))
	require.NoError(t, hdf5.WriteFile(path, root))
	got, err := LoadWeights(path, want.Graph)
	require.NoError(t, err)
	for i, x := range got.Weights["dense_1/bias"].Data().([]float32) {
		assert.Equal(t, math.Float32bits(single[i])&^0xffff, math.Float32bits(x))
	}
	bias.Value = hdf5.FixedStrings([]string{"a", "b", "c", "d"})
	bias.Attrs = nil
	require.NoError(t, hdf5.WriteFile(path, root))
	_, err = LoadWeights(path, want.Graph)
	assert.ErrorContains(t, err, "want numbers")

	// Deflated parts, and parts that do not belong.
	z, err := zip.OpenReader("testdata/sequential.keras")
	require.NoError(t, err)
	defer z.Close()
	repack := func(extra string) string {
		path := filepath.Join(t.TempDir(), "a.keras")
		f, err := os.Create(path)
		require.NoError(t, err)
		defer f.Close()
		out := zip.NewWriter(f)
		for _, entry := range z.File {
			r, err := entry.Open()
			require.NoError(t, err)
			w, err := out.Create(entry.Name) // deflates
			require.NoError(t, err)
			_, err = io.Copy(w, r)
			require.NoError(t, err)
		}
		if extra != "" {
			_, err := out.Create(extra)
			require.NoError(t, err)
		}
		require.NoError(t, out.Close())
		return path
	}
	deflated, err := Load(repack(""))
	require.NoError(t, err)
	assert.Equal(t, digestsOf(t, want.Weights), digestsOf(t, deflated.Weights))
	_, err = Load(repack("assets/"))
	require.NoError(t, err)
	var refusal hdf5.UnsupportedError
	_, err = Load(repack("assets/vocabulary.txt"))
	assert.ErrorAs(t, err, &refusal)
	_, err = Load(repack("config.json"))
	assert.ErrorContains(t, err, "two parts config.json")
}

// Variables must be numbered without gaps, and layers of layers are refused.
func TestBrokenWeightsFiles(t *testing.T) {
	g := sequentialGraph(t)
	path := filepath.Join(t.TempDir(), "a.weights.h5")
	for want, change := range map[string]func(root *hdf5.Group){
		`variable "1" among 1`: func(root *hdf5.Group) { root.Group("layers/dense/vars").Remove("0") },
		`variable "1" is a group`: func(root *hdf5.Group) {
			root.Group("layers/dense/vars").Remove("1")
			_, err := root.Make("layers/dense/vars/1")
			require.NoError(t, err)
		},
		`"cell", part of a layer of layers`: func(root *hdf5.Group) {
			_, err := root.Make("layers/dense/cell")
			require.NoError(t, err)
		},
		"layers/odd: hdf5: broken file: not a group": func(root *hdf5.Group) {
			require.NoError(t, root.Put("layers/odd", &hdf5.Dataset{Value: hdf5.Bytes(nil)}))
		},
		"optimizer: ": func(root *hdf5.Group) { root.Group("optimizer/vars").Remove("0") },
		"layers/dense: hdf5: want strings": func(root *hdf5.Group) {
			root.Group("layers/dense/vars").Attrs.Set("name", hdf5.Int64Values([]int64{1}, 1))
		},
	} {
		root, err := hdf5.ReadFile("testdata/sequential.weights.h5")
		require.NoError(t, err)
		change(root)
		require.NoError(t, hdf5.WriteFile(path, root))
		_, err = LoadWeights(path, g)
		assert.ErrorContains(t, err, want)
	}
}

// Keras 2 calls LeakyReLU's slope alpha, and counts the axis of Softmax from the front.
func TestActivationsOfKeras2(t *testing.T) {
	for text, want := range map[string]layers.Layer{
		`{"class_name":"LeakyReLU","config":{"name":"a","trainable":true,"dtype":"float32","alpha":0.10000000149011612}}`:                     &layers.LeakyReLULayer{Name: "a", NegativeSlope: 0.1},
		`{"class_name":"Softmax","config":{"name":"a","trainable":true,"dtype":"float32","axis":[3]}}`:                                        &layers.SoftmaxLayer{Name: "a", Axis: 3},
		`{"class_name":"ReLU","config":{"name":"a","trainable":true,"dtype":"float32","max_value":6.0,"negative_slope":0.0,"threshold":0.0}}`: &layers.ReLULayer{Name: "a", MaxValue: 6},
		`{"class_name":"Activation","config":{"name":"a","trainable":true,"dtype":"float32","activation":"swish"}}`:                           &layers.Activation{Name: "a", Function: layers.SiLU},
		`{"class_name":"PReLU","config":{"name":"a","trainable":true,"dtype":"float32","alpha_initializer":"zeros","shared_axes":[1,2]}}`:     &layers.PReLU{Name: "a", SharedAxes: []int{1, 2}},
		`{"class_name":"Dot","config":{"name":"a","trainable":true,"dtype":"float32","axes":-1,"normalize":true}}`:                            &layers.Dot{Name: "a", Axes: [2]int{-1, -1}, Normalize: true},
	} {
		var e entry
		require.NoError(t, json.Unmarshal([]byte(text), &e))
		l, err := readLayerConfig(e.Class, e.Config)
		require.NoError(t, err, text)
		assert.Equal(t, want, l)
	}
}
