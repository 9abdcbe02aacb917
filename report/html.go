package report

import (
	_ "embed" // for the template
	"errors"
	"fmt"
	"html/template"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/meseta-go/meseta/internal/memory"
)

// Run is everything that a report of a training run shows. What is empty is left out.
type Run struct {
	Title    string
	State    State
	Reason   string        // why it ended
	Duration time.Duration // so far
	Best     *Best

	Curves     Curves    // its title is not used
	Rates      []Rate    // learning rates of updates, in their order; drawn where they change within an epoch
	Throughput []float64 // samples per second in training, for each epoch of the curves; 0 where it is not known
	Decisions  []Decision

	TestName    string // what Test was measured on
	Test        map[string]float64
	Predictions *Predictions

	Network       *Network
	Configuration string // text as it was given, YAML
	Environment   []Setting
}

// State is how far a run has come.
type State string

// The states of a run.
const (
	Running     State = "running"
	Finished    State = "finished"
	Stopped     State = "stopped early"
	Interrupted State = "interrupted"
	Failed      State = "failed"
)

// Best is the best epoch of a run.
type Best struct {
	Epoch  int // 0-based
	Metric string
	Value  float64
}

// Rate is the learning rate of an update.
type Rate struct {
	Epochs float64 // that passed before it
	Rate   float64
}

// Decision is what a callback decided.
type Decision struct {
	Epoch    int // 0-based
	Update   int // 1-based in the run: the decision came after it; 0 for one at the end of an epoch
	Callback string
	Action   string // for people: saved model.h5
	Reason   string
}

// Setting is a name and what it is set to.
type Setting struct{ Name, Value string }

//go:embed report.html
var pageText string

// pageTemplate is the template of a report.
var pageTemplate = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("report").Parse(pageText))
})

// WriteFile writes the report as an HTML file, which has its old content or the whole new one.
func (r *Run) WriteFile(path string) error {
	return writeWhole(path, ".report-*.html", r.WriteHTML)
}

// writeWhole writes a file beside path and gives it that name once it is whole.
func writeWhole(path, pattern string, write func(w io.Writer) error) error {
	temporary, err := os.CreateTemp(filepath.Dir(path), pattern)
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	err = write(temporary)
	if err == nil {
		err = temporary.Chmod(0o644)
	}
	err = errors.Join(err, temporary.Close())
	if err == nil {
		err = os.Rename(temporary.Name(), path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("report: writing %s: %w", path, err), os.Remove(temporary.Name()))
	}
	return nil
}

// WriteHTML writes the report as one HTML document, which loads nothing.
func (r *Run) WriteHTML(w io.Writer) error {
	v, err := r.view()
	if err != nil {
		return err
	}
	return pageTemplate().Execute(w, v)
}

// view is what the template shows: texts, and drawings that are SVG already.
type view struct {
	*Run
	StateClass string
	Tiles      []tile
	Legend     []legendEntry
	Charts     []chartView
	Epochs     *table

	DecisionRows []Decision
	MoreDecided  int // that are not shown

	Confusion *confusionView
	Samples   []sampleView
	Pixelated bool // samples are shown larger than they are

	Drawing template.HTML
}

type tile struct{ Name, Value, Note string }

type legendEntry struct {
	Sign  template.HTML
	Label string
}

type chartView struct{ Wide, Narrow template.HTML }

type table struct {
	Head []string
	Rows [][]string
	Note string
}

const (
	maxDecisions = 300 // rows of their table
	maxRows      = 500 // of the table of epochs
	maxMatrix    = 30  // classes of a confusion matrix that is shown whole
	maxPairs     = 12  // that are mixed up most, of more classes
	maxTips      = 250 // places of a chart that say their values
)

