package checkpoint

import (
	"fmt"
	"strings"

	"github.com/meseta-go/meseta/layers"
)

// codec reads and writes the configuration of one class of layers.
type codec struct {
	read  func(c *config, name string) layers.Layer
	write func(l layers.Layer, values map[string]any)

	list     bool // Keras calls the layer with one list of tensors
	lastAxis bool // the key "axis" may name the last dimension only, which checkAxis sees once the shapes are known
}

// of makes the codec of a type of layer. write adds what every layer's configuration does not have already.
func of[L layers.Layer](read func(c *config, name string) L, write func(l L, values map[string]any)) codec {
	return codec{
		read:  func(c *config, name string) layers.Layer { return read(c, name) },
		write: func(l layers.Layer, values map[string]any) { write(l.(L), values) },
	}
}

func (c codec) withList() codec     { c.list = true; return c }
func (c codec) withLastAxis() codec { c.lastAxis = true; return c }

// codecs has every class that is known, by Keras's name; each family has a file.
var codecs = func() map[string]codec {
	all := map[string]codec{}
	for _, family := range []map[string]codec{coreLayers, activationLayers, convLayers, poolLayers, normLayers, noiseLayers, mergeLayers, shapeLayers, preprocessingLayers} {
		for class, c := range family {
			all[class] = c
		}
	}
	return all
}()

// readLayerConfig builds the layer of a class from its configuration.
func readLayerConfig(class string, values any) (layers.Layer, error) {
	c := newConfig("a layer "+class, values)
	name := c.text("name", "")
	c.what = "layer " + name
	if !c.flag("trainable", true) {
		c.fail("is frozen (trainable false), which is not supported; saved with trainable = True it is trained as the others are")
	}
	c.policy()
	codec, ok := codecs[class]
	if !ok {
		return nil, fmt.Errorf("layer %s is of class %q, which is not supported%s", name, class, without(class))
	}
	if codec.lastAxis {
		c.ignore("axis")
	}
	l := codec.read(c, name)
	c.ignore("batch_input_shape") // Keras 2, on the first layer of a Sequential
	return l, c.end()
}

// without ends the message that a class is not supported with how to do without it, where there is a way.
func without(class string) string {
	switch {
	case class == "Functional" || class == "Sequential":
		return " within a network; build that one of single layers, as keras.applications does with input_tensor"
	case strings.HasPrefix(class, "Random") || class == "AutoContrast" || class == "RandAugment" || class == "MixUp" || class == "CutMix" || class == "AugMix":
		return "; leave augmentation out of the network and give it to training (augment: in a configuration, FitOptions.Augment)"
	}
	return ""
}

// layerConfig is the configuration of a layer as Keras 3 writes it.
func layerConfig(l layers.Placed) (map[string]any, error) {
	codec, ok := codecs[l.ClassName()]
	if !ok {
		return nil, fmt.Errorf("layer %s: Keras's configuration of class %s is not known here", l.Name, l.ClassName())
	}
	values := map[string]any{"name": l.Name, "trainable": true, "dtype": keras("DTypePolicy", "keras", map[string]any{"name": "float32"})}
	if codec.lastAxis {
		values["axis"] = -1
	}
	codec.write(l.Layer, values)
	return values, nil
}

// set adds pairs of keys and values.
func set(values map[string]any, pairs ...any) {
	for i := 0; i < len(pairs); i += 2 {
		values[pairs[i].(string)] = pairs[i+1]
	}
}

func (c *config) kernelAndBias() (noBias bool, kernel, bias layers.Initializer) {
	return c.namedKernelAndBias("kernel")
}

// namedKernelAndBias is for layers that call their kernel something else where they say what it is like.
func (c *config) namedKernelAndBias(name string) (noBias bool, kernel, bias layers.Initializer) {
	return !c.flag("use_bias", true), c.initializer(name+"_initializer", layers.GlorotUniform{}), c.initializer("bias_initializer", layers.Zeros{})
}

// checkAxis says whether the axis of a layer whose codec wants the last one is the last.
// Keras 2 counts it from the front and puts it into a list.
func checkAxis(g *layers.Graph, e entry) error {
	values, _ := e.Config.(map[string]any)
	axis, said := values["axis"]
	if list, ok := axis.([]any); ok && len(list) == 1 {
		axis = list[0]
	}
	n, ok := toInt(axis)
	if !codecs[e.Class].lastAxis || !said || ok && n == -1 {
		return nil
	}
	for _, l := range g.Layers {
		if l.Name == values["name"] && (!ok || n != len(l.Output)) {
			return fmt.Errorf("layer %s has axis %s, only the last one, %d, is supported", l.Name, brief(values["axis"]), len(l.Output))
		}
	}
	return nil
}

func setKernelAndBias(c map[string]any, a layers.ActivationName, noBias bool, kernel, bias layers.Initializer) {
	setNamedKernelAndBias(c, "kernel", a, noBias, kernel, bias)
}

func setNamedKernelAndBias(c map[string]any, name string, a layers.ActivationName, noBias bool, kernel, bias layers.Initializer) {
	c["activation"] = a.String()
	c["use_bias"] = !noBias
	setWeight(c, name, initializerConfig(kernel, layers.GlorotUniform{}))
	setWeight(c, "bias", initializerConfig(bias, layers.Zeros{}))
}

// setWeight says what a weight is like.
func setWeight(c map[string]any, name string, initializer map[string]any) {
	c[name+"_initializer"] = initializer
	setLimits(c, name, nil, nil)
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
