package kernels

import (
	"testing"

	"github.com/meseta-go/meseta/kernels/cpu"
	"github.com/meseta-go/meseta/ops"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// forgetful is a device whose products are missing.
type forgetful struct{ *CPU }

func (d forgetful) Choose(o ops.Operator, in, out []ops.Type) (Kernel, error) {
	k, err := d.CPU.Choose(o, in, out)
	return nothing{k}, err
}

type nothing struct{ Kernel }

func (nothing) Bind(Buffers) func() { return func() {} }

func TestCheck(t *testing.T) {
	d, err := NewCPU(cpu.Config{Threads: 1})
	require.NoError(t, err)
	defer d.Close()
	require.NoError(t, Check(d))
	assert.ErrorContains(t, Check(forgetful{d}), "computes what is wrong: element 0 of a product is 0, not ")
}
