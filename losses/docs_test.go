package losses_test

import (
	"testing"

	"github.com/meseta-go/meseta/internal/fields"
	"github.com/meseta-go/meseta/internal/pages"
	"github.com/meseta-go/meseta/losses"
	"github.com/stretchr/testify/require"
)

// docs/losses-and-metrics.md has every loss with its arguments.
func TestLossesPage(t *testing.T) {
	page := pages.Read(t, "../docs/losses-and-metrics.md", "")
	for _, name := range losses.Names() {
		l, err := losses.New(name)
		require.NoError(t, err)
		pages.AssertRow(t, page, name, fields.Keys(l)...)
	}
}
