package checkpoint

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/meseta-go/meseta/layers"
)

// encodeJSON encodes v on one line, keys sorted, without escaping HTML.
func encodeJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}

// config is a JSON object that is being read. Every key must be read by someone:
// what is left at the end and says more than null or false asks for something
// that we do not do. The first error is kept, and reading goes on with zeros.
type config struct {
	what   string // for errors: "layer conv2d_1"
	values map[string]any
	err    error
}

func newConfig(what string, v any) *config {
	c := &config{what: what, values: map[string]any{}}
	object, ok := v.(map[string]any)
	if !ok {
		c.fail("is %s, want an object", brief(v))
		return c
	}
	for key, value := range object {
		c.values[key] = value
	}
	return c
}

func (c *config) fail(format string, args ...any) {
	if c.err == nil {
		c.err = fmt.Errorf("%s %s", c.what, fmt.Sprintf(format, args...))
	}
}

// brief is a value as an error shows it.
func brief(v any) string {
	b, err := encodeJSON(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	if len(b) > 60 {
		return string(b[:60]) + "…"
	}
	return string(b)
}

// take reads a key; nil where it is missing.
func (c *config) take(key string) any {
	v := c.values[key]
	delete(c.values, key)
	return v
}

// ignore reads keys that make no difference.
func (c *config) ignore(keys ...string) {
	for _, key := range keys {
		delete(c.values, key)
	}
}

// only reads a key of which we do one value only, or its absence.
func (c *config) only(key string, allowed ...any) {
	v := c.take(key)
	if v == nil {
		return
	}
	for _, a := range allowed {
		if brief(v) == brief(a) {
			return
		}
	}
	c.fail("has %s %s, only %s is supported", key, brief(v), brief(allowed[0]))
}

// end reports the first error, or a key that nobody read.
func (c *config) end() error {
	var left []string
	for key, v := range c.values {
		if v != nil && v != false {
			left = append(left, key)
		}
	}
	if len(left) > 0 {
		slices.Sort(left)
		c.fail("has %s %s, which is not supported", left[0], brief(c.values[left[0]]))
	}
	return c.err
}

func (c *config) text(key, missing string) string {
	switch v := c.take(key).(type) {
	case nil:
		return missing
	case string:
		return v
	default:
		c.fail("has %s %s, want a string", key, brief(v))
		return missing
	}
}

func (c *config) number(key string, missing float64) float64 {
	switch v := c.take(key).(type) {
	case nil:
		return missing
	case float64:
		return v
	default:
		c.fail("has %s %s, want a number", key, brief(v))
		return missing
	}
}

// flag reads true or false; null is false, as Python takes it.
func (c *config) flag(key string, missing bool) bool {
	if _, ok := c.values[key]; !ok {
		return missing
	}
	switch v := c.take(key).(type) {
	case nil:
		return false
	case bool:
		return v
	default:
		c.fail("has %s %s, want true or false", key, brief(v))
		return missing
	}
}

func (c *config) integer(key string) int {
	v := c.take(key)
	n, ok := toInt(v)
	if !ok {
		c.fail("has %s %s, want an integer", key, brief(v))
	}
	return n
}

func toInt(v any) (int, bool) {
	f, ok := v.(float64)
	return int(f), ok && f == math.Trunc(f) && math.Abs(f) < 1<<40
}

// names reads a list of strings.
func (c *config) names(key string, missing []string) []string {
	v := c.take(key)
	if v == nil {
		return missing
	}
	list, ok := v.([]any)
	var names []string
	for _, x := range list {
		name, isName := x.(string)
		names, ok = append(names, name), ok && isName
	}
	if !ok {
		c.fail("has %s %s, want a list of strings", key, brief(v))
	}
	return names
}

// zeroMeans says whether 0 is a number like others. Elsewhere it would be taken for what was left out.
func zeroMeans(key string) bool { return key == "output_padding" }

// size reads a height and width: one number for both, or a list of two.
func (c *config) size(key string, missing layers.Size) layers.Size {
	v := c.take(key)
	switch v := v.(type) {
	case nil:
		return missing
	case float64:
		if n, ok := toInt(v); ok && (n != 0 || zeroMeans(key)) {
			return layers.Square(n)
		}
	case []any:
		if len(v) == 2 {
			h, ok := toInt(v[0])
			w, ok2 := toInt(v[1])
			if ok && ok2 && (h != 0 && w != 0 || zeroMeans(key)) {
				return layers.Size{h, w}
			}
		}
	}
	c.fail("has %s %s, want two integers, or one for both", key, brief(v))
	return missing
}

// activation reads an activation: its name, or a function's configuration.
func (c *config) activation(key string) layers.ActivationName {
	v := c.take(key)
	if object, ok := v.(map[string]any); ok && object["class_name"] == "function" {
		v = object["config"]
	}
	if v == nil {
		return layers.Linear
	}
	name, ok := v.(string)
	if !ok {
		c.fail("has activation %s, want one of %q", brief(v), layers.Activations)
		return layers.Linear
	}
	a, err := layers.ParseActivation(name)
	if err != nil {
		c.fail("has activation %q, there are %q", name, layers.Activations)
	}
	return a
}

func (c *config) padding(key string) layers.PaddingMode {
	name := c.text(key, "valid")
	p, err := layers.ParsePadding(name)
	if err != nil {
		c.fail("has padding %q, there are \"valid\" and \"same\"", name)
	}
	return p
}

func orEmpty(v any) any {
	if v == nil {
		return map[string]any{}
	}
	return v
}

// policy reads a layer's precision, which may be a name or a DTypePolicy.
func (c *config) policy() {
	v := c.take("dtype")
	if object, ok := v.(map[string]any); ok {
		if inner, ok := object["config"].(map[string]any); ok {
			v = inner["name"]
		}
	}
	if v != nil && v != "float32" {
		c.fail("has dtype %s, only \"float32\" is supported; its weights can be loaded with LoadWeights", brief(v))
	}
}

// rate is a learning rate from JSON. Keras widens a float32 to write it, so that
// 0.001 becomes 0.0010000000474974513; the short form is taken back.
func rate(x float64) float64 {
	if float64(float32(x)) != x {
		return x
	}
	short, err := strconv.ParseFloat(strconv.FormatFloat(x, 'g', -1, 32), 64)
	if err != nil {
		return x
	}
	return short
}
