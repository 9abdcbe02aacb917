// Package fields gives and sets the fields of configurations under Keras's names, for losses and metrics, whose configurations are plain
// structs: FromLogits is from_logits; and it names the types of settings. It knows nothing of what they mean.
package fields

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// ErrArgument is wrapped by the errors of Set.
var ErrArgument = errors.New("bad argument")

// Keys lists the names of the fields of a struct.
func Keys(x any) []string {
	t := reflect.TypeOf(x)
	var keys []string
	for i := range t.NumField() {
		keys = append(keys, key(t.Field(i)))
	}
	return keys
}

func key(f reflect.StructField) string {
	var b strings.Builder
	for i, c := range f.Name {
		if unicode.IsUpper(c) && i > 0 && unicode.IsLower(rune(f.Name[i-1])) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(c))
	}
	return b.String()
}

// Map gives the fields of a struct, or of one that x points to, by name: bool, int, float64, string, []int, []float64, or nil for a slice or pointer that is nil.
func Map(x any) map[string]any {
	v := reflect.Indirect(reflect.ValueOf(x))
	m := map[string]any{}
	for i := range v.NumField() {
		f := v.Field(i)
		switch f.Kind() {
		case reflect.Pointer, reflect.Slice:
			if f.IsNil() {
				m[key(v.Type().Field(i))] = nil
				continue
			}
			f = reflect.Indirect(f)
		}
		m[key(v.Type().Field(i))] = f.Interface()
	}
	return m
}

// Set gives a copy of a struct with some of its fields set, from what YAML and JSON make of numbers, lists and so on. A number will do for a
// list of one, and nil is a field's zero value.
func Set[T any](x T, arguments map[string]any) (T, error) {
	v := reflect.New(reflect.TypeOf(x)).Elem()
	v.Set(reflect.ValueOf(x))
	keys := Keys(x)
	for _, name := range slices.Sorted(maps.Keys(arguments)) {
		i := slices.Index(keys, name)
		if i < 0 {
			has := "none"
			if len(keys) > 0 {
				has = strings.Join(keys, ", ")
			}
			return x, fmt.Errorf("there is no argument %q, there is %s: %w", name, has, ErrArgument)
		}
		if !set(v.Field(i), arguments[name]) {
			return x, fmt.Errorf("%s is %v, want %s: %w", name, arguments[name], Kind(v.Field(i).Type()), ErrArgument)
		}
	}
	return v.Interface().(T), nil
}

// Kind names the type of a setting for people.
func Kind(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.Int:
		return "a whole number"
	case reflect.Uint64:
		return "a whole number from 0 on"
	case reflect.Float64:
		return "a number"
	case reflect.String:
		return "a word"
	case reflect.Slice:
		return "a list, each " + Kind(t.Elem())
	case reflect.Pointer:
		return Kind(t.Elem()) + " or nothing"
	}
	return "something else"
}

// set says whether x is of the field's kind.
func set(f reflect.Value, x any) bool {
	if x == nil {
		f.SetZero()
		return true
	}
	switch f.Kind() {
	case reflect.Bool:
		b, ok := x.(bool)
		f.SetBool(b)
		return ok
	case reflect.String:
		s, ok := x.(string)
		f.SetString(s)
		return ok
	case reflect.Int:
		n, ok := Number(x)
		if ok = ok && n == float64(int(n)); ok {
			f.SetInt(int64(n))
		}
		return ok
	case reflect.Float64:
		n, ok := Number(x)
		f.SetFloat(n)
		return ok
	case reflect.Pointer:
		p := reflect.New(f.Type().Elem())
		ok := set(p.Elem(), x)
		f.Set(p)
		return ok
	}
	list, ok := x.([]any)
	if !ok {
		list = []any{x}
	}
	s := reflect.MakeSlice(f.Type(), len(list), len(list))
	for i, y := range list {
		if y == nil || !set(s.Index(i), y) {
			return false
		}
	}
	f.Set(s)
	return true
}

// Number takes what YAML and JSON make of numbers; the YAML library takes 1e-4 for a string.
func Number(x any) (float64, bool) {
	switch x := x.(type) {
	case float64:
		return x, true
	case int:
		return float64(x), true
	case int64:
		return float64(x), true
	case uint64:
		return float64(x), true
	case string:
		n, err := strconv.ParseFloat(x, 64)
		return n, err == nil && strings.ContainsAny(x, "eE") && !math.IsInf(n, 0)
	}
	return 0, false
}
