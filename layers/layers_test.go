package layers

import (
	"math"
	"testing"

	"github.com/meseta-go/meseta/ops"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestSnakeCase(t *testing.T) { // the right column is what keras.src.utils.naming.to_snake_case of 3.15.1 gives
	for class, want := range map[string]string{
		"Conv2D": "conv2d", "ReLU": "re_lu", "MaxPooling2D": "max_pooling2d", "BatchNormalization": "batch_normalization",
		"PReLU": "p_re_lu", "LeakyReLU": "leaky_re_lu", "GlobalAveragePooling2D": "global_average_pooling2d",
		"DepthwiseConv2D": "depthwise_conv2d", "ELU": "elu", "InputLayer": "input_layer", "SpatialDropout2D": "spatial_dropout2d", "Add": "add",
	} {
		assert.Equal(t, want, SnakeCase(class))
	}
}

func TestSequentialNamesAndShapes(t *testing.T) {
	g, err := Sequential("", &InputLayer{Shape: Shape{28, 28, 1}},
		&Conv2D{Filters: 32, KernelSize: Square(3), Activation: ReLU},
		&Conv2D{Filters: 64, KernelSize: Square(3), Strides: Square(2), Padding: Same},
		&MaxPooling2D{}, &Dropout{Rate: .25}, &Flatten{}, &Dense{Units: 10, Activation: Softmax, Name: "conv2d_2"})
	require.NoError(t, err)
	var names []string
	var shapes []Shape
	for _, l := range g.Layers {
		names = append(names, l.Name)
		shapes = append(shapes, l.Output)
	}
	assert.Equal(t, []string{"input_layer", "conv2d", "conv2d_1", "max_pooling2d", "dropout", "flatten", "conv2d_2"}, names)
	assert.Equal(t, []Shape{{28, 28, 1}, {26, 26, 32}, {13, 13, 64}, {6, 6, 64}, {6, 6, 64}, {2304}, {10}}, shapes)
	trainable, other := g.Parameters()
	assert.Equal(t, 9*32+32+9*32*64+64+2304*10+10, trainable)
	assert.Zero(t, other)
	assert.Equal(t, "conv2d/kernel", g.Layers[1].Path(g.Layers[1].Weights[0]))
}

func TestFunctionalOrderIsKerass(t *testing.T) {
	in := Apply(&InputLayer{Shape: Shape{8, 8, 4}})
	a := Apply(&Conv2D{Filters: 4, KernelSize: Square(3), Padding: Same, Name: "a"}, in)
	b := Apply(&BatchNormalization{Momentum: .9, Epsilon: 1e-5, Name: "b"}, a)
	c := Apply(&Conv2D{Filters: 4, KernelSize: Square(1), Name: "c"}, in)
	sum := Apply(&Add{Name: "sum"}, b, c)
	out := Apply(&GlobalAveragePooling2D{Name: "out"}, sum)
	g, err := Functional("net", in, out)
	require.NoError(t, err)
	var names []string
	for _, l := range g.Layers {
		names = append(names, l.Name)
	}
	assert.Equal(t, []string{"input_layer", "a", "b", "c", "sum", "out"}, names)
	assert.Equal(t, []int{2, 3}, g.Layers[4].Inputs)
	assert.Equal(t, Shape{4}, g.OutputShape())
	assert.False(t, g.Sequential)
}

func TestMistakesAreNamed(t *testing.T) {
	input := &InputLayer{Shape: Shape{8, 8, 3}}
	for _, c := range []struct {
		layer Layer
		kind  error
		text  string
	}{
		{&Conv2D{KernelSize: Square(3)}, ErrConfig, "0 filters"},
		{&Conv2D{Filters: 1}, ErrConfig, "kernel size of 0×0"},
		{&Conv2D{Filters: 1, KernelSize: Square(9)}, ops.ErrShape, "9×9 does not fit"},
		{&Conv2D{Filters: 1, KernelSize: Square(3), Padding: "full"}, ErrConfig, `padding "full"`},
		{&Conv2D{Filters: 1, KernelSize: Square(3), Activation: "threshold"}, ErrConfig, `activation "threshold"`},
		{&Conv2D{Filters: 2, KernelSize: Square(3), Activation: GLU}, ErrConfig, "an Activation layer of its own"},
		{&Conv2D{Filters: 1, KernelSize: Square(3), Strides: Size{1, -1}}, ErrConfig, "strides 1×-1"},
		{&Conv2D{Filters: 1, KernelSize: Square(3), Strides: Square(2), DilationRate: Square(2)}, ErrConfig, "only one of them"},
		{&Conv2D{Filters: 1, KernelSize: Square(3), Padding: Causal}, ErrConfig, `padding "causal"`},
		{&Conv2D{Filters: 4, KernelSize: Square(3), Groups: 2}, ErrConfig, "3 channels in and 4 filters"},
		{&Conv2D{Filters: 4, KernelSize: Square(3), Groups: -1}, ErrConfig, "-1 groups"},
		{&Conv1D{Filters: 4, KernelSize: 3}, ops.ErrShape, "takes a sequence"},
		{&Conv2D{Filters: 1, KernelSize: Square(3), DilationRate: Square(1 << 40)}, ErrConfig, "want at most 1048576"},
		{&DepthwiseConv2D{KernelSize: Square(3), DepthMultiplier: -1}, ErrConfig, "-1 filters a channel"},
		{&DepthwiseConv2D{KernelSize: Square(3), DilationRate: Square(4)}, ops.ErrShape, "3×3 does not fit"},
		{&SeparableConv2D{KernelSize: Square(3)}, ErrConfig, "0 filters"},
		{&Conv2DTranspose{Filters: 1, KernelSize: Square(3), OutputPadding: &Size{0, 1}}, ErrConfig, "output padding of 1 and strides of 1"},
		{&Conv2DTranspose{Filters: 1, KernelSize: Square(4), Padding: Same, OutputPadding: &Size{}}, ops.ErrShape, "conv2d_data"},
		{&MaxPooling2D{PoolSize: Square(9)}, ops.ErrShape, "9×9 does not fit"},
		{&AveragePooling2D{Strides: Size{-1, 1}}, ErrConfig, "strides -1×1"},
		{&AveragePooling2D{Padding: "full"}, ErrConfig, `padding "full"`},
		{&MaxPooling1D{}, ops.ErrShape, "takes a sequence"},
		{&GlobalMaxPooling1D{}, ops.ErrShape, "takes a sequence"},
		{&Dense{}, ErrConfig, "0 units"},
		{&Activation{Function: GLU}, ops.ErrShape, "an even last dimension"},
		{&ReLULayer{NegativeSlope: -1}, ErrConfig, "negative slope -1"},
		{&ReLULayer{MaxValue: 1, Threshold: 2}, ErrConfig, "max value 1 below its threshold 2"},
		{&LeakyReLULayer{NegativeSlope: -1}, ErrConfig, "negative slope -1"},
		{&ELULayer{Alpha: -1}, ErrConfig, "alpha -1"},
		{&PReLU{SharedAxes: []int{0}}, ErrConfig, "shares axes [0]"},
		{&SoftmaxLayer{Axis: 4}, ErrConfig, "axis 4"},
		{&SoftmaxLayer{Axis: -4}, ErrConfig, "axis -4"},
		{&Subtract{}, ErrConfig, "1 inputs"},
		{&Dot{}, ErrConfig, "1 inputs"},
		{&Reshape{TargetShape: Shape{5, -1}}, ops.ErrShape, "which has 192 elements"},
		{&Reshape{TargetShape: Shape{-1, -1}}, ErrConfig, "one at most -1"},
		{&Reshape{}, ops.ErrShape, "192 elements"},
		{&Permute{Dims: []int{1, 1, 2}}, ErrConfig, "want each of 1 to 3"},
		{&Permute{Dims: []int{2, 1}}, ErrConfig, "want each of 1 to 3"},
		{&RepeatVector{N: 2}, ops.ErrShape, "takes [C]"},
		{&RepeatVector{}, ErrConfig, "n 0"},
		{&Dropout{Rate: 1}, ErrConfig, "rate 1"},
		{&SpatialDropout2D{Rate: -1}, ErrConfig, "rate -1"},
		{&SpatialDropout1D{}, ops.ErrShape, "takes a sequence"},
		{&GaussianNoise{Stddev: 1.5}, ErrConfig, "stddev 1.5"},
		{&GaussianDropout{Rate: 1}, ErrConfig, "rate 1"},
		{&AlphaDropout{Rate: 1}, ErrConfig, "rate 1"},
		{&BatchNormalization{}, ErrConfig, "epsilon 0"},
		{&BatchNormalization{Momentum: 1, Epsilon: 1}, ErrConfig, "momentum 1"},
		{&LayerNormalization{}, ErrConfig, "epsilon 0"},
		{&LayerNormalization{Epsilon: 1, Axis: []int{1}}, ErrConfig, "axis [1]"},
		{&LayerNormalization{Epsilon: 1, Axis: []int{0, 1, 2, 3}}, ErrConfig, "axis [0 1 2 3]"},
		{&UnitNormalization{Axis: []int{0}}, ErrConfig, "axis [0]"},
		{&GroupNormalization{Epsilon: 1}, ErrConfig, "32 groups"},
		{&GroupNormalization{Groups: -2, Epsilon: 1}, ErrConfig, "-2 groups"},
		{&Rescaling{}, ErrConfig, "scale 0"},
		{&Rescaling{Scales: []float64{1, 0, 1}}, ErrConfig, "scale 0"},
		{&Rescaling{Scales: []float64{1, 2}}, ops.ErrShape, "2 numbers for the channels"},
		{&Rescaling{Scale: 1, Offsets: []float64{1}}, ops.ErrShape, "1 numbers for the channels"},
		{&Normalization{Axis: []int{4}}, ErrConfig, "axis [4]"},
		{&Normalization{Axis: []int{-1, 3}}, ErrConfig, "axis [-1 3]"},
		{&Normalization{Mean: []float64{1, 2}, Variance: []float64{1, 2}}, ErrConfig, "2 means"},
		{&Normalization{Mean: []float64{1}}, ErrConfig, "0 variances"},
		{&Normalization{Mean: []float64{1}, Variance: []float64{-1}}, ErrConfig, "variance -1"},
		{&Resizing{Width: 3}, ErrConfig, "0×3"},
		{&Resizing{Height: 2, Width: 3, Interpolation: "area"}, ErrConfig, `interpolation "area"`},
		{&Resizing{Height: 2, Width: 3, CropToAspectRatio: true, PadToAspectRatio: true}, ErrConfig, "not both"},
		{&CenterCrop{Height: 2}, ErrConfig, "2×0"},
		{&UpSampling2D{Size: Size{-1, 1}}, ErrConfig, "size -1×1"},
		{&UpSampling2D{Interpolation: "lanczos3"}, ErrConfig, `interpolation "lanczos3"`},
		{&UpSampling1D{}, ops.ErrShape, "takes a sequence"},
		{&Concatenate{}, ErrConfig, "1 inputs"},
		{&ZeroPadding2D{Padding: Margin{Top: -1}}, ErrConfig, "margin"},
		{&Cropping2D{Cropping: Around(4)}, ops.ErrShape, "leaves 0×0"},
		{&Add{}, ErrConfig, "1 inputs"},
		{&InputLayer{Shape: Shape{0}}, ErrConfig, "[0]"},
	} {
		_, err := Sequential("", input, c.layer)
		assert.ErrorIs(t, err, c.kind)
		assert.ErrorContains(t, err, c.text)
		assert.ErrorContains(t, err, SnakeCase(c.layer.ClassName()))
	}
	for _, l := range []Layer{
		&DepthwiseConv1D{KernelSize: 2, Padding: Causal}, &SeparableConv1D{Filters: 1, KernelSize: 2, Padding: Causal},
		&Conv1DTranspose{Filters: 1, KernelSize: 2, Padding: Causal},
	} {
		_, err := Sequential("", &InputLayer{Shape: Shape{5, 2}}, l)
		assert.ErrorContains(t, err, `padding "causal"`)
	}
	_, err := Sequential("", &Flatten{})
	assert.ErrorContains(t, err, "want an InputLayer")
	_, err = Sequential("", input, input)
	assert.ErrorContains(t, err, "two places")
	_, err = Sequential("", input, &Flatten{Name: "x"}, &Dense{Units: 1, Name: "x"})
	assert.ErrorContains(t, err, `named "x"`)
	x := Apply(input)
	y := Apply(&Flatten{}, x)
	_, err = Functional("", y, y)
	assert.Error(t, err)
	x.Inputs = []*Node{y}
	_, err = Functional("", x, y)
	assert.ErrorContains(t, err, "depends on itself")
}

func TestConcatenateWantsEqualImages(t *testing.T) {
	in := Apply(&InputLayer{Shape: Shape{8, 8, 3}})
	smaller := Apply(&Cropping2D{Cropping: Around(1)}, in)
	_, err := Functional("", in, Apply(&Concatenate{}, in, smaller))
	assert.ErrorIs(t, err, ops.ErrShape)
	framed := Apply(&ZeroPadding2D{Padding: Around(1)}, smaller)
	g, err := Functional("", in, Apply(&Concatenate{}, in, framed))
	require.NoError(t, err)
	assert.Equal(t, Shape{8, 8, 6}, g.OutputShape())
}

func TestMergedInputsAreBroadcast(t *testing.T) {
	in := Apply(&InputLayer{Shape: Shape{8, 8, 3}})
	smaller := Apply(&Cropping2D{Cropping: Around(1)}, in)
	channels := Apply(&GlobalAveragePooling2D{}, in)
	for _, c := range []struct {
		output *Node
		kind   error
		text   string
	}{
		{Apply(&Add{}, in, smaller), ops.ErrShape, "cannot be broadcast"},
		{Apply(&Subtract{}, in, in, in), ErrConfig, "3 inputs"},
		{Apply(&Concatenate{}, in, channels), ops.ErrShape, "differ in axis 3"},
		{Apply(&Concatenate{Axis: 5}, in, in), ErrConfig, "axis 5"},
		{Apply(&Dot{}, in, in), ErrConfig, "counted from 1"},
		{Apply(&Dot{Axes: [2]int{1, 3}}, in, in), ops.ErrShape, "8 and 3"},
		{Apply(&Dot{Axes: [2]int{1, 4}}, in, in), ErrConfig, "axis 4"},
	} {
		_, err := Functional("", in, c.output)
		assert.ErrorIs(t, err, c.kind)
		assert.ErrorContains(t, err, c.text)
	}
	g, err := Functional("", in, Apply(&Multiply{}, channels, in))
	require.NoError(t, err)
	assert.Equal(t, Shape{8, 8, 3}, g.OutputShape())
}

func TestActivationNames(t *testing.T) {
	assert.Len(t, Activations, 31)
	for _, name := range Activations {
		a, err := ParseActivation(name)
		require.NoError(t, err)
		again, err := ParseActivation(a.String())
		require.NoError(t, err)
		assert.Equal(t, a, again)
	}
	a, err := ParseActivation("swish")
	require.NoError(t, err)
	assert.Equal(t, SiLU, a)
}

func TestSamePaddingIsTensorFlows(t *testing.T) {
	for _, c := range []struct{ in, size, stride, before, after int }{
		{32, 3, 1, 1, 1}, {32, 3, 2, 0, 1}, {7, 3, 2, 1, 1}, {32, 1, 2, 0, 0}, {5, 2, 1, 0, 1}, {224, 7, 2, 2, 3},
	} {
		w := window(Shape{c.in, c.in, 1}, Square(c.size), Square(c.stride), Same)
		assert.Equal(t, [2]int{c.before, c.before}, w.PadBefore, c)
		assert.Equal(t, [2]int{c.after, c.after}, w.PadAfter, c)
	}
}

func TestRegularizersAndConstraintsAreChecked(t *testing.T) {
	for want, w := range map[string]Weight{
		"L2 has the factor -1":              {Regularizer: L2(-1)},
		"L1 has the factor NaN":             {Regularizer: L1(math.NaN())},
		"L1L2 has the factor +Inf":          {Regularizer: L1L2{L2: math.Inf(1)}},
		"MaxNorm has norms from 0 to 0":     {Constraint: MaxNorm{}},
		"MinMaxNorm has norms from 2 to 1":  {Constraint: MinMaxNorm{MinValue: 2, MaxValue: 1, Rate: 1}},
		"MinMaxNorm has rate 0":             {Constraint: MinMaxNorm{MaxValue: 1}},
		"the axes [2], the weight is [7,5]": {Constraint: UnitNorm{Axis: []int{2}}},
		"the axes [1 -1]":                   {Constraint: MaxNorm{MaxValue: 1, Axis: []int{1, -1}}},
	} {
		_, err := Sequential("", &InputLayer{Shape: Shape{7}}, &Dense{Units: 5, KernelRegularizer: w.Regularizer, KernelConstraint: w.Constraint})
		assert.ErrorIs(t, err, ErrConfig, want)
		assert.ErrorContains(t, err, "layer dense: kernel: layers: ")
		assert.ErrorContains(t, err, want)
	}
	o, err := MaxNorm{MaxValue: 2, Axis: []int{0, -2}}.Constrain(Shape{3, 4, 5})
	require.NoError(t, err)
	assert.Equal(t, ops.ConstrainNorm{Max: 2, Rate: 1, Along: []bool{true, true, false}}, o)
}
