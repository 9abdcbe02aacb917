package checkpoint

import "github.com/meseta-go/meseta/layers"

var convLayers = map[string]codec{
	"Conv2D": of(func(c *config, name string) *layers.Conv2D {
		l := &layers.Conv2D{Name: name, Filters: c.integer("filters"), Groups: c.one("groups", 1), Activation: c.activation("activation")}
		l.KernelSize, l.Strides, l.DilationRate, l.Padding = c.convolution()
		l.NoBias, l.KernelInitializer, l.BiasInitializer = c.kernelAndBias()
		l.KernelRegularizer, l.KernelConstraint = c.limits("kernel")
		l.BiasRegularizer, l.BiasConstraint = c.limits("bias")
		return l
	}, func(l *layers.Conv2D, values map[string]any) {
		set(values, "filters", l.Filters, "groups", orOne(l.Groups))
		setConvolution(values, l.KernelSize, l.Strides, l.DilationRate, l.Padding)
		setKernelAndBias(values, l.Activation, l.NoBias, l.KernelInitializer, l.BiasInitializer)
		setLimits(values, "kernel", l.KernelRegularizer, l.KernelConstraint)
		setLimits(values, "bias", l.BiasRegularizer, l.BiasConstraint)
	}),
	"Conv1D": of(func(c *config, name string) *layers.Conv1D {
		l := &layers.Conv1D{Name: name, Filters: c.integer("filters"), Groups: c.one("groups", 1), Activation: c.activation("activation")}
		l.KernelSize, l.Strides, l.DilationRate, l.Padding = c.convolution1D(true)
		l.NoBias, l.KernelInitializer, l.BiasInitializer = c.kernelAndBias()
		l.KernelRegularizer, l.KernelConstraint = c.limits("kernel")
		l.BiasRegularizer, l.BiasConstraint = c.limits("bias")
		return l
	}, func(l *layers.Conv1D, values map[string]any) {
		set(values, "filters", l.Filters, "groups", orOne(l.Groups))
		setConvolution1D(values, l.KernelSize, l.Strides, l.DilationRate, l.Padding)
		setKernelAndBias(values, l.Activation, l.NoBias, l.KernelInitializer, l.BiasInitializer)
		setLimits(values, "kernel", l.KernelRegularizer, l.KernelConstraint)
		setLimits(values, "bias", l.BiasRegularizer, l.BiasConstraint)
	}),
	"DepthwiseConv2D": of(func(c *config, name string) *layers.DepthwiseConv2D {
		l := &layers.DepthwiseConv2D{Name: name, DepthMultiplier: c.one("depth_multiplier", 1), Activation: c.activation("activation")}
		l.KernelSize, l.Strides, l.DilationRate, l.Padding = c.convolution()
		l.NoBias, l.DepthwiseInitializer, l.BiasInitializer = c.namedKernelAndBias("depthwise")
		l.DepthwiseRegularizer, l.DepthwiseConstraint = c.limits("depthwise")
		l.BiasRegularizer, l.BiasConstraint = c.limits("bias")
		return l
	}, func(l *layers.DepthwiseConv2D, values map[string]any) {
		set(values, "depth_multiplier", orOne(l.DepthMultiplier))
		setConvolution(values, l.KernelSize, l.Strides, l.DilationRate, l.Padding)
		setNamedKernelAndBias(values, "depthwise", l.Activation, l.NoBias, l.DepthwiseInitializer, l.BiasInitializer)
		setLimits(values, "depthwise", l.DepthwiseRegularizer, l.DepthwiseConstraint)
		setLimits(values, "bias", l.BiasRegularizer, l.BiasConstraint)
	}),
	"DepthwiseConv1D": of(func(c *config, name string) *layers.DepthwiseConv1D {
		l := &layers.DepthwiseConv1D{Name: name, DepthMultiplier: c.one("depth_multiplier", 1), Activation: c.activation("activation")}
		l.KernelSize, l.Strides, l.DilationRate, l.Padding = c.convolution1D(false)
		l.NoBias, l.DepthwiseInitializer, l.BiasInitializer = c.namedKernelAndBias("depthwise")
		l.DepthwiseRegularizer, l.DepthwiseConstraint = c.limits("depthwise")
		l.BiasRegularizer, l.BiasConstraint = c.limits("bias")
		return l
	}, func(l *layers.DepthwiseConv1D, values map[string]any) {
		set(values, "depth_multiplier", orOne(l.DepthMultiplier))
		setConvolution1D(values, l.KernelSize, l.Strides, l.DilationRate, l.Padding)
		setNamedKernelAndBias(values, "depthwise", l.Activation, l.NoBias, l.DepthwiseInitializer, l.BiasInitializer)
		setLimits(values, "depthwise", l.DepthwiseRegularizer, l.DepthwiseConstraint)
		setLimits(values, "bias", l.BiasRegularizer, l.BiasConstraint)
	}),
	"SeparableConv2D": of(func(c *config, name string) *layers.SeparableConv2D {
		l := &layers.SeparableConv2D{Name: name, Filters: c.integer("filters"), DepthMultiplier: c.one("depth_multiplier", 1), Activation: c.activation("activation")}
		l.KernelSize, l.Strides, l.DilationRate, l.Padding = c.convolution()
		l.NoBias, l.DepthwiseInitializer, l.BiasInitializer = c.namedKernelAndBias("depthwise")
		l.PointwiseInitializer = c.initializer("pointwise_initializer", layers.GlorotUniform{})
		l.DepthwiseRegularizer, l.DepthwiseConstraint = c.limits("depthwise")
		l.PointwiseRegularizer, l.PointwiseConstraint = c.limits("pointwise")
		l.BiasRegularizer, l.BiasConstraint = c.limits("bias")
		return l
	}, func(l *layers.SeparableConv2D, values map[string]any) {
		set(values, "filters", l.Filters, "depth_multiplier", orOne(l.DepthMultiplier))
		setConvolution(values, l.KernelSize, l.Strides, l.DilationRate, l.Padding)
		setNamedKernelAndBias(values, "depthwise", l.Activation, l.NoBias, l.DepthwiseInitializer, l.BiasInitializer)
		setWeight(values, "pointwise", initializerConfig(l.PointwiseInitializer, layers.GlorotUniform{}))
		setLimits(values, "depthwise", l.DepthwiseRegularizer, l.DepthwiseConstraint)
		setLimits(values, "pointwise", l.PointwiseRegularizer, l.PointwiseConstraint)
		setLimits(values, "bias", l.BiasRegularizer, l.BiasConstraint)
	}),
	"SeparableConv1D": of(func(c *config, name string) *layers.SeparableConv1D {
		l := &layers.SeparableConv1D{Name: name, Filters: c.integer("filters"), DepthMultiplier: c.one("depth_multiplier", 1), Activation: c.activation("activation")}
		l.KernelSize, l.Strides, l.DilationRate, l.Padding = c.convolution1D(false)
		l.NoBias, l.DepthwiseInitializer, l.BiasInitializer = c.namedKernelAndBias("depthwise")
		l.PointwiseInitializer = c.initializer("pointwise_initializer", layers.GlorotUniform{})
		l.DepthwiseRegularizer, l.DepthwiseConstraint = c.limits("depthwise")
		l.PointwiseRegularizer, l.PointwiseConstraint = c.limits("pointwise")
		l.BiasRegularizer, l.BiasConstraint = c.limits("bias")
		return l
	}, func(l *layers.SeparableConv1D, values map[string]any) {
		set(values, "filters", l.Filters, "depth_multiplier", orOne(l.DepthMultiplier))
		setConvolution1D(values, l.KernelSize, l.Strides, l.DilationRate, l.Padding)
		setNamedKernelAndBias(values, "depthwise", l.Activation, l.NoBias, l.DepthwiseInitializer, l.BiasInitializer)
		setWeight(values, "pointwise", initializerConfig(l.PointwiseInitializer, layers.GlorotUniform{}))
		setLimits(values, "depthwise", l.DepthwiseRegularizer, l.DepthwiseConstraint)
		setLimits(values, "pointwise", l.PointwiseRegularizer, l.PointwiseConstraint)
		setLimits(values, "bias", l.BiasRegularizer, l.BiasConstraint)
	}),
	"Conv2DTranspose": of(func(c *config, name string) *layers.Conv2DTranspose {
		l := &layers.Conv2DTranspose{Name: name, Filters: c.integer("filters"), Activation: c.activation("activation")}
		l.KernelSize, l.Strides, l.DilationRate, l.Padding = c.convolution()
		l.NoBias, l.KernelInitializer, l.BiasInitializer = c.kernelAndBias()
		l.KernelRegularizer, l.KernelConstraint = c.limits("kernel")
		l.BiasRegularizer, l.BiasConstraint = c.limits("bias")
		if c.values["output_padding"] != nil {
			extra := c.size("output_padding", layers.Size{})
			l.OutputPadding = &extra
		}
		return l
	}, func(l *layers.Conv2DTranspose, values map[string]any) {
		set(values, "filters", l.Filters)
		setConvolution(values, l.KernelSize, l.Strides, l.DilationRate, l.Padding)
		setKernelAndBias(values, l.Activation, l.NoBias, l.KernelInitializer, l.BiasInitializer)
		setLimits(values, "kernel", l.KernelRegularizer, l.KernelConstraint)
		setLimits(values, "bias", l.BiasRegularizer, l.BiasConstraint)
		values["output_padding"] = l.OutputPadding
	}),
	"Conv1DTranspose": of(func(c *config, name string) *layers.Conv1DTranspose {
		l := &layers.Conv1DTranspose{Name: name, Filters: c.integer("filters"), Activation: c.activation("activation")}
		l.KernelSize, l.Strides, l.DilationRate, l.Padding = c.convolution1D(false)
		l.NoBias, l.KernelInitializer, l.BiasInitializer = c.kernelAndBias()
		l.KernelRegularizer, l.KernelConstraint = c.limits("kernel")
		l.BiasRegularizer, l.BiasConstraint = c.limits("bias")
		if c.values["output_padding"] != nil {
			extra := c.one("output_padding", 0)
			l.OutputPadding = &extra
		}
		return l
	}, func(l *layers.Conv1DTranspose, values map[string]any) {
		set(values, "filters", l.Filters)
		setConvolution1D(values, l.KernelSize, l.Strides, l.DilationRate, l.Padding)
		setKernelAndBias(values, l.Activation, l.NoBias, l.KernelInitializer, l.BiasInitializer)
		setLimits(values, "kernel", l.KernelRegularizer, l.KernelConstraint)
		setLimits(values, "bias", l.BiasRegularizer, l.BiasConstraint)
		if values["output_padding"] = nil; l.OutputPadding != nil {
			values["output_padding"] = []int{*l.OutputPadding}
		}
	}),
}

