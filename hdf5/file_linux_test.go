//go:build linux

package hdf5

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// writeToFullDisk tries to replace path where no file may pass one megabyte.
func writeToFullDisk(path string) {
	signal.Ignore(syscall.SIGXFSZ)
	limit := syscall.Rlimit{Cur: 1 << 20, Max: 1 << 20}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		fmt.Println(err)
		os.Exit(3)
	}
	if err := WriteFile(path, version(2)); err != nil {
		fmt.Println(err)
		os.Exit(2)
	}
	os.Exit(0)
}

func TestFullDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.h5")
	require.NoError(t, WriteFile(path, version(1)))
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), "HDF5_TEST_FULL="+path)
	out, err := child.CombinedOutput()
	require.Error(t, err)
	assert.Equal(t, 2, child.ProcessState.ExitCode(), string(out))
	assert.Contains(t, string(out), "what was there before is untouched")
	assert.Contains(t, string(out), "file too large")
	assert.EqualValues(t, 1, versionOf(t, path))
	files, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	assert.Len(t, files, 1, "no temporary file is left")
}
