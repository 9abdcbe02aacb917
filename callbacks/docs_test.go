package callbacks

import (
	"testing"

	"github.com/meseta-go/meseta/internal/pages"
	"github.com/stretchr/testify/require"
)

// docs/callbacks.md has every callback, and every schedule with its arguments.
func TestCallbacksPage(t *testing.T) {
	page := pages.Read(t, "../docs/callbacks.md", "## What there is")
	for _, kind := range kinds {
		pages.AssertRow(t, page, kind.name)
	}
	page = pages.Read(t, "../docs/callbacks.md", "## Schedules")
	for _, kind := range scheduleKinds {
		pages.AssertRow(t, page, kind.name)
		form, ok := kind.open(nil)
		require.True(t, ok)
		for _, p := range form.parameters {
			pages.AssertNames(t, page, p.name)
		}
	}
}
