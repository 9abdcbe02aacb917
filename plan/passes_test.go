package plan

import (
	"testing"

	"github.com/meseta-go/meseta/kernels"
	"github.com/meseta-go/meseta/kernels/cpu"
	"github.com/meseta-go/meseta/layers"
	"github.com/meseta-go/meseta/losses"
	"github.com/meseta-go/meseta/optimizers"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestPaddingIntoPool trains with poolings that pad by themselves, and with a layer before each that lets them not: the same weights, bit for bit. Behind
// what may be negative, or where a window may hold nothing but padding, the padding stays.
func TestPaddingIntoPool(t *testing.T) {
	device, err := kernels.NewCPU(cpu.Config{Threads: 2})
	require.NoError(t, err)
	defer device.Close()
	model := func(between, activation layers.Layer, padding layers.Margin, pool *layers.MaxPooling2D) Model {
		list := []layers.Layer{&layers.InputLayer{Shape: layers.Shape{9, 8, 3}},
			&layers.Conv2D{Filters: 4, KernelSize: layers.Square(3), NoBias: true}, layers.NewBatchNormalization(), activation,
			&layers.ZeroPadding2D{Padding: padding}, pool, &layers.Flatten{}, &layers.Dense{Units: 3, Activation: layers.Softmax}}
		if between != nil {
			list = append(list[:5:5], append([]layers.Layer{between}, list[5:]...)...)
		}
		g, err := layers.Sequential("padded", list...)
		require.NoError(t, err)
		return Model{Layers: g, Loss: losses.SparseCategoricalCrossentropy{}, Optimizer: optimizers.NewSGD()}
	}
	relu, six := &layers.ReLULayer{}, &layers.ReLULayer{MaxValue: 6}
	around, uneven := layers.Around(1), layers.Margin{Top: 1, Left: 2, Right: 1}
	for _, c := range []struct {
		activation layers.Layer
		padding    layers.Margin
		pool       layers.MaxPooling2D
		pads       int
	}{
		{relu, around, layers.MaxPooling2D{PoolSize: layers.Square(3), Strides: layers.Square(2)}, 0},
		{six, uneven, layers.MaxPooling2D{PoolSize: layers.Square(3), Strides: layers.Square(1)}, 0},
		{relu, layers.Margin{Top: 1}, layers.MaxPooling2D{PoolSize: layers.Square(3), Strides: layers.Square(2), Padding: layers.Same}, 0},
		{relu, layers.Margin{Bottom: 2}, layers.MaxPooling2D{}, 1},
		{&layers.Rescaling{Scale: 2}, around, layers.MaxPooling2D{PoolSize: layers.Square(3)}, 1},
	} {
		again := func(between layers.Layer) (*Program, [][]float32) {
			pool := c.pool
			return trainedBy(t, model(between, c.activation, c.padding, &pool), device)
		}
		plain, want := again(&layers.Rescaling{Scale: 1})
		p, got := again(nil)
		assert.Equal(t, 1, plain.count("pad"))
		assert.Equal(t, c.pads, p.count("pad"), "%+v", c)
		assert.Equal(t, c.pads, p.count("crop"), "%+v", c)
		assert.Equal(t, want, got, "%+v", c)
		assert.Zero(t, p.count("relu_data"), "the batch norm's gradient masks by itself")
	}
}
