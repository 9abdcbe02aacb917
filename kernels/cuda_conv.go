//go:build nvidia && cgo

package kernels

import (
	"fmt"
	"math"

	"github.com/meseta-go/meseta/gpu"
	"github.com/meseta-go/meseta/ops"
)

// cudaConvolution is Conv of conv/conv.cuh.
type cudaConvolution struct {
	cudaResult
	src, weights, diff                                              gpu.Pointer
	n, h, w, c, r, s, k, p, q                                       int32
	strideH, strideW, dilationH, dilationW, padTop, padLeft, groups int32
	window                                                          cudaWindow
	aheadP, aheadQ, ahead, nextRow, nextImage                       int32
	load                                                            int32
	mean, invStd, gamma, beta                                       gpu.Pointer
	passages                                                        gpu.Pointer
}

// cudaWindow is Window of conv/conv.cuh.
type cudaWindow struct{ columns, channels, y, x, backX, next, back int32 }

// newWindow has pixels that lie line and column apart in memory.
func newWindow(columns, channels, y, x, line, column int32) cudaWindow {
	return cudaWindow{columns, channels, y, x, (1 - columns) * x, column - channels, line - (columns-1)*column - channels}
}

// cudaPhase is Phase of conv/conv.cuh.
type cudaPhase struct{ first, count, tap, taps, by, offset, apart int32 }

// newPhase is number `phase` of `stride` in the data pass.
func newPhase(phase, size, filter, stride, dilation, pad int32) (p cudaPhase) {
	p.first = ((phase-pad)%stride + stride) % stride
	p.count = (size - p.first + stride - 1) / stride
	for p.tap < filter && (phase-p.tap*dilation)%stride != 0 {
		p.tap++
	}
	for p.by = 1; p.by*dilation%stride != 0; p.by++ {
	}
	p.taps = (filter - p.tap + p.by - 1) / p.by
	p.offset = (p.first + pad - p.tap*dilation) / stride
	p.apart = p.by * dilation / stride
	return p
}

// cudaPassage is Passage of conv/conv.cuh.
type cudaPassage struct {
	y, x          cudaPhase
	diff, weights cudaWindow
}

// ofData gives the phases of the data pass, those of columns side by side.
func (v *cudaConvolution) ofData() (list []cudaPassage) {
	c, k := v.c/v.groups, v.k/v.groups
	for row := range v.strideH {
		for column := range v.strideW {
			p := cudaPassage{
				y: newPhase(row, v.h, v.r, v.strideH, v.dilationH, v.padTop), x: newPhase(column, v.w, v.s, v.strideW, v.dilationW, v.padLeft),
			}
			columns := max(p.x.taps, 1)
			p.diff = newWindow(columns, k, -p.y.apart, -p.x.apart, -p.y.apart*v.q*v.k, -p.x.apart*v.k)
			p.weights = newWindow(columns, k, 0, 0, p.y.by*v.s*c*v.k, p.x.by*c*v.k)
			list = append(list, p)
		}
	}
	return list
}

// newConvolution fills in all but addresses.
func newConvolution(o ops.Operator, w ops.Window, g ops.Groups, l ops.Load, src, filter, dst ops.Shape) (v cudaConvolution, err error) {
	at := func(s ops.Shape, i int) int32 { return int32(s[i]) }
	v = cudaConvolution{
		n: at(src, 0), h: at(src, 1), w: at(src, 2), c: at(src, 3), r: at(filter, 0), s: at(filter, 1), k: at(filter, 3), p: at(dst, 1), q: at(dst, 2),
		strideH: int32(w.Strides[0]), strideW: int32(w.Strides[1]), dilationH: int32(w.Dilation[0]), dilationW: int32(w.Dilation[1]),
		padTop: int32(w.PadBefore[0]), padLeft: int32(w.PadBefore[1]), groups: int32(g.Count()), load: int32(l.Activation),
	}
	// Kernels count elements of images, and of what the filter hangs over, in 32 bits.
	rows, columns := src[1]+filter[0]*w.Dilation[0]+dst[1]*w.Strides[0], src[2]+filter[1]*w.Dilation[1]+dst[2]*w.Strides[1]
	images := 1 + tileDepth/(dst[1]*dst[2])
	if largest := float64(images) * float64(rows) * float64(columns) * float64(max(src[3], filter[3])); largest > math.MaxInt32 || filter.Size() > math.MaxInt32 {
		return v, fmt.Errorf("kernels: %s of %v and %v on a GPU, which counts an image's elements in 32 bits: %w", o.Name(), src, filter, ErrUnsupported)
	}
	if l.Normalize && !v.loadingPays() {
		return v, fmt.Errorf("kernels: %s %v on a GPU, where a batch norm before is faster: %w", o.Name(), o, ErrUnsupported)
	}
	column, line := v.dilationW*v.c, v.dilationH*v.w*v.c
	channels := v.c / v.groups
	v.window = newWindow(v.s, channels, v.dilationH, v.dilationW, line, column)
	v.aheadP, v.aheadQ = tileDepth/v.q%v.p, tileDepth%v.q
	pixel, row, image := v.strideW*v.c, v.strideH*v.w*v.c, v.h*v.w*v.c
	v.ahead = tileDepth/v.q/v.p*image + v.aheadP*row + v.aheadQ*pixel
	v.nextRow, v.nextImage = row-v.q*pixel, image-v.p*row
	return v, nil
}

