package data

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

// IDX is what an IDX file of unsigned bytes holds, as the MNIST data sets are published.
type IDX struct {
	Shape  []int   // 1 to 4 dimensions, N first
	Values []uint8 // row-major
}

// deflateRatio is the most that deflate can expand: 258 bytes from 2 bits. Sizes above it are lies.
const deflateRatio = 1032

// OpenIDX reads a file of images [N,H,W] or [N,H,W,C] and a file of labels [N], each plain or compressed with gzip.
//
// The number of classes is the largest label + 1. Errors wrap ErrBroken or ErrUnsupported, or say that the two files
// do not belong together.
func OpenIDX(imagesPath, labelsPath string) (*Images, error) {
	images, err := openIDX(imagesPath)
	if err != nil {
		return nil, err
	}
	labels, err := openIDX(labelsPath)
	if err != nil {
		return nil, err
	}
	set, err := JoinIDX(images, labels)
	if err != nil {
		return nil, fmt.Errorf("%w (%s, %s)", err, imagesPath, labelsPath)
	}
	return set, nil
}

func openIDX(path string) (*IDX, error) {
	file, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("data: %w", err)
	}
	idx, err := DecodeIDX(file)
	if err != nil {
		return nil, fmt.Errorf("%w (%s)", err, path)
	}
	return idx, nil
}

// JoinIDX makes a data set of images [N,H,W] or [N,H,W,C] and labels [N]. The number of classes is the largest label + 1.
func JoinIDX(images, labels *IDX) (*Images, error) {
	shape := images.Shape
	if len(shape) != 3 && len(shape) != 4 {
		return nil, fmt.Errorf("data: idx: images are of shape %v, [N,H,W] or [N,H,W,C] is needed; are images and labels the wrong way round?", shape)
	}
	if len(labels.Shape) != 1 {
		return nil, fmt.Errorf("data: idx: labels are of shape %v, [N] is needed", labels.Shape)
	}
	if shape[0] != labels.Shape[0] {
		return nil, fmt.Errorf("data: idx: %d images and %d labels; the two files do not belong together", shape[0], labels.Shape[0])
	}
	if shape[0] == 0 {
		return nil, fmt.Errorf("data: idx: the files hold no images")
	}
	c, classes := 1, 0
	if len(shape) == 4 {
		c = shape[3]
	}
	for _, l := range labels.Values {
		classes = max(classes, int(l)+1)
	}
	return NewImages(images.Values, shape[1], shape[2], c, labels.Values, classes)
}

// DecodeIDX reads a whole IDX file, plain or compressed with gzip (whose checksum is verified).
//
// The size that the header names is held against the file's before memory is taken for it. Errors wrap ErrBroken, or
// ErrUnsupported for numbers that are no unsigned bytes. Source: yann.lecun.com/exdb/mnist, "the IDX file format".
func DecodeIDX(file []byte) (*IDX, error) {
	if len(file) >= 2 && file[0] == 0x1f && file[1] == 0x8b {
		return decodeGzipIDX(file)
	}
	r := bytes.NewReader(file)
	shape, size, err := idxHeader(r)
	if err != nil {
		return nil, err
	}
	if size != int64(r.Len()) {
		return nil, fmt.Errorf("data: idx: %w: shape %v has %d bytes, %d follow the header", ErrBroken, shape, size, r.Len())
	}
	return &IDX{Shape: shape, Values: bytes.Clone(file[len(file)-int(size):])}, nil
}

func decodeGzipIDX(file []byte) (*IDX, error) {
	z, err := gzip.NewReader(bytes.NewReader(file))
	if err != nil {
		return nil, fmt.Errorf("data: idx: %w: gzip: %w", ErrBroken, err)
	}
	shape, size, err := idxHeader(z)
	if err != nil {
		return nil, err
	}
	if size > deflateRatio*int64(len(file)) {
		return nil, fmt.Errorf("data: idx: %w: shape %v has %d bytes, a compressed file of %d bytes cannot hold them", ErrBroken, shape, size, len(file))
	}
	values, err := readGrowing(z, size)
	if err != nil {
		return nil, fmt.Errorf("data: idx: %w: shape %v has %d bytes, after %d: %w", ErrBroken, shape, size, len(values), err)
	}
	// Reading on to the end makes gzip compare its checksum, and shows what lies behind the last value.
	if n, err := io.Copy(io.Discard, io.LimitReader(z, 1)); err != nil {
		return nil, fmt.Errorf("data: idx: %w: gzip: %w", ErrBroken, err)
	} else if n != 0 {
		return nil, fmt.Errorf("data: idx: %w: more than the %d bytes of shape %v follow the header", ErrBroken, size, shape)
	}
	return &IDX{Shape: shape, Values: values}, nil
}

// readGrowing reads exactly size bytes. It starts with 64 MiB and doubles, so that a size that lies costs at most
// twice what is there.
func readGrowing(r io.Reader, size int64) ([]byte, error) {
	values := make([]byte, 0, min(size, 64<<20))
	for int64(len(values)) < size {
		if len(values) == cap(values) {
			grown := make([]byte, len(values), min(size, 2*int64(cap(values))))
			copy(grown, values)
			values = grown
		}
		n, err := io.ReadFull(r, values[len(values):cap(values)])
		values = values[:len(values)+n]
		if err != nil {
			return values, whole(err)
		}
	}
	return values, nil
}

// whole makes the end of a file within something an unexpected one.
func whole(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// idxHeader reads the magic number and the dimensions, and gives the shape and its product.
func idxHeader(r io.Reader) (shape []int, size int64, err error) {
	var magic [4]byte
	if _, err := io.ReadFull(r, magic[:]); err != nil {
		return nil, 0, fmt.Errorf("data: idx: %w: header: %w", ErrBroken, whole(err))
	}
	if magic[0] != 0 || magic[1] != 0 {
		return nil, 0, fmt.Errorf("data: idx: %w: it starts with % x, an IDX file with 00 00", ErrBroken, magic)
	}
	switch magic[2] {
	case 0x08:
	case 0x09, 0x0b, 0x0c, 0x0d, 0x0e:
		return nil, 0, fmt.Errorf("data: idx: numbers of type %#02x are %w; unsigned bytes (0x08) are", magic[2], ErrUnsupported)
	default:
		return nil, 0, fmt.Errorf("data: idx: %w: numbers of type %#02x, IDX has no such type", ErrBroken, magic[2])
	}
	dimensions := int(magic[3])
	if dimensions < 1 || dimensions > 4 {
		return nil, 0, fmt.Errorf("data: idx: %d dimensions are %w; 1 to 4 are", dimensions, ErrUnsupported)
	}
	sides := make([]byte, 4*dimensions)
	if _, err := io.ReadFull(r, sides); err != nil {
		return nil, 0, fmt.Errorf("data: idx: %w: header: %w", ErrBroken, whole(err))
	}
	size = 1
	for i := range dimensions {
		d := int64(binary.BigEndian.Uint32(sides[4*i:]))
		if d > maxBytes || (d > 0 && size > maxBytes/d) {
			return nil, 0, fmt.Errorf("data: idx: %w: dimensions beyond %d bytes", ErrBroken, int64(maxBytes))
		}
		shape = append(shape, int(d))
		size *= d
	}
	return shape, size, nil
}

// maxBytes is the largest array that readers accept, in bytes.
const maxBytes = 1 << 40
