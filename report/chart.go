package report

import (
	"math"
	"strings"
)

// chart is curves over the epochs of a run, in a frame with axes.
type chart struct {
	title       string
	first, last float64 // epochs, 1-based
	logarithmic bool
	fromZero    bool // the vertical axis begins at 0
	series      []series
	rings       []point // epoch and value
	uprights    []upright
	tips        []tip
}

// series is one curve, cut where it is not finite.
type series struct {
	paint paint
	runs  [][]point // epoch and value
	bad   []float64 // epochs that are left out
	cut   bool      // the next point begins a new run
	dots  bool
}

// upright is a line through all values of an epoch.
type upright struct {
	epoch float64
	kind  MarkKind
}

// tip is what a pointer learns over an epoch.
type tip struct {
	epoch float64
	text  string
}

const (
	labelSize  = 11.0
	titleSize  = 13.0
	curveWidth = 2.0
	dotRadius  = 2.4
	ringRadius = 4.6
	uprightGap = 3.0 // at least, between marks of a kind
	// Beyond so many epochs a line says more than dots.
	maxDots = 60
	// Beyond so many points a curve is thinned out: no picture shows more.
	maxPoints = 2000
	// Values beyond are drawn as if they were not finite: an axis must be able to hold more than twice as much, and the
	// quotient of any two rates must be a number.
	hugeValue          = 1e300
	tinyRate, hugeRate = 1e-100, 1e100
)

// yRange is what the vertical axis spans.
func (c *chart) yRange() (low, high float64) {
	low, high = math.Inf(1), math.Inf(-1)
	for _, s := range c.series {
		for _, run := range s.runs {
			for _, p := range run {
				low, high = min(low, p.y), max(high, p.y)
			}
		}
	}
	if math.IsInf(low, 1) { // nothing finite at all
		low, high = 0, 1
		if c.logarithmic {
			low = 0.1
		}
	}
	if c.fromZero {
		_, high = widened(0, max(high, low), false)
		return 0, high
	}
	return widened(low, high, c.logarithmic)
}

func (c *chart) yTicks(low, high, pixels float64) []tick {
	if c.logarithmic {
		return rateTicks(low, high)
	}
	return valueTicks(low, high, max(2, int(pixels/24)))
}

// draw fills a box of s: title above, labels left of the frame and below it. left is the room for labels on the left.
func (c *chart) draw(s surface, b box, left float64) {
	frame := box{b.left + left, b.top + 26, b.right - 8, b.bottom - 20}
	s.text(point{b.left, b.top + 12}, strings.ReplaceAll(c.title, "_", " "), titleSize, toTheRight, inkPaint)
	low, high := c.yRange()
	margin := 0.02*(c.last-c.first) + 0.1
	toX := func(epoch float64) float64 {
		return frame.left + (epoch-c.first+margin)/(c.last-c.first+2*margin)*(frame.right-frame.left)
	}
	toY := func(y float64) float64 { return frame.bottom - (y-low)/(high-low)*(frame.bottom-frame.top) }
	if c.logarithmic {
		toY = func(y float64) float64 {
			return frame.bottom - math.Log(y/low)/math.Log(high/low)*(frame.bottom-frame.top)
		}
	}
	at := func(p point) point { return point{toX(p.x), toY(p.y)} }

	for _, t := range c.yTicks(low, high, frame.bottom-frame.top) {
		y := math.Round(toY(t.value)) + 0.5
		s.polyline([]point{{frame.left, y}, {frame.right, y}}, gridPaint, 1, nil)
		s.text(point{frame.left - 6, y + labelSize*0.35}, t.label, labelSize, toTheLeft, mutedPaint)
	}
	s.polyline([]point{{frame.left, frame.bottom + 0.5}, {frame.right, frame.bottom + 0.5}}, mutedPaint, 1, nil)
	for _, t := range epochTicks(c.first, c.last, max(2, int((frame.right-frame.left)/44))) {
		x := toX(t.value)
		s.polyline([]point{{x, frame.bottom + 0.5}, {x, frame.bottom + 4}}, mutedPaint, 1, nil)
		s.text(point{x, frame.bottom + 16}, t.label, labelSize, centred, mutedPaint)
	}
	nearest := map[MarkKind]float64{} // of very many marks, only some are drawn: others would hide the curves
	for _, u := range c.uprights {
		x, style := toX(u.epoch), markStyles[u.kind]
		if last, ok := nearest[u.kind]; ok && math.Abs(x-last) < uprightGap {
			continue
		}
		nearest[u.kind] = x
		s.polyline([]point{{x, frame.top}, {x, frame.bottom}}, style.paint, 1.5, style.dashes)
	}
	for _, curve := range c.series {
		for _, run := range curve.runs {
			var line []point
			for _, p := range thinned(run) {
				line = append(line, at(p))
			}
			if len(line) > 1 {
				s.polyline(line, curve.paint, curveWidth, nil)
			}
			if curve.dots || len(line) == 1 {
				for _, p := range line {
					s.disc(p, dotRadius, curve.paint)
				}
			}
		}
		for _, epoch := range curve.bad { // at the bottom, whatever the axis spans
			cross(s, point{toX(epoch), frame.bottom - 8}, curve.paint)
		}
	}
	for i, p := range c.rings {
		center := at(p)
		if last := nearest[MarkSave]; i == 0 || len(c.rings) <= maxDots || math.Abs(center.x-last) >= 4*ringRadius {
			nearest[MarkSave] = center.x
			s.ring(center, ringRadius, inkPaint, 1.2)
		}
	}
	for i, t := range c.tips {
		area := box{frame.left, frame.top, frame.right, frame.bottom}
		if i > 0 {
			area.left = toX((c.tips[i-1].epoch + t.epoch) / 2)
		}
		if i+1 < len(c.tips) {
			area.right = toX((t.epoch + c.tips[i+1].epoch) / 2)
		}
		s.tip(area, t.text)
	}
}

func cross(s surface, at point, p paint) {
	const r = 4
	s.polyline([]point{{at.x - r, at.y - r}, {at.x + r, at.y + r}}, p, 1.6, nil)
	s.polyline([]point{{at.x - r, at.y + r}, {at.x + r, at.y - r}}, p, 1.6, nil)
}

// labelRoom is how much room the labels on the left want.
func (c *chart) labelRoom(pixels float64) float64 {
	room := 24.0
	low, high := c.yRange()
	for _, t := range c.yTicks(low, high, pixels) {
		room = max(room, textWidth(t.label, labelSize)+10)
	}
	return room
}

// thinned keeps the lowest and the highest point of each piece of a long curve, in their order.
func thinned(run []point) []point {
	if len(run) <= maxPoints {
		return run
	}
	const pieces = maxPoints / 2
	var kept []point
	for i := range pieces {
		piece := run[i*len(run)/pieces : (i+1)*len(run)/pieces]
		low, high := 0, 0
		for k, p := range piece {
			if p.y < piece[low].y {
				low = k
			}
			if p.y > piece[high].y {
				high = k
			}
		}
		kept = append(kept, piece[min(low, high)])
		if low != high {
			kept = append(kept, piece[max(low, high)])
		}
	}
	return kept
}
