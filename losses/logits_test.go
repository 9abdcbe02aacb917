package losses

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Every loss that has the argument says what the network gives.
func TestTakesLogits(t *testing.T) {
	found := 0
	for _, name := range Names() {
		l, err := New(name)
		require.NoError(t, err)
		assert.False(t, TakesLogits(l), name)
		if _, ok := Arguments(l)["from_logits"]; !ok {
			continue
		}
		found++
		l, err = Configured(l.ClassName(), map[string]any{"from_logits": true})
		require.NoError(t, err)
		assert.True(t, TakesLogits(l), name)
	}
	assert.Equal(t, 5, found)
}
