package metrics_test

import (
	"testing"

	"github.com/meseta-go/meseta/internal/fields"
	"github.com/meseta-go/meseta/internal/pages"
	"github.com/meseta-go/meseta/metrics"
	"github.com/stretchr/testify/require"
)

// docs/losses-and-metrics.md has every metric with its arguments; those of losses stand there with the losses.
func TestMetricsPage(t *testing.T) {
	page := pages.Read(t, "../docs/losses-and-metrics.md", "")
	for _, name := range metrics.Names() {
		m, err := metrics.New(name)
		require.NoError(t, err)
		var keys []string
		if _, ok := m.(metrics.OfLoss); !ok {
			keys = fields.Keys(m)
		}
		pages.AssertRow(t, page, name, keys...)
	}
}