func (r *Run) view() (*view, error) {
	v := &view{Run: r, StateClass: strings.ReplaceAll(string(r.State), " ", "-"), Tiles: r.tiles()}
	if len(r.Curves.Epochs) > 0 && len(r.Curves.panels()) > 0 {
		if err := r.Curves.check(); err != nil {
			return nil, err
		}
		v.Charts = r.charts()
		for _, k := range r.Curves.legend() {
			var s svg
			s.open("sign", keyWidth, 14, k.label)
			k.sign(&s, point{0, 7})
			s.close()
			v.Legend = append(v.Legend, legendEntry{template.HTML(s.String()), k.label})
		}
		v.Epochs = r.epochTable()
	}
	v.DecisionRows = r.Decisions
	if len(r.Decisions) > maxDecisions {
		v.DecisionRows, v.MoreDecided = r.Decisions[len(r.Decisions)-maxDecisions:], len(r.Decisions)-maxDecisions
	}
	if p := r.Predictions; p != nil && p.samples > 0 {
		v.Confusion = newConfusionView(p)
		var err error
		if v.Samples, err = sampleViews(p); err != nil {
			return nil, err
		}
		v.Pixelated = len(p.shape) == 3 && max(p.shape[0], p.shape[1]) <= 48
	}
	if r.Network != nil {
		var s svg
		r.Network.draw(&s, "")
		v.Drawing = template.HTML(s.String())
	}
	return v, nil
}

// tiles are the figures that are looked for first.
func (r *Run) tiles() (tiles []tile) {
	on := r.TestName
	if on == "" {
		on = "test data"
	}
	for _, name := range ordered(r.Test, r.Curves.Order) {
		tiles = append(tiles, tile{spaced(name), figure(name, r.Test[name]), on})
	}
	if r.Best != nil {
		tiles = append(tiles, tile{"best " + spaced(r.Best.Metric), figure(r.Best.Metric, r.Best.Value), fmt.Sprintf("epoch %d", r.Best.Epoch+1)})
	}
	if n := len(r.Curves.Epochs); n > 0 {
		tiles = append(tiles, tile{"epochs", strconv.Itoa(n), ""})
	}
	if r.Duration > 0 {
		tiles = append(tiles, tile{"duration", clock(r.Duration), "of training"})
	}
	if rates := slices.DeleteFunc(slices.Clone(r.Throughput), func(x float64) bool { return !(x > 0) || math.IsInf(x, 0) }); len(rates) > 0 {
		slices.Sort(rates)
		tiles = append(tiles, tile{"images/s", grouped(rates[len(rates)/2]), "median epoch"})
	}
	if r.Network != nil {
		tiles = append(tiles, tile{"parameters", grouped(float64(r.Network.Trainable)), "trainable"})
	}
	return tiles
}

// spaced writes a metric's name for people.
func spaced(name string) string { return strings.ReplaceAll(name, "_", " ") }

// figure writes a metric for people: shares as percentages.
func figure(name string, x float64) string {
	if strings.HasSuffix(name, "accuracy") && x >= 0 && x <= 1 {
		return percent(x)
	}
	return value(x)
}

func percent(x float64) string {
	if math.IsNaN(x) {
		return "–"
	}
	return strconv.FormatFloat(100*x, 'f', 2, 64) + " %"
}

// charts are the panels of the curves and of the throughput, each for a wide screen and for a phone.
func (r *Run) charts() (list []chartView) {
	var charts []*chart
	for _, name := range r.Curves.panels() {
		charts = append(charts, r.Curves.chart(name))
		panel := charts[len(charts)-1]
		panel.tips = r.Curves.tips(name)
		if name == learningRate && r.ratesMove() {
			r.drawRates(panel)
		}
	}
	if t := r.throughputCurves(); t != nil {
		panel := &chart{title: "images per second", first: charts[0].first, last: charts[0].last, fromZero: true}
		panel.series = []series{t.curve("throughput", mutedPaint, false)}
		panel.series[0].bad = nil
		panel.tips = t.tips("throughput")
		charts = append(charts, panel)
	}
	for _, c := range charts {
		list = append(list, chartView{c.svg("wide", 580, 250), c.svg("narrow", 358, 220)})
	}
	return list
}

// ratesMove says whether the learning rate changes within an epoch.
func (r *Run) ratesMove() bool {
	for i := 1; i < len(r.Rates); i++ {
		if a, b := r.Rates[i-1], r.Rates[i]; a.Rate != b.Rate && math.Floor(a.Epochs) == math.Floor(b.Epochs) {
			return true
		}
	}
	return false
}

