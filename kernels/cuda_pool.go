//go:build nvidia && cgo

package kernels

import (
	"fmt"
	"math"

	"github.com/meseta-go/meseta/gpu"
	"github.com/meseta-go/meseta/kernels/pool"
	"github.com/meseta-go/meseta/ops"
)

// cudaPooling is Pool of pool/pool.cu.
type cudaPooling struct {
	to, src, dst, diff                gpu.Pointer
	n, h, w, c, r, s, p, q            int32
	strideH, strideW, padTop, padLeft int32
}

func pooled(p pool.Params) cudaPooling {
	return cudaPooling{
		n: int32(p.N), h: int32(p.H), w: int32(p.W), c: int32(p.C), r: int32(p.R), s: int32(p.S), p: int32(p.P), q: int32(p.Q),
		strideH: int32(p.StrideH), strideW: int32(p.StrideW), padTop: int32(p.PadTop), padLeft: int32(p.PadLeft),
	}
}

// choosePool picks the kernels of poolings.
func (c *CUDA) choosePool(o ops.Operator, in, out []ops.Type) (Kernel, error) {
	// fill has threads of so many neighbouring channels each.
	fill := func(name string, each int, p cudaPooling, operands func(p *cudaPooling, in []Buffer)) (Kernel, error) {
		threads := out[0].Shape.Size() / each
		if pixels := max(int(p.n)*int(p.h)*int(p.w), int(p.n)*int(p.p)*int(p.q)); max(threads, pixels) > math.MaxInt32 {
			return nil, fmt.Errorf("kernels: %s of %d pixels for %d threads on a GPU, which counts them in 32 bits: %w; take a smaller batch", o.Name(), pixels, threads, ErrUnsupported)
		}
		return single(c, "pool/pool", name, spread(threads), func(b Buffers) cudaPooling {
			p := p
			p.to = address(b.Out[0])
			operands(&p, b.In)
			return p
		})
	}
	vectors := func(name string, p cudaPooling, operands func(p *cudaPooling, in []Buffer)) (Kernel, error) {
		if p.c%4 == 0 {
			return fill(name+"_4", 4, p, operands)
		}
		return fill(name+"_1", 1, p, operands)
	}
	src := func(p *cudaPooling, in []Buffer) { p.src = address(in[0]) }
	diff := func(p *cudaPooling, in []Buffer) { p.diff = address(in[0]) }
	global := func(s ops.Shape) cudaPooling {
		return cudaPooling{n: int32(s[0]), h: int32(s[1]), w: int32(s[2]), c: int32(s[3])}
	}
	switch o := o.(type) {
	case ops.MaxPool:
		return vectors("max_forward", pooled(poolParams(o, in[0].Shape, out[0].Shape)), src)
	case ops.MaxPoolBackward:
		return vectors("max_backward", pooled(poolParams(ops.MaxPool(o), out[0].Shape, in[0].Shape)), func(p *cudaPooling, in []Buffer) {
			p.diff, p.src, p.dst = address(in[0]), address(in[1]), address(in[2])
		})
	case ops.AveragePool:
		return vectors("average_forward", pooled(poolParams(ops.MaxPool(o), in[0].Shape, out[0].Shape)), src)
	case ops.AveragePoolBackward:
		return vectors("average_backward", pooled(poolParams(ops.MaxPool{Window: o.Window, Size: o.Size}, o.Src, in[0].Shape)), diff)
	case ops.GlobalAveragePool:
		return fill("global_average_forward", 1, global(in[0].Shape), src)
	case ops.GlobalAveragePoolBackward:
		return vectors("global_average_backward", global(o.Src), diff)
	}
	return nil, nil
}
