package losses

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/meseta-go/meseta/internal/fields"
)

// all lists the losses with Keras's defaults, in the order of Names.
var all = []Loss{
	BinaryCrossentropy{}, NewBinaryFocalCrossentropy(), CategoricalCrossentropy{}, NewCategoricalFocalCrossentropy(), CategoricalHinge{},
	CosineSimilarity{}, Dice{}, Hinge{}, NewHuber(), KLDivergence{}, LogCosh{}, MeanAbsoluteError{}, MeanAbsolutePercentageError{},
	MeanSquaredError{}, MeanSquaredLogarithmicError{}, Poisson{}, SparseCategoricalCrossentropy{}, SquaredHinge{}, NewTversky(),
}

// aliases are Keras's other names.
var aliases = map[string]string{
	"bce": "binary_crossentropy", "kld": "kl_divergence", "kullback_leibler_divergence": "kl_divergence", "logcosh": "log_cosh",
	"mae": "mean_absolute_error", "mape": "mean_absolute_percentage_error", "mse": "mean_squared_error", "msle": "mean_squared_logarithmic_error",
}

// Names lists what New takes: "binary_crossentropy" and so on.
func Names() []string {
	names := make([]string, len(all))
	for i, l := range all {
		names[i] = l.Name()
	}
	return names
}

// New gives the loss of a name with Keras's defaults: that of the function, "huber", of the class, "Huber", or a short one, "mse". The error
// wraps ErrConfig.
func New(name string) (Loss, error) {
	wanted := strings.ToLower(name)
	if a, ok := aliases[wanted]; ok {
		wanted = a
	}
	i := slices.IndexFunc(all, func(l Loss) bool { return l.Name() == wanted || l.ClassName() == name })
	if i < 0 {
		return nil, fmt.Errorf("losses: there is no %q, there are %s: %w", name, strings.Join(Names(), ", "), ErrConfig)
	}
	return all[i], nil
}

// Known says whether a loss is one of this package's, which New makes by name and Keras knows too.
func Known(l Loss) bool {
	t := reflect.TypeOf(l)
	if t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return slices.ContainsFunc(all, func(k Loss) bool { return reflect.TypeOf(k) == t })
}

// Arguments lists the fields of a loss by Keras's names.
func Arguments(l Loss) map[string]any { return fields.Map(l) }

// Configured gives the loss of a name with some fields set, by Keras's names. The error wraps ErrConfig.
func Configured(name string, arguments map[string]any) (Loss, error) {
	l, err := New(name)
	if err != nil {
		return nil, err
	}
	if l, err = fields.Set(l, arguments); err != nil {
		return nil, fmt.Errorf("losses: %s: %w: %w", l.ClassName(), err, ErrConfig)
	}
	return l, nil
}