// drawRates replaces the curve of the epochs' last rates by that of all updates. It begins before the first epoch ends.
func (r *Run) drawRates(panel *chart) {
	curve := series{paint: ratePaint}
	for _, at := range r.Rates {
		curve.add(at.Epochs, at.Rate, true)
	}
	curve.bad = nil
	panel.series = []series{curve}
	panel.first = r.Rates[0].Epochs
	panel.last = max(panel.last, r.Rates[len(r.Rates)-1].Epochs)
}

// throughputCurves is the throughput as a metric, or nil if there is none for each epoch.
func (r *Run) throughputCurves() *Curves {
	if len(r.Throughput) != len(r.Curves.Epochs) {
		return nil
	}
	rates := slices.Clone(r.Throughput)
	any := false
	for i, x := range rates {
		if !(x > 0) {
			rates[i] = math.NaN()
		}
		any = any || x > 0
	}
	if !any {
		return nil
	}
	return &Curves{Epochs: r.Curves.Epochs, Metrics: map[string][]float64{"throughput": rates}}
}

func (c *chart) svg(class string, width, height float64) template.HTML {
	var s svg
	s.open(class, width, height, spaced(c.title)+" by epoch")
	c.draw(&s, box{2, 0, width, height}, c.labelRoom(height-46))
	s.close()
	return template.HTML(s.String())
}

// tips say the values of a metric and its validation twin, at each epoch or at some of very many.
func (c Curves) tips(name string) (list []tip) {
	stride := (len(c.Epochs) + maxTips - 1) / maxTips
	for i := 0; i < len(c.Epochs); i += stride {
		text := fmt.Sprintf("epoch %d", c.Epochs[i]+1)
		for _, metric := range []string{name, "val_" + name} {
			if values := c.Metrics[metric]; values != nil {
				text += "\n" + spaced(metric) + " " + sixDigits(values[i])
			}
		}
		list = append(list, tip{float64(c.Epochs[i] + 1), text})
	}
	return list
}

func sixDigits(x float64) string { return strconv.FormatFloat(x, 'g', 6, 64) }

// epochTable is all that was measured; of very many epochs every second, third … and the last.
func (r *Run) epochTable() *table {
	c := r.Curves
	t := &table{Head: []string{"epoch"}}
	var names []string
	for _, name := range c.panels() {
		for _, metric := range []string{name, "val_" + name} {
			if c.Metrics[metric] != nil {
				names = append(names, metric)
				t.Head = append(t.Head, spaced(metric))
			}
		}
	}
	rates := r.throughputCurves()
	if rates != nil {
		t.Head = append(t.Head, "images/s")
	}
	stride := (len(c.Epochs) + maxRows - 1) / maxRows
	for i, epoch := range c.Epochs {
		if i%stride != 0 && i != len(c.Epochs)-1 {
			continue
		}
		row := []string{strconv.Itoa(epoch + 1)}
		for _, name := range names {
			row = append(row, sixDigits(c.Metrics[name][i]))
		}
		if rates != nil {
			text := "–"
			if x := r.Throughput[i]; x > 0 {
				text = grouped(x)
			}
			row = append(row, text)
		}
		t.Rows = append(t.Rows, row)
	}
	if stride > 1 {
		t.Note = fmt.Sprintf("Every %d epochs; history.csv has all of them.", stride)
	}
	return t
}

// confusionView is how classes are mixed up: as a matrix, or the pairs that are mixed up most.
type confusionView struct {
	Set, Counted string
	Classes      []string
	Long         bool // whether their names stand upright above the columns
	Rows         []confusionRow
	Pairs        []mixUp
	PerClass     []classView
	MoreClasses  int // that are not in PerClass
}

type confusionRow struct {
	Class string
	Cells []confusionCell
}

type confusionCell struct {
	Count int
	Depth float64 // of its colour, to 1: the share of the class's samples, of mistakes compared with the gravest one
	Right bool
	Tip   string
}

type classView struct {
	Name, Recall, Precision string
	Samples                 int
	Width                   float64 // of a bar, percent
}

