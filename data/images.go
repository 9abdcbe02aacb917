package data

import "fmt"

// Images is a data set of 8-bit images in memory, read as numbers from 0 to 1. Make one with NewImages.
type Images struct {
	Pixels  []uint8 // [N,H,W,C], row-major
	Labels  []uint8 // [N], or nil
	H, W, C int
	Names   []string // of the classes, in the order of the labels, or nil

	shape   []int
	count   int
	classes int
}

// unit maps a stored byte to the float32 nearest to byte/255; a table look-up costs one load a pixel and divides exactly.
var unit = func() (t [256]float32) {
	for i := range t {
		t[i] = float32(i) / 255
	}
	return t
}()

// NewImages makes a data set of pixels [N,H,W,C] and labels [N], each below classes. It keeps both slices.
//
// Without labels, labels is nil and classes 0. It returns an error where sizes disagree or a label is not below classes.
func NewImages(pixels []uint8, h, w, c int, labels []uint8, classes int) (*Images, error) {
	if h < 1 || w < 1 || c < 1 {
		return nil, fmt.Errorf("data: images of %dx%dx%d, every side must be at least 1", h, w, c)
	}
	size := h * w * c
	if len(pixels)%size != 0 {
		return nil, fmt.Errorf("data: %d bytes are no whole number of %dx%dx%d images", len(pixels), h, w, c)
	}
	n := len(pixels) / size
	if labels == nil && classes != 0 {
		return nil, fmt.Errorf("data: %d classes but no labels; give labels, or 0 classes", classes)
	}
	if labels != nil {
		if classes < 1 || classes > 256 {
			return nil, fmt.Errorf("data: %d classes, labels of one byte need 1 to 256", classes)
		}
		if len(labels) != n {
			return nil, fmt.Errorf("data: %d labels for %d images", len(labels), n)
		}
		for i, l := range labels {
			if int(l) >= classes {
				return nil, fmt.Errorf("data: label of image %d is %d, with %d classes it must be 0 to %d", i, l, classes, classes-1)
			}
		}
	}
	return &Images{Pixels: pixels, Labels: labels, H: h, W: w, C: c, shape: []int{h, w, c}, count: n, classes: classes}, nil
}

// Len is the number of images.
func (d *Images) Len() int { return d.count }

// ClassNames are Names.
func (d *Images) ClassNames() []string { return d.Names }

// Shape is H, W, C.
func (d *Images) Shape() []int { return d.shape }

// Classes is the number of classes, 0 without labels.
func (d *Images) Classes() int { return d.classes }

// Read writes each pixel divided by 255. See Dataset.
func (d *Images) Read(dst []float32, labels []int32, indices []int32) error {
	size := d.H * d.W * d.C
	if err := checkRead(len(dst), labels, indices, d.count, size, d.classes); err != nil {
		return err
	}
	for i, index := range indices {
		toUnit(dst[i*size:(i+1)*size], d.Pixels[int(index)*size:])
	}
	d.readLabels(labels, indices)
	return nil
}

func (d *Images) readLabels(labels, indices []int32) {
	if d.classes > 0 {
		for i, index := range indices {
			labels[i] = int32(d.Labels[index])
		}
	}
}

// toUnit sets dst[i] = src[i]/255. src is at least as long as dst.
//
// Eight pixels a turn through arrays of fixed size, so that the compiler drops the bounds checks.
func toUnit(dst []float32, src []uint8) {
	src = src[:len(dst)]
	for len(dst) >= 8 {
		d, s := (*[8]float32)(dst), (*[8]uint8)(src)
		d[0], d[1], d[2], d[3] = unit[s[0]], unit[s[1]], unit[s[2]], unit[s[3]]
		d[4], d[5], d[6], d[7] = unit[s[4]], unit[s[5]], unit[s[6]], unit[s[7]]
		dst, src = dst[8:], src[8:]
	}
	for i, p := range src {
		dst[i] = unit[p]
	}
}
