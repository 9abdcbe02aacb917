package augment

import (
	"fmt"
	"math"

	"github.com/meseta-go/meseta/kernels/feed"
)

// FillMode says what lies outside an image.
type FillMode string

// The fill modes, drawn for a row a b c d. An empty one is the augmentation's default.
const (
	Reflect  FillMode = "reflect"  // d c b a | a b c d | d c b a
	Nearest  FillMode = "nearest"  // a a a a | a b c d | d d d d
	Constant FillMode = "constant" // k k k k | a b c d | k k k k
)

// Interpolation says which value an image has between its pixels.
type Interpolation string

// The interpolations. An empty one is Bilinear.
const (
	Bilinear    Interpolation = "bilinear"
	NearestOnly Interpolation = "nearest"
)

// Fill says what augmentations that move pixels put where they have none, and between pixels.
type Fill struct {
	Mode          FillMode      // empty is the augmentation's default
	Value         float64       // for Constant; 0 is Keras's default
	Interpolation Interpolation // empty is Bilinear
}

// edge is what a Move knows of the mode.
func (m FillMode) edge() feed.Edge {
	switch m {
	case Reflect:
		return feed.Reflect
	case Nearest:
		return feed.Repeat
	}
	return feed.Constant
}

func (f Fill) check(who string) error {
	switch f.Mode {
	case "", Reflect, Nearest, Constant:
	default:
		return fmt.Errorf("augment: %s: fill_mode is %q, want %s, %s or %s", who, f.Mode, Reflect, Nearest, Constant)
	}
	switch f.Interpolation {
	case "", Bilinear, NearestOnly:
	default:
		return fmt.Errorf("augment: %s: interpolation is %q, want %s or %s", who, f.Interpolation, Bilinear, NearestOnly)
	}
	return nil
}

// matrix takes the place (x, y) of a pixel to where its value comes from: (xx·x + xy·y + x0, yx·x + yy·y + y0).
type matrix struct{ xx, xy, x0, yx, yy, y0 float32 }

// about moves the matrix so that the middle of the image stays where it is.
func (m matrix) about(img *Image) matrix {
	cx, cy := float32(img.W-1)/2, float32(img.H-1)/2
	m.x0 += cx - float32(cx*m.xx) - float32(cy*m.xy)
	m.y0 += cy - float32(cx*m.yx) - float32(cy*m.yy)
	return m
}

// window is the part of an image that values come from: left <= x <= right, likewise y.
type window struct{ left, top, right, bottom int }

func (img *Image) window() window { return window{0, 0, img.W - 1, img.H - 1} }

// moved is the move of an image by a matrix.
func (m matrix) moved(from window, f Fill) feed.Move {
	kind := feed.Bilinear
	if f.Interpolation == NearestOnly {
		kind = feed.Nearest
	}
	return feed.Move{
		Kind: kind, Edge: f.Mode.edge(), Value: float32(f.Value), Numbers: [6]float32{m.xx, m.xy, m.x0, m.yx, m.yy, m.y0},
		Top: int32(from.top), Left: int32(from.left), Bottom: int32(from.bottom) + 1, Right: int32(from.right) + 1,
	}
}

// transform gives each pixel the value from where the matrix of a move takes it, as TensorFlow's ImageProjectiveTransformV3 does: a place
// outside is folded back by the fill mode first, and what bilinear interpolation then reads outside is the constant.
//
// GPUs do the same in the same order (kernels/feed/feed.cu). What is converted to float32 is rounded to it: a multiplication and an addition would else be
// one operation on some processors.
func (img *Image) transform(move feed.Move) {
	w, c := img.W, img.C
	n := move.Numbers
	m := matrix{n[0], n[1], n[2], n[3], n[4], n[5]}
	// Where both neighbours of a place lie inside, there is nothing to fold.
	left, top, right, bottom := float32(move.Left), float32(move.Top), float32(move.Right-1), float32(move.Bottom-1)
	for y := range img.H {
		x0, y0 := float32(m.xy*float32(y))+m.x0, float32(m.yy*float32(y))+m.y0
		row := img.Scratch[y*w*c : (y+1)*w*c]
		for x := range w {
			sx, sy := float32(m.xx*float32(x))+x0, float32(m.yx*float32(x))+y0
			out := row[x*c : x*c+c]
			if move.Kind == feed.Nearest || !(sx >= left && sx < right && sy >= top && sy < bottom) {
				img.sample(out, sx, sy, &move)
				continue
			}
			ix, iy := int(sx), int(sy)
			fx, fy := sx-float32(ix), sy-float32(iy)
			upper := img.Pixels[(iy*w+ix)*c:][:2*c]
			lower := img.Pixels[((iy+1)*w+ix)*c:][:2*c]
			for i := range out {
				a := float32((1-fx)*upper[i]) + float32(fx*upper[c+i])
				b := float32((1-fx)*lower[i]) + float32(fx*lower[c+i])
				out[i] = float32((1-fy)*a) + float32(fy*b)
			}
		}
	}
	img.Swap()
}

