// Package sheet draws contact sheets: some samples of each class of a data set in one picture, and what augmentations make of them.
//
// What is drawn are the numbers that a network gets, so a sheet shows mistakes of reading and of augmenting. Charts of training live in package
// report.
package sheet

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"math"
	"strconv"
	"sync"

	scale "golang.org/x/image/draw"
	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"

	"github.com/meseta-go/meseta/data"
	"github.com/meseta-go/meseta/data/augment"
)

// Options say what a sheet shows.
type Options struct {
	Title   string
	Samples int          // of each class; 0 means 8, or 1 where they are augmented
	Augment augment.List // shown beside each sample, which then has a row of its own
	Seed    uint64       // of the augmentations
	// Versions is how many augmented versions of each sample are shown: those of the epochs from 0 on; 0 means 8.
	Versions int
	// Classes bounds the classes that are shown, the first ones; 0 means 100.
	Classes int
}

// Lengths in pixels.
const (
	margin     = 12
	gap        = 4
	titleSize  = 18
	textSize   = 14
	smallSize  = 12
	labelWidth = 150
	tileLeast  = 64  // smaller images are enlarged by a whole number, so that each pixel is a square
	tileMost   = 160 // larger ones are reduced
)

var (
	paper = color.RGBA{R: 255, G: 255, B: 255, A: 255}
	ink   = color.RGBA{R: 32, G: 32, B: 32, A: 255}
	muted = color.RGBA{R: 120, G: 120, B: 120, A: 255}
	line  = color.RGBA{R: 225, G: 225, B: 225, A: 255}
)

// row is one line of a sheet.
type row struct {
	class  int
	first  bool    // of its class, whose name and count stand beside it
	sample []int32 // what it shows
}

// Draw draws a sheet of ds, whose samples are images [H,W,C] with one or three channels.
//
// Values are drawn from black to white as data.ValueRange says, or where that is not known from the least to the largest shown. Samples are
// spread evenly over their class, in the data set's order. It returns an error for samples that are no such images or augmentations that do not fit them.
func Draw(ds data.Dataset, o Options) (*image.RGBA, error) {
	if o.Samples < 0 || o.Versions < 0 || o.Classes < 0 {
		return nil, fmt.Errorf("sheet: %d samples of %d classes in %d versions: none may be negative", o.Samples, o.Classes, o.Versions)
	}
	f, err := data.AugmentFormat(ds)
	if err == nil && f.C != 1 && f.C != 3 {
		err = fmt.Errorf("sheet: samples have %d channels, a picture needs 1 or 3", f.C)
	}
	if err == nil && len(o.Augment) > 0 {
		err = o.Augment.Check(f)
	}
	if err != nil {
		return nil, err
	}
	labels, names, err := data.Labels(ds)
	if err != nil {
		return nil, err
	}
	o = o.complete()
	rows, counts := arrange(labels, ds.Classes(), o)
	tiles, err := (&reader{ds: ds, format: f, options: o}).tiles(rows)
	if err != nil {
		return nil, err
	}
	s := newCanvas(f, rows, o)
	s.title(o, len(labels), f, len(counts))
	for i, r := range rows {
		s.row(i, r, name(names, r.class), counts[r.class], tiles[i])
	}
	return s.picture, nil
}

func (o Options) complete() Options {
	if o.Samples == 0 {
		o.Samples = 8
		if len(o.Augment) > 0 {
			o.Samples = 1
		}
	}
	if o.Versions == 0 {
		o.Versions = 8
	}
	if o.Classes == 0 {
		o.Classes = 100
	}
	return o
}

// columns is how many tiles a row has.
func (o Options) columns() int {
	if len(o.Augment) > 0 {
		return 1 + o.Versions
	}
	return o.Samples
}

func name(names []string, class int) string {
	if class < len(names) {
		return names[class]
	}
	return strconv.Itoa(class)
}

