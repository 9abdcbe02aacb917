package checkpoint

import (
	"github.com/meseta-go/meseta/layers"
)

// limits reads regularizer and constraint of the weight of a name, "kernel".
func (c *config) limits(weight string) (layers.Regularizer, layers.Constraint) {
	return c.regularizer(weight + "_regularizer"), c.constraint(weight + "_constraint")
}

// setLimits writes what limits reads.
func setLimits(values map[string]any, weight string, r layers.Regularizer, k layers.Constraint) {
	values[weight+"_regularizer"], values[weight+"_constraint"] = regularizerConfig(r), constraintConfig(k)
}

// named reads an object {"class_name", "config"}, or the name of a class with its defaults. The name comes in snake case, "" where
// there is nothing.
func (c *config) named(key string) (class string, values *config) {
	v := c.take(key)
	var inner any
	switch v := v.(type) {
	case nil:
		return "", nil
	case string:
		class = v
	case map[string]any:
		class, _ = v["class_name"].(string)
		inner = v["config"]
	}
	if class == "" {
		c.fail("has %s %s, want an object", key, brief(v))
		return "", nil
	}
	return layers.SnakeCase(class), newConfig(c.what+": "+key, orEmpty(inner))
}

// close takes over the first error of a configuration within c.
func (c *config) close(inner *config) {
	if err := inner.end(); err != nil && c.err == nil {
		c.err = err
	}
}

func (c *config) regularizer(key string) layers.Regularizer {
	class, values := c.named(key)
	if class == "" {
		return nil
	}
	defer c.close(values)
	switch class {
	case "l1":
		return layers.L1(rate(values.number("l1", 0.01)))
	case "l2":
		return layers.L2(rate(values.number("l2", 0.01)))
	case "l1_l2", "l1l2":
		return layers.L1L2{L1: rate(values.number("l1", 0)), L2: rate(values.number("l2", 0))}
	}
	c.fail("has %s %s, which is not supported (L1, L2 and L1L2 are)", key, class)
	return nil
}

func regularizerConfig(r layers.Regularizer) any {
	values := map[string]any{}
	switch r := r.(type) {
	case nil:
		return nil
	case layers.L1:
		set(values, "l1", pythonFloat(r))
	case layers.L2:
		set(values, "l2", pythonFloat(r))
	case layers.L1L2:
		set(values, "l1", pythonFloat(r.L1), "l2", pythonFloat(r.L2))
	}
	return keras(r.ClassName(), "keras.regularizers", values)
}

func (c *config) constraint(key string) layers.Constraint {
	class, values := c.named(key)
	if class == "" {
		return nil
	}
	defer c.close(values)
	switch class {
	case "max_norm":
		return layers.MaxNorm{MaxValue: values.number("max_value", 2), Axis: values.axes("axis")}
	case "min_max_norm":
		return layers.MinMaxNorm{
			MinValue: values.number("min_value", 0), MaxValue: values.number("max_value", 1), Rate: values.number("rate", 1), Axis: values.axes("axis"),
		}
	case "unit_norm":
		return layers.UnitNorm{Axis: values.axes("axis")}
	case "non_neg":
		return layers.NonNeg{}
	}
	c.fail("has %s %s, which is not supported (MaxNorm, MinMaxNorm, UnitNorm and NonNeg are)", key, class)
	return nil
}

func constraintConfig(k layers.Constraint) any {
	values := map[string]any{}
	switch k := k.(type) {
	case nil:
		return nil
	case layers.MaxNorm:
		set(values, "max_value", k.MaxValue, "axis", axesConfig(k.Axis))
	case layers.MinMaxNorm:
		set(values, "min_value", k.MinValue, "max_value", k.MaxValue, "rate", k.Rate, "axis", axesConfig(k.Axis))
	case layers.UnitNorm:
		set(values, "axis", axesConfig(k.Axis))
	}
	return keras(k.ClassName(), "keras.constraints", values)
}

// axes reads one axis or a list of them; 0, which is usual, comes back as nil.
func (c *config) axes(key string) []int {
	v, known := c.values[key]
	if delete(c.values, key); !known {
		return nil
	}
	if empty, ok := v.([]any); v == nil || ok && len(empty) == 0 { // all axes and none
		c.fail("has %s %s, want one or more", key, brief(v))
		return nil
	}
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	var axes []int
	for _, x := range list {
		n, ok := toInt(x)
		if !ok {
			c.fail("has %s %s, want an integer or a list of them", key, brief(v))
		}
		axes = append(axes, n)
	}
	if !ok && axes[0] == 0 {
		return nil
	}
	return axes
}

func axesConfig(axes []int) any {
	switch len(axes) {
	case 0:
		return 0
	case 1:
		return axes[0]
	}
	return axes
}
