// Package data brings samples to the trainer: data sets in memory, readers of IDX, CIFAR, NumPy and HDF5 files, folders and
// archives of images, targets and weights of samples, and the Loader, whose goroutines read or decode batches ahead of the training step. Package data/mnist holds the embedded MNIST.
//
// There is no model and no arithmetic beyond the conversion of stored numbers to float32 here; package data/augment changes images at random.
//
// Letters: N samples, and one sample's H, W, C.
package data

import (
	"errors"
	"fmt"
)

// Errors that readers wrap, so that a program can tell a damaged file from one that it cannot read yet.
var (
	// ErrBroken says that a file contradicts itself or its format: it is truncated, or damaged, or something else.
	ErrBroken = errors.New("broken file")
	// ErrUnsupported says that a file may be sound but uses a feature that this package lacks.
	ErrUnsupported = errors.New("not supported")
)

// Dataset is a numbered set of samples, all of one shape.
//
// Implementations are safe for concurrent use.
type Dataset interface {
	// Len is the number of samples.
	Len() int
	// Shape is the shape of one sample, for images H, W, C. The caller does not change it.
	Shape() []int
	// Classes is the number of classes, so that labels are 0 to Classes()-1; 0 for samples without labels.
	Classes() int
	// Read writes the samples of indices to dst, one after the other as row-major float32, and their labels to labels.
	//
	// len(dst) is len(indices) times the numbers of a sample, len(labels) is len(indices); both are checked, and so
	// are the indices. Where Classes() is 0, labels may be nil and is left alone.
	Read(dst []float32, labels []int32, indices []int32) error
}

// SampleSize returns how many numbers one sample of ds has: the product of its shape.
func SampleSize(ds Dataset) int { return product(ds.Shape()) }

func product(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

// checkRead verifies the arguments of Dataset.Read, of dst its length, against the data set's own sizes.
func checkRead(room int, labels []int32, indices []int32, length, size, classes int) error {
	if room != len(indices)*size {
		return fmt.Errorf("data: room for %d numbers, %d samples of %d numbers need %d", room, len(indices), size, len(indices)*size)
	}
	if classes > 0 && len(labels) != len(indices) {
		return fmt.Errorf("data: room for %d labels, %d samples are asked for", len(labels), len(indices))
	}
	for _, i := range indices {
		if i < 0 || int(i) >= length {
			return fmt.Errorf("data: sample %d does not exist, the data set has 0 to %d", i, length-1)
		}
	}
	return nil
}
