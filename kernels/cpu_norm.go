package kernels

import (
	"github.com/meseta-go/meseta/kernels/norm"
	"github.com/meseta-go/meseta/ops"
)

func normParams(t ops.Type, epsilon float32) norm.Params {
	c := t.Shape[len(t.Shape)-1]
	return norm.Params{Rows: t.Shape.Size() / c, C: c, Epsilon: epsilon}
}

func groupParams(o ops.GroupNorm, src ops.Shape) norm.GroupParams {
	c := o.Channels(src).Size()
	return norm.GroupParams{N: src[0], P: src.Size() / (src[0] * c), C: c, Groups: o.Groups, Epsilon: o.Epsilon}
}

// chooseNorm picks the kernels of normalizations.
func (c *CPU) chooseNorm(o ops.Operator, in, out []ops.Type) (Kernel, error) {
	dev := c.dev
	switch o := o.(type) {
	case ops.BatchNorm:
		x, err := norm.NewForward(dev, normParams(in[0], o.Epsilon), norm.Fused{Add: o.Add, Activation: o.Activation})
		return bound(c, x, err, func(in, out [][]float32, b Buffers) func() {
			w := f32(b.Workspace)
			return func() { x.Run(out[0], out[1], out[2], out[3], in[0], in[1], in[2], at(in, 3), w) }
		})
	case ops.BatchNormStatistics:
		x, err := norm.NewStatistics(dev, normParams(in[0], o.Epsilon))
		return bound(c, x, err, func(in, out [][]float32, b Buffers) func() {
			w := f32(b.Workspace)
			return func() { x.Run(out[0], out[1], out[2], in[0], w) }
		})
	case ops.BatchNormInference:
		x, err := norm.NewInference(dev, normParams(in[0], o.Epsilon), norm.Fused{Add: o.Add, Activation: o.Activation})
		return bound(c, x, err, func(in, out [][]float32, _ Buffers) func() {
			return func() { x.Run(out[0], in[0], in[1], in[2], in[3], in[4], at(in, 5)) }
		})
	case ops.BatchNormBackward:
		x, err := norm.NewBackward(dev, normParams(in[1], 0), norm.BackwardFused{Mask: o.Mask, DiffResidual: o.Residual, Recompute: o.Recompute})
		return bound(c, x, err, func(in, out [][]float32, b Buffers) func() {
			w := f32(b.Workspace)
			dst, beta := at(in, 5), []float32(nil)
			if o.Recompute {
				dst, beta = nil, dst
			}
			return func() {
				x.Run(out[0], out[1], out[2], at(out, 3), in[0], dst, in[1], in[2], beta, in[3], in[4], w)
			}
		})
	case ops.GroupNorm:
		p := groupParams(o, in[0].Shape)
		if p.P == 1 && p.Groups == 1 {
			x, err := norm.NewLayerForward(dev, norm.Params{Rows: p.N, C: p.C, Epsilon: p.Epsilon})
			return groupNorm(c, o, x, err)
		}
		x, err := norm.NewGroupForward(dev, p)
		return groupNorm(c, o, x, err)
	case ops.GroupNormBackward:
		p := groupParams(ops.GroupNorm(o), in[1].Shape)
		if p.P == 1 && p.Groups == 1 {
			x, err := norm.NewLayerBackward(dev, norm.Params{Rows: p.N, C: p.C, Epsilon: p.Epsilon})
			return groupNormBackward(c, o, x, err)
		}
		x, err := norm.NewGroupBackward(dev, p)
		return groupNormBackward(c, o, x, err)
	}
	return nil, nil
}

// groupNorm binds one of the kernels of a GroupNorm.
func groupNorm[X interface {
	Run(dst, mean, invStd, src, gamma, beta []float32)
}](c *CPU, o ops.GroupNorm, x X, err error) (Kernel, error) {
	return bound(c, x, err, func(in, out [][]float32, _ Buffers) func() {
		gamma, beta := optional(in[1:], o.Scale, o.Center)
		return func() { x.Run(out[0], out[1], out[2], in[0], gamma, beta) }
	})
}

// groupNormBackward binds one of the kernels of a GroupNormBackward.
func groupNormBackward[X interface {
	Run(diffSrc, diffGamma, diffBeta, diffDst, src, mean, invStd, gamma, workspace []float32)
}](c *CPU, o ops.GroupNormBackward, x X, err error) (Kernel, error) {
	return bound(c, x, err, func(in, out [][]float32, b Buffers) func() {
		diffGamma, diffBeta := optional(out[1:], o.Scale, o.Center)
		w := f32(b.Workspace)
		return func() { x.Run(out[0], diffGamma, diffBeta, in[0], in[1], in[2], in[3], at(in, 4), w) }
	})
}

// optional gives the first two operands of a list that each may be left out.
func optional(views [][]float32, first, second bool) (a, b []float32) {
	if first {
		a, views = views[0], views[1:]
	}
	if second {
		b = views[0]
	}
	return a, b
}
