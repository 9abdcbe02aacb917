//go:build nvidia && cgo

package gpu

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestMain makes a process of its own for found: a process looks for a driver once.
func TestMain(m *testing.M) {
	if os.Getenv("MESETA_TEST_FIND") == "" {
		os.Exit(m.Run())
	}
	f := finding{}
	var err error
	if f.Driver, err = Find(); err != nil {
		f.Message = err.Error()
		f.NoDriver, f.NoDevice = errors.Is(err, ErrNoDriver), errors.Is(err, ErrNoDevice)
	}
	if err := json.NewEncoder(os.Stdout).Encode(f); err != nil {
		panic(err)
	}
}

// finding is what Find says.
type finding struct {
	Driver             Driver
	Message            string
	NoDriver, NoDevice bool
}

// found asks Find with a library.
func found(t *testing.T, library string, env ...string) finding {
	c := exec.Command(os.Args[0])
	c.Env = append(append(os.Environ(), "MESETA_TEST_FIND=1", LibraryVariable+"="+library), env...)
	out, err := c.Output()
	require.NoError(t, err)
	var f finding
	require.NoError(t, json.Unmarshal(out, &f))
	return f
}

// library compiles a library that has every function of the driver, doing nothing, and those of the text.
func library(t *testing.T, source string) string {
	dir := t.TempDir()
	nothing, own, made := filepath.Join(dir, "nothing.c"), filepath.Join(dir, "own.c"), filepath.Join(dir, "libcuda.so.1")
	names, err := filepath.Abs("shim_names.h")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(nothing, fmt.Appendf(nil, "#define FORWARD(i, name, ours) __attribute__((weak)) int name(void) { return 0; }\n#include %q\n", names), 0o666))
	require.NoError(t, os.WriteFile(own, []byte(source), 0o666))
	out, err := exec.Command("cc", "-shared", "-fPIC", "-fvisibility=default", "-o", made, nothing, own).CombinedOutput()
	require.NoError(t, err, "%s", out)
	return made
}

func TestFindSaysWhatIsWrong(t *testing.T) {
	starts := func(code int) string {
		return library(t, fmt.Sprintf("int cuInit(unsigned flags) { return %d; }", code))
	}
	for _, c := range []struct {
		library, want string
		noDevice      bool
	}{
		{"none", "MESETA_LIBCUDA is none", false},
		{"/nowhere/libcuda.so.1", "there is no NVIDIA driver: /nowhere/libcuda.so.1: cannot open shared object file", false},
		{"shim.c", "shim.c", false}, // no library at all
		{"libc.so.6", "it lacks cuInit", false},
		{starts(codeNoDevice), "CUDA_ERROR_NO_DEVICE (100): CUDA_VISIBLE_DEVICES is \"7\"; the driver sees no GPU", true},
		{starts(codeUnknown), "CUDA_ERROR_UNKNOWN (999); load the module nvidia_uvm", false},
		{starts(codeMismatch), "restart the machine", false},
		{starts(codeStub), "take its directory out of LD_LIBRARY_PATH", false},
		{starts(12345), "cuInit failed (12345)", false},
		{library(t, "int cuInit(unsigned flags) { return 0; } int cuDriverGetVersion(int *v) { *v = 10020; return 0; }"), "it supports CUDA 10.2 at most; update the NVIDIA driver", false},
		{library(t, "int cuInit(unsigned flags) { return 0; } int cuDriverGetVersion(int *v) { *v = 12090; return 0; } int cuDeviceGetCount(int *n) { *n = 0; return 0; }"), "the driver sees no GPU", true},
	} {
		f := found(t, c.library, "CUDA_VISIBLE_DEVICES=7")
		assert.Contains(t, f.Message, c.want, c.library)
		assert.Equal(t, c.noDevice, f.NoDevice, c.library)
		assert.Equal(t, !c.noDevice, f.NoDriver, c.library)
		assert.Empty(t, f.Driver.Devices, c.library)
	}
}

// A driver that lacks what this package calls is told from one that works before anything is called.
func TestFindWantsFunctions(t *testing.T) {
	dir := t.TempDir()
	source, made := filepath.Join(dir, "old.c"), filepath.Join(dir, "libcuda.so.1")
	require.NoError(t, os.WriteFile(source, []byte("int cuInit(unsigned flags) { return 0; }"), 0o666))
	out, err := exec.Command("cc", "-shared", "-fPIC", "-o", made, source).CombinedOutput()
	require.NoError(t, err, "%s", out)
	f := found(t, made)
	assert.True(t, f.NoDriver)
	assert.Contains(t, f.Message, "it lacks ")
	assert.Contains(t, f.Message, "cuGetErrorName")
	assert.Contains(t, f.Message, "update the NVIDIA driver to 470 or later")
}
