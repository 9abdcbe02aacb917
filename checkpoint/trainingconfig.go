package checkpoint

import (
	"encoding/json"

	"github.com/meseta-go/meseta/hdf5"
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
	c["loss"] = lossConfig(t.Loss, object)
	c["metrics"] = metricConfigs(m, t.Metrics, object)
	if len(t.WeightedMetrics) > 0 {
		c["weighted_metrics"] = metricConfigs(m, t.WeightedMetrics, object)
	}
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
	if t.WeightedMetrics, err = readMetrics(c.take("weighted_metrics")); err != nil {
		return nil, err
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
