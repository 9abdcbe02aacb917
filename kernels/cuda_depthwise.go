//go:build nvidia && cgo

package kernels

import (
	"fmt"
	"math"
)

// depthwiseStrip is strip of conv/depthwise.cu, and depthwisePiece the side of the pieces of the filter there.
const (
	depthwiseStrip = 4
	depthwisePiece = 3
)

// variant gives a kernel's name, and how many channels a thread of it has.
func (v *cudaConvolution) variant(name string) (string, int) {
	if v.k != v.c || v.c%4 != 0 {
		return name + "_singly", 1
	}
	return name, 4
}

// depthwiseForward picks the kernel of the forward pass; bind fills in its parameters.
func (c *CUDA) depthwiseForward(v cudaConvolution, bind func(b Buffers, r cudaResult) cudaConvolution) (Kernel, error) {
	name, wide := v.variant("depthwise_forward")
	if wide > 1 && v.s == 3 && v.dilationW == 1 && v.strideW <= 2 {
		name = fmt.Sprintf("%s_3_%d", name, v.strideW)
	}
	return c.depthwise(name, [4]int{int(v.n), int(v.p), int(v.q), int(v.k) / wide}, int(v.k), 1, bind)
}

// depthwiseData picks the kernel of the data pass.
func (c *CUDA) depthwiseData(v cudaConvolution, bind func(b Buffers, r cudaResult) cudaConvolution) (Kernel, error) {
	name, wide := v.variant("depthwise_data")
	if wide > 1 && v.s == 3 && v.dilationW == 1 && v.strideW == 1 {
		name += "_3_1"
	}
	rows, columns := (v.h+v.strideH-1)/v.strideH, (v.w+v.strideW-1)/v.strideW
	return c.depthwise(name, [4]int{int(v.n), int(rows), int(columns), int(v.c) / wide}, int(v.c), int(v.strideH*v.strideW), bind)
}

// depthwise makes a kernel that writes images, rows, columns and channels, in phases, where each thread has a strip of a row.
func (c *CUDA) depthwise(name string, size [4]int, ld, phases int, bind func(b Buffers, r cudaResult) cudaConvolution) (Kernel, error) {
	threads := size[0] * size[1] * ((size[2] + depthwiseStrip - 1) / depthwiseStrip) * size[3]
	if pixels := size[0] * size[1] * size[2] * phases; max(threads, pixels) > math.MaxInt32-blockThreads || phases > mostBlocks {
		return nil, fmt.Errorf("kernels: %s of %v in %d phases on a GPU: %w; take a smaller batch", name, size, phases, ErrUnsupported)
	}
	k, err := find[cudaConvolution](c, "conv/depthwise", name)
	if err != nil {
		return nil, err
	}
	return &cudaKernel{device: c, variant: name, bind: func(b Buffers) []launch {
		v := bind(b, cudaResult{dst: address(b.Out[0]), ld: int32(ld), n: int32(ld), parts: 1})
		return []launch{startGrid(k, (threads+blockThreads-1)/blockThreads, 1, phases, v)}
	}}, nil
}

// depthwiseWeights picks the kernel of the weights' gradient, whose sums are cut into parts by rows of dst.
func (c *CUDA) depthwiseWeights(v cudaConvolution, bind func(b Buffers, r cudaResult) cudaConvolution) (Kernel, error) {
	name, wide := v.variant("depthwise_weights")
	k, err := find[cudaConvolution](c, "conv/depthwise", name)
	if err != nil {
		return nil, err
	}
	lanes := 1
	for lanes < 32 && lanes*wide < int(v.k) {
		lanes *= 2
	}
	pieces := func(filter int32) int { return (int(filter) + depthwisePiece - 1) / depthwisePiece }
	blocks := (int(v.k) + lanes*wide - 1) / (lanes * wide) * pieces(v.r) * pieces(v.s)
	taps, channels := int(v.r*v.s), int(v.k)
	parts := max(1, min((2*enoughBlocks+blocks-1)/blocks, int(v.n*v.p)/(blockThreads/lanes)))
	return summed(c, name, 1, parts, taps*channels, func(b Buffers) (launch, cudaResult) {
		v := bind(b, cudaResult{
			dst: address(b.Out[0]), sums: address(b.Workspace), m: int32(taps), n: int32(channels), ld: int32(channels), parts: int32(parts),
		})
		return startGrid(k, blocks, parts, 1, v), v.cudaResult
	})
}
