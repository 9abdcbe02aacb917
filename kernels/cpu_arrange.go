package kernels

import (
	"github.com/meseta-go/meseta/kernels/arrange"
	"github.com/meseta-go/meseta/kernels/resize"
	"github.com/meseta-go/meseta/ops"
)

func frame(o ops.Pad, inner ops.Shape) arrange.Frame {
	return arrange.Frame{N: inner[0], H: inner[1], W: inner[2], C: inner[3], Before: o.Before, After: o.After}
}

// chooseArrange picks the kernels of operations that move elements.
func (c *CPU) chooseArrange(o ops.Operator, in, out []ops.Type) (Kernel, error) {
	dev := c.dev
	switch o := o.(type) {
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
	case ops.Transpose:
		x, err := arrange.NewTranspose(dev, in[0].Shape, o.Perm)
		return bound(c, x, err, func(in, out [][]float32, _ Buffers) func() {
			return func() { x.Run(out[0], in[0]) }
		})
	case ops.Broadcast:
		x, err := arrange.NewBroadcast(dev, in[0].Shape, o.Shape)
		return bound(c, x, err, func(in, out [][]float32, _ Buffers) func() {
			return func() { x.Run(out[0], in[0]) }
		})
	case ops.OneHot:
		x, err := arrange.NewOneHot(dev, in[0].Shape.Size(), o.Classes)
		return bound(c, x, err, func(_, out [][]float32, b Buffers) func() {
			labels := view[int32](b.In[0])
			return func() { x.Run(out[0], labels) }
		})
	case ops.Resize:
		s := in[0].Shape
		x, err := resize.NewForward(dev, resize.Params{N: s[0], H: s[1], W: s[2], C: s[3], P: o.Size[0], Q: o.Size[1], Method: o.Method})
		return bound(c, x, err, func(in, out [][]float32, _ Buffers) func() {
			return func() { x.Run(out[0], in[0]) }
		})
	case ops.ResizeBackward:
		s, d := o.Src, in[0].Shape
		x, err := resize.NewBackward(dev, resize.Params{N: s[0], H: s[1], W: s[2], C: s[3], P: d[1], Q: d[2], Method: o.Method})
		return bound(c, x, err, func(in, out [][]float32, _ Buffers) func() {
			return func() { x.Run(out[0], in[0]) }
		})
	}
	return nil, nil
}
