package data

import (
	"image"

	"github.com/meseta-go/meseta/data/augment"
	"github.com/meseta-go/meseta/kernels/feed"
)

// Augmenter reads samples of a data set and augments them, in one goroutine. A Loader has one for each worker; by itself it is for looking at
// what augmentations do.
type Augmenter struct {
	ds     Dataset
	worker *augment.Worker
	drawer *augment.Drawer // in place of the worker, where a Loader has others do it
	seed   uint64
	crops  bool // the list's first augmentation takes its part of each image as it is stored

	index []int32 // what is being read
	epoch int
}

// NewAugmenter makes an augmenter of at most batch images at a time. It returns an error for samples that are no images [H,W,C], and for augmentations
// that do not fit them.
func NewAugmenter(ds Dataset, list augment.List, seed uint64, batch int) (*Augmenter, error) {
	f, err := AugmentFormat(ds)
	if err == nil {
		err = list.Check(f)
	}
	if err != nil {
		return nil, err
	}
	return newAugmenter(ds, list, f, seed, batch, 0), nil
}

func newAugmenter(ds Dataset, list augment.List, f augment.Format, seed uint64, batch, classes int) *Augmenter {
	return &Augmenter{ds: ds, worker: augment.NewWorker(list, f, batch, classes), seed: seed, crops: list.Crop() != nil && storesImages(ds)}
}

// Read is the data set's, followed by the augmentations as they are in an epoch. Of what mixes, it mixes images only.
func (a *Augmenter) Read(x []float32, labels, index []int32, epoch int) error {
	if err := a.read(x, labels, index, epoch); err != nil {
		return err
	}
	a.apply(x, nil, index, epoch)
	return nil
}

// read reads samples, and does what can only be done while they are read.
func (a *Augmenter) read(x []float32, labels, index []int32, epoch int) error {
	if !a.crops {
		return a.ds.Read(x, labels, index)
	}
	a.index, a.epoch = index, epoch
	return readCropped(a.ds, x, labels, index, a)
}

// apply does the rest.
func (a *Augmenter) apply(x, targets []float32, index []int32, epoch int) {
	first := 0
	if a.crops {
		first = 1
	}
	a.worker.ApplyFrom(first, x, targets, index, a.seed, epoch)
}

// draw says what there is to do, and mixes targets.
func (a *Augmenter) draw(moves []feed.Move, targets []float32, index []int32, epoch int) {
	a.drawer.Draw(moves, targets, index, a.seed, epoch)
}

// part is which part to take of the i-th sample that is being read, whose image is h×w as it is stored.
func (a *Augmenter) part(i, h, w int) image.Rectangle {
	top, left, partH, partW := a.worker.CropPart(a.index[i], h, w, a.seed, a.epoch)
	return image.Rect(left, top, left+partW, top+partH)
}

// crop crops the i-th sample that is being read.
func (a *Augmenter) crop(i int, pixels []float32) {
	a.worker.ApplyCrop(pixels, a.index[i], a.seed, a.epoch)
}

// storesImages says whether the samples of ds are made of image files, which have to be decoded and may be of larger images.
func storesImages(ds Dataset) bool {
	switch ds := ds.(type) {
	case *Folder:
		return true
	case *section:
		return storesImages(ds.Dataset)
	case *selection:
		return storesImages(ds.Dataset)
	case *targeted:
		return storesImages(ds.Dataset)
	case *weighted:
		return storesImages(ds.Dataset)
	case *unscaled:
		return storesImages(ds.Dataset)
	}
	return false
}

// readCropped is Read of a data set that stores images, of which a takes parts.
func readCropped(ds Dataset, dst []float32, labels, indices []int32, a *Augmenter) error {
	switch ds := ds.(type) {
	case *section:
		return ds.shifted(indices, func(shifted []int32) error { return readCropped(ds.Dataset, dst, labels, shifted, a) })
	case *selection:
		return ds.looked(indices, func(looked []int32) error { return readCropped(ds.Dataset, dst, labels, looked, a) })
	case *targeted:
		return readCropped(ds.Dataset, dst, labels, indices, a)
	case *weighted:
		return readCropped(ds.Dataset, dst, labels, indices, a)
	case *unscaled:
		err := readCropped(ds.Dataset, dst, labels, indices, a)
		for i := range dst {
			dst[i] *= 255
		}
		return err
	}
	return ds.(*Folder).read(dst, labels, indices, a)
}
