package metrics

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/meseta-go/meseta/internal/fields"
	"github.com/meseta-go/meseta/losses"
)

// all lists the metrics with Keras's defaults, in the order of Names.
var all = []Metric{
	Accuracy{}, AUC{}, NewBinaryAccuracy(), OfLoss{losses.BinaryCrossentropy{}}, CategoricalAccuracy{}, OfLoss{losses.CategoricalCrossentropy{}},
	OfLoss{losses.CategoricalHinge{}}, ClassAccuracy{}, OfLoss{losses.CosineSimilarity{}}, F1Score{}, FalseNegatives{}, FalsePositives{},
	NewFBetaScore(), OfLoss{losses.Hinge{}}, OfLoss{losses.KLDivergence{}}, OfLoss{losses.LogCosh{}}, OfLoss{losses.MeanAbsoluteError{}},
	OfLoss{losses.MeanAbsolutePercentageError{}}, MeanIoU{}, OfLoss{losses.MeanSquaredError{}}, OfLoss{losses.MeanSquaredLogarithmicError{}},
	OneHotMeanIoU{}, OfLoss{losses.Poisson{}}, Precision{}, PrecisionAtRecall{}, Recall{}, RecallAtPrecision{}, RootMeanSquaredError{},
	SensitivityAtSpecificity{}, SparseCategoricalAccuracy{}, OfLoss{losses.SparseCategoricalCrossentropy{}}, NewSparseTopKCategoricalAccuracy(),
	SpecificityAtSensitivity{}, OfLoss{losses.SquaredHinge{}}, NewTopKCategoricalAccuracy(), TrueNegatives{}, TruePositives{},
}

// aliases are Keras's short names.
var aliases = map[string]string{
	"acc": "accuracy", "bce": "binary_crossentropy", "kld": "kl_divergence", "mae": "mean_absolute_error", "mape": "mean_absolute_percentage_error",
	"mse": "mean_squared_error", "msle": "mean_squared_logarithmic_error",
}

// Names lists what New takes: "accuracy", "auc" and so on.
func Names() []string {
	names := make([]string, len(all))
	for i, m := range all {
		names[i] = m.Name()
	}
	return names
}

// find gives the metric of a name with Keras's defaults.
func find(name string) (Metric, error) {
	wanted := strings.ToLower(name)
	if a, ok := aliases[wanted]; ok {
		wanted = a
	}
	i := slices.IndexFunc(all, func(m Metric) bool { return m.Name() == wanted || m.ClassName() == name })
	if i < 0 {
		return nil, fmt.Errorf("metrics: there is no %q, there are %s: %w", name, strings.Join(Names(), ", "), ErrConfig)
	}
	return all[i], nil
}

// New gives the metric of a name, with Keras's defaults: "auc", that of the class, "AUC", or a short one, "mse". Its name in logs is the
// one that it was asked by, as in Keras. The error wraps ErrConfig.
func New(name string) (Metric, error) {
	m, err := find(name)
	if err != nil || m.Name() == name {
		return m, err
	}
	return Named{m, name}, nil
}

// Known says whether a metric is one of this package's, which New makes by name. A loss for which Keras has no metric is none.
func Known(m Metric) bool {
	return slices.ContainsFunc(all, func(k Metric) bool {
		return reflect.TypeOf(k) == reflect.TypeOf(m) && k.ClassName() == m.ClassName()
	})
}

// Arguments lists the fields of a metric by Keras's names, without the name.
func Arguments(m Metric) map[string]any {
	if l, ok := Base(m).(OfLoss); ok {
		return losses.Arguments(l.Loss)
	}
	return fields.Map(Base(m))
}

// Configured gives the metric of a name with some fields set, by Keras's names; name is its name in logs, which otherwise is Keras's for the
// class. The error wraps ErrConfig.
func Configured(name string, arguments map[string]any) (Metric, error) {
	m, err := find(name)
	if err != nil {
		return nil, err
	}
	arguments = maps.Clone(arguments)
	as := m.Name()
	if given, ok := arguments["name"]; ok && given != nil {
		if as, ok = given.(string); !ok || as == "" {
			return nil, fmt.Errorf("metrics: %s: name is %v, want a word: %w", m.ClassName(), given, ErrConfig)
		}
	}
	delete(arguments, "name")
	if l, ok := m.(OfLoss); ok {
		l.Loss, err = fields.Set(l.Loss, arguments)
		m = l
	} else {
		m, err = fields.Set(m, arguments)
	}
	if err != nil {
		return nil, fmt.Errorf("metrics: %s: %w: %w", m.ClassName(), err, ErrConfig)
	}
	if as != m.Name() {
		return Named{m, as}, nil
	}
	return m, nil
}
