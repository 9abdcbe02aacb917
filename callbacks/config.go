package callbacks

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/meseta-go/meseta/schedules"
)

// List is a list of callbacks that can stand in a YAML (so JSON) configuration: a mapping from snake_case names to Keras's
// arguments, or, where a name occurs twice, a list of such mappings.
//
//	early_stopping: {monitor: val_loss, patience: 3, restore_best_weights: true}
//	learning_rate_scheduler: {schedule: {exponential: {decay_rate: 0.5, decay_epochs: 2}}}
//
// Arguments left out have Keras's defaults. An unknown name or argument is an error that lists the valid ones.
type List []Callback

// parameter is one argument: its name in configurations, and a pointer to the field.
type parameter struct {
	name  string
	field any
}

// configured is a callback that has a configuration form.
type configured interface{ parameters() []parameter }

// kinds are the callbacks that a configuration can name, each with its defaults.
var kinds = []struct {
	name string
	make func() Callback
}{
	{"csv_logger", func() Callback { return &CSVLogger{} }},
	{"curves", func() Callback { return NewCurves() }},
	{"early_stopping", func() Callback { return NewEarlyStopping() }},
	{"history", func() Callback { return newHistory() }},
	{"journal", func() Callback { return NewJournal() }},
	{"learning_rate_scheduler", func() Callback { return &LearningRateScheduler{} }},
	{"model_checkpoint", func() Callback { return NewModelCheckpoint("") }},
	{"progress_bar", func() Callback { return &ProgressBar{} }},
	{"reduce_lr_on_plateau", func() Callback { return NewReduceLROnPlateau() }},
	{"remote_monitor", func() Callback { return NewRemoteMonitor() }},
	{"report", func() Callback { return NewReport() }},
	{"swap_ema_weights", func() Callback { return &SwapEMAWeights{} }},
	{"tensorboard", func() Callback { return NewTensorBoard() }},
	{"terminate_on_nan", func() Callback { return &TerminateOnNaN{} }},
	{"throughput", func() Callback { return NewThroughput() }},
	{"timer", func() Callback { return &Timer{} }},
	{"warm_up", func() Callback { return &WarmUp{} }},
}

// Decode reads the callbacks of a configuration: the YAML that stands under the key callbacks.
func Decode(text []byte) (List, error) {
	var list List
	if err := yaml.Unmarshal(text, &list); err != nil {
		return nil, fmt.Errorf("callbacks: configuration: %w", err)
	}
	return list, nil
}

// UnmarshalYAML makes the callbacks that the configuration names, in place of those that the list had.
func (l *List) UnmarshalYAML(unmarshal func(any) error) error {
	var value any
	if err := unmarshal(&value); err != nil {
		return err
	}
	list := List{}
	switch value := value.(type) {
	case nil:
	case map[string]any:
		if err := list.addAll(value); err != nil {
			return err
		}
	case []any:
		for i, item := range value {
			switch item := item.(type) {
			case string: // a bare name has its defaults
				if err := list.addAll(map[string]any{item: nil}); err != nil {
					return err
				}
			case map[string]any:
				if err := list.addAll(item); err != nil {
					return err
				}
			default:
				return fmt.Errorf("callbacks: number %d of the list is %s; expected {name: {argument: value}}", i+1, describe(item))
			}
		}
	default:
		return fmt.Errorf("callbacks: the configuration is %s; expected {name: {argument: value}} or a list of them", describe(value))
	}
	*l = list
	return nil
}

// Names lists the callbacks that a configuration can name, in alphabetical order.
func Names() []string {
	var names []string
	for _, kind := range kinds {
		names = append(names, kind.name)
	}
	return names
}

