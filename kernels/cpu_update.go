package kernels

import (
	"errors"
	"fmt"

	"github.com/meseta-go/meseta/kernels/norm"
	"github.com/meseta-go/meseta/kernels/update"
	"github.com/meseta-go/meseta/ops"
)

// chooseUpdate picks the kernels of the update phase.
func (c *CPU) chooseUpdate(o ops.Operator, in, _ []ops.Type) (Kernel, error) {
	switch o := o.(type) {
	case ops.Finite:
		losses, err := update.NewFinite(c.dev, in[1].Shape.Size())
		if err != nil {
			return nil, err
		}
		gradients, err := update.NewFinite(c.dev, extent(in[2:]))
		return bound(c, gradients, err, func(in, _ [][]float32, b Buffers) func() {
			flag, all, gaps := view[int32](b.In[0]), sweep(b.In[2:]), between(b.In[2:])
			return func() {
				for _, gap := range gaps {
					clear(gap)
				}
				if !losses.Run(in[1]) || !gradients.Run(all) {
					flag[0] = 0
				}
			}
		})
	case ops.AccumulateGradients:
		n := (len(in) - 2) / 2
		x, err := update.NewAccumulator(c.dev, extent(in[2:2+n]), o.Every)
		return bound(c, x, err, func(_, _ [][]float32, b Buffers) func() {
			iterations, apply, ready := view[int64](b.In[0]), view[int32](b.In[1]), view[int32](b.Out[0])
			grad, sums := sweep(b.In[2:2+n]), sweep(b.In[2+n:])
			return func() {
				ready[0] = 0
				if apply[0] == 0 {
					return
				}
				if iterations[0]++; iterations[0]%int64(o.Every) != 0 {
					x.Add(grad, sums)
					return
				}
				x.Finish(grad, sums)
				ready[0] = 1
			}
		})
	case ops.ClipGradients:
		x, err := update.NewClip(c.dev, arrays(in[1:]), o)
		return bound(c, x, err, func(_, _ [][]float32, b Buffers) func() {
			grad := sweep(b.In[1:])
			return gated(b.In[0], func() { x.Run(grad) })
		})
	case ops.AverageWeights:
		n := (len(in) - 2) / 2
		x, err := update.NewAverages(c.dev, extent(in[2:2+n]), o)
		return bound(c, x, err, func(_, _ [][]float32, b Buffers) func() {
			iterations, param, averages := view[int64](b.In[0]), sweep(b.In[2:2+n]), sweep(b.In[2+n:])
			return gated(b.In[1], func() { x.Run(param, averages, iterations[0]) })
		})
	case ops.Penalties:
		x, err := update.NewPenalties(c.dev, shapes(in), o)
		return bound(c, x, err, func(in, out [][]float32, _ Buffers) func() {
			return func() { out[0][0] = x.Run(in) }
		})
	case ops.Penalize:
		return bound(c, o, nil, func(in, out [][]float32, _ Buffers) func() {
			losses, total, dst := in[0], in[1], out[0]
			return func() {
				for i, x := range losses {
					dst[i] = x + total[0]
				}
			}
		})
	case ops.Regularize:
		n := len(in) / 2
		x, err := update.NewRegularize(c.dev, shapes(in[:n]), o)
		return bound(c, x, err, func(in, _ [][]float32, _ Buffers) func() {
			return func() { x.Run(in[:n], in[n:]) }
		})
	case ops.NonNegative:
		x, err := update.NewNonNegative(c.dev, in[0].Shape.Size())
		return bound(c, x, err, func(in, _ [][]float32, b Buffers) func() {
			return gated(b.In[1], func() { x.Run(in[0]) })
		})
	case ops.ConstrainNorm:
		x, err := update.NewConstrainNorm(c.dev, in[0].Shape, o)
		return bound(c, x, err, func(in, _ [][]float32, b Buffers) func() {
			return gated(b.In[1], func() { x.Run(in[0]) })
		})
	case ops.MovingAverage:
		n := len(in) / 2
		return bound(c, o, nil, func(in, _ [][]float32, b Buffers) func() {
			return gated(b.In[2*n], func() {
				for i, moving := range in[:n] {
					norm.UpdateMoving(moving, in[n+i], o.Momentum)
				}
			})
		})
	case ops.Optimize:
		return c.chooseOptimize(o, in)
	}
	return nil, nil
}

func (c *CPU) chooseOptimize(o ops.Optimize, in []ops.Type) (Kernel, error) {
	n := o.Parameters
	if rule, ok := o.Rule.(ops.LayeredRule); ok {
		x, err := update.NewLayered(c.dev, arrays(in[3:3+n]), rule)
		return bound(c, x, err, func(in, _ [][]float32, b Buffers) func() {
			w := f32(b.Workspace)
			return optimize(o, in, b, func(a update.Arrays[float32], rate float32, step int64) { x.Run(a, rate, step, w) })
		})
	}
	x, err := update.New(c.dev, extent(in[3:3+n]), o.Rule)
	if errors.Is(err, update.ErrRule) {
		return nil, fmt.Errorf("kernels: optimizer %v on the CPU: %w: %w", o.Rule, err, ErrUnsupported)
	}
	return bound(c, x, err, func(in, _ [][]float32, b Buffers) func() { return optimize(o, in, b, x.Run) })
}

// optimize binds what an Optimize is, apart from the rule.
func optimize(o ops.Optimize, in [][]float32, b Buffers, run func(a update.Arrays[float32], rate float32, step int64)) func() {
	n, every, factor := o.Parameters, int64(max(o.Every, 1)), o.RateFactor
	if factor == 0 {
		factor = 1
	}
	rate, iterations := in[0], view[int64](b.In[1])
	part := func(i int) []float32 { return sweep(b.In[3+i*n : 3+(i+1)*n]) }
	a := update.Arrays[float32]{Param: part(0), Grad: part(1)}
	for i := range o.Rule.Slots() {
		a.Slots[i] = part(2 + i)
	}
	return gated(b.In[2], func() {
		if !o.Counted {
			iterations[0]++
		}
		run(a, rate[0]*factor, iterations[0]/every)
	})
}

// gated runs what changes states only where the step is to be applied.
func gated(apply Buffer, run func()) func() {
	flag := view[int32](apply)
	return func() {
		if flag[0] != 0 {
			run()
		}
	}
}

const scattered = "kernels: values that one sweep updates do not lie side by side"

// arrays are values of these types in the sweep over them.
func arrays(types []ops.Type) []update.Array {
	list := make([]update.Array, len(types))
	for i, t := range types {
		list[i] = update.Array{Start: extent(types[:i]), Shape: t.Shape}
	}
	return list
}

func shapes(types []ops.Type) []ops.Shape {
	list := make([]ops.Shape, len(types))
	for i, t := range types {
		list[i] = t.Shape
	}
	return list
}

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
