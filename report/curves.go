package report

import (
	"errors"
	"fmt"
	"image/png"
	"io"
	"math"
	"slices"
	"strings"
)

// Curves is the metrics of a run by epoch, to be drawn: a panel for each metric with its validation twin, the learning
// rate last on a logarithmic axis, and marks where callbacks decided something.
type Curves struct {
	Title   string
	Epochs  []int                // 0-based; drawn 1-based
	Metrics map[string][]float64 // one value for each epoch
	Order   []string             // of the panels; the others follow alphabetically
	Marks   []Mark
}

// Mark is a decision in the picture.
type Mark struct {
	Epoch  int      // 0-based
	Kind   MarkKind // what was decided
	Metric string   // MarkSave: the curve that it stands on
}

// MarkKind is what was decided.
type MarkKind uint8

// The kinds of mark: a ring for a save, an upright line for the others.
const (
	MarkSave MarkKind = iota
	MarkReduceLR
	MarkStop
	MarkRestore
)

// markStyles are the upright lines.
var markStyles = map[MarkKind]struct {
	label  string
	paint  paint
	dashes []float64
}{
	MarkReduceLR: {"rate reduced", reducePaint, []float64{3, 4}},
	MarkStop:     {"stopped", stopPaint, []float64{8, 4}},
	MarkRestore:  {"best weights", bestPaint, []float64{8, 3, 2, 3}},
}

// What a picture measures, in pixels before curvesScale.
const (
	pictureWidth = 880.0
	headHeight   = 80.0 // title and legend
	panelHeight  = 230.0
	panelGap     = 14.0
	footHeight   = 22.0
	pictureEdge  = 18.0
	curvesScale  = 1.5
)

// WriteFile draws the curves into a PNG file, which has its old content or the whole new one.
func (c Curves) WriteFile(path string) error {
	return writeWhole(path, ".curves-*.png", c.Write)
}

// Write draws the curves as PNG.
func (c Curves) Write(w io.Writer) error { return c.write(w, curvesScale) }

func (c Curves) write(w io.Writer, scale float64) error {
	if err := c.check(); err != nil {
		return err
	}
	var charts []*chart
	room := 0.0
	for _, name := range c.panels() {
		panel := c.chart(name)
		charts, room = append(charts, panel), max(room, panel.labelRoom(panelHeight))
	}
	r := newRaster(pictureWidth, pictureHeight(len(charts)), scale)
	r.text(point{pictureEdge, 32}, clipped(c.Title, 17, pictureWidth-2*pictureEdge), 17, toTheRight, inkPaint)
	x := pictureEdge
	for _, k := range c.legend() {
		x = k.draw(r, point{x, 56}) + 20
	}
	y := headHeight
	for _, panel := range charts {
		panel.draw(r, box{pictureEdge, y, pictureWidth - pictureEdge, y + panelHeight}, room)
		y += panelHeight + panelGap
	}
	r.text(point{pictureWidth - pictureEdge - 8, y}, "epoch", labelSize, toTheLeft, mutedPaint)
	return png.Encode(w, r.picture)
}

func pictureHeight(panels int) float64 {
	return headHeight + float64(panels)*(panelHeight+panelGap) + footHeight - panelGap
}

// check finds what cannot be drawn.
func (c Curves) check() error {
	if len(c.Epochs) == 0 || len(c.panels()) == 0 {
		return errors.New("report: there is no epoch to draw; train at least one")
	}
	for name, values := range c.Metrics {
		if len(values) != len(c.Epochs) {
			return fmt.Errorf("report: %s has %d values for %d epochs; give one for each", name, len(values), len(c.Epochs))
		}
	}
	return nil
}

// panels names the metrics that have a panel: without their validation twins, the learning rate last.
func (c Curves) panels() []string {
	var names []string
	values := map[string]float64{}
	for name := range c.Metrics {
		plain := strings.TrimPrefix(name, "val_")
		if _, ok := c.Metrics[plain]; !ok {
			plain = name // validation only
		}
		if plain != learningRate {
			values[plain] = 0
		}
	}
	names = ordered(values, c.Order)
	if _, ok := c.Metrics[learningRate]; ok {
		names = append(names, learningRate)
	}
	return names
}

