package augment

import (
	"fmt"
	"math"
)

// RandAugment applies some operations to an image, drawn from fourteen, all with one strength. NewRandAugment has the usual numbers.
//
// Source: Cubuk et al. 2019, arXiv:1909.13719; the operations and their strengths are torchvision's (RandAugment), which work as Pillow's ImageOps
// and ImageEnhance, here without rounding to whole bytes. Keras's RandAugment has other strengths: it turns images by up to half a turn at its default.
type RandAugment struct {
	NumOps     int   // how many operations, one after the other
	Magnitude  int   // how strong, 0 to 30
	Fill       Fill  // constant 0
	ValueRange Range // what stands for black and white; the zero value means the data's own
}

// maxMagnitude is the strongest of torchvision's 31 bins.
const maxMagnitude = 30

// NewRandAugment has 2 operations of magnitude 9.
func NewRandAugment() *RandAugment { return &RandAugment{NumOps: 2, Magnitude: 9} }

// Name is rand_augment.
func (a *RandAugment) Name() string { return "rand_augment" }

// Check checks the fields.
func (a *RandAugment) Check(f Format) error {
	if a.NumOps < 1 || a.NumOps > 100 {
		return fmt.Errorf("augment: rand_augment: num_ops is %d, want 1 to 100", a.NumOps)
	}
	if a.Magnitude < 0 || a.Magnitude > maxMagnitude {
		return fmt.Errorf("augment: rand_augment: magnitude is %d, want 0 to %d", a.Magnitude, maxMagnitude)
	}
	if err := a.Fill.check(a.Name()); err != nil {
		return err
	}
	return checkValues(a.Name(), a.ValueRange, f)
}

// Change changes an image.
func (a *RandAugment) Change(img *Image) {
	low, high := img.Low, img.High
	img.Low, img.High = values(a.ValueRange, low, high)
	for range a.NumOps {
		op := operation(img.Random.Uint32n(operations))
		negative := img.Random.Uint32n(2) == 0
		op.apply(img, float64(a.Magnitude)/maxMagnitude, negative, a.Fill.or(Constant))
	}
	img.Low, img.High = low, high
}

// operation is one of RandAugment's.
type operation uint32

const (
	identity operation = iota
	shearX
	shearY
	translateX
	translateY
	rotate
	brightness
	colour
	contrast
	sharpness
	posterize
	solarize
	autoContrast
	equalize
	operations = iota
)

// apply does the operation with a strength from 0 to 1, in the other direction where it has two and negative is set.
func (op operation) apply(img *Image, strength float64, negative bool, f Fill) {
	signed := strength
	if negative {
		signed = -strength
	}
	s := float32(signed)
	m := matrix{xx: 1, yy: 1}
	switch op {
	case shearX: // the middles of pixels are sheared, so that the corner of the image stays
		m.xy, m.x0 = 0.3*s, 0.15*s
		img.transform(m.moved(img.window(), f))
	case shearY:
		m.yx, m.y0 = 0.3*s, 0.15*s
		img.transform(m.moved(img.window(), f))
	case translateX:
		m.x0 = -150.0 / 331 * s * float32(img.W)
		img.transform(m.moved(img.window(), f))
	case translateY:
		m.y0 = -150.0 / 331 * s * float32(img.H)
		img.transform(m.moved(img.window(), f))
	case rotate:
		img.transform(img.rotated(math.Pi/6*signed, f))
	case brightness:
		img.blend(1+0.9*s, img.Low)
	case colour:
		img.degenerate(1 + 0.9*s)
	case contrast:
		img.blend(1+0.9*s, img.meanLuma())
	case sharpness:
		img.sharpen(1 + 0.9*s)
	case posterize:
		img.posterize(8 - int(math.Round(4*strength)))
	case solarize:
		img.solarize(img.High - float32(strength)*(img.High-img.Low))
	case autoContrast:
		img.autoContrast()
	case equalize:
		img.equalize()
	}
}

// blend sets each value to to + factor·(value - to), cut off at black and white.
func (img *Image) blend(factor, to float32) {
	for i, v := range img.Pixels {
		img.Pixels[i] = clamp(to+factor*(v-to), img.Low, img.High)
	}
}

