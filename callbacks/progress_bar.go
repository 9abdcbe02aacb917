package callbacks

import (
	"io"
	"os"

	"github.com/meseta-go/meseta/report"
)

// ProgressBar shows epochs, images per second, metrics, the learning rate and the time left: as a bar on a terminal, as
// plain lines elsewhere. It never holds a step up and never ends a run.
type ProgressBar struct {
	Output io.Writer // default standard error

	options  report.ProgressOptions
	progress *report.Progress
	samples  sampler
}

// sampler keeps the newest batch's Logs, and gives them as report wants them without an allocation for each batch.
type sampler struct {
	logs   func() Logs
	sample func() map[string]float64
}

// Name returns progress_bar.
func (*ProgressBar) Name() string { return "progress_bar" }

func (*ProgressBar) parameters() []parameter { return nil }

// Begin takes over the size of the run.
func (c *ProgressBar) Begin(s *Setup) error {
	c.options = report.ProgressOptions{Epochs: s.Epochs, StepsPerEpoch: s.StepsPerEpoch, Metrics: s.Names()}
	c.progress = nil
	c.samples.sample = func() map[string]float64 { return c.samples.logs() }
	return nil
}

// Watch shows what happens.
func (c *ProgressBar) Watch(e Event) error {
	if e.Kind == TrainBegin {
		output := c.Output
		if output == nil {
			output = os.Stderr
		}
		c.progress = report.NewProgress(output, c.options)
	}
	p := c.progress
	if p == nil {
		return nil
	}
	switch e.Kind {
	case EpochBegin:
		p.EpochBegin(e.Epoch, e.LearningRate)
	case BatchEnd:
		c.samples.logs = e.Batch.Logs
		p.Step(e.Batch.Index+1, e.Batch.Size, e.LearningRate, c.samples.sample)
	case TestBegin:
		p.TestBegin(e.Step)
	case TestBatchEnd:
		p.TestStep(e.Step + 1)
	case EpochEnd:
		p.EpochEnd(e.Logs, e.LearningRate)
	case TrainEnd:
		c.progress = nil
		_ = p.Close() // progress that cannot be shown must not make a run fail
	}
	return nil
}

// println shows a line beside the progress, if it is shown now.
func (c *ProgressBar) println(line string) bool {
	if c.progress == nil {
		return false
	}
	c.progress.Println(line)
	return true
}
