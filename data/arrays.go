package data

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gorgonia.org/tensor"

	"github.com/meseta-go/meseta/hdf5"
)

// ArraysOptions say which arrays of a file are read.
type ArraysOptions struct {
	// Names are the arrays of samples and of their labels or targets: [x, y], or with a test part [x, y, x of the test part, y of the test part].
	// Of HDF5 files they are paths, with /. nil means the first pair of usual names that the file has: x_train and y_train (with x_test and
	// y_test), x and y, images and labels, and others that the error lists where there is none.
	Names []string
	// AddChannel makes samples [H,W] images [H,W,1]. Those of arrays of bytes always are.
	AddChannel bool
	// MaxBytes bounds the file, of which HDF5 is held in memory as a whole while it is read; 0 means 2^33, 8 GiB.
	MaxBytes int64
}

// usualArrays are the names of samples and labels, with those of a test part where there are usual ones.
var usualArrays = [][]string{
	{"x_train", "y_train", "x_test", "y_test"},
	{"train_images", "train_labels", "test_images", "test_labels"},
	{"train/images", "train/labels", "test/images", "test/labels"},
	{"train/x", "train/y", "test/x", "test/y"},
	{"train_set_x", "train_set_y", "test_set_x", "test_set_y"},
	{"x", "y"}, {"X", "y"}, {"images", "labels"}, {"image", "label"}, {"data", "labels"}, {"data", "label"},
}

// IsArrays says whether OpenArrays takes a file of this name for a file of arrays: .npz, .h5, .hdf5.
func IsArrays(name string) bool { return arraysFormat(name) != "" }

func arraysFormat(name string) string {
	switch ext := strings.ToLower(filepath.Ext(name)); ext {
	case ".npz", ".h5", ".hdf5":
		return ext
	}
	return ""
}

// maxClasses bounds the classes of a file of arrays: larger numbers are no class numbers, and would cost memory in counts by class.
const maxClasses = 1 << 20

// arrayFile is a file with named arrays.
type arrayFile struct {
	names []string
	load  func(name string) (*tensor.Dense, error)
	close func() error
}

// OpenArrays makes data sets of arrays in a NumPy .npz file (numpy.savez, savez_compressed) or an HDF5 file (.h5, .hdf5); test is nil where
// there is no test part. Only the arrays that are used are read.
//
// Samples are [N, sample shape...]. Arrays of bytes (uint8) are images, [N,H,W] with one channel, and
// read as numbers from 0 to 1, as from all files of images; all others are taken as they are. Labels are whole numbers [N] or
// [N,1], or y holds other numbers, or more than one a sample: these are targets. Errors wrap ErrBroken or ErrUnsupported where it is the file's fault.
func OpenArrays(path string, o ArraysOptions) (train, test Dataset, err error) {
	if n := len(o.Names); n != 0 && n != 2 && n != 4 {
		return nil, nil, fmt.Errorf("data: %d names of arrays, %s; want those of samples and labels, and maybe of the test part's", n, brief(o.Names))
	}
	f, err := openArrayFile(path, o.MaxBytes)
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, f.close()) }()
	names := o.Names
	if names == nil {
		if names = f.usual(); names == nil {
			usual := make([]string, len(usualArrays))
			for i, pair := range usualArrays {
				usual[i] = pair[0] + " and " + pair[1]
			}
			return nil, nil, fmt.Errorf("data: %s: it has the arrays %s, and none of the usual pairs %s; name those of samples and labels",
				path, brief(f.names), strings.Join(usual, ", "))
		}
	}
	sets := [2]Dataset{}
	for i := 0; i < len(names); i += 2 {
		if sets[i/2], err = f.dataset(names[i], names[i+1], o.AddChannel); err != nil {
			return nil, nil, fmt.Errorf("data: %s: %w", path, err)
		}
	}
	return sets[0], sets[1], nil
}

func openArrayFile(path string, maxBytes int64) (*arrayFile, error) {
	if maxBytes == 0 {
		maxBytes = 1 << 33
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("data: %w", err)
	}
	if info.Size() > maxBytes {
		return nil, fmt.Errorf("data: %s has %d bytes, at most %d are read (MaxBytes); make several files of it, or class folders in a .zip or .tar", path, info.Size(), maxBytes)
	}
	switch arraysFormat(path) {
	case ".npz":
		return openNPZ(path)
	case ".h5", ".hdf5":
		return openHDF5(path)
	}
	return nil, fmt.Errorf("data: %s is neither a .npz nor a .h5 or .hdf5 file: %w", path, ErrUnsupported)
}