// convolution reads what all convolutions of images say.
func (c *config) convolution() (size, strides, dilation layers.Size, padding layers.PaddingMode) {
	c.only("data_format", "channels_last")
	one := layers.Square(1)
	return c.size("kernel_size", layers.Size{}), c.size("strides", one), c.size("dilation_rate", one), c.padding("padding")
}

// convolution1D reads what all convolutions of sequences say.
func (c *config) convolution1D(causal bool) (size, strides, dilation int, padding layers.PaddingMode) {
	c.only("data_format", "channels_last")
	if causal && c.values["padding"] == string(layers.Causal) {
		c.ignore("padding")
		padding = layers.Causal
	} else {
		padding = c.padding("padding")
	}
	return c.one("kernel_size", 0), c.one("strides", 1), c.one("dilation_rate", 1), padding
}

func setConvolution(values map[string]any, size, strides, dilation layers.Size, padding layers.PaddingMode) {
	for _, s := range []*layers.Size{&strides, &dilation} {
		if *s == (layers.Size{}) {
			*s = layers.Square(1)
		}
	}
	set(values, "kernel_size", size, "strides", strides, "dilation_rate", dilation, "padding", padding.String(),
		"data_format", "channels_last", "activity_regularizer", nil)
}

func setConvolution1D(values map[string]any, size, strides, dilation int, padding layers.PaddingMode) {
	set(values, "kernel_size", []int{size}, "strides", []int{orOne(strides)}, "dilation_rate", []int{orOne(dilation)}, "padding", padding.String(),
		"data_format", "channels_last", "activity_regularizer", nil)
}

// orOne gives n, or 1 where n is zero.
func orOne(n int) int {
	if n == 0 {
		return 1
	}
	return n
}
