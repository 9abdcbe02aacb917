package checkpoint

import "github.com/meseta-go/meseta/layers"

var noiseLayers = map[string]codec{
	"Dropout": of(func(c *config, name string) *layers.Dropout {
		c.ignore("seed") // random numbers follow from the run's seed here
		return &layers.Dropout{Name: name, Rate: c.number("rate", 0)}
	}, func(l *layers.Dropout, values map[string]any) {
		set(values, "rate", l.Rate, "seed", nil, "noise_shape", nil)
	}),
}
