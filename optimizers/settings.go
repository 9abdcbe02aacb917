package optimizers

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Setting is a field of an optimizer under Keras's name; one of Number and Flag is set.
type Setting struct {
	Key    string
	Number *float64
	Flag   *bool
}

// Settings lists the fields of o. Writing through them changes o.
func Settings(o Optimizer) []Setting {
	switch o := o.(type) {
	case *SGD:
		return []Setting{{"learning_rate", &o.LearningRate, nil}, {"weight_decay", &o.WeightDecay, nil}, {"momentum", &o.Momentum, nil}, {"nesterov", nil, &o.Nesterov}}
	case *Adam:
		return adamSettings(&o.LearningRate, &o.WeightDecay, &o.Beta1, &o.Beta2, &o.Epsilon)
	case *AdamW:
		return adamSettings(&o.LearningRate, &o.WeightDecay, &o.Beta1, &o.Beta2, &o.Epsilon)
	case *Adamax:
		return adamSettings(&o.LearningRate, &o.WeightDecay, &o.Beta1, &o.Beta2, &o.Epsilon)
	case *Nadam:
		return adamSettings(&o.LearningRate, &o.WeightDecay, &o.Beta1, &o.Beta2, &o.Epsilon)
	case *RMSprop:
		return []Setting{
			{"learning_rate", &o.LearningRate, nil}, {"weight_decay", &o.WeightDecay, nil}, {"rho", &o.Rho, nil},
			{"momentum", &o.Momentum, nil}, {"epsilon", &o.Epsilon, nil}, {"centered", nil, &o.Centered},
		}
	case *Adagrad:
		return []Setting{
			{"learning_rate", &o.LearningRate, nil}, {"weight_decay", &o.WeightDecay, nil},
			{"initial_accumulator_value", &o.InitialAccumulatorValue, nil}, {"epsilon", &o.Epsilon, nil},
		}
	case *Adadelta:
		return []Setting{{"learning_rate", &o.LearningRate, nil}, {"weight_decay", &o.WeightDecay, nil}, {"rho", &o.Rho, nil}, {"epsilon", &o.Epsilon, nil}}
	case *Lion:
		return []Setting{{"learning_rate", &o.LearningRate, nil}, {"weight_decay", &o.WeightDecay, nil}, {"beta_1", &o.Beta1, nil}, {"beta_2", &o.Beta2, nil}}
	}
	return nil
}

func adamSettings(learningRate, weightDecay, beta1, beta2, epsilon *float64) []Setting {
	return []Setting{
		{"learning_rate", learningRate, nil}, {"weight_decay", weightDecay, nil},
		{"beta_1", beta1, nil}, {"beta_2", beta2, nil}, {"epsilon", epsilon, nil},
	}
}

// Configured gives the optimizer of a name with some fields set, by Keras's names: numbers, or true and false. The error wraps
// ErrConfig.
func Configured(name string, arguments map[string]any) (Optimizer, error) {
	o, err := New(name)
	if err != nil {
		return nil, err
	}
	list := Settings(o)
	for _, key := range slices.Sorted(maps.Keys(arguments)) {
		i := slices.IndexFunc(list, func(s Setting) bool { return s.Key == key })
		if i < 0 {
			return nil, fmt.Errorf("optimizers: %s has no argument %q, it has %s: %w", o.ClassName(), key, keys(list), ErrConfig)
		}
		if !list[i].set(arguments[key]) {
			return nil, fmt.Errorf("optimizers: %s has %s %v, want %s: %w", o.ClassName(), key, arguments[key], list[i].kind(), ErrConfig)
		}
	}
	_, err = o.Rule()
	return o, err
}

func keys(list []Setting) string {
	names := make([]string, len(list))
	for i, s := range list {
		names[i] = s.Key
	}
	return strings.Join(names, ", ")
}

func (s Setting) kind() string {
	if s.Flag != nil {
		return "true or false"
	}
	return "a number"
}

// set says whether x is of the field's kind.
func (s Setting) set(x any) bool {
	if s.Flag != nil {
		flag, ok := x.(bool)
		*s.Flag = flag
		return ok
	}
	switch x := x.(type) { // what YAML and JSON make of numbers
	case float64:
		*s.Number = x
	case int:
		*s.Number = float64(x)
	case int64:
		*s.Number = float64(x)
	case uint64:
		*s.Number = float64(x)
	default:
		return false
	}
	return true
}
