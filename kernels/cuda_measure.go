//go:build nvidia && cgo

package kernels

import (
	"fmt"

	"github.com/meseta-go/meseta/gpu"
	"github.com/meseta-go/meseta/kernels/measure"
	"github.com/meseta-go/meseta/ops"
)

const measureFile = "measure/measure"

// cudaRunning is Running of measure/measure.cu.
type cudaRunning struct {
	weights, apply gpu.Pointer
	n              int64
	mean           [128]struct{ sum, values gpu.Pointer }
}

// cudaTopK is TopK of measure/measure.cu.
type cudaTopK struct {
	dst, scores, labels gpu.Pointer
	rows                int64
	classes, k          int32
}

// cudaCounts is Counts of measure/measure.cu.
type cudaCounts struct {
	sums, partial, weights, apply gpu.Pointer
	samples, each                 int64
	bins, half, parts, _          int32
}

// cudaTally is Tally of measure/measure.cu.
type cudaTally struct {
	counts                        cudaCounts
	scores, targets, thresholds   gpu.Pointer
	buckets, columns, width, soft int32
}

// cudaConfuse is Confuse of measure/measure.cu.
type cudaConfuse struct {
	counts            cudaCounts
	predicted, labels gpu.Pointer
	classes, _        int32
}

// chooseMeasure picks the kernels of metrics.
func (c *CUDA) chooseMeasure(o ops.Operator, in, _ []ops.Type) (Kernel, error) {
	switch o := o.(type) {
	case ops.InTopK:
		rows, classes := in[0].Shape[0], in[0].Shape[1]
		return single(c, measureFile, "in_top_k", spread(32*rows), func(b Buffers) cudaTopK {
			return cudaTopK{address(b.Out[0]), address(b.In[0]), address(b.In[1]), int64(rows), int32(classes), int32(min(o.K, classes))}
		})
	case ops.Tally:
		s := in[1].Shape
		t := cudaTally{buckets: int32(len(o.Thresholds) + 1), columns: int32(s[len(s)-1]), width: int32(in[0].Shape[2])}
		if o.Soft {
			t.soft = 1
		}
		return counter(c, "tally", in, 2, o.Sample, func(b Buffers, counts cudaCounts) cudaTally {
			t := t
			t.counts, t.scores, t.targets, t.thresholds = counts, address(b.In[1]), address(b.In[2]), table(c, o.Thresholds)
			return t
		})
	case ops.Confuse:
		classes := int32(in[0].Shape[0])
		return counter(c, "confuse", in, 1, o.Sample, func(b Buffers, counts cudaCounts) cudaConfuse {
			return cudaConfuse{counts: counts, predicted: address(b.In[1]), labels: address(b.In[2]), classes: classes}
		})
	case ops.Accumulate:
		return c.accumulate(o, in)
	}
	return nil, nil
}

// accumulate is one launch for up to 128 means.
func (c *CUDA) accumulate(o ops.Accumulate, in []ops.Type) (Kernel, error) {
	k, err := find[cudaRunning](c, measureFile, "accumulate")
	if err != nil {
		return nil, err
	}
	n := o.Means(len(in))
	return &cudaKernel{device: c, variant: "accumulate", bind: func(b Buffers) (list []launch) {
		r := cudaRunning{n: int64(in[n].Shape.Size())}
		r.weights, r.apply = sampleAddresses(o.Sample, b.In[2*n:])
		for from := 0; from < n; from += len(r.mean) {
			count := min(n-from, len(r.mean))
			for i := range count {
				r.mean[i].sum, r.mean[i].values = address(b.In[from+i]), address(b.In[n+from+i])
			}
			list = append(list, start(k, count, 1, r))
		}
		return list
	}}, nil
}

// sampleAddresses are those of the operands that an ops.Sample speaks of, as sample gives them.
func sampleAddresses(o ops.Sample, b []Buffer) (weights, apply gpu.Pointer) {
	if o.Weighted {
		weights = address(b[0])
	}
	if o.Gated {
		apply = address(b[len(b)-1])
	}
	return weights, apply
}

// counter counts the elements of samples in as many bins as in[0] has, in the parts that the CPU counts in. Each element adds to as many of them.
func counter[P any](c *CUDA, name string, in []ops.Type, adds int, o ops.Sample, bind func(b Buffers, counts cudaCounts) P) (Kernel, error) {
	count, err := find[P](c, measureFile, name)
	if err != nil {
		return nil, err
	}
	total, err := find[cudaCounts](c, measureFile, "count_total")
	if err != nil {
		return nil, err
	}
	bins, n := in[0].Shape.Size(), in[1].Shape[0]
	each := in[1].Shape.Size() / n
	parts := measure.Tasks(n, each)
	k := &cudaKernel{device: c, variant: name}
	if parts > 1 {
		k.variant, k.workspace = fmt.Sprintf("%s in %d parts", name, parts), 8*parts*bins
	}
	k.bind = func(b Buffers) []launch {
		counts := cudaCounts{sums: address(b.In[0]), partial: address(b.Workspace), samples: int64(n), each: int64(each), bins: int32(bins), half: int32(bins / adds), parts: int32(parts)}
		counts.weights, counts.apply = sampleAddresses(o, b.In[3:])
		list := []launch{start(count, (bins+blockThreads-1)/blockThreads, parts, bind(b, counts))}
		if parts > 1 {
			list = append(list, start(total, spread(bins), 1, counts))
		}
		return list
	}
	return k, nil
}
