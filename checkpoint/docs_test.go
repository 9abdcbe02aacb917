package checkpoint

import (
	"os"
	"strings"
	"testing"

	"github.com/meseta-go/meseta/layers"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// docs/layers.md names every class, activation and initializer that a file can have.
func TestLayersPage(t *testing.T) {
	b, err := os.ReadFile("../docs/layers.md")
	require.NoError(t, err)
	page := string(b)
	for class := range codecs {
		assert.True(t, strings.Contains(page, "`"+class+"`"), class)
	}
	for _, name := range layers.Activations {
		assert.True(t, strings.Contains(page, "`"+name+"`"), name)
	}
	_, initial, ok := strings.Cut(page, "## Initializers")
	require.True(t, ok)
	for name := range initializers {
		class := strings.ReplaceAll(name, "_", "")
		assert.True(t, strings.Contains(strings.ToLower(initial), "`"+class+"`"), name)
	}
}