func (l *List) addAll(entries map[string]any) error {
	for _, name := range slices.Sorted(maps.Keys(entries)) {
		var callback Callback
		for _, kind := range kinds {
			if kind.name == name {
				callback = kind.make()
			}
		}
		if callback == nil {
			return fmt.Errorf("callbacks: there is no callback %q; the callbacks are %s", name, strings.Join(Names(), ", "))
		}
		if err := decodeParameters("callbacks: "+name, entries[name], callback.(configured).parameters()); err != nil {
			return err
		}
		*l = append(*l, callback)
	}
	return nil
}

// decodeParameters sets the fields from a mapping of arguments; nil sets none.
func decodeParameters(who string, value any, parameters []parameter) error {
	if value == nil {
		return nil
	}
	arguments, ok := value.(map[string]any)
	if !ok {
		return fmt.Errorf("%s: it is %s; expected {argument: value}", who, describe(value))
	}
	for _, name := range slices.Sorted(maps.Keys(arguments)) {
		i := slices.IndexFunc(parameters, func(p parameter) bool { return p.name == name })
		if i < 0 {
			var names []string
			for _, p := range parameters {
				names = append(names, p.name)
			}
			if names == nil {
				return fmt.Errorf("%s: there is no argument %q; it takes none", who, name)
			}
			return fmt.Errorf("%s: there is no argument %q; the arguments are %s", who, name, strings.Join(names, ", "))
		}
		if err := set(parameters[i].field, arguments[name]); err != nil {
			return fmt.Errorf("%s: %s %w", who, name, err)
		}
	}
	return nil
}

// set decodes one argument into the field that it points to.
func set(field, value any) error {
	switch field := field.(type) {
	case *string:
		text, ok := value.(string)
		if !ok {
			return wants("a string", value)
		}
		*field = text
	case *bool:
		truth, ok := value.(bool)
		if !ok {
			return wants("true or false", value)
		}
		*field = truth
	case *int:
		n, ok := wholeNumber(value)
		if !ok {
			return wants("a whole number", value)
		}
		*field = n
	case *float64:
		x, ok := number(value)
		if !ok {
			return wants("a number", value)
		}
		*field = x
	case **float64:
		if value == nil {
			*field = nil
			return nil
		}
		x, ok := number(value)
		if !ok {
			return wants("a number or null", value)
		}
		*field = &x
	case *negated:
		truth, ok := value.(bool)
		if !ok {
			return wants("true or false", value)
		}
		*field = negated(!truth)
	case *Mode:
		return setNamed(field, value, modeNames[:], "auto, min or max")
	case *NaNPolicy:
		return setNamed(field, value, nanPolicyNames[:], "stop, skip or roll_back")
	case *ThresholdMode:
		return setNamed(field, value, thresholdModeNames[:], "abs or rel")
	case *SaveFreq:
		if value == "epoch" {
			*field = EveryEpoch
			return nil
		}
		n, ok := wholeNumber(value)
		if !ok || n <= 0 {
			return wants("epoch or a positive number of updates", value)
		}
		*field = SaveFreq(n)
	case *UpdateFreq:
		switch value {
		case "epoch":
			*field = UpdateEveryEpoch
			return nil
		case "batch":
			*field = UpdateEveryBatch
			return nil
		}
		n, ok := wholeNumber(value)
		if !ok || n <= 0 {
			return wants("epoch, batch or a positive number of updates", value)
		}
		*field = UpdateFreq(n)
	case *time.Duration:
		if text, ok := value.(string); ok {
			if d, err := time.ParseDuration(text); err == nil {
				*field = d
				return nil
			}
		}
		seconds, ok := number(value)
		if !ok || math.Abs(seconds) > maxSeconds {
			return wants("a duration (90s, 1h30m) or a number of seconds", value)
		}
		*field = time.Duration(seconds * float64(time.Second))
	case *map[string]string:
		mapping, ok := value.(map[string]any)
		if !ok && value != nil {
			return wants("{name: text}", value)
		}
		*field = nil
		for name, text := range mapping {
			text, ok := text.(string)
			if !ok {
				return fmt.Errorf("%q %w", name, wants("a string", mapping[name]))
			}
			if *field == nil {
				*field = map[string]string{}
			}
			(*field)[name] = text
		}
	case *[]int:
		return setList(field, value, "whole numbers", wholeNumber)
	case *[]float64:
		return setList(field, value, "numbers", number)
	case *schedules.Shape:
		name, _ := value.(string)
		shape, err := schedules.ParseShape(name)
		if err != nil {
			return wants("linear, exponential or cosine", value)
		}
		*field = shape
	case *scheduleField:
		return setSchedule(field, value)
	default:
		panic(fmt.Sprintf("callbacks: no configuration form for a %T", field))
	}
	return nil
}

