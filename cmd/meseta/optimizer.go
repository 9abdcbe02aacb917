package main

import (
	"fmt"

	"github.com/meseta-go/meseta/optimizers"
)

// optimizerChoice is an optimizer of a configuration: a name, or {name: {argument: value}} with Keras's arguments. Without a name it
// is the model's own.
type optimizerChoice struct {
	name      string
	arguments map[string]any
}

// UnmarshalYAML reads either form.
func (o *optimizerChoice) UnmarshalYAML(unmarshal func(any) error) error {
	var value any
	if err := unmarshal(&value); err != nil {
		return err
	}
	*o = optimizerChoice{}
	switch value := value.(type) {
	case nil:
		return nil
	case string:
		o.name = value
		return nil
	case map[string]any:
		if len(value) != 1 {
			break
		}
		for name, arguments := range value {
			o.name = name
			if arguments == nil {
				return nil
			}
			if m, ok := arguments.(map[string]any); ok {
				o.arguments = m
				return nil
			}
		}
	}
	return fmt.Errorf("optimizer is %v, want a name or {name: {argument: value}}", value)
}

// MarshalYAML writes the form that it was read from.
func (o optimizerChoice) MarshalYAML() (any, error) {
	if len(o.arguments) == 0 {
		return o.name, nil
	}
	return map[string]any{o.name: o.arguments}, nil
}

// make gives the optimizer; nil for the model's own.
func (o optimizerChoice) make() (optimizers.Optimizer, error) {
	if o.name == "" {
		return nil, nil
	}
	return optimizers.Configured(o.name, o.arguments)
}
