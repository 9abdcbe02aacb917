package meseta

import (
	"context"
	"fmt"
	"math"

	"github.com/meseta-go/meseta/data"
	"github.com/meseta-go/meseta/layers"
)

// adaptBatch is how many samples Adapt reads at a time.
const adaptBatch = 256

// Adapt measures mean and variance of the samples of ds, for every element of the axes of l, and sets l.Mean and l.Variance. Do so before the
// model is made: with a mean that is given the layer has no weights.
//
// Sums are float64, of differences from the first sample's mean, so that digits are kept where deviations are small. It returns
// an error if ds is empty, if l has several axes, if a number is not finite, or when ctx ends.
func Adapt(ctx context.Context, l *layers.Normalization, ds data.Dataset) error {
	shape := ds.Shape()
	axes := l.Axes(len(shape))
	switch {
	case axes == nil:
		return fmt.Errorf("meseta: a Normalization of axis %v does not fit samples of %v, which have 1 to %d", l.Axis, shape, len(shape))
	case len(axes) > 1:
		return fmt.Errorf("meseta: a Normalization of axis %v has several; Adapt measures one, or none", l.Axis)
	case ds.Len() == 0:
		return fmt.Errorf("meseta: no samples to adapt a Normalization to")
	}
	// Element i of a sample belongs to number i/inner%n.
	n, inner := 1, data.SampleSize(ds)
	if len(axes) == 1 {
		n, inner = shape[axes[0]], layers.Shape(shape[axes[0]+1:]).Size()
	}
	size := data.SampleSize(ds)
	x := make([]float32, adaptBatch*size)
	labels, indices := make([]int32, adaptBatch), make([]int32, adaptBatch)
	first, sums, squares := make([]float64, n), make([]float64, n), make([]float64, n)
	each := float64(size / n)
	for start := 0; start < ds.Len(); start += adaptBatch {
		if err := ctx.Err(); err != nil {
			return err
		}
		count := min(adaptBatch, ds.Len()-start)
		for i := range count {
			indices[i] = int32(start + i)
		}
		if err := ds.Read(x[:count*size], labels[:count], indices[:count]); err != nil {
			return err
		}
		if start == 0 {
			for i, v := range x[:size] {
				first[i/inner%n] += float64(v) / each
			}
		}
		for i, v := range x[:count*size] {
			k := i / inner % n
			d := float64(v) - first[k]
			sums[k] += d
			squares[k] += d * d
		}
	}
	total := each * float64(ds.Len())
	mean, variance := make([]float64, n), make([]float64, n)
	for k := range mean {
		d := sums[k] / total
		mean[k], variance[k] = first[k]+d, max(squares[k]/total-d*d, 0)
		if math.IsNaN(variance[k]) || math.IsInf(variance[k], 0) {
			return fmt.Errorf("meseta: number %d of the samples is not finite somewhere, so that it has no mean", k)
		}
	}
	l.Mean, l.Variance = mean, variance
	return nil
}
