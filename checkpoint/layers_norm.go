package checkpoint

import "github.com/meseta-go/meseta/layers"

var normLayers = map[string]codec{
	"BatchNormalization": of(func(c *config, name string) *layers.BatchNormalization {
		c.only("center", true)
		c.only("scale", true)
		c.only("moving_mean_initializer", c.values["moving_mean_initializer"])
		if i := c.initializer("moving_variance_initializer", layers.Ones{}); i != nil {
			c.fail("has a moving_variance_initializer other than ones, which is not supported")
		}
		c.ignore("renorm_momentum", "fused") // says nothing without renorm
		l := &layers.BatchNormalization{
			Name: name, Momentum: c.number("momentum", 0.99), Epsilon: c.number("epsilon", 0.001),
			BetaInitializer:  c.initializer("beta_initializer", layers.Zeros{}),
			GammaInitializer: c.initializer("gamma_initializer", layers.Ones{}),
		}
		l.BetaRegularizer, l.BetaConstraint = c.limits("beta")
		l.GammaRegularizer, l.GammaConstraint = c.limits("gamma")
		return l
	}, func(l *layers.BatchNormalization, values map[string]any) {
		set(values, "momentum", l.Momentum, "epsilon", l.Epsilon, "center", true, "scale", true,
			"beta_initializer", initializerConfig(l.BetaInitializer, layers.Zeros{}),
			"gamma_initializer", initializerConfig(l.GammaInitializer, layers.Ones{}),
			"moving_mean_initializer", initializerConfig(nil, layers.Zeros{}),
			"moving_variance_initializer", initializerConfig(nil, layers.Ones{}),
			"synchronized", false)
		setLimits(values, "beta", l.BetaRegularizer, l.BetaConstraint)
		setLimits(values, "gamma", l.GammaRegularizer, l.GammaConstraint)
	}).withLastAxis(),
}
