package data

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// A record of CIFAR's binary files is one byte of label (CIFAR-100: two, coarse then fine) and a plane of 32x32 bytes for
// each of red, green and blue.
const (
	cifarSide  = 32
	cifarPlane = cifarSide * cifarSide
	cifarBytes = 3 * cifarPlane
)

// OpenCIFAR10 reads the binary version of CIFAR-10 from a directory: data_batch_1.bin to data_batch_5.bin, which train
// consists of in this order, and test_batch.bin; the names of the classes from batches.meta.txt, where that is there.
//
// Errors name the file; they wrap ErrBroken for one that is no CIFAR-10, os.ErrNotExist for one that is not there.
// Source: cs.toronto.edu/~kriz/cifar.html, "Binary version".
func OpenCIFAR10(dir string) (train, test *Images, err error) {
	var names []string
	for i := 1; i <= 5; i++ {
		names = append(names, fmt.Sprintf("data_batch_%d.bin", i))
	}
	return openCIFAR(dir, names, "test_batch.bin", "batches.meta.txt", 1, 10)
}

// OpenCIFAR100 reads the binary version of CIFAR-100 from a directory, train.bin and test.bin, with the fine labels 0 to 99; their names from
// fine_label_names.txt, where that is there.
//
// Errors are as those of OpenCIFAR10.
func OpenCIFAR100(dir string) (train, test *Images, err error) {
	return openCIFAR(dir, []string{"train.bin"}, "test.bin", "fine_label_names.txt", 2, 100)
}

func openCIFAR(dir string, trainNames []string, testName, classNames string, labelBytes, classes int) (train, test *Images, err error) {
	if train, err = joinCIFAR(dir, trainNames, labelBytes, classes); err != nil {
		return nil, nil, err
	}
	if test, err = joinCIFAR(dir, []string{testName}, labelBytes, classes); err != nil {
		return nil, nil, err
	}
	text, err := os.ReadFile(filepath.Join(dir, classNames))
	if errors.Is(err, os.ErrNotExist) { // nothing depends on it
		return train, test, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("data: cifar: %w", err)
	}
	names := strings.Fields(string(text))
	if len(names) != classes {
		return nil, nil, fmt.Errorf("data: cifar: %w: %s names %d classes, there are %d", ErrBroken, classNames, len(names), classes)
	}
	train.Names, test.Names = names, names
	return train, test, nil
}

// joinCIFAR reads files one after the other into one data set, which is allocated once their sizes are known.
func joinCIFAR(dir string, names []string, labelBytes, classes int) (*Images, error) {
	record, total := int64(labelBytes+cifarBytes), int64(0)
	for _, name := range names {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			return nil, fmt.Errorf("data: cifar: %w", err)
		}
		total += info.Size() / record
	}
	pixels, labels := make([]uint8, 0, total*cifarBytes), make([]uint8, 0, total)
	for _, name := range names {
		path := filepath.Join(dir, name)
		file, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("data: cifar: %w", err)
		}
		if pixels, labels, err = appendCIFAR(pixels, labels, file, labelBytes, classes); err != nil {
			return nil, fmt.Errorf("%w (%s)", err, path)
		}
	}
	return NewImages(pixels, cifarSide, cifarSide, 3, labels, classes)
}

// DecodeCIFAR10 reads one binary file of CIFAR-10. Errors wrap ErrBroken.
func DecodeCIFAR10(file []byte) (*Images, error) { return decodeCIFAR(file, 1, 10) }

// DecodeCIFAR100 reads one binary file of CIFAR-100, and of its labels the fine ones. Errors wrap ErrBroken.
func DecodeCIFAR100(file []byte) (*Images, error) { return decodeCIFAR(file, 2, 100) }

func decodeCIFAR(file []byte, labelBytes, classes int) (*Images, error) {
	pixels, labels, err := appendCIFAR(nil, nil, file, labelBytes, classes)
	if err != nil {
		return nil, err
	}
	return NewImages(pixels, cifarSide, cifarSide, 3, labels, classes)
}

// appendCIFAR appends a file's images, as [N,32,32,3], and labels.
func appendCIFAR(pixels, labels, file []byte, labelBytes, classes int) ([]uint8, []uint8, error) {
	record := labelBytes + cifarBytes
	if len(file) == 0 || len(file)%record != 0 {
		return nil, nil, fmt.Errorf("data: cifar: %w: %d bytes are no whole number of records of %d, the file is cut short or no binary CIFAR-%d",
			ErrBroken, len(file), record, classes)
	}
	for i := 0; len(file) > 0; i++ {
		label := file[labelBytes-1]
		// CIFAR-100's coarse label is not used, but tells a damaged file; there are 20.
		if int(label) >= classes || (labelBytes == 2 && file[0] >= 20) {
			return nil, nil, fmt.Errorf("data: cifar: %w: labels of image %d are %d, CIFAR-%d has none such", ErrBroken, i, file[:labelBytes], classes)
		}
		labels = append(labels, label)
		red := file[labelBytes:record]
		green, blue := red[cifarPlane:], red[2*cifarPlane:]
		for j := range cifarPlane {
			pixels = append(pixels, red[j], green[j], blue[j])
		}
		file = file[record:]
	}
	return pixels, labels, nil
}
