package metrics_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/meseta-go/meseta/internal/fields"
	"github.com/meseta-go/meseta/metrics"
)

// docs/losses-and-metrics.md has every metric with its arguments; those of losses stand there with the losses.
func TestMetricsPage(t *testing.T) {
	page, err := os.ReadFile("../docs/losses-and-metrics.md")
	require.NoError(t, err)
	rows := strings.Split(string(page), "\n")
	for _, name := range metrics.Names() {
		m, err := metrics.New(name)
		require.NoError(t, err)
		var keys []string
		if _, ok := m.(metrics.OfLoss); !ok {
			keys = fields.Keys(m)
		}
		assert.True(t, slices.ContainsFunc(rows, func(row string) bool {
			here := strings.HasPrefix(row, "| `") && strings.Contains(row, "`"+name+"`")
			for _, key := range keys {
				here = here && strings.Contains(row, "`"+key+"`")
			}
			return here
		}), "%s %s", name, keys)
	}
}
