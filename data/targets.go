package data

import (
	"fmt"

	"gorgonia.org/tensor"
)

// Targeted is a data set whose samples may have targets: numbers that a network is to give, such as the values of a regression, several
// labels at once, or soft labels. Where there are targets, training uses them instead of labels.
//
// A data set that wraps another one implements this whether or not that one has targets.
type Targeted interface {
	Dataset
	// TargetShape is the shape of one sample's target, of one dimension or more; nil for samples without targets. The caller
	// does not change it.
	TargetShape() []int
	// ReadTargets writes the targets of indices to dst, one after the other, row-major. len(dst) is len(indices) times the numbers
	// of a target; it is checked, and so are the indices.
	ReadTargets(dst []float32, indices []int32) error
}

// Weighted is a data set whose samples may have weights: how much each counts in the loss and in weighted metrics.
//
// A data set that wraps another one implements this whether or not that one has weights.
type Weighted interface {
	Dataset
	HasWeights() bool
	// ReadWeights writes the weights of indices to dst, which has their length; it is checked, and so are the indices.
	ReadWeights(dst []float32, indices []int32) error
}

// TargetShape is the shape of one sample's target, or nil for a data set without targets.
func TargetShape(ds Dataset) []int {
	if t, ok := ds.(Targeted); ok {
		return t.TargetShape()
	}
	return nil
}

// HasWeights says whether the samples of ds have weights.
func HasWeights(ds Dataset) bool {
	w, ok := ds.(Weighted)
	return ok && w.HasWeights()
}

// readTargets reads the targets of a data set that has some.
func readTargets(ds Dataset, dst []float32, indices []int32) error {
	t, ok := ds.(Targeted)
	if !ok || t.TargetShape() == nil {
		return fmt.Errorf("data: the samples have no targets")
	}
	return t.ReadTargets(dst, indices)
}

// readWeights reads the weights of a data set that has some.
func readWeights(ds Dataset, dst []float32, indices []int32) error {
	w, ok := ds.(Weighted)
	if !ok || !w.HasWeights() {
		return fmt.Errorf("data: the samples have no weights")
	}
	return w.ReadWeights(dst, indices)
}

// column is numbers of each sample: a target or a weight.
type column struct {
	values []float32
	size   int // for each sample
}

func (c column) read(dst []float32, indices []int32) error {
	if len(dst) != len(indices)*c.size {
		return fmt.Errorf("data: room for %d numbers, %d samples of %d numbers need %d", len(dst), len(indices), c.size, len(indices)*c.size)
	}
	for i, index := range indices {
		if index < 0 || int(index) >= len(c.values)/c.size {
			return fmt.Errorf("data: sample %d does not exist, the data set has 0 to %d", index, len(c.values)/c.size-1)
		}
		copy(dst[i*c.size:(i+1)*c.size], c.values[int(index)*c.size:])
	}
	return nil
}

// columnOf copies a tensor [n,…].
func columnOf(what string, y *tensor.Dense, n int) (column, error) {
	if y == nil {
		return column{}, fmt.Errorf("data: no tensor of %s", what)
	}
	shape := y.Shape()
	if shape.IsScalar() || shape[0] != n || n < 1 {
		return column{}, fmt.Errorf("data: %s are of shape %v, %d samples need [%d,…]", what, shape, n, n)
	}
	if err := plain(y); err != nil {
		return column{}, fmt.Errorf("data: %s: %w", what, err)
	}
	c := column{size: shape.TotalSize() / n}
	switch values := y.Data().(type) {
	case []float32:
		c.values = toFloats(values)
	case []float64:
		c.values = toFloats(values)
	case []uint8:
		c.values = toFloats(values)
	case []int32:
		c.values = toFloats(values)
	case []int64:
		c.values = toFloats(values)
	default:
		return column{}, fmt.Errorf("data: %s of type %v are %w; use float32, float64, uint8, int32 or int64", what, y.Dtype(), ErrUnsupported)
	}
	if c.size < 1 || len(c.values) != n*c.size {
		return column{}, fmt.Errorf("data: %s: %d numbers for %d samples", what, len(c.values), n)
	}
	return c, nil
}

func toFloats[T number](values []T) []float32 {
	floats := make([]float32, len(values))
	for i, v := range values {
		floats[i] = float32(v)
	}
	return floats
}

// targeted is a data set with targets.
type targeted struct {
	Dataset
	targets column
	shape   []int
}

// WithTargets gives the samples of ds the targets y [N,…], of any numeric type; y is copied. One number a sample may be [N] or [N,1].
//
// Labels that ds has stay, but training uses the targets.
func WithTargets(ds Dataset, y *tensor.Dense) (Dataset, error) {
	c, err := columnOf("targets", y, ds.Len())
	if err != nil {
		return nil, err
	}
	shape := append([]int(nil), y.Shape()[1:]...)
	if len(shape) == 0 {
		shape = []int{1}
	}
	return &targeted{ds, c, shape}, nil
}

func (d *targeted) TargetShape() []int { return d.shape }
func (d *targeted) ReadTargets(dst []float32, indices []int32) error {
	return d.targets.read(dst, indices)
}
func (d *targeted) HasWeights() bool { return HasWeights(d.Dataset) }
func (d *targeted) ReadWeights(dst []float32, indices []int32) error {
	return readWeights(d.Dataset, dst, indices)
}

// weighted is a data set with weights.
type weighted struct {
	Dataset
	weights column
}

// WithWeights gives the samples of ds the weights w [N], which may be 0 but not negative; w is copied.
func WithWeights(ds Dataset, w *tensor.Dense) (Dataset, error) {
	c, err := columnOf("weights", w, ds.Len())
	if err != nil {
		return nil, err
	}
	if c.size != 1 {
		return nil, fmt.Errorf("data: weights are of shape %v, %d samples need [%d]", w.Shape(), ds.Len(), ds.Len())
	}
	for i, x := range c.values {
		if !(x >= 0 && x <= maxWeight) {
			return nil, fmt.Errorf("data: the weight of sample %d is %v, want a number from 0", i, x)
		}
	}
	return &weighted{ds, c}, nil
}

const maxWeight = 3.4e38 // infinity is above, and NaN is not below

func (d *weighted) HasWeights() bool { return true }
func (d *weighted) ReadWeights(dst []float32, indices []int32) error {
	return d.weights.read(dst, indices)
}
func (d *weighted) TargetShape() []int { return TargetShape(d.Dataset) }
func (d *weighted) ReadTargets(dst []float32, indices []int32) error {
	return readTargets(d.Dataset, dst, indices)
}

// ClassNames are those of the data set without targets.
func (d *targeted) ClassNames() []string { return ClassNames(d.Dataset) }

// ClassNames are those of the data set without weights.
func (d *weighted) ClassNames() []string { return ClassNames(d.Dataset) }
