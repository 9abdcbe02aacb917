package report

import (
	"math"
	"sync"

	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
)

// surface is what charts are drawn on: a picture (raster) or SVG text (vector). Lengths are pixels at the size that a chart is meant to be
// seen at, x to the right and y down.
type surface interface {
	// polyline draws straight lines from point to point; dashes are lengths drawn and left out by turns, nil for a whole line.
	polyline(points []point, p paint, width float64, dashes []float64)
	disc(center point, radius float64, p paint)
	ring(center point, radius float64, p paint, width float64)
	// text writes s so that at is on its baseline.
	text(at point, s string, size float64, a anchor, p paint)
	// tip says text where a pointer rests in a box; a picture has no tips.
	tip(box box, text string)
}

type point struct{ x, y float64 }

type box struct{ left, top, right, bottom float64 }

// paint is what a colour is for; each surface knows what it looks like.
type paint uint8

const (
	inkPaint    paint = iota // text
	mutedPaint               // text beside it
	gridPaint                // lines behind the curves
	trainPaint               // curve of a training metric
	valPaint                 // of a validation metric
	ratePaint                // of the learning rate
	reducePaint              // mark: rate reduced
	stopPaint                // mark: stopped
	bestPaint                // mark: best weights
	boxPaint                 // frame of a layer
	edgePaint                // what leads from layer to layer
)

type anchor uint8

// Where text lies of its point.
const (
	toTheRight anchor = iota
	centred
	toTheLeft
)

// letters is the font of pictures; SVG is shown in the reader's own, whose widths are much the same.
var letters = sync.OnceValue(func() *sfnt.Font {
	f, err := sfnt.Parse(goregular.TTF)
	if err != nil {
		panic("report: the font that is built in is broken: " + err.Error())
	}
	return f
})

// textWidth is how wide s is about, written in a size.
func textWidth(s string, size float64) float64 {
	var buffer sfnt.Buffer
	const em = 1000
	width := fixed.Int26_6(0)
	for _, r := range s {
		glyph, err := letters().GlyphIndex(&buffer, r)
		if err != nil {
			continue
		}
		if advance, err := letters().GlyphAdvance(&buffer, glyph, fixed.I(em), 0); err == nil {
			width += advance
		}
	}
	return float64(width) / 64 / em * size
}

// clipped is s, or its beginning with an ellipsis where it is wider than room.
func clipped(s string, size, room float64) string {
	if textWidth(s, size) <= room {
		return s
	}
	r := []rune(s)
	for len(r) > 0 && textWidth(string(r)+"…", size) > room {
		r = r[:len(r)-1]
	}
	return string(r) + "…"
}

// dashed cuts a polyline into the pieces that its dashes draw.
func dashed(points []point, dashes []float64) (pieces [][]point) {
	if len(points) < 2 {
		return nil
	}
	i, left, on := 0, dashes[0], true
	piece := []point{points[0]}
	for k := 1; k < len(points); k++ {
		a, b := points[k-1], points[k]
		length := math.Hypot(b.x-a.x, b.y-a.y)
		for at := 0.0; at < length; {
			step := min(left, length-at)
			at, left = at+step, left-step
			if on {
				piece = append(piece, point{a.x + (b.x-a.x)*at/length, a.y + (b.y-a.y)*at/length})
			}
			if left > 0 {
				continue
			}
			if on {
				pieces = append(pieces, piece)
			}
			i, on = (i+1)%len(dashes), !on
			left, piece = dashes[i], []point{{a.x + (b.x-a.x)*at/length, a.y + (b.y-a.y)*at/length}}
		}
	}
	if on && len(piece) > 1 {
		pieces = append(pieces, piece)
	}
	return pieces
}
