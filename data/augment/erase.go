package augment

import (
	"fmt"
	"math"
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
	probability := a.Factor.draw(&img.Random)
	if img.Random.Float32() >= probability {
		return
	}
	low, high := values(a.ValueRange, img.Low, img.High)
	top, bottom := place(img, root(a.Scale.draw(&img.Random)), img.H)
	left, right := place(img, root(a.Scale.draw(&img.Random)), img.W)
	for y := top; y < bottom; y++ {
		part := img.Pixels[(y*img.W+left)*img.C : (y*img.W+right)*img.C]
		for i := range part {
			if a.FillValue != nil {
				part[i] = clamp(float32(*a.FillValue), low, high)
			} else {
				part[i] = clamp(img.Random.Normal()*high, low, high)
			}
		}
	}
}

// place draws where a part of a side of the image lies, of so large a fraction: pixels from to to-1.
func place(img *Image, fraction float32, length int) (from, to int) {
	part := fraction * float32(length)
	start := img.Random.Float32() * (float32(length) - part)
	// The pixels in [start, start+part).
	from, to = int(math.Ceil(float64(start))), int(math.Ceil(float64(start+part)))
	return min(from, length), min(to, length)
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
func (a *Cutout) Change(img *Image) {
	top := int(img.Random.Uint32n(uint32(img.H))) - a.Size/2
	left := int(img.Random.Uint32n(uint32(img.W))) - a.Size/2
	from, to := max(0, left), min(img.W, left+a.Size)
	for y := max(0, top); y < min(img.H, top+a.Size); y++ {
		fill(img.Pixels[(y*img.W+from)*img.C:(y*img.W+to)*img.C], float32(a.FillValue))
	}
}
