package kernels

import (
	"github.com/meseta-go/meseta/kernels/arrange"
	"github.com/meseta-go/meseta/kernels/conv"
	"github.com/meseta-go/meseta/kernels/dropout"
	"github.com/meseta-go/meseta/kernels/elementwise"
	"github.com/meseta-go/meseta/kernels/gemm"
	"github.com/meseta-go/meseta/kernels/norm"
	"github.com/meseta-go/meseta/kernels/pool"
	"github.com/meseta-go/meseta/kernels/softmax"
	"github.com/meseta-go/meseta/ops"
)

func convParams(w ops.Window, src, filter, dst ops.Shape) conv.Params {
	return conv.Params{
		N: src[0], H: src[1], W: src[2], C: src[3], R: filter[0], S: filter[1], K: filter[3], P: dst[1], Q: dst[2],
		StrideH: w.Strides[0], StrideW: w.Strides[1], DilationH: w.Dilation[0], DilationW: w.Dilation[1],
		PadTop: w.PadBefore[0], PadLeft: w.PadBefore[1],
	}
}

func poolParams(o ops.MaxPool, src, dst ops.Shape) pool.Params {
	return pool.Params{
		N: src[0], H: src[1], W: src[2], C: src[3], R: o.Size[0], S: o.Size[1], P: dst[1], Q: dst[2],
		StrideH: o.Strides[0], StrideW: o.Strides[1], PadTop: o.PadBefore[0], PadLeft: o.PadBefore[1],
	}
}

func frame(o ops.Pad, inner ops.Shape) arrange.Frame {
	return arrange.Frame{N: inner[0], H: inner[1], W: inner[2], C: inner[3], Before: o.Before, After: o.After}
}

func normParams(t ops.Type, epsilon float32) norm.Params {
	c := t.Shape[len(t.Shape)-1]
	return norm.Params{Rows: t.Shape.Size() / c, C: c, Epsilon: epsilon}
}

