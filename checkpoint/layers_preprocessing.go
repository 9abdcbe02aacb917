package checkpoint

import "github.com/meseta-go/meseta/layers"

var preprocessingLayers = map[string]codec{
	"Rescaling": of(func(c *config, name string) *layers.Rescaling {
		return &layers.Rescaling{Name: name, Scale: c.number("scale", 1), Offset: c.number("offset", 0)}
	}, func(l *layers.Rescaling, values map[string]any) {
		set(values, "scale", l.Scale, "offset", l.Offset)
	}),
}