// normalized has src loaded as l says; vectors begins with what l wants.
func (v *cudaConvolution) normalized(l ops.Load, vectors []Buffer) {
	if l.Normalize {
		v.mean, v.invStd, v.gamma, v.beta = address(vectors[0]), address(vectors[1]), address(vectors[2]), address(vectors[3])
	}
}

// loadingPays says whether to normalise what is loaded is faster than a pass before, which reads and writes each element once. Here it is done for each
// element of the filter that meets it and for each tile of channels of dst, in the forward pass and in that of weights, by some 14 instructions. A GPU that
// reads and writes 3.3·10¹² bytes a second and does 29·10¹² instructions has done them five times meanwhile: filters of one pixel gain, and larger ones lose.
func (v *cudaConvolution) loadingPays() bool {
	const times, channels = 5, 128
	return v.groups == 1 && 2*v.r*v.s*((v.k+channels-1)/channels) <= times*v.strideH*v.strideW
}

// depthwise is whether each channel of src is a group of its own.
func (v *cudaConvolution) depthwise() bool { return v.groups > 1 && v.groups == v.c }

// pointwise is whether pixels are multiplied by a matrix.
func (v *cudaConvolution) pointwise(l ops.Load) bool {
	return v.r == 1 && v.s == 1 && v.strideH == 1 && v.strideW == 1 && v.padTop == 0 && v.padLeft == 0 && v.h == v.p && v.w == v.q && v.groups == 1 && !l.Normalize
}

// among are the tiles that suit the channels.
func (v *cudaConvolution) among() []productTile {
	if v.c/v.groups%4 != 0 || v.k/v.groups%4 != 0 {
		return singleTiles
	}
	return tiles
}

// chooseConv picks the kernels of convolutions and matrix products.
func (c *CUDA) chooseConv(o ops.Operator, in, out []ops.Type) (Kernel, error) {
	switch o := o.(type) {
	case ops.Conv2D:
		return c.convForward(o, in, out)
	case ops.Conv2DBackwardData:
		return c.convData(o, in)
	case ops.Conv2DBackwardWeights:
		weights, err := c.convWeights(o, in)
		if err != nil || !o.Bias {
			return weights, err
		}
		dst := in[1].Shape
		bias, err := c.columnSum(dst.Size()/dst[3], dst[3])
		if err != nil {
			return nil, err
		}
		return c.both(weights, bias, func(b Buffers) Buffers { return Buffers{In: b.In[1:2], Out: b.Out[1:]} }), nil
	case ops.MatMul:
		m, n, k := o.Dims(in[0].Shape, in[1].Shape)
		return c.gemm(1, m, n, k, o.TransA, o.TransB, o.Activation, func(b Buffers) operands {
			return operands{dst: address(b.Out[0]), a: address(b.In[0]), b: address(b.In[1]), bias: addressAt(b.In, 2)}
		})
	case ops.BatchMatMul:
		count, m, n, k := o.Dims(in[0].Shape, in[1].Shape)
		return c.gemm(count, m, n, k, o.TransA, o.TransB, ops.Linear, func(b Buffers) operands {
			return operands{dst: address(b.Out[0]), a: address(b.In[0]), b: address(b.In[1])}
		})
	}
	return nil, nil
}

