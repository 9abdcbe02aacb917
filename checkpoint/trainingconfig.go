package checkpoint

import (
	"encoding/json"
	"fmt"

	"github.com/meseta-go/meseta/hdf5"
	"github.com/meseta-go/meseta/layers"
	"github.com/meseta-go/meseta/losses"
	"github.com/meseta-go/meseta/metrics"
)

// joinedConfig is the configuration of a .keras: the model's with the training's
// in it as compile_config.
func joinedConfig(m *Model) ([]byte, error) {
	config, err := graphConfig(m.Graph, true)
	if err != nil {
		return nil, err
	}
	if m.Training != nil {
		config["compile_config"] = trainingConfig(m, true)
	}
	return encodeJSON(config)
}

// splitConfig parts what joinedConfig joined.
func splitConfig(b []byte) (model, training []byte, err error) {
	var v struct {
		Compile json.RawMessage `json:"compile_config"`
	}
	if err := json.Unmarshal(b, &v); err != nil {
		return nil, nil, hdf5.FormatError("model configuration: " + err.Error())
	}
	if text := string(v.Compile); text != "" && text != "null" && text != "{}" {
		training = v.Compile
	}
	return b, training, nil
}

// trainingConfig is the configuration of m.Training as Keras 3 writes it; with
// modules for a .keras, where the optimizer stands under another key too.
func trainingConfig(m *Model, modules bool) map[string]any {
	t := m.Training
	object := func(class, module string, values map[string]any) map[string]any {
		if modules {
			return keras(class, module, values)
		}
		return map[string]any{"class_name": class, "config": values}
	}
	c := map[string]any{"loss_weights": nil, "weighted_metrics": nil, "run_eagerly": false, "steps_per_execution": 1, "jit_compile": false}
	c["loss"] = t.Loss.Name()
	if l, ok := t.Loss.(losses.SparseCategoricalCrossentropy); ok && l.FromLogits {
		c["loss"] = object(l.ClassName(), "keras.losses", map[string]any{
			"name": l.Name(), "reduction": "sum_over_batch_size", "from_logits": true, "ignore_class": nil,
		})
	}
	names := []any{}
	for _, metric := range t.Metrics {
		names = append(names, metric.Name())
	}
	c["metrics"] = names
	optimizer := object(t.Optimizer.ClassName(), "keras.optimizers", optimizerConfig(m))
	if modules {
		c["optimizer"] = optimizer
	} else {
		c["optimizer_config"] = optimizer
	}
	return c
}

// readTraining reads a training configuration of Keras 3 or 2.
func readTraining(b []byte) (*Training, error) {
	var v any
	if err := json.Unmarshal(b, &v); err != nil {
		return nil, hdf5.FormatError("training configuration: " + err.Error())
	}
	c := newConfig("the training configuration", v)
	if c.err != nil {
		return nil, c.err
	}
	t := &Training{}
	optimizer := c.take("optimizer_config")
	if v := c.take("optimizer"); optimizer == nil {
		optimizer = v
	}
	var err error
	if t.Optimizer, err = readOptimizerConfig(optimizer); err != nil {
		return nil, err
	}
	if t.Loss, err = readLoss(c.take("loss")); err != nil {
		return nil, err
	}
	if t.Metrics, err = readMetrics(c.take("metrics")); err != nil {
		return nil, err
	}
	c.ignore("run_eagerly", "steps_per_execution", "jit_compile", "auto_scale_loss") // how, not what
	if brief(c.values["weighted_metrics"]) == "[]" {
		c.ignore("weighted_metrics")
	}
	return t, c.end()
}

// object reads {"class_name", "config"}.
func readObject(what string, v any) (class string, c *config) {
	o, ok := v.(map[string]any)
	if !ok {
		c = newConfig(what, nil)
		return "", c
	}
	class, _ = o["class_name"].(string)
	return class, newConfig(what+" "+class, orEmpty(o["config"]))
}

func readLoss(v any) (losses.Loss, error) {
	if object, ok := v.(map[string]any); ok && object["class_name"] == "function" {
		v = object["config"]
	}
	if name, ok := v.(string); ok {
		if name = layers.SnakeCase(name); name == (losses.SparseCategoricalCrossentropy{}).Name() {
			return losses.SparseCategoricalCrossentropy{}, nil
		}
		return nil, fmt.Errorf("loss %q is not supported (sparse_categorical_crossentropy is)", name)
	}
	class, c := readObject("loss", v)
	if class != "SparseCategoricalCrossentropy" {
		return nil, fmt.Errorf("loss %s is not supported (sparse_categorical_crossentropy is)", brief(v))
	}
	c.ignore("name", "fn", "dtype")
	c.only("reduction", "sum_over_batch_size", "auto", "mean")
	loss := losses.SparseCategoricalCrossentropy{FromLogits: c.flag("from_logits", false)}
	return loss, c.end()
}

// readMetrics reads the list of metrics, which Keras 2 puts into another list
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
		if err := readMetric(v); err != nil {
			return nil, err
		}
		out = append(out, metrics.Accuracy{})
	}
	return out, nil
}

// readMetric says whether v is accuracy, by that name: callbacks ask for it.
func readMetric(v any) error {
	name := (metrics.Accuracy{}).Name()
	if v == name {
		return nil
	}
	class, c := readObject("metric", v)
	function := c.take("fn")
	sparse := class == (metrics.Accuracy{}).ClassName() || class == "MeanMetricWrapper" && function == "sparse_categorical_accuracy"
	if !sparse || c.values["name"] != name {
		return fmt.Errorf("metric %s is not supported (accuracy by the name \"accuracy\" is)", brief(v))
	}
	c.ignore("name", "dtype")
	return c.end()
}
