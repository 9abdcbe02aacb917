package arrange

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/meseta-go/meseta/kernels/cpu"
	"github.com/meseta-go/meseta/kernels/vec"
	"github.com/meseta-go/meseta/kernels/vec/parity"
	"github.com/meseta-go/meseta/ops"
)

func TestBroadcast(t *testing.T) {
	for _, c := range [][2]ops.Shape{
		{{}, {}}, {{}, {5}}, {{1}, {3, 7}}, {{7}, {3, 7}}, {{3, 1}, {3, 7}}, {{3, 7}, {3, 7}}, {{2, 1, 4, 1}, {2, 3, 4, 5}}, {{3, 1, 5}, {2, 3, 4, 5}},
		{{1}, {vec.FlatChunk + 1}}, {{2, 1}, {2, 3 * vec.FlatChunk}}, {{5}, {9000, 5}},
	} {
		s, to := c[0], c[1]
		src := parity.Normal(rng, s.Size())
		want := make([]float32, to.Size())
		ReferenceBroadcast(s, to, want, parity.Narrow(src))
		t.Run(fmt.Sprintf("%v %v", s, to), func(t *testing.T) {
			parity.Check(t, func(t *testing.T, dev *cpu.Device) (func(), [][]float32) {
				x, err := NewBroadcast(dev, s, to)
				require.NoError(t, err)
				in, out := parity.In(src), parity.Out(t, to.Size())
				return func() { x.Run(out, in) }, [][]float32{out}
			}, parity.Exactly(want))
		})
	}
}

func TestTranspose(t *testing.T) {
	for _, c := range []struct {
		s    ops.Shape
		perm []int
	}{
		{ops.Shape{}, nil}, {ops.Shape{1}, []int{0}}, {ops.Shape{7}, []int{0}}, {ops.Shape{3, 5}, []int{1, 0}}, {ops.Shape{3, 5}, []int{0, 1}},
		{ops.Shape{1, 5}, []int{1, 0}}, {ops.Shape{tile + 1, 2*tile - 1}, []int{1, 0}}, {ops.Shape{1000, 70}, []int{1, 0}}, {ops.Shape{70, 1000}, []int{1, 0}},
		{ops.Shape{2, 5, 6, 3}, []int{0, 3, 1, 2}}, {ops.Shape{2, 3, 5, 6}, []int{0, 2, 3, 1}}, {ops.Shape{2, 3, 4, 5}, []int{3, 1, 2, 0}},
		{ops.Shape{2, 3, 4, 5}, []int{1, 0, 2, 3}}, {ops.Shape{2, 3, 4, 5, 6}, []int{4, 2, 0, 1, 3}}, {ops.Shape{2, 3, 4, 5, 6}, []int{2, 0, 4, 1, 3}},
		{ops.Shape{300, 3, 8, 8}, []int{0, 2, 3, 1}}, {ops.Shape{3, 4, 1, 5, 1}, []int{4, 3, 2, 0, 1}},
	} {
		n := c.s.Size()
		src := parity.Normal(rng, n)
		want := make([]float32, n)
		ReferenceTranspose(c.s, c.perm, want, parity.Narrow(src))
		t.Run(fmt.Sprintf("%v %v", c.s, c.perm), func(t *testing.T) {
			parity.Check(t, func(t *testing.T, dev *cpu.Device) (func(), [][]float32) {
				x, err := NewTranspose(dev, c.s, c.perm)
				require.NoError(t, err)
				in, out := parity.In(src), parity.Out(t, n)
				return func() { x.Run(out, in) }, [][]float32{out}
			}, parity.Exactly(want))
		})
	}
}

func TestOneHot(t *testing.T) {
	for _, c := range [][2]int{{1, 1}, {5, 3}, {3000, 10}, {2, vec.FlatChunk + 1}} {
		rows, classes := c[0], c[1]
		labels := make([]int32, rows)
		for i := range labels {
			labels[i] = int32(rng.IntN(classes))
		}
		if rows > 3 {
			labels[2], labels[3] = -1, int32(classes)
		}
		want := make([]float32, rows*classes)
		ReferenceOneHot(classes, want, labels)
		parity.Check(t, func(t *testing.T, dev *cpu.Device) (func(), [][]float32) {
			x, err := NewOneHot(dev, rows, classes)
			require.NoError(t, err)
			out := parity.Out(t, rows*classes)
			return func() { x.Run(out, labels) }, [][]float32{out}
		}, parity.Exactly(want))
	}
}

func TestOrderDoesNotAllocate(t *testing.T) {
	a, b, labels := make([]float32, 60000), make([]float32, 60000), make([]int32, 6000)
	parity.NoAllocation(t, func(t *testing.T, dev *cpu.Device) (func(), [][]float32) {
		turned, err := NewTranspose(dev, ops.Shape{20, 300, 10}, []int{0, 2, 1})
		require.NoError(t, err)
		repeated, err := NewBroadcast(dev, ops.Shape{20, 1, 10}, ops.Shape{20, 300, 10})
		require.NoError(t, err)
		hot, err := NewOneHot(dev, 6000, 10)
		require.NoError(t, err)
		return func() { turned.Run(a, b); repeated.Run(a, b); hot.Run(a, labels) }, nil
	})
}

func TestOrderMistakes(t *testing.T) {
	dev := parity.Device(t, cpu.Portable, 1)
	_, err := NewTranspose(dev, ops.Shape{2, 3}, []int{0, 0})
	assert.ErrorIs(t, err, ops.ErrShape)
	_, err = NewTranspose(dev, ops.Shape{2, 0}, []int{1, 0})
	assert.ErrorIs(t, err, ops.ErrShape)
	_, err = NewBroadcast(dev, ops.Shape{3, 2}, ops.Shape{2})
	assert.ErrorIs(t, err, ops.ErrShape)
	_, err = NewOneHot(dev, 1, 0)
	assert.ErrorIs(t, err, ops.ErrShape)
}
