package layers

import (
	"fmt"

	"github.com/meseta-go/meseta/ops"
)

// Interpolation names how the pixels between others are made up. The zero value is what Keras takes for the layer: nearest for
// UpSampling2D, bilinear for Resizing.
type Interpolation string

// The interpolations.
const (
	Nearest  Interpolation = "nearest"
	Bilinear Interpolation = "bilinear"
	Bicubic  Interpolation = "bicubic"
)

var interpolations = map[Interpolation]ops.Interpolation{Nearest: ops.Nearest, Bilinear: ops.Bilinear, Bicubic: ops.Bicubic}

func (i Interpolation) or(d Interpolation) Interpolation {
	if i == "" {
		return d
	}
	return i
}

func (i Interpolation) check(l Layer) error {
	if _, ok := interpolations[i]; !ok {
		return fmt.Errorf("layers: %s has interpolation %q, there are %q, %q and %q: %w", l.ClassName(), string(i), Nearest, Bilinear, Bicubic, ErrConfig)
	}
	return nil
}

// resize adds a resizing of images to a size that they may have already.
func (b *Builder) resize(src ops.Value, size Size, i Interpolation) (ops.Value, error) {
	if s := b.Type(src).Shape; s[1] == size[0] && s[2] == size[1] {
		return src, nil
	}
	return b.Add1(ops.Resize{Size: size, Method: interpolations[i]}, src)
}

// UpSampling2D makes images Size times as high and wide.
//
// Input [H,W,C], output [Size[0]·H,Size[1]·W,C].
type UpSampling2D struct {
	Name          string
	Size          Size          // zero means 2×2
	Interpolation Interpolation // zero means Nearest, which repeats pixels
}

// ClassName is "UpSampling2D".
func (*UpSampling2D) ClassName() string { return "UpSampling2D" }

// GivenName is the field Name.
func (l *UpSampling2D) GivenName() string { return l.Name }

// Settings gives size and interpolation with their defaults filled in.
func (l *UpSampling2D) Settings() (Size, Interpolation) {
	return l.Size.or(Square(2)), l.Interpolation.or(Nearest)
}

// OutputShape is the input's, so many times as large.
func (l *UpSampling2D) OutputShape(in []Shape) (Shape, error) {
	if err := image(l, in); err != nil {
		return nil, err
	}
	size, interpolation := l.Settings()
	if err := positive(l, "size", size); err != nil {
		return nil, err
	}
	return Shape{in[0][0] * size[0], in[0][1] * size[1], in[0][2]}, interpolation.check(l)
}

// Weights is none.
func (*UpSampling2D) Weights([]Shape) []Weight { return nil }

// Lower adds a resizing.
func (l *UpSampling2D) Lower(b *Builder, in, _ []ops.Value) (ops.Value, error) {
	size, interpolation := l.Settings()
	s := b.Type(in[0]).Shape
	return b.resize(in[0], Size{s[1] * size[0], s[2] * size[1]}, interpolation)
}

// UpSampling1D repeats each step of sequences Size times.
//
// Input [L,C], output [Size·L,C].
type UpSampling1D struct {
	Name string
	Size int // zero means 2
}

// ClassName is "UpSampling1D".
func (*UpSampling1D) ClassName() string { return "UpSampling1D" }

// GivenName is the field Name.
func (l *UpSampling1D) GivenName() string { return l.Name }

// Factor gives the size with its default filled in.
func (l *UpSampling1D) Factor() int {
	if l.Size == 0 {
		return 2
	}
	return l.Size
}

// OutputShape is the input's, so many times as long.
func (l *UpSampling1D) OutputShape(in []Shape) (Shape, error) {
	if err := sequence(l, in); err != nil {
		return nil, err
	}
	if l.Factor() < 1 {
		return nil, fmt.Errorf("layers: UpSampling1D has size %d, want at least 1: %w", l.Size, ErrConfig)
	}
	return Shape{in[0][0] * l.Factor(), in[0][1]}, nil
}

// Weights is none.
func (*UpSampling1D) Weights([]Shape) []Weight { return nil }

// Lower adds a resizing of images of one row.
func (l *UpSampling1D) Lower(b *Builder, in, _ []ops.Value) (ops.Value, error) {
	s := b.Type(in[0]).Shape
	rows, err := b.reshape(in[0], s[0], 1, s[1], s[2])
	if err != nil {
		return ops.None, err
	}
	v, err := b.resize(rows, Size{1, s[1] * l.Factor()}, Nearest)
	if err != nil {
		return ops.None, err
	}
	return b.reshape(v, s[0], s[1]*l.Factor(), s[2])
}

