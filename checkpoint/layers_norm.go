package checkpoint

import "github.com/meseta-go/meseta/layers"

var normLayers = map[string]codec{
	"BatchNormalization": of(func(c *config, name string) *layers.BatchNormalization {
		if i := c.initializer("moving_mean_initializer", layers.Zeros{}); i != nil {
			c.fail("has a moving_mean_initializer other than zeros, which is not supported")
		}
		if i := c.initializer("moving_variance_initializer", layers.Ones{}); i != nil {
			c.fail("has a moving_variance_initializer other than ones, which is not supported")
		}
		c.ignore("renorm_momentum", "fused") // says nothing without renorm
		l := &layers.BatchNormalization{Name: name, Momentum: c.number("momentum", 0.99), Epsilon: c.number("epsilon", 0.001)}
		l.NoScale, l.NoCenter, l.GammaInitializer, l.BetaInitializer = c.gammaAndBeta()
		l.GammaRegularizer, l.GammaConstraint = c.limits("gamma")
		l.BetaRegularizer, l.BetaConstraint = c.limits("beta")
		return l
	}, func(l *layers.BatchNormalization, values map[string]any) {
		set(values, "momentum", l.Momentum, "epsilon", l.Epsilon,
			"moving_mean_initializer", initializerConfig(nil, layers.Zeros{}),
			"moving_variance_initializer", initializerConfig(nil, layers.Ones{}), "synchronized", false)
		setGammaAndBeta(values, l.NoScale, l.NoCenter, l.GammaInitializer, l.BetaInitializer)
		setLimits(values, "gamma", l.GammaRegularizer, l.GammaConstraint)
		setLimits(values, "beta", l.BetaRegularizer, l.BetaConstraint)
	}).withLastAxis(),
	"LayerNormalization": of(func(c *config, name string) *layers.LayerNormalization {
		l := &layers.LayerNormalization{Name: name, Axis: c.normalized(), Epsilon: c.number("epsilon", 0.001)}
		l.NoScale, l.NoCenter, l.GammaInitializer, l.BetaInitializer = c.gammaAndBeta()
		l.GammaRegularizer, l.GammaConstraint = c.limits("gamma")
		l.BetaRegularizer, l.BetaConstraint = c.limits("beta")
		return l
	}, func(l *layers.LayerNormalization, values map[string]any) {
		axis := l.Axis
		if len(axis) == 0 {
			axis = []int{-1}
		}
		set(values, "axis", axis, "epsilon", l.Epsilon, "rms_scaling", false)
		setGammaAndBeta(values, l.NoScale, l.NoCenter, l.GammaInitializer, l.BetaInitializer)
		setLimits(values, "gamma", l.GammaRegularizer, l.GammaConstraint)
		setLimits(values, "beta", l.BetaRegularizer, l.BetaConstraint)
	}),
	"UnitNormalization": of(func(c *config, name string) *layers.UnitNormalization {
		return &layers.UnitNormalization{Name: name, Axis: c.normalized()}
	}, func(l *layers.UnitNormalization, values map[string]any) {
		switch len(l.Axis) {
		case 0:
			values["axis"] = -1
		case 1:
			values["axis"] = l.Axis[0]
		default:
			values["axis"] = l.Axis
		}
	}),
	"GroupNormalization": of(func(c *config, name string) *layers.GroupNormalization {
		l := &layers.GroupNormalization{Name: name, Groups: c.one("groups", 32), Epsilon: c.number("epsilon", 0.001)}
		l.NoScale, l.NoCenter, l.GammaInitializer, l.BetaInitializer = c.gammaAndBeta()
		l.GammaRegularizer, l.GammaConstraint = c.limits("gamma")
		l.BetaRegularizer, l.BetaConstraint = c.limits("beta")
		return l
	}, func(l *layers.GroupNormalization, values map[string]any) {
		groups := l.Groups
		if groups == 0 {
			groups = 32
		}
		set(values, "groups", groups, "epsilon", l.Epsilon)
		setGammaAndBeta(values, l.NoScale, l.NoCenter, l.GammaInitializer, l.BetaInitializer)
		setLimits(values, "gamma", l.GammaRegularizer, l.GammaConstraint)
		setLimits(values, "beta", l.BetaRegularizer, l.BetaConstraint)
	}).withLastAxis(),
}

// normalized reads the axes that a layer normalizes over; nil where the file does not say. Keras takes null and an empty list for all axes and
// for none, which are not supported.
func (c *config) normalized() []int {
	v, ok := c.values["axis"]
	axes := c.integers("axis", nil)
	if ok && len(axes) == 0 {
		c.fail("has axis %s, want one or more", brief(v))
	}
	return axes
}

func (c *config) gammaAndBeta() (noScale, noCenter bool, gamma, beta layers.Initializer) {
	return !c.flag("scale", true), !c.flag("center", true), c.initializer("gamma_initializer", layers.Ones{}), c.initializer("beta_initializer", layers.Zeros{})
}

func setGammaAndBeta(values map[string]any, noScale, noCenter bool, gamma, beta layers.Initializer) {
	set(values, "center", !noCenter, "scale", !noScale,
		"beta_initializer", initializerConfig(beta, layers.Zeros{}), "gamma_initializer", initializerConfig(gamma, layers.Ones{}))
}

// integers reads an integer or a list of them.
func (c *config) integers(key string, missing []int) []int {
	v := c.take(key)
	if v == nil {
		return missing
	}
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	numbers := make([]int, len(list))
	for i, x := range list {
		if numbers[i], ok = toInt(x); !ok {
			c.fail("has %s %s, want integers", key, brief(v))
		}
	}
	return numbers
}
