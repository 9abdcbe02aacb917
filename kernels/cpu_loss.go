package kernels

import (
	"github.com/meseta-go/meseta/kernels/softmax"
	"github.com/meseta-go/meseta/ops"
)

// chooseLoss picks the kernels of softmax, losses and metrics.
func (c *CPU) chooseLoss(o ops.Operator, in, _ []ops.Type) (Kernel, error) {
	if len(in) == 0 || len(in[0].Shape) != 2 {
		return nil, nil
	}
	dev, rows, classes := c.dev, in[0].Shape[0], in[0].Shape[1]
	switch o.(type) {
	case ops.Softmax:
		x, err := softmax.NewForward(dev, rows, classes)
		return bound(c, x, err, func(in, out [][]float32, _ Buffers) func() {
			return func() { x.Run(out[0], in[0]) }
		})
	case ops.SoftmaxBackward:
		x, err := softmax.NewBackward(dev, rows, classes)
		return bound(c, x, err, func(in, out [][]float32, _ Buffers) func() {
			return func() { x.Run(out[0], in[0], in[1]) }
		})
	case ops.CrossEntropy:
		x, err := softmax.NewCrossEntropy(dev, rows, classes)
		return bound(c, x, err, func(in, out [][]float32, b Buffers) func() {
			labels := view[int32](b.In[1])
			return func() { x.Run(out[0], in[0], labels) }
		})
	case ops.CrossEntropyBackward:
		x, err := softmax.NewCrossEntropyBackward(dev, rows, classes)
		return bound(c, x, err, func(in, out [][]float32, b Buffers) func() {
			labels := view[int32](b.In[1])
			return func() { x.Run(out[0], in[2], in[0], labels) }
		})
	case ops.LogLoss:
		x, err := softmax.NewLogLoss(dev, rows, classes)
		return bound(c, x, err, func(in, out [][]float32, b Buffers) func() {
			labels := view[int32](b.In[1])
			return func() { x.Run(out[0], in[0], labels) }
		})
	case ops.LogLossBackward:
		x, err := softmax.NewLogLossBackward(dev, rows, classes)
		return bound(c, x, err, func(in, out [][]float32, b Buffers) func() {
			labels := view[int32](b.In[1])
			return func() { x.Run(out[0], in[2], in[0], labels) }
		})
	case ops.Correct:
		x, err := softmax.NewCorrect(dev, rows, classes)
		return bound(c, x, err, func(in, out [][]float32, b Buffers) func() {
			labels := view[int32](b.In[1])
			return func() { x.Run(out[0], in[0], labels) }
		})
	}
	return nil, nil
}
