package meseta

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/meseta-go/meseta/data"
	"github.com/meseta-go/meseta/layers"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"
)

// TestAdapt compares with sums in two passes, on samples of which the channels have means far from 0.
func TestAdapt(t *testing.T) {
	const n, h, w, c = 600, 3, 4, 2
	rng := rand.New(rand.NewPCG(1, 2))
	x := make([]float32, n*h*w*c)
	for i := range x {
		x[i] = float32(1000*float64(i%c+1) + rng.NormFloat64()*float64(i%c+1))
	}
	ds, err := data.FromTensors(tensor.New(tensor.WithShape(n, h, w, c), tensor.WithBacking(x)), nil)
	require.NoError(t, err)
	for _, k := range []struct {
		axis []int
		of   func(i int) int // number of an element
	}{
		{nil, func(i int) int { return i % c }},
		{[]int{}, func(int) int { return 0 }},
		{[]int{1}, func(i int) int { return i / (w * c) % h }},
		{[]int{-2}, func(i int) int { return i / c % w }},
	} {
		l := &layers.Normalization{Axis: k.axis}
		require.NoError(t, Adapt(t.Context(), l, ds))
		numbers := len(l.Mean)
		mean, variance, count := make([]float64, numbers), make([]float64, numbers), make([]float64, numbers)
		for i, v := range x {
			mean[k.of(i)] += float64(v)
			count[k.of(i)]++
		}
		for j := range mean {
			mean[j] /= count[j]
		}
		for i, v := range x {
			variance[k.of(i)] += math.Pow(float64(v)-mean[k.of(i)], 2) / count[k.of(i)]
		}
		for j := range mean {
			assert.InEpsilon(t, mean[j], l.Mean[j], 1e-12)
			assert.InEpsilon(t, variance[j], l.Variance[j], 1e-9)
		}
	}
	assert.ErrorContains(t, Adapt(t.Context(), &layers.Normalization{Axis: []int{4}}, ds), "1 to 3")
	assert.ErrorContains(t, Adapt(t.Context(), &layers.Normalization{Axis: []int{1, -1}}, ds), "several")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	assert.ErrorIs(t, Adapt(ctx, &layers.Normalization{}, ds), context.Canceled)
	x[7] = float32(math.NaN())
	l := &layers.Normalization{}
	assert.ErrorContains(t, Adapt(t.Context(), l, ds), "not finite")
	assert.Nil(t, l.Mean)
}
