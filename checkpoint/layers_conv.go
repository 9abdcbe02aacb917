package checkpoint

import "github.com/meseta-go/meseta/layers"

var convLayers = map[string]codec{
	"Conv2D": of(func(c *config, name string) *layers.Conv2D {
		c.only("data_format", "channels_last")
		c.only("dilation_rate", []any{1, 1}, 1)
		c.only("groups", 1)
		l := &layers.Conv2D{
			Name: name, Filters: c.integer("filters"), KernelSize: c.size("kernel_size", layers.Size{}),
			Strides: c.size("strides", layers.Square(1)), Padding: c.padding("padding"), Activation: c.activation("activation"),
		}
		l.NoBias, l.KernelInitializer, l.BiasInitializer = c.kernelAndBias()
		l.KernelRegularizer, l.KernelConstraint = c.limits("kernel")
		l.BiasRegularizer, l.BiasConstraint = c.limits("bias")
		return l
	}, func(l *layers.Conv2D, values map[string]any) {
		strides := l.Strides
		if strides == (layers.Size{}) {
			strides = layers.Square(1)
		}
		set(values, "filters", l.Filters, "kernel_size", l.KernelSize, "strides", strides, "padding", l.Padding.String(),
			"data_format", "channels_last", "dilation_rate", layers.Square(1), "groups", 1, "activity_regularizer", nil)
		setKernelAndBias(values, l.Activation, l.NoBias, l.KernelInitializer, l.BiasInitializer)
		setLimits(values, "kernel", l.KernelRegularizer, l.KernelConstraint)
		setLimits(values, "bias", l.BiasRegularizer, l.BiasConstraint)
	}),
}
