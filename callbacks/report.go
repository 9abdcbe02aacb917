package callbacks

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/meseta-go/meseta/report"
)

// Report writes an HTML page about the run: curves with what callbacks decided, learning rate, throughput, the decisions and
// their reasons, and, of a Run that is Described, the network, which classes it mixes up, and some of its predictions. The page is
// one file that loads nothing.
//
// It is written anew after epochs, as often as that costs less than a fiftieth of the time, and on every way out.
type Report struct {
	Filename      string           // default report.html; relative paths lie under the run directory
	Title         string           // may be empty
	Configuration string           // shown as it is; may be empty
	Environment   []report.Setting // shown in front of what the run says of itself

	// Predictions, if set, is asked for predictions once training ended by itself, in place of the run, which has those of the
	// validation data. A nil result shows none.
	Predictions func() (*report.Predictions, error)

	path      string
	validated bool
	run       Run
	history   *History
	speed     Throughput
	page      report.Run
	now       func() time.Time
	steps     int // in an epoch
	stride    int // updates from one noted rate to the next
	begun     time.Time
	written   time.Time     // last
	cost      time.Duration // of writing
}

// Described is a Run that can say what it is, for Report.
type Described interface {
	// Describe gives the network and what it is trained with and on.
	Describe() (*report.Network, []report.Setting)

	// Predictions applies the network to validation data; the result is nil if there are none, or it does not classify them.
	Predictions() (*report.Predictions, error)
}

// NewReport returns a report in report.html.
func NewReport() *Report { return &Report{Filename: defaultReport} }

const (
	defaultReport = "report.html"
	// Writing may take this part of the time.
	reportShare = 50
	// So many learning rates of updates are noted: then every second is dropped.
	maxRates = 2000
)

// Name returns report.
func (*Report) Name() string { return "report" }

func (c *Report) parameters() []parameter {
	return []parameter{{"filename", &c.Filename}, {"title", &c.Title}}
}

// Begin checks that the file can be written.
func (c *Report) Begin(s *Setup) error {
	name := c.Filename
	if name == "" {
		name = defaultReport
	}
	c.path, c.validated, c.run, c.history, c.speed, c.stride = s.path(name), s.Validation, s.Run, newHistory(), Throughput{}, 1
	c.page, c.written, c.cost = report.Run{}, time.Time{}, 0
	if c.now == nil {
		c.now = time.Now
	}
	c.speed.now = c.now
	if s.Replay {
		return nil
	}
	if err := checkLogFile(c.path); err != nil {
		return fmt.Errorf("callbacks: Report: %w", err)
	}
	c.page = report.Run{Title: c.Title, State: report.Running, Configuration: c.Configuration, Environment: slices.Clone(c.Environment)}
	c.page.Curves.Order, c.page.Rates = slices.Clone(s.Metrics), make([]report.Rate, 0, maxRates)
	c.steps = s.StepsPerEpoch
	if described, ok := s.Run.(Described); ok {
		var settings []report.Setting
		c.page.Network, settings = described.Describe()
		c.page.Environment = append(c.page.Environment, settings...)
	}
	return c.speed.Begin(s)
}

// Watch gathers epochs and decisions, and writes.
func (c *Report) Watch(e Event) error {
	if err := c.speed.Watch(e); err != nil {
		return err
	}
	if e.Record != nil {
		c.note(e.Record)
	}
	if e.Kind == EpochEnd || e.Kind == TrainEnd {
		c.page.Duration = c.now().Sub(c.begun)
	}
	switch e.Kind {
	case TrainBegin:
		c.begun = c.now()
	case BatchEnd:
		c.noteRate(e)
	case EpochEnd:
		c.history.add(e.Epoch, e.Logs)
		c.page.Throughput = append(c.page.Throughput, c.speed.Epochs[len(c.speed.Epochs)-1].SamplesPerSecond())
		if c.now().Sub(c.written) >= reportShare*c.cost {
			return c.write()
		}
	case TrainEnd:
		return c.end(e)
	}
	return nil
}

