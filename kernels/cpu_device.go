package kernels

import (
	"errors"
	"fmt"
	"unsafe"

	"github.com/meseta-go/meseta/kernels/arrange"
	"github.com/meseta-go/meseta/kernels/conv"
	"github.com/meseta-go/meseta/kernels/cpu"
	"github.com/meseta-go/meseta/kernels/dropout"
	"github.com/meseta-go/meseta/kernels/elementwise"
	"github.com/meseta-go/meseta/kernels/gemm"
	"github.com/meseta-go/meseta/kernels/norm"
	"github.com/meseta-go/meseta/kernels/pool"
	"github.com/meseta-go/meseta/kernels/softmax"
	"github.com/meseta-go/meseta/kernels/update"
	"github.com/meseta-go/meseta/ops"
)

// CPU is the Device that this process runs on.
type CPU struct{ dev *cpu.Device }

// NewCPU starts the workers that c asks for.
func NewCPU(c cpu.Config) (*CPU, error) {
	dev, err := cpu.NewDevice(c)
	if err != nil {
		return nil, err
	}
	return &CPU{dev}, nil
}

// String gives instruction set and number of threads.
func (c *CPU) String() string { return fmt.Sprintf("cpu %v", c.dev.ISA()) }

// ISA is the instruction set whose kernels run.
func (c *CPU) ISA() cpu.ISA { return c.dev.ISA() }

// Threads is the number of workers.
func (c *CPU) Threads() int { return c.dev.Threads() }

// Close stops the workers.
func (c *CPU) Close() error { c.dev.Close(); return nil }

// Sequence runs the steps one after another.
func (c *CPU) Sequence(steps []func()) func() error {
	return func() error {
		for _, step := range steps {
			step()
		}
		return nil
	}
}

// Alloc gives memory of the process.
func (c *CPU) Alloc(bytes int) (Memory, error) {
	m, err := cpu.Alloc(bytes)
	if err != nil {
		return nil, err
	}
	return hostMemory{m}, nil
}

// hostMemory is memory that kernels on the CPU address directly.
type hostMemory struct{ *cpu.Memory }

func (m hostMemory) Write(offset int, src []byte) { copy(m.Bytes()[offset:], src) }
func (m hostMemory) Read(offset int, dst []byte)  { copy(dst, m.Bytes()[offset:]) }

// view gives a buffer as numbers.
func view[T float32 | float64 | int32 | int64](b Buffer) []T {
	if b.Bytes == 0 {
		return nil
	}
	var t T
	first := &b.Memory.(hostMemory).Bytes()[b.Offset : b.Offset+b.Bytes][0]
	return unsafe.Slice((*T)(unsafe.Pointer(first)), b.Bytes/int(unsafe.Sizeof(t)))
}

func f32(b Buffer) []float32 { return view[float32](b) }

// cpuKernel is a kernel of the CPU.
type cpuKernel struct {
	variant   string
	workspace int
	bind      func(in, out [][]float32, b Buffers) func()
}

func (k *cpuKernel) Variant() string     { return k.variant }
func (k *cpuKernel) WorkspaceBytes() int { return k.workspace }

// Bind views the buffers; those that are not float32 the kernel views itself.
func (k *cpuKernel) Bind(b Buffers) func() {
	views := func(bs []Buffer) [][]float32 {
		v := make([][]float32, len(bs))
		for i := range bs {
			v[i] = f32(bs[i])
		}
		return v
	}
	return k.bind(views(b.In), views(b.Out), b)
}

// at gives the element i of a list of views, or nil where an operand is left out.
func at(views [][]float32, i int) []float32 {
	if i < len(views) {
		return views[i]
	}
	return nil
}

// bound makes a Kernel of what a constructor of a family gave. Where x says which variant it is or how much workspace it wants, that
// is taken over.
func bound[X any](c *CPU, x X, err error, bind func(in, out [][]float32, b Buffers) func()) (Kernel, error) {
	if err != nil {
		return nil, err
	}
	k := &cpuKernel{variant: c.dev.ISA().String(), bind: bind}
	if v, ok := any(x).(interface{ Variant() string }); ok {
		k.variant = v.Variant()
	}
	if w, ok := any(x).(interface{ WorkspaceBytes() int }); ok {
		k.workspace = w.WorkspaceBytes()
	}
	return k, nil
}

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