// arrange picks samples of each class and puts them in rows. A class without samples has a row too.
func arrange(labels []int32, classes int, o Options) (rows []row, counts []int) {
	counts = make([]int, classes)
	for _, label := range labels {
		counts[label]++
	}
	shown := min(classes, o.Classes)
	of := make([][]int32, shown)
	seen := make([]int, classes)
	for i, label := range labels {
		n := seen[label]
		seen[label]++
		// The samples whose turn it is: number k·count/Samples of the class.
		if take := min(o.Samples, counts[label]); int(label) < shown && len(of[label]) < take && n == len(of[label])*counts[label]/take {
			of[label] = append(of[label], int32(i))
		}
	}
	for class, samples := range of {
		if len(o.Augment) == 0 || len(samples) == 0 {
			rows = append(rows, row{class, true, samples})
			continue
		}
		for i, sample := range samples {
			rows = append(rows, row{class, i == 0, []int32{sample}})
		}
	}
	return rows, counts
}

// chunk is how many samples are read, and may be mixed with each other, at a time.
const chunk = 32

// reader reads the samples of rows.
type reader struct {
	ds        data.Dataset
	format    augment.Format
	options   Options
	low, high float32
}

// tiles gives each row's tiles: its samples, or one sample and its augmented versions.
func (r *reader) tiles(rows []row) ([][]*image.RGBA, error) {
	if r.low, r.high = r.format.Low, r.format.High; !(r.low < r.high) {
		r.low, r.high = math.MaxFloat32, -math.MaxFloat32
		if err := r.each(rows, r.extend); err != nil {
			return nil, err
		}
		if !(r.low < r.high) {
			r.high = r.low + 1
		}
	}
	var tiles [][]*image.RGBA
	err := r.each(rows, func(rows []row, index []int32, x []float32) error {
		some, err := r.draw(rows, index, x)
		tiles = append(tiles, some...)
		return err
	})
	return tiles, err
}

// each reads some rows' samples at a time.
func (r *reader) each(rows []row, f func(rows []row, index []int32, x []float32) error) error {
	for len(rows) > 0 {
		var index []int32
		n := 0
		for ; n < len(rows) && (n == 0 || len(index)+len(rows[n].sample) <= chunk); n++ {
			index = append(index, rows[n].sample...)
		}
		x := make([]float32, len(index)*data.SampleSize(r.ds))
		if err := r.ds.Read(x, make([]int32, len(index)), index); err != nil {
			return err
		}
		if err := f(rows[:n], index, x); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}

// extend makes low and high the least and the largest finite number.
func (r *reader) extend(_ []row, _ []int32, x []float32) error {
	for _, v := range x {
		if !math.IsNaN(float64(v)) && !math.IsInf(float64(v), 0) {
			r.low, r.high = min(r.low, v), max(r.high, v)
		}
	}
	return nil
}

// draw makes the tiles of rows, whose samples are those of index.
func (r *reader) draw(rows []row, index []int32, x []float32) ([][]*image.RGBA, error) {
	size := data.SampleSize(r.ds)
	versions := [][]float32{x}
	if len(r.options.Augment) > 0 && len(index) > 0 {
		a, err := data.NewAugmenter(r.ds, r.options.Augment, r.options.Seed, len(index))
		if err != nil {
			return nil, err
		}
		for epoch := range r.options.Versions {
			version := make([]float32, len(x))
			if err := a.Read(version, make([]int32, len(index)), index, epoch); err != nil {
				return nil, err
			}
			versions = append(versions, version)
		}
	}
	tiles := make([][]*image.RGBA, len(rows))
	at := 0
	for i, row := range rows {
		for range row.sample {
			for _, version := range versions {
				tiles[i] = append(tiles[i], tile(version[at*size:(at+1)*size], r.format, r.low, r.high))
			}
			at++
		}
	}
	return tiles, nil
}

// tile makes a picture of an image. What is not finite is drawn in magenta.
func tile(x []float32, f augment.Format, low, high float32) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, f.W, f.H))
	for i := range f.H * f.W {
		rgb := [3]uint8{}
		for c := range rgb {
			v := (x[i*f.C+c%f.C] - low) / (high - low)
			if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
				rgb = [3]uint8{255, 0, 255}
				break
			}
			rgb[c] = uint8(max(0, min(v, 1))*255 + 0.5)
		}
		img.SetRGBA(i%f.W, i/f.W, color.RGBA{R: rgb[0], G: rgb[1], B: rgb[2], A: 255})
	}
	w, h := tileSize(f)
	if w == f.W && h == f.H {
		return img
	}
	var scaler scale.Scaler = scale.NearestNeighbor
	if w < f.W || h < f.H {
		scaler = scale.BiLinear
	}
	out := image.NewRGBA(image.Rect(0, 0, w, h))
	scaler.Scale(out, out.Rect, img, img.Rect, draw.Src, nil)
	return out
}

