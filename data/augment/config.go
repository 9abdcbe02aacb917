package augment

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/meseta-go/meseta/internal/fields"
)

// argument is a field that configurations set: its name, and a pointer to it.
type argument struct {
	name  string
	field any
	// alone is the range that a single number stands for; nil for fields that are not ranges.
	alone func(float64) Range
}

// configured is an augmentation that has a configuration form.
type configured interface {
	Augmentation
	// arguments are the fields, the one first that may stand by itself: cutout: 8.
	arguments() []argument
}

// kinds are the augmentations that a configuration can name, each with its defaults.
var kinds = []func() configured{
	func() configured { return NewCutMix() },
	func() configured { return &Cutout{} },
	func() configured { return NewMixUp() },
	func() configured { return &PadAndCrop{} },
	func() configured { return NewRandAugment() },
	func() configured { return NewRandomApply() },
	func() configured { return &RandomBrightness{} },
	func() configured { return &RandomChoice{} },
	func() configured { return &RandomColorJitter{} },
	func() configured { return &RandomContrast{} },
	func() configured { return NewRandomErasing() },
	func() configured { return &RandomFlip{} },
	func() configured { return &RandomHue{} },
	func() configured { return NewRandomResizedCrop() },
	func() configured { return &RandomRotation{} },
	func() configured { return &RandomSaturation{} },
	func() configured { return &RandomTranslation{} },
	func() configured { return &RandomZoom{} },
}

// Names lists the augmentations that configurations can name.
func Names() []string {
	names := make([]string, len(kinds))
	for i, kind := range kinds {
		names[i] = kind().Name()
	}
	return names
}

func upTo(x float64) Range { return Range{0, x} }

func (f *Fill) arguments(before ...argument) []argument {
	return append(before, argument{"fill_mode", &f.Mode, nil}, argument{"interpolation", &f.Interpolation, nil}, argument{"fill_value", &f.Value, nil})
}

// valueRange is the argument of that name. A number by itself is the value of white, where that of black is 0.
func valueRange(r *Range) argument { return argument{"value_range", r, upTo} }

func (a *CutMix) arguments() []argument { return []argument{{"alpha", &a.Alpha, nil}} }
func (a *Cutout) arguments() []argument {
	return []argument{{"size", &a.Size, nil}, {"fill_value", &a.FillValue, nil}}
}
func (a *MixUp) arguments() []argument { return []argument{{"alpha", &a.Alpha, nil}} }
func (a *PadAndCrop) arguments() []argument {
	return a.Fill.arguments(argument{"padding", &a.Padding, nil})
}
func (a *RandAugment) arguments() []argument {
	return a.Fill.arguments(argument{"magnitude", &a.Magnitude, nil}, argument{"num_ops", &a.NumOps, nil}, valueRange(&a.ValueRange))
}
func (a *RandomApply) arguments() []argument {
	return []argument{{"of", &a.Of, nil}, {"rate", &a.Rate, nil}}
}
func (a *RandomChoice) arguments() []argument { return []argument{{"of", &a.Of, nil}} }
func (a *RandomBrightness) arguments() []argument {
	return []argument{{"factor", &a.Factor, PlusMinus}, valueRange(&a.ValueRange)}
}
func (a *RandomColorJitter) arguments() []argument {
	return []argument{
		{"brightness_factor", &a.BrightnessFactor, PlusMinus}, {"contrast_factor", &a.ContrastFactor, Exactly},
		{"saturation_factor", &a.SaturationFactor, upTo}, {"hue_factor", &a.HueFactor, upTo}, valueRange(&a.ValueRange),
	}
}
func (a *RandomContrast) arguments() []argument {
	return []argument{{"factor", &a.Factor, Exactly}, valueRange(&a.ValueRange)}
}
func (a *RandomErasing) arguments() []argument {
	return []argument{{"factor", &a.Factor, upTo}, {"scale", &a.Scale, upTo}, {"fill_value", &a.FillValue, nil}, valueRange(&a.ValueRange)}
}
func (a *RandomFlip) arguments() []argument { return []argument{{"mode", &a.Mode, nil}} }
func (a *RandomHue) arguments() []argument {
	return []argument{{"factor", &a.Factor, upTo}, valueRange(&a.ValueRange)}
}
func (a *RandomResizedCrop) arguments() []argument {
	return []argument{{"scale", &a.Scale, Exactly}, {"ratio", &a.Ratio, Exactly}, {"interpolation", &a.Interpolation, nil}}
}
func (a *RandomRotation) arguments() []argument {
	return a.Fill.arguments(argument{"factor", &a.Factor, PlusMinus})
}
func (a *RandomSaturation) arguments() []argument {
	return []argument{{"factor", &a.Factor, upTo}, valueRange(&a.ValueRange)}
}
func (a *RandomTranslation) arguments() []argument {
	return a.Fill.arguments(argument{"height_factor", &a.HeightFactor, PlusMinus}, argument{"width_factor", &a.WidthFactor, PlusMinus})
}
func (a *RandomZoom) arguments() []argument {
	return a.Fill.arguments(argument{"height_factor", &a.HeightFactor, PlusMinus}, argument{"width_factor", &a.WidthFactor, PlusMinus})
}

