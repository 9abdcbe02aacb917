package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
	"github.com/meseta-go/meseta"
	"github.com/meseta-go/meseta/callbacks"
	"github.com/meseta-go/meseta/data/augment"
	"github.com/meseta-go/meseta/internal/fields"
	"github.com/meseta-go/meseta/kernels"
	"github.com/meseta-go/meseta/losses"
	"github.com/meseta-go/meseta/metrics"
	"github.com/meseta-go/meseta/optimizers"
	"github.com/spf13/cobra"
)

const runsDirectory = "runs"

// config is what a run is made of: the defaults, changed by a file, changed by flags.
type config struct {
	Model           string         `yaml:"model"`            // a name of package models, or a file
	Classes         int            `yaml:"classes"`          // outputs of an architecture by name; 0 means its own
	Image           int            `yaml:"image"`            // rows and columns of its images, likewise
	Data            string         `yaml:"data"`             // mnist, or a directory or archive, see dataKinds
	SkipBroken      bool           `yaml:"skip_broken"`      // images that cannot be read are left out
	Validation      string         `yaml:"val"`              // how much of the training data, as a number or a fraction, or a directory; empty: see loadData
	Augment         augment.List   `yaml:"augment"`          // random changes of training images, in order
	Epochs          int            `yaml:"epochs"`           // at most
	InitialEpoch    int            `yaml:"initial_epoch"`    // epochs that were made before
	Batch           int            `yaml:"batch"`            // samples in a step
	Steps           int            `yaml:"steps"`            // updates in all; 0 means as many as the epochs have
	Seed            uint64         `yaml:"seed"`             // of everything random
	Device          string         `yaml:"device"`           // auto, cpu, cuda or cuda:N
	Threads         int            `yaml:"threads"`          // 0 means all processors
	Exact           bool           `yaml:"exact"`            // without Winograd's convolution
	Workers         int            `yaml:"workers"`          // goroutines that read, decode and augment; 0 means as many as that takes
	Optimizer       choice         `yaml:"optimizer"`        // empty means the model's own
	Loss            choice         `yaml:"loss"`             // empty means the model's own
	Metrics         choices        `yaml:"metrics"`          // none means the model's own
	WeightedMetrics choices        `yaml:"weighted_metrics"` // in which samples count with their weights
	ClassWeight     classWeight    `yaml:"class_weight"`     // of samples in training; empty means 1
	LearningRate    float64        `yaml:"learning_rate"`    // 0 means the optimizer's default
	Save            string         `yaml:"save"`             // file for the model at the end; empty means none
	RunDir          string         `yaml:"run_dir"`          // empty means a new one in runs/
	Callbacks       callbacks.List `yaml:"callbacks"`

	usual bool // the callbacks are those of a run that names none
}

// defaultCallbacks are those of a run that names none. They watch validation data, and the accuracy, where there are such.
func defaultCallbacks(validation, accuracy bool) callbacks.List {
	prefix := ""
	if validation {
		prefix = "val_"
	}
	stop := callbacks.NewEarlyStopping()
	stop.Monitor, stop.Patience, stop.RestoreBestWeights, stop.Verbose = prefix+"loss", 3, true, 1
	checkpoint := callbacks.NewModelCheckpoint("mejor_modelo.h5")
	checkpoint.Monitor, checkpoint.Mode, checkpoint.SaveBestOnly, checkpoint.Verbose = prefix+"accuracy", callbacks.Max, true, 1
	if !accuracy {
		checkpoint.Monitor, checkpoint.Mode = prefix+"loss", callbacks.Min
	}
	plateau := callbacks.NewReduceLROnPlateau()
	plateau.Monitor, plateau.Factor, plateau.Patience, plateau.MinLR, plateau.Verbose = prefix+"loss", 0.5, 1, 1e-5, 1
	return callbacks.List{stop, checkpoint, plateau}
}

func defaultConfig() config {
	return config{
		Model: "mnist-cnn", Data: "mnist", Epochs: 12, Batch: 128, Seed: 1, Device: "auto",
		Callbacks: defaultCallbacks(true, true), usual: true,
	}
}