// chart is the panel of one metric.
func (c Curves) chart(name string) *chart {
	panel := &chart{title: name, first: float64(c.Epochs[0] + 1), last: float64(c.Epochs[len(c.Epochs)-1] + 1)}
	if name == learningRate {
		panel.logarithmic = true
		curve := c.curve(name, ratePaint, true)
		curve.bad = nil // a rate of 0 is nothing bad
		panel.series = []series{curve}
	} else {
		panel.series = []series{c.curve(name, trainPaint, false), c.curve("val_"+name, valPaint, false)}
	}
	for _, kind := range []MarkKind{MarkReduceLR, MarkRestore, MarkStop} {
		for _, mark := range c.Marks {
			if mark.Kind == kind {
				panel.uprights = append(panel.uprights, upright{float64(mark.Epoch + 1), kind})
			}
		}
	}
	for _, mark := range c.Marks {
		i := slices.Index(c.Epochs, mark.Epoch)
		if mark.Kind == MarkSave && i >= 0 && strings.TrimPrefix(mark.Metric, "val_") == name && c.Metrics[mark.Metric] != nil {
			if y := c.Metrics[mark.Metric][i]; drawable(y, panel.logarithmic) {
				panel.rings = append(panel.rings, point{float64(mark.Epoch + 1), y})
			}
		}
	}
	return panel
}

// curve cuts the curve of a metric where it cannot be drawn.
func (c Curves) curve(metric string, p paint, logarithmic bool) series {
	s := series{paint: p, dots: len(c.Epochs) <= maxDots}
	for i, y := range c.Metrics[metric] {
		s.add(float64(c.Epochs[i]+1), y, logarithmic)
	}
	return s
}

// add appends a point, or begins a new piece of the curve behind one that cannot be drawn.
func (s *series) add(x, y float64, logarithmic bool) {
	switch n := len(s.runs); {
	case !drawable(y, logarithmic):
		s.bad, s.cut = append(s.bad, x), true
	case n == 0 || s.cut:
		s.runs, s.cut = append(s.runs, []point{{x, y}}), false
	default:
		s.runs[n-1] = append(s.runs[n-1], point{x, y})
	}
}

// drawable says whether a value has a place on an axis.
func drawable(y float64, logarithmic bool) bool {
	if logarithmic {
		return y >= tinyRate && y <= hugeRate // false for NaN
	}
	return math.Abs(y) <= hugeValue
}

// key is an entry of the legend.
type key struct {
	label string
	sign  func(s surface, left point)
}

const keyWidth = 26.0 // of a sign

// draw writes a key that begins at a point, half as high as its letters, and returns where it ends.
func (k key) draw(s surface, left point) float64 {
	k.sign(s, left)
	s.text(point{left.x + keyWidth + 6, left.y + labelSize*0.35}, k.label, labelSize, toTheRight, mutedPaint)
	return left.x + keyWidth + 6 + textWidth(k.label, labelSize)
}

// legend explains what is in the panels, and only that.
func (c Curves) legend() (keys []key) {
	lineKey := func(label string, p paint, width float64, dashes []float64) {
		keys = append(keys, key{label, func(s surface, left point) {
			s.polyline([]point{left, {left.x + keyWidth, left.y}}, p, width, dashes)
		}})
	}
	training, validation, bad, saved := false, false, false, false
	for _, name := range c.panels() {
		panel := c.chart(name)
		saved = saved || len(panel.rings) > 0
		if name == learningRate {
			continue
		}
		training = training || c.Metrics[name] != nil
		validation = validation || c.Metrics["val_"+name] != nil
		for _, s := range panel.series {
			bad = bad || len(s.bad) > 0
		}
	}
	if training {
		lineKey("training", trainPaint, curveWidth, nil)
	}
	if validation {
		lineKey("validation", valPaint, curveWidth, nil)
	}
	if bad {
		keys = append(keys, key{"not finite", func(s surface, left point) { cross(s, point{left.x + keyWidth/2, left.y}, mutedPaint) }})
	}
	if saved {
		keys = append(keys, key{"saved", func(s surface, left point) { s.ring(point{left.x + keyWidth/2, left.y}, ringRadius, inkPaint, 1.2) }})
	}
	for _, kind := range []MarkKind{MarkReduceLR, MarkRestore, MarkStop} {
		if slices.ContainsFunc(c.Marks, func(m Mark) bool { return m.Kind == kind }) {
			style := markStyles[kind]
			lineKey(style.label, style.paint, 1.5, style.dashes)
		}
	}
	return keys
}