// openHDF5 reads an HDF5 file whole; arrays of bytes then share its memory.
func openHDF5(path string) (*arrayFile, error) {
	root, err := hdf5.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("data: %w", hdf5Error(err))
	}
	f := &arrayFile{close: func() error { return nil }}
	err = root.Walk(func(name string, _ *hdf5.Dataset) error {
		f.names = append(f.names, strings.TrimPrefix(name, "/"))
		return nil
	})
	f.load = func(name string) (*tensor.Dense, error) {
		t, err := toTensor(&root.Dataset(name).Value)
		if err != nil {
			return nil, hdf5Error(err)
		}
		return t, nil
	}
	return f, err
}

// hdf5Error sorts an error of package hdf5 into broken and not supported.
func hdf5Error(err error) error {
	var format hdf5.FormatError
	var lacks hdf5.UnsupportedError
	switch {
	case errors.As(err, &format):
		return fmt.Errorf("%w: %w", ErrBroken, err)
	case errors.As(err, &lacks):
		return fmt.Errorf("%w: %w", ErrUnsupported, err)
	}
	return err
}

// toTensor gives numbers as a tensor of a type that FromTensors takes.
func toTensor(v *hdf5.Value) (*tensor.Dense, error) {
	var backing any
	var err error
	switch t := v.Type; {
	case t == hdf5.Uint8:
		backing = v.Data
	case t == hdf5.Float64:
		backing, err = v.Float64s()
	case t.Class == hdf5.Float:
		backing, err = v.Float32s()
	case t.Class == hdf5.Integer:
		backing, err = v.Int64s()
	default:
		return nil, fmt.Errorf("elements are %s, which are %w; numbers are", t, ErrUnsupported)
	}
	if err != nil {
		return nil, err
	}
	if len(v.Shape) == 0 || v.Elements() < 1 {
		return nil, fmt.Errorf("an array of shape %v is %w; one number at least is needed, and one dimension", v.Shape, ErrUnsupported)
	}
	return tensor.New(tensor.WithShape(v.Shape...), tensor.WithBacking(backing)), nil
}

// usual gives the first usual names that the file has, or nil.
func (f *arrayFile) usual() []string {
	has := func(name string) bool { return slices.Contains(f.names, name) }
	for _, names := range usualArrays {
		if !has(names[0]) || !has(names[1]) {
			continue
		}
		if len(names) == 4 && !(has(names[2]) && has(names[3])) {
			return names[:2]
		}
		return names
	}
	return nil
}

// dataset makes a data set of two arrays.
func (f *arrayFile) dataset(xName, yName string, addChannel bool) (Dataset, error) {
	var arrays [2]*tensor.Dense
	for i, name := range []string{xName, yName} {
		if !slices.Contains(f.names, name) {
			return nil, fmt.Errorf("there is no array %q; there are %s", name, brief(f.names))
		}
		var err error
		if arrays[i], err = f.load(name); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	x, y := arrays[0], arrays[1]
	shape := x.Shape()
	if len(shape) == 3 && (addChannel || x.Dtype() == tensor.Uint8) {
		if err := x.Reshape(shape[0], shape[1], shape[2], 1); err != nil {
			return nil, fmt.Errorf("%s: %w", xName, err)
		}
		shape = x.Shape()
	}
	// What are no labels may be targets: several numbers a sample, or numbers with fractions.
	several := y.Shape().TotalSize() > shape[0]
	_, classes, problem := labelsOf(y, shape[0])
	if classes > maxClasses {
		problem = fmt.Errorf("data: the largest label is %d, class numbers are below %d", classes-1, maxClasses)
	}
	if d := y.Dtype(); problem != nil && !several && d != tensor.Float32 && d != tensor.Float64 {
		return nil, fmt.Errorf("%s: %w", yName, problem)
	}
	labels := y
	if problem != nil {
		labels = nil
	}
	ds, err := FromTensors(x, labels)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", xName, err)
	}
	if bytes, ok := ds.(*array[uint8]); ok {
		ds = byteImages{bytes}
	}
	if problem == nil {
		return ds, nil
	}
	if ds, err = WithTargets(ds, y); err != nil {
		return nil, fmt.Errorf("%s: %w", yName, err)
	}
	return ds, nil
}

// byteImages are arrays of bytes that are read as numbers from 0 to 1.
type byteImages struct{ *array[uint8] }

func (byteImages) ValueRange() (black, white float32) { return 0, 1 }

func (d byteImages) Read(dst []float32, labels []int32, indices []int32) error {
	if err := checkRead(len(dst), labels, indices, d.count, d.size, d.classes); err != nil {
		return err
	}
	for i, index := range indices {
		toUnit(dst[i*d.size:(i+1)*d.size], d.values[int(index)*d.size:])
	}
	d.readLabels(labels, indices)
	return nil
}