// addConfig adds the flags that change a configuration.
func addConfig(c *cobra.Command) {
	d := defaultConfig()
	f := c.Flags()
	f.String("config", "", "YAML file with these settings and callbacks")
	f.String("model", d.Model, "name of an architecture, or a .h5 or .keras file, or a .json one of Keras's to_json")
	f.Int("classes", 0, "classes that an architecture by name tells apart (its own)")
	f.Int("image", 0, "rows and columns of the images of an architecture by name (its own)")
	f.String("data", d.Data, "mnist, or "+dataKinds)
	addSkipBroken(c)
	f.String("val", d.Validation, "validation data: how many of the last training samples (of class folders and arrays: of all), a fraction of them, or a directory (the folder val beside train, or a tenth, at most 5000)")
	f.Int("epochs", d.Epochs, "passes over the data, at most")
	f.Int("initial-epoch", 0, "epochs that were made before, of a model's file that goes on")
	f.Int("batch", d.Batch, "samples in a step")
	f.Int("steps", 0, "updates in all, instead of epochs")
	f.Uint64("seed", d.Seed, "seed of everything random")
	f.String("optimizer", "", "one of "+strings.Join(optimizers.Names(), ", ")+" with Keras's defaults (the model's own)")
	f.String("loss", "", "one of "+strings.Join(losses.Names(), ", ")+" with Keras's defaults (the model's own)")
	f.Float64("lr", 0, "learning rate to start with (the optimizer's default)")
	f.String("save", "", "file for the model at the end (.h5, .keras, .weights.h5)")
	f.String("run-dir", "", "directory for what the run leaves (a new one in "+runsDirectory+"/)")
	addDevice(c)
}

// resolve gives the configuration of a command line.
func resolve(c *cobra.Command) (config, error) {
	cfg := defaultConfig()
	f := c.Flags()
	if file, _ := f.GetString("config"); file != "" {
		text, err := os.ReadFile(file)
		if err != nil {
			return cfg, err
		}
		if err := readConfig(file, text, &cfg); err != nil {
			return cfg, err
		}
	}
	on, err := device(c)
	if err != nil {
		return cfg, err
	}
	set := func(name string, to func() error) {
		if f.Changed(name) && err == nil {
			err = to()
		}
	}
	set("model", func() (err error) { cfg.Model, err = f.GetString("model"); return })
	set("classes", func() (err error) { cfg.Classes, err = f.GetInt("classes"); return })
	set("image", func() (err error) { cfg.Image, err = f.GetInt("image"); return })
	set("data", func() (err error) { cfg.Data, err = f.GetString("data"); return })
	set("skip-broken", func() (err error) { cfg.SkipBroken, err = f.GetBool("skip-broken"); return })
	set("val", func() (err error) { cfg.Validation, err = f.GetString("val"); return })
	set("epochs", func() (err error) { cfg.Epochs, err = f.GetInt("epochs"); return })
	set("initial-epoch", func() (err error) { cfg.InitialEpoch, err = f.GetInt("initial-epoch"); return })
	set("batch", func() (err error) { cfg.Batch, err = f.GetInt("batch"); return })
	set("steps", func() (err error) { cfg.Steps, err = f.GetInt("steps"); return })
	set("seed", func() (err error) { cfg.Seed, err = f.GetUint64("seed"); return })
	set("optimizer", func() (err error) {
		cfg.Optimizer.arguments = nil
		cfg.Optimizer.name, err = f.GetString("optimizer")
		return
	})
	set("loss", func() (err error) {
		cfg.Loss.arguments = nil
		cfg.Loss.name, err = f.GetString("loss")
		return
	})
	set("lr", func() (err error) {
		if cfg.LearningRate, err = f.GetFloat64("lr"); cfg.LearningRate == 0 {
			err = usageError{errors.New("--lr 0: want more than 0; leave it out for the optimizer's own")}
		}
		return
	})
	set("save", func() (err error) { cfg.Save, err = f.GetString("save"); return })
	set("run-dir", func() (err error) { cfg.RunDir, err = f.GetString("run-dir"); return })
	set("device", func() error { cfg.Device = on.device; return nil })
	set("threads", func() error { cfg.Threads = on.threads; return nil })
	set("exact", func() error { cfg.Exact = on.exact; return nil })
	if err != nil {
		return cfg, err
	}
	return cfg, cfg.check()
}

