package softmax

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/diff/fd"

	"github.com/meseta-go/meseta/kernels/cpu"
	"github.com/meseta-go/meseta/kernels/vec/parity"
	"github.com/meseta-go/meseta/ops"
)

// softLosses has each loss of targets with its gradient and their definitions. Tolerances are relative to the largest element: results are
// rounded once, but for the gradients of probabilities, which are quotients of rounded ones.
var softLosses = []struct {
	name       string
	logits     bool
	loss       func(*cpu.Device, int, int, int) (*SoftLoss, error)
	backward   func(*cpu.Device, int, int, int) (*SoftLossBackward, error)
	define     func(each, classes int, losses, scores, targets []float64)
	defineBack func(each, classes int, diff, diffLosses, scores, targets []float64)
}{
	{"soft cross entropy", true, NewSoftCrossEntropy, NewSoftCrossEntropyBackward, ReferenceSoftCrossEntropy[float64], ReferenceSoftCrossEntropyBackward[float64]},
	{"soft log loss", false, NewSoftLogLoss, NewSoftLogLossBackward, ReferenceSoftLogLoss[float64], ReferenceSoftLogLossBackward[float64]},
	{"binary cross entropy", true, NewBinaryCrossEntropy, NewBinaryCrossEntropyBackward, ReferenceBinaryCrossEntropy[float64], ReferenceBinaryCrossEntropyBackward[float64]},
	{"binary log loss", false, NewBinaryLogLoss, NewBinaryLogLossBackward, ReferenceBinaryLogLoss[float64], ReferenceBinaryLogLossBackward[float64]},
}

// softTargets gives targets in [0,1], some of them 0 and 1. The rows add up to no particular number.
func softTargets(n int) []float64 {
	targets := make([]float64, n)
	for i := range targets {
		targets[i] = float64(float32(min(max(rng.Float64()*1.4-.2, 0), 1)))
	}
	return targets
}

func TestSoftParity(t *testing.T) {
	for _, shape := range [][3]int{{1, 1, 1}, {3, 1, 1}, {1, 1, 2}, {7, 1, 10}, {5, 3, 4}, {1300, 1, 10}, {9, 2, 1000}, {2, 1, 5001}} {
		n, each, classes := shape[0], shape[1], shape[2]
		logits, probs, _, diffRows, _ := problem(n*each, classes)
		diffRows, size := diffRows[:n], n*each*classes
		targets := softTargets(size)
		for _, x := range softLosses {
			if classes > 1000 && x.name == "soft log loss" {
				continue // the definition takes the square of it
			}
			scores := probs
			if x.logits {
				scores = logits
			}
			losses, gradient := make([]float64, n), make([]float64, size)
			x.define(each, classes, losses, scores, targets)
			x.defineBack(each, classes, gradient, diffRows, scores, targets)
			t.Run(x.name, func(t *testing.T) {
				parity.Check(t, func(t *testing.T, dev *cpu.Device) (func(), [][]float32) {
					forward, err := x.loss(dev, n, each, classes)
					require.NoError(t, err)
					back, err := x.backward(dev, n, each, classes)
					require.NoError(t, err)
					s, y, dl := parity.In(scores), parity.In(targets), parity.In(diffRows)
					dst, dx, same := parity.Out(t, n), parity.Out(t, size), parity.InOut(t, scores)
					return func() { forward.Run(dst, s, y); back.Run(dx, dl, s, y); back.Run(same, dl, same, y) }, [][]float32{dst, dx, same}
				}, parity.Want{Values: losses, Tolerance: 1e-7}, parity.Want{Values: gradient, Tolerance: 1e-6}, parity.Want{Values: gradient, Tolerance: 1e-6})
			})
		}
	}
}

func TestSoftReferenceGradients(t *testing.T) {
	const n, each, classes = 3, 2, 4
	logits, probs, _, diffRows, _ := problem(n*each, classes)
	diffRows = diffRows[:n]
	for i := range logits {
		logits[i] /= 10 // away from where probabilities are clipped
	}
	ReferenceForward(classes, probs, logits)
	targets := softTargets(n * each * classes)
	for _, x := range softLosses {
		scores := probs
		if x.logits {
			scores = logits
		}
		got := make([]float64, n*each*classes)
		x.defineBack(each, classes, got, diffRows, scores, targets)
		numeric := fd.Gradient(nil, func(s []float64) (sum float64) {
			losses := make([]float64, n)
			x.define(each, classes, losses, s, targets)
			for i, l := range losses {
				sum += l * diffRows[i]
			}
			return sum
		}, scores, &fd.Settings{Formula: fd.Central, Step: 1e-5})
		assert.InDeltaSlice(t, numeric, got, 1e-6, x.name)
	}
}

func TestSoftExtremes(t *testing.T) {
	dev := parity.Device(t, cpu.Detect(), 1)
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	loss, err := NewSoftCrossEntropy(dev, 3, 1, 2)
	require.NoError(t, err)
	losses := make([]float32, 3)
	loss.Run(losses, []float32{1e4, -1e4, nan, 0, 0, -inf}, []float32{1, 0, 0, 1, 1, 0})
	assert.Equal(t, float32(0), losses[0])
	assert.True(t, math.IsNaN(float64(losses[1])), "NaN where the target is 0")
	assert.Equal(t, float32(0), losses[2], "a logit of -∞ that no target asks for")

	binary, err := NewBinaryCrossEntropy(dev, 3, 1, 1)
	require.NoError(t, err)
	binary.Run(losses, []float32{1000, -1000, 1000}, []float32{1, 0, 0})
	assert.Equal(t, []float32{0, 0, 1000}, losses)
	back, err := NewBinaryCrossEntropyBackward(dev, 3, 1, 1)
	require.NoError(t, err)
	diff := make([]float32, 3)
	back.Run(diff, []float32{1, 1, 1}, []float32{1000, -1000, 1000}, []float32{1, 0, 0})
	assert.Equal(t, []float32{0, 0, 1}, diff)
	for _, x := range softLosses {
		_, err := x.loss(dev, 0, 1, 1)
		assert.ErrorIs(t, err, ops.ErrShape)
		_, err = x.backward(dev, 1, 1, 0)
		assert.ErrorIs(t, err, ops.ErrShape)
	}
}

func TestSoftNoAllocation(t *testing.T) {
	const n, each, classes = 900, 1, 10
	_, probs, _, diffRows, _ := problem(n, classes)
	s, y, dl, rows := parity.In(probs), parity.In(softTargets(n*classes)), parity.In(diffRows), make([]float32, n)
	dst := make([]float32, n*classes)
	for _, x := range softLosses {
		parity.NoAllocation(t, func(t *testing.T, dev *cpu.Device) (func(), [][]float32) {
			forward, err := x.loss(dev, n, each, classes)
			require.NoError(t, err)
			back, err := x.backward(dev, n, each, classes)
			require.NoError(t, err)
			return func() { forward.Run(rows, s, y); back.Run(dst, dl, s, y) }, nil
		})
	}
}
