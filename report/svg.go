package report

import (
	"strconv"
	"strings"
)

// svg is a surface that writes SVG text. Colours are CSS classes, named by paintClasses, whose property color a style sheet sets, so that
// a drawing follows its reader's choice of light or dark.
type svg struct{ strings.Builder }

// paintClasses are the CSS classes of the paints.
var paintClasses = [...]string{
	inkPaint: "p-ink", mutedPaint: "p-muted", gridPaint: "p-grid", trainPaint: "p-train", valPaint: "p-val", ratePaint: "p-rate",
	reducePaint: "p-reduce", stopPaint: "p-stop", bestPaint: "p-best", boxPaint: "p-box", edgePaint: "p-edge",
}

// decimal writes a length, in tenths of a pixel at the finest.
func decimal(x float64) string {
	return strings.TrimSuffix(strconv.FormatFloat(x, 'f', 1, 64), ".0")
}

// open begins a drawing of a size. label is what people hear who do not see it.
func (s *svg) open(class string, width, height float64, label string) {
	s.WriteString(`<svg class="` + class + `" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ` + decimal(width) + " " + decimal(height) +
		`" role="img" aria-label="` + escaped(label) + "\">\n")
}

func (s *svg) close() { s.WriteString("</svg>\n") }

func (s *svg) polyline(points []point, p paint, width float64, dashes []float64) {
	s.WriteString(`<path class="` + paintClasses[p] + `" fill="none" stroke="currentColor" stroke-width="` + decimal(width) + `" stroke-linejoin="round"`)
	if dashes != nil {
		s.WriteString(` stroke-dasharray="`)
		for i, d := range dashes {
			if i > 0 {
				s.WriteByte(' ')
			}
			s.WriteString(decimal(d))
		}
		s.WriteByte('"')
	}
	s.WriteString(` d="`)
	for i, at := range points {
		switch i {
		case 0:
			s.WriteByte('M')
		case 1:
			s.WriteByte('L')
		default:
			s.WriteByte(' ')
		}
		s.WriteString(decimal(at.x) + "," + decimal(at.y))
	}
	s.WriteString("\"/>\n")
}

func (s *svg) circle(center point, radius float64, p paint, how string) {
	s.WriteString(`<circle class="` + paintClasses[p] + `" cx="` + decimal(center.x) + `" cy="` + decimal(center.y) + `" r="` + decimal(radius) + `" ` + how + "/>\n")
}

func (s *svg) disc(center point, radius float64, p paint) {
	s.circle(center, radius, p, `fill="currentColor"`)
}

func (s *svg) ring(center point, radius float64, p paint, width float64) {
	s.circle(center, radius, p, `fill="none" stroke="currentColor" stroke-width="`+decimal(width)+`"`)
}

func (s *svg) text(at point, text string, size float64, a anchor, p paint) {
	s.WriteString(`<text class="` + paintClasses[p] + `" x="` + decimal(at.x) + `" y="` + decimal(at.y) + `" font-size="` + decimal(size) + `" fill="currentColor"`)
	switch a {
	case centred:
		s.WriteString(` text-anchor="middle"`)
	case toTheLeft:
		s.WriteString(` text-anchor="end"`)
	}
	s.WriteString(">" + escaped(text) + "</text>\n")
}

func (s *svg) tip(b box, text string) {
	s.WriteString(`<rect class="tip" x="` + decimal(b.left) + `" y="` + decimal(b.top) + `" width="` + decimal(b.right-b.left) + `" height="` + decimal(b.bottom-b.top) +
		`"><title>` + escaped(text) + "</title></rect>\n")
}
