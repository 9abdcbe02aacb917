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

// absent are the arguments that Keras lets be None, beside weight_decay of all but AdamW.
var absent = []string{
	"clipnorm", "global_clipnorm", "clipvalue", "ema_overwrite_frequency", "gradient_accumulation_steps", "adam_weight_decay", "rms_rate",
}

// optimizerConfig is the configuration of an optimizer. Its learning rate is the
// one that holds when the file is written, as in Keras.
func optimizerConfig(m *Model) map[string]any {
	o := m.Training.Optimizer
	c := map[string]any{"name": layers.SnakeCase(o.ClassName()), "loss_scale_factor": nil}
	for _, s := range optimizers.Settings(o) {
		switch {
		case s.Ours:
		case s.Flag != nil:
			c[s.Key] = *s.Flag
		case s.Count != nil:
			c[s.Key] = *s.Count
		case s.Names != nil:
			c[s.Key] = append([]string{}, *s.Names...)
		default:
			c[s.Key] = pythonFloat(*s.Number)
		}
	}
	for _, key := range absent { // Keras's None, which is 0 here
		if c[key] == pythonFloat(0) || c[key] == 0 {
			c[key] = nil
		}
	}
	c["ema_momentum"] = pythonFloat(o.BaseArguments().EMA())
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
	c.ignore("name", "jit_compile", "is_legacy_optimizer") // names; how, not what
	c.only("decay", 0)                                     // Keras before 2.11
	if c.values["gradient_accumulation_steps"] == float64(1) {
		c.ignore("gradient_accumulation_steps")
	}
	if class == "Muon" { // which has other defaults than None
		for _, key := range []string{"weight_decay", "adam_weight_decay", "rms_rate"} {
			if v, ok := c.values[key]; ok && v == nil {
				c.values[key] = float64(0)
			}
		}
	}
	base := o.BaseArguments()
	for _, s := range optimizers.Settings(o) {
		switch {
		case s.Ours:
		case s.Flag != nil:
			*s.Flag = c.flag(s.Key, *s.Flag)
		case s.Count != nil:
			if c.values[s.Key] != nil {
				*s.Count = c.integer(s.Key)
			}
		case s.Names != nil:
			*s.Names = c.names(s.Key, *s.Names)
		default:
			*s.Number = c.number(s.Key, *s.Number)
		}
	}
	switch momentum := base.EMAMomentum; {
	case !base.UseEMA || momentum == (&optimizers.Base{}).EMA():
		base.EMAMomentum = 0 // says nothing, or the usual
	case momentum == 0:
		c.fail("has ema_momentum 0, which averages nothing")
	}
	if !base.UseEMA {
		base.EMAOverwriteFrequency = 0
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
