package data

import (
	"fmt"
	"math"
	"sync"
)

// section is the part of a data set from a first sample on.
type section struct {
	Dataset
	from, count int
	room        sync.Pool // of *[]int32: indices shifted by from, so that Read allocates nothing
}

// Slice returns samples from (included) to to (excluded) of ds, renumbered from 0. It reads through to ds.
//
// It returns an error unless 0 <= from <= to <= ds.Len().
func Slice(ds Dataset, from, to int) (Dataset, error) {
	if from < 0 || to < from || to > ds.Len() {
		return nil, fmt.Errorf("data: samples %d to %d are asked for, the data set has 0 to %d", from, to, ds.Len())
	}
	if outer, ok := ds.(*section); ok {
		ds, from, to = outer.Dataset, from+outer.from, to+outer.from
	}
	return &section{Dataset: ds, from: from, count: to - from}, nil
}

// Split keeps the last fraction of ds for validation, without shuffling first, as Keras's validation_split does: the
// first floor(N·(1-fraction)) samples train.
//
// It returns an error unless 0 < fraction < 1 and both parts hold at least one sample.
func Split(ds Dataset, fraction float64) (train, validation Dataset, err error) {
	if !(fraction > 0 && fraction < 1) {
		return nil, nil, fmt.Errorf("data: validation fraction is %v, it must lie between 0 and 1", fraction)
	}
	n := ds.Len()
	at := int(math.Floor(float64(n) * (1 - fraction)))
	if at == 0 || at == n {
		return nil, nil, fmt.Errorf("data: validation fraction %v splits %d samples into %d and %d; both parts need a sample", fraction, n, at, n-at)
	}
	if train, err = Slice(ds, 0, at); err != nil {
		return nil, nil, err
	}
	validation, err = Slice(ds, at, n)
	return train, validation, err
}

func (s *section) Len() int { return s.count }

func (s *section) Read(dst []float32, labels []int32, indices []int32) error {
	return s.shifted(indices, func(shifted []int32) error { return s.Dataset.Read(dst, labels, shifted) })
}

// shifted calls read with the indices that the samples have in the whole data set.
func (s *section) shifted(indices []int32, read func([]int32) error) error {
	for _, i := range indices {
		if i < 0 || int(i) >= s.count {
			return fmt.Errorf("data: sample %d does not exist, the data set has 0 to %d", i, s.count-1)
		}
	}
	shifted, _ := s.room.Get().(*[]int32)
	if shifted == nil {
		shifted = new([]int32)
	}
	defer s.room.Put(shifted)
	*shifted = (*shifted)[:0]
	for _, i := range indices {
		*shifted = append(*shifted, i+int32(s.from))
	}
	return read(*shifted)
}

func (s *section) TargetShape() []int { return TargetShape(s.Dataset) }
func (s *section) ReadTargets(dst []float32, indices []int32) error {
	return s.shifted(indices, func(shifted []int32) error { return readTargets(s.Dataset, dst, shifted) })
}
func (s *section) HasWeights() bool { return HasWeights(s.Dataset) }
func (s *section) ReadWeights(dst []float32, indices []int32) error {
	return s.shifted(indices, func(shifted []int32) error { return readWeights(s.Dataset, dst, shifted) })
}