// readConfig reads a configuration over cfg.
func readConfig(file string, text []byte, cfg *config) error {
	if !utf8.Valid(text) {
		return usageError{fmt.Errorf("%s is no text, so no configuration; want a YAML file", file)}
	}
	err := decodeConfig(text, cfg)
	if err == nil {
		err = cfg.readKeys(text)
	}
	if err != nil {
		return usageError{fmt.Errorf("%s: %w", file, err)}
	}
	return nil
}

// decodeConfig decodes a configuration over cfg. Where that fails it does so again for each setting, for an error that says which one it is about.
func decodeConfig(text []byte, cfg *config) error {
	parsed, err := parser.ParseBytes(text, 0)
	if err != nil {
		return err
	}
	if len(parsed.Docs) == 0 || parsed.Docs[0].Body == nil {
		return nil // nothing but comments
	}
	body := parsed.Docs[0].Body
	settings, ok := body.(ast.MapNode)
	if !ok && body.Type() != ast.AnchorType { // a mapping may have a name
		return errors.New("it has no settings; want them as a YAML mapping, epochs: 5 say")
	}
	whole := yaml.UnmarshalWithOptions(text, cfg, yaml.Strict())
	if whole == nil || !ok {
		return whole
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text), yaml.Strict())
	for i := settings.MapRange(); i.Next(); {
		key := i.Key().GetToken()
		if err := decoder.DecodeFromNode(i.KeyValue(), cfg); err != nil {
			return fmt.Errorf("line %d: %w", key.Position.Line, wrongSetting(key.Value, err))
		}
	}
	return whole
}

// wrongSetting says which setting an error of decoding is about, what stands there and what is wanted.
func wrongSetting(name string, err error) error {
	var unknown *yaml.UnknownFieldError
	var mistyped *yaml.TypeError
	var large *yaml.OverflowError
	switch {
	case errors.As(err, &unknown):
		return settingError(name)
	case errors.As(err, &mistyped):
		return fmt.Errorf("%s: %s: %s is wanted", name, standing(mistyped.Token), fields.Kind(mistyped.DstType))
	case errors.As(err, &large):
		return fmt.Errorf("%s: %s: %s is wanted, of at most 64 bits", name, large.SrcNum, fields.Kind(large.DstType))
	case strings.HasPrefix(err.Error(), name):
		return err
	}
	return fmt.Errorf("%s: %w", name, err)
}

// standing is a value of a configuration in an error.
func standing(t *token.Token) string {
	switch t.Type {
	case token.SequenceStartType, token.SequenceEntryType:
		return "a list"
	case token.MappingStartType, token.MappingValueType:
		return "a mapping"
	}
	if t.Value == "" {
		return `""`
	}
	return t.Value
}

// readKeys refuses fractions where YAML would cut them off, and finds out whether callbacks are named.
func (c *config) readKeys(text []byte) error {
	var values map[string]any
	if err := yaml.Unmarshal(text, &values); err != nil {
		return err
	}
	if _, named := values["callbacks"]; named {
		c.usual = false
	}
	for _, key := range []string{"classes", "image", "epochs", "initial_epoch", "batch", "steps", "seed", "threads", "workers"} {
		if x, ok := values[key].(float64); ok && x != math.Trunc(x) {
			return usageError{fmt.Errorf("%s is %g, want a whole number", key, x)}
		}
	}
	return nil
}

