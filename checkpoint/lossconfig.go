package checkpoint

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/meseta-go/meseta/layers"
	"github.com/meseta-go/meseta/losses"
	"github.com/meseta-go/meseta/metrics"
)

// lossConfig is a loss as Keras writes it: its name where it has Keras's defaults, else class and arguments.
func lossConfig(l losses.Loss, object func(class, module string, values map[string]any) map[string]any) any {
	usual, err := losses.New(l.ClassName())
	if err != nil || reflect.DeepEqual(l, usual) {
		return l.Name()
	}
	values := pythonValues(losses.Arguments(l))
	values["name"], values["reduction"] = l.Name(), "sum_over_batch_size"
	return object(l.ClassName(), "keras.losses", values)
}

// pythonValues writes numbers that Python wants as floats with a decimal point.
func pythonValues(arguments map[string]any) map[string]any {
	for key, v := range arguments {
		switch v := v.(type) {
		case float64:
			arguments[key] = pythonFloat(v)
		case []float64:
			list := make([]pythonFloat, len(v))
			for i, x := range v {
				list[i] = pythonFloat(x)
			}
			arguments[key] = list
		}
	}
	return arguments
}

func readLoss(v any) (losses.Loss, error) {
	if object, ok := v.(map[string]any); ok && object["class_name"] == "function" {
		v = object["config"]
	}
	if name, ok := v.(string); ok {
		l, err := losses.New(layers.SnakeCase(name))
		if err != nil {
			return nil, fmt.Errorf("loss %q is not supported (there are %s)", name, strings.Join(losses.Names(), ", "))
		}
		return l, nil
	}
	class, c := readObject("loss", v)
	l, err := losses.New(class)
	if err != nil || class != l.ClassName() {
		return nil, fmt.Errorf("loss %s is not supported (there are %s)", brief(v), strings.Join(losses.Names(), ", "))
	}
	c.ignore("name", "fn", "dtype")
	if reduction, ok := c.values["reduction"]; ok && reduction == nil {
		c.fail("has reduction null, only \"sum_over_batch_size\" is supported")
	}
	c.only("reduction", "sum_over_batch_size", "auto", "mean") // which are the same
	if _, ok := losses.Arguments(l)["axis"]; !ok {
		c.only("axis", -1)
	}
	arguments := c.known(losses.Arguments(l))
	if err := c.end(); err != nil {
		return nil, err
	}
	return losses.Configured(class, arguments)
}

// known takes the keys that arguments have.
func (c *config) known(arguments map[string]any) map[string]any {
	taken := map[string]any{}
	for key := range arguments {
		if v := c.take(key); v != nil {
			taken[key] = v
		}
	}
	return taken
}

// metricConfigs are metrics as Keras writes them. Those that Keras does not have are left out.
func metricConfigs(m *Model, list []metrics.Metric, object func(class, module string, values map[string]any) map[string]any) []any {
	configs := []any{}
	for _, metric := range list {
		base := metrics.Base(metric)
		if base == (metrics.Metric)(metrics.Accuracy{}) {
			configs = append(configs, metric.Name())
			continue
		}
		if !metrics.Known(base) || base == (metrics.Metric)(metrics.ClassAccuracy{}) {
			continue
		}
		values := pythonValues(metrics.Arguments(metric))
		values["name"], values["dtype"] = metric.Name(), "float32"
		width := m.Graph.OutputShape()[len(m.Graph.OutputShape())-1]
		orNone := func(key string, none any) {
			if v, ok := values[key]; ok && v == none {
				values[key] = nil
			}
		}
		or := func(key string, nothing, instead any) {
			if v, ok := values[key]; ok && v == nothing {
				values[key] = instead
			}
		}
		orNone("average", "")
		orNone("threshold", pythonFloat(0))
		orNone("num_labels", 0)
		or("num_thresholds", 0, 200)
		or("num_classes", 0, max(width, 2))
		or("curve", "", "ROC")
		or("summation_method", "", "interpolation")
		if v, ok := values["thresholds"]; ok && v == nil && base.ClassName() == "AUC" {
			delete(values, "thresholds")
		}
		if base.ClassName() == "MeanIoU" {
			values["sparse_y_pred"] = false
		}
		configs = append(configs, object(base.ClassName(), "keras.metrics", values))
	}
	return configs
}

// readMetrics reads a list of metrics, which Keras 2 puts into another list
// for each output.
func readMetrics(v any) ([]metrics.Metric, error) {
	list, ok := v.([]any)
	if !ok && v != nil {
		return nil, fmt.Errorf("metrics %s are not supported, want a list", brief(v))
	}
	if len(list) == 1 {
		if inner, ok := list[0].([]any); ok {
			list = inner
		}
	}
	var out []metrics.Metric
	for _, v := range list {
		m, err := readMetric(v)
		if err != nil {
			return nil, err
		}
		out = append(out, m)
	}
	return out, nil
}

func readMetric(v any) (metrics.Metric, error) {
	unsupported := fmt.Errorf("metric %s is not supported (there are %s)", brief(v), strings.Join(metrics.Names(), ", "))
	if name, ok := v.(string); ok {
		m, err := metrics.New(name)
		if err != nil {
			return nil, unsupported
		}
		return m, nil
	}
	class, c := readObject("metric", v)
	if c.err != nil {
		return nil, c.err
	}
	function := c.take("fn")
	if class == "MeanMetricWrapper" { // Keras 2, and functions given by name
		name, _ := function.(string)
		m, err := metrics.New(name)
		if err != nil {
			return nil, unsupported
		}
		class = m.ClassName()
	}
	m, err := metrics.New(class)
	if err != nil || class == (metrics.Accuracy{}).ClassName() {
		return nil, unsupported
	}
	known := metrics.Arguments(m)
	known["name"] = nil
	arguments := c.known(known)
	if dtype := "float32"; strings.HasSuffix(class, "IoU") && c.values["dtype"] != dtype {
		c.only("dtype", "int64", "int32") // of the counts; Keras's default
	} else {
		c.only("dtype", dtype)
	}
	switch class {
	case "MeanIoU", "OneHotMeanIoU":
		c.ignore("sparse_y_true") // as the data has it
		c.only("axis", -1)
		if class == "MeanIoU" && c.flag("sparse_y_pred", true) {
			c.fail("has sparse_y_pred true, only false is supported")
		}
	case "CosineSimilarity", "BinaryCrossentropy", "CategoricalCrossentropy", "SparseCategoricalCrossentropy":
		c.only("axis", -1)
	}
	if err := c.end(); err != nil {
		return nil, err
	}
	if m, err = metrics.Configured(class, arguments); err != nil {
		return nil, err
	}
	if m.Name() == (metrics.Accuracy{}).Name() {
		switch metrics.Base(m) {
		case metrics.SparseCategoricalAccuracy{}, metrics.CategoricalAccuracy{}, metrics.NewBinaryAccuracy():
			return metrics.Accuracy{}, nil // Keras chose one of them
		}
	}
	return m, nil
}
