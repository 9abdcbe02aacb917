package meseta

import (
	"testing"

	"github.com/meseta-go/meseta/layers"
	"github.com/meseta-go/meseta/losses"
	"github.com/meseta-go/meseta/ops"
	"github.com/meseta-go/meseta/optimizers"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// twice multiplies its input by the sum of two weights, whose gradients are one value.
type twice struct{}

func (*twice) ClassName() string                                   { return "Twice" }
func (*twice) GivenName() string                                   { return "" }
func (*twice) OutputShape(in []layers.Shape) (layers.Shape, error) { return in[0], nil }
func (*twice) Weights(in []layers.Shape) []layers.Weight {
	return []layers.Weight{
		{Name: "a", Shape: in[0], Trainable: true, Initializer: layers.Ones{}},
		{Name: "b", Shape: in[0], Trainable: true, Initializer: layers.Ones{}},
	}
}
func (*twice) Lower(b *layers.Builder, in, w []ops.Value) (ops.Value, error) {
	sum, err := b.Add1(ops.Add{}, w[0], w[1])
	if err != nil {
		return ops.None, err
	}
	return b.Add1(ops.Binary{Func: ops.Times}, in[0], sum)
}

// Two weights whose gradient is one value are both trained with it.
func TestWeightsThatShareAGradient(t *testing.T) {
	m := Sequential(Input(6, 6, 1), &layers.Flatten{}, &twice{}, &layers.Dense{Units: 3, Activation: layers.Softmax})
	defer m.Close()
	require.NoError(t, m.Compile(Training{Optimizer: optimizers.NewSGD(), Loss: losses.SparseCategoricalCrossentropy{}}))
	_, err := m.Fit(t.Context(), tinyData(t, 20), FitOptions{BatchSize: 7, Epochs: 2})
	require.NoError(t, err)
	weights, err := m.Weights()
	require.NoError(t, err)
	a, b := weights[0].Value.Data().([]float32), weights[1].Value.Data().([]float32)
	assert.Equal(t, a, b)
	assert.NotEqual(t, float32(1), a[0])
}
