package losses_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/meseta-go/meseta/internal/fields"
	"github.com/meseta-go/meseta/losses"
)

// docs/losses-and-metrics.md has every loss with its arguments.
func TestLossesPage(t *testing.T) {
	page, err := os.ReadFile("../docs/losses-and-metrics.md")
	require.NoError(t, err)
	rows := strings.Split(string(page), "\n")
	for _, name := range losses.Names() {
		l, err := losses.New(name)
		require.NoError(t, err)
		assert.True(t, slices.ContainsFunc(rows, func(row string) bool {
			here := strings.HasPrefix(row, "| `") && strings.Contains(row, "`"+name+"`")
			for _, key := range fields.Keys(l) {
				here = here && strings.Contains(row, "`"+key+"`")
			}
			return here
		}), "%s %s", name, fields.Keys(l))
	}
}
