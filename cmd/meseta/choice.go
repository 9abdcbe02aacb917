package main

import (
	"bytes"
	"fmt"

	"github.com/goccy/go-yaml"
	"github.com/meseta-go/meseta/data"
	"github.com/meseta-go/meseta/losses"
	"github.com/meseta-go/meseta/metrics"
	"github.com/meseta-go/meseta/optimizers"
)

// choice is an optimizer, loss or metric of a configuration: a name, or {name: {argument: value}} with Keras's arguments.
type choice struct {
	name      string
	arguments map[string]any
}

// UnmarshalYAML reads either form.
func (o *choice) UnmarshalYAML(unmarshal func(any) error) error {
	var value any
	if err := unmarshal(&value); err != nil {
		return err
	}
	return o.set(value)
}

func (o *choice) set(value any) error {
	*o = choice{}
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
	return fmt.Errorf("%s: a name or {name: {argument: value}} is wanted", flow(value))
}

// flow writes a value of a configuration in one line.
func flow(value any) string {
	text, err := yaml.MarshalWithOptions(value, yaml.Flow(true))
	if err != nil {
		return fmt.Sprint(value)
	}
	return string(bytes.TrimSpace(text))
}

// choices are metrics of a configuration: a list, or one by itself, as in Keras.
type choices []choice

// UnmarshalYAML reads either form.
func (l *choices) UnmarshalYAML(unmarshal func(any) error) error {
	var value any
	if err := unmarshal(&value); err != nil {
		return err
	}
	items, ok := value.([]any)
	if !ok && value != nil {
		items = []any{value}
	}
	*l = make(choices, len(items))
	for i, item := range items {
		if err := (*l)[i].set(item); err != nil {
			return err
		}
	}
	return nil
}

// MarshalYAML writes the form that it was read from.
func (o choice) MarshalYAML() (any, error) {
	if len(o.arguments) == 0 {
		return o.name, nil
	}
	return map[string]any{o.name: o.arguments}, nil
}

// optimizer gives the optimizer; nil for the model's own.
func (o choice) optimizer() (optimizers.Optimizer, error) {
	if o.name == "" {
		return nil, nil
	}
	return optimizers.Configured(o.name, o.arguments)
}

// loss gives the loss; nil for the model's own.
func (o choice) loss() (losses.Loss, error) {
	if o.name == "" {
		return nil, nil
	}
	return losses.Configured(o.name, o.arguments)
}

// chosenMetrics gives the metrics; nil for none.
func chosenMetrics(list choices) ([]metrics.Metric, error) {
	if len(list) == 0 {
		return nil, nil
	}
	var chosen []metrics.Metric
	for _, o := range list {
		make := func() (metrics.Metric, error) { return metrics.New(o.name) }
		if o.arguments != nil {
			make = func() (metrics.Metric, error) { return metrics.Configured(o.name, o.arguments) }
		}
		m, err := make()
		if err != nil {
			return nil, err
		}
		chosen = append(chosen, m)
	}
	return chosen, nil
}

// classWeight is how much samples of a class count in the loss of training: {0: 1.0, 1: 5.0}, or balanced.
type classWeight struct {
	balanced bool
	weights  map[int]float64
}

const balanced = "balanced"

// UnmarshalYAML reads either form.
func (w *classWeight) UnmarshalYAML(unmarshal func(any) error) error {
	*w = classWeight{}
	var value any
	if err := unmarshal(&value); err != nil || value == nil {
		return err
	}
	if w.balanced = value == balanced; w.balanced {
		return nil
	}
	if err := unmarshal(&w.weights); err != nil {
		return fmt.Errorf("class_weight: %s: %s or weights by class, {0: 1.0, 1: 5.0}, are wanted", flow(value), balanced)
	}
	if len(w.weights) == 0 {
		w.weights = nil
	}
	return nil
}

// MarshalYAML writes the form that it was read from.
func (w classWeight) MarshalYAML() (any, error) {
	if w.balanced {
		return balanced, nil
	}
	return w.weights, nil
}

// of gives the weights for a data set; nil for none.
func (w classWeight) of(train data.Dataset) (map[int]float64, error) {
	if w.balanced {
		return data.Balanced(train)
	}
	return w.weights, nil
}
