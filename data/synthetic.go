package data

import (
	"fmt"

	"github.com/meseta-go/meseta/random"
)

// Synthetic makes n samples of normally distributed numbers (mean 0, standard deviation 1) with labels that are all
// equally likely, for benchmarks and tests. The same arguments give the same numbers.
//
// It returns an error for n or a side below 1, or fewer than one class.
func Synthetic(n int, shape []int, classes int, seed uint64) (Dataset, error) {
	if n < 1 || classes < 1 || len(shape) == 0 {
		return nil, fmt.Errorf("data: synthetic samples: %d of shape %v with %d classes, each must be at least 1", n, shape, classes)
	}
	for _, d := range shape {
		if d < 1 {
			return nil, fmt.Errorf("data: synthetic samples are of shape %v, every side must be at least 1", shape)
		}
	}
	numbers := random.Stream{Seed: seed, Purpose: random.Synthetic}
	values := make([]float32, n*product(shape))
	for i := range values {
		values[i] = numbers.Normal()
	}
	numbers = random.Stream{Seed: seed, Purpose: random.Synthetic, Index: 1}
	labels := make([]int32, n)
	for i := range labels {
		labels[i] = int32(numbers.Uint32n(uint32(classes)))
	}
	return newArray(values, append([]int(nil), shape...), n, labels, classes)
}
