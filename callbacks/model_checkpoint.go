package callbacks

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// SaveFreq says when a ModelCheckpoint saves: EveryEpoch, or after every N updates.
type SaveFreq int

// EveryEpoch saves at each epoch end.
const EveryEpoch SaveFreq = 0

// ModelCheckpoint saves the model or its weights as training goes on.
//
// Filepath may have fields in Python's format syntax: {epoch:02d}, {batch} where it saves after updates, both 1-based, and
// any logged metric: {val_loss:.4f}. The suffix is the format: .weights.h5 with SaveWeightsOnly, else .h5 or
// .keras.
//
// Keras: callbacks.ModelCheckpoint. As there, the best value is kept across fits of one object. Here a metric that is not
// known when it saves is an error before the first step, and a value that is not finite is never the best.
type ModelCheckpoint struct {
	Filepath              string // relative paths lie under the run directory; directories are made
	Monitor               string // default val_loss
	Verbose               int    // 1 says when it saves
	SaveBestOnly          bool   // saves only when Monitor has improved
	SaveWeightsOnly       bool
	Mode                  Mode
	SaveFreq              SaveFreq
	EveryNEpochs          int      // saves at the end of every Nth epoch only; 0 is each epoch. Not with a SaveFreq in updates
	InitialValueThreshold *float64 // the best value to begin with, if SaveBestOnly; nil for none

	monitor  monitor
	template pathTemplate
	state    checkpointState
	used     bool // it has been in a fit: state.Best is kept
}

type checkpointState struct {
	Best *float64 `json:"best"`
}

// NewModelCheckpoint returns Keras's defaults: a whole model at each epoch end.
func NewModelCheckpoint(filepath string) *ModelCheckpoint {
	return &ModelCheckpoint{Filepath: filepath, Monitor: defaultMonitor}
}

// Name returns model_checkpoint.
func (*ModelCheckpoint) Name() string { return "model_checkpoint" }

func (c *ModelCheckpoint) parameters() []parameter {
	return []parameter{
		{"filepath", &c.Filepath}, {"monitor", &c.Monitor}, {"verbose", &c.Verbose}, {"save_best_only", &c.SaveBestOnly},
		{"save_weights_only", &c.SaveWeightsOnly}, {"mode", &c.Mode}, {"save_freq", &c.SaveFreq},
		{"every_n_epochs", &c.EveryNEpochs},
		{"initial_value_threshold", &c.InitialValueThreshold},
	}
}

// Begin checks the settings and the path against s. The best value of an earlier fit stays.
func (c *ModelCheckpoint) Begin(s *Setup) (err error) {
	const who = "ModelCheckpoint"
	name := monitorName(c.Monitor)
	switch {
	case c.SaveBestOnly:
		if c.monitor, err = newMonitor(who, s, name, c.Mode, 0); err != nil {
			return err
		}
		if c.SaveFreq > 0 && !slices.Contains(s.Metrics, name) && name != learningRateName {
			return fmt.Errorf("callbacks: %s: %s is known at epoch ends only, and SaveFreq is %d updates; save every epoch, or monitor one of %s",
				who, name, c.SaveFreq, strings.Join(s.Metrics, ", "))
		}
	case name != defaultMonitor: // it is not used, but a wrong name is a slip
		if err = checkLogged(who, s, name); err != nil {
			return err
		}
	}
	if c.Mode > Max {
		return fmt.Errorf("callbacks: %s: Mode is %s; the modes are Auto, Min, Max", who, c.Mode)
	}
	if c.SaveFreq < 0 {
		return fmt.Errorf("callbacks: %s: SaveFreq is %d; give a number of updates, or EveryEpoch (0)", who, c.SaveFreq)
	}
	if c.EveryNEpochs < 0 || c.EveryNEpochs > 0 && c.SaveFreq > 0 {
		return fmt.Errorf("callbacks: %s: EveryNEpochs is %d and SaveFreq %d updates; set one of them, not negative", who, c.EveryNEpochs, c.SaveFreq)
	}
	if c.InitialValueThreshold != nil && !finite(*c.InitialValueThreshold) {
		return fmt.Errorf("callbacks: %s: InitialValueThreshold is %g; give a finite value or none", who, *c.InitialValueThreshold)
	}
	if err := c.checkSuffix(); err != nil {
		return err
	}
	ints, floats := []string{"epoch"}, s.Names()
	if c.SaveFreq > 0 {
		ints, floats = append(ints, "batch"), append(slices.Clone(s.Metrics), learningRateName)
	}
	if c.template, err = parseTemplate(c.Filepath, ints, floats); err != nil {
		return fmt.Errorf("callbacks: %s: %w", who, err)
	}
	if !s.Replay {
		if err := checkWritable(s.path(c.template.fixedDirectory() + "x")); err != nil {
			return fmt.Errorf("callbacks: %s: %w", who, err)
		}
	}
	if !c.used {
		c.state.Best, c.used = c.InitialValueThreshold, true
	}
	return nil
}

