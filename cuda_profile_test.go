//go:build nvidia && cgo

package meseta

import (
	"testing"

	"github.com/meseta-go/meseta/layers"
	"github.com/meseta-go/meseta/losses"
	"github.com/meseta-go/meseta/optimizers"
	"github.com/meseta-go/meseta/plan"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestProfileOnAGPU: every step has its time by the GPU's clock, on the batch that each run is given, as the weights show: they are those of so many steps. There are
// more steps than CUDA.Times queues at once, which is 50.
func TestProfileOnAGPU(t *testing.T) {
	onGPU(t)
	x, y := make([]float32, 8*90), make([]int32, 8)
	for i := range x {
		x[i] = float32(i%7) - 3
	}
	for i := range y {
		y[i] = int32(i % 3)
	}
	weights := func(train func(p *plan.Program)) (all []float32) {
		list := []layers.Layer{Input(10, 9, 1), &layers.Flatten{}}
		for range 20 {
			list = append(list, &layers.Dense{Units: 12, Activation: layers.Tanh})
		}
		m := Sequential(append(list, &layers.Dense{Units: 3, Activation: layers.Softmax})...)
		defer m.Close()
		require.NoError(t, m.Compile(Training{Optimizer: optimizers.NewAdam(), Loss: losses.SparseCategoricalCrossentropy{}, Seed: 7, Device: "cuda"}))
		p, err := m.Plan(plan.Training, 8)
		require.NoError(t, err)
		train(p)
		for _, e := range m.session.Entries() {
			if e.Kind == plan.Trainable {
				w := make([]float32, e.Type.Shape.Size())
				require.NoError(t, m.session.Read(e.Name, w))
				all = append(all, w...)
			}
		}
		return all
	}
	profiled := weights(func(p *plan.Program) {
		r, err := p.Profile(3, func() { p.SetBatch(x, y) })
		require.NoError(t, err)
		assert.Greater(t, len(r.Steps), 2*50)
		for _, s := range r.Steps {
			assert.Positive(t, s.Seconds, s.Op)
		}
	})
	stepped := weights(func(p *plan.Program) {
		for range 4 {
			p.SetBatch(x, y)
			require.NoError(t, p.Run())
		}
	})
	assert.Equal(t, stepped, profiled)
}