// sample writes the image's value at any place, inside or outside of the part that is looked at.
func (img *Image) sample(out []float32, x, y float32, m *feed.Move) {
	left, top, right, bottom := int(m.Left), int(m.Top), int(m.Right)-1, int(m.Bottom)-1
	x, y = fold(x, left, right, m.Edge), fold(y, top, bottom, m.Edge)
	read := func(x, y, i int) float32 {
		if x < left || x > right || y < top || y > bottom {
			return m.Value
		}
		return img.Pixels[(y*img.W+x)*img.C+i]
	}
	if m.Kind == feed.Nearest {
		ix, iy := int(math.Round(float64(x))), int(math.Round(float64(y)))
		for i := range out {
			out[i] = read(ix, iy, i)
		}
		return
	}
	ix, iy := int(math.Floor(float64(x))), int(math.Floor(float64(y)))
	fx, fy := x-float32(ix), y-float32(iy)
	for i := range out {
		a := float32((1-fx)*read(ix, iy, i)) + float32(fx*read(ix+1, iy, i))
		b := float32((1-fx)*read(ix, iy+1, i)) + float32(fx*read(ix+1, iy+1, i))
		out[i] = float32((1-fy)*a) + float32(fy*b)
	}
}

// fold brings a coordinate back between low and high, as the edge says. With Constant it stays, but no further out than
// one pixel, where all is constant, so that it fits an int.
func fold(x float32, low, high int, edge feed.Edge) float32 {
	l, h := float32(low), float32(high)
	switch edge {
	case feed.Constant:
		return clamp(x, l-1, h+1)
	case feed.Reflect:
		n := h - l + 1
		x -= l
		if x < 0 {
			x = -x - 1
		}
		if period := 2 * n; x >= period {
			x -= float32(period * float32(int(x/period)))
		}
		if x >= n {
			x = 2*n - x - 1 // twice a whole number is exact
		}
		return clamp(x+l, l, h)
	}
	return clamp(x, l, h)
}

// or gives the fill with a default mode.
func (f Fill) or(mode FillMode) Fill {
	if f.Mode == "" {
		f.Mode = mode
	}
	return f
}

// RandomRotation turns images about their middle.
//
// Source: Keras's RandomRotation.
type RandomRotation struct {
	Factor Range // of whole turns, counter-clockwise; within [-1,1]
	Fill   Fill  // reflect
}

// Name is random_rotation.
func (a *RandomRotation) Name() string { return "random_rotation" }

// Check checks the fields.
func (a *RandomRotation) Check(Format) error {
	if err := a.Factor.within(a.Name(), "factor", -1, 1); err != nil {
		return err
	}
	return a.Fill.check(a.Name())
}

// Change turns an image.
func (a *RandomRotation) Change(img *Image) { img.do(a.move(img), nil) }

func (a *RandomRotation) move(img *Image) feed.Move {
	return img.rotated(2*math.Pi*float64(a.Factor.draw(&img.Random)), a.Fill.or(Reflect))
}

// rotated is the move that turns the image counter-clockwise by radians.
func (img *Image) rotated(radians float64, f Fill) feed.Move {
	sin, cos := math.Sincos(radians)
	m := matrix{xx: float32(cos), xy: float32(-sin), yx: float32(sin), yy: float32(cos)}
	return m.about(img).moved(img.window(), f)
}

// RandomZoom zooms images about their middle.
//
// Source: Keras's RandomZoom.
type RandomZoom struct {
	HeightFactor Range  // how much more, or with a negative number less, of the image's height fits in; above -1, at most 1
	WidthFactor  *Range // likewise; nil: as much as of the height
	Fill         Fill   // reflect
}

// Name is random_zoom.
func (a *RandomZoom) Name() string { return "random_zoom" }

// Check checks the fields.
func (a *RandomZoom) Check(Format) error {
	ranges := []Range{a.HeightFactor}
	if a.WidthFactor != nil {
		ranges = append(ranges, *a.WidthFactor)
	}
	for i, r := range ranges {
		if !(r.Low > -1 && r.Low <= r.High && r.High <= 1) {
			return fmt.Errorf("augment: %s: %s is [%g, %g], want a range above -1 up to 1", a.Name(), []string{"height_factor", "width_factor"}[i], r.Low, r.High)
		}
	}
	return a.Fill.check(a.Name())
}

// Change zooms an image.
func (a *RandomZoom) Change(img *Image) { img.do(a.move(img), nil) }

func (a *RandomZoom) move(img *Image) feed.Move {
	m := matrix{yy: 1 + a.HeightFactor.draw(&img.Random)}
	m.xx = m.yy
	if a.WidthFactor != nil {
		m.xx = 1 + a.WidthFactor.draw(&img.Random)
	}
	return m.about(img).moved(img.window(), a.Fill.or(Reflect))
}

// RandomTranslation shifts images.
//
// Source: Keras's RandomTranslation.
type RandomTranslation struct {
	HeightFactor Range // how far down, as a fraction of the height; within [-1,1]
	WidthFactor  Range // how far to the right, as a fraction of the width; within [-1,1]
	Fill         Fill  // reflect
}

// Name is random_translation.
func (a *RandomTranslation) Name() string { return "random_translation" }

// Check checks the fields.
func (a *RandomTranslation) Check(Format) error {
	if err := a.HeightFactor.within(a.Name(), "height_factor", -1, 1); err != nil {
		return err
	}
	if err := a.WidthFactor.within(a.Name(), "width_factor", -1, 1); err != nil {
		return err
	}
	return a.Fill.check(a.Name())
}

// Change shifts an image.
func (a *RandomTranslation) Change(img *Image) { img.do(a.move(img), nil) }

func (a *RandomTranslation) move(img *Image) feed.Move {
	down := a.HeightFactor.draw(&img.Random) * float32(img.H)
	right := a.WidthFactor.draw(&img.Random) * float32(img.W)
	return matrix{xx: 1, yy: 1, x0: -right, y0: -down}.moved(img.window(), a.Fill.or(Reflect))
}
