package checkpoint

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/meseta-go/meseta/layers"
	"github.com/meseta-go/meseta/optimizers"
)

// pythonFloat is written so that Python reads a float: Keras refuses a learning
// rate of 1 where it wants 1.0.
type pythonFloat float64

// MarshalJSON adds the decimal point that Go leaves out.
func (f pythonFloat) MarshalJSON() ([]byte, error) {
	b, err := json.Marshal(float64(f))
	if err == nil && !bytes.ContainsAny(b, ".e") {
		b = append(b, ".0"...)
	}
	return b, err
}

// optimizerConfig is the configuration of an optimizer. Its learning rate is the
// one that holds when the file is written, as in Keras.
func optimizerConfig(m *Model) map[string]any {
	o := m.Training.Optimizer
	c := map[string]any{
		"name": layers.SnakeCase(o.ClassName()), "clipnorm": nil, "global_clipnorm": nil, "clipvalue": nil, "use_ema": false, "ema_momentum": 0.99,
		"ema_overwrite_frequency": nil, "loss_scale_factor": nil, "gradient_accumulation_steps": nil,
	}
	for _, s := range optimizers.Settings(o) {
		if s.Flag != nil {
			c[s.Key] = *s.Flag
		} else {
			c[s.Key] = pythonFloat(*s.Number)
		}
	}
	if m.Optimizer != nil && m.Optimizer.LearningRate > 0 && m.Optimizer.LearningRate != float32(o.Rate()) {
		c["learning_rate"] = pythonFloat(rate(float64(m.Optimizer.LearningRate)))
	}
	switch o.(type) {
	case *optimizers.Adam:
		c["amsgrad"] = false
	case *optimizers.AdamW:
		c["amsgrad"] = false
		return c // Keras wants a number for its weight decay, 0 too
	}
	if c["weight_decay"] == pythonFloat(0) {
		c["weight_decay"] = nil
	}
	return c
}

// readOptimizerConfig reads what optimizerConfig and Keras write. What a file leaves out is as in NewX.
func readOptimizerConfig(v any) (optimizers.Optimizer, error) {
	class, c := readObject("optimizer", v)
	if class == "" {
		return nil, fmt.Errorf("no optimizer in the training configuration (Keras leaves it out of a .keras that it saves after an .h5)")
	}
	class = strings.TrimPrefix(class, "Custom>") // as tf_keras says it
	o, err := optimizers.New(class)
	if err != nil || class != o.ClassName() {
		return nil, fmt.Errorf("optimizer %q is not supported (there are %s)", class, strings.Join(optimizers.Names(), ", "))
	}
	// Nothing without use_ema; how, not what; names.
	c.ignore("name", "ema_momentum", "jit_compile", "is_legacy_optimizer")
	c.only("decay", 0) // Keras before 2.11
	c.only("gradient_accumulation_steps", 1)
	for _, s := range optimizers.Settings(o) {
		if s.Flag != nil {
			*s.Flag = c.flag(s.Key, *s.Flag)
		} else {
			*s.Number = c.number(s.Key, *s.Number)
		}
	}
	if err := c.end(); err != nil {
		return nil, err
	}
	o = o.WithRate(rate(o.Rate()))
	if _, err := o.Rule(); err != nil {
		return nil, err
	}
	return o, nil
}
