package callbacks

import (
	"fmt"
	"slices"

	"github.com/meseta-go/meseta/report"
)

// Curves draws loss, metrics and learning rate into a PNG file when training ends, on every way out, with marks where
// callbacks saved, lowered the rate, stopped and took the best weights.
type Curves struct {
	Filename string // default curves.png; relative paths lie under the run directory
	Title    string // stands above the panels; may be empty

	path    string
	metrics []string
	history *History
	marks   []report.Mark
}

// NewCurves returns curves in curves.png.
func NewCurves() *Curves { return &Curves{Filename: defaultCurves} }

const defaultCurves = "curves.png"

// Name returns curves.
func (*Curves) Name() string { return "curves" }

func (c *Curves) parameters() []parameter {
	return []parameter{{"filename", &c.Filename}, {"title", &c.Title}}
}

// Begin checks that the file can be written.
func (c *Curves) Begin(s *Setup) error {
	name := c.Filename
	if name == "" {
		name = defaultCurves
	}
	c.path, c.metrics, c.history, c.marks = s.path(name), slices.Clone(s.Metrics), newHistory(), nil
	if s.Replay {
		return nil
	}
	if err := checkLogFile(c.path); err != nil {
		return fmt.Errorf("callbacks: Curves: %w", err)
	}
	return nil
}

// Watch gathers epochs and decisions, and draws at the end.
func (c *Curves) Watch(e Event) error {
	if e.Kind == EpochEnd {
		c.history.add(e.Epoch, e.Logs)
	}
	if e.Record != nil {
		c.mark(e.Record)
	}
	if e.Kind != TrainEnd || len(c.history.Epoch) == 0 {
		return nil
	}
	return report.Curves{
		Title: c.Title, Epochs: c.history.Epoch, Metrics: c.history.Metrics, Order: c.metrics, Marks: c.marks,
	}.WriteFile(c.path)
}

func (c *Curves) mark(r *Record) {
	for _, d := range r.Decisions {
		if mark, ok := markOf(r, d); ok {
			c.marks = append(c.marks, mark)
		}
	}
}

// markOf is how a decision is drawn, if it is.
func markOf(r *Record, d Decision) (mark report.Mark, ok bool) {
	mark = report.Mark{Epoch: r.Epoch, Metric: d.Metric}
	switch d.Action {
	case Save:
		mark.Kind = report.MarkSave
	case ReduceLR:
		mark.Kind = report.MarkReduceLR
	case Stop:
		mark.Kind = report.MarkStop
	case Restore:
		if d.BestEpoch == nil { // of another package's callback
			return mark, false
		}
		mark.Kind, mark.Epoch = report.MarkRestore, *d.BestEpoch
	default:
		return mark, false
	}
	return mark, true
}
