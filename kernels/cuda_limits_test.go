//go:build nvidia && cgo

package kernels

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestCUDALimits are measured, and are not above what the clocks allow by more than clocks vary, but for the emulated GPU, whose clocks are made up.
func TestCUDALimits(t *testing.T) {
	c := openCUDA(t)
	before, total, err := c.MemInfo()
	require.NoError(t, err)
	operations, bytes := c.Limits()
	require.NoError(t, c.Err())
	assert.Positive(t, operations)
	assert.Positive(t, bytes)
	after, _, err := c.MemInfo()
	require.NoError(t, err)
	if most, _ := c.Rating(); c.dev.Info().Name == "emulated GPU" {
		assert.Equal(t, before, after, "of %d bytes of memory, none are kept", total)
	} else { // where other programs may use memory
		assert.Less(t, operations, 1.1*most)
	}
}
