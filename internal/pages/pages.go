// Package pages lets tests hold the pages in docs/ to the code: what there is by name stands there. Nothing but tests imports it.
package pages

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Read gives the text of a page, from the line that is heading on, or all of it for "".
func Read(t testing.TB, path, heading string) string {
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	i := strings.Index(string(b), heading)
	require.GreaterOrEqual(t, i, 0, "%s has no %s", path, heading)
	return string(b[i:])
}

// AssertNames wants each name somewhere in the text, in backquotes.
func AssertNames(t testing.TB, text string, names ...string) {
	t.Helper()
	for _, name := range names {
		assert.True(t, strings.Contains(text, "`"+name+"`"), "`%s` is not there", name)
	}
}

// AssertRow wants a row of a table whose first cell has the name and which has all the words, each in backquotes.
func AssertRow(t testing.TB, text, name string, words ...string) {
	t.Helper()
	for row := range strings.Lines(text) {
		cells := strings.SplitN(row, "|", 3)
		if len(cells) < 3 || cells[0] != "" || !strings.Contains(cells[1], "`"+name+"`") {
			continue
		}
		all := true
		for _, word := range words {
			all = all && strings.Contains(row, "`"+word+"`")
		}
		if all {
			return
		}
	}
	assert.Fail(t, "no row", "of %s with %q", name, words)
}
