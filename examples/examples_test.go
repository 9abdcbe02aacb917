// Package examples holds programs to start from, each in a folder of its own. Its test runs them for a few steps.
package examples

import (
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestExamplesRun(t *testing.T) {
	for _, c := range []struct {
		name, want string
		arguments  []string
	}{
		{"mnist", "accuracy", []string{"-steps", "5"}},
		{"callback", "ended:", []string{"-steps", "5"}},
		{"customloss", "center loss", []string{"-loss", "center", "-steps", "5"}},
		{"folder", "3 classes [Zebra ant pão de ló]: validation accuracy",
			[]string{"-data", filepath.Join("..", "data", "testdata", "folder.zip"), "-size", "16", "-epochs", "2", "-save", filepath.Join(t.TempDir(), "best.keras")}},
	} {
		out, err := exec.Command("go", append([]string{"run", "./" + c.name}, c.arguments...)...).CombinedOutput()
		require.NoError(t, err, "%s: %s", c.name, out)
		assert.Contains(t, string(out), c.want)
	}
}
