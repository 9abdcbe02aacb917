package optimizers

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/meseta-go/meseta/internal/fields"
)

// Setting is a field of an optimizer under Keras's name; one of the pointers is set.
type Setting struct {
	Key    string
	Number *float64
	Flag   *bool
	Count  *int
	Names  *[]string
	Ours   bool // Keras's files do not hold it
}

func number(key string, x *float64) Setting { return Setting{Key: key, Number: x} }
func flag(key string, x *bool) Setting      { return Setting{Key: key, Flag: x} }
func count(key string, x *int) Setting      { return Setting{Key: key, Count: x} }

// Settings lists the fields of o, its own and then those that all optimizers have. Writing through them changes o.
func Settings(o Optimizer) []Setting {
	return append(own(o), baseSettings(o.BaseArguments())...)
}

// own lists what is not Base's; the learning rate comes first.
func own(o Optimizer) []Setting {
	switch o := o.(type) {
	case *SGD:
		return []Setting{number("learning_rate", &o.LearningRate), number("weight_decay", &o.WeightDecay), number("momentum", &o.Momentum), flag("nesterov", &o.Nesterov)}
	case *Adam:
		return adamSettings(&o.LearningRate, &o.WeightDecay, &o.Beta1, &o.Beta2, &o.Epsilon)
	case *AdamW:
		return adamSettings(&o.LearningRate, &o.WeightDecay, &o.Beta1, &o.Beta2, &o.Epsilon)
	case *Adamax:
		return adamSettings(&o.LearningRate, &o.WeightDecay, &o.Beta1, &o.Beta2, &o.Epsilon)
	case *Lamb:
		return adamSettings(&o.LearningRate, &o.WeightDecay, &o.Beta1, &o.Beta2, &o.Epsilon)
	case *Muon:
		return []Setting{
			number("learning_rate", &o.LearningRate), number("weight_decay", &o.WeightDecay), number("momentum", &o.Momentum), flag("nesterov", &o.Nesterov),
			count("ns_steps", &o.NSSteps), number("muon_a", &o.A), number("muon_b", &o.B), number("muon_c", &o.C), number("rms_rate", &o.RMSRate),
			number("adam_beta_1", &o.AdamBeta1), number("adam_beta_2", &o.AdamBeta2), number("epsilon", &o.Epsilon),
			number("adam_weight_decay", &o.AdamWeightDecay), number("adam_lr_ratio", &o.AdamLRRatio),
			{Key: "exclude_layers", Names: &o.ExcludeLayers}, flag("exclude_embeddings", &o.ExcludeEmbeddings),
		}
	case *Nadam:
		return adamSettings(&o.LearningRate, &o.WeightDecay, &o.Beta1, &o.Beta2, &o.Epsilon)
	case *RMSprop:
		return []Setting{
			number("learning_rate", &o.LearningRate), number("weight_decay", &o.WeightDecay), number("rho", &o.Rho),
			number("momentum", &o.Momentum), number("epsilon", &o.Epsilon), flag("centered", &o.Centered),
		}
	case *Adagrad:
		return []Setting{
			number("learning_rate", &o.LearningRate), number("weight_decay", &o.WeightDecay),
			number("initial_accumulator_value", &o.InitialAccumulatorValue), number("epsilon", &o.Epsilon),
		}
	case *Adadelta:
		return []Setting{number("learning_rate", &o.LearningRate), number("weight_decay", &o.WeightDecay), number("rho", &o.Rho), number("epsilon", &o.Epsilon)}
	case *Lion:
		return []Setting{number("learning_rate", &o.LearningRate), number("weight_decay", &o.WeightDecay), number("beta_1", &o.Beta1), number("beta_2", &o.Beta2)}
	}
	return nil
}

func adamSettings(learningRate, weightDecay, beta1, beta2, epsilon *float64) []Setting {
	return []Setting{
		number("learning_rate", learningRate), number("weight_decay", weightDecay),
		number("beta_1", beta1), number("beta_2", beta2), number("epsilon", epsilon),
	}
}

func baseSettings(b *Base) []Setting {
	return []Setting{
		number("clipnorm", &b.ClipNorm), number("global_clipnorm", &b.GlobalClipNorm), number("clipvalue", &b.ClipValue),
		flag("use_ema", &b.UseEMA), number("ema_momentum", &b.EMAMomentum), count("ema_overwrite_frequency", &b.EMAOverwriteFrequency),
		count("gradient_accumulation_steps", &b.GradientAccumulationSteps),
		{Key: "exclude_from_weight_decay", Names: &b.ExcludeFromWeightDecay, Ours: true},
	}
}

// Configured gives the optimizer of a name with some fields set, by Keras's names: numbers, true and false, or lists of names. The error
// wraps ErrConfig.
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
	switch {
	case s.Flag != nil:
		return "true or false"
	case s.Count != nil:
		return "an integer"
	case s.Names != nil:
		return "a list of names"
	}
	return "a number"
}

// set says whether x is of the field's kind.
func (s Setting) set(x any) bool {
	switch {
	case s.Flag != nil:
		flag, ok := x.(bool)
		*s.Flag = flag
		return ok
	case s.Names != nil:
		list, ok := x.([]any)
		names := make([]string, len(list))
		for i := range list {
			name, isName := list[i].(string)
			ok, names[i] = ok && isName, name
		}
		*s.Names = names
		return ok
	}
	number, ok := fields.Number(x)
	if s.Count != nil {
		*s.Count = int(number)
		return ok && number == math.Trunc(number) && math.Abs(number) < 1<<31
	}
	*s.Number = number
	return ok
}