// end writes the report of a run that is over.
func (c *Report) end(e Event) (err error) {
	c.page.Reason = e.Record.Reason
	switch stopped := slices.ContainsFunc(c.page.Curves.Marks, func(m report.Mark) bool { return m.Kind == report.MarkStop }); {
	case errors.Is(e.Err, context.Canceled), errors.Is(e.Err, context.DeadlineExceeded):
		c.page.State = report.Interrupted
	case e.Err != nil:
		c.page.State = report.Failed
	case stopped:
		c.page.State = report.Stopped
	default:
		c.page.State = report.Finished
	}
	if e.Err == nil { // who interrupts a run does not want to wait for more
		err = c.predict()
	}
	return errors.Join(err, c.write())
}

func (c *Report) predict() (err error) {
	ask := c.Predictions
	if described, ok := c.run.(Described); ok && ask == nil {
		ask = described.Predictions
	}
	if ask == nil {
		return nil
	}
	if c.page.Predictions, err = ask(); err != nil {
		return fmt.Errorf("predictions for the report: %w", err)
	}
	return nil
}

// Complete changes what the report says and writes it again, for what is known only after training, such as what was measured
// on test data.
func (c *Report) Complete(change func(*report.Run)) error {
	if c.history == nil || len(c.path) == 0 {
		return errors.New("callbacks: Report: there was no run to report on; fit a model with it first")
	}
	change(&c.page)
	return c.write()
}

func (c *Report) write() error {
	start := c.now()
	c.page.Curves.Epochs, c.page.Curves.Metrics = c.history.Epoch, c.history.Metrics
	c.setBest()
	err := c.page.WriteFile(c.path)
	c.written = c.now()
	c.cost = c.written.Sub(start)
	return err
}

// setBest finds the best epoch by the loss, unless weights were restored, which says it.
func (c *Report) setBest() {
	for _, d := range c.page.Curves.Marks {
		if d.Kind == report.MarkRestore {
			return
		}
	}
	metric := "loss"
	if c.validated {
		metric = "val_loss"
	}
	if epoch, value, ok := c.history.Best(metric, Min); ok {
		c.page.Best = &report.Best{Epoch: epoch, Metric: metric, Value: value}
	}
}

// noteRate takes down the learning rate of an update. It allocates nothing.
func (c *Report) noteRate(e Event) {
	if e.Batch.Step%c.stride != 0 {
		return
	}
	if len(c.page.Rates) == maxRates {
		for i := range maxRates / 2 {
			c.page.Rates[i] = c.page.Rates[2*i]
		}
		c.page.Rates = c.page.Rates[:maxRates/2]
		c.stride *= 2
	}
	c.page.Rates = append(c.page.Rates, report.Rate{Epochs: float64(e.Epoch) + float64(e.Batch.Index)/float64(c.steps), Rate: e.LearningRate})
}

// note takes down what was decided.
func (c *Report) note(r *Record) {
	for _, d := range r.Decisions {
		if mark, ok := markOf(r, d); ok {
			c.page.Curves.Marks = append(c.page.Curves.Marks, mark)
		}
		if d.Action == Restore && d.BestEpoch != nil && d.Best != nil {
			c.page.Best = &report.Best{Epoch: *d.BestEpoch, Metric: d.Metric, Value: *d.Best}
		}
		shown := report.Decision{Epoch: r.Epoch, Callback: d.Callback, Action: d.forPeople(), Reason: d.Reason}
		if r.Kind == RecordBatch {
			shown.Update = r.Step
		}
		c.page.Decisions = append(c.page.Decisions, shown)
	}
}

// forPeople says in words what was done.
func (d *Decision) forPeople() (text string) {
	switch d.Action {
	case Save:
		text = "saved " + d.Path
	case ReduceLR:
		text = "lowered the learning rate to " + short(d.LearningRate)
	case Stop:
		text = "stopped"
	case Restore:
		text = "restored the best weights"
		if d.BestEpoch != nil {
			text = fmt.Sprintf("restored the weights of epoch %d", *d.BestEpoch+1)
		}
	default:
		text = string(d.Action)
	}
	if d.Error != "" {
		text += ", which failed: " + d.Error
	}
	return text
}
