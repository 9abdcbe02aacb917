package checkpoint

import "github.com/meseta-go/meseta/layers"

var noiseLayers = map[string]codec{
	"Dropout": of(func(c *config, name string) *layers.Dropout {
		return &layers.Dropout{Name: name, Rate: c.rate(), NoiseShape: c.noiseShape()}
	}, func(l *layers.Dropout, values map[string]any) {
		set(values, "rate", l.Rate, "seed", nil, "noise_shape", nil)
		if l.NoiseShape != nil {
			values["noise_shape"] = withBatch(l.NoiseShape)
		}
	}),
	"SpatialDropout2D": of(func(c *config, name string) *layers.SpatialDropout2D {
		c.only("data_format", "channels_last")
		return &layers.SpatialDropout2D{Name: name, Rate: c.rate()}
	}, func(l *layers.SpatialDropout2D, values map[string]any) {
		setSpatial(values, l.Rate)
		set(values, "data_format", "channels_last")
	}),
	"SpatialDropout1D": of(func(c *config, name string) *layers.SpatialDropout1D {
		return &layers.SpatialDropout1D{Name: name, Rate: c.rate()}
	}, func(l *layers.SpatialDropout1D, values map[string]any) { setSpatial(values, l.Rate) }),
	"GaussianNoise": of(func(c *config, name string) *layers.GaussianNoise {
		c.ignore("seed")
		return &layers.GaussianNoise{Name: name, Stddev: c.number("stddev", 0)}
	}, func(l *layers.GaussianNoise, values map[string]any) { set(values, "stddev", l.Stddev, "seed", nil) }),
	"GaussianDropout": of(func(c *config, name string) *layers.GaussianDropout {
		return &layers.GaussianDropout{Name: name, Rate: c.rate()}
	}, func(l *layers.GaussianDropout, values map[string]any) { set(values, "rate", l.Rate, "seed", nil) }),
	"AlphaDropout": of(func(c *config, name string) *layers.AlphaDropout {
		return &layers.AlphaDropout{Name: name, Rate: c.rate()}
	}, func(l *layers.AlphaDropout, values map[string]any) {
		set(values, "rate", l.Rate, "seed", nil, "noise_shape", nil)
	}),
}

// rate reads how much is dropped. Seeds say nothing: random numbers follow from the run's seed here.
func (c *config) rate() float64 {
	c.ignore("seed")
	return c.number("rate", 0)
}

// noiseShape reads the shape of what a dropout draws, whose first dimension is open; nil where there is none.
func (c *config) noiseShape() layers.Shape {
	v := c.take("noise_shape")
	if v == nil {
		return nil
	}
	shape, err := batchShape(v)
	if err != nil {
		c.fail("has noise_shape %v", err)
	}
	return shape
}

// setSpatial adds what Keras writes of a spatial dropout: the name of a type for its policy, and nothing of training.
func setSpatial(values map[string]any, rate float64) {
	delete(values, "trainable")
	set(values, "rate", rate, "seed", nil, "dtype", "float32")
}
