package augment

import (
	"fmt"
	"math"

	"github.com/meseta-go/meseta/kernels/feed"
	"github.com/meseta-go/meseta/random"
)

// FlipMode says which way RandomFlip flips. An empty one is HorizontalAndVertical.
type FlipMode string

// The flip modes.
const (
	Horizontal            FlipMode = "horizontal" // left and right change places
	Vertical              FlipMode = "vertical"
	HorizontalAndVertical FlipMode = "horizontal_and_vertical"
)

// RandomFlip flips every second image.
//
// Source: Keras's RandomFlip; but with HorizontalAndVertical each way has a coin of its own, as Keras documents, while its code flips
// either both ways or none.
type RandomFlip struct{ Mode FlipMode }

// Name is random_flip.
func (a *RandomFlip) Name() string { return "random_flip" }

// Check checks the mode.
func (a *RandomFlip) Check(Format) error {
	switch a.Mode {
	case "", Horizontal, Vertical, HorizontalAndVertical:
		return nil
	}
	return fmt.Errorf("augment: random_flip: mode is %q, want %s, %s or %s", a.Mode, Horizontal, Vertical, HorizontalAndVertical)
}

// Change flips an image, or does not.
func (a *RandomFlip) Change(img *Image) {
	vertical, horizontal := a.draw(&img.Random)
	if horizontal {
		img.flipHorizontal()
	}
	if vertical {
		img.flipVertical()
	}
}

// move is a matrix that takes pixels to pixels.
func (a *RandomFlip) move(img *Image) feed.Move {
	vertical, horizontal := a.draw(&img.Random)
	if !vertical && !horizontal {
		return feed.Move{}
	}
	m := matrix{xx: 1, yy: 1}
	if horizontal {
		m.xx, m.x0 = -1, float32(img.W-1)
	}
	if vertical {
		m.yy, m.y0 = -1, float32(img.H-1)
	}
	return m.moved(img.window(), Fill{Interpolation: NearestOnly})
}

// draw says which ways an image is flipped.
func (a *RandomFlip) draw(s *random.Stream) (vertical, horizontal bool) {
	horizontal, vertical = s.Uint32n(2) == 0, s.Uint32n(2) == 0
	return vertical && a.Mode != Horizontal, horizontal && a.Mode != Vertical
}

func (img *Image) flipHorizontal() {
	w, c := img.W, img.C
	for y := range img.H {
		row := img.Pixels[y*w*c : (y+1)*w*c]
		for l, r := 0, (w-1)*c; l < r; l, r = l+c, r-c {
			a, b := row[l:l+c], row[r:r+c]
			for i := range a {
				a[i], b[i] = b[i], a[i]
			}
		}
	}
}

func (img *Image) flipVertical() {
	row := img.W * img.C
	for t, b := 0, (img.H-1)*row; t < b; t, b = t+row, b-row {
		copy(img.Scratch, img.Pixels[t:t+row])
		copy(img.Pixels[t:t+row], img.Pixels[b:b+row])
		copy(img.Pixels[b:b+row], img.Scratch[:row])
	}
}

// PadAndCrop pads images on all four sides and takes a random part of the images' own size, so it moves them by at most Padding pixels each way.
//
// Source: He et al. 2015, arXiv:1512.03385, section 4.2, with Padding 4.
type PadAndCrop struct {
	Padding int  // pixels
	Fill    Fill // constant 0; moves by whole pixels, so Interpolation does not matter
}

// Name is pad_and_crop.
func (a *PadAndCrop) Name() string { return "pad_and_crop" }

// Check checks the fields.
func (a *PadAndCrop) Check(f Format) error {
	if a.Padding < 1 || a.Padding > min(f.H, f.W) {
		return fmt.Errorf("augment: pad_and_crop: padding is %d, images of %dx%d need 1 to %d", a.Padding, f.H, f.W, min(f.H, f.W))
	}
	return a.Fill.check(a.Name())
}

// Change moves an image.
func (a *PadAndCrop) Change(img *Image) {
	down, right := a.draw(&img.Random)
	img.shift(down, right, a.Fill.or(Constant))
}

// move is a matrix that takes pixels to pixels.
func (a *PadAndCrop) move(img *Image) feed.Move {
	down, right := a.draw(&img.Random)
	f := a.Fill.or(Constant)
	f.Interpolation = NearestOnly
	return matrix{xx: 1, yy: 1, x0: float32(-right), y0: float32(-down)}.moved(img.window(), f)
}

// draw says by how many pixels an image is moved.
func (a *PadAndCrop) draw(s *random.Stream) (down, right int) {
	n := uint32(2*a.Padding + 1)
	return int(s.Uint32n(n)) - a.Padding, int(s.Uint32n(n)) - a.Padding
}

