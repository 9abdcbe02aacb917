package data

import "sync"

// unscaled is a data set stored as bytes, whose samples are these numbers.
type unscaled struct {
	Dataset
	room sync.Pool // of *[]uint8
}

// Unscaled gives the samples of a data set that stores bytes as numbers from 0 to 255, not divided, for networks that divide by themselves: those
// that begin with a Rescaling by 1/255, as is usual in Keras. Other data sets, and those of numbers from 0 to 255, it gives as they are.
func Unscaled(ds Dataset) Dataset {
	if d := Divisor(ds); d == 0 || d == 1 {
		return ds
	}
	return &unscaled{Dataset: ds}
}

func (d *unscaled) Divisor() float32                         { return 1 }
func (d *unscaled) ValueRange() (black, white float32)       { return 0, 255 }
func (d *unscaled) ClassNames() []string                     { return ClassNames(d.Dataset) }
func (d *unscaled) TargetShape() []int                       { return TargetShape(d.Dataset) }
func (d *unscaled) HasWeights() bool                         { return HasWeights(d.Dataset) }
func (d *unscaled) ReadTargets(x []float32, i []int32) error { return readTargets(d.Dataset, x, i) }
func (d *unscaled) ReadWeights(x []float32, i []int32) error { return readWeights(d.Dataset, x, i) }

func (d *unscaled) ReadBytes(dst []uint8, labels, indices []int32) error {
	return readBytes(d.Dataset, dst, labels, indices)
}

func (d *unscaled) Read(dst []float32, labels, indices []int32) error {
	room, _ := d.room.Get().(*[]uint8)
	if room == nil {
		room = new([]uint8)
	}
	defer d.room.Put(room)
	if cap(*room) < len(dst) {
		*room = make([]uint8, len(dst))
	}
	bytes := (*room)[:len(dst)]
	if err := d.ReadBytes(bytes, labels, indices); err != nil {
		return err
	}
	for i, b := range bytes {
		dst[i] = float32(b)
	}
	return nil
}
