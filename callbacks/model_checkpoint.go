package callbacks

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
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
// A save copies the model between two steps; the file is written in the background, crash-safe, and the end of training
// waits for it. A save that fails ends the run at the next step.
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
	InitialValueThreshold *float64 // the best value to begin with, if SaveBestOnly or SaveTopK; nil for none

	// Not in Keras; most are PyTorch Lightning's.
	EveryNEpochs int           // saves at the end of every Nth epoch only; 0 is each epoch
	SaveInterval time.Duration // saves after the update at which so much time has passed since the last save; only one of it, SaveFreq in updates and EveryNEpochs is set
	SaveTopK     int           // saves what is among the best K, and removes what no longer is, of the files that it wrote itself; 0 removes none
	SaveLast     bool          // whenever it looks at the metric, best or not, saves to last.h5 (or whatever the suffix) in Filepath's directory too
	OnException  bool          // when training ends by an error or is cancelled, saves to exception.h5 there

	monitor  monitor
	template pathTemplate
	state    checkpointState
	used     bool // it has been in a fit: state is kept
	dir      string
	now      func() time.Time // nil while nothing is saved by time
	saved    time.Time        // the last time, or the beginning
}

type checkpointState struct {
	Best *float64   `json:"best"`
	Top  []keptFile `json:"top,omitempty"` // with SaveTopK: the best ones, in the order of their saves
}

// keptFile is one of the best files.
type keptFile struct {
	Path  string  `json:"path"` // as configured
	Value float64 `json:"value"`
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
		{"save_weights_only", &c.SaveWeightsOnly}, {"mode", &c.Mode}, {"save_freq", &c.SaveFreq}, {"initial_value_threshold", &c.InitialValueThreshold},
		{"every_n_epochs", &c.EveryNEpochs}, {"save_interval", &c.SaveInterval}, {"save_top_k", &c.SaveTopK}, {"save_last", &c.SaveLast},
		{"on_exception", &c.OnException},
	}
}

// Begin checks the settings and the path against s. The best values of an earlier fit stay.
func (c *ModelCheckpoint) Begin(s *Setup) error {
	if err := c.check(s); err != nil {
		return fmt.Errorf("callbacks: ModelCheckpoint: %w", err)
	}
	if c.used && c.dir != s.Dir {
		c.state.Top = nil // its files lie elsewhere
	}
	if !c.used {
		c.state.Best, c.used = c.InitialValueThreshold, true
	}
	c.dir, c.now = s.Dir, nil
	return nil
}

func (c *ModelCheckpoint) check(s *Setup) (err error) {
	if err := c.checkMonitor(s); err != nil {
		return err
	}
	switch {
	case c.Mode > Max:
		return fmt.Errorf("Mode is %s; the modes are Auto, Min, Max", c.Mode)
	case c.SaveFreq < 0:
		return fmt.Errorf("SaveFreq is %d; give a number of updates, or EveryEpoch (0)", c.SaveFreq)
	case c.EveryNEpochs < 0 || c.SaveInterval < 0 || c.SaveTopK < 0:
		return fmt.Errorf("EveryNEpochs is %d, SaveInterval %s and SaveTopK %d; none may be negative", c.EveryNEpochs, c.SaveInterval, c.SaveTopK)
	case c.EveryNEpochs > 0 && c.afterUpdates() || c.SaveFreq > 0 && c.SaveInterval > 0:
		return fmt.Errorf("EveryNEpochs is %d, SaveFreq %d updates and SaveInterval %s; set one of them", c.EveryNEpochs, c.SaveFreq, c.SaveInterval)
	case c.SaveTopK > 0 && c.SaveBestOnly:
		return fmt.Errorf("SaveTopK is %d and SaveBestOnly set; SaveTopK saves the best ones already, leave SaveBestOnly out", c.SaveTopK)
	case c.InitialValueThreshold != nil && !finite(*c.InitialValueThreshold):
		return fmt.Errorf("InitialValueThreshold is %g; give a finite value or none", *c.InitialValueThreshold)
	}
	if err := c.checkSuffix(); err != nil {
		return err
	}
	ints, floats := []string{"epoch"}, s.Names()
	if c.afterUpdates() {
		ints, floats = append(ints, "batch"), append(slices.Clone(s.Metrics), learningRateName)
	}
	if c.template, err = parseTemplate(c.Filepath, ints, floats); err != nil {
		return err
	}
	if c.SaveTopK > 1 && len(c.template.parts) == 1 {
		return fmt.Errorf("SaveTopK is %d and Filepath %q names one file; add a field, {epoch:02d} say", c.SaveTopK, c.Filepath)
	}
	for _, path := range c.fixedPaths() {
		if path == c.Filepath {
			return fmt.Errorf("%q is what SaveLast or OnException writes to; choose another name for Filepath", path)
		}
	}
	if s.Replay {
		return nil
	}
	return checkWritable(s.path(c.beside("x")))
}

