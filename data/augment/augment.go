// Package augment changes training images at random: flips, crops, rotations, colours, erased patches, mixtures.
//
// What most of them do to an image is drawn first, as a feed.Move, and then done, here or by a GPU (kernels/feed): with the same bits.
//
// Everything random about an image is a function of the seed, the epoch, the sample's number and the augmentation's place in the
// list, and of nothing else: so the same for any number of workers, and after a resume. An augmentation works on one
// image [H,W,C] of float32 in place and allocates nothing.
//
// Names, arguments and formulas are Keras's where Keras has the augmentation; each type says where it differs. What reads images lives in package
// data, which calls this one and is not known here.
//
// Files: augment.go the interfaces; list.go a list and how a batch goes through it; config.go its YAML form; affine.go what moves
// pixels by a matrix, and its users; crop.go flips and crops; colour.go what changes pixels where they are; erase.go patches; mix.go two images in
// one; rand_augment.go; group.go what applies others; moves.go what is drawn of a list, and doing it. Letters: H, W, C the image's height, width and channels.
package augment

import (
	"fmt"
	"math"

	"github.com/meseta-go/meseta/random"
)

// Image is what an augmentation changes, and the memory that it may use meanwhile.
type Image struct {
	H, W, C   int
	Pixels    []float32 // [H,W,C], row-major
	Scratch   []float32 // as long as Pixels; holds nothing
	Low, High float32   // the values that stand for black and white
	Random    random.Stream
}

// Swap makes what an augmentation has written to Scratch the image.
func (img *Image) Swap() { img.Pixels, img.Scratch = img.Scratch, img.Pixels }

// Format is what a list of augmentations is checked against: the shape of all images, and the values that stand for black and
// white. Both 0 where they are not known.
type Format struct {
	H, W, C   int
	Low, High float32
}

// Augmentation is an item of a List: a Changer or a Mixer.
type Augmentation interface {
	// Name is what the augmentation is called in configurations.
	Name() string
	// Check returns an error for fields that cannot be meant, or that do not fit the images.
	Check(Format) error
}

// Changer changes one image.
type Changer interface {
	Augmentation
	// Change changes the image, drawing from img.Random alone. It does not fail, since Check has been called.
	Change(img *Image)
}

// Mixer mixes another image of the same batch into one.
type Mixer interface {
	Augmentation
	// Mix changes img and returns its share of the mixture, in [0,1]: that of its own target. other is as long as img.Pixels.
	Mix(img *Image, other []float32) float32
}

// Range is an interval that a number is drawn from, all its numbers equally likely. Where both ends are equal it is that number.
type Range struct{ Low, High float64 }

// PlusMinus is the range from -x to x.
func PlusMinus(x float64) Range { return Range{-math.Abs(x), math.Abs(x)} }

// Exactly is the range that holds x alone.
func Exactly(x float64) Range { return Range{x, x} }

// draw gives a number of the range.
func (r Range) draw(s *random.Stream) float32 { return s.Uniform(float32(r.Low), float32(r.High)) }

// within returns an error unless low <= r.Low <= r.High <= high.
func (r Range) within(who, what string, low, high float64) error {
	if r.Low >= low && r.Low <= r.High && r.High <= high {
		return nil
	}
	return fmt.Errorf("augment: %s: %s is [%g, %g], want a range within [%g, %g]", who, what, r.Low, r.High, low, high)
}

// values is a field ValueRange resolved: the values for black and white that it names, or the images' own.
func values(own Range, low, high float32) (float32, float32) {
	if own == (Range{}) {
		return low, high
	}
	return float32(own.Low), float32(own.High)
}

// checkValues returns an error where neither an augmentation nor the images say which values stand for black and white.
func checkValues(who string, own Range, f Format) error {
	low, high := values(own, f.Low, f.High)
	if low < high {
		return nil
	}
	if own != (Range{}) {
		return fmt.Errorf("augment: %s: value_range is [%g, %g], want the value of black and then that of white", who, own.Low, own.High)
	}
	return fmt.Errorf("augment: %s: which values stand for black and white is not known of this data; give value_range, as [0, 255]", who)
}

// checkColours returns an error for images that are not red, green and blue.
func checkColours(who string, f Format) error {
	if f.C == 3 {
		return nil
	}
	return fmt.Errorf("augment: %s: images have %d channels, want 3: red, green, blue", who, f.C)
}

func clamp[T int | float32](x, low, high T) T { return max(low, min(x, high)) }
