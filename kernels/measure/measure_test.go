package measure

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/meseta-go/meseta/kernels/cpu"
	"github.com/meseta-go/meseta/kernels/vec/parity"
	"github.com/meseta-go/meseta/ops"
)

var rng = rand.New(rand.NewPCG(1, 2))

// shapes are samples, rows of each, columns; the last ones take several tasks.
var shapes = [][3]int{{1, 1, 1}, {3, 1, 1}, {7, 1, 10}, {5, 3, 4}, {2000, 1, 10}, {3, 90, 100}, {5000, 4, 1}}

// eighths gives n multiples of 1/8 in [0,1], so that sums are exact and some scores equal each other and thresholds.
func eighths(n int) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = float64(rng.IntN(9)) / 8
	}
	return x
}

func below32(n, limit int) []int32 {
	x := make([]int32, n)
	for i := range x {
		x[i] = int32(rng.IntN(limit))
	}
	return x
}

// sums32 runs a kernel twice on sums that begin at 1 and gives them as float32, exact below 2^24.
func sums32(t *testing.T, size, bytes int, run func(sums, workspace []float64)) (func(), [][]float32) {
	sums, workspace, out := make([]float64, size), make([]float64, bytes/8), parity.Out(t, size)
	return func() {
		for i := range sums {
			sums[i] = 1
		}
		for range 2 {
			for i := range workspace {
				workspace[i] = math.NaN()
			}
			run(sums, workspace)
		}
		for i, x := range sums {
			out[i] = float32(x)
		}
	}, [][]float32{out}
}

// twice is what sums32 should give for what the definition adds once.
func twice(once []float64) parity.Want {
	w := make([]float64, len(once))
	for i, x := range once {
		w[i] = 1 + 2*x
	}
	return parity.Want{Values: w}
}

func TestTallyParity(t *testing.T) {
	for _, shape := range shapes {
		n, each, columns := shape[0], shape[1], shape[2]
		scores, targets, weights := eighths(n*each*columns), eighths(n*each*columns), eighths(n)
		for _, thresholds := range [][]float64{{.5}, {-1, 0, .25, .3, .875, 2}} {
			for variant := range 8 {
				perColumn, soft, w := variant&1 != 0, variant&2 != 0, weights
				if variant&4 != 0 {
					w = nil
				}
				size := 2 * (len(thresholds) + 1)
				if perColumn {
					size *= columns
				}
				want := make([]float64, size)
				ReferenceTally(each, columns, thresholds, perColumn, soft, want, scores, targets, w)
				parity.Check(t, func(t *testing.T, dev *cpu.Device) (func(), [][]float32) {
					x, err := NewTally(dev, n, each, columns, parity.Narrow(thresholds), perColumn, soft)
					require.NoError(t, err)
					s, y := parity.In(scores), parity.In(targets)
					var wn []float32
					if w != nil {
						wn = parity.In(w)
					}
					return sums32(t, size, x.WorkspaceBytes(), func(sums, workspace []float64) { x.Run(sums, s, y, wn, workspace) })
				}, twice(want))
			}
		}
	}
}

func TestConfuseParity(t *testing.T) {
	for _, shape := range shapes {
		n, each, classes := shape[0], shape[1], shape[2]
		predicted, labels := below32(n*each, classes), below32(n*each, classes)
		for _, weights := range [][]float64{nil, eighths(n)} {
			want := make([]float64, classes*classes)
			ReferenceConfuse(each, classes, want, predicted, labels, weights)
			parity.Check(t, func(t *testing.T, dev *cpu.Device) (func(), [][]float32) {
				x, err := NewConfuse(dev, n, each, classes)
				require.NoError(t, err)
				var w []float32
				if weights != nil {
					w = parity.In(weights)
				}
				return sums32(t, classes*classes, x.WorkspaceBytes(), func(sums, workspace []float64) { x.Run(sums, predicted, labels, w, workspace) })
			}, twice(want))
		}
	}
}

func TestInTopKParity(t *testing.T) {
	for _, shape := range [][2]int{{1, 1}, {7, 3}, {2000, 10}, {40, 1000}} {
		n, classes := shape[0], shape[1]
		scores, labels := eighths(n*classes), below32(n, classes)
		for _, k := range []int{1, 2, 5, 2000} {
			want := make([]float64, n)
			ReferenceInTopK(classes, k, want, scores, labels)
			parity.Check(t, func(t *testing.T, dev *cpu.Device) (func(), [][]float32) {
				x, err := NewInTopK(dev, n, classes, k)
				require.NoError(t, err)
				s, dst := parity.In(scores), parity.Out(t, n)
				return func() { x.Run(dst, s, labels) }, [][]float32{dst}
			}, parity.Want{Values: want})
		}
	}
}

func TestExtremes(t *testing.T) {
	dev := parity.Device(t, cpu.Detect(), 1)
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	top, err := NewInTopK(dev, 6, 2, 2)
	require.NoError(t, err)
	dst := make([]float32, 6)
	top.Run(dst, []float32{0, 1, 0, nan, nan, 0, 0, inf, 0, 1, 0, 1}, []int32{0, 0, 0, 1, 2, -1})
	assert.Equal(t, []float32{1, 0, 0, 0, 0, 0}, dst)

	tally, err := NewTally(dev, 3, 1, 1, []float32{.5}, false, false)
	require.NoError(t, err)
	sums := make([]float64, 4)
	tally.Run(sums, []float32{nan, inf, -inf}, []float32{1, 1, 0}, nil, nil)
	assert.Equal(t, []float64{1, 1, 1, 0}, sums)

	confuse, err := NewConfuse(dev, 4, 1, 2)
	require.NoError(t, err)
	clear(sums)
	confuse.Run(sums, []int32{0, 2, -1, 1}, []int32{1, 0, 0, -5}, nil, nil)
	assert.Equal(t, []float64{0, 0, 1, 0}, sums)
}

func TestNoAllocation(t *testing.T) {
	const n, classes = 5000, 10
	scores, targets, labels := parity.In(eighths(n*classes)), parity.In(eighths(n*classes)), below32(n, classes)
	dst, thresholds := make([]float32, n), []float32{.2, .4}
	parity.NoAllocation(t, func(t *testing.T, dev *cpu.Device) (func(), [][]float32) {
		top, err := NewInTopK(dev, n, classes, 3)
		require.NoError(t, err)
		tally, err := NewTally(dev, n, 1, classes, thresholds, true, false)
		require.NoError(t, err)
		confuse, err := NewConfuse(dev, n, 1, classes)
		require.NoError(t, err)
		sums, workspace := make([]float64, 100), make([]float64, max(tally.WorkspaceBytes(), confuse.WorkspaceBytes())/8)
		return func() {
			top.Run(dst, scores, labels)
			tally.Run(sums[:60], scores, targets, dst, workspace)
			confuse.Run(sums, labels, labels, dst, workspace)
		}, nil
	})
}

func TestErrors(t *testing.T) {
	dev := parity.Device(t, cpu.Portable, 1)
	_, err := NewInTopK(dev, 1, 1, 0)
	assert.ErrorIs(t, err, ops.ErrShape)
	_, err = NewTally(dev, 1, 1, 1, nil, false, false)
	assert.ErrorIs(t, err, ops.ErrShape)
	_, err = NewTally(dev, 0, 1, 1, []float32{1}, false, false)
	assert.ErrorIs(t, err, ops.ErrShape)
	_, err = NewConfuse(dev, 1, 1, 0)
	assert.EqualError(t, err, "confuse: 1 samples of 1 elements, 0 sums, want at least 1: shapes disagree")
}
