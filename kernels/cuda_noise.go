//go:build nvidia && cgo

package kernels

import (
	"math"

	"github.com/meseta-go/meseta/gpu"
	"github.com/meseta-go/meseta/kernels/dropout"
	"github.com/meseta-go/meseta/ops"
	numbers "github.com/meseta-go/meseta/random"
)

// cudaDropout is Dropout of dropout/dropout.cu.
type cudaDropout struct {
	dst, src, counter gpu.Pointer
	size              int64
	stream, threshold uint32
	scale             float32
	purpose           uint32
}

// cudaSpatial is Spatial of dropout/dropout.cu.
type cudaSpatial struct {
	cudaDropout
	samples, positions, channels, _ int32
}

// on takes the operands of a random operation.
func (d cudaDropout) on(b Buffers) cudaDropout {
	d.dst, d.src, d.counter = address(b.Out[0]), address(b.In[0]), address(b.In[1])
	return d
}

// chooseNoise picks the kernels of random operations.
func (c *CUDA) chooseNoise(o ops.Operator, in, _ []ops.Type) (Kernel, error) {
	const file = "dropout/dropout"
	var err error
	d := cudaDropout{purpose: uint32(numbers.Dropout)}
	// noise is a kernel whose threads have four elements each.
	noise := func(name string, stream uint64) (Kernel, error) {
		if err != nil {
			return nil, err
		}
		size := in[0].Shape.Size()
		d.size, d.stream = int64(size), uint32(stream)
		return single(c, file, name, spread(fours(size)), d.on)
	}
	switch o := o.(type) {
	case ops.Dropout:
		d.threshold, d.scale, err = dropout.Constants(in[0].Shape.Size(), o.Rate, o.Stream)
		return noise("dropout", o.Stream)
	case ops.GaussianNoise:
		d.scale, err = o.Deviation, dropout.CheckNoise(o.Name(), in[0].Shape.Size(), o.Deviation, o.Stream)
		return noise("gaussian_noise", o.Stream)
	case ops.GaussianDropout:
		d.scale, err = o.Deviation, dropout.CheckNoise(o.Name(), in[0].Shape.Size(), o.Deviation, o.Stream)
		return noise("gaussian_dropout", o.Stream)
	case ops.SpatialDropout:
		s := in[0].Shape
		samples, channels := s[0], s[len(s)-1]
		blocks := (channels + 3) / 4
		if d.threshold, d.scale, err = dropout.Constants(4*samples*blocks, o.Rate, o.Stream); err != nil {
			return nil, err
		}
		d.stream = uint32(o.Stream)
		p := cudaSpatial{samples: int32(samples), positions: int32(s.Size() / (samples * channels)), channels: int32(channels)}
		k, err := find[cudaSpatial](c, file, "spatial_dropout")
		if err != nil {
			return nil, err
		}
		return &cudaKernel{device: c, variant: "spatial_dropout", bind: func(b Buffers) []launch {
			p := p
			p.cudaDropout = d.on(b)
			return []launch{start(k, spread(int(p.positions)*blocks), min(samples, math.MaxUint16), p)}
		}}, nil
	}
	return nil, nil
}
