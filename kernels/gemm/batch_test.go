package gemm

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/meseta-go/meseta/kernels/cpu"
	"github.com/meseta-go/meseta/kernels/vec/parity"
	"github.com/meseta-go/meseta/ops"
)

func TestBatch(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	for _, count := range []int{1, 2, 4, 9} {
		for _, p := range []Params{
			{M: 1, N: 1, K: 1}, {M: 3, N: 5, K: 7}, {M: 16, N: 16, K: 16}, {M: 5, N: 3, K: 4, TransA: true}, {M: 5, N: 3, K: 4, TransB: true},
			{M: 17, N: 33, K: 65, TransA: true, TransB: true}, {M: 1, N: 100, K: 9},
		} {
			as, bs, n := p.M*p.K, p.K*p.N, p.M*p.N
			a, b, want := parity.Normal(rng, count*as), parity.Normal(rng, count*bs), make([]float64, count*n)
			for i := range count {
				Reference(p, want[i*n:][:n], a[i*as:][:as], b[i*bs:][:bs], nil)
			}
			t.Run(fmt.Sprintf("%d×%+v", count, p), func(t *testing.T) {
				parity.Check(t, func(t *testing.T, dev *cpu.Device) (func(), [][]float32) {
					x, err := NewBatch(dev, count, p)
					require.NoError(t, err)
					u, v, dst, workspace := parity.In(a), parity.In(b), parity.Out(t, count*n), parity.Workspace(t, x.WorkspaceBytes())
					return func() { x.Run(dst, u, v, workspace) }, [][]float32{dst}
				}, parity.Want{Values: want, Tolerance: 2e-6}) // a sum of up to 65 products, each rounded to 6e-8
			})
		}
	}
}

func TestBatchDoesNotAllocate(t *testing.T) {
	a, dst := make([]float32, 8*9*9+16), make([]float32, 8*9*9+16)
	parity.NoAllocation(t, func(t *testing.T, dev *cpu.Device) (func(), [][]float32) {
		x, err := NewBatch(dev, 8, Params{M: 9, N: 9, K: 9, TransB: true})
		require.NoError(t, err)
		workspace := parity.Workspace(t, x.WorkspaceBytes())
		return func() { x.Run(dst, a, a, workspace) }, nil
	})
}

func TestBatchErrors(t *testing.T) {
	dev := parity.Device(t, cpu.Portable, 2)
	_, err := NewBatch(dev, 0, Params{M: 1, N: 1, K: 1})
	assert.ErrorIs(t, err, ops.ErrShape)
	_, err = NewBatch(dev, 3, Params{M: 1, N: 0, K: 1})
	assert.ErrorIs(t, err, ops.ErrShape)
	_, err = NewBatch(dev, 3, Params{M: 1, N: 1, K: 1, Bias: true})
	assert.ErrorContains(t, err, "no bias")
}
