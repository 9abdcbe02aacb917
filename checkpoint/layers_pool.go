package checkpoint

import "github.com/meseta-go/meseta/layers"

var poolLayers = map[string]codec{
	"MaxPooling2D": of(func(c *config, name string) *layers.MaxPooling2D {
		pool, strides, padding := c.pooling()
		return &layers.MaxPooling2D{Name: name, PoolSize: pool, Strides: strides, Padding: padding}
	}, func(l *layers.MaxPooling2D, values map[string]any) {
		pool, strides := l.Window()
		setPooling(values, pool, strides, l.Padding)
	}),
	"AveragePooling2D": of(func(c *config, name string) *layers.AveragePooling2D {
		pool, strides, padding := c.pooling()
		return &layers.AveragePooling2D{Name: name, PoolSize: pool, Strides: strides, Padding: padding}
	}, func(l *layers.AveragePooling2D, values map[string]any) {
		pool, strides := l.Window()
		setPooling(values, pool, strides, l.Padding)
	}),
	"MaxPooling1D": of(func(c *config, name string) *layers.MaxPooling1D {
		pool, strides, padding := c.pooling1D()
		return &layers.MaxPooling1D{Name: name, PoolSize: pool, Strides: strides, Padding: padding}
	}, func(l *layers.MaxPooling1D, values map[string]any) {
		pool, strides := l.Window()
		setPooling(values, []int{pool}, []int{strides}, l.Padding)
	}),
	"AveragePooling1D": of(func(c *config, name string) *layers.AveragePooling1D {
		pool, strides, padding := c.pooling1D()
		return &layers.AveragePooling1D{Name: name, PoolSize: pool, Strides: strides, Padding: padding}
	}, func(l *layers.AveragePooling1D, values map[string]any) {
		pool, strides := l.Window()
		setPooling(values, []int{pool}, []int{strides}, l.Padding)
	}),
	"GlobalAveragePooling2D": of(func(c *config, name string) *layers.GlobalAveragePooling2D {
		return &layers.GlobalAveragePooling2D{Name: name, KeepDims: c.keepDims()}
	}, func(l *layers.GlobalAveragePooling2D, values map[string]any) { setKeepDims(values, l.KeepDims) }),
	"GlobalMaxPooling2D": of(func(c *config, name string) *layers.GlobalMaxPooling2D {
		return &layers.GlobalMaxPooling2D{Name: name, KeepDims: c.keepDims()}
	}, func(l *layers.GlobalMaxPooling2D, values map[string]any) { setKeepDims(values, l.KeepDims) }),
	"GlobalAveragePooling1D": of(func(c *config, name string) *layers.GlobalAveragePooling1D {
		return &layers.GlobalAveragePooling1D{Name: name, KeepDims: c.keepDims()}
	}, func(l *layers.GlobalAveragePooling1D, values map[string]any) { setKeepDims(values, l.KeepDims) }),
	"GlobalMaxPooling1D": of(func(c *config, name string) *layers.GlobalMaxPooling1D {
		return &layers.GlobalMaxPooling1D{Name: name, KeepDims: c.keepDims()}
	}, func(l *layers.GlobalMaxPooling1D, values map[string]any) { setKeepDims(values, l.KeepDims) }),
}

func (c *config) pooling() (pool, strides layers.Size, padding layers.PaddingMode) {
	c.only("data_format", "channels_last")
	pool = c.size("pool_size", layers.Square(2))
	return pool, c.size("strides", pool), c.padding("padding")
}

func (c *config) pooling1D() (pool, strides int, padding layers.PaddingMode) {
	c.only("data_format", "channels_last")
	pool = c.one("pool_size", 2)
	return pool, c.one("strides", pool), c.padding("padding")
}

// one reads an integer that may stand in a list of one.
func (c *config) one(key string, missing int) int {
	v := c.take(key)
	if v == nil {
		return missing
	}
	only := v
	if list, ok := v.([]any); ok && len(list) == 1 {
		only = list[0]
	}
	n, ok := toInt(only)
	if !ok || n == 0 && !zeroMeans(key) {
		c.fail("has %s %s, want one integer", key, brief(v))
	}
	return n
}

func setPooling(values map[string]any, pool, strides any, padding layers.PaddingMode) {
	set(values, "pool_size", pool, "strides", strides, "padding", padding.String(), "data_format", "channels_last")
}

func (c *config) keepDims() bool {
	c.only("data_format", "channels_last")
	return c.flag("keepdims", false)
}

func setKeepDims(values map[string]any, keep bool) {
	set(values, "data_format", "channels_last", "keepdims", keep)
}
