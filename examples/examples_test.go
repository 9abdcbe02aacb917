// Package examples holds programs to start from, each in a folder of its own. Its test runs them for a few steps.
package examples

import (
	"os/exec"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestExamplesRun(t *testing.T) {
	for _, c := range []struct{ name, want string }{
		{"mnist", "accuracy"},
		{"callback", "ended:"},
	} {
		out, err := exec.Command("go", "run", "./"+c.name, "-steps", "5").CombinedOutput()
		require.NoError(t, err, "%s: %s", c.name, out)
		assert.Contains(t, string(out), c.want)
	}
}
