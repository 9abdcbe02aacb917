package checkpoint

import (
	"fmt"

	"github.com/meseta-go/meseta/layers"
)

// readLayerConfig builds the layer of a class from its configuration.
func readLayerConfig(class string, values any) (layers.Layer, error) {
	c := newConfig("a layer "+class, values)
	name := c.text("name", "")
	c.what = "layer " + name
	if !c.flag("trainable", true) {
		c.fail("is frozen (trainable false), which is not supported")
	}
	c.policy()
	var l layers.Layer
	switch class {
	case "InputLayer":
		l = &layers.InputLayer{Name: name, Shape: c.inputShape()}
	case "Conv2D":
		c.only("data_format", "channels_last")
		c.only("dilation_rate", []any{1, 1}, 1)
		c.only("groups", 1)
		conv := &layers.Conv2D{
			Name: name, Filters: c.integer("filters"), KernelSize: c.size("kernel_size", layers.Size{}),
			Strides: c.size("strides", layers.Square(1)), Padding: c.padding("padding"), Activation: c.activation("activation"),
		}
		conv.NoBias, conv.KernelInitializer, conv.BiasInitializer = c.kernelAndBias()
		l = conv
	case "Dense":
		dense := &layers.Dense{Name: name, Units: c.integer("units"), Activation: c.activation("activation")}
		dense.NoBias, dense.KernelInitializer, dense.BiasInitializer = c.kernelAndBias()
		l = dense
	case "BatchNormalization":
		l = c.batchNormalization(name)
	case "ReLU":
		c.only("negative_slope", 0)
		c.only("threshold", 0)
		l = &layers.ReLULayer{Name: name}
	case "Activation":
		l = &layers.Activation{Name: name, Function: c.activation("activation")}
	case "Softmax":
		c.ignore("axis") // checkAxis, once the shapes are known
		l = &layers.SoftmaxLayer{Name: name}
	case "MaxPooling2D":
		c.only("data_format", "channels_last")
		pool := c.size("pool_size", layers.Square(2))
		l = &layers.MaxPooling2D{Name: name, PoolSize: pool, Strides: c.size("strides", pool), Padding: c.padding("padding")}
	case "GlobalAveragePooling2D":
		c.only("data_format", "channels_last")
		l = &layers.GlobalAveragePooling2D{Name: name}
	case "Dropout":
		c.ignore("seed") // random numbers follow from the run's seed here
		l = &layers.Dropout{Name: name, Rate: c.number("rate", 0)}
	case "Add":
		l = &layers.Add{Name: name}
	case "Concatenate":
		c.ignore("axis") // checkAxis, once the shapes are known
		l = &layers.Concatenate{Name: name}
	case "ZeroPadding2D":
		c.only("data_format", "channels_last")
		l = &layers.ZeroPadding2D{Name: name, Padding: c.margin("padding")}
	case "Cropping2D":
		c.only("data_format", "channels_last")
		l = &layers.Cropping2D{Name: name, Cropping: c.margin("cropping")}
	case "Flatten":
		c.only("data_format", "channels_last")
		l = &layers.Flatten{Name: name}
	case "Rescaling":
		l = &layers.Rescaling{Name: name, Scale: c.number("scale", 1), Offset: c.number("offset", 0)}
	default:
		return nil, fmt.Errorf("layer %s is of class %q, which is not supported", name, class)
	}
	c.ignore("batch_input_shape") // Keras 2, on the first layer of a Sequential
	return l, c.end()
}

func (c *config) kernelAndBias() (noBias bool, kernel, bias layers.Initializer) {
	return !c.flag("use_bias", true), c.initializer("kernel_initializer", layers.GlorotUniform{}), c.initializer("bias_initializer", layers.Zeros{})
}

