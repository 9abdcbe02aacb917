package checkpoint

import (
	"fmt"
	"strings"

	"github.com/meseta-go/meseta/hdf5"
	"github.com/meseta-go/meseta/layers"
	"github.com/meseta-go/meseta/ops"
	"gorgonia.org/tensor"
)

// shapeString writes a shape as errors do: [3,3,16,64].
func shapeString(shape []int) string {
	return strings.ReplaceAll(fmt.Sprint(append([]int{}, shape...)), " ", ",")
}

// checkTensor says whether t holds float32 of the shape, row-major.
func checkTensor(name string, t *tensor.Dense, shape layers.Shape) error {
	if t == nil {
		return fmt.Errorf("%s has no value", name)
	}
	if _, err := floats(t); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if !shape.Equal(layers.Shape(t.Shape())) {
		return fmt.Errorf("%s has shape %s, the model wants %s: %w", name, shapeString(t.Shape()), shapeString(shape), ops.ErrShape)
	}
	return nil
}

// floats is the backing of a tensor, which must be float32, row-major and
// without gaps.
func floats(t *tensor.Dense) ([]float32, error) {
	data, ok := t.Data().([]float32)
	if !ok {
		// A scalar's Data is the number itself.
		if x, isScalar := t.Data().(float32); isScalar {
			return []float32{x}, nil
		}
		return nil, fmt.Errorf("a tensor of %v, want float32", t.Dtype())
	}
	if len(data) != t.Shape().TotalSize() || t.RequiresIterator() || t.DataOrder().IsColMajor() {
		return nil, fmt.Errorf("a tensor of shape %v is not stored row-major and without gaps; Clone it", t.Shape())
	}
	return data, nil
}

// dataset is t as it is stored.
func dataset(t *tensor.Dense) (*hdf5.Dataset, error) {
	data, err := floats(t)
	if err != nil {
		return nil, err
	}
	shape := append([]int(nil), t.Shape()...)
	return &hdf5.Dataset{Value: hdf5.Float32Values(data, shape...)}, nil
}

// dense is a stored array of any number type as float32.
func dense(d *hdf5.Dataset) (*tensor.Dense, error) {
	if d.Type == hdf5.BFloat16 {
		kind := d.Attrs.Get("dtype")
		if kind == nil {
			return nil, fmt.Errorf("two-byte elements without the attribute dtype that Keras gives bfloat16")
		}
		if s, err := kind.ScalarString(); err != nil || s != "bfloat16" {
			return nil, fmt.Errorf("two-byte elements of dtype %q, want bfloat16", s)
		}
	}
	data, err := d.Float32s()
	if err != nil {
		return nil, err
	}
	if len(d.Shape) == 0 {
		return tensor.New(tensor.FromScalar(data[0])), nil
	}
	return tensor.New(tensor.WithShape(d.Shape...), tensor.WithBacking(data)), nil
}

// fileLayer is what a file holds for one layer.
type fileLayer struct {
	name    string
	named   bool // name is the layer's; else the place's in the file
	weights []*hdf5.Dataset
}

// assign gives m the weights that the file has for its layers, which stand in
// the order of the network; only those with weights count.
func assign(path string, m *Model, found []fileLayer) error {
	byName := map[string]fileLayer{}
	for _, l := range found {
		if len(l.weights) > 0 {
			byName[l.name] = l
		}
	}
	var wanted []layers.Placed
	named := true
	for _, l := range m.Graph.Layers {
		if len(l.Weights) > 0 {
			wanted = append(wanted, l)
			from, ok := byName[l.Name]
			named = named && ok && from.named
		}
	}
	var inOrder []fileLayer
	if named && len(byName) == len(wanted) {
		for _, l := range wanted {
			inOrder = append(inOrder, byName[l.Name])
		}
	} else {
		for _, l := range found {
			if len(l.weights) > 0 {
				inOrder = append(inOrder, l)
			}
		}
	}
	m.Weights = map[string]*tensor.Dense{}
	for i, l := range wanted {
		if i >= len(inOrder) {
			return fmt.Errorf("%s is not in %s, the model wants it with %s; the file is of a network with fewer layers: %w",
				l.Path(l.Weights[0]), path, shapeString(l.Weights[0].Shape), ops.ErrShape)
		}
		if err := assignLayer(path, m, l, inOrder[i]); err != nil {
			return err
		}
	}
	if len(inOrder) > len(wanted) {
		extra := inOrder[len(wanted)]
		return fmt.Errorf("%s has weights of %s, the first %s, the model has no such layer: %w",
			path, extra.name, shapeString(extra.weights[0].Shape), ops.ErrShape)
	}
	return nil
}

func assignLayer(path string, m *Model, l layers.Placed, from fileLayer) error {
	for j, w := range l.Weights {
		if j >= len(from.weights) {
			return fmt.Errorf("%s is not in %s, whose %s has %d weights, the model wants it with %s: %w",
				l.Path(w), path, from.name, len(from.weights), shapeString(w.Shape), ops.ErrShape)
		}
		d := from.weights[j]
		if !w.Shape.Equal(layers.Shape(d.Shape)) {
			return fmt.Errorf("%s is %s in %s, the model wants %s; the file is of another network, Load it with its own configuration or change the layer: %w",
				l.Path(w), shapeString(d.Shape), path, shapeString(w.Shape), ops.ErrShape)
		}
		t, err := dense(d)
		if err != nil {
			return fmt.Errorf("%s in %s: %w", l.Path(w), path, err)
		}
		m.Weights[l.Path(w)] = t
	}
	if len(from.weights) > len(l.Weights) {
		return fmt.Errorf("%s in %s has %d weights, the model's has %d: %w", from.name, path, len(from.weights), len(l.Weights), ops.ErrShape)
	}
	return nil
}