// Choose picks the kernel of an operation: one case for each operator of package ops.
func (c *CPU) Choose(o ops.Operator, in, out []ops.Type) (Kernel, error) {
	dev := c.dev
	switch o := o.(type) {
	case ops.Conv2D:
		x, err := conv.NewForward(dev, convParams(o.Window, in[0].Shape, in[1].Shape, out[0].Shape), conv.Epilogue{Bias: o.Bias, Activation: o.Activation})
		return bound(c, x, err, func(in, out [][]float32, b Buffers) func() {
			w := f32(b.Workspace)
			return func() { x.Run(out[0], in[0], in[1], at(in, 2), w) }
		})
	case ops.Conv2DBackwardData:
		x, err := conv.NewBackwardData(dev, convParams(o.Window, o.Src, in[1].Shape, in[0].Shape))
		return bound(c, x, err, func(in, out [][]float32, b Buffers) func() {
			w := f32(b.Workspace)
			return func() { x.Run(out[0], in[0], in[1], w) }
		})
	case ops.Conv2DBackwardWeights:
		x, err := conv.NewBackwardWeights(dev, convParams(o.Window, in[0].Shape, o.Filter, in[1].Shape), o.Bias)
		return bound(c, x, err, func(in, out [][]float32, b Buffers) func() {
			w := f32(b.Workspace)
			return func() { x.Run(out[0], at(out, 1), in[0], in[1], w) }
		})
	case ops.MatMul:
		m, n, k := o.Dims(in[0].Shape, in[1].Shape)
		x, err := gemm.New(dev, gemm.Params{M: m, N: n, K: k, TransA: o.TransA, TransB: o.TransB, Bias: o.Bias, Activation: o.Activation})
		return bound(c, x, err, func(in, out [][]float32, b Buffers) func() {
			w := f32(b.Workspace)
			return func() { x.Run(out[0], in[0], in[1], at(in, 2), w) }
		})
	case ops.BatchNorm:
		x, err := norm.NewForward(dev, normParams(in[0], o.Epsilon), norm.Fused{Add: o.Add, Activation: o.Activation})
		return bound(c, x, err, func(in, out [][]float32, b Buffers) func() {
			w := f32(b.Workspace)
			return func() { x.Run(out[0], out[1], out[2], out[3], in[0], in[1], in[2], at(in, 3), w) }
		})
	case ops.BatchNormInference:
		x, err := norm.NewInference(dev, normParams(in[0], o.Epsilon), norm.Fused{Add: o.Add, Activation: o.Activation})
		return bound(c, x, err, func(in, out [][]float32, _ Buffers) func() {
			return func() { x.Run(out[0], in[0], in[1], in[2], in[3], in[4], at(in, 5)) }
		})
	case ops.BatchNormBackward:
		x, err := norm.NewBackward(dev, normParams(in[1], 0), norm.BackwardFused{MaskByDst: o.Mask, DiffResidual: o.Residual})
		return bound(c, x, err, func(in, out [][]float32, b Buffers) func() {
			w := f32(b.Workspace)
			return func() {
				x.Run(out[0], out[1], out[2], at(out, 3), in[0], at(in, 5), in[1], in[2], in[3], in[4], w)
			}
		})
	case ops.MaxPool:
		x, err := pool.NewMaxForward(dev, poolParams(o, in[0].Shape, out[0].Shape))
		return bound(c, x, err, func(in, out [][]float32, _ Buffers) func() {
			return func() { x.Run(out[0], in[0]) }
		})
	case ops.MaxPoolBackward:
		x, err := pool.NewMaxBackward(dev, poolParams(ops.MaxPool(o), out[0].Shape, in[0].Shape))
		return bound(c, x, err, func(in, out [][]float32, _ Buffers) func() {
			return func() { x.Run(out[0], in[0], in[1], in[2]) }
		})
	case ops.GlobalAveragePool:
		s := in[0].Shape
		x, err := pool.NewGlobalAverageForward(dev, s[0], s[1]*s[2], s[3])
		return bound(c, x, err, func(in, out [][]float32, _ Buffers) func() {
			return func() { x.Run(out[0], in[0]) }
		})
	case ops.GlobalAveragePoolBackward:
		s := o.Src
		x, err := pool.NewGlobalAverageBackward(dev, s[0], s[1]*s[2], s[3])
		return bound(c, x, err, func(in, out [][]float32, _ Buffers) func() {
			return func() { x.Run(out[0], in[0]) }
		})
	case ops.Relu:
		x, err := elementwise.NewReLU(dev, in[0].Shape.Size())
		return bound(c, x, err, func(in, out [][]float32, _ Buffers) func() {
			return func() { x.Run(out[0], in[0]) }
		})
	case ops.ReluBackward:
		x, err := elementwise.NewReLUBackward(dev, in[0].Shape.Size())
		return bound(c, x, err, func(in, out [][]float32, _ Buffers) func() {
			return func() { x.Run(out[0], in[0], in[1]) }
		})
	case ops.Add:
		x, err := elementwise.NewAdd(dev, in[0].Shape.Size())
		return bound(c, x, err, func(in, out [][]float32, _ Buffers) func() {
			return func() { x.Run(out[0], in[0], in[1]) }
		})
	case ops.Affine:
		x, err := elementwise.NewAffine(dev, in[0].Shape.Size(), o.Scale, o.Offset)
		return bound(c, x, err, func(in, out [][]float32, _ Buffers) func() {
			return func() { x.Run(out[0], in[0]) }
		})
	case ops.BiasAdd:
		n := in[1].Shape.Size()
		x, err := elementwise.NewBiasAdd(dev, in[0].Shape.Size()/n, n)
		return bound(c, x, err, func(in, out [][]float32, _ Buffers) func() {
			return func() { x.Run(out[0], in[0], in[1]) }
		})
	case ops.ColumnSum:
		n := out[0].Shape.Size()
		x, err := elementwise.NewColumnSum(dev, in[0].Shape.Size()/n, n)
		return bound(c, x, err, func(in, out [][]float32, b Buffers) func() {
			w := f32(b.Workspace)
			return func() { x.Run(out[0], in[0], w) }
		})
	case ops.Dropout:
		x, err := dropout.NewDropout(dev, in[0].Shape.Size(), o.Rate, o.Stream)
		return bound(c, x, err, func(in, out [][]float32, b Buffers) func() {
			counter := view[int64](b.In[1])
			return func() { x.Run(out[0], in[0], uint64(counter[0]), uint64(counter[1])) }
		})
	case ops.Pad:
		x, err := arrange.NewPad(dev, frame(o, in[0].Shape))
		return bound(c, x, err, func(in, out [][]float32, _ Buffers) func() {
			return func() { x.Run(out[0], in[0]) }
		})
	case ops.Crop:
		x, err := arrange.NewCrop(dev, frame(ops.Pad(o), out[0].Shape))
		return bound(c, x, err, func(in, out [][]float32, _ Buffers) func() {
			return func() { x.Run(out[0], in[0]) }
		})
	case ops.Concat:
		channels := make([]int, len(in))
		for i, t := range in {
			channels[i] = t.Shape[len(t.Shape)-1]
		}
		x, err := arrange.NewConcat(dev, in[0].Shape.Size()/channels[0], channels)
		return bound(c, x, err, func(in, out [][]float32, _ Buffers) func() {
			return func() { x.Run(out[0], in) }
		})
	case ops.Channels:
		total := in[0].Shape[len(in[0].Shape)-1]
		x, err := arrange.NewChannels(dev, in[0].Shape.Size()/total, total, o.First, o.Count)
		return bound(c, x, err, func(in, out [][]float32, _ Buffers) func() {
			return func() { x.Run(out[0], in[0]) }
		})
	case ops.Fill:
		return bound(c, o, nil, func(_, out [][]float32, _ Buffers) func() {
			return func() {
				for i := range out[0] {
					out[0][i] = o.Value
				}
			}
		})
	}
	if k, err := c.chooseLoss(o, in); k != nil || err != nil {
		return k, err
	}
	return c.chooseUpdate(o, in)
}

// chooseLoss picks the kernels of softmax, losses and metrics.
func (c *CPU) chooseLoss(o ops.Operator, in []ops.Type) (Kernel, error) {
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
