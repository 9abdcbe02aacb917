package augment_test

import (
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/meseta-go/meseta/data/augment"
	"github.com/meseta-go/meseta/random"
)

// TestBeta compares mean, variance and the middle with those of the distribution.
func TestBeta(t *testing.T) {
	const draws = 40000
	for _, alpha := range []float64{0.01, 0.2, 1, 4, 50} {
		s := random.Stream{Seed: 8, Purpose: random.Synthetic}
		var sum, squares float64
		middle := 0
		for range draws {
			x := float64(augment.Beta(&s, alpha))
			require.True(t, x >= 0 && x <= 1, "%v", x)
			sum += x
			squares += (x - 0.5) * (x - 0.5)
			if x > 0.25 && x < 0.75 {
				middle++
			}
		}
		variance := 1 / (4 * (2*alpha + 1))
		assert.InDelta(t, 0.5, sum/draws, 5*math.Sqrt(variance/draws), alpha)
		assert.InDelta(t, variance, squares/draws, variance*0.04+1e-4, alpha)
		if alpha == 1 {
			assert.InDelta(t, 0.5, float64(middle)/draws, 0.013, "uniform")
		}
	}
}

// TestMixUp holds images whose values are all their label against the targets.
func TestMixUp(t *testing.T) {
	const n, size = 6, 4 * 3 * 2
	list := augment.List{&augment.MixUp{Alpha: 1}}
	x, targets := make([]float32, n*size), make([]float32, n*n)
	index := []int32{40, 7, 13, 2, 99, 5}
	for i := range n {
		for j := range size {
			x[i*size+j] = float32(i)
		}
		targets[i*n+i] = 1
	}
	w := augment.NewWorker(list, augment.Format{H: 4, W: 3, C: 2, High: 1}, n, n)
	w.Apply(x, targets, index, 3, 1)
	for i := range n {
		sum, mean, others := float32(0), float32(0), 0
		for k, share := range targets[i*n : (i+1)*n] {
			require.True(t, share >= 0 && share <= 1)
			sum += share
			mean += share * float32(k)
			if k != i && share > 0 {
				others++
			}
		}
		assert.InDelta(t, 1, sum, 1e-6, "shares of %d", i)
		assert.Equal(t, 1, others, "mixed with one other image")
		for _, v := range x[i*size : (i+1)*size] {
			assert.InDelta(t, mean, v, 1e-5, "pixels are mixed as targets")
		}
	}
	again, mixed := slices.Clone(x), slices.Clone(targets)
	w.Apply(again, mixed, index, 3, 1)
	assert.NotEqual(t, x, again, "of mixtures other mixtures")
	alone, one := []float32{0.5}, []float32{1}
	augment.NewWorker(list, augment.Format{H: 1, W: 1, C: 1, High: 1}, 1, 1).Apply(alone, one, []int32{4}, 3, 1)
	assert.Equal(t, []float32{0.5, 1}, append(alone, one...), "a batch of one has nothing to mix")
}

func TestCutMix(t *testing.T) {
	const n, h, w = 5, 12, 10
	list := augment.List{augment.NewCutMix()}
	require.NoError(t, list.Check(augment.Format{H: h, W: w, C: 1, High: 1}))
	areas := map[int]bool{}
	for epoch := range 60 {
		x, targets := make([]float32, n*h*w), make([]float32, n*n)
		for i := range n {
			for j := range h * w {
				x[i*h*w+j] = float32(i)
			}
			targets[i*n+i] = 1
		}
		augment.NewWorker(list, augment.Format{H: h, W: w, C: 1, High: 1}, n, n).Apply(x, targets, []int32{0, 1, 2, 3, 4}, 1, epoch)
		for i := range n {
			count := map[int]int{}
			for _, v := range x[i*h*w : (i+1)*h*w] {
				count[int(v)]++
			}
			sum := float32(0)
			for k, share := range targets[i*n : (i+1)*n] {
				assert.InDelta(t, float64(count[k])/(h*w), share, 1e-6, "targets are mixed as pixels")
				sum += share
			}
			assert.InDelta(t, 1, sum, 1e-6)
			assert.LessOrEqual(t, len(count), 2)
			areas[count[i]] = true
			was := slices.Repeat([]float32{float32(i)}, h*w)
			rows, columns := changed(was, x[i*h*w:(i+1)*h*w], h, w, 1)
			assert.Equal(t, h*w-count[i], rows*columns, "a rectangle")
		}
	}
	assert.Greater(t, len(areas), 25)
}

func TestMixingAllocatesNothing(t *testing.T) {
	img := noise(8, 8, 3, 1)
	index := []int32{5, 3, 8}
	x, targets := slices.Repeat(img.Pixels, len(index)), []float32{1, 0, 0, 1, 1, 0}
	w := augment.NewWorker(augment.List{augment.NewMixUp(), &augment.Cutout{Size: 2}, &augment.RandomChoice{Of: augment.List{augment.NewCutMix(), augment.NewRandomApply(augment.NewMixUp())}}}, formatOf(img), 4, 2)
	assert.Zero(t, testing.AllocsPerRun(50, func() { w.Apply(x, targets, index, 1, 2) }))
}

// TestGroups finds each member's share of the images, and targets that are mixed as images are.
func TestGroups(t *testing.T) {
	dark, bright := &augment.RandomBrightness{Factor: augment.Exactly(-0.25)}, &augment.RandomBrightness{Factor: augment.Exactly(0.25)}
	count := map[float32]int{}
	for sample := range uint32(1000) {
		img := &augment.Image{H: 1, W: 1, C: 1, High: 1, Pixels: []float32{0.5}, Scratch: make([]float32, 1)}
		count[change(&augment.RandomChoice{Of: augment.List{dark, bright, augment.NewRandomApply(bright, bright)}}, img, sample)[0]]++
	}
	assert.InDelta(t, 333, count[0.25], 75, "a third")
	assert.InDelta(t, 333, count[0.75], 75)
	assert.InDelta(t, 167, count[0.5], 60, "half of a third")
	assert.InDelta(t, 167, count[1], 60)

	list := augment.List{&augment.RandomChoice{Of: augment.List{&augment.MixUp{Alpha: 1}, augment.NewRandomApply(augment.NewCutMix(), &augment.RandomFlip{}), &augment.RandomFlip{}}}}
	require.True(t, list.Mixes())
	require.False(t, augment.List{augment.NewRandomApply(dark)}.Mixes())
	const n, h, w = 5, 6, 7
	format := augment.Format{H: h, W: w, C: 1, High: n}
	require.NoError(t, list.Check(format))
	whole := 0
	for epoch := range 40 {
		x, targets := make([]float32, n*h*w), make([]float32, n*n)
		for i := range n {
			for j := range h * w {
				x[i*h*w+j] = float32(i)
			}
			targets[i*n+i] = 1
		}
		augment.NewWorker(list, format, n, n).Apply(x, targets, []int32{0, 1, 2, 3, 4}, 1, epoch)
		for i := range n {
			mean, wanted, sum := 0.0, 0.0, 0.0
			for _, v := range x[i*h*w : (i+1)*h*w] {
				mean += float64(v) / (h * w)
			}
			for k, share := range targets[i*n : (i+1)*n] {
				wanted += float64(k) * float64(share)
				sum += float64(share)
			}
			assert.InDelta(t, 1, sum, 1e-6)
			assert.InDelta(t, wanted, mean, 1e-4)
			if targets[i*n+i] == 1 {
				whole++
			}
		}
	}
	assert.InDelta(t, 100, whole, 35, "half of the images are only flipped, or not even that")
}
