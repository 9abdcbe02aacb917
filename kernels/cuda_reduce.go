//go:build nvidia && cgo

package kernels

import (
	"fmt"

	"github.com/meseta-go/meseta/gpu"
	"github.com/meseta-go/meseta/kernels/reduce"
	"github.com/meseta-go/meseta/kernels/vec"
	"github.com/meseta-go/meseta/ops"
)

// cudaBinary is Binary of elementwise/binary.cu.
type cudaBinary struct {
	dst, a, b gpu.Pointer
	walk      cudaWalk
}

// binary is a function of two inputs that are broadcast against each other.
func (c *CUDA) binary(f ops.BinaryFunc, a, b, dst ops.Shape) (Kernel, error) {
	w, err := vec.NewWalk(f.String(), dst, vec.BroadcastStrides(a, dst), vec.BroadcastStrides(b, dst))
	if err != nil {
		return nil, err
	}
	walk := fields(&w, true)
	return single(c, "elementwise/binary", "binary_"+f.String(), spread(int(walk.steps)), func(b Buffers) cudaBinary {
		return cudaBinary{address(b.Out[0]), address(b.In[0]), address(b.In[1]), walk}
	})
}

// cudaReduce is Reduce of reduce/reduce.cu.
type cudaReduce struct {
	dst, partial, src    gpu.Pointer
	results, reads, each int64
	parts, lanes         int32
	columns, mean        int32
	kept, over           cudaWalk
}

// cudaArgMax is ArgMax of reduce/reduce.cu.
type cudaArgMax struct {
	dst, src      gpu.Pointer
	rows, columns int64
}

const reduceFile = "reduce/reduce"

// chooseReduce picks the kernels of what makes one number of many.
func (c *CUDA) chooseReduce(o ops.Operator, in, _ []ops.Type) (Kernel, error) {
	switch o := o.(type) {
	case ops.Reduce:
		over, err := o.Over(in[0].Shape)
		if err != nil {
			return nil, err
		}
		return c.reduce(o.Func, in[0].Shape, over)
	case ops.SumTo:
		return c.reduce(ops.Sum, in[0].Shape, o.Over(in[0].Shape))
	case ops.ArgMax:
		s := in[0].Shape
		columns := s[len(s)-1]
		rows := s.Size() / columns
		return single(c, reduceFile, "arg_max", spread(32*rows), func(b Buffers) cudaArgMax {
			return cudaArgMax{address(b.Out[0]), address(b.In[0]), int64(rows), int64(columns)}
		})
	}
	return nil, nil
}

// reduce makes results of the numbers along the dimensions that go. Threads that read side by side are lanes of a result or, where a row
// of results is one of src, results. Where results are few, more threads share one, and then more blocks, each with a part.
func (c *CUDA) reduce(f ops.ReduceFunc, s ops.Shape, gone []bool) (Kernel, error) {
	const leastReads = 8 // of a thread, if there are more for it
	kept, over, err := reduce.Walks(f, s, gone)
	if err != nil {
		return nil, err
	}
	r := cudaReduce{kept: fields(&kept, false), over: fields(&over, false), lanes: 1}
	r.results, r.reads = r.kept.steps, r.over.steps
	results, reads := int(r.results), int(r.reads)
	blocks := func() int { return (results*int(r.lanes) + blockThreads - 1) / blockThreads }
	most := 32 // lanes that find something to read
	if over.Step(0) != 1 {
		r.columns, most = 1, blockThreads
		for side := 1; side < 32 && side < kept.Width(); side *= 2 {
			most /= 2
		}
	}
	for int(r.lanes) < min(most, reads) {
		r.lanes *= 2
	}
	for r.columns == 0 && r.lanes < blockThreads && blocks() < enoughBlocks && reads >= 2*leastReads*int(r.lanes) {
		r.lanes *= 2
	}
	parts := max(1, min((enoughBlocks+blocks()-1)/blocks(), reads/(leastReads*int(r.lanes))))
	r.each = int64((reads + parts - 1) / parts)
	r.parts = int32((reads + int(r.each) - 1) / int(r.each))
	name := "reduce_" + f.String()
	if f == ops.Mean {
		name, r.mean = "reduce_sum", 1
	}
	first, err := find[cudaReduce](c, reduceFile, name)
	if err != nil {
		return nil, err
	}
	total, err := find[cudaReduce](c, reduceFile, name+"_total")
	if err != nil {
		return nil, err
	}
	k := &cudaKernel{device: c, variant: name}
	if r.parts > 1 {
		k.variant = fmt.Sprintf("%s in %d parts", name, r.parts)
		k.workspace = 8 * int(r.parts) * results
	}
	k.bind = func(b Buffers) []launch {
		r := r
		r.dst, r.partial, r.src = address(b.Out[0]), address(b.Workspace), address(b.In[0])
		list := []launch{start(first, blocks(), int(r.parts), r)}
		if r.parts > 1 {
			list = append(list, start(total, spread(results), 1, r))
		}
		return list
	}
	return k, nil
}
