package kernels

import (
	"github.com/meseta-go/meseta/kernels/measure"
	"github.com/meseta-go/meseta/ops"
)

// chooseMeasure picks the kernels of metrics.
func (c *CPU) chooseMeasure(o ops.Operator, in, _ []ops.Type) (Kernel, error) {
	switch o := o.(type) {
	case ops.InTopK:
		x, err := measure.NewInTopK(c.dev, in[0].Shape[0], in[0].Shape[1], o.K)
		return bound(c, x, err, func(in, out [][]float32, b Buffers) func() {
			labels := view[int32](b.In[1])
			return func() { x.Run(out[0], in[0], labels) }
		})
	case ops.Tally:
		s := in[1].Shape
		n, columns := s[0], s[len(s)-1]
		x, err := measure.NewTally(c.dev, n, s.Size()/n/columns, columns, o.Thresholds, o.PerColumn, o.Soft)
		return bound(c, x, err, func(in, _ [][]float32, b Buffers) func() {
			sums, workspace := view[float64](b.In[0]), view[float64](b.Workspace)
			weights, apply := sample(o.Sample, in[3:], b.In[3:])
			return func() {
				if apply[0] != 0 {
					x.Run(sums, in[1], in[2], weights, workspace)
				}
			}
		})
	case ops.Confuse:
		n := in[1].Shape[0]
		x, err := measure.NewConfuse(c.dev, n, in[1].Shape.Size()/n, in[0].Shape[0])
		return bound(c, x, err, func(in, _ [][]float32, b Buffers) func() {
			sums, predicted, labels, workspace := view[float64](b.In[0]), view[int32](b.In[1]), view[int32](b.In[2]), view[float64](b.Workspace)
			weights, apply := sample(o.Sample, in[3:], b.In[3:])
			return func() {
				if apply[0] != 0 {
					x.Run(sums, predicted, labels, weights, workspace)
				}
			}
		})
	case ops.Accumulate:
		n := o.Means(len(in))
		return bound(c, o, nil, func(in, _ [][]float32, b Buffers) func() {
			sums, values := make([][]float64, n), in[n:2*n]
			for i := range sums {
				sums[i] = view[float64](b.In[i])
			}
			weights, apply := sample(o.Sample, in[2*n:], b.In[2*n:])
			return func() {
				if apply[0] != 0 {
					for i, sum := range sums {
						accumulate(sum, values[i], weights)
					}
				}
			}
		})
	}
	return nil, nil
}

// accumulate adds values to a running mean, by their weights if there are some.
func accumulate(sum []float64, values, weights []float32) {
	if weights == nil {
		for _, x := range values {
			sum[0] += float64(x)
		}
		sum[1] += float64(len(values))
		return
	}
	for i, x := range values {
		sum[0] += float64(weights[i]) * float64(x)
		sum[1] += float64(weights[i])
	}
}

// sample gives the weights of the samples, or nil, and whether the sums are to change, of the operands that an ops.Sample speaks of.
func sample(o ops.Sample, in [][]float32, b []Buffer) (weights []float32, apply []int32) {
	apply = []int32{1}
	if o.Weighted {
		weights = in[0]
	}
	if o.Gated {
		apply = view[int32](b[len(b)-1])
	}
	return weights, apply
}