// luma is how bright a pixel is (ITU-R 601-2), and of images that are not red, green and blue the mean of its channels.
func luma(pixel []float32) float32 {
	if len(pixel) == 3 {
		return 0.299*pixel[0] + 0.587*pixel[1] + 0.114*pixel[2]
	}
	sum := float32(0)
	for _, v := range pixel {
		sum += v
	}
	return sum / float32(len(pixel))
}

func (img *Image) meanLuma() float32 {
	sum := 0.0
	for p := 0; p < len(img.Pixels); p += img.C {
		sum += float64(luma(img.Pixels[p : p+img.C]))
	}
	return float32(sum / float64(img.H*img.W))
}

// degenerate blends each pixel with its own grey.
func (img *Image) degenerate(factor float32) {
	for p := 0; p < len(img.Pixels); p += img.C {
		pixel := img.Pixels[p : p+img.C]
		grey := luma(pixel)
		for i, v := range pixel {
			pixel[i] = clamp(grey+factor*(v-grey), img.Low, img.High)
		}
	}
}

// sharpen blends the image with a smoother one: each pixel the mean of itself, five times, and its eight neighbours. Pixels at the
// border stay.
func (img *Image) sharpen(factor float32) {
	row, c := img.W*img.C, img.C
	copy(img.Scratch, img.Pixels)
	for y := 1; y < img.H-1; y++ {
		for i := y*row + c; i < (y+1)*row-c; i++ {
			p := img.Pixels[i-row-c : i+row+c+1] // from the upper left neighbour to the lower right one
			sum := p[0] + p[c] + p[2*c] + p[row] + 5*p[row+c] + p[row+2*c] + p[2*row] + p[2*row+c] + p[2*row+2*c]
			smooth := sum / 13
			img.Scratch[i] = clamp(smooth+factor*(p[row+c]-smooth), img.Low, img.High)
		}
	}
	img.Swap()
}

// level gives a value as one of the 256 that bytes have, and back.
func (img *Image) level(v float32) int {
	return int(clamp((v-img.Low)/(img.High-img.Low)*255, 0, 255) + 0.5)
}

func (img *Image) value(level int) float32 {
	return img.Low + float32(level)/255*(img.High-img.Low)
}

// posterize keeps the highest bits of each value as a byte.
func (img *Image) posterize(bits int) {
	for i, v := range img.Pixels {
		img.Pixels[i] = img.value(img.level(v) >> (8 - bits) << (8 - bits))
	}
}

// solarize inverts the values from a threshold on.
func (img *Image) solarize(threshold float32) {
	for i, v := range img.Pixels {
		if v >= threshold {
			img.Pixels[i] = clamp(img.High-v+img.Low, img.Low, img.High)
		}
	}
}

// autoContrast stretches each channel so that its darkest value becomes black and its brightest white.
func (img *Image) autoContrast() {
	for c := range img.C {
		low, high := img.Pixels[c], img.Pixels[c]
		for i := c; i < len(img.Pixels); i += img.C {
			low, high = min(low, img.Pixels[i]), max(high, img.Pixels[i])
		}
		if !(high > low) {
			continue
		}
		scale := (img.High - img.Low) / (high - low)
		for i := c; i < len(img.Pixels); i += img.C {
			img.Pixels[i] = clamp(img.Low+(img.Pixels[i]-low)*scale, img.Low, img.High)
		}
	}
}

// equalize makes all values of a channel about as frequent, as bytes. It is Pillow's, integers and all.
func (img *Image) equalize() {
	for c := range img.C {
		var count, to [256]int
		last := 0
		for i := c; i < len(img.Pixels); i += img.C {
			level := img.level(img.Pixels[i])
			count[level]++
			last = max(last, level)
		}
		step := (img.H*img.W - count[last]) / 255
		if step == 0 {
			continue
		}
		n := step / 2
		for level := range to {
			to[level] = min(n/step, 255)
			n += count[level]
		}
		for i := c; i < len(img.Pixels); i += img.C {
			img.Pixels[i] = img.value(to[img.level(img.Pixels[i])])
		}
	}
}