func (c *CUDA) convForward(o ops.Conv2D, in, out []ops.Type) (Kernel, error) {
	v, err := newConvolution(o, o.Window, o.Groups, o.Load, in[0].Shape, in[1].Shape, out[0].Shape)
	if err != nil {
		return nil, err
	}
	pick := func(b Buffers) operands {
		x := operands{dst: address(b.Out[0]), a: address(b.In[0]), b: address(b.In[1])}
		if o.Bias {
			x.bias = address(b.In[2])
		}
		if o.Add {
			x.add = address(b.In[o.Loaded()-1])
		}
		return x
	}
	pixels, channels := int(v.n)*int(v.p)*int(v.q), int(v.c/v.groups)
	if v.pointwise(o.Load) {
		return c.gemm(1, pixels, int(v.k), channels, false, false, o.Activation, pick)
	}
	bind := func(b Buffers, r cudaResult) cudaConvolution {
		v, x := v, pick(b)
		v.cudaResult = r
		v.bias, v.add, v.biasStep, v.activation = x.bias, x.add, int64(v.k/v.groups), int32(o.Activation)
		v.src, v.weights = x.a, x.b
		v.normalized(o.Load, b.In[o.Loaded():])
		return v
	}
	if v.depthwise() {
		return c.depthwiseForward(v, bind)
	}
	p, err := newProduct(product{groups: int(v.groups), m: pixels, n: int(v.k / v.groups), k: int(v.r*v.s) * channels}, v.among())
	if err != nil {
		return nil, err
	}
	return c.convolve(p, "conv_forward", int(v.k), bind)
}

func (c *CUDA) convData(o ops.Conv2DBackwardData, in []ops.Type) (Kernel, error) {
	v, err := newConvolution(o, o.Window, o.Groups, ops.Load{}, o.Src, in[1].Shape, in[0].Shape)
	if err != nil {
		return nil, err
	}
	pick := func(b Buffers) operands {
		return operands{dst: address(b.Out[0]), a: address(b.In[0]), b: address(b.In[1]), add: addressAt(b.In, 2)}
	}
	if v.pointwise(ops.Load{}) {
		return c.gemm(1, int(v.n)*int(v.h)*int(v.w), int(v.c), int(v.k), false, true, ops.Linear, pick)
	}
	bind := func(b Buffers, r cudaResult) cudaConvolution {
		v, x := v, pick(b)
		v.cudaResult = r
		v.add, v.diff, v.weights, v.passages = x.add, x.a, x.b, table(c, v.ofData())
		return v
	}
	if v.depthwise() {
		return c.depthwiseData(v, bind)
	}
	p, err := newProduct(product{
		groups: int(v.groups), m: int(v.n) * int(v.h) * int(v.w), n: int(v.c / v.groups), k: int(v.r * v.s * v.k / v.groups), phases: int(v.strideH * v.strideW),
		rows: int(v.n) * int((v.h+v.strideH-1)/v.strideH) * int((v.w+v.strideW-1)/v.strideW),
	}, v.among())
	if err != nil {
		return nil, err
	}
	return c.convolve(p, "conv_data", int(v.c), bind)
}

func (c *CUDA) convWeights(o ops.Conv2DBackwardWeights, in []ops.Type) (Kernel, error) {
	v, err := newConvolution(o, o.Window, o.Groups, o.Load, in[0].Shape, o.Filter, in[1].Shape)
	if err != nil {
		return nil, err
	}
	pixels := int(v.n) * int(v.p) * int(v.q)
	if v.pointwise(o.Load) {
		return c.gemm(1, int(v.c), int(v.k), pixels, true, false, ops.Linear, func(b Buffers) operands {
			return operands{dst: address(b.Out[0]), a: address(b.In[0]), b: address(b.In[1])}
		})
	}
	bind := func(b Buffers, r cudaResult) cudaConvolution {
		v := v
		v.cudaResult = r
		v.src, v.diff = address(b.In[0]), address(b.In[1])
		v.normalized(o.Load, b.In[2:])
		return v
	}
	if v.depthwise() {
		return c.depthwiseWeights(v, bind)
	}
	p, err := newProduct(product{groups: int(v.groups), m: int(v.r * v.s * v.c / v.groups), n: int(v.k / v.groups), k: pixels}, v.among())
	if err != nil {
		return nil, err
	}
	return c.convolve(p, "conv_weights", int(v.k), bind)
}

// convolve makes a kernel of a pass as a product of matrices, whose results have ld channels; bind fills in the parameters.
func (c *CUDA) convolve(p product, name string, ld int, bind func(b Buffers, r cudaResult) cudaConvolution) (Kernel, error) {
	return chooseProduct(c, p, "conv/conv2d", name, func(b Buffers) (cudaConvolution, cudaResult) {
		v := bind(b, p.result(address(b.Out[0]), address(b.Workspace), ld, p.n))
		return v, v.cudaResult
	})
}
