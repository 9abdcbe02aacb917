package optimizers

import (
	"fmt"
	"strings"
	"testing"

	"github.com/meseta-go/meseta/internal/pages"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// docs/optimizers.md has every optimizer with its arguments and their defaults, and what all of them take.
func TestOptimizersPage(t *testing.T) {
	page := pages.Read(t, "../docs/optimizers.md", "")
	for _, name := range Names() {
		o, err := New(name)
		require.NoError(t, err)
		var arguments []string
		for _, s := range own(o) {
			arguments = append(arguments, "`"+s.Key+"` "+s.text())
		}
		row := fmt.Sprintf("| `%s` | %s |", name, strings.Join(arguments, ", "))
		assert.True(t, strings.Contains(page, row), row)
	}
	for _, s := range baseSettings(&Base{}) {
		pages.AssertRow(t, page, s.Key)
	}
}

// text is the value of a setting.
func (s Setting) text() string {
	switch {
	case s.Flag != nil:
		return fmt.Sprint(*s.Flag)
	case s.Count != nil:
		return fmt.Sprint(*s.Count)
	case s.Names != nil:
		return fmt.Sprint(*s.Names)
	}
	return fmt.Sprint(*s.Number)
}