// checkMonitor wants a metric that is known whenever it is looked at.
func (c *ModelCheckpoint) checkMonitor(s *Setup) (err error) {
	name := monitorName(c.Monitor)
	c.monitor = monitor{}
	switch {
	case c.SaveBestOnly || c.SaveTopK > 0:
		if c.monitor, err = newMonitor(s, name, c.Mode, 0); err != nil {
			return err
		}
		if c.afterUpdates() && !slices.Contains(s.Metrics, name) && name != learningRateName {
			return fmt.Errorf("%s is known at epoch ends only, and it saves after updates; save every epoch, or monitor one of %s", name, strings.Join(s.Metrics, ", "))
		}
	case name != defaultMonitor: // it is not used, but a wrong name is a slip
		return checkLogged(s, name)
	}
	return nil
}

func (c *ModelCheckpoint) checkSuffix() error {
	weights := strings.HasSuffix(c.Filepath, ".weights.h5")
	switch {
	case c.SaveWeightsOnly && !weights:
		return fmt.Errorf("SaveWeightsOnly writes Keras's weights format, and Filepath is %q; end it in .weights.h5", c.Filepath)
	case !c.SaveWeightsOnly && weights:
		return fmt.Errorf("%q is for weights alone, and SaveWeightsOnly is false; set it, or end Filepath in .h5 for a whole model", c.Filepath)
	case !isModelFile(c.Filepath):
		return fmt.Errorf("%q is no name of a model file; end Filepath in .h5 or .keras for a whole model, or in .weights.h5 with SaveWeightsOnly", c.Filepath)
	}
	return nil
}

// isModelFile says whether the suffix of a path is one of a model's files.
func isModelFile(path string) bool {
	return strings.HasSuffix(path, ".h5") || strings.HasSuffix(path, ".keras")
}

// beside is a path in the directory of Filepath that no field changes.
func (c *ModelCheckpoint) beside(name string) string { return c.template.fixedDirectory() + name }

// fixed is the path of SaveLast or OnException.
func (c *ModelCheckpoint) fixed(name string) string {
	suffix := c.Filepath[strings.LastIndexByte(c.Filepath, '.'):]
	if c.SaveWeightsOnly {
		suffix = ".weights.h5"
	}
	return c.beside(name + suffix)
}

// fixedPaths are the files that it writes beside those of the template.
func (c *ModelCheckpoint) fixedPaths() (paths []string) {
	if c.SaveLast {
		paths = append(paths, c.fixed("last"))
	}
	if c.OnException {
		paths = append(paths, c.fixed("exception"))
	}
	return paths
}

// afterUpdates says whether it saves after updates rather than at epoch ends.
func (c *ModelCheckpoint) afterUpdates() bool { return c.SaveFreq > 0 || c.SaveInterval > 0 }

// Watch starts the clock of SaveInterval.
func (c *ModelCheckpoint) Watch(e Event) error {
	if e.Kind == TrainBegin && c.SaveInterval > 0 {
		c.now, c.saved = time.Now, time.Now()
	}
	return nil
}

// BatchDue says whether a save falls on this update.
func (c *ModelCheckpoint) BatchDue(updates int) bool {
	return c.SaveFreq > 0 && updates%int(c.SaveFreq) == 0 || c.now != nil && c.now().Sub(c.saved) >= c.SaveInterval
}

// DecideBatch saves, or does not because nothing improved.
func (c *ModelCheckpoint) DecideBatch(m Moment) (*Decision, error) {
	if c.now != nil {
		c.saved = c.now()
	}
	return c.decide(m), nil
}

// DecideEpoch does so at epoch ends.
func (c *ModelCheckpoint) DecideEpoch(m Moment) (*Decision, error) {
	if c.afterUpdates() || (m.Epoch+1)%max(c.EveryNEpochs, 1) != 0 {
		return nil, nil
	}
	return c.decide(m), nil
}

