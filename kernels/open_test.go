package kernels

import (
	"testing"

	"github.com/meseta-go/meseta/gpu"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestOldGPUsAreLeftAlone(t *testing.T) {
	for capability, able := range map[[2]int]bool{{3, 7}: false, {7, 0}: false, {7, 2}: false, {7, 5}: true, {8, 0}: true, {12, 0}: true} {
		err := tooOld(gpu.Info{Name: "some GPU", Major: capability[0], Minor: capability[1]})
		if able {
			assert.NoError(t, err, capability)
			continue
		}
		assert.ErrorIs(t, err, ErrUnsupported, capability)
		assert.ErrorContains(t, err, "some GPU, compute capability "+gpu.Info{Major: capability[0], Minor: capability[1]}.Capability())
		assert.ErrorContains(t, err, "7.5")
	}
}

func TestAutoIsTheCPUWithoutGPUs(t *testing.T) {
	if gpu.Built && Fallback() == nil {
		t.Skip("there is a GPU")
	}
	d, err := Open(Settings{Device: "auto", Threads: 1})
	require.NoError(t, err)
	defer d.Close()
	assert.IsType(t, &CPU{}, d)
}
