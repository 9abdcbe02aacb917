package softmax

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/diff/fd"

	"github.com/meseta-go/meseta/kernels/cpu"
	"github.com/meseta-go/meseta/kernels/vec/parity"
	"github.com/meseta-go/meseta/ops"
)

var rng = rand.New(rand.NewPCG(1, 2))

var shapes = [][2]int{{1, 1}, {3, 1}, {1, 2}, {7, 10}, {1300, 10}, {128, 100}, {9, 1000}, {2, 5001}}

// problem gives scores, labels, probabilities and a gradient for [n,classes].
func problem(n, classes int) (scores, probs, diff, diffRows []float64, labels []int32) {
	scores, diff, diffRows = parity.Normal(rng, n*classes), parity.Normal(rng, n*classes), parity.Normal(rng, n)
	probs = make([]float64, n*classes)
	for i := range scores {
		scores[i] = float64(float32(scores[i] * 5))
	}
	ReferenceForward(classes, probs, scores)
	for i := range probs {
		probs[i] = float64(float32(probs[i]))
	}
	for range n {
		labels = append(labels, int32(rng.IntN(classes)))
	}
	return scores, probs, diff, diffRows, labels
}

func TestParity(t *testing.T) {
	for _, shape := range shapes {
		n, classes := shape[0], shape[1]
		scores, probs, diff, diffRows, labels := problem(n, classes)
		size := n * classes

		want := make([]float64, size)
		ReferenceForward(classes, want, scores)
		parity.Check(t, func(t *testing.T, dev *cpu.Device) (func(), [][]float32) {
			x, err := NewForward(dev, n, classes)
			require.NoError(t, err)
			src, dst, same := parity.In(scores), parity.Out(t, size), parity.InOut(t, scores)
			return func() { x.Run(dst, src); x.Run(same, same) }, [][]float32{dst, same}
		}, parity.Want{Values: want, Tolerance: 6e-8}, parity.Want{Values: want, Tolerance: 6e-8})

		if classes <= 1000 {
			ReferenceBackward(classes, want, diff, probs)
			parity.Check(t, func(t *testing.T, dev *cpu.Device) (func(), [][]float32) {
				x, err := NewBackward(dev, n, classes)
				require.NoError(t, err)
				dy, y, dx, same := parity.In(diff), parity.In(probs), parity.Out(t, size), parity.InOut(t, diff)
				return func() { x.Run(dx, dy, y); x.Run(same, same, y) }, [][]float32{dx, same}
			}, parity.Want{Values: want, Tolerance: 1e-6}, parity.Want{Values: want, Tolerance: 1e-6}) // with one class all is rounding of probs
		}

		losses := make([]float64, n)
		ReferenceCrossEntropy(classes, losses, scores, labels)
		parity.Check(t, func(t *testing.T, dev *cpu.Device) (func(), [][]float32) {
			x, err := NewCrossEntropy(dev, n, classes)
			require.NoError(t, err)
			src, dst := parity.In(scores), parity.Out(t, n)
			return func() { x.Run(dst, src, labels) }, [][]float32{dst}
		}, parity.Want{Values: losses, Tolerance: 6e-8})

		gradient := make([]float64, size)
		ReferenceCrossEntropyBackward(classes, gradient, diffRows, scores, labels)
		parity.Check(t, func(t *testing.T, dev *cpu.Device) (func(), [][]float32) {
			x, err := NewCrossEntropyBackward(dev, n, classes)
			require.NoError(t, err)
			src, dl, dst, same := parity.In(scores), parity.In(diffRows), parity.Out(t, size), parity.InOut(t, scores)
			return func() { x.Run(dst, dl, src, labels); x.Run(same, dl, same, labels) }, [][]float32{dst, same}
		}, parity.Want{Values: gradient, Tolerance: 1e-7}, parity.Want{Values: gradient, Tolerance: 1e-7})

		logLosses, logGradient := make([]float64, n), make([]float64, size)
		ReferenceLogLoss(classes, logLosses, probs, labels)
		ReferenceLogLossBackward(classes, logGradient, diffRows, probs, labels)
		parity.Check(t, func(t *testing.T, dev *cpu.Device) (func(), [][]float32) {
			x, err := NewLogLoss(dev, n, classes)
			require.NoError(t, err)
			back, err := NewLogLossBackward(dev, n, classes)
			require.NoError(t, err)
			p, dl, dst, dp, same := parity.In(probs), parity.In(diffRows), parity.Out(t, n), parity.Out(t, size), parity.InOut(t, probs)
			return func() { x.Run(dst, p, labels); back.Run(dp, dl, p, labels); back.Run(same, dl, same, labels) }, [][]float32{dst, dp, same}
		}, parity.Want{Values: logLosses, Tolerance: 1e-7}, parity.Want{Values: logGradient, Tolerance: 1e-7}, parity.Want{Values: logGradient, Tolerance: 1e-7})

		correct := make([]float64, n)
		ReferenceCorrect(classes, correct, scores, labels)
		parity.Check(t, func(t *testing.T, dev *cpu.Device) (func(), [][]float32) {
			x, err := NewCorrect(dev, n, classes)
			require.NoError(t, err)
			src, dst := parity.In(scores), parity.Out(t, n)
			return func() { x.Run(dst, src, labels) }, [][]float32{dst}
		}, parity.Want{Values: correct})
	}
}