func (c *ModelCheckpoint) decide(m Moment) *Decision {
	path := c.template.expand(m.Epoch+1, m.Batch+1, m.Logs)
	var d *Decision
	switch {
	case c.SaveTopK > 0:
		d = c.decideTop(path, m.Logs[c.monitor.name])
	case c.SaveBestOnly:
		d = c.decideBest(path, m.Logs[c.monitor.name])
	default:
		d = &Decision{Callback: c.Name(), Action: Save, Path: path, Reason: c.every()}
	}
	d.WeightsOnly = c.SaveWeightsOnly
	if c.SaveLast {
		d.Last = c.fixed("last")
	}
	if c.Verbose > 0 {
		d.say = fmt.Sprintf("Epoch %d: %s", m.Epoch+1, d.Reason)
		if paths := d.saves(); paths != nil {
			d.say += ", saving the model to " + strings.Join(paths, " and ")
		}
	}
	return d
}

// every says when it saves whatever the metrics are.
func (c *ModelCheckpoint) every() string {
	switch {
	case c.SaveFreq > 0:
		return fmt.Sprintf("every %d updates", c.SaveFreq)
	case c.SaveInterval > 0:
		return fmt.Sprintf("every %s", c.SaveInterval)
	case c.EveryNEpochs > 1:
		return fmt.Sprintf("every %d epochs", c.EveryNEpochs)
	default:
		return "every epoch"
	}
}

// decideBest saves what is better than everything before.
func (c *ModelCheckpoint) decideBest(path string, value float64) *Decision {
	d := c.monitor.decision(c.Name(), value, c.state.Best)
	if before := c.state.Best; c.monitor.improved(value, before) {
		c.state.Best = &value
		d.undo = func() { c.state.Best = before } // what was not saved must not stand in the way of a later save
		d.Action, d.Path = Save, path
	}
	d.Best = c.state.Best
	return d
}

// decideTop saves what is better than the least of the best K, which then goes.
func (c *ModelCheckpoint) decideTop(path string, value float64) *Decision {
	bar := c.InitialValueThreshold
	if len(c.state.Top) >= c.SaveTopK {
		bar = &c.state.Top[c.worst(c.state.Top)].Value
	}
	d := c.monitor.decision(c.Name(), value, bar)
	d.Best = c.state.Best
	if !c.monitor.improved(value, bar) {
		if finite(value) {
			d.Reason = fmt.Sprintf("%s %s is not among the best %d, beyond %s", c.monitor.name, short(value), c.SaveTopK, short(*bar))
		}
		return d
	}
	before, best := c.state.Top, c.state.Best
	d.undo = func() { c.state.Top, c.state.Best = before, best }
	// A file of the same name is written over, and needs no other to go.
	top := slices.DeleteFunc(slices.Clone(before), func(f keptFile) bool { return f.Path == path })
	for len(top) >= c.SaveTopK {
		worst := c.worst(top)
		d.Removes = append(d.Removes, top[worst].Path)
		top = slices.Delete(top, worst, worst+1)
	}
	c.state.Top = append(top, keptFile{path, value})
	if c.monitor.improved(value, best) {
		c.state.Best = &value
	}
	d.Action, d.Path, d.Best = Save, path, c.state.Best
	d.Reason = fmt.Sprintf("%s %s is among the best %d", c.monitor.name, short(value), c.SaveTopK)
	return d
}

// worst is the index of the worst of some files, of equal ones the oldest.
func (c *ModelCheckpoint) worst(files []keptFile) int {
	worst := 0
	for i, f := range files {
		if c.monitor.improved(files[worst].Value, &f.Value) {
			worst = i
		}
	}
	return worst
}

// DecideEnd saves what an error or a cancelled context leaves.
func (c *ModelCheckpoint) DecideEnd(cause error) *Decision {
	if cause == nil || !c.OnException {
		return nil
	}
	d := &Decision{Callback: c.Name(), Action: Save, Path: c.fixed("exception"), WeightsOnly: c.SaveWeightsOnly, Reason: "training ends before its time: " + cause.Error()}
	if c.Verbose > 0 {
		d.say = "Saving the model to " + d.Path + ": " + d.Reason
	}
	return d
}

// State returns the best value, and with SaveTopK the best files, as JSON.
func (c *ModelCheckpoint) State() (json.RawMessage, error) { return json.Marshal(c.state) }

// Restore takes a State.
func (c *ModelCheckpoint) Restore(state json.RawMessage) error {
	return restoreState(c.Name(), state, &c.state)
}
