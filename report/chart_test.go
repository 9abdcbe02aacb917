package report

import (
	"bytes"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// recorder is a surface that notes what is drawn.
type recorder struct {
	lines map[paint][][]point
	discs map[paint]int
	texts []string
	tips  []box
	all   []point
}

func (r *recorder) polyline(points []point, p paint, _ float64, _ []float64) {
	if r.lines == nil {
		r.lines, r.discs = map[paint][][]point{}, map[paint]int{}
	}
	r.lines[p] = append(r.lines[p], points)
	r.all = append(r.all, points...)
}
func (r *recorder) disc(at point, _ float64, p paint) { r.discs[p]++; r.all = append(r.all, at) }
func (r *recorder) ring(at point, _ float64, _ paint, _ float64) {
	r.all = append(r.all, at)
}
func (r *recorder) text(at point, s string, _ float64, _ anchor, _ paint) {
	r.texts, r.all = append(r.texts, s), append(r.all, at)
}
func (r *recorder) tip(b box, _ string) { r.tips = append(r.tips, b) }

func TestChartPlacesItsCurve(t *testing.T) {
	c := Curves{Epochs: []int{0, 1, 2}, Metrics: map[string][]float64{"loss": {4, 2, 0}, "val_loss": {1, math.NaN(), 1}}}
	var r recorder
	c.chart("loss").draw(&r, box{0, 0, 400, 200}, 40)
	require.Len(t, r.lines[trainPaint], 1)
	line := r.lines[trainPaint][0]
	assert.InDelta(t, line[1].x, (line[0].x+line[2].x)/2, 1e-9)
	assert.InDelta(t, line[1].y, (line[0].y+line[2].y)/2, 1e-9)
	assert.Less(t, line[0].y, line[2].y, "large values lie above small ones")
	assert.Len(t, r.lines[valPaint], 2, "a gap, and the two strokes of a cross")
	assert.Equal(t, 2, r.discs[valPaint])
	assert.Subset(t, r.texts, []string{"loss", "1", "2", "3", "4", "0"})
}

// Whatever a run logs, what is drawn lies in its box.
func TestChartsOfExtremes(t *testing.T) {
	for _, values := range [][]float64{
		{0, 0, 0}, {1e-320, 0, 1e-320}, {math.MaxFloat64, -math.MaxFloat64, 0}, {1e300, -1e300, 1}, {1, math.Nextafter(1, 2), 1},
		{-5, -4, 1e9}, {1e9, 1e9 + 1, 1e9 + 2}, {math.Inf(1), math.Inf(-1), math.NaN()}, {123456789, 0.001, 1e-5},
	} {
		for _, name := range []string{"loss", learningRate} {
			c := Curves{Epochs: []int{7, 8, 1000}, Metrics: map[string][]float64{name: values}, Marks: []Mark{{7, MarkSave, name}, {8, MarkStop, ""}}}
			var r recorder
			panel := c.chart(name)
			panel.draw(&r, box{0, 0, 400, 200}, panel.labelRoom(200))
			for _, p := range r.all {
				assert.True(t, p.x >= 0 && p.x <= 400 && p.y >= -1 && p.y <= 201, "%v of %s: %v", values, name, p)
			}
			assert.Less(t, len(r.all), 120, "%v of %s", values, name)
			require.NoError(t, c.Write(&bytes.Buffer{}))
		}
	}
}

func TestValueTicks(t *testing.T) {
	labels := func(low, high float64, most int) (out []string) {
		for _, tick := range valueTicks(low, high, most) {
			out = append(out, tick.label)
		}
		return out
	}
	assert.Equal(t, []string{"0", "0.1", "0.2", "0.3", "0.4"}, labels(-0.01, 0.42, 6))
	assert.Equal(t, []string{"0.90", "0.95", "1.00"}, labels(0.88, 1.01, 3))
	assert.Equal(t, []string{"-20", "0", "20"}, labels(-30, 30, 3))
	assert.Equal(t, []string{"0", "1e+06", "2e+06"}, labels(0, 2.5e6, 3))
	assert.Equal(t, []string{"1.0e-08", "1.2e-08", "1.4e-08"}, labels(0.9e-8, 1.5e-8, 3))
}

func TestThinned(t *testing.T) {
	var run []point
	for i := range 100_000 {
		run = append(run, point{float64(i), math.Sin(float64(i) / 1000)})
	}
	run[54321].y = 9 // a peak must not be lost
	kept := thinned(run)
	assert.LessOrEqual(t, len(kept), maxPoints)
	assert.Contains(t, kept, point{54321, 9})
	for i := 1; i < len(kept); i++ {
		require.Greater(t, kept[i].x, kept[i-1].x)
	}
	assert.Equal(t, run[:maxPoints], thinned(run[:maxPoints]))
}

func TestDashes(t *testing.T) {
	pieces := dashed([]point{{0, 0}, {3, 0}, {3, 7}}, []float64{4, 2})
	assert.Equal(t, [][]point{{{0, 0}, {3, 0}, {3, 1}}, {{3, 3}, {3, 7}}}, pieces)
	assert.Nil(t, dashed([]point{{1, 1}}, []float64{4, 2}))
}

func TestTextWidth(t *testing.T) {
	assert.InDelta(t, 2*textWidth("epoch", 10), textWidth("epoch", 20), 1e-9)
	assert.Less(t, textWidth("iii", 10), textWidth("WWW", 10))
	assert.Equal(t, "short", clipped("short", 10, 100))
	text := clipped("a title that is much too long for its room", 10, 100)
	assert.LessOrEqual(t, textWidth(text, 10), 100.0)
	assert.Contains(t, text, "…")
}
