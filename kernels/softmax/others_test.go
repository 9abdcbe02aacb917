package softmax

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/diff/fd"

	"github.com/meseta-go/meseta/kernels/cpu"
	"github.com/meseta-go/meseta/kernels/vec/parity"
)

// others are the functions of rows beside softmax.
var others = []struct {
	name      string
	make      func(t *testing.T, dev *cpu.Device, n, classes int) (forward func(dst, src []float32), backward func(dx, dy, y []float32))
	reference func(classes int, dst, src []float64)
	gradient  func(classes int, dx, dy, y []float64)
}{
	{"log softmax", func(t *testing.T, dev *cpu.Device, n, classes int) (func(dst, src []float32), func(dx, dy, y []float32)) {
		x, err := NewLogForward(dev, n, classes)
		require.NoError(t, err)
		back, err := NewLogBackward(dev, n, classes)
		require.NoError(t, err)
		return x.Run, back.Run
	}, ReferenceLogForward[float64], ReferenceLogBackward[float64]},
	{"sparsemax", func(t *testing.T, dev *cpu.Device, n, classes int) (func(dst, src []float32), func(dx, dy, y []float32)) {
		x, err := NewSparsemax(dev, n, classes)
		require.NoError(t, err)
		back, err := NewSparsemaxBackward(dev, n, classes)
		require.NoError(t, err)
		return x.Run, back.Run
	}, ReferenceSparsemax[float64], ReferenceSparsemaxBackward[float64]},
}

func TestOthersParity(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for _, o := range others {
		for _, shape := range shapes {
			n, classes := shape[0], shape[1]
			size := n * classes
			src, diff := parity.Normal(rng, size), parity.Normal(rng, size)
			want, dx := make([]float64, size), make([]float64, size)
			o.reference(classes, want, src)
			y := make([]float64, size)
			for i := range y {
				y[i] = float64(float32(want[i]))
			}
			o.gradient(classes, dx, diff, y)
			t.Run(o.name, func(t *testing.T) {
				parity.Check(t, func(t *testing.T, dev *cpu.Device) (func(), [][]float32) {
					forward, backward := o.make(t, dev, n, classes)
					x, dst, same := parity.In(src), parity.Out(t, size), parity.InOut(t, src)
					out, d, diffSrc, diffSame := parity.In(y), parity.In(diff), parity.Out(t, size), parity.InOut(t, diff)
					return func() {
						forward(dst, x)
						forward(same, same)
						backward(diffSrc, d, out)
						backward(diffSame, diffSame, out)
					}, [][]float32{dst, same, diffSrc, diffSame}
				}, parity.Want{Values: want, Tolerance: 1e-7}, parity.Want{Values: want, Tolerance: 1e-7},
					parity.Want{Values: dx, Tolerance: 1e-7}, parity.Want{Values: dx, Tolerance: 1e-7}) // rounded once
			})
		}
	}
}

func TestOthersGradients(t *testing.T) {
	const n, classes = 3, 6
	rng := rand.New(rand.NewPCG(5, 6))
	for _, o := range others {
		src, diff := parity.Normal(rng, n*classes), parity.Normal(rng, n*classes)
		y, got := make([]float64, n*classes), make([]float64, n*classes)
		o.reference(classes, y, src)
		o.gradient(classes, got, diff, y)
		assert.InDeltaSlice(t, fd.Gradient(nil, func(x []float64) (sum float64) {
			y := make([]float64, n*classes)
			o.reference(classes, y, x)
			for i := range y {
				sum += y[i] * diff[i]
			}
			return sum
		}, src, &fd.Settings{Formula: fd.Central, Step: 1e-6}), got, 1e-8, o.name)
	}
}

func TestOthersExtremes(t *testing.T) {
	dev := parity.Device(t, cpu.Detect(), 1)
	nan := float32(math.NaN())
	for _, o := range others {
		forward, backward := o.make(t, dev, 3, 3)
		dst := make([]float32, 9)
		forward(dst, []float32{1, nan, 2, 3e38, 0, -3e38, 5, 5, 5})
		for _, v := range dst[:3] {
			assert.True(t, v != v, "%s of a row with NaN", o.name)
		}
		for _, v := range dst[3:] {
			assert.False(t, v != v, "%s: %v", o.name, dst)
		}
		assert.Equal(t, dst[6], dst[7])
		backward(dst, []float32{1, 2, 3, 4, 5, 6, 7, 8, 9}, dst)
		assert.True(t, dst[0] != dst[0], "%s: the gradient of a row with NaN", o.name)
	}
}

// TestSparsemaxEnds where an element lies so near the threshold that by turns it is above and below it, as rounding has it.
func TestSparsemaxEnds(t *testing.T) {
	row := []float32{-0x1.116eb2p-54, -0x1.0847ep-3, -0x1.2108fcp-1}
	s, err := NewSparsemax(parity.Device(t, cpu.Detect(), 1), 1, len(row))
	require.NoError(t, err)
	got, want := make([]float32, len(row)), make([]float32, len(row))
	s.Run(got, row)
	ReferenceSparsemax(len(row), want, row)
	assert.InDeltaSlice(t, want, got, 1e-7)
}

func TestOthersDoNotAllocate(t *testing.T) {
	a, b := make([]float32, 9000), make([]float32, 9000)
	for _, o := range others {
		parity.NoAllocation(t, func(t *testing.T, dev *cpu.Device) (func(), [][]float32) {
			forward, backward := o.make(t, dev, 900, 10)
			return func() { forward(b, a); backward(b, b, a) }, nil
		})
	}
}
