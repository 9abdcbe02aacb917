package plan

import (
	"math/rand/v2"
	"testing"

	"github.com/meseta-go/meseta/kernels"
	"github.com/meseta-go/meseta/kernels/cpu"
	"github.com/meseta-go/meseta/ops"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// reading is a device whose convolutions take their src as it is.
type reading struct{ kernels.Device }

func (d reading) Choose(o ops.Operator, in, out []ops.Type) (kernels.Kernel, error) {
	load := ops.Load{}
	switch o := o.(type) {
	case ops.Conv2D:
		load = o.Load
	case ops.Conv2DBackwardWeights:
		load = o.Load
	}
	if load.Normalize {
		return nil, kernels.ErrUnsupported
	}
	return d.Device.Choose(o, in, out)
}

// trainedBy does three steps with batches of 6 samples, and gives the program and the weights.
func trainedBy(t *testing.T, m Model, d kernels.Device) (p *Program, weights [][]float32) {
	const batch = 6
	s, err := NewSession(m, d, 1)
	require.NoError(t, err)
	defer s.Close()
	p, err = s.Program(Training, batch)
	require.NoError(t, err)
	rng := rand.New(rand.NewPCG(1, 2))
	x, labels := make([]float32, p.listing.Type(p.listing.src).Shape.Size()), make([]int32, batch)
	for range 3 {
		for i := range x {
			x[i] = rng.Float32()
		}
		for i := range labels {
			labels[i] = rng.Int32N(3)
		}
		p.SetBatch(x, labels)
		require.NoError(t, p.Run())
		require.True(t, p.Applied())
	}
	for _, v := range p.listing.Values {
		if v.Role == ops.Parameter {
			w := make([]float32, v.Type.Shape.Size())
			require.NoError(t, s.Read(v.Name, w))
			weights = append(weights, w)
		}
	}
	return p, weights
}

// count is how many operations of a name a program has.
func (p *Program) count(name string) (n int) {
	for _, op := range p.listing.Ops {
		if op.Name() == name {
			n++
		}
	}
	return n
}

// TestNormalizingOnLoad trains with batch norms that convolutions apply as they load, and on a device that applies them before: the same weights,
// bit for bit, in less memory.
func TestNormalizingOnLoad(t *testing.T) {
	device, err := kernels.NewCPU(cpu.Config{Threads: 2})
	require.NoError(t, err)
	defer device.Close()
	for name, normalizations := range map[string]int{"residual": 2, "bounded": 1} {
		before, want := trainedBy(t, modelsOf[name](t), reading{device})
		after, got := trainedBy(t, modelsOf[name](t), device)
		assert.Zero(t, before.count("batchnorm_statistics"))
		assert.Equal(t, normalizations, after.count("batchnorm_statistics"), name)
		assert.Equal(t, want, got, name)
		if name == "residual" {
			assert.Less(t, after.ArenaBytes(), before.ArenaBytes())
		}
	}
}
