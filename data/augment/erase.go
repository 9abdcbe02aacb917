package augment

import (
	"fmt"
	"math"

	"github.com/meseta-go/meseta/kernels/feed"
)

// RandomErasing replaces a random rectangle of an image. NewRandomErasing has Keras's defaults.
//
// Source: Zhong et al. 2017, arXiv:1708.04896; arguments and draws as Keras's RandomErasing.
type RandomErasing struct {
	Factor     Range    // of the probability that an image is changed; within [0,1]
	Scale      Range    // the rectangle's height is the square root of such a fraction of the image's, and its width of another one; within [0,1]
	FillValue  *float64 // nil: normally distributed noise of the standard deviation of white, cut off at black and white
	ValueRange Range    // what stands for black and white; the zero value means the data's own
}

// NewRandomErasing always erases, a scale of 0.02 to 0.33, with noise.
func NewRandomErasing() *RandomErasing {
	return &RandomErasing{Factor: Exactly(1), Scale: Range{0.02, 0.33}}
}

// Name is random_erasing.
func (a *RandomErasing) Name() string { return "random_erasing" }

// Check checks the fields.
func (a *RandomErasing) Check(f Format) error {
	if err := a.Factor.within(a.Name(), "factor", 0, 1); err != nil {
		return err
	}
	if err := a.Scale.within(a.Name(), "scale", 0, 1); err != nil {
		return err
	}
	return checkValues(a.Name(), a.ValueRange, f)
}

// Change erases a part of an image.
func (a *RandomErasing) Change(img *Image) {
	m := a.move(img)
	if m.Kind == feed.Keep || a.FillValue != nil {
		img.do(m, nil)
		return
	}
	low, high := values(a.ValueRange, img.Low, img.High)
	for row := range img.rows(m) {
		for i := range row {
			row[i] = clamp(img.Random.Normal()*high, low, high)
		}
	}
}

// move is what is done to an image where FillValue is set; else it says where.
func (a *RandomErasing) move(img *Image) feed.Move {
	probability := a.Factor.draw(&img.Random)
	if img.Random.Float32() >= probability {
		return feed.Move{}
	}
	m := feed.Move{Kind: feed.Erase}
	m.Top, m.Bottom = place(img, root(a.Scale.draw(&img.Random)), img.H)
	m.Left, m.Right = place(img, root(a.Scale.draw(&img.Random)), img.W)
	if a.FillValue != nil {
		low, high := values(a.ValueRange, img.Low, img.High)
		m.Value = clamp(float32(*a.FillValue), low, high)
	}
	return m
}

// place draws where a part of a side of the image lies, of so large a fraction: pixels from to to-1.
func place(img *Image, fraction float32, length int) (from, to int32) {
	part := fraction * float32(length)
	start := float32(img.Random.Float32() * (float32(length) - part))
	// The pixels in [start, start+part).
	from, to = int32(math.Ceil(float64(start))), int32(math.Ceil(float64(start+part)))
	return min(from, int32(length)), min(to, int32(length))
}

func root(x float32) float32 { return float32(math.Sqrt(float64(x))) }

// Cutout replaces a square whose middle may be any pixel, so that parts of it may lie outside.
//
// Source: DeVries and Taylor 2017, arXiv:1708.04552.
type Cutout struct {
	Size      int     // the square's side, pixels
	FillValue float64 // 0 in the paper, whose images have mean 0
}

// Name is cutout.
func (a *Cutout) Name() string { return "cutout" }

// Check checks the size.
func (a *Cutout) Check(f Format) error {
	if a.Size < 1 || a.Size > 2*max(f.H, f.W) {
		return fmt.Errorf("augment: cutout: size is %d, images of %dx%d need 1 to %d", a.Size, f.H, f.W, 2*max(f.H, f.W))
	}
	return nil
}

// Change cuts a square out of an image.
func (a *Cutout) Change(img *Image) { img.do(a.move(img), nil) }

func (a *Cutout) move(img *Image) feed.Move {
	top := int(img.Random.Uint32n(uint32(img.H))) - a.Size/2
	left := int(img.Random.Uint32n(uint32(img.W))) - a.Size/2
	return feed.Move{
		Kind: feed.Erase, Value: float32(a.FillValue),
		Top: int32(max(0, top)), Left: int32(max(0, left)), Bottom: int32(min(img.H, top+a.Size)), Right: int32(min(img.W, left+a.Size)),
	}
}
