package data

import (
	"fmt"
	"math"

	"gorgonia.org/tensor"
)

// number lists what FromTensors reads samples from.
type number interface {
	~uint8 | ~int32 | ~int64 | ~float32 | ~float64
}

// array is a data set over one row-major array of any numeric type.
type array[T number] struct {
	values  []T // [N, shape...]
	shape   []int
	size    int
	count   int
	labels  []int32 // [N], or nil
	classes int
}

// FromTensors makes a data set of x [N, sample shape...] and y: labels [N] or [N,1], or targets [N, more numbers...] such as one-hot
// rows; nil for neither. For one number a sample that is no label, see WithTargets.
//
// x holds float32, float64, uint8, int32 or int64, and its numbers are taken as they are: bytes become 0 to 255, as in
// Keras (put a Rescaling layer first, or see NewImages). Labels are whole numbers from 0, of any of these types; the number
// of classes is the largest label + 1. Both are row-major and no views; x is kept, y is copied.
func FromTensors(x, y *tensor.Dense) (Dataset, error) {
	if x == nil {
		return nil, fmt.Errorf("data: no tensor of samples")
	}
	shape := x.Shape()
	if shape.IsScalar() || len(shape) < 2 {
		return nil, fmt.Errorf("data: samples are of shape %v, at least two dimensions are needed: samples first, then one sample's shape", shape)
	}
	for _, d := range shape[1:] {
		if d < 1 {
			return nil, fmt.Errorf("data: samples are of shape %v, no side of a sample may be %d", shape, d)
		}
	}
	if err := plain(x); err != nil {
		return nil, fmt.Errorf("data: samples: %w", err)
	}
	var labels []int32
	classes := 0
	if y != nil {
		if s := y.Shape(); len(s) > 1 && s[0] == shape[0] && s.TotalSize() > s[0] {
			ds, err := FromTensors(x, nil)
			if err != nil {
				return nil, err
			}
			return WithTargets(ds, y)
		}
		var err error
		if labels, classes, err = labelsOf(y, shape[0]); err != nil {
			return nil, err
		}
	}
	sample := append([]int(nil), shape[1:]...)
	switch values := x.Data().(type) {
	case []float32:
		return newArray(values, sample, shape[0], labels, classes)
	case []float64:
		return newArray(values, sample, shape[0], labels, classes)
	case []uint8:
		return newArray(values, sample, shape[0], labels, classes)
	case []int32:
		return newArray(values, sample, shape[0], labels, classes)
	case []int64:
		return newArray(values, sample, shape[0], labels, classes)
	}
	return nil, fmt.Errorf("data: samples of type %v are %w; use float32, float64, uint8, int32 or int64", x.Dtype(), ErrUnsupported)
}

// plain returns an error for a tensor whose elements do not lie one after the other in row-major order.
func plain(t *tensor.Dense) error {
	if t.RequiresIterator() || !t.DataOrder().IsRowMajor() || t.IsMasked() {
		return fmt.Errorf("a tensor of shape %v that is a view, masked or column-major is %w; materialize it first", t.Shape(), ErrUnsupported)
	}
	return nil
}

func newArray[T number](values []T, shape []int, count int, labels []int32, classes int) (Dataset, error) {
	size := product(shape)
	if len(values) != count*size {
		return nil, fmt.Errorf("data: %d numbers, %d samples of shape %v have %d", len(values), count, shape, count*size)
	}
	return &array[T]{values: values, shape: shape, size: size, count: count, labels: labels, classes: classes}, nil
}

// labelsOf returns the labels in y for n samples, and the number of classes.
func labelsOf(y *tensor.Dense, n int) ([]int32, int, error) {
	shape := y.Shape()
	if shape.IsScalar() || shape[0] != n || shape.TotalSize() != n {
		return nil, 0, fmt.Errorf("data: labels are of shape %v, %d samples need [%d]", shape, n, n)
	}
	if err := plain(y); err != nil {
		return nil, 0, fmt.Errorf("data: labels: %w", err)
	}
	switch values := y.Data().(type) {
	case []uint8:
		return toLabels(values)
	case []int32:
		return toLabels(values)
	case []int64:
		return toLabels(values)
	case []float32:
		return toLabels(values)
	case []float64:
		return toLabels(values)
	}
	return nil, 0, fmt.Errorf("data: labels of type %v are %w; use int32, int64, uint8, or whole float32 or float64", y.Dtype(), ErrUnsupported)
}

func toLabels[T number](values []T) ([]int32, int, error) {
	labels, classes := make([]int32, len(values)), int32(0)
	for i, v := range values {
		f := float64(v)
		// Comparing as float64 refuses NaN, fractions and what int32 cannot hold, whatever T is.
		if !(f >= 0 && f < math.MaxInt32 && f == math.Trunc(f)) {
			return nil, 0, fmt.Errorf("data: label of sample %d is %v, it must be a whole number from 0; other numbers are targets, see WithTargets", i, v)
		}
		labels[i] = int32(f)
		classes = max(classes, labels[i]+1)
	}
	return labels, int(classes), nil
}

func (d *array[T]) Len() int     { return d.count }
func (d *array[T]) Shape() []int { return d.shape }
func (d *array[T]) Classes() int { return d.classes }

func (d *array[T]) Read(dst []float32, labels []int32, indices []int32) error {
	if err := checkRead(len(dst), labels, indices, d.count, d.size, d.classes); err != nil {
		return err
	}
	for i, index := range indices {
		sample := d.values[int(index)*d.size : (int(index)+1)*d.size]
		out := dst[i*d.size : (i+1)*d.size]
		if same, ok := any(sample).([]float32); ok {
			copy(out, same)
			continue
		}
		for j, v := range sample {
			out[j] = float32(v)
		}
	}
	d.readLabels(labels, indices)
	return nil
}

func (d *array[T]) readLabels(labels []int32, indices []int32) {
	if d.classes > 0 {
		for i, index := range indices {
			labels[i] = d.labels[index]
		}
	}
}