// chooseUpdate picks the kernels of the update phase.
func (c *CPU) chooseUpdate(o ops.Operator, in []ops.Type) (Kernel, error) {
	switch o := o.(type) {
	case ops.Finite:
		losses, err := update.NewFinite(c.dev, in[0].Shape.Size())
		if err != nil {
			return nil, err
		}
		gradients, err := update.NewFinite(c.dev, extent(in[1:]))
		return bound(c, gradients, err, func(in, _ [][]float32, b Buffers) func() {
			flag, all, gaps := view[int32](b.Out[0]), sweep(b.In[1:]), between(b.In[1:])
			return func() {
				flag[0] = 0
				for _, gap := range gaps {
					clear(gap)
				}
				if losses.Run(in[0]) && gradients.Run(all) {
					flag[0] = 1
				}
			}
		})
	case ops.Accumulate:
		return bound(c, o, nil, func(in, _ [][]float32, b Buffers) func() {
			sum, values := view[float64](b.In[0]), in[1]
			apply := []int32{1}
			if o.Gated {
				apply = view[int32](b.In[2])
			}
			return func() {
				if apply[0] == 0 {
					return
				}
				for _, x := range values {
					sum[0] += float64(x)
				}
				sum[1] += float64(len(values))
			}
		})
	case ops.MovingAverage:
		return bound(c, o, nil, func(in, _ [][]float32, b Buffers) func() {
			apply := view[int32](b.In[2])
			return func() {
				if apply[0] != 0 {
					norm.UpdateMoving(in[0], in[1], o.Momentum)
				}
			}
		})
	case ops.Optimize:
		return c.chooseOptimize(o, in)
	}
	return nil, fmt.Errorf("kernels: %s on the CPU: %w", o.Name(), ErrUnsupported)
}

func (c *CPU) chooseOptimize(o ops.Optimize, in []ops.Type) (Kernel, error) {
	n := o.Parameters
	x, err := update.New(c.dev, extent(in[3:3+n]), o.Rule)
	if errors.Is(err, update.ErrRule) {
		return nil, fmt.Errorf("kernels: optimizer %v on the CPU: %w: %w", o.Rule, err, ErrUnsupported)
	}
	return bound(c, x, err, func(in, _ [][]float32, b Buffers) func() {
		rate, iterations, apply := in[0], view[int64](b.In[1]), view[int32](b.In[2])
		part := func(i int) []float32 { return sweep(b.In[3+i*n : 3+(i+1)*n]) }
		a := update.Arrays[float32]{Param: part(0), Grad: part(1)}
		for i := range o.Rule.Slots() {
			a.Slots[i] = part(2 + i)
		}
		return func() {
			if apply[0] != 0 {
				iterations[0]++
				x.Run(a, rate[0], iterations[0])
			}
		}
	})
}

const scattered = "kernels: values that one sweep updates do not lie side by side"

// extent is the number of float32 that values of these types take when they lie side by side, alignment included.
func extent(types []ops.Type) int {
	n := 0
	for _, t := range types {
		n += aligned(t.Bytes())
	}
	return n / 4
}

func aligned(bytes int) int { return (bytes + Alignment - 1) / Alignment * Alignment }

// sweep views buffers that lie side by side, as the planner places weights, gradients and slots, as one array. It takes in
// what lies between them, see between.
func sweep(b []Buffer) []float32 {
	if len(b) == 0 {
		return nil
	}
	end := b[0].Offset
	for _, x := range b {
		if x.Offset != end || x.Memory != b[0].Memory {
			panic(scattered)
		}
		end += aligned(x.Bytes)
	}
	return f32(Buffer{b[0].Memory, b[0].Offset, end - b[0].Offset})
}

// between views what alignment leaves unused behind each of the buffers of a sweep. Of gradients it must be cleared, since the
// arena had other uses before; then what an update does there is 0 - 0.
func between(b []Buffer) [][]float32 {
	var gaps [][]float32
	for _, x := range b {
		if n := aligned(x.Bytes) - x.Bytes; n > 0 {
			gaps = append(gaps, f32(Buffer{x.Memory, x.Offset + x.Bytes, n}))
		}
	}
	return gaps
}
