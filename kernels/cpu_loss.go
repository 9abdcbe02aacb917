package kernels

import (
	"github.com/meseta-go/meseta/kernels/cpu"
	"github.com/meseta-go/meseta/kernels/softmax"
	"github.com/meseta-go/meseta/ops"
)

// chooseLoss picks the kernels of softmax, losses and metrics.
func (c *CPU) chooseLoss(o ops.Operator, in, _ []ops.Type) (Kernel, error) {
	if k, err := c.chooseSoftLoss(o, in); k != nil || err != nil {
		return k, err
	}
	if len(in) == 0 || len(in[0].Shape) == 0 {
		return nil, nil
	}
	dev, classes := c.dev, in[0].Shape[len(in[0].Shape)-1]
	rows := in[0].Shape.Size() / classes
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
	case ops.LogSoftmax:
		x, err := softmax.NewLogForward(dev, rows, classes)
		return bound(c, x, err, func(in, out [][]float32, _ Buffers) func() {
			return func() { x.Run(out[0], in[0]) }
		})
	case ops.LogSoftmaxBackward:
		x, err := softmax.NewLogBackward(dev, rows, classes)
		return bound(c, x, err, func(in, out [][]float32, _ Buffers) func() {
			return func() { x.Run(out[0], in[0], in[1]) }
		})
	case ops.Sparsemax:
		x, err := softmax.NewSparsemax(dev, rows, classes)
		return bound(c, x, err, func(in, out [][]float32, _ Buffers) func() {
			return func() { x.Run(out[0], in[0]) }
		})
	case ops.SparsemaxBackward:
		x, err := softmax.NewSparsemaxBackward(dev, rows, classes)
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

// chooseSoftLoss picks the kernels of losses against targets.
func (c *CPU) chooseSoftLoss(o ops.Operator, in []ops.Type) (Kernel, error) {
	back, backward := o.(ops.SoftLossBackward)
	if backward {
		o = back.Loss
	}
	var loss func(dev *cpu.Device, n, each, classes int) (*softmax.SoftLoss, error)
	var gradient func(dev *cpu.Device, n, each, classes int) (*softmax.SoftLossBackward, error)
	switch o.(type) {
	case ops.SoftCrossEntropy:
		loss, gradient = softmax.NewSoftCrossEntropy, softmax.NewSoftCrossEntropyBackward
	case ops.SoftLogLoss:
		loss, gradient = softmax.NewSoftLogLoss, softmax.NewSoftLogLossBackward
	case ops.BinaryCrossEntropy:
		loss, gradient = softmax.NewBinaryCrossEntropy, softmax.NewBinaryCrossEntropyBackward
	case ops.BinaryLogLoss:
		loss, gradient = softmax.NewBinaryLogLoss, softmax.NewBinaryLogLossBackward
	default:
		return nil, nil
	}
	s := in[0].Shape
	n, classes := s[0], s[len(s)-1]
	each := s.Size() / n / classes
	if backward {
		x, err := gradient(c.dev, n, each, classes)
		return bound(c, x, err, func(in, out [][]float32, _ Buffers) func() {
			return func() { x.Run(out[0], in[2], in[0], in[1]) }
		})
	}
	x, err := loss(c.dev, n, each, classes)
	return bound(c, x, err, func(in, out [][]float32, _ Buffers) func() {
		return func() { x.Run(out[0], in[0], in[1]) }
	})
}
