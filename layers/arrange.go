package layers

import (
	"fmt"

	"github.com/meseta-go/meseta/ops"
)

// Margin is how many rows and columns lie at each side of an image.
type Margin struct{ Top, Bottom, Left, Right int }

// Around is the Margin of n at each side.
func Around(n int) Margin { return Margin{n, n, n, n} }

func (m Margin) pad() ops.Pad {
	return ops.Pad{Before: [2]int{m.Top, m.Left}, After: [2]int{m.Bottom, m.Right}}
}

func (m Margin) check(l Layer) error {
	if min(m.Top, m.Bottom, m.Left, m.Right) < 0 {
		return fmt.Errorf("layers: %s has a margin of %+v, none may be negative: %w", l.ClassName(), m, ErrConfig)
	}
	return nil
}

// reshaped is the output shape of a layer that stands for one operation on an image.
func reshaped(o ops.Operator, in Shape) (Shape, error) {
	t, err := o.Infer([]ops.Type{ops.F32(append([]int{1}, in...)...)})
	if err != nil {
		return nil, err
	}
	return t[0].Shape[1:], nil
}

// ZeroPadding2D puts zeros around an image. Before a convolution it costs nothing: the convolution reads as if they were there.
//
// Input [H,W,C], output [Top+H+Bottom,Left+W+Right,C].
type ZeroPadding2D struct {
	Name    string
	Padding Margin
}

// ClassName is "ZeroPadding2D".
func (*ZeroPadding2D) ClassName() string { return "ZeroPadding2D" }

// GivenName is the field Name.
func (l *ZeroPadding2D) GivenName() string { return l.Name }

// OutputShape is the input's with the margin.
func (l *ZeroPadding2D) OutputShape(in []Shape) (Shape, error) {
	if err := image(l, in); err != nil {
		return nil, err
	}
	if err := l.Padding.check(l); err != nil {
		return nil, err
	}
	return reshaped(l.Padding.pad(), in[0])
}

// Weights is none.
func (*ZeroPadding2D) Weights([]Shape) []Weight { return nil }

// Lower adds a Pad.
func (l *ZeroPadding2D) Lower(b *Builder, in, _ []ops.Value) (ops.Value, error) {
	return b.Add1(l.Padding.pad(), in[0])
}

// Cropping2D takes the edges off an image.
//
// Input [H,W,C], output [H-Top-Bottom,W-Left-Right,C].
type Cropping2D struct {
	Name     string
	Cropping Margin
}

// ClassName is "Cropping2D".
func (*Cropping2D) ClassName() string { return "Cropping2D" }

// GivenName is the field Name.
func (l *Cropping2D) GivenName() string { return l.Name }

// OutputShape is the input's without the margin.
func (l *Cropping2D) OutputShape(in []Shape) (Shape, error) {
	if err := image(l, in); err != nil {
		return nil, err
	}
	if err := l.Cropping.check(l); err != nil {
		return nil, err
	}
	return reshaped(ops.Crop(l.Cropping.pad()), in[0])
}

// Weights is none.
func (*Cropping2D) Weights([]Shape) []Weight { return nil }

// Lower adds a Crop.
func (l *Cropping2D) Lower(b *Builder, in, _ []ops.Value) (ops.Value, error) {
	return b.Add1(ops.Crop(l.Cropping.pad()), in[0])
}