func (c *ModelCheckpoint) checkSuffix() error {
	weights := strings.HasSuffix(c.Filepath, ".weights.h5")
	switch {
	case c.SaveWeightsOnly && !weights:
		return fmt.Errorf("callbacks: ModelCheckpoint: SaveWeightsOnly writes Keras's weights format, and Filepath is %q; end it in .weights.h5", c.Filepath)
	case !c.SaveWeightsOnly && weights:
		return fmt.Errorf("callbacks: ModelCheckpoint: Filepath %q is for weights alone, and SaveWeightsOnly is false; set it, or end the path in .h5 for a whole model", c.Filepath)
	case !isModelFile(c.Filepath):
		return fmt.Errorf("callbacks: ModelCheckpoint: Filepath is %q; end it in .h5 or .keras for a whole model, or in .weights.h5 with SaveWeightsOnly", c.Filepath)
	}
	return nil
}

// isModelFile says whether the suffix of a path is one of a model's files.
func isModelFile(path string) bool {
	return strings.HasSuffix(path, ".h5") || strings.HasSuffix(path, ".keras")
}

// BatchDue says whether a save every SaveFreq updates falls on this one.
func (c *ModelCheckpoint) BatchDue(updates int) bool {
	return c.SaveFreq > 0 && updates%int(c.SaveFreq) == 0
}

// DecideBatch saves, or does not because nothing improved.
func (c *ModelCheckpoint) DecideBatch(m Moment) (*Decision, error) { return c.decide(m), nil }

// DecideEpoch does so at epoch ends.
func (c *ModelCheckpoint) DecideEpoch(m Moment) (*Decision, error) {
	if c.SaveFreq != EveryEpoch || (m.Epoch+1)%max(c.EveryNEpochs, 1) != 0 {
		return nil, nil
	}
	return c.decide(m), nil
}

func (c *ModelCheckpoint) decide(m Moment) *Decision {
	path := c.template.expand(m.Epoch+1, m.Batch+1, m.Logs)
	if !c.SaveBestOnly {
		d := &Decision{Callback: c.Name(), Action: Save, Path: path, WeightsOnly: c.SaveWeightsOnly, Reason: "every epoch"}
		if c.SaveFreq > 0 {
			d.Reason = fmt.Sprintf("every %d updates", c.SaveFreq)
		} else if c.EveryNEpochs > 1 {
			d.Reason = fmt.Sprintf("every %d epochs", c.EveryNEpochs)
		}
		if c.Verbose > 0 {
			d.say = fmt.Sprintf("Epoch %d: saved model to %s", m.Epoch+1, path)
		}
		return d
	}
	value := m.Logs[c.monitor.name]
	d := c.monitor.decision(c.Name(), value, c.state.Best)
	saved := ""
	if before := c.state.Best; c.monitor.improved(value, before) {
		c.state.Best = &value
		d.undo = func() { c.state.Best = before } // what was not saved must not stand in the way of a later save
		d.Action, d.Path, d.WeightsOnly = Save, path, c.SaveWeightsOnly
		saved = ", saved model to " + path
	}
	d.Best = c.state.Best
	if c.Verbose > 0 {
		d.say = fmt.Sprintf("Epoch %d: %s%s", m.Epoch+1, d.Reason, saved)
	}
	return d
}

// State returns the best value as JSON.
func (c *ModelCheckpoint) State() (json.RawMessage, error) { return json.Marshal(c.state) }

// Restore takes a State.
func (c *ModelCheckpoint) Restore(state json.RawMessage) error {
	return restoreState(c.Name(), state, &c.state)
}