func TestReferenceGradients(t *testing.T) {
	const n, classes = 3, 4
	scores, _, diff, diffRows, labels := problem(n, classes)
	for i := range scores {
		scores[i] /= 10 // away from where probabilities are clipped
	}
	numeric := func(x []float64, loss func(x []float64) float64) []float64 {
		return fd.Gradient(nil, loss, x, &fd.Settings{Formula: fd.Central, Step: 1e-4})
	}
	dot := func(a, b []float64) (sum float64) {
		for i := range a {
			sum += a[i] * b[i]
		}
		return sum
	}
	got, y := make([]float64, n*classes), make([]float64, n*classes)

	ReferenceForward(classes, y, scores)
	ReferenceBackward(classes, got, diff, y)
	assert.InDeltaSlice(t, numeric(scores, func(x []float64) float64 {
		y := make([]float64, n*classes)
		ReferenceForward(classes, y, x)
		return dot(y, diff)
	}), got, 1e-8)

	ReferenceCrossEntropyBackward(classes, got, diffRows, scores, labels)
	assert.InDeltaSlice(t, numeric(scores, func(x []float64) float64 {
		losses := make([]float64, n)
		ReferenceCrossEntropy(classes, losses, x, labels)
		return dot(losses, diffRows)
	}), got, 1e-8)

	for i := range y {
		y[i] *= 1.7 // a sum that is not 1
	}
	ReferenceLogLossBackward(classes, got, diffRows, y, labels)
	assert.InDeltaSlice(t, numeric(y, func(x []float64) float64 {
		losses := make([]float64, n)
		ReferenceLogLoss(classes, losses, x, labels)
		return dot(losses, diffRows)
	}), got, 1e-6)
}

//go:embed testdata/keras.json
var kerasJSON []byte

func TestKeras(t *testing.T) {
	var k struct {
		Classes               int
		Labels                []int32
		Logits, Softmax       []float32
		LogitsLosses          []float32 `json:"logits_losses"`
		LogitsGradient        []float32 `json:"logits_gradient"`
		Correct, Probs        []float32
		ProbsLosses           []float32 `json:"probs_losses"`
		ProbsLossesTensorFlow []float32 `json:"probs_losses_tensorflow"`
	}
	require.NoError(t, json.Unmarshal(kerasJSON, &k))
	n := len(k.Labels)
	require.Equal(t, 12, n)
	dev := parity.Device(t, cpu.Detect(), 2)
	dst, rows, ones := make([]float32, len(k.Logits)), make([]float32, n), make([]float32, n)
	for i := range ones {
		ones[i] = 1
	}

	forward, err := NewForward(dev, n, k.Classes)
	require.NoError(t, err)
	forward.Run(dst, k.Logits)
	assert.InDeltaSlice(t, k.Softmax, dst, 2e-7)

	loss, err := NewCrossEntropy(dev, n, k.Classes)
	require.NoError(t, err)
	loss.Run(rows, k.Logits, k.Labels)
	assert.InDeltaSlice(t, k.LogitsLosses, rows, 2e-6)

	gradient, err := NewCrossEntropyBackward(dev, n, k.Classes)
	require.NoError(t, err)
	gradient.Run(dst, ones, k.Logits, k.Labels)
	assert.InDeltaSlice(t, k.LogitsGradient, dst, 2e-7)

	logLoss, err := NewLogLoss(dev, n, k.Classes)
	require.NoError(t, err)
	logLoss.Run(rows, k.Probs, k.Labels)
	assert.InDeltaSlice(t, k.ProbsLosses, rows, 2e-6)
	assert.InDeltaSlice(t, k.ProbsLossesTensorFlow[:3], rows[:3], 2e-6) // where nothing is clipped and the sum is 1, the backends agree

	correct, err := NewCorrect(dev, n, k.Classes)
	require.NoError(t, err)
	correct.Run(rows, k.Logits, k.Labels)
	assert.Equal(t, k.Correct, rows)
}