// Decode reads a list of augmentations: the YAML that stands under the key augment.
func Decode(text []byte) (List, error) {
	var l List
	if err := yaml.Unmarshal(text, &l); err != nil {
		return nil, fmt.Errorf("augment: configuration: %w", err)
	}
	return l, nil
}

// UnmarshalYAML reads a list of {name: {argument: value}}, where a name may stand alone, and so may the first argument's value, and one of them without a list:
//
//	[{random_flip: horizontal}, {pad_and_crop: 4}, {random_rotation: {factor: 0.05, fill_mode: nearest}}, rand_augment]
//
// Arguments that are left out have the defaults of the New functions. A range is [low, high], or a number, which stands for what it does in Keras.
func (l *List) UnmarshalYAML(unmarshal func(any) error) error {
	var value any
	if err := unmarshal(&value); err != nil {
		return err
	}
	list, err := decode(value)
	if err == nil {
		*l = list
	}
	return err
}

// decode makes the list that a configuration names.
func decode(value any) (List, error) {
	items, ok := value.([]any)
	if !ok && value != nil {
		items = []any{value}
	}
	list := List{}
	for i, item := range items {
		name, value := "", any(nil)
		switch item := item.(type) {
		case string:
			name = item
		case map[string]any:
			for name, value = range item {
			}
			if len(item) != 1 {
				return nil, fmt.Errorf("augment: number %d of the list has %d names, %s; want a list item for each, as the order matters",
					i+1, len(item), strings.Join(slices.Sorted(maps.Keys(item)), ", "))
			}
		default:
			return nil, fmt.Errorf("augment: number %d of the list is %v, want {name: {argument: value}}", i+1, item)
		}
		a, err := one(name, value)
		if err != nil {
			return nil, err
		}
		list = append(list, a)
	}
	return list, nil
}

// one makes an augmentation of a name, with its arguments, or the value of the first one, or nil.
func one(name string, value any) (Augmentation, error) {
	same := func(a, b string) bool { return strings.ReplaceAll(a, "_", "") == strings.ReplaceAll(b, "_", "") } // mix_up is mixup
	i := slices.IndexFunc(kinds, func(kind func() configured) bool { return same(kind().Name(), name) })
	if i < 0 {
		return nil, fmt.Errorf("augment: there is no augmentation %q; there are %s", name, strings.Join(Names(), ", "))
	}
	a := kinds[i]()
	arguments := a.arguments()
	if value == nil {
		return a, nil
	}
	given, ok := value.(map[string]any)
	if !ok {
		given = map[string]any{arguments[0].name: value}
	}
	for _, key := range slices.Sorted(maps.Keys(given)) {
		i := slices.IndexFunc(arguments, func(a argument) bool { return a.name == key })
		if i < 0 {
			return nil, fmt.Errorf("augment: %s has no argument %q; it has %s", a.Name(), key, names(arguments))
		}
		if list, ok := arguments[i].field.(*List); ok {
			var err error
			if *list, err = decode(given[key]); err != nil {
				return nil, fmt.Errorf("%w (in %s)", err, a.Name())
			}
			continue
		}
		if want := arguments[i].set(given[key]); want != "" {
			return nil, fmt.Errorf("augment: %s: %s is %v, want %s", a.Name(), key, given[key], want)
		}
	}
	return a, nil
}