// Resizing gives images the size Height×Width.
//
// Input [H,W,C], output [Height,Width,C].
type Resizing struct {
	Name          string
	Height, Width int
	Interpolation Interpolation // zero means Bilinear

	// At most one of these: the image first loses its edges, or gets edges of zeros, so that its sides have the ratio of the new ones.
	CropToAspectRatio, PadToAspectRatio bool
}

// ClassName is "Resizing".
func (*Resizing) ClassName() string { return "Resizing" }

// GivenName is the field Name.
func (l *Resizing) GivenName() string { return l.Name }

// Method gives the interpolation with its default filled in.
func (l *Resizing) Method() Interpolation { return l.Interpolation.or(Bilinear) }

// OutputShape is [Height,Width,C].
func (l *Resizing) OutputShape(in []Shape) (Shape, error) {
	if err := image(l, in); err != nil {
		return nil, err
	}
	if err := positive(l, "a new size of", Size{l.Height, l.Width}); err != nil {
		return nil, err
	}
	if l.CropToAspectRatio && l.PadToAspectRatio {
		return nil, fmt.Errorf("layers: Resizing can crop or pad to the aspect ratio, not both: %w", ErrConfig)
	}
	return Shape{l.Height, l.Width, in[0][2]}, l.Method().check(l)
}

// Weights is none.
func (*Resizing) Weights([]Shape) []Weight { return nil }

// Lower adds cropping or padding where that is asked for, and a resizing.
func (l *Resizing) Lower(b *Builder, in, _ []ops.Value) (ops.Value, error) {
	v, s, size := in[0], b.Type(in[0]).Shape, Size{l.Height, l.Width}
	var err error
	switch {
	case l.CropToAspectRatio:
		v, err = b.cropToRatio(v, size)
	case l.PadToAspectRatio:
		// As Keras does: what is missing is halved and rounded down for each side, so that an odd row or column is not added.
		rows, cols := max(s[2]*size[0]/size[1]-s[1], 0)/2, max(s[1]*size[1]/size[0]-s[2], 0)/2
		if rows > 0 || cols > 0 {
			v, err = b.Add1(Margin{rows, rows, cols, cols}.pad(), v)
		}
	}
	if err != nil {
		return ops.None, err
	}
	return b.resize(v, size, l.Method())
}

// cropToRatio takes the edges off images so that their sides have the ratio of size, as nearly as whole pixels allow.
func (b *Builder) cropToRatio(src ops.Value, size Size) (ops.Value, error) {
	s := b.Type(src).Shape
	h := max(min(s[1], s[2]*size[0]/size[1]), 1)
	w := max(min(s[2], s[1]*size[1]/size[0]), 1)
	return b.crop(src, (s[1]-h)/2, (s[2]-w)/2, Size{h, w})
}

// crop takes a part of images that starts top rows down and left columns in.
func (b *Builder) crop(src ops.Value, top, left int, size Size) (ops.Value, error) {
	s := b.Type(src).Shape
	m := Margin{top, s[1] - size[0] - top, left, s[2] - size[1] - left}
	if m == (Margin{}) {
		return src, nil
	}
	return b.Add1(ops.Crop(m.pad()), src)
}

// CenterCrop takes Height×Width pixels out of the middle of images. Of an image that is smaller, it resizes the largest part in the middle
// that has the same aspect ratio.
//
// Input [H,W,C], output [Height,Width,C].
type CenterCrop struct {
	Name          string
	Height, Width int
}

// ClassName is "CenterCrop".
func (*CenterCrop) ClassName() string { return "CenterCrop" }

// GivenName is the field Name.
func (l *CenterCrop) GivenName() string { return l.Name }

// OutputShape is [Height,Width,C].
func (l *CenterCrop) OutputShape(in []Shape) (Shape, error) {
	if err := image(l, in); err != nil {
		return nil, err
	}
	return Shape{l.Height, l.Width, in[0][2]}, positive(l, "a size of", Size{l.Height, l.Width})
}

// Weights is none.
func (*CenterCrop) Weights([]Shape) []Weight { return nil }

// Lower adds a cropping, and for a smaller image a resizing.
func (l *CenterCrop) Lower(b *Builder, in, _ []ops.Value) (ops.Value, error) {
	s, size := b.Type(in[0]).Shape, Size{l.Height, l.Width}
	if s[1] >= size[0] && s[2] >= size[1] {
		return b.crop(in[0], (s[1]-size[0])/2, (s[2]-size[1])/2, size)
	}
	v, err := b.cropToRatio(in[0], size)
	if err != nil {
		return ops.None, err
	}
	return b.resize(v, size, Bilinear)
}
