package callbacks

import (
	"reflect"
	"regexp"
	"strings"
	"sync"
)

// InConfiguration is an error of callbacks as those have to read it who wrote a configuration: with its names for callbacks, schedules and their arguments
// in place of Go's, save_weights_only for SaveWeightsOnly. What stands between quotes, and paths, stay as they are. The result wraps err.
func InConfiguration(err error) error {
	if err == nil {
		return nil
	}
	names := configuredNames()
	text := goWord.ReplaceAllStringFunc(err.Error(), func(word string) string {
		if name, ok := names[word]; ok {
			return name
		}
		if name, ok := names[strings.TrimSuffix(word, "s")]; ok { // two WarmUps
			return name + "s"
		}
		return word
	})
	return inConfiguration{text, err}
}

type inConfiguration struct {
	text string
	err  error
}

func (e inConfiguration) Error() string { return e.text }
func (e inConfiguration) Unwrap() error { return e.err }

// goWord is a word that may be one of Go's names, or what has to be passed over as a whole: a string between quotes, or a path.
var goWord = regexp.MustCompile(`"(?:\\.|[^"\\])*"|\S*/\S*|\b[A-Z]\w*`)

// configuredNames are the names of types and fields, and of the functions that make them, with those that configurations have for them.
var configuredNames = sync.OnceValue(func() map[string]string {
	names := map[string]string{}
	add := func(pointer any, name string, parameters []parameter) {
		v := reflect.ValueOf(pointer).Elem()
		names[v.Type().Name()], names["New"+v.Type().Name()] = name, name
		for _, field := range reflect.VisibleFields(v.Type()) {
			at := v.FieldByIndex(field.Index).Addr().Pointer()
			for _, p := range parameters {
				if !field.Anonymous && reflect.ValueOf(p.field).Pointer() == at {
					names[field.Name] = p.name
				}
			}
		}
	}
	for _, kind := range kinds {
		callback := kind.make()
		add(callback, kind.name, callback.(configured).parameters())
	}
	for _, kind := range scheduleKinds {
		form, _ := kind.open(nil)
		add(form.pointer, kind.name, form.parameters)
	}
	return names
})