func TestExtremes(t *testing.T) {
	dev := parity.Device(t, cpu.Detect(), 1)
	const n, classes = 5, 3
	nan := float32(math.NaN())
	logits := []float32{3e38, -3e38, 0, 1, 2, nan, 1e4, 1e4, 1e4, 0, 1, 2, 0, 1, 2}
	labels := []int32{1, 0, 2, 3, -1}
	losses, ones, diff := make([]float32, n), []float32{1, 1, 1, 1, 1}, make([]float32, n*classes)
	loss, err := NewCrossEntropy(dev, n, classes)
	require.NoError(t, err)
	loss.Run(losses, logits, labels)
	assert.True(t, math.IsInf(float64(losses[0]), 1)) // 6e38 is no float32
	assert.True(t, math.IsNaN(float64(losses[1])), "NaN in a row that is not at the label")
	assert.InDelta(t, math.Log(3), losses[2], 1e-6)
	assert.True(t, math.IsNaN(float64(losses[3])) && math.IsNaN(float64(losses[4])), "labels that are no classes")

	back, err := NewCrossEntropyBackward(dev, n, classes)
	require.NoError(t, err)
	back.Run(diff, ones, logits, labels)
	assert.Equal(t, []float32{1, -1, 0}, diff[:3])
	for _, d := range diff[9:] {
		assert.True(t, math.IsNaN(float64(d)))
	}
	logLoss, err := NewLogLoss(dev, n, classes)
	require.NoError(t, err)
	logLoss.Run(losses, logits, labels)
	assert.True(t, math.IsNaN(float64(losses[3])) && math.IsNaN(float64(losses[4])))

	correct, err := NewCorrect(dev, 2, classes)
	require.NoError(t, err)
	correct.Run(losses, []float32{2, 5, 5, 5, 5, 5}, []int32{1, 1})
	assert.Equal(t, []float32{1, 0}, losses[:2], "the first largest counts")
}

func TestNoAllocation(t *testing.T) {
	const n, classes = 900, 10
	scores, _, _, _, labels := problem(n, classes)
	a, b, rows := parity.In(scores), parity.In(scores), make([]float32, n)
	parity.NoAllocation(t, func(t *testing.T, dev *cpu.Device) (func(), [][]float32) {
		forward, err := NewForward(dev, n, classes)
		require.NoError(t, err)
		backward, err := NewBackward(dev, n, classes)
		require.NoError(t, err)
		loss, err := NewCrossEntropy(dev, n, classes)
		require.NoError(t, err)
		lossBackward, err := NewCrossEntropyBackward(dev, n, classes)
		require.NoError(t, err)
		logLoss, err := NewLogLoss(dev, n, classes)
		require.NoError(t, err)
		logLossBackward, err := NewLogLossBackward(dev, n, classes)
		require.NoError(t, err)
		correct, err := NewCorrect(dev, n, classes)
		require.NoError(t, err)
		return func() {
			forward.Run(b, a)
			logLoss.Run(rows, b, labels)
			logLossBackward.Run(b, rows, b, labels)
			backward.Run(b, a, b)
			loss.Run(rows, a, labels)
			lossBackward.Run(b, rows, a, labels)
			correct.Run(rows, a, labels)
		}, nil
	})
}

func TestErrors(t *testing.T) {
	dev := parity.Device(t, cpu.Portable, 1)
	_, err := NewForward(dev, 0, 3)
	assert.ErrorIs(t, err, ops.ErrShape)
	_, err = NewCrossEntropy(dev, 3, 0)
	assert.EqualError(t, err, "cross entropy: [3,0], want at least [1,1]: shapes disagree")
}

// BenchmarkRows has what a classifier's loss takes, on 64 KiB of scores.
func BenchmarkRows(b *testing.B) {
	for _, classes := range []int{10, 1000} {
		n := 1 << 14 / classes
		scores, probs, _, _, labels := problem(n, classes)
		x, y, ones, dst := parity.In(scores), parity.In(probs), make([]float32, n), make([]float32, n*classes)
		for i := range ones {
			ones[i] = 1
		}
		for _, isa := range cpu.Available() {
			dev := parity.Device(b, isa, 1)
			run := func(name string, f func()) {
				b.Run(fmt.Sprintf("%s %d/%v", name, classes, isa), func(b *testing.B) {
					for b.Loop() {
						f()
					}
					b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n*classes), "ns/element")
				})
			}
			forward, err := NewForward(dev, n, classes)
			require.NoError(b, err)
			run("softmax", func() { forward.Run(dst, x) })
			loss, err := NewCrossEntropy(dev, n, classes)
			require.NoError(b, err)
			run("cross entropy", func() { loss.Run(ones, x, labels) })
			gradient, err := NewCrossEntropyBackward(dev, n, classes)
			require.NoError(b, err)
			run("cross entropy backward", func() { gradient.Run(dst, ones, x, labels) })
			binary, err := NewBinaryCrossEntropy(dev, n, 1, classes)
			require.NoError(b, err)
			run("binary cross entropy", func() { binary.Run(ones, x, y) })
			binaryGradient, err := NewBinaryCrossEntropyBackward(dev, n, 1, classes)
			require.NoError(b, err)
			run("binary cross entropy backward", func() { binaryGradient.Run(dst, ones, x, y) })
		}
	}
}
