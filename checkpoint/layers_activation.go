package checkpoint

import "github.com/meseta-go/meseta/layers"

var activationLayers = map[string]codec{
	"Activation": of(func(c *config, name string) *layers.Activation {
		return &layers.Activation{Name: name, Function: c.activation("activation")}
	}, func(l *layers.Activation, values map[string]any) {
		set(values, "activation", l.Function.String())
	}),
	"ReLU": of(func(c *config, name string) *layers.ReLULayer {
		l := &layers.ReLULayer{Name: name, NegativeSlope: c.number("negative_slope", 0), Threshold: c.number("threshold", 0)}
		if most, ok := c.values["max_value"]; ok && most != nil {
			if l.MaxValue = c.number("max_value", 0); l.MaxValue == 0 {
				c.fail("has max_value %s, which leaves nothing of its input", brief(most))
			}
		}
		return l
	}, func(l *layers.ReLULayer, values map[string]any) {
		set(values, "max_value", nil, "negative_slope", l.NegativeSlope, "threshold", l.Threshold)
		if l.MaxValue != 0 {
			values["max_value"] = l.MaxValue
		}
	}),
	"LeakyReLU": of(func(c *config, name string) *layers.LeakyReLULayer {
		return &layers.LeakyReLULayer{Name: name, NegativeSlope: rate(c.number("negative_slope", c.number("alpha", 0.3)))} // alpha: Keras 2, which widens a float32
	}, func(l *layers.LeakyReLULayer, values map[string]any) {
		set(values, "negative_slope", l.NegativeSlope)
	}),
	"ELU": of(func(c *config, name string) *layers.ELULayer {
		return &layers.ELULayer{Name: name, Alpha: c.number("alpha", 1)}
	}, func(l *layers.ELULayer, values map[string]any) {
		set(values, "alpha", l.Alpha)
	}),
	"PReLU": of(func(c *config, name string) *layers.PReLU {
		l := &layers.PReLU{Name: name, AlphaInitializer: c.initializer("alpha_initializer", layers.Zeros{}), SharedAxes: c.integers("shared_axes", nil)}
		l.AlphaRegularizer, l.AlphaConstraint = c.limits("alpha")
		return l
	}, func(l *layers.PReLU, values map[string]any) {
		set(values, "alpha_initializer", initializerConfig(l.AlphaInitializer, layers.Zeros{}), "shared_axes", nil)
		if len(l.SharedAxes) > 0 {
			values["shared_axes"] = l.SharedAxes
		}
		setLimits(values, "alpha", l.AlphaRegularizer, l.AlphaConstraint)
	}),
	"Softmax": of(func(c *config, name string) *layers.SoftmaxLayer {
		return &layers.SoftmaxLayer{Name: name, Axis: c.axis("axis")}
	}, func(l *layers.SoftmaxLayer, values map[string]any) {
		set(values, "axis", lastOr(l.Axis))
	}),
}

// axis reads the number of one axis, or a list of it. The samples' is refused, because 0 stands for the last here.
func (c *config) axis(key string) int {
	v, ok := c.values[key]
	if !ok {
		return -1
	}
	list := c.integers(key, nil) // null is none
	if len(list) != 1 || list[0] == 0 {
		c.fail("has %s %s, want one axis that is not the samples'", key, brief(v))
		return 0
	}
	return list[0]
}

// lastOr is an axis as Keras writes it.
func lastOr(axis int) int {
	if axis == 0 {
		return -1
	}
	return axis
}
