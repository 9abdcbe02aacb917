package main

import (
	"fmt"
	"slices"
	"time"

	"github.com/meseta-go/meseta"
	"github.com/meseta-go/meseta/bench"
	"github.com/meseta-go/meseta/layers"
	"github.com/meseta-go/meseta/models"
	"github.com/meseta-go/meseta/plan"
	"github.com/meseta-go/meseta/random"
	"github.com/spf13/cobra"
)

func newBench() *cobra.Command {
	c := &cobra.Command{
		Use:   "bench",
		Short: "Measure speed",
		Args:  oneBelow,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	step := &cobra.Command{
		Use:   "step",
		Short: "Measure whole steps of a workload on synthetic data in memory",
		Long: `Measure whole steps of a workload on synthetic data in memory. A training step is forward, loss, backward and update.
On a GPU it is one as of a run of training: the batch is bytes, and the host reads the loss when it has started the next step.
The line that --json prints is the same for every workload; first_step_s counts from the start of the process.`,
		Args: exactly(),
		RunE: benchStep,
	}
	step.Flags().String("model", "mnist-cnn", "workload")
	step.Flags().String("mode", "train", "train or infer")
	step.Flags().Int("batch", 0, "samples in a step (the workload's own)")
	step.Flags().Int("image", 0, "rows and columns of an image (the workload's own)")
	step.Flags().Float64("seconds", 5, "how long to measure")
	step.Flags().String("precision", "float32", "float32")
	addDevice(step)
	c.AddCommand(step, newBenchOp(), newBenchPeak())
	return c
}

// positiveSeconds reads --seconds.
func positiveSeconds(c *cobra.Command) (time.Duration, error) {
	seconds, err := c.Flags().GetFloat64("seconds")
	if err == nil && !(seconds > 0) {
		err = usageError{fmt.Errorf("--seconds %g: want more than 0", seconds)}
	}
	return time.Duration(seconds * float64(time.Second)), err
}

// measured is the line of the bench contract.
type measured struct {
	Workload   string  `json:"workload"`
	Mode       string  `json:"mode"`
	Batch      int     `json:"batch"`
	Threads    int     `json:"threads"`
	Device     string  `json:"device"`
	Precision  string  `json:"precision"`
	Params     int     `json:"params"`
	Loss       float64 `json:"loss"`
	MedianRate float64 `json:"images_per_s_median"`
	BestRate   float64 `json:"images_per_s_best"`
	StepMS     float64 `json:"step_ms_min"`
	PeakRSS    int64   `json:"peak_rss_bytes"`
	FirstStep  float64 `json:"first_step_s"`
	GPUMemory  int64   `json:"gpu_memory_bytes,omitempty"` // in use at the end, by other programs too
}

func benchStep(c *cobra.Command, _ []string) error {
	f := c.Flags()
	name, _ := f.GetString("model")
	w, err := bench.Find(name)
	if err != nil {
		return usageError{err}
	}
	word, _ := f.GetString("mode")
	mode, err := parseMode(word)
	if err != nil || mode == plan.Evaluation {
		return usageError{fmt.Errorf("--mode %s: want train or infer", word)}
	}
	if p, _ := f.GetString("precision"); p != "float32" {
		return usageError{fmt.Errorf("--precision %s: float32 is all that there is", p)}
	}
	seconds, err := positiveSeconds(c)
	if err != nil {
		return err
	}
	batch, _ := f.GetInt("batch")
	if batch == 0 {
		batch = w.Batch
	}
	if batch < 1 {
		return usageError{fmt.Errorf("--batch %d: want 1 or more", batch)}
	}
	on, err := device(c)
	if err != nil {
		return err
	}
	side, err := f.GetInt("image")
	if err != nil {
		return err
	}
	g, err := models.Sized(name, side)
	if err != nil {
		return usageError{err}
	}
	m, training := meseta.FromGraph(g), usualTraining(name, g)
	sayDevice(c, on.device)
	training.Seed, training.Device, training.Threads, training.Exact = 1, on.device, on.threads, on.exact
	if err := m.Compile(training); err != nil {
		return err
	}
	defer m.Close()
	r, err := measure(m, mode, batch, seconds)
	if err != nil {
		return err
	}
	r.Workload, r.Mode, r.Precision = name, word, "float32"
	if wantsJSON(c) {
		return printJSON(c, r)
	}
	onGPU := ""
	if r.GPUMemory > 0 {
		onGPU = fmt.Sprintf(", %d MiB of the GPU's", r.GPUMemory>>20)
	}
	_, err = fmt.Fprintf(c.OutOrStdout(), "%s %s, batch %d, %s, %d threads: %.0f images/s (best %.0f), step %.2f ms at best, first after %.2f s, loss %.4f, %d MiB%s\n",
		r.Workload, r.Mode, r.Batch, r.Device, r.Threads, r.MedianRate, r.BestRate, r.StepMS, r.FirstStep, r.Loss, r.PeakRSS>>20, onGPU)
	return err
}

// A GPU's steps are timed many in a row, since the host runs ahead of it, and after it has worked for a while, since its clocks rise with that.
const (
	enoughOnGPU = 20 * time.Millisecond
	warmUpOnGPU = 500 * time.Millisecond
)

// measure steps on one batch until the time is up.
func measure(m *meseta.Model, mode plan.Mode, batch int, d time.Duration) (measured, error) {
	g, err := m.Graph()
	if err != nil {
		return measured{}, err
	}
	trainable, _ := g.Parameters()
	r := measured{Batch: batch, Params: trainable}
	if r.Device, r.Threads, err = m.Device(); err != nil {
		return r, err
	}
	_, total, err := m.DeviceMemory()
	if err != nil {
		return r, err
	}
	var enough, warmUp time.Duration
	stepper := stepOnNumbers
	if total > 0 {
		enough, warmUp = enoughOnGPU, warmUpOnGPU
		if mode == plan.Training {
			stepper = stepAhead
		}
	}
	step, end, err := stepper(m, g, mode, batch)
	if err != nil {
		return r, err
	}
	if _, err = step(); err != nil { // it finds cold caches
		return r, err
	}
	r.FirstStep = sinceProcessStart().Seconds()
	for begin := time.Now(); time.Since(begin) < warmUp; {
		if _, err = step(); err != nil {
			return r, err
		}
	}
	var times []float64
	for begin := time.Now(); time.Since(begin) < d || len(times) < 2; {
		steps, t := 0, time.Now()
		for steps == 0 || time.Since(t) < enough {
			if r.Loss, err = step(); err != nil {
				return r, err
			}
			steps++
		}
		times = append(times, time.Since(t).Seconds()/float64(steps))
	}
	if err := end(); err != nil {
		return r, err
	}
	slices.Sort(times)
	r.MedianRate = float64(batch) / times[len(times)/2]
	r.BestRate = float64(batch) / times[0]
	r.StepMS = times[0] * 1e3
	r.PeakRSS = peakRSS()
	r.GPUMemory, _, err = m.DeviceMemory()
	return r, err
}

// syntheticLabels are labels of the classes that a network tells apart.
func syntheticLabels(g *layers.Graph, batch int, s *random.Stream) []int32 {
	labels, out := make([]int32, batch), g.OutputShape()
	for i := range labels {
		labels[i] = int32(s.Uint32n(uint32(out[len(out)-1])))
	}
	return labels
}

// stepOnNumbers gives a step on a batch of normally distributed numbers, which is over when it returns, so that there is nothing to end.
func stepOnNumbers(m *meseta.Model, g *layers.Graph, mode plan.Mode, batch int) (step func() (loss float64, err error), end func() error, err error) {
	x := make([]float32, batch*g.Input().Size())
	s := &random.Stream{Seed: 1, Purpose: random.Synthetic}
	for i := range x {
		x[i] = s.Normal()
	}
	labels := syntheticLabels(g, batch, s)
	run, err := m.Stepper(mode, batch)
	return func() (float64, error) { return run(x, labels) }, func() error { return nil }, err
}

// stepAhead gives a training step on a batch of bytes as Fit does it on a GPU: it waits for the step before when it has started its own, and gives the loss of
// that. The first one waits for itself; end waits for the last.
func stepAhead(m *meseta.Model, g *layers.Graph, mode plan.Mode, batch int) (step func() (loss float64, err error), end func() error, err error) {
	p, err := m.Plan(mode, batch)
	if err != nil {
		return nil, nil, err
	}
	x := make([]byte, batch*g.Input().Size())
	s := &random.Stream{Seed: 1, Purpose: random.Synthetic}
	for i := range x {
		x[i] = byte(s.Uint32n(256))
	}
	labels, losses := syntheticLabels(g, batch, s), make([]float32, batch)
	var last plan.Step
	started := false
	step = func() (float64, error) {
		p.SetBytes(x, 255, nil, labels)
		next, err := p.Start()
		if err != nil {
			return 0, err
		}
		if !started {
			last, started = next, true
		}
		over := last
		last = next
		if err := over.Wait(); err != nil {
			return 0, err
		}
		loss := over.MeanLoss(losses)
		if !over.Applied() {
			return loss, fmt.Errorf("the loss of a step is %g, and the update was not applied", loss)
		}
		return loss, nil
	}
	return step, func() error { return last.Wait() }, nil
}
