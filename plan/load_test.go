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

// TestNormalizingOnLoad trains with batch norms that convolutions apply as they load, and on a device that applies them before: the same weights,
// bit for bit, in less memory.
func TestNormalizingOnLoad(t *testing.T) {
	for name, normalizations := range map[string]int{"residual": 2, "bounded": 1} {
		model := modelsOf[name](t)
		device, err := kernels.NewCPU(cpu.Config{Threads: 2})
		require.NoError(t, err)
		defer device.Close()
		train := func(d kernels.Device) (weights [][]float32, arena, statistics int) {
			const batch = 6
			s, err := NewSession(model, d, 1)
			require.NoError(t, err)
			defer s.Close()
			p, err := s.Program(Training, batch)
			require.NoError(t, err)
			for _, op := range p.listing.Ops {
				if _, ok := op.Operator.(ops.BatchNormStatistics); ok {
					statistics++
				}
			}
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
			return weights, p.ArenaBytes(), statistics
		}
		want, before, none := train(reading{device})
		got, after, statistics := train(device)
		assert.Zero(t, none)
		assert.Equal(t, normalizations, statistics, name)
		assert.Equal(t, want, got, name)
		if name == "residual" {
			assert.Less(t, after, before)
		}
	}
}
