package data_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"

	"github.com/meseta-go/meseta/data"
)

func dense[T any](values []T, shape ...int) *tensor.Dense {
	return tensor.New(tensor.WithShape(shape...), tensor.WithBacking(values))
}

// targetedSamples has six samples; sample i is i, its target 10i and 10i+1, its weight i/2.
func targetedSamples(t *testing.T) data.Dataset {
	ds, err := data.FromTensors(dense([]float32{0, 1, 2, 3, 4, 5}, 6, 1), dense([]float64{0, 1, 10, 11, 20, 21, 30, 31, 40, 41, 50, 51}, 6, 2))
	require.NoError(t, err)
	ds, err = data.WithWeights(ds, dense([]float32{0, .5, 1, 1.5, 2, 2.5}, 6))
	require.NoError(t, err)
	return ds
}

func TestTargetsAndWeightsReachBatches(t *testing.T) {
	whole := targetedSamples(t)
	assert.Equal(t, []int{2}, data.TargetShape(whole))
	assert.True(t, data.HasWeights(whole))
	assert.Zero(t, whole.Classes())
	section, err := data.Slice(whole, 1, 6)
	require.NoError(t, err)
	train, validation, err := data.HoldOut(section, 2, 1)
	require.NoError(t, err)
	for _, ds := range []data.Dataset{whole, section, train, validation} {
		for _, workers := range []int{1, 3} {
			l, err := data.NewLoader(ds, data.LoaderOptions{BatchSize: 2, Shuffle: true, Seed: 3, Workers: workers})
			require.NoError(t, err)
			assert.Equal(t, []int{2}, l.TargetShape())
			assert.True(t, l.Weighted())
			n := 0
			for _, b := range epoch(t, l, 1, 0) {
				require.Len(t, b.Targets, 2*b.N)
				require.Len(t, b.Weights, b.N)
				assert.Empty(t, b.Labels)
				for i, x := range b.X {
					assert.Equal(t, []float32{10 * x, 10*x + 1}, b.Targets[2*i:2*i+2])
					assert.Equal(t, x/2, b.Weights[i])
				}
				n += b.N
			}
			assert.Equal(t, ds.Len(), n)
		}
	}
}

func TestTargetsBesideLabels(t *testing.T) {
	labelled := synthetic(t, 4)
	l, err := data.NewLoader(labelled, data.LoaderOptions{BatchSize: 2})
	require.NoError(t, err)
	assert.Nil(t, l.TargetShape())
	assert.False(t, l.Weighted())
	b := epoch(t, l, 0, 0)[0]
	assert.Empty(t, b.Targets)
	assert.Empty(t, b.Weights)

	ds, err := data.WithTargets(labelled, dense([]uint8{1, 2, 3, 4}, 4))
	require.NoError(t, err)
	assert.Equal(t, []int{1}, data.TargetShape(ds), "a number a sample is a target of one number")
	assert.False(t, data.HasWeights(ds))
	l, err = data.NewLoader(ds, data.LoaderOptions{BatchSize: 3})
	require.NoError(t, err)
	b = epoch(t, l, 0, 0)[0]
	assert.Equal(t, []float32{1, 2, 3}, b.Targets)
	assert.Len(t, b.Labels, 3)
}

func TestTargetsAndWeightsRefused(t *testing.T) {
	ds := synthetic(t, 2)
	nan := float32(math.NaN())
	for _, c := range []struct {
		y    *tensor.Dense
		want string
	}{
		{dense([]float32{1, 2, 3}, 3), "2 samples need [2,…]"},
		{dense([]bool{true, false}, 2), "not supported"},
		{nil, "no tensor of targets"},
	} {
		_, err := data.WithTargets(ds, c.y)
		assert.ErrorContains(t, err, c.want)
	}
	for _, c := range []struct {
		w    *tensor.Dense
		want string
	}{
		{dense([]float32{1, 2, 3}, 3), "2 samples need [2,…]"},
		{dense([]float32{1, 2, 3, 4}, 2, 2), "2 samples need [2]"},
		{dense([]float32{1, -1}, 2), "weight of sample 1 is -1"},
		{dense([]float32{nan, 1}, 2), "weight of sample 0 is NaN"},
		{dense([]float64{math.Inf(1), 1}, 2), "weight of sample 0 is +Inf"},
		{nil, "no tensor of weights"},
	} {
		_, err := data.WithWeights(ds, c.w)
		assert.ErrorContains(t, err, c.want)
	}
	both := targetedSamples(t).(interface {
		data.Targeted
		data.Weighted
	})
	assert.ErrorContains(t, both.ReadTargets(make([]float32, 3), []int32{0}), "1 samples of 2 numbers need 2")
	assert.ErrorContains(t, both.ReadWeights(make([]float32, 1), []int32{6}), "0 to 5")
}

// plainData is a data set of another package: it offers nothing but Dataset.
type plainData struct{ data.Dataset }

func TestLabelsAndBalanced(t *testing.T) {
	labels := make([]int32, 150)
	for i := range labels {
		if i%3 == 0 {
			labels[i] = 2
		}
	}
	ds, err := data.FromTensors(dense(make([]float32, 150), 150, 1), dense(labels, 150))
	require.NoError(t, err)
	weighted, err := data.WithWeights(plainData{ds}, dense(make([]float32, 150), 150))
	require.NoError(t, err)
	targeted, err := data.WithTargets(weighted, dense(make([]float32, 150), 150))
	require.NoError(t, err)
	for _, same := range []data.Dataset{ds, plainData{ds}, weighted, targeted} {
		got, _, err := data.Labels(same)
		require.NoError(t, err)
		assert.Equal(t, labels, got)
		weights, err := data.Balanced(same)
		require.NoError(t, err)
		assert.Equal(t, map[int]float64{0: .75, 2: 1.5}, weights)
	}
	part, err := data.Slice(targeted, 3, 7)
	require.NoError(t, err)
	got, _, err := data.Labels(part)
	require.NoError(t, err)
	assert.Equal(t, []int32{2, 0, 0, 2}, got)
	part, err = data.Select(part, []int32{3, 1})
	require.NoError(t, err)
	got, _, err = data.Labels(part)
	require.NoError(t, err)
	assert.Equal(t, []int32{2, 0}, got)
	_, err = data.Balanced(targetedSamples(t))
	assert.ErrorContains(t, err, "no labels")
}
