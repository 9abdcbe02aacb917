package checkpoint

import "github.com/meseta-go/meseta/layers"

var shapeLayers = map[string]codec{
	"Flatten": of(func(c *config, name string) *layers.Flatten {
		c.only("data_format", "channels_last")
		return &layers.Flatten{Name: name}
	}, func(_ *layers.Flatten, values map[string]any) {
		set(values, "data_format", "channels_last")
	}),
	"Reshape": of(func(c *config, name string) *layers.Reshape {
		return &layers.Reshape{Name: name, TargetShape: c.integers("target_shape", nil)}
	}, func(l *layers.Reshape, values map[string]any) {
		set(values, "target_shape", l.TargetShape)
	}),
	"Permute": of(func(c *config, name string) *layers.Permute {
		return &layers.Permute{Name: name, Dims: c.integers("dims", nil)}
	}, func(l *layers.Permute, values map[string]any) {
		set(values, "dims", l.Dims)
	}),
	"RepeatVector": of(func(c *config, name string) *layers.RepeatVector {
		return &layers.RepeatVector{Name: name, N: c.integer("n")}
	}, func(l *layers.RepeatVector, values map[string]any) {
		set(values, "n", l.N)
	}),
	"ZeroPadding2D": of(func(c *config, name string) *layers.ZeroPadding2D {
		c.only("data_format", "channels_last")
		return &layers.ZeroPadding2D{Name: name, Padding: c.margin("padding")}
	}, func(l *layers.ZeroPadding2D, values map[string]any) {
		set(values, "padding", marginConfig(l.Padding), "data_format", "channels_last")
	}),
	"Cropping2D": of(func(c *config, name string) *layers.Cropping2D {
		c.only("data_format", "channels_last")
		return &layers.Cropping2D{Name: name, Cropping: c.margin("cropping")}
	}, func(l *layers.Cropping2D, values map[string]any) {
		set(values, "cropping", marginConfig(l.Cropping), "data_format", "channels_last")
	}),
}

// margin reads ((top, bottom), (left, right)).
func (c *config) margin(key string) (m layers.Margin) {
	v := c.take(key)
	list, ok := v.([]any)
	if ok = ok && len(list) == 2; ok {
		for i, into := range [][2]*int{{&m.Top, &m.Bottom}, {&m.Left, &m.Right}} {
			pair, isPair := list[i].([]any)
			if ok = ok && isPair && len(pair) == 2; !ok {
				break
			}
			for j := range pair {
				n, isInt := toInt(pair[j])
				ok = ok && isInt && n >= 0
				*into[j] = n
			}
		}
	}
	if !ok {
		c.fail("has %s %s, want [[top, bottom], [left, right]]", key, brief(v))
	}
	return m
}

func marginConfig(m layers.Margin) [][]int {
	return [][]int{{m.Top, m.Bottom}, {m.Left, m.Right}}
}