func names(arguments []argument) string {
	list := make([]string, len(arguments))
	for i, a := range arguments {
		list[i] = a.name
	}
	return strings.Join(list, ", ")
}

// set sets the field, or says what it wants.
func (a argument) set(value any) (want string) {
	switch field := a.field.(type) {
	case *int:
		x, ok := fields.Number(value)
		if !ok || x != math.Trunc(x) || math.Abs(x) > 1<<30 {
			return "a whole number"
		}
		*field = int(x)
	case *float64:
		x, ok := fields.Number(value)
		if !ok {
			return "a number"
		}
		*field = x
	case **float64:
		*field = nil
		if value == nil {
			return ""
		}
		x, ok := fields.Number(value)
		if !ok {
			return "a number or null"
		}
		*field = &x
	case *Range:
		r, ok := a.interval(value)
		if !ok {
			return "a number or [low, high]"
		}
		*field = r
	case **Range:
		*field = nil
		if value == nil {
			return ""
		}
		r, ok := a.interval(value)
		if !ok {
			return "a number, [low, high] or null"
		}
		*field = &r
	case *FillMode:
		return setText(field, value)
	case *Interpolation:
		return setText(field, value)
	case *FlipMode:
		return setText(field, value)
	default:
		panic(fmt.Sprintf("augment: no configuration form for a %T", field))
	}
	return ""
}

// setText sets a field whose values Check knows.
func setText[T ~string](field *T, value any) (want string) {
	text, ok := value.(string)
	if !ok {
		return "a name"
	}
	*field = T(text)
	return ""
}

// interval reads a range.
func (a argument) interval(value any) (Range, bool) {
	if x, ok := fields.Number(value); ok {
		return a.alone(x), true
	}
	ends, ok := value.([]any)
	if !ok || len(ends) != 2 {
		return Range{}, false
	}
	low, ok := fields.Number(ends[0])
	high, fine := fields.Number(ends[1])
	return Range{low, high}, ok && fine
}

// MarshalYAML gives the configuration form with every argument. An augmentation of another package has none, which is an error.
func (l List) MarshalYAML() (any, error) {
	items := make([]yaml.MapSlice, 0, len(l))
	for _, a := range l {
		c, ok := a.(configured)
		if !ok {
			return nil, fmt.Errorf("augment: %s (%T) has no configuration form; keep it in the program", a.Name(), a)
		}
		arguments := yaml.MapSlice{}
		for _, argument := range c.arguments() {
			if value, set := argument.value(); set {
				arguments = append(arguments, yaml.MapItem{Key: argument.name, Value: value})
			}
		}
		items = append(items, yaml.MapSlice{{Key: a.Name(), Value: arguments}})
	}
	return items, nil
}

// value is the field as configurations write it; set is false for one that has to be left out to mean what it does.
func (a argument) value() (value any, set bool) {
	switch field := a.field.(type) {
	case *List:
		return *field, true
	case *int:
		return *field, true
	case *float64:
		return *field, true
	case **float64:
		if *field == nil {
			return nil, true
		}
		return **field, true
	case *Range:
		return []float64{field.Low, field.High}, *field != Range{} || a.name != "value_range"
	case **Range:
		if *field == nil {
			return nil, true
		}
		return []float64{(*field).Low, (*field).High}, true
	case *FillMode:
		return string(*field), *field != ""
	case *Interpolation:
		return string(*field), *field != ""
	case *FlipMode:
		return string(*field), *field != ""
	default:
		panic(fmt.Sprintf("augment: no configuration form for a %T", field))
	}
}
