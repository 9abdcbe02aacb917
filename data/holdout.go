package data

import (
	"fmt"
	"math"
	"slices"
	"sync"

	"github.com/meseta-go/meseta/random"
)

// selection is some samples of a data set.
type selection struct {
	Dataset
	indices []int32
	room    sync.Pool // of *[]int32: looked-up indices, so that Read allocates nothing
}

// Select returns the samples of indices, in this order, renumbered from 0. It keeps indices and reads through to ds.
//
// It returns an error for an index that ds does not have.
func Select(ds Dataset, indices []int32) (Dataset, error) {
	for _, i := range indices {
		if i < 0 || int(i) >= ds.Len() {
			return nil, fmt.Errorf("data: sample %d is selected, the data set has 0 to %d", i, ds.Len()-1)
		}
	}
	return &selection{Dataset: ds, indices: indices}, nil
}

// HoldOut keeps count samples of ds, drawn at random by seed, for validation; the others train. In both parts the samples
// are in the order of ds. The same data set, count and seed give the same parts.
//
// This is for data whose classes lie one after the other, where Split would hold back the last class only.
// It returns an error unless both parts hold at least one sample.
func HoldOut(ds Dataset, count int, seed uint64) (train, validation Dataset, err error) {
	n := ds.Len()
	if count < 1 || count >= n {
		return nil, nil, fmt.Errorf("data: %d samples are to be held back of %d; both parts need a sample", count, n)
	}
	if n > math.MaxInt32 {
		return nil, nil, fmt.Errorf("data: the data set has %d samples, at most %d can be split", n, math.MaxInt32)
	}
	order := make([]int32, n)
	for i := range order {
		order[i] = int32(i)
	}
	// Fisher and Yates from the end, only as far as samples are drawn.
	numbers := random.Stream{Seed: seed, Purpose: random.Split}
	for i := n - 1; i >= n-count; i-- {
		j := numbers.Uint32n(uint32(i + 1))
		order[i], order[j] = order[j], order[i]
	}
	slices.Sort(order[:n-count])
	slices.Sort(order[n-count:])
	return &selection{Dataset: ds, indices: order[:n-count]}, &selection{Dataset: ds, indices: order[n-count:]}, nil
}

func (s *selection) Len() int { return len(s.indices) }

func (s *selection) Read(dst []float32, labels []int32, indices []int32) error {
	return s.looked(indices, func(looked []int32) error { return s.Dataset.Read(dst, labels, looked) })
}

// looked calls read with the indices that the samples have in the whole data set.
func (s *selection) looked(indices []int32, read func([]int32) error) error {
	looked, _ := s.room.Get().(*[]int32)
	if looked == nil {
		looked = new([]int32)
	}
	defer s.room.Put(looked)
	*looked = (*looked)[:0]
	for _, i := range indices {
		if i < 0 || int(i) >= len(s.indices) {
			return fmt.Errorf("data: sample %d does not exist, the data set has 0 to %d", i, len(s.indices)-1)
		}
		*looked = append(*looked, s.indices[i])
	}
	return read(*looked)
}

func (s *selection) TargetShape() []int { return TargetShape(s.Dataset) }
func (s *selection) ReadTargets(dst []float32, indices []int32) error {
	return s.looked(indices, func(looked []int32) error { return readTargets(s.Dataset, dst, looked) })
}
func (s *selection) HasWeights() bool { return HasWeights(s.Dataset) }
func (s *selection) ReadWeights(dst []float32, indices []int32) error {
	return s.looked(indices, func(looked []int32) error { return readWeights(s.Dataset, dst, looked) })
}