func (c *config) batchNormalization(name string) layers.Layer {
	c.ignore("axis") // checkAxis, once the shapes are known
	c.only("center", true)
	c.only("scale", true)
	c.only("moving_mean_initializer", c.values["moving_mean_initializer"])
	if i := c.initializer("moving_variance_initializer", layers.Ones{}); i != nil {
		c.fail("has a moving_variance_initializer other than ones, which is not supported")
	}
	c.ignore("renorm_momentum", "fused") // says nothing without renorm
	return &layers.BatchNormalization{
		Name: name, Momentum: c.number("momentum", 0.99), Epsilon: c.number("epsilon", 0.001),
		BetaInitializer:  c.initializer("beta_initializer", layers.Zeros{}),
		GammaInitializer: c.initializer("gamma_initializer", layers.Ones{}),
	}
}

// checkAxis says whether the axis of a BatchNormalization or Softmax is the last.
// Keras 2 counts it from the front and puts it into a list.
func checkAxis(g *layers.Graph, e entry) error {
	values, _ := e.Config.(map[string]any)
	axis := values["axis"]
	if list, ok := axis.([]any); ok && len(list) == 1 {
		axis = list[0]
	}
	n, ok := toInt(axis)
	if e.Class != "BatchNormalization" && e.Class != "Softmax" && e.Class != "Concatenate" || axis == nil || ok && n == -1 {
		return nil
	}
	for _, l := range g.Layers {
		if l.Name == values["name"] && (!ok || n != len(l.Output)) {
			return fmt.Errorf("layer %s has axis %s, only the last one, %d, is supported", l.Name, brief(values["axis"]), len(l.Output))
		}
	}
	return nil
}

// margin reads ((top, bottom), (left, right)).
func (c *config) margin(key string) (m layers.Margin) {
	v := c.take(key)
	list, ok := v.([]any)
	if ok = ok && len(list) == 2; ok {
		for i, into := range [][2]*int{{&m.Top, &m.Bottom}, {&m.Left, &m.Right}} {
			pair, isPair := list[i].([]any)
			if ok = ok && isPair && len(pair) == 2; !ok {
				break
			}
			for j := range pair {
				n, isInt := toInt(pair[j])
				ok = ok && isInt && n >= 0
				*into[j] = n
			}
		}
	}
	if !ok {
		c.fail("has %s %s, want [[top, bottom], [left, right]]", key, brief(v))
	}
	return m
}

func marginConfig(m layers.Margin) [][]int {
	return [][]int{{m.Top, m.Bottom}, {m.Left, m.Right}}
}

// inputShape reads a batch shape, whose first dimension must be open.
func (c *config) inputShape() layers.Shape {
	key := "batch_shape"
	if c.values["batch_input_shape"] != nil { // Keras 2
		key = "batch_input_shape"
	}
	shape, err := batchShape(c.take(key))
	if err != nil {
		c.fail("has %s %v", key, err)
	}
	return shape
}

func batchShape(v any) (layers.Shape, error) {
	list, ok := v.([]any)
	if !ok || len(list) < 2 {
		return nil, fmt.Errorf("%s, want a list of dimensions", brief(v))
	}
	if list[0] != nil {
		return nil, fmt.Errorf("%s with a fixed batch size, which is not supported", brief(v))
	}
	var shape layers.Shape
	for _, d := range list[1:] {
		n, ok := toInt(d)
		if !ok || n < 1 {
			return nil, fmt.Errorf("%s, whose dimensions must be known", brief(v))
		}
		shape = append(shape, n)
	}
	return shape, nil
}

