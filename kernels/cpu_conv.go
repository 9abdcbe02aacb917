package kernels

import (
	"fmt"

	"github.com/meseta-go/meseta/kernels/conv"
	"github.com/meseta-go/meseta/kernels/gemm"
	"github.com/meseta-go/meseta/ops"
)

func (c *CPU) convParams(w ops.Window, g ops.Groups, src, filter, dst ops.Shape) conv.Params {
	return conv.Params{
		N: src[0], H: src[1], W: src[2], C: src[3], R: filter[0], S: filter[1], K: filter[3], Groups: g.Count(), P: dst[1], Q: dst[2],
		StrideH: w.Strides[0], StrideW: w.Strides[1], DilationH: w.Dilation[0], DilationW: w.Dilation[1],
		PadTop: w.PadBefore[0], PadLeft: w.PadBefore[1], Exact: c.Exact,
	}
}

// loading is run, before which x hears of the vectors that l wants, if any.
func loading(x interface {
	Normalize(mean, invStd, gamma, beta []float32)
}, l ops.Load, vectors [][]float32, run func()) func() {
	if !l.Normalize {
		return run
	}
	return func() {
		x.Normalize(vectors[0], vectors[1], vectors[2], vectors[3])
		run()
	}
}

// chooseConv picks the kernels of convolutions and matrix products.
func (c *CPU) chooseConv(o ops.Operator, in, out []ops.Type) (Kernel, error) {
	dev := c.dev
	switch o := o.(type) {
	case ops.Conv2D:
		p := c.convParams(o.Window, o.Groups, in[0].Shape, in[1].Shape, out[0].Shape)
		p.Load, p.Fixed = o.Load, o.Fixed
		if !p.LoadingPays() {
			return nil, fmt.Errorf("kernels: %s %v on the CPU: %w", o.Name(), o, ErrUnsupported)
		}
		x, err := conv.NewForward(dev, p, conv.Epilogue{Bias: o.Bias, Add: o.Add, Activation: o.Activation})
		computing := func(run func(dst, src, weights, bias, residual, workspace []float32)) func(in, out [][]float32, b Buffers) func() {
			return func(in, out [][]float32, b Buffers) func() {
				w := f32(b.Workspace)
				bias, residual := optional(in[2:], o.Bias, o.Add)
				return loading(x, o.Load, in[o.Loaded():], func() { run(out[0], in[0], in[1], bias, residual, w) })
			}
		}
		k, err := bound(c, x, err, computing(x.Run))
		if err != nil || x.FormLen() == 0 {
			return k, err
		}
		first := &cpuKernel{k.Variant(), x.PreparedWorkspaceBytes(), func(in, out [][]float32, b Buffers) func() {
			w := f32(b.Workspace)
			return func() { x.Prepare(out[0], in[0], w) }
		}}
		then := &cpuKernel{k.Variant(), x.PreparedWorkspaceBytes(), computing(x.RunPrepared)}
		return &preparingKernel{k, 1, x.FormLen(), first, then}, nil
	case ops.Conv2DBackwardData:
		x, err := conv.NewBackwardData(dev, c.convParams(o.Window, o.Groups, o.Src, in[1].Shape, in[0].Shape), o.Add)
		return bound(c, x, err, func(in, out [][]float32, b Buffers) func() {
			w := f32(b.Workspace)
			return func() { x.Run(out[0], in[0], in[1], at(in, 2), w) }
		})
	case ops.Conv2DBackwardWeights:
		p := c.convParams(o.Window, o.Groups, in[0].Shape, o.Filter, in[1].Shape)
		p.Load = o.Load
		if !p.LoadingPays() {
			return nil, fmt.Errorf("kernels: %s %v on the CPU: %w", o.Name(), o, ErrUnsupported)
		}
		x, err := conv.NewBackwardWeights(dev, p, o.Bias)
		return bound(c, x, err, func(in, out [][]float32, b Buffers) func() {
			w := f32(b.Workspace)
			return loading(x, o.Load, in[2:], func() { x.Run(out[0], at(out, 1), in[0], in[1], w) })
		})
	case ops.MatMul:
		m, n, k := o.Dims(in[0].Shape, in[1].Shape)
		x, err := gemm.New(dev, gemm.Params{M: m, N: n, K: k, TransA: o.TransA, TransB: o.TransB, Bias: o.Bias, Activation: o.Activation})
		return bound(c, x, err, func(in, out [][]float32, b Buffers) func() {
			w := f32(b.Workspace)
			return func() { x.Run(out[0], in[0], in[1], at(in, 2), w) }
		})
	case ops.BatchMatMul:
		count, m, n, k := o.Dims(in[0].Shape, in[1].Shape)
		x, err := gemm.NewBatch(dev, count, gemm.Params{M: m, N: n, K: k, TransA: o.TransA, TransB: o.TransB})
		return bound(c, x, err, func(in, out [][]float32, b Buffers) func() {
			w := f32(b.Workspace)
			return func() { x.Run(out[0], in[0], in[1], w) }
		})
	}
	return nil, nil
}
