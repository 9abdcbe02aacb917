package meseta

import (
	"testing"

	"github.com/meseta-go/meseta/plan"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestProfileTrains measures every step of a training program, which trains as it does otherwise.
func TestProfileTrains(t *testing.T) {
	x, y := make([]float32, 8*36), make([]int32, 8)
	for i := range x {
		x[i] = float32(i%7) - 3
	}
	measured, stepped := compileTiny(t, 1), compileTiny(t, 1)
	p, err := measured.Plan(plan.Training, 8)
	require.NoError(t, err)
	measured.session.SetStep(1, 0)
	r, err := p.Profile(3, func() { p.SetBatch(x, y) })
	require.NoError(t, err)
	steps := int64(0)
	for _, s := range r.Steps {
		assert.Positive(t, s.Seconds, s.Op)
		assert.Positive(t, s.Bytes, s.Op)
		steps += s.FLOPs
	}
	assert.Equal(t, p.FLOPs(), steps)
	assert.Contains(t, r.Format(1e11, 1e10), "conv2d stride 1×1")
	_, err = p.Profile(0, nil)
	assert.Error(t, err)

	p, err = stepped.Plan(plan.Training, 8)
	require.NoError(t, err)
	stepped.session.SetStep(1, 0)
	for range 4 {
		p.SetBatch(x, y)
		require.NoError(t, p.Run())
	}
	a, err := measured.Weights()
	require.NoError(t, err)
	b, err := stepped.Weights()
	require.NoError(t, err)
	for i := range a {
		assert.Equal(t, b[i].Value.Data(), a[i].Value.Data(), a[i].Path)
	}
}
