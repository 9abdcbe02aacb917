package checkpoint

import (
	"strings"

	"github.com/meseta-go/meseta/layers"
)

// initializer reads an initializer; one that is usual comes back as nil.
func (c *config) initializer(key string, usual layers.Initializer) layers.Initializer {
	if c.values[key] == nil {
		c.ignore(key)
		return nil
	}
	class, in := c.named(key)
	if in == nil {
		return nil
	}
	in.ignore("seed", "dtype")                                          // random numbers follow from the run's seed here
	read, ok := initializers[strings.TrimSuffix(class, "_initializer")] // earlier Keras 3 wrote OrthogonalInitializer, IdentityInitializer
	if !ok {
		c.fail("has %s %s, which is not supported", key, class)
		return nil
	}
	i := read(in)
	c.close(in)
	if i == usual {
		return nil
	}
	return i
}

// initializers reads each class of initializers, by Keras's name in snake case.
var initializers = map[string]func(in *config) layers.Initializer{
	"zeros":          func(*config) layers.Initializer { return layers.Zeros{} },
	"ones":           func(*config) layers.Initializer { return layers.Ones{} },
	"constant":       func(in *config) layers.Initializer { return layers.Constant{Value: in.number("value", 0)} },
	"identity":       func(*config) layers.Initializer { return layers.Identity{} },
	"glorot_uniform": func(*config) layers.Initializer { return layers.GlorotUniform{} },
	"glorot_normal":  func(*config) layers.Initializer { return layers.GlorotNormal{} },
	"he_uniform":     func(*config) layers.Initializer { return layers.HeUniform{} },
	"he_normal":      func(*config) layers.Initializer { return layers.HeNormal{} },
	"lecun_uniform":  func(*config) layers.Initializer { return layers.LecunUniform{} },
	"lecun_normal":   func(*config) layers.Initializer { return layers.LecunNormal{} },
	"random_normal": func(in *config) layers.Initializer {
		return layers.RandomNormal{Mean: in.number("mean", 0), Stddev: in.number("stddev", 0.05)}
	},
	"truncated_normal": func(in *config) layers.Initializer {
		return layers.TruncatedNormal{Mean: in.number("mean", 0), Stddev: in.number("stddev", 0.05)}
	},
	"random_uniform": func(in *config) layers.Initializer {
		return layers.RandomUniform{MinVal: in.number("minval", -0.05), MaxVal: in.number("maxval", 0.05)}
	},
	"orthogonal": func(in *config) layers.Initializer { return layers.Orthogonal{Gain: in.number("gain", 1)} },
	"variance_scaling": func(in *config) layers.Initializer {
		distribution := strings.ToLower(in.text("distribution", "truncated_normal"))
		if distribution == "normal" {
			distribution = "truncated_normal"
		}
		return layers.VarianceScaling{Scale: in.number("scale", 1), Mode: in.text("mode", "fan_in"), Distribution: distribution}
	},
}

func initializerConfig(i, usual layers.Initializer) map[string]any {
	if i == nil {
		i = usual
	}
	values := map[string]any{"seed": nil}
	switch i := i.(type) {
	case layers.Zeros, layers.Ones, layers.Identity:
		delete(values, "seed")
	case layers.Constant:
		values = map[string]any{"value": i.Value}
	case layers.RandomNormal:
		set(values, "mean", i.Mean, "stddev", i.Stddev)
	case layers.TruncatedNormal:
		set(values, "mean", i.Mean, "stddev", i.Stddev)
	case layers.RandomUniform:
		set(values, "minval", i.MinVal, "maxval", i.MaxVal)
	case layers.Orthogonal:
		values["gain"] = i.Gain
	case layers.VarianceScaling:
		set(values, "scale", i.Scale, "mode", textOr(i.Mode, "fan_in"), "distribution", textOr(i.Distribution, "truncated_normal"))
	}
	return keras(i.ClassName(), "keras.initializers", values)
}

func textOr(s, empty string) string {
	if s == "" {
		return empty
	}
	return s
}
