package data

import "errors"

var errNotBytes = errors.New("data: the samples are not stored as bytes; use Read")

// Stored is a data set whose samples may be stored as bytes, as images are.
//
// A data set that wraps another one implements this whether or not that one's are. One that embeds another and has a Read of its own has these of its own too.
type Stored interface {
	Dataset
	// Divisor is what a byte is divided by to give the float32 that Read gives; 0 for samples that are no bytes.
	Divisor() float32
	// ReadBytes is Read of the bytes.
	ReadBytes(dst []uint8, labels []int32, indices []int32) error
}

// Divisor is what the bytes of the samples of ds are divided by to give what Read gives; 0 where they are not stored as bytes.
func Divisor(ds Dataset) float32 {
	if s, ok := ds.(Stored); ok {
		return s.Divisor()
	}
	return 0
}

// readBytes reads the samples of a data set that stores bytes.
func readBytes(ds Dataset, dst []uint8, labels, indices []int32) error {
	s, ok := ds.(Stored)
	if !ok || s.Divisor() == 0 {
		return errNotBytes
	}
	return s.ReadBytes(dst, labels, indices)
}

// Divisor is 255.
func (d *Images) Divisor() float32 { return 255 }

// ReadBytes writes the pixels as they are. See Stored.
func (d *Images) ReadBytes(dst []uint8, labels, indices []int32) error {
	size := d.H * d.W * d.C
	if err := checkRead(len(dst), labels, indices, d.count, size, d.classes); err != nil {
		return err
	}
	for i, index := range indices {
		copy(dst[i*size:(i+1)*size], d.Pixels[int(index)*size:])
	}
	d.readLabels(labels, indices)
	return nil
}

// Divisor is 255.
func (f *Folder) Divisor() float32 { return 255 }

// ReadBytes decodes the images of indices. See Stored.
func (f *Folder) ReadBytes(dst []uint8, labels, indices []int32) error {
	if err := checkRead(len(dst), labels, indices, len(f.files), f.size, len(f.classNames)); err != nil {
		return err
	}
	s := f.scratch.Get().(*folderScratch)
	defer f.scratch.Put(s)
	for i, index := range indices {
		file := &f.files[index]
		pixels, err := f.image(int(index), s)
		if err != nil {
			return f.failed(file, err)
		}
		copy(dst[i*f.size:(i+1)*f.size], pixels)
		if labels != nil {
			labels[i] = file.label
		}
	}
	return nil
}

func (d *array[T]) Divisor() float32 {
	if _, bytes := any(d.values).([]uint8); bytes {
		return 1
	}
	return 0
}

func (d *array[T]) ReadBytes(dst []uint8, labels, indices []int32) error {
	if err := checkRead(len(dst), labels, indices, d.count, d.size, d.classes); err != nil {
		return err
	}
	values, ok := any(d.values).([]uint8)
	if !ok {
		return errNotBytes
	}
	for i, index := range indices {
		copy(dst[i*d.size:(i+1)*d.size], values[int(index)*d.size:])
	}
	d.readLabels(labels, indices)
	return nil
}

// Divisor is 255: an array of bytes by itself would be divided by 1.
func (byteImages) Divisor() float32 { return 255 }

func (s *section) Divisor() float32   { return Divisor(s.Dataset) }
func (s *selection) Divisor() float32 { return Divisor(s.Dataset) }
func (d *targeted) Divisor() float32  { return Divisor(d.Dataset) }
func (d *weighted) Divisor() float32  { return Divisor(d.Dataset) }

func (s *section) ReadBytes(dst []uint8, labels, indices []int32) error {
	return s.shifted(indices, func(shifted []int32) error { return readBytes(s.Dataset, dst, labels, shifted) })
}
func (s *selection) ReadBytes(dst []uint8, labels, indices []int32) error {
	return s.looked(indices, func(looked []int32) error { return readBytes(s.Dataset, dst, labels, looked) })
}
func (d *targeted) ReadBytes(dst []uint8, labels, indices []int32) error {
	return readBytes(d.Dataset, dst, labels, indices)
}
func (d *weighted) ReadBytes(dst []uint8, labels, indices []int32) error {
	return readBytes(d.Dataset, dst, labels, indices)
}