func newConfusionView(p *Predictions) *confusionView {
	v := &confusionView{Set: p.Set}
	right := p.Right()
	v.Counted = fmt.Sprintf("%s of %s samples are predicted as labelled (%s)", grouped(float64(right)), grouped(float64(p.samples)), percent(float64(right)/float64(p.samples)))
	if p.samples < p.Total {
		v.Counted += fmt.Sprintf("; these are evenly chosen of the %s that there are", grouped(float64(p.Total)))
	}
	classes := p.perClass()
	if len(p.Classes) <= maxMatrix {
		v.Classes = p.Classes
		gravest := 0.0
		for i, c := range classes {
			for j := range p.Classes {
				if i != j && c.Samples > 0 {
					gravest = max(gravest, float64(p.Count(i, j))/float64(c.Samples))
				}
			}
		}
		v.Long = slices.ContainsFunc(p.Classes, func(name string) bool { return utf8.RuneCountInString(name) > 3 })
		for i, c := range classes {
			row := confusionRow{Class: c.Name}
			for j := range p.Classes {
				n := p.Count(i, j)
				depth := 0.0
				if n > 0 {
					depth = float64(n) / float64(c.Samples)
					if i != j {
						depth /= gravest
					}
				}
				row.Cells = append(row.Cells, confusionCell{n, depth, i == j, fmt.Sprintf("%d of %d %s predicted as %s", n, c.Samples, c.Name, p.class(j))})
			}
			v.Rows = append(v.Rows, row)
		}
	} else {
		classes = slices.DeleteFunc(classes, func(c classFigures) bool { return c.Samples == 0 })
		slices.SortStableFunc(classes, func(a, b classFigures) int {
			switch {
			case a.Recall < b.Recall:
				return -1
			case a.Recall > b.Recall:
				return 1
			}
			return 0
		})
		v.MoreClasses = max(0, len(classes)-maxMatrix)
		classes = classes[:min(len(classes), maxMatrix)]
	}
	v.Pairs = p.worst(maxPairs)
	for _, c := range classes {
		width := 0.0
		if c.Recall > 0 {
			width = math.Round(1000*c.Recall) / 10
		}
		v.PerClass = append(v.PerClass, classView{c.Name, percent(c.Recall), percent(c.Precision), c.Samples, width})
	}
	return v
}

// sampleView is a sample with what the network says of it.
type sampleView struct {
	Image            template.URL
	Label, Predicted string
	Confidence       string
	Right            bool
}

func sampleViews(p *Predictions) (list []sampleView, err error) {
	if !p.areImages() {
		return nil, nil
	}
	for _, s := range slices.Concat(p.wrong, p.right) {
		uri, err := pictureURI(p.image(s.x))
		if err != nil {
			return nil, err
		}
		list = append(list, sampleView{template.URL(uri), p.class(s.label), p.class(s.predicted), percent(s.confidence), s.label == s.predicted})
	}
	return list, nil
}

// layerRow is a line of the table of layers.
type layerRow struct{ Name, Class, Output, Parameters, Inputs string }

// LayerRows are the lines of the table of layers.
func (v *view) LayerRows() (rows []layerRow) {
	for _, l := range v.Network.Layers {
		var inputs []string
		for _, in := range l.Inputs {
			inputs = append(inputs, v.Network.Layers[in].Name)
		}
		rows = append(rows, layerRow{l.Name, l.Class, dimensions(l.Output), grouped(float64(l.Parameters)), strings.Join(inputs, ", ")})
	}
	return rows
}

// Totals are the parameters of the network.
func (v *view) Totals() string {
	n := v.Network
	return fmt.Sprintf("%s parameters: %s trainable, %s not; %s of memory", grouped(float64(n.Trainable+n.Other)), grouped(float64(n.Trainable)), grouped(float64(n.Other)),
		Memory(4*(n.Trainable+n.Other)))
}

// Memory writes a number of bytes as Keras does: 4.58 MB, of 1,048,576 bytes each.
func Memory(bytes int) string { return memory.Size(bytes) }

// EpochText says when a decision was made.
func (d Decision) EpochText() string {
	if d.Update > 0 {
		return fmt.Sprintf("%d, update %d", d.Epoch+1, d.Update)
	}
	return strconv.Itoa(d.Epoch + 1)
}

// DepthText is the depth for a style sheet.
func (c confusionCell) DepthText() string { return strconv.FormatFloat(c.Depth, 'f', 3, 64) }

// WidthText is the width for a style sheet.
func (c classView) WidthText() string { return strconv.FormatFloat(c.Width, 'f', 1, 64) + "%" }
