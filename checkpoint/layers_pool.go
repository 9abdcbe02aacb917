package checkpoint

import "github.com/meseta-go/meseta/layers"

var poolLayers = map[string]codec{
	"MaxPooling2D": of(func(c *config, name string) *layers.MaxPooling2D {
		c.only("data_format", "channels_last")
		pool := c.size("pool_size", layers.Square(2))
		return &layers.MaxPooling2D{Name: name, PoolSize: pool, Strides: c.size("strides", pool), Padding: c.padding("padding")}
	}, func(l *layers.MaxPooling2D, values map[string]any) {
		pool, strides := l.Window()
		set(values, "pool_size", pool, "strides", strides, "padding", l.Padding.String(), "data_format", "channels_last")
	}),
	"GlobalAveragePooling2D": of(func(c *config, name string) *layers.GlobalAveragePooling2D {
		c.only("data_format", "channels_last")
		return &layers.GlobalAveragePooling2D{Name: name}
	}, func(_ *layers.GlobalAveragePooling2D, values map[string]any) {
		set(values, "data_format", "channels_last", "keepdims", false)
	}),
}
