package checkpoint

import (
	"fmt"

	"github.com/meseta-go/meseta/layers"
)

var coreLayers = map[string]codec{
	"InputLayer": of(func(c *config, name string) *layers.InputLayer {
		return &layers.InputLayer{Name: name, Shape: c.inputShape()}
	}, func(l *layers.InputLayer, values map[string]any) {
		delete(values, "trainable")
		set(values, "dtype", "float32", "batch_shape", withBatch(l.Shape), "sparse", false, "ragged", false, "optional", false)
	}),
	"Dense": of(func(c *config, name string) *layers.Dense {
		l := &layers.Dense{Name: name, Units: c.integer("units"), Activation: c.activation("activation")}
		l.NoBias, l.KernelInitializer, l.BiasInitializer = c.kernelAndBias()
		l.KernelRegularizer, l.KernelConstraint = c.limits("kernel")
		l.BiasRegularizer, l.BiasConstraint = c.limits("bias")
		return l
	}, func(l *layers.Dense, values map[string]any) {
		set(values, "units", l.Units, "quantization_config", nil)
		setKernelAndBias(values, l.Activation, l.NoBias, l.KernelInitializer, l.BiasInitializer)
		setLimits(values, "kernel", l.KernelRegularizer, l.KernelConstraint)
		setLimits(values, "bias", l.BiasRegularizer, l.BiasConstraint)
	}),
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
