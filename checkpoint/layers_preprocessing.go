package checkpoint

import "github.com/meseta-go/meseta/layers"

var preprocessingLayers = map[string]codec{
	"Rescaling": of(func(c *config, name string) *layers.Rescaling {
		l := &layers.Rescaling{Name: name}
		l.Scale, l.Scales = c.numbers("scale", 1)
		l.Offset, l.Offsets = c.numbers("offset", 0)
		return l
	}, func(l *layers.Rescaling, values map[string]any) {
		set(values, "scale", oneOrList(l.Scale, l.Scales), "offset", oneOrList(l.Offset, l.Offsets))
	}),
	"Normalization": of(func(c *config, name string) *layers.Normalization {
		l := &layers.Normalization{Name: name, Invert: c.flag("invert", false)}
		if _, ok := c.values["axis"]; ok {
			l.Axis = c.integers("axis", []int{}) // null is none, as an empty list is
		}
		l.Mean, l.Variance = c.given("mean"), c.given("variance")
		return l
	}, func(l *layers.Normalization, values map[string]any) {
		axis := l.Axis
		if axis == nil {
			axis = []int{-1}
		}
		set(values, "axis", axis, "invert", l.Invert, "mean", given(l.Mean), "variance", given(l.Variance))
	}),
	"Resizing": of(func(c *config, name string) *layers.Resizing {
		c.only("data_format", "channels_last")
		c.only("fill_mode", "constant")
		c.only("fill_value", 0)
		return &layers.Resizing{
			Name: name, Height: c.integer("height"), Width: c.integer("width"), Interpolation: layers.Interpolation(c.text("interpolation", "bilinear")),
			CropToAspectRatio: c.flag("crop_to_aspect_ratio", false), PadToAspectRatio: c.flag("pad_to_aspect_ratio", false),
		}
	}, func(l *layers.Resizing, values map[string]any) {
		set(values, "height", l.Height, "width", l.Width, "interpolation", l.Method(), "data_format", "channels_last", "antialias", false,
			"crop_to_aspect_ratio", l.CropToAspectRatio, "pad_to_aspect_ratio", l.PadToAspectRatio, "fill_mode", "constant", "fill_value", 0.0)
	}),
	"CenterCrop": of(func(c *config, name string) *layers.CenterCrop {
		c.only("data_format", "channels_last")
		return &layers.CenterCrop{Name: name, Height: c.integer("height"), Width: c.integer("width")}
	}, func(l *layers.CenterCrop, values map[string]any) {
		set(values, "height", l.Height, "width", l.Width, "data_format", "channels_last")
	}),
	"UpSampling2D": of(func(c *config, name string) *layers.UpSampling2D {
		c.only("data_format", "channels_last")
		return &layers.UpSampling2D{Name: name, Size: c.size("size", layers.Square(2)), Interpolation: layers.Interpolation(c.text("interpolation", "nearest"))}
	}, func(l *layers.UpSampling2D, values map[string]any) {
		size, interpolation := l.Settings()
		set(values, "size", size, "interpolation", interpolation, "data_format", "channels_last")
	}),
	"UpSampling1D": of(func(c *config, name string) *layers.UpSampling1D {
		return &layers.UpSampling1D{Name: name, Size: c.one("size", 2)}
	}, func(l *layers.UpSampling1D, values map[string]any) { set(values, "size", l.Factor()) }),
}

// numbers reads a number, or a list of them, which may be an array of NumPy.
func (c *config) numbers(key string, missing float64) (one float64, list []float64) {
	v := c.take(key)
	if array, ok := v.(map[string]any); ok && array["class_name"] == "__numpy__" {
		inner, _ := array["config"].(map[string]any)
		v = inner["value"]
	}
	if v == nil {
		return missing, nil
	}
	if number, ok := v.(float64); ok {
		return number, nil
	}
	elements, ok := v.([]any)
	ok = ok && len(elements) > 0
	for _, e := range elements {
		number, isNumber := e.(float64)
		ok = ok && isNumber
		list = append(list, number)
	}
	if !ok {
		c.fail("has %s %s, want a number or a list of numbers", key, brief(v))
		return missing, nil
	}
	return 0, list
}

// given reads a number or a list of them as a list; nil where there is none.
func (c *config) given(key string) []float64 {
	if c.values[key] == nil {
		c.ignore(key)
		return nil
	}
	one, list := c.numbers(key, 0)
	if list == nil {
		return []float64{one}
	}
	return list
}

func oneOrList(one float64, list []float64) any {
	if list != nil {
		return list
	}
	return one
}

// given is what Keras makes of the list: a number alone stands without brackets, nothing is null.
func given(list []float64) any {
	switch len(list) {
	case 0:
		return nil
	case 1:
		return list[0]
	}
	return list
}
