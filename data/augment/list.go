package augment

import (
	"fmt"
	"math"
	"slices"

	"github.com/meseta-go/meseta/random"
)

// List is a list of augmentations, applied in its order. In YAML it is a list of names with Keras's arguments; see UnmarshalYAML.
type List []Augmentation

// Check returns an error for an augmentation that cannot be meant, or does not fit the images.
func (l List) Check(f Format) error {
	if f.H < 1 || f.W < 1 || f.C < 1 {
		return fmt.Errorf("augment: images are %dx%dx%d, every side must be at least 1", f.H, f.W, f.C)
	}
	if len(l) > maxList {
		return fmt.Errorf("augment: a list of %d augmentations, at most %d", len(l), maxList)
	}
	for i, a := range l {
		switch a.(type) {
		case Changer, Mixer:
		case nil:
			return fmt.Errorf("augment: number %d of the list is nil", i+1)
		default:
			return fmt.Errorf("augment: %s (%T) is neither a Changer nor a Mixer", a.Name(), a)
		}
		if err := a.Check(f); err != nil {
			return err
		}
	}
	return nil
}

// Mixes says whether the list has an augmentation that mixes targets.
func (l List) Mixes() bool {
	return slices.ContainsFunc(l, func(a Augmentation) bool { return mixer(a) != nil })
}

// A stream's step has 56 bits: the epoch below, the place in the list above.
const (
	epochBits = 40
	maxList   = 1<<16 - 1
	// MaxEpoch is the last epoch that has random numbers of its own.
	MaxEpoch = 1<<epochBits - 1
)

// Worker is the memory that one goroutine needs to augment batches.
type Worker struct {
	list    List
	image   Image
	scratch []float32
	before  []float32 // a batch as it was before it is mixed; nil where nothing mixes
	shares  []float32 // of the targets, likewise
}

// NewWorker makes a worker for batches of at most batch images, and targets of at most classes numbers.
// The list has been checked against f.
func NewWorker(l List, f Format, batch, classes int) *Worker {
	size := f.H * f.W * f.C
	w := &Worker{list: l, scratch: make([]float32, size)}
	w.image = Image{H: f.H, W: f.W, C: f.C, Low: f.Low, High: f.High}
	if l.Mixes() {
		w.before, w.shares = make([]float32, batch*size), make([]float32, batch*classes)
	}
	return w
}

// Apply changes the images in x, which are the samples of index, as they are in an epoch of a seed.
//
// x is [N,H,W,C], index [N]; targets [N,L] are mixed as images are, and nil where the list mixes nothing.
func (w *Worker) Apply(x, targets []float32, index []int32, seed uint64, epoch int) {
	w.ApplyFrom(0, x, targets, index, seed, epoch)
}

// ApplyFrom is Apply without the list's first augmentations, for a caller that has done as they do.
func (w *Worker) ApplyFrom(first int, x, targets []float32, index []int32, seed uint64, epoch int) {
	size := len(w.scratch)
	for place := first; place < len(w.list); place++ {
		if m := mixer(w.list[place]); m != nil {
			w.mix(m, place, x, targets, index, seed, epoch)
			continue
		}
		for i, sample := range index {
			w.change(w.list[place].(Changer), place, x[i*size:(i+1)*size], sample, seed, epoch)
		}
	}
}

// Crop is the list's random resized crop where that comes first, else nil: a data set may take its part of an image before it makes it smaller.
func (l List) Crop() *RandomResizedCrop {
	if len(l) == 0 {
		return nil
	}
	a, _ := l[0].(*RandomResizedCrop)
	return a
}

// CropPart is the part that List.Crop takes of a sample whose image is h×w: it begins at row top and column left.
func (w *Worker) CropPart(sample int32, h, width int, seed uint64, epoch int) (top, left, partH, partW int) {
	w.image.Random = streamOf(0, sample, seed, epoch)
	return w.list.Crop().part(&w.image.Random, h, width)
}

// ApplyCrop is Apply of List.Crop alone, on one image.
func (w *Worker) ApplyCrop(pixels []float32, sample int32, seed uint64, epoch int) {
	w.change(w.list.Crop(), 0, pixels, sample, seed, epoch)
}

// streamOf is where an augmentation's numbers for a sample come from.
func streamOf(place int, sample int32, seed uint64, epoch int) random.Stream {
	return random.Stream{Seed: seed, Purpose: random.Augment, Index: uint32(sample), Step: uint64(place)<<epochBits | uint64(epoch)&MaxEpoch}
}

func (w *Worker) change(a Changer, place int, pixels []float32, sample int32, seed uint64, epoch int) {
	a.Change(w.start(pixels, streamOf(place, sample, seed, epoch)))
	w.finish(pixels)
}

// start makes pixels the worker's image.
func (w *Worker) start(pixels []float32, stream random.Stream) *Image {
	w.image.Pixels, w.image.Scratch, w.image.Random = pixels, w.scratch, stream
	return &w.image
}

// finish brings the image back to where it was, if it has been swapped away.
func (w *Worker) finish(pixels []float32) {
	if &w.image.Pixels[0] != &pixels[0] {
		copy(pixels, w.image.Pixels)
	}
}

// mix mixes into each image, and its target, another one of the batch, as both were before.
func (w *Worker) mix(a Mixer, place int, x, targets []float32, index []int32, seed uint64, epoch int) {
	n, size := len(index), len(w.scratch)
	if n < 2 {
		return
	}
	classes := len(targets) / n
	before, was := w.before[:len(x)], w.shares[:len(targets)]
	copy(before, x)
	copy(was, targets)
	for i, sample := range index {
		img := w.start(x[i*size:(i+1)*size], streamOf(place, sample, seed, epoch))
		j := partner(i, n, img)
		share := a.Mix(img, before[j*size:(j+1)*size])
		w.finish(x[i*size : (i+1)*size])
		mixTargets(targets[i*classes:(i+1)*classes], was[j*classes:(j+1)*classes], share)
	}
}

// partner draws which image of n is mixed into the i-th: any but itself.
func partner(i, n int, img *Image) int { return (i + 1 + int(img.Random.Uint32n(uint32(n-1)))) % n }

// mixTargets mixes a target as its image was.
func mixTargets(own, other []float32, share float32) {
	for k := range own {
		own[k] = float32(share*own[k]) + float32((1-share)*other[k])
	}
}

// beta draws from the beta distribution of two equal parameters, as the share of the first of two gamma variables.
func beta(s *random.Stream, alpha float64) float32 {
	a, b := logGamma(s, alpha), logGamma(s, alpha)
	// exp(a)/(exp(a)+exp(b)); for a small alpha both may be far below what a float64 holds.
	return float32(1 / (1 + math.Exp(b-a)))
}

// logGamma draws the logarithm of a variable of the gamma distribution of scale 1.
//
// Source: Marsaglia and Tsang, "A simple method for generating gamma variables", 2000; for alpha < 1 their note that
// gamma(alpha) is gamma(alpha+1) times U^(1/alpha).
func logGamma(s *random.Stream, alpha float64) float64 {
	boost := 0.0
	if alpha < 1 {
		boost = math.Log(1-float64(s.Float32())) / alpha
		alpha++
	}
	d := alpha - 1.0/3
	c := 1 / math.Sqrt(9*d)
	for {
		x := float64(s.Normal())
		v := 1 + c*x
		if v <= 0 {
			continue
		}
		v *= v * v
		if u := 1 - float64(s.Float32()); math.Log(u) < 0.5*x*x+d-d*v+d*math.Log(v) {
			return math.Log(d*v) + boost
		}
	}
}
