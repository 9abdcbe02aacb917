//go:build nvidia && cgo

package kernels

import (
	"io/fs"
	"strings"
	"testing"

	"github.com/meseta-go/meseta/gpu"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestArchitecture(t *testing.T) {
	have := []int{120, 75, 80, 86, 90}
	for _, c := range []struct{ major, minor, driver, want int }{
		{7, 5, 12090, 75},
		{8, 0, 12000, 80},
		{8, 6, 13000, 86},
		{8, 9, 12090, 86}, // of the same generation, and not later
		{9, 0, 12090, 90},
		{12, 1, 12090, 120},
		{10, 0, 12090, 0}, // none of its generation
		{7, 0, 12090, 0},  // all of its generation are later
		{9, 0, 11080, 0},  // a driver that the assembler's code is too new for
	} {
		assert.Equal(t, c.want, architecture(have, gpu.Info{Major: c.major, Minor: c.minor}, c.driver), "%+v", c)
	}
	assert.Zero(t, architecture(nil, gpu.Info{Major: 9}, 12090))
	assert.Zero(t, architecture(have, gpu.Info{Major: 8, Minor: 7, Integrated: true}, 12090), "Orin does not run sm_86's")
}

// TestCUDATakesItsKernels: a GPU gets cubins of its generation from a program that has them, else PTX, and either has all kernels.
func TestCUDATakesItsKernels(t *testing.T) {
	c := openCUDA(t)
	d, err := gpu.Find()
	require.NoError(t, err)
	said := CodeFor(c.dev.Info())
	if cubinsZip == "" {
		assert.Zero(t, c.arch)
		assert.Contains(t, said, "PTX")
	} else if d.Version >= cubinDriver {
		assert.Equal(t, c.dev.Info().Major, c.arch/10, "cubins of its generation")
		assert.Contains(t, said, "cubins for sm_")
	}
	files, err := fs.Glob(ptx, "*/*.ptx")
	require.NoError(t, err)
	for _, file := range files {
		file = strings.TrimSuffix(file, ".ptx")
		code, err := codeOf(file, c.arch)
		require.NoError(t, err)
		assert.Equal(t, c.arch != 0, strings.HasPrefix(string(code), "\x7fELF"), file)
		m, err := c.dev.Load(code)
		require.NoError(t, err, file)
		require.NoError(t, m.Close())
	}
}