// negated is a bool field whose argument says the opposite, so that a literal's zero is Keras's default.
type negated bool

// setNamed sets a field of an enumeration from the name of its value.
func setNamed[T ~uint8](field *T, value any, names []string, what string) error {
	name, _ := value.(string)
	i := slices.Index(names, name)
	if i < 0 {
		return wants(what, value)
	}
	*field = T(i)
	return nil
}

// maxSeconds is about as much as a time.Duration holds: 290 years.
const maxSeconds = 9.2e9

// setList decodes a list of numbers; an empty one, or null, is nil.
func setList[T any](field *[]T, value any, what string, decode func(any) (T, bool)) error {
	items, ok := value.([]any)
	if !ok && value != nil {
		return wants("a list of "+what, value)
	}
	var list []T
	for i, item := range items {
		x, ok := decode(item)
		if !ok {
			return fmt.Errorf("[%d] %w", i, wants("one of "+what, item))
		}
		list = append(list, x)
	}
	*field = list
	return nil
}

func wants(what string, value any) error {
	return fmt.Errorf("is %s; expected %s", describe(value), what)
}

// describe shows a configuration value in an error, cut short.
func describe(value any) string {
	switch value := value.(type) {
	case nil:
		return "null"
	case map[string]any:
		return "a mapping"
	case []any:
		return "a list"
	case string:
		return fmt.Sprintf("the string %.60q", value)
	default:
		return fmt.Sprint(value)
	}
}

func wholeNumber(value any) (int, bool) {
	switch value := value.(type) {
	case int:
		return value, true
	case int64:
		return int(value), int64(int(value)) == value
	case uint64:
		return int(value), value <= math.MaxInt
	}
	// 3.0 and 1e3, as programs write them
	x, ok := number(value)
	return int(x), ok && x == math.Trunc(x) && math.Abs(x) < 1<<53
}

func number(value any) (float64, bool) {
	switch value := value.(type) {
	case int:
		return float64(value), true
	case int64:
		return float64(value), true
	case uint64:
		return float64(value), true
	case float64:
		return value, true
	case string: // the YAML library takes 1e-4 for a string; in YAML 1.2 and in JSON it is a number
		if numberSyntax.MatchString(value) {
			x, err := strconv.ParseFloat(value, 64)
			return x, err == nil
		}
	}
	return 0, false
}

// numberSyntax is a float of YAML's core schema, written with an exponent.
var numberSyntax = regexp.MustCompile(`^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)[eE][-+]?[0-9]+$`)

// MarshalYAML returns the configuration with every argument, defaults included, in alphabetical order of the names. A callback of another package, or a
// schedule of one, has no configuration form, which is an error.
func (l List) MarshalYAML() (any, error) {
	entries := make([]yaml.MapSlice, 0, len(l))
	var names []string
	sorted := slices.SortedStableFunc(slices.Values(l), func(a, b Callback) int { return strings.Compare(a.Name(), b.Name()) })
	for _, callback := range sorted {
		c, ok := callback.(configured)
		if !ok {
			return nil, fmt.Errorf("callbacks: %s (%T) has no configuration form; keep it in the program", callback.Name(), callback)
		}
		arguments, err := encodeParameters(c.parameters())
		if err != nil {
			return nil, fmt.Errorf("callbacks: %s: %w", callback.Name(), err)
		}
		entries = append(entries, yaml.MapSlice{{Key: callback.Name(), Value: arguments}})
		names = append(names, callback.Name())
	}
	if len(slices.Compact(names)) < len(entries) {
		return entries, nil
	}
	return slices.Concat(entries...), nil
}

