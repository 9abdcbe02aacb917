package data

import (
	"fmt"

	"github.com/meseta-go/meseta/data/augment"
)

// Valued is a data set that knows which of its numbers stand for black and white, as augmentations of colours need to.
//
// A data set that wraps another one implements this whether or not that one knows.
type Valued interface {
	Dataset
	// ValueRange gives the numbers for black and white; both are 0 where they are not known.
	ValueRange() (black, white float32)
}

// ValueRange gives the numbers of ds that stand for black and white: 0 and 1 for images, 0 and 255 for arrays of bytes, and both 0
// where they are not known.
func ValueRange(ds Dataset) (black, white float32) {
	if v, ok := ds.(Valued); ok {
		return v.ValueRange()
	}
	return 0, 0
}

// ValueRange is 0 and 1.
func (d *Images) ValueRange() (black, white float32) { return 0, 1 }

// ValueRange is 0 and 1.
func (f *Folder) ValueRange() (black, white float32) { return 0, 1 }

func (d *array[T]) ValueRange() (black, white float32) {
	if _, bytes := any(d.values).([]uint8); bytes {
		return 0, 255
	}
	return 0, 0
}

func (s *section) ValueRange() (black, white float32)   { return ValueRange(s.Dataset) }
func (s *selection) ValueRange() (black, white float32) { return ValueRange(s.Dataset) }
func (d *targeted) ValueRange() (black, white float32)  { return ValueRange(d.Dataset) }
func (d *weighted) ValueRange() (black, white float32)  { return ValueRange(d.Dataset) }

// AugmentFormat is what augmentations of the samples of ds are checked against. It returns an error for samples that are no images [H,W,C].
func AugmentFormat(ds Dataset) (augment.Format, error) {
	shape := ds.Shape()
	if len(shape) != 3 {
		return augment.Format{}, fmt.Errorf("data: samples are of shape %v, augmentations need images [H,W,C]", shape)
	}
	f := augment.Format{H: shape[0], W: shape[1], C: shape[2]}
	f.Low, f.High = ValueRange(ds)
	return f, nil
}

// prepareAugment checks the augmentations, and finds out which targets they need.
func (l *Loader) prepareAugment() (err error) {
	list, classes := l.options.Augment, l.options.Classes
	if len(list) == 0 {
		return nil
	}
	if l.format, err = AugmentFormat(l.ds); err != nil {
		return err
	}
	if err := list.Check(l.format); err != nil {
		return err
	}
	if !list.Mixes() || l.target != nil {
		return nil
	}
	if classes == 0 {
		classes = l.ds.Classes()
	}
	if l.ds.Classes() == 0 || classes < l.ds.Classes() {
		return fmt.Errorf("data: the data set has %d classes, targets %d: mixing needs labels or targets, and a number for each class", l.ds.Classes(), classes)
	}
	l.target, l.oneHot = []int{classes}, true
	return nil
}

// oneHot sets targets [N,L] to 1 at each sample's label, and else to 0. It returns an error for a label that is not in [0,L).
func oneHot(targets []float32, labels []int32) error {
	clear(targets)
	classes := len(targets) / len(labels)
	for i, label := range labels {
		if label < 0 || int(label) >= classes {
			return fmt.Errorf("data: a label is %d, with %d classes it must be 0 to %d", label, classes, classes-1)
		}
		targets[i*classes+int(label)] = 1
	}
	return nil
}

// takeAugmenter gives what a goroutine augments batches with, nil where nothing is augmented.
func (l *Loader) takeAugmenter() *Augmenter {
	if len(l.options.Augment) == 0 {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := len(l.augmenters); n > 0 {
		a := l.augmenters[n-1]
		l.augmenters = l.augmenters[:n-1]
		return a
	}
	batch, classes := min(l.options.BatchSize, l.ds.Len()), product(l.target)
	if l.divisor != 0 {
		return &Augmenter{drawer: augment.NewDrawer(l.options.Augment, l.format, batch, classes), seed: l.options.Seed}
	}
	return newAugmenter(l.ds, l.options.Augment, l.format, l.options.Seed, batch, classes)
}

// giveAugmenter keeps it for the next epoch.
func (l *Loader) giveAugmenter(a *Augmenter) {
	if a == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.augmenters = append(l.augmenters, a)
}
