package checkpoint

import "github.com/meseta-go/meseta/layers"

var activationLayers = map[string]codec{
	"Activation": of(func(c *config, name string) *layers.Activation {
		return &layers.Activation{Name: name, Function: c.activation("activation")}
	}, func(l *layers.Activation, values map[string]any) {
		set(values, "activation", l.Function.String())
	}),
	"ReLU": of(func(c *config, name string) *layers.ReLULayer {
		c.only("negative_slope", 0)
		c.only("threshold", 0)
		return &layers.ReLULayer{Name: name}
	}, func(_ *layers.ReLULayer, values map[string]any) {
		set(values, "max_value", nil, "negative_slope", 0.0, "threshold", 0.0)
	}),
	"Softmax": of(func(_ *config, name string) *layers.SoftmaxLayer {
		return &layers.SoftmaxLayer{Name: name}
	}, func(*layers.SoftmaxLayer, map[string]any) {}).withLastAxis(),
}