// shift moves the image by at most its own size.
func (img *Image) shift(down, right int, f Fill) {
	w, c := img.W, img.C
	// Pixels left to right-1 of a row come of the source row; what is beside them is filled.
	left, end := max(0, right), w+min(0, right)
	for y := range img.H {
		out := img.Scratch[y*w*c : (y+1)*w*c]
		from := y - down
		if f.Mode == Constant && (from < 0 || from >= img.H) {
			fill(out, float32(f.Value))
			continue
		}
		from = int(fold(float32(from), 0, img.H-1, f.Mode.edge()))
		row := img.Pixels[from*w*c : (from+1)*w*c]
		copy(out[left*c:end*c], row[(left-right)*c:])
		if f.Mode == Constant {
			fill(out[:left*c], float32(f.Value))
			fill(out[end*c:], float32(f.Value))
			continue
		}
		for x := range left {
			at := int(fold(float32(x-right), 0, w-1, f.Mode.edge()))
			copy(out[x*c:(x+1)*c], row[at*c:])
		}
		for x := end; x < w; x++ {
			at := int(fold(float32(x-right), 0, w-1, f.Mode.edge()))
			copy(out[x*c:(x+1)*c], row[at*c:])
		}
	}
	img.Swap()
}

func fill(x []float32, value float32) {
	for i := range x {
		x[i] = value
	}
}

// RandomResizedCrop takes a random part of an image and resizes it to the image's own size. NewRandomResizedCrop gives the usual one.
//
// As the first of a list it takes its part of an image file as it is stored, before that is resized to what the network wants (see data.Folder).
//
// Source: Szegedy et al. 2014, arXiv:1409.4842, section 6; arguments and draws as torchvision's RandomResizedCrop.
type RandomResizedCrop struct {
	Scale         Range         // of the part's area, as a fraction of the image's; within (0,1]
	Ratio         Range         // of the part's width to its height, above 0
	Interpolation Interpolation // bilinear
}

// NewRandomResizedCrop has the scale from 0.08 to 1 and the ratio from 3/4 to 4/3.
func NewRandomResizedCrop() *RandomResizedCrop {
	return &RandomResizedCrop{Scale: Range{0.08, 1}, Ratio: Range{3.0 / 4, 4.0 / 3}}
}

// Name is random_resized_crop.
func (a *RandomResizedCrop) Name() string { return "random_resized_crop" }

// Check checks the fields.
func (a *RandomResizedCrop) Check(Format) error {
	if s := a.Scale; !(s.Low > 0 && s.Low <= s.High && s.High <= 1) {
		return fmt.Errorf("augment: random_resized_crop: scale is [%g, %g], want a range above 0 up to 1", s.Low, s.High)
	}
	if r := a.Ratio; !(r.Low > 0 && r.Low <= r.High && r.High <= 1e6) {
		return fmt.Errorf("augment: random_resized_crop: ratio is [%g, %g], want a range above 0 up to 1e6", r.Low, r.High)
	}
	return Fill{Interpolation: a.Interpolation}.check(a.Name())
}

// Change crops an image.
func (a *RandomResizedCrop) Change(img *Image) { img.do(a.move(img), nil) }

func (a *RandomResizedCrop) move(img *Image) feed.Move {
	top, left, h, w := a.part(&img.Random, img.H, img.W)
	return img.resizedFrom(top, left, h, w, a.Interpolation)
}

// part draws which part to take of an image. After ten parts that are larger than the image it takes the largest one in the middle whose ratio will do.
func (a *RandomResizedCrop) part(s *random.Stream, height, width int) (top, left, h, w int) {
	ratio := Range{math.Log(a.Ratio.Low), math.Log(a.Ratio.High)}
	for range 10 {
		area := float64(height*width) * float64(a.Scale.draw(s))
		r := math.Exp(float64(ratio.draw(s)))
		w, h = int(math.Round(math.Sqrt(area*r))), int(math.Round(math.Sqrt(area/r)))
		if w >= 1 && w <= width && h >= 1 && h <= height {
			top, left = int(s.Uint32n(uint32(height-h+1))), int(s.Uint32n(uint32(width-w+1)))
			return top, left, h, w
		}
	}
	w, h = width, height
	switch r := float64(w) / float64(h); {
	case r < a.Ratio.Low:
		h = clamp(int(math.Round(float64(w)/a.Ratio.Low)), 1, h)
	case r > a.Ratio.High:
		w = clamp(int(math.Round(float64(h)*a.Ratio.High)), 1, w)
	}
	return (height - h) / 2, (width - w) / 2, h, w
}

// resizedFrom is the move that makes a part of the image the whole one: the middles of pixels keep their relative places, and nothing beside the part is read.
func (img *Image) resizedFrom(top, left, h, w int, how Interpolation) feed.Move {
	sx, sy := float32(w)/float32(img.W), float32(h)/float32(img.H)
	m := matrix{xx: sx, x0: float32(left) + sx/2 - 0.5, yy: sy, y0: float32(top) + sy/2 - 0.5}
	return m.moved(window{left, top, left + w - 1, top + h - 1}, Fill{Mode: Nearest, Interpolation: how})
}