// layerConfig is the configuration of a layer as Keras 3 writes it.
func layerConfig(l layers.Placed) (map[string]any, error) {
	c := map[string]any{"name": l.Name, "trainable": true, "dtype": keras("DTypePolicy", "keras", map[string]any{"name": "float32"})}
	set := func(pairs ...any) {
		for i := 0; i < len(pairs); i += 2 {
			c[pairs[i].(string)] = pairs[i+1]
		}
	}
	switch l := l.Layer.(type) {
	case *layers.InputLayer:
		return map[string]any{"name": c["name"], "dtype": "float32", "batch_shape": withBatch(l.Shape), "sparse": false, "ragged": false, "optional": false}, nil
	case *layers.Conv2D:
		strides := l.Strides
		if strides == (layers.Size{}) {
			strides = layers.Square(1)
		}
		set("filters", l.Filters, "kernel_size", l.KernelSize, "strides", strides, "padding", l.Padding.String(),
			"data_format", "channels_last", "dilation_rate", layers.Square(1), "groups", 1, "activity_regularizer", nil)
		setKernelAndBias(c, l.Activation, l.NoBias, l.KernelInitializer, l.BiasInitializer)
	case *layers.Dense:
		set("units", l.Units, "quantization_config", nil)
		setKernelAndBias(c, l.Activation, l.NoBias, l.KernelInitializer, l.BiasInitializer)
	case *layers.BatchNormalization:
		set("axis", -1, "momentum", l.Momentum, "epsilon", l.Epsilon, "center", true, "scale", true,
			"beta_initializer", initializerConfig(l.BetaInitializer, layers.Zeros{}),
			"gamma_initializer", initializerConfig(l.GammaInitializer, layers.Ones{}),
			"moving_mean_initializer", initializerConfig(nil, layers.Zeros{}),
			"moving_variance_initializer", initializerConfig(nil, layers.Ones{}),
			"beta_regularizer", nil, "gamma_regularizer", nil, "beta_constraint", nil, "gamma_constraint", nil, "synchronized", false)
	case *layers.ReLULayer:
		set("max_value", nil, "negative_slope", 0.0, "threshold", 0.0)
	case *layers.Activation:
		set("activation", l.Function.String())
	case *layers.SoftmaxLayer:
		set("axis", -1)
	case *layers.MaxPooling2D:
		pool, strides := l.Window()
		set("pool_size", pool, "strides", strides, "padding", l.Padding.String(), "data_format", "channels_last")
	case *layers.GlobalAveragePooling2D:
		set("data_format", "channels_last", "keepdims", false)
	case *layers.Dropout:
		set("rate", l.Rate, "seed", nil, "noise_shape", nil)
	case *layers.Add:
	case *layers.Concatenate:
		set("axis", -1)
	case *layers.ZeroPadding2D:
		set("padding", marginConfig(l.Padding), "data_format", "channels_last")
	case *layers.Cropping2D:
		set("cropping", marginConfig(l.Cropping), "data_format", "channels_last")
	case *layers.Flatten:
		set("data_format", "channels_last")
	case *layers.Rescaling:
		set("scale", l.Scale, "offset", l.Offset)
	default:
		return nil, fmt.Errorf("layer %s: Keras's configuration of class %s is not known here", c["name"], l.ClassName())
	}
	return c, nil
}

func setKernelAndBias(c map[string]any, a layers.ActivationName, noBias bool, kernel, bias layers.Initializer) {
	c["activation"] = a.String()
	c["use_bias"] = !noBias
	c["kernel_initializer"] = initializerConfig(kernel, layers.GlorotUniform{})
	c["bias_initializer"] = initializerConfig(bias, layers.Zeros{})
	for _, key := range []string{"kernel_regularizer", "bias_regularizer", "kernel_constraint", "bias_constraint"} {
		c[key] = nil
	}
}

func initializerConfig(i, usual layers.Initializer) map[string]any {
	if i == nil {
		i = usual
	}
	values := map[string]any{}
	switch i := i.(type) {
	case layers.Zeros, layers.Ones:
	case layers.Constant:
		values["value"] = i.Value
	default:
		values["seed"] = nil
	}
	return keras(i.ClassName(), "keras.initializers", values)
}

// keras is an object as Keras 3 serializes it.
func keras(class, module string, values map[string]any) map[string]any {
	return map[string]any{"module": module, "class_name": class, "config": values, "registered_name": nil}
}

// withBatch puts the open batch dimension before a shape.
func withBatch(shape layers.Shape) []any {
	list := []any{nil}
	for _, d := range shape {
		list = append(list, d)
	}
	return list
}