func encodeParameters(parameters []parameter) (yaml.MapSlice, error) {
	arguments := yaml.MapSlice{}
	for _, p := range parameters {
		value, err := get(p.field)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.name, err)
		}
		arguments = append(arguments, yaml.MapItem{Key: p.name, Value: value})
	}
	return arguments, nil
}

// get is the configuration form of a field.
func get(field any) (any, error) {
	switch field := field.(type) {
	case *string:
		return configText(*field), nil
	case *bool:
		return *field, nil
	case *int:
		return *field, nil
	case *float64:
		return *field, nil
	case **float64:
		if *field == nil {
			return nil, nil
		}
		return **field, nil
	case *negated:
		return !bool(*field), nil
	case *Mode:
		return field.String(), nil
	case *NaNPolicy:
		return field.String(), nil
	case *ThresholdMode:
		return field.String(), nil
	case *SaveFreq:
		if *field == EveryEpoch {
			return "epoch", nil
		}
		return int(*field), nil
	case *UpdateFreq:
		if *field == UpdateEveryEpoch {
			return "epoch", nil
		}
		return int(*field), nil
	case *time.Duration:
		return configText(field.String()), nil
	case *map[string]string:
		mapping := yaml.MapSlice{}
		for _, name := range slices.Sorted(maps.Keys(*field)) {
			mapping = append(mapping, yaml.MapItem{Key: name, Value: configText((*field)[name])})
		}
		return mapping, nil
	case *[]int:
		return *field, nil
	case *[]float64:
		return *field, nil
	case *schedules.Shape:
		return field.String(), nil
	case *scheduleField:
		return getSchedule(*field)
	default:
		panic(fmt.Sprintf("callbacks: no configuration form for a %T", field))
	}
}

// configText is a string that is written between quotes where YAML could take it for something else: the YAML library
// leaves some as they are.
type configText string

var plainText = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_./]*$`)

// MarshalYAML writes a JSON string, which YAML reads, or the bare text.
func (c configText) MarshalYAML() ([]byte, error) {
	switch strings.ToLower(string(c)) {
	case "true", "false", "null", "yes", "no", "on", "off", "y", "n":
	default:
		if plainText.MatchString(string(c)) {
			return []byte(c), nil
		}
	}
	return json.Marshal(string(c))
}

// settingsJSON is a callback's settings for the journal and for the manager's order. What has no configuration form shows
// its type.
func settingsJSON(callback Callback) ([]byte, error) {
	arguments := map[string]any{}
	if c, ok := callback.(configured); ok {
		for _, p := range c.parameters() {
			value, err := get(p.field)
			if err != nil {
				value = fmt.Sprintf("%T", *p.field.(*scheduleField))
			}
			arguments[p.name] = plain(value)
			if headers, ok := p.field.(*map[string]string); ok { // values may be secret
				arguments[p.name] = slices.Sorted(maps.Keys(*headers))
			}
		}
	} else {
		arguments["type"] = fmt.Sprintf("%T", callback)
	}
	text, err := json.Marshal(arguments)
	if err != nil {
		return nil, fmt.Errorf("callbacks: settings of %s: %w", callback.Name(), err)
	}
	return text, nil
}

// plain turns ordered YAML mappings into maps, which JSON writes in alphabetical order.
func plain(value any) any {
	mapping, ok := value.(yaml.MapSlice)
	if !ok {
		return value
	}
	out := map[string]any{}
	for _, item := range mapping {
		out[fmt.Sprint(item.Key)] = plain(item.Value)
	}
	return out
}
