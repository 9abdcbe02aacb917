package checkpoint

import (
	"strings"
	"testing"

	"github.com/meseta-go/meseta/internal/pages"
	"github.com/meseta-go/meseta/layers"
)

// docs/layers.md has every class, activation and initializer that a file can have.
func TestLayersPage(t *testing.T) {
	page := pages.Read(t, "../docs/layers.md", "")
	for class := range codecs {
		pages.AssertRow(t, page, class)
	}
	pages.AssertNames(t, page, layers.Activations...)
	page = strings.ToLower(pages.Read(t, "../docs/layers.md", "## Initializers"))
	for name := range initializers {
		pages.AssertRow(t, page, strings.ReplaceAll(name, "_", ""))
	}
}
