package meseta

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/meseta-go/meseta/kernels"
	"github.com/meseta-go/meseta/kernels/cpu"
	"github.com/meseta-go/meseta/kernels/interpret"
	"github.com/meseta-go/meseta/layers"
	"github.com/meseta-go/meseta/ops"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// noisy runs a layer on x while it trains, at a step, and gives its output and the gradient of its sum.
func noisy(t *testing.T, device kernels.Device, l layers.Layer, shape ops.Shape, x []float32, step int64) (y, diff []float32) {
	g := &ops.Graph{}
	src := g.NewValue("x", ops.Type{Shape: shape}, ops.Input)
	b := &layers.Builder{Graph: g, Training: true, Layer: 3, Counter: g.NewValue("counter", ops.CounterType, ops.State)}
	dst, err := l.Lower(b, []ops.Value{src}, nil)
	require.NoError(t, err)
	seed, err := g.Add1(ops.Fill{Type: g.Type(dst), Value: 1})
	require.NoError(t, err)
	d, err := g.Gradients(dst, seed, []ops.Value{src})
	require.NoError(t, err)
	values := interpret.Run(t, device, g, map[ops.Value]any{src: x, b.Counter: []int64{5, step}})
	return values.Float32(dst), values.Float32(d[0])
}

// TestNoiseOfLayers looks at what the random layers make of normally distributed numbers: mean and deviation as their papers promise, the
// gradient by differences, the same bits for each number of workers, other ones at the next step.
func TestNoiseOfLayers(t *testing.T) {
	shape := ops.Shape{60, 5, 7, 40}
	rng := rand.New(rand.NewPCG(1, 2))
	x, shifted := make([]float32, shape.Size()), make([]float32, shape.Size())
	for i := range x {
		x[i] = float32(rng.NormFloat64())
		shifted[i] = x[i] + 0.5
	}
	n := float64(len(x))
	for _, c := range []struct {
		layer     layers.Layer
		deviation float64 // of the output
		draws     float64 // independent random numbers
	}{
		{&layers.Dropout{Rate: 0.2}, math.Sqrt(1 / 0.8), n},
		{&layers.SpatialDropout2D{Rate: 0.2}, math.Sqrt(1 / 0.8), 60 * 40},
		{&layers.Dropout{Name: "of rows", Rate: 0.2, NoiseShape: layers.Shape{5, 1, 40}}, math.Sqrt(1 / 0.8), 60 * 5 * 40},
		{&layers.GaussianNoise{Stddev: 0.75}, 1.25, n},
		{&layers.GaussianDropout{Rate: 0.36}, 1.25, n},
		{&layers.AlphaDropout{Rate: 0.3}, 1, n},
	} {
		t.Run(c.layer.ClassName(), func(t *testing.T) {
			var first []float32
			for _, threads := range []int{1, 2, 3, 5} {
				device, err := kernels.NewCPU(cpu.Config{Threads: threads})
				require.NoError(t, err)
				defer func() { require.NoError(t, device.Close()) }()
				y, diff := noisy(t, device, c.layer, shape, x, 9)
				if first != nil {
					require.Equal(t, first, y, "%d workers", threads)
					continue
				}
				first = y
				var sum, squares float64
				for _, v := range y {
					sum += float64(v)
					squares += float64(v) * float64(v)
				}
				assert.InDelta(t, 0, sum/n, 5*c.deviation/math.Sqrt(n))
				assert.InEpsilon(t, c.deviation, math.Sqrt(squares/n), 3/math.Sqrt(c.draws))
				// The random numbers do not depend on the input, so a difference is exact but for rounding.
				moved, _ := noisy(t, device, c.layer, shape, shifted, 9)
				for i := range y {
					require.InDelta(t, (moved[i]-y[i])/0.5, diff[i], 1e-5, "element %d", i)
				}
				next, _ := noisy(t, device, c.layer, shape, x, 10)
				assert.NotEqual(t, first, next, "the next step draws anew")
			}
		})
	}
}

// TestStochasticDepthDropsWholeSamples: with noise of [1,1,1] a sample stays, scaled, or goes as a whole.
func TestStochasticDepthDropsWholeSamples(t *testing.T) {
	device, err := kernels.NewCPU(cpu.Config{Threads: 2})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, device.Close()) })
	x := make([]float32, 500*24)
	for i := range x {
		x[i] = float32(i%24 + 1)
	}
	y, _ := noisy(t, device, &layers.Dropout{Rate: 0.5, NoiseShape: layers.Shape{1, 1, 1}}, ops.Shape{500, 2, 3, 4}, x, 1)
	gone := 0
	for i := 0; i < len(y); i += 24 {
		scale := float32(2)
		if y[i] == 0 {
			gone, scale = gone+1, 0
		}
		for j := range 24 {
			require.Equal(t, scale*x[i+j], y[i+j], "sample %d", i/24)
		}
	}
	assert.InDelta(t, 250, gone, 4*math.Sqrt(125))
}

// TestAlphaDropoutHasTwoValues: of equal elements, what stays is a·x + b and what goes is a·lowest + b, with Keras's a and b.
func TestAlphaDropoutHasTwoValues(t *testing.T) {
	device, err := kernels.NewCPU(cpu.Config{Threads: 1})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, device.Close()) })
	x := make([]float32, 1000)
	for i := range x {
		x[i] = 2
	}
	const rate, lowest = 0.4, -1.7580993408473766
	y, _ := noisy(t, device, &layers.AlphaDropout{Rate: rate}, ops.Shape{10, 100}, x, 1)
	a := math.Pow((1-rate)*(1+rate*lowest*lowest), -0.5)
	b := -a * lowest * rate
	gone := 0
	for _, v := range y {
		if math.Abs(float64(v)-(a*lowest+b)) < 1e-6 {
			gone++
		} else {
			require.InDelta(t, a*2+b, v, 1e-6)
		}
	}
	assert.InDelta(t, 400, gone, 4*math.Sqrt(240))
}

// TestGlobalMaxSharesGradients: as in TensorFlow's reduce_max, elements that are equal get a part each, and NaN is the largest.
func TestGlobalMaxSharesGradients(t *testing.T) {
	device, err := kernels.NewCPU(cpu.Config{Threads: 1})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, device.Close()) })
	nan := float32(math.NaN())
	x := []float32{
		1, 5, 4, 5, 4, 2, 4, 3, // channel 0: 1 4 4 4, channel 1: 5 5 2 3
		0, 1, nan, 2, 3, 3, 4, 4,
	}
	y, diff := noisy(t, device, &layers.GlobalMaxPooling2D{}, ops.Shape{2, 2, 2, 2}, x, 0)
	assert.Equal(t, []float32{4, 5}, y[:2])
	assert.True(t, math.IsNaN(float64(y[2])))
	assert.Equal(t, float32(4), y[3])
	assert.InDeltaSlice(t, []float32{0, .5, 1. / 3, .5, 1. / 3, 0, 1. / 3, 0}, diff[:8], 1e-7)
}
