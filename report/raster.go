package report

import (
	"image"
	"image/color"
	"math"

	"golang.org/x/image/draw"
	"golang.org/x/image/font"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
	"golang.org/x/image/vector"
)

// raster is a surface that makes a picture, on white.
type raster struct {
	picture *image.RGBA
	scale   float64 // pixels of the picture for one of the chart
	filler  vector.Rasterizer
	faces   map[float64]font.Face // by size
}

// Colours that keep apart in print and for people who see red and green alike (Okabe and Ito 2008), and greys.
var colors = map[paint]color.RGBA{
	inkPaint:    {0x1f, 0x23, 0x28, 0xff},
	mutedPaint:  {0x59, 0x63, 0x6e, 0xff},
	gridPaint:   {0xe4, 0xe7, 0xeb, 0xff},
	trainPaint:  {0x00, 0x72, 0xb2, 0xff},
	valPaint:    {0xd5, 0x5e, 0x00, 0xff},
	ratePaint:   {0x00, 0x9e, 0x73, 0xff},
	reducePaint: {0xcc, 0x79, 0xa7, 0xff},
	stopPaint:   {0x40, 0x40, 0x40, 0xff},
	bestPaint:   {0x00, 0x9e, 0x73, 0xff},
}

func newRaster(width, height, scale float64) *raster {
	r := &raster{scale: scale, faces: map[float64]font.Face{}}
	r.picture = image.NewRGBA(image.Rect(0, 0, int(math.Round(width*scale)), int(math.Round(height*scale))))
	draw.Draw(r.picture, r.picture.Bounds(), image.White, image.Point{}, draw.Src)
	return r
}

// fill paints polygons, all at once: where they turn the same way they are joined, where they turn against each other one
// is cut out of the other.
func (r *raster) fill(polygons [][]point, p paint) {
	const far = 1 << 15 // beyond any picture
	left, top, right, bottom := math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)
	for _, polygon := range polygons {
		for i, at := range polygon {
			at = point{min(max(at.x*r.scale, -far), far), min(max(at.y*r.scale, -far), far)}
			polygon[i] = at
			left, top, right, bottom = min(left, at.x), min(top, at.y), max(right, at.x), max(bottom, at.y)
		}
	}
	area := image.Rect(int(math.Floor(left)), int(math.Floor(top)), int(math.Ceil(right))+1, int(math.Ceil(bottom))+1).Intersect(r.picture.Bounds())
	if len(polygons) == 0 || area.Empty() {
		return
	}
	r.filler.Reset(area.Dx(), area.Dy())
	for _, polygon := range polygons {
		for i, at := range polygon {
			x, y := float32(at.x-float64(area.Min.X)), float32(at.y-float64(area.Min.Y))
			if i == 0 {
				r.filler.MoveTo(x, y)
			} else {
				r.filler.LineTo(x, y)
			}
		}
		r.filler.ClosePath()
	}
	r.filler.Draw(r.picture, area, image.NewUniform(colors[p]), image.Point{})
}

// circle is a polygon that cannot be told from one; it turns as the lines do unless inside out.
func circle(center point, radius float64, insideOut bool) []point {
	const corners = 40
	polygon := make([]point, corners)
	for i := range polygon {
		sin, cos := math.Sincos(-2 * math.Pi * float64(i) / corners)
		if insideOut {
			sin = -sin
		}
		polygon[i] = point{center.x + radius*cos, center.y + radius*sin}
	}
	return polygon
}

func (r *raster) polyline(points []point, p paint, width float64, dashes []float64) {
	pieces := [][]point{points}
	if dashes != nil {
		pieces = dashed(points, dashes)
	}
	var polygons [][]point
	for _, piece := range pieces {
		for i := 1; i < len(piece); i++ {
			a, b := piece[i-1], piece[i]
			length := math.Hypot(b.x-a.x, b.y-a.y)
			if length == 0 {
				continue
			}
			nx, ny := -(b.y-a.y)/length*width/2, (b.x-a.x)/length*width/2
			polygons = append(polygons, []point{{a.x + nx, a.y + ny}, {b.x + nx, b.y + ny}, {b.x - nx, b.y - ny}, {a.x - nx, a.y - ny}})
			if i > 1 {
				polygons = append(polygons, circle(a, width/2, false))
			}
		}
	}
	r.fill(polygons, p)
}

func (r *raster) disc(center point, radius float64, p paint) {
	r.fill([][]point{circle(center, radius, false)}, p)
}

func (r *raster) ring(center point, radius float64, p paint, width float64) {
	r.fill([][]point{circle(center, radius+width/2, false), circle(center, radius-width/2, true)}, p)
}

func (r *raster) text(at point, s string, size float64, a anchor, p paint) {
	face, ok := r.faces[size]
	if !ok {
		var err error
		face, err = opentype.NewFace(letters(), &opentype.FaceOptions{Size: size * r.scale, DPI: 72, Hinting: font.HintingNone})
		if err != nil { // it has none to report
			panic("report: the font that is built in is broken: " + err.Error())
		}
		r.faces[size] = face
	}
	d := font.Drawer{Dst: r.picture, Src: image.NewUniform(colors[p]), Face: face}
	d.Dot = fixed.Point26_6{X: fixed.Int26_6(math.Round(at.x * r.scale * 64)), Y: fixed.Int26_6(math.Round(at.y*r.scale)) * 64}
	switch width := d.MeasureString(s); a {
	case centred:
		d.Dot.X -= width / 2
	case toTheLeft:
		d.Dot.X -= width
	}
	d.DrawString(s)
}

func (r *raster) tip(box, string) {}
