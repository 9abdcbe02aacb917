package report

import (
	"image"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestChoose(t *testing.T) {
	nan := float32(math.NaN())
	for _, c := range []struct {
		output     []float32
		logits     bool
		class      int
		confidence float64
	}{
		{[]float32{0.2, 0.7, 0.1}, false, 1, 0.7},
		{[]float32{0, 2, 1}, false, 1, 1 / (1 + math.Exp(-2) + math.Exp(-1))}, // no probabilities after all
		{[]float32{0.2, 0.7, 0.1}, true, 1, 1 / (1 + math.Exp(-0.5) + math.Exp(-0.6))},
		{[]float32{-1000, 1000}, true, 1, 1},
		{[]float32{0.3}, false, 0, 0.7}, {[]float32{0.3}, true, 1, 1 / (1 + math.Exp(-0.3))}, {[]float32{0.9}, false, 1, 0.9},
		{[]float32{nan, 0.5, nan}, false, 1, math.NaN()},
	} {
		class, confidence := (&Predictions{Logits: c.logits}).choose(c.output)
		assert.Equal(t, c.class, class, "%v", c.output)
		if math.IsNaN(c.confidence) {
			assert.True(t, math.IsNaN(confidence))
		} else {
			assert.InDelta(t, c.confidence, confidence, 1e-6, "%v", c.output)
		}
	}
}

func TestPredictionsCountAndKeep(t *testing.T) {
	p := NewPredictions("test data", 100, []string{"a", "b", "c"}, []int{1, 1, 1})
	for i := range 100 {
		label := i % 2 // there is no c
		output := []float32{0, 0, 0}
		predicted := label
		if i%10 == 3 {
			predicted = 2
		}
		share := 0.5 + float32(i)/250
		output[predicted], output[(predicted+1)%3] = share, 1-share
		require.NoError(t, p.Add([]float32{float32(i)}, label, output))
	}
	assert.Equal(t, []int{100, 90, 40, 10, 0}, []int{p.Samples(), p.Right(), p.Count(1, 1), p.Count(1, 2), p.Count(2, 2)})
	require.Len(t, p.wrong, 10)
	for i := 1; i < len(p.wrong); i++ {
		assert.Less(t, p.wrong[i].confidence, p.wrong[i-1].confidence, "the surest first")
	}
	assert.Equal(t, []float32{93}, p.wrong[0].x)
	assert.Len(t, p.right, 2, "one of each class")
	assert.Equal(t, []mixUp{{"b", "c", 10, 50}}, p.worst(5))
	classes := p.perClass()
	assert.Equal(t, classFigures{"b", 50, 0.8, 1}, classes[1])
	assert.True(t, math.IsNaN(classes[2].Recall) && classes[2].Precision == 0)
	for range 1000 { // equally sure: the first ones stay
		require.NoError(t, p.Add([]float32{-1}, 0, []float32{0, 0.9, 0.1}))
	}
	assert.Len(t, p.wrong, maxWrong)
	assert.Equal(t, []int{100, 123}, []int{p.wrong[0].index, p.wrong[23].index})

	assert.ErrorContains(t, p.Add([]float32{0}, 3, []float32{1, 0, 0}), "label 3")
	assert.ErrorContains(t, p.Add([]float32{0}, 0, []float32{1}), "1 outputs of a network that tells 3 classes apart")
}

func TestSampleImages(t *testing.T) {
	draw := func(shape []int, x []float32) image.Image {
		p := NewPredictions("", 1, []string{"a"}, shape)
		require.NoError(t, p.Add(x, 0, []float32{1, 0}))
		require.True(t, p.areImages())
		return p.image(x)
	}
	grey := func(shape []int, x ...float32) []uint8 { return draw(shape, x).(*image.Gray).Pix }
	assert.Equal(t, []uint8{0, 128, 255, 51}, grey([]int{2, 2, 1}, 0, 0.5, 1, 0.2))
	assert.Equal(t, []uint8{0, 7, 255, 200}, grey([]int{2, 2, 1}, 0, 7, 255, 200))
	assert.Equal(t, []uint8{0, 128, 255, 191}, grey([]int{2, 2, 1}, -2, 0, 2, 1))
	assert.Equal(t, []uint8{0, 0}, grey([]int{1, 2, 1}, -5, -5))
	assert.Equal(t, []uint8{0, 255}, grey([]int{1, 2, 1}, float32(math.NaN()), 1))
	assert.Equal(t, []uint8{255, 0, 128, 255}, draw([]int{1, 1, 3}, []float32{1, 0, 0.5}).(*image.RGBA).Pix)

	const h, w = 300, 200 // one bright stripe stays at its place, and the form is kept
	x := make([]float32, h*w)
	for i := range x {
		if row := i / w; row >= 100 && row < 110 {
			x[i] = 1
		}
	}
	small := draw([]int{h, w, 1}, x).(*image.Gray)
	assert.Equal(t, image.Rect(0, 0, 64, 96), small.Bounds())
	assert.Equal(t, uint8(255), small.GrayAt(10, 33).Y)
	assert.Zero(t, small.GrayAt(10, 60).Y)
	for _, shape := range [][]int{{5}, {5, 5, 2}, {5, 5}, {0, 5, 1}} {
		assert.False(t, NewPredictions("", 1, nil, shape).areImages(), "%v", shape)
	}
}
