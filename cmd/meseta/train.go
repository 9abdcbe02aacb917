package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/meseta-go/meseta"
	"github.com/meseta-go/meseta/callbacks"
	"github.com/meseta-go/meseta/checkpoint"
	"github.com/meseta-go/meseta/data"
	"github.com/meseta-go/meseta/optimizers"
	"github.com/meseta-go/meseta/report"
	"github.com/spf13/cobra"
)

func newTrain() *cobra.Command {
	c := &cobra.Command{
		Use:   "train",
		Short: "Train a model; without flags, mnist-cnn on the embedded MNIST",
		Long: `Train a model and leave in a run directory: the resolved configuration (config.yaml), what each epoch measured (history.csv), every
decision of a callback with its reason (journal.jsonl), curves (curves.png), a page about all of it (report.html), and what the callbacks save.

Without flags it trains mnist-cnn on the embedded MNIST for at most 12 epochs, validating on the last 5,000 training images, with early
stopping on val_loss (patience 3, best weights restored), a checkpoint of the best val_accuracy (mejor_modelo.h5, which Keras opens) and a lower
learning rate when val_loss stops falling. At the end it measures the test images once.`,
		Example: `  meseta train --model resnet20 --classes 3 --data photos             # photos/CLASS/*.jpg, of three classes
  meseta train --config run.yaml --lr 0.001                           # settings of a file (docs/training.md), flags before them
  meseta train --model runs/resnet20-1/mejor_modelo.h5 --data photos  # goes on with a model, its optimizer and its learning rate`,
		Args: exactly(),
		RunE: train,
	}
	addConfig(c)
	return c
}

// result is what train prints as JSON.
type result struct {
	RunDir     string         `json:"run_dir"`
	Epochs     int            `json:"epochs"`
	Updates    int64          `json:"updates"`
	StopReason string         `json:"stop_reason"`
	Seconds    float64        `json:"seconds"`
	Test       callbacks.Logs `json:"test,omitempty"`
	Saved      string         `json:"saved,omitempty"`
}

func train(c *cobra.Command, _ []string) (err error) {
	start := time.Now()
	cfg, err := resolve(c)
	if err != nil {
		return err
	}
	if cfg.Save != "" {
		if err := prepareSave(cfg.Save); err != nil {
			return err
		}
	}
	model, err := openModel(c, cfg)
	if errors.Is(err, optimizers.ErrConfig) {
		return usageError{err}
	}
	if err != nil {
		return err
	}
	defer model.Close()
	cfg.suitCallbacks(model)
	made, err := cfg.makeRunDirectory()
	if err != nil {
		return err
	}
	say := c.ErrOrStderr()
	defer func() {
		if err != nil {
			cfg.leave(made, say)
		}
	}()
	fmt.Fprintf(say, "%s on %s, in %s\n", cfg.Model, cfg.Data, cfg.RunDir)
	sayTraining(say, model)
	if n := model.Epochs(); n != cfg.InitialEpoch {
		fmt.Fprintf(say, "%s has been trained for %s; --initial-epoch %d counts on from there\n", cfg.Model, count(n, "epoch"), n)
	}
	g, err := model.Graph()
	if err != nil {
		return err
	}
	sets, err := loadData(sourceFor(g, cfg.Data, cfg.Seed, cfg.SkipBroken, say), cfg.Validation)
	if err != nil {
		return err
	}
	if takesBytes(g) && data.Divisor(sets.train) == 1 {
		fmt.Fprintf(say, "%s begins with a Rescaling of values from 0 to 255, so images have these\n", cfg.Model)
	}
	if err := fitClasses(cfg.Model, g.OutputShape().Size(), sets.train.Classes(), say); err != nil {
		return err
	}
	list, page, err := runCallbacks(cfg, c)
	if err != nil {
		return err
	}
	if sets.test != nil {
		page.Predictions = func() (*report.Predictions, error) {
			return model.Predictions(c.Context(), testName, sets.test, cfg.Batch)
		}
	}
	weights, err := cfg.ClassWeight.of(sets.train)
	if err != nil {
		return err
	}
	history, err := model.Fit(c.Context(), sets.train, meseta.FitOptions{
		ClassWeight: weights,
		Epochs:      cfg.Epochs, InitialEpoch: cfg.InitialEpoch, BatchSize: cfg.Batch, Steps: cfg.Steps, Validation: sets.validation, Augment: cfg.Augment, Workers: cfg.Workers,
		Callbacks: list, Dir: cfg.RunDir, Log: say,
	})
	if err != nil {
		return callbacks.InConfiguration(err)
	}
	r := result{RunDir: cfg.RunDir, Epochs: len(history.Epoch), StopReason: history.StopReason}
	if r.Updates, err = model.Updates(); err != nil {
		return err
	}
	if sets.test != nil {
		if r.Test, err = model.Evaluate(c.Context(), sets.test, cfg.Batch); err != nil {
			return err
		}
		if err := page.Complete(func(p *report.Run) { p.TestName, p.Test = testName, r.Test }); err != nil {
			return err
		}
	}
	if cfg.Save != "" {
		if err := model.Save(cfg.Save); err != nil {
			return err
		}
		r.Saved = cfg.Save
	}
	r.Seconds = time.Since(start).Seconds()
	if wantsJSON(c) {
		return printJSON(c, r)
	}
	return printResult(c, r)
}

