package callbacks

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// docs/callbacks.md names every callback, and every schedule with its arguments.
func TestCallbacksPage(t *testing.T) {
	b, err := os.ReadFile("../docs/callbacks.md")
	require.NoError(t, err)
	page := string(b)
	for _, kind := range kinds {
		assert.True(t, strings.Contains(page, "`"+kind.name+"`"), kind.name)
	}
	_, schedules, ok := strings.Cut(page, "## Schedules")
	require.True(t, ok)
	for _, kind := range scheduleKinds {
		assert.True(t, strings.Contains(schedules, "\n| `"+kind.name+"` |"), kind.name)
		form, ok := kind.open(nil)
		require.True(t, ok)
		for _, p := range form.parameters {
			assert.True(t, strings.Contains(schedules, "`"+p.name+"`"), "%s of %s", p.name, kind.name)
		}
	}
}
