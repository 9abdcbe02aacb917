package report

import (
	"errors"
	"fmt"
	"image/color"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
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

// Colours that keep apart in print and for people who see red and green alike (Okabe and Ito 2008), and greys.
var (
	trainColor  = color.RGBA{0x00, 0x72, 0xb2, 0xff}
	valColor    = color.RGBA{0xd5, 0x5e, 0x00, 0xff}
	rateColor   = color.RGBA{0x00, 0x9e, 0x73, 0xff}
	reduceColor = color.RGBA{0xcc, 0x79, 0xa7, 0xff}
	stopColor   = color.RGBA{0x40, 0x40, 0x40, 0xff}
	bestColor   = color.RGBA{0x00, 0x9e, 0x73, 0xff}
	badColor    = color.RGBA{0xc0, 0x00, 0x00, 0xff}
	gridColor   = color.RGBA{0xe6, 0xe6, 0xe6, 0xff}
)

var markStyles = map[MarkKind]struct {
	label  string
	color  color.Color
	dashes []vg.Length
}{
	MarkReduceLR: {"rate reduced", reduceColor, []vg.Length{vg.Points(2), vg.Points(3)}},
	MarkStop:     {"stopped", stopColor, []vg.Length{vg.Points(6), vg.Points(3)}},
	MarkRestore:  {"best weights", bestColor, []vg.Length{vg.Points(6), vg.Points(2), vg.Points(1), vg.Points(2)}},
}

const (
	pictureWidth = 9.2 * vg.Inch
	legendWidth  = 1.35 * vg.Inch // on the right of the panels: it covers no curve
	panelHeight  = 2.5 * vg.Inch
	titleHeight  = 0.35 * vg.Inch
	curvesDPI    = 110
	// Beyond so many epochs a line says more than dots.
	maxDots = 60
)

// WriteFile draws the curves into a PNG file, which has its old content or the whole new one.
func (c Curves) WriteFile(path string) error {
	temporary, err := os.CreateTemp(filepath.Dir(path), ".curves-*.png")
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	err = c.Write(temporary)
	if err == nil {
		err = temporary.Chmod(0o644)
	}
	err = errors.Join(err, temporary.Close())
	if err == nil {
		err = os.Rename(temporary.Name(), path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("report: drawing %s: %w", path, err), os.Remove(temporary.Name()))
	}
	return nil
}

// Write draws the curves as PNG.
func (c Curves) Write(w io.Writer) error { return c.write(w, curvesDPI) }

func (c Curves) write(w io.Writer, dpi int) error {
	names := c.panels()
	if len(c.Epochs) == 0 || len(names) == 0 {
		return errors.New("report: there is no epoch to draw; train at least one")
	}
	for name, values := range c.Metrics {
		if len(values) != len(c.Epochs) {
			return fmt.Errorf("report: %s has %d values for %d epochs; give one for each", name, len(values), len(c.Epochs))
		}
	}
	var rows [][]*plot.Plot
	var legends []*plot.Legend
	for i, name := range names {
		panel, legend, err := c.panel(name, i == len(names)-1)
		if err != nil {
			return fmt.Errorf("report: panel %s: %w", name, err)
		}
		rows, legends = append(rows, []*plot.Plot{panel}), append(legends, legend)
	}
	height := titleHeight + panelHeight*vg.Length(len(rows))
	canvas := vgimg.NewWith(vgimg.UseWH(pictureWidth, height), vgimg.UseDPI(dpi), vgimg.UseBackgroundColor(color.White))
	area := draw.New(canvas)
	area.FillText(titleStyle(), vg.Point{X: (pictureWidth - legendWidth) / 2, Y: height - vg.Points(8)}, c.Title)
	tiles := draw.Tiles{
		Rows: len(rows), Cols: 1, PadTop: titleHeight, PadBottom: vg.Points(6), PadLeft: vg.Points(8), PadRight: legendWidth, PadY: vg.Points(8),
	}
	for i, row := range plot.Align(rows, tiles, area) {
		rows[i][0].Draw(row[0])
		beside := row[0]
		beside.Min.X, beside.Max.X = pictureWidth-legendWidth+vg.Points(8), pictureWidth-vg.Points(8)
		legends[i].Draw(beside)
	}
	_, err := vgimg.PngCanvas{Canvas: canvas}.WriteTo(w)
	return err
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

// titleStyle is centred sans-serif text.
func titleStyle() draw.TextStyle {
	style := draw.TextStyle{Color: color.Black, Font: font.From(plot.DefaultFont, vg.Points(13)), Handler: plot.DefaultTextHandler, XAlign: draw.XCenter, YAlign: draw.YTop}
	style.Font.Variant = "Sans"
	return style
}

// panel draws one metric.
func (c Curves) panel(name string, last bool) (*plot.Plot, *plot.Legend, error) {
	p, legend := plot.New(), plot.NewLegend()
	for _, style := range []*draw.TextStyle{&p.X.Label.TextStyle, &p.Y.Label.TextStyle, &p.X.Tick.Label, &p.Y.Tick.Label, &legend.TextStyle} {
		style.Font.Variant = "Sans"
		style.Font.Size = vg.Points(9)
	}
	p.Y.Label.Text = strings.ReplaceAll(name, "_", " ")
	p.Y.Label.TextStyle.Font.Size = vg.Points(11)
	if last {
		p.X.Label.Text = "epoch"
	}
	p.X.Tick.Marker = plot.TickerFunc(epochTicks)
	grid := plotter.NewGrid()
	grid.Vertical.Color, grid.Horizontal.Color = gridColor, gridColor
	p.Add(grid)
	legend.Top, legend.Left, legend.Padding = true, true, vg.Points(3)

	series := []struct {
		metric, label string
		color         color.Color
	}{{name, "training", trainColor}, {"val_" + name, "validation", valColor}}
	if name == learningRate {
		series = series[:1]
		series[0].label, series[0].color = "", rateColor
		p.Y.Scale, p.Y.Tick.Marker = plot.LogScale{}, plot.TickerFunc(rateTicks)
	}
	low, high := math.Inf(1), math.Inf(-1)
	for _, s := range series {
		runs, skipped := c.runs(s.metric, name == learningRate)
		for i, run := range runs {
			line, points, err := plotter.NewLinePoints(run)
			if err != nil {
				return nil, nil, err
			}
			line.Color, line.Width = s.color, vg.Points(1.8)
			points.Color, points.Shape, points.Radius = s.color, draw.CircleGlyph{}, vg.Points(2.2)
			p.Add(line)
			if len(c.Epochs) <= maxDots || len(run) == 1 {
				p.Add(points)
			}
			if i == 0 && s.label != "" {
				legend.Add(s.label, line)
			}
			for _, xy := range run {
				low, high = min(low, xy.Y), max(high, xy.Y)
			}
		}
		if len(skipped) > 0 && name != learningRate {
			bad := &crosses{skipped, draw.GlyphStyle{Color: badColor, Radius: vg.Points(4), Shape: draw.CrossGlyph{}}}
			p.Add(bad)
			legend.Add(s.label+" not finite", bad)
		}
	}
	if math.IsInf(low, 1) { // nothing finite at all
		low, high = 0, 1
		if name == learningRate {
			low = 0.1
		}
	}
	p.Y.Min, p.Y.Max = widened(low, high, name == learningRate)
	first, end := float64(c.Epochs[0]+1), float64(c.Epochs[len(c.Epochs)-1]+1)
	p.X.Min, p.X.Max = first-0.02*(end-first)-0.1, end+0.02*(end-first)+0.1
	return p, &legend, c.addMarks(p, &legend, name, last)
}

// runs cuts a curve where it is not finite, or not positive on a logarithmic axis, and returns the epochs left out.
func (c Curves) runs(metric string, positive bool) (runs []plotter.XYs, skipped []float64) {
	whole := false
	for i, y := range c.Metrics[metric] {
		x := float64(c.Epochs[i] + 1)
		if math.IsNaN(y) || math.IsInf(y, 0) || positive && y <= 0 {
			skipped, whole = append(skipped, x), false
			continue
		}
		if !whole {
			runs, whole = append(runs, nil), true
		}
		runs[len(runs)-1] = append(runs[len(runs)-1], plotter.XY{X: x, Y: y})
	}
	return runs, skipped
}

// widened leaves room above and below the curves.
func widened(low, high float64, logarithmic bool) (float64, float64) {
	if logarithmic {
		if high < low*1.5 {
			return low / 2, high * 2
		}
		margin := math.Pow(high/low, 0.08)
		return low / margin, high * margin
	}
	margin := 0.06 * (high - low)
	if margin == 0 {
		margin = max(0.05*math.Abs(high), 0.05)
	}
	return low - margin, high + margin
}

// addMarks draws upright lines through all panels, rings on the curves that a save was decided on, and says in the legend
// of the last panel what the lines are.
func (c Curves) addMarks(p *plot.Plot, legend *plot.Legend, name string, last bool) error {
	for _, kind := range []MarkKind{MarkReduceLR, MarkRestore, MarkStop} {
		style := markStyles[kind]
		named := false
		for _, mark := range c.Marks {
			if mark.Kind != kind {
				continue
			}
			x := float64(mark.Epoch + 1)
			line, err := plotter.NewLine(plotter.XYs{{X: x, Y: p.Y.Min}, {X: x, Y: p.Y.Max}})
			if err != nil {
				return err
			}
			line.Color, line.Dashes, line.Width = style.color, style.dashes, vg.Points(1.3)
			p.Add(line)
			if last && !named {
				legend.Add(style.label, line)
				named = true
			}
		}
	}
	var rings plotter.XYs
	for _, mark := range c.Marks {
		i := slices.Index(c.Epochs, mark.Epoch)
		if mark.Kind != MarkSave || i < 0 || strings.TrimPrefix(mark.Metric, "val_") != name || c.Metrics[mark.Metric] == nil {
			continue
		}
		if y := c.Metrics[mark.Metric][i]; !math.IsNaN(y) && !math.IsInf(y, 0) {
			rings = append(rings, plotter.XY{X: float64(mark.Epoch + 1), Y: y})
		}
	}
	if rings == nil {
		return nil
	}
	scatter, err := plotter.NewScatter(rings)
	if err != nil {
		return err
	}
	scatter.Shape, scatter.Radius, scatter.Color = draw.RingGlyph{}, vg.Points(4), color.Black
	p.Add(scatter)
	legend.Add("saved", scatter)
	return nil
}

// crosses stand at the bottom of a panel where a value is not finite, whatever the panel's range.
type crosses struct {
	epochs []float64
	style  draw.GlyphStyle
}

// Plot implements plot.Plotter.
func (c *crosses) Plot(canvas draw.Canvas, p *plot.Plot) {
	toX, _ := p.Transforms(&canvas)
	for _, x := range c.epochs {
		canvas.DrawGlyph(c.style, vg.Point{X: toX(x), Y: canvas.Min.Y + vg.Points(6)})
	}
}

// Thumbnail implements plot.Thumbnailer.
func (c *crosses) Thumbnail(canvas *draw.Canvas) {
	canvas.DrawGlyph(c.style, canvas.Center())
}

// epochTicks labels whole epochs, at most 12 of them.
func epochTicks(low, high float64) (ticks []plot.Tick) {
	step := 1
	for scale := 1; (high-low)/float64(step) > 12; scale *= 10 {
		for _, factor := range []int{2, 5, 10} {
			if step = factor * scale; (high-low)/float64(step) <= 12 {
				break
			}
		}
	}
	for x := int(math.Ceil(low)); float64(x) <= high; x++ {
		if x%step == 0 {
			ticks = append(ticks, plot.Tick{Value: float64(x), Label: strconv.Itoa(x)})
		}
	}
	return ticks
}

// rateTicks labels 1, 2 and 5 times powers of ten, or the powers alone over many decades.
func rateTicks(low, high float64) (ticks []plot.Tick) {
	factors := []float64{1, 2, 5}
	if high/low > 1e3 {
		factors = factors[:1]
	}
	for exponent := math.Floor(math.Log10(low)); exponent <= math.Ceil(math.Log10(high)); exponent++ {
		for _, factor := range factors {
			if x := factor * math.Pow(10, exponent); x >= low && x <= high {
				ticks = append(ticks, plot.Tick{Value: x, Label: strconv.FormatFloat(x, 'e', 0, 64)})
			}
		}
	}
	return ticks
}