func printResult(c *cobra.Command, r result) error {
	out := c.OutOrStdout()
	fmt.Fprintf(out, "%s, %s in %.1f s; %s\n", count(r.Epochs, "epoch"), count(r.Updates, "update"), r.Seconds, r.StopReason)
	if r.Test != nil {
		fmt.Fprintf(out, "test: %s\n", spell(r.Test))
	}
	if r.Saved != "" {
		fmt.Fprintf(out, "saved: %s\n", r.Saved)
	}
	_, err := fmt.Fprintf(out, "run: %s\n", r.RunDir)
	return err
}

// count writes how many things there are.
func count[N int | int64](n N, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return fmt.Sprintf("%d %s", n, thing)
}

// spell writes metrics for people: loss first, accuracies as percentages.
func spell(logs callbacks.Logs) string {
	s := ""
	if loss, ok := logs["loss"]; ok {
		s = fmt.Sprintf("loss %.4f", loss)
	}
	for _, name := range logs.Names() {
		switch name {
		case "loss":
		case "accuracy":
			s += fmt.Sprintf(", accuracy %.2f %%", 100*logs[name])
		default:
			s += fmt.Sprintf(", %s %.4f", name, logs[name])
		}
	}
	return s
}

// testName is what reports call the test data.
const testName = "test data"

// runCallbacks are those of the configuration and the ones that every run has, of which the second result is the report.
func runCallbacks(cfg config, c *cobra.Command) ([]callbacks.Callback, *callbacks.Report, error) {
	list := append([]callbacks.Callback{}, cfg.Callbacks...)
	have := map[string]bool{}
	var page *callbacks.Report
	for _, x := range list {
		have[x.Name()] = true
		if r, ok := x.(*callbacks.Report); ok {
			page = r
		}
	}
	if page == nil {
		page = callbacks.NewReport()
	}
	for _, x := range []callbacks.Callback{
		&callbacks.ProgressBar{Output: c.ErrOrStderr()},
		&callbacks.CSVLogger{Filename: "history.csv"},
		callbacks.NewJournal(),
		&callbacks.Curves{Filename: "curves.png", Title: cfg.title()},
		page,
	} {
		if !have[x.Name()] {
			list = append(list, x)
		}
	}
	text, err := yaml.Marshal(cfg)
	if err != nil {
		return nil, nil, err
	}
	page.Configuration = string(text)
	page.Environment = []report.Setting{{Name: "meseta", Value: version()}}
	if page.Title == "" {
		page.Title = cfg.title()
	}
	return list, page, nil
}

// prepareSave finds out before training whether a model can be saved to path, and removes what a crash left of an earlier save.
func prepareSave(path string) error {
	if _, err := checkpoint.FormatOf(path); err != nil {
		return usageError{err}
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return err
	}
	if err := probe(filepath.Dir(path)); err != nil {
		return fmt.Errorf("%s cannot be saved: %w", path, err)
	}
	_, err := checkpoint.RemoveStale(path)
	return err
}