// tileSize is how large images are drawn.
func tileSize(f augment.Format) (w, h int) {
	side := max(f.H, f.W)
	if side <= tileMost {
		k := (tileLeast + side - 1) / side
		return f.W * k, f.H * k
	}
	return max(1, f.W*tileMost/side), max(1, f.H*tileMost/side)
}

// canvas is a sheet being drawn.
type canvas struct {
	picture      *image.RGBA
	tileW, tileH int
	rowH, top    int
	split        bool // the first column stands apart
}

func newCanvas(f augment.Format, rows []row, o Options) *canvas {
	w, h := tileSize(f)
	s := &canvas{tileW: w, tileH: h, rowH: max(h, textSize+smallSize+6) + gap, top: margin + 2*titleSize + smallSize, split: len(o.Augment) > 0}
	width := s.column(o.columns()) + margin - gap
	s.picture = image.NewRGBA(image.Rect(0, 0, max(width, 480), s.top+len(rows)*s.rowH+margin))
	draw.Draw(s.picture, s.picture.Rect, image.NewUniform(paper), image.Point{}, draw.Src)
	return s
}

// column is where a column begins.
func (s *canvas) column(i int) int {
	x := margin + labelWidth + i*(s.tileW+gap)
	if s.split && i > 0 {
		x += 3 * gap
	}
	return x
}

func (s *canvas) title(o Options, samples int, f augment.Format, classes int) {
	room := s.picture.Rect.Dx() - 2*margin
	s.text(margin, margin+titleSize, o.Title, titleSize, ink, room)
	what := fmt.Sprintf("%d samples of %dx%dx%d in %d classes", samples, f.H, f.W, f.C, classes)
	if classes > o.Classes {
		what += fmt.Sprintf(", of which the first %d are shown", o.Classes)
	}
	if s.split {
		what += fmt.Sprintf("; the sample first, then what augmentation makes of it in epochs 1 to %d", o.Versions)
	}
	s.text(margin, margin+titleSize+smallSize+8, what, smallSize, muted, room)
}

func (s *canvas) row(i int, r row, class string, count int, tiles []*image.RGBA) {
	y := s.top + i*s.rowH
	if r.first {
		if i > 0 {
			draw.Draw(s.picture, image.Rect(margin, y-gap/2-1, s.picture.Rect.Max.X-margin, y-gap/2), image.NewUniform(line), image.Point{}, draw.Src)
		}
		s.text(margin, y+textSize+2, class, textSize, ink, labelWidth-2*gap)
		s.text(margin, y+textSize+smallSize+7, strconv.Itoa(count), smallSize, muted, labelWidth-2*gap)
	}
	for j, t := range tiles {
		draw.Draw(s.picture, t.Rect.Add(image.Pt(s.column(j), y)), t, image.Point{}, draw.Src)
	}
}

// text writes s on a baseline, cut short where it has no room.
func (s *canvas) text(x, y int, text string, size int, c color.Color, room int) {
	d := font.Drawer{Dst: s.picture, Src: image.NewUniform(c), Face: face(size), Dot: fixed.P(x, y)}
	if d.MeasureString(text) > fixed.I(room) {
		letters := []rune(text)
		for len(letters) > 0 && d.MeasureString(string(letters)+"…") > fixed.I(room) {
			letters = letters[:len(letters)-1]
		}
		text = string(letters) + "…"
	}
	d.DrawString(text)
}

// goFont is the font that is built in.
var goFont = sync.OnceValue(func() *opentype.Font {
	f, err := opentype.Parse(goregular.TTF)
	if err != nil {
		panic("sheet: the font that is built in is broken: " + err.Error())
	}
	return f
})

func face(size int) font.Face {
	f, err := opentype.NewFace(goFont(), &opentype.FaceOptions{Size: float64(size), DPI: 72, Hinting: font.HintingFull})
	if err != nil { // it has none to report
		panic("sheet: the font that is built in is broken: " + err.Error())
	}
	return f
}
