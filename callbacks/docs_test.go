package callbacks

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The page's configurations pass all checks, and its table has every callback.
func TestThePageIsRight(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "docs", "callbacks.md"))
	require.NoError(t, err)
	page := string(text)
	blocks := 0
	for _, rest := range strings.Split(page, "```yaml\n")[1:] {
		block, _, _ := strings.Cut(rest, "```")
		var run struct{ Callbacks List }
		require.NoError(t, yaml.Unmarshal([]byte(block), &run), block)
		require.NotEmpty(t, run.Callbacks)
		_, err := NewManager(run.Callbacks, setupFor(t, plateauStream, 1, &recorder{averages: "a"}))
		require.NoError(t, err, block)
		blocks++
	}
	assert.Equal(t, 4, blocks)
	for _, kind := range kinds {
		assert.Contains(t, page, "`"+kind.name+"`")
	}
	for _, schedule := range everySchedule() {
		text := string(mustYAML(t, List{&LearningRateScheduler{Schedule: schedule}}))
		name := strings.TrimSpace(strings.Split(text, "\n")[2])
		assert.Contains(t, page, "`"+strings.TrimSuffix(name, ":")+"`", text)
	}
}