// check finds settings that cannot be meant.
func (c config) check() error {
	var wrong []error
	no := func(format string, args ...any) { wrong = append(wrong, fmt.Errorf(format, args...)) }
	if c.Classes < 0 || c.Classes == 1 {
		no("classes is %d, want 2 or more, or 0 for the architecture's own", c.Classes)
	}
	if c.Image < 0 {
		no("image is %d, want 1 or more, or 0 for the architecture's own", c.Image)
	}
	if c.Epochs < 1 {
		no("epochs is %d, want 1 or more", c.Epochs)
	}
	if c.InitialEpoch < 0 || c.Steps == 0 && c.Epochs > 0 && c.InitialEpoch >= c.Epochs {
		no("initial_epoch is %d, want 0 or more and less than the %d epochs in all", c.InitialEpoch, c.Epochs)
	}
	if c.Batch < 1 {
		no("batch is %d, want 1 or more", c.Batch)
	}
	if c.Steps < 0 {
		no("steps is %d, want 1 or more, or 0 for all epochs", c.Steps)
	}
	if err := kernels.CheckDevice(c.Device); err != nil {
		no("device: %w", err)
	}
	if c.Threads < 0 {
		no("threads is %d, want 1 or more, or 0 for all processors", c.Threads)
	}
	if c.Workers < 0 {
		no("workers is %d, want 1 or more, or 0 for as many as reading takes", c.Workers)
	}
	if _, err := c.Optimizer.optimizer(); err != nil {
		wrong = append(wrong, err)
	}
	if _, err := c.Loss.loss(); err != nil {
		wrong = append(wrong, err)
	}
	for _, list := range []choices{c.Metrics, c.WeightedMetrics} {
		if _, err := chosenMetrics(list); err != nil {
			wrong = append(wrong, err)
		}
	}
	if !(c.LearningRate >= 0 && c.LearningRate <= math.MaxFloat32) { // NaN among them
		no("learning_rate is %g, want more than 0", c.LearningRate)
	}
	if len(wrong) > 0 {
		return usageError{errors.Join(wrong...)}
	}
	return nil
}

// suitCallbacks makes callbacks that the configuration does not name suit the model.
func (c *config) suitCallbacks(m *meseta.Model) {
	if !c.usual {
		return
	}
	t, _ := m.Training()
	n, err := strconv.ParseFloat(c.Validation, 64)
	c.Callbacks = defaultCallbacks(err != nil || n != 0, slices.ContainsFunc(t.Metrics, func(m metrics.Metric) bool { return m.Name() == "accuracy" }))
}

// title is what pictures and reports of the run are called.
func (c config) title() string { return filepath.Base(c.Model) + " on " + filepath.Base(c.Data) }

// makeRunDirectory makes the run's directory and writes the configuration into it. An empty directory will do, one that holds
// anything is an error, so that no run is written over. made says whether the directory is new.
func (c *config) makeRunDirectory() (made bool, err error) {
	if c.RunDir == "" {
		if err := os.MkdirAll(runsDirectory, 0o777); err != nil {
			return false, err
		}
		base := filepath.Base(c.Model)
		base = base[:len(base)-len(filepath.Ext(base))]
		for i := 1; !made; i++ {
			c.RunDir = filepath.Join(runsDirectory, base+"-"+strconv.Itoa(i))
			if err := os.Mkdir(c.RunDir, 0o777); err == nil {
				made = true
			} else if !errors.Is(err, os.ErrExist) {
				return false, err
			}
		}
	}
	if _, err := os.Stat(c.RunDir); errors.Is(err, os.ErrNotExist) {
		made = true
	}
	if err := os.MkdirAll(c.RunDir, 0o777); err != nil {
		return made, err
	}
	entries, err := os.ReadDir(c.RunDir)
	if err != nil {
		return made, err
	}
	if len(entries) > 0 {
		return made, fmt.Errorf("%s holds %s already; name another directory with --run-dir, or remove it", c.RunDir, entries[0].Name())
	}
	text, err := yaml.Marshal(c)
	if err != nil {
		return made, err
	}
	if err = os.WriteFile(c.configFile(), text, 0o666); err != nil {
		_ = os.Remove(c.configFile()) // half of it, where the disk is full
	}
	return made, err
}

func (c config) configFile() string { return filepath.Join(c.RunDir, "config.yaml") }

// leave is for a run that failed. One that had not begun, so that there is no more than its configuration, leaves nothing, and the same
// command will do when what was wrong is mended; of others it says where to find what they left. made is makeRunDirectory's.
func (c config) leave(made bool, say io.Writer) {
	entries, err := os.ReadDir(c.RunDir)
	if err == nil && len(entries) == 1 && entries[0].Name() == filepath.Base(c.configFile()) {
		if os.Remove(c.configFile()) == nil && made {
			os.Remove(c.RunDir)
		}
		return
	}
	fmt.Fprintf(say, "the run did not end by itself; what it left lies in %s\n", c.RunDir)
}
