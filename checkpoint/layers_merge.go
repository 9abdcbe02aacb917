package checkpoint

import "github.com/meseta-go/meseta/layers"

var mergeLayers = map[string]codec{
	"Add":      merging(func(name string) *layers.Add { return &layers.Add{Name: name} }),
	"Subtract": merging(func(name string) *layers.Subtract { return &layers.Subtract{Name: name} }),
	"Multiply": merging(func(name string) *layers.Multiply { return &layers.Multiply{Name: name} }),
	"Average":  merging(func(name string) *layers.Average { return &layers.Average{Name: name} }),
	"Maximum":  merging(func(name string) *layers.Maximum { return &layers.Maximum{Name: name} }),
	"Minimum":  merging(func(name string) *layers.Minimum { return &layers.Minimum{Name: name} }),
	"Concatenate": of(func(c *config, name string) *layers.Concatenate {
		return &layers.Concatenate{Name: name, Axis: c.axis("axis")}
	}, func(l *layers.Concatenate, values map[string]any) {
		set(values, "axis", lastOr(l.Axis))
	}).withList(),
	"Dot": of(func(c *config, name string) *layers.Dot {
		l := &layers.Dot{Name: name, Normalize: c.flag("normalize", false)}
		switch axes := c.integers("axes", nil); len(axes) {
		case 1:
			l.Axes = [2]int{axes[0], axes[0]}
		case 2:
			l.Axes = [2]int{axes[0], axes[1]}
		default:
			c.fail("has axes %v, want one or two", axes)
		}
		return l
	}, func(l *layers.Dot, values map[string]any) {
		set(values, "axes", l.Axes, "normalize", l.Normalize)
		if l.Axes[0] == l.Axes[1] {
			values["axes"] = l.Axes[0]
		}
	}).withList(),
}

// merging is the codec of a layer that has nothing but a name.
func merging[L layers.Layer](make func(name string) L) codec {
	return of(func(_ *config, name string) L { return make(name) }, func(L, map[string]any) {}).withList()
}
