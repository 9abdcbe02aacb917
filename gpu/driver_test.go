//go:build nvidia && cgo

package gpu

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// apart names what a process of its own does: a process looks for a driver once.
const apart = "MESETA_TEST_APART"

func TestMain(m *testing.M) {
	var answer any
	switch os.Getenv(apart) {
	case "find":
		answer = finds()
	case "launch":
		answer = launchTime()
	case "lose":
		answer = loses()
	default:
		os.Exit(m.Run())
	}
	if err := json.NewEncoder(os.Stdout).Encode(answer); err != nil {
		panic(err)
	}
}

// process does one of these with a driver's library.
func process[T any](t *testing.T, what, library string, env ...string) (answer T) {
	c := exec.Command(os.Args[0])
	c.Env = append(append(os.Environ(), apart+"="+what, LibraryVariable+"="+library), env...)
	var said bytes.Buffer
	c.Stderr = &said
	out, err := c.Output()
	require.NoError(t, err, &said)
	require.NoError(t, json.Unmarshal(out, &answer))
	return answer
}

// finding is what Find says.
type finding struct {
	Driver             Driver
	Message            string
	NoDriver, NoDevice bool
	Lost               bool
}

func finds() finding {
	d, err := Find()
	f := finding{Driver: d, NoDriver: errors.Is(err, ErrNoDriver), NoDevice: errors.Is(err, ErrNoDevice)}
	if err != nil {
		f.Message = err.Error()
	}
	return f
}

// needCC skips a test where there is no C compiler: this package is built with one, but its tests may run elsewhere (bench/gpu).
func needCC(t *testing.T) {
	if _, err := exec.LookPath("cc"); err != nil {
		t.Skip(err)
	}
}

// library compiles a library that has every function of the driver, doing nothing, and those of the text.
func library(t *testing.T, source string) string {
	needCC(t)
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
		{starts(codeNotReady), "CUDA_ERROR_SYSTEM_NOT_READY (802); a GPU behind NVSwitch wants the service nvidia-fabricmanager", false},
		{starts(codeStub), "take its directory out of LD_LIBRARY_PATH", false},
		{starts(12345), "cuInit failed (12345)", false},
		{library(t, "int cuInit(unsigned flags) { return 0; } int cuDriverGetVersion(int *v) { *v = 10020; return 0; }"), "it supports CUDA 10.2 at most; update the NVIDIA driver", false},
		{library(t, "int cuInit(unsigned flags) { return 0; } int cuDriverGetVersion(int *v) { *v = 12090; return 0; } int cuDeviceGetCount(int *n) { *n = 0; return 0; }"), "the driver sees no GPU", true},
	} {
		f := process[finding](t, "find", c.library, "CUDA_VISIBLE_DEVICES=7")
		assert.Contains(t, f.Message, c.want, c.library)
		assert.Equal(t, c.noDevice, f.NoDevice, c.library)
		assert.Equal(t, !c.noDevice, f.NoDriver, c.library)
		assert.Empty(t, f.Driver.Devices, c.library)
	}
}

// A driver that lacks what this package calls is told from one that works before anything is called.
func TestFindWantsFunctions(t *testing.T) {
	needCC(t)
	dir := t.TempDir()
	source, made := filepath.Join(dir, "old.c"), filepath.Join(dir, "libcuda.so.1")
	require.NoError(t, os.WriteFile(source, []byte("int cuInit(unsigned flags) { return 0; }"), 0o666))
	out, err := exec.Command("cc", "-shared", "-fPIC", "-o", made, source).CombinedOutput()
	require.NoError(t, err, "%s", out)
	f := process[finding](t, "find", made)
	assert.True(t, f.NoDriver)
	assert.Contains(t, f.Message, "it lacks ")
	assert.Contains(t, f.Message, "cuGetErrorName")
	assert.Contains(t, f.Message, "update the NVIDIA driver to 470 or later")
}

// idle is a driver for one GPU that takes everything and does nothing.
const idle = `
int cuInit(unsigned flags) { return 0; }
int cuDriverGetVersion(int *v) { *v = 12090; return 0; }
int cuDeviceGetCount(int *n) { *n = 1; return 0; }
int cuDeviceGetName(char *name, int n, int device) { *name = 0; return 0; }
int cuDeviceTotalMem_v2(unsigned long *bytes, int device) { *bytes = 1 << 30; return 0; }
int cuDeviceGetAttribute(int *v, int attribute, int device) { *v = 9; return 0; }
int cuModuleGetFunction(void **f, void *m, const char *name) { *f = 0; return 0; }
int cuFuncGetAttribute(int *v, int attribute, void *f) { *v = 256; return 0; }
int cuFuncGetParamInfo(void *f, unsigned long i, unsigned long *offset, unsigned long *bytes) { return 500; }
`

// A launch costs at most a microsecond beside what the driver does.
func TestLaunchIsQuick(t *testing.T) {
	took := process[time.Duration](t, "launch", library(t, idle))
	t.Log(took)
	assert.LessOrEqual(t, took, time.Microsecond)
}

// launchTime is what a launch takes at best.
func launchTime() time.Duration {
	d, err := Open(0)
	if err != nil {
		panic(err)
	}
	s, err := d.NewStream()
	if err != nil {
		panic(err)
	}
	m, err := d.Load(nil)
	if err != nil {
		panic(err)
	}
	k, err := NewKernel[elements](m, "k")
	if err != nil {
		panic(err)
	}
	const launches = 1000
	e, shape, best := &elements{}, Line(1, 256), time.Duration(math.MaxInt64)
	for range 300 {
		start := time.Now()
		for range launches {
			if err := k.Launch(s, shape, e); err != nil {
				panic(err)
			}
		}
		best = min(best, time.Since(start)/launches)
	}
	return best
}

// lost719 is a driver whose GPU fails at its first copy: everything after it answers with the same.
const lost719 = idle + `
static int failed;
int cuMemcpyHtoDAsync_v2(unsigned long dst, const void *src, unsigned long bytes, void *stream) { return failed = 719; }
int cuMemAlloc_v2(unsigned long *p, unsigned long bytes) { *p = 256; return failed; }
int cuMemFree_v2(unsigned long p) { return failed; }
int cuStreamSynchronize(void *s) { return failed; }
int cuCtxSynchronize(void) { return failed; }
int cuGetErrorName(int code, const char **name) { *name = code == 719 ? "CUDA_ERROR_LAUNCH_FAILED" : 0; return 0; }
`

// What fails once a GPU is lost says so, and what it was lost at.
func TestLost(t *testing.T) {
	for i, f := range process[[]finding](t, "lose", library(t, lost719)) {
		assert.True(t, f.Lost, f.Message)
		assert.Contains(t, f.Message, "CUDA_ERROR_LAUNCH_FAILED (719)")
		assert.Contains(t, f.Message, "start again from the last checkpoint")
		assert.Equal(t, i > 0, strings.Contains(f.Message, "the GPU was lost when copying to the GPU"), f.Message)
	}
}

// loses gives the errors of copying, waiting, allocating and freeing; closing goes well.
func loses() (list []finding) {
	d, err := Open(0)
	if err != nil {
		panic(err)
	}
	s, err := d.NewStream()
	if err != nil {
		panic(err)
	}
	m, err := d.Alloc(16)
	if err != nil {
		panic(err)
	}
	errs := []error{s.Write(m, 0, []byte("lost")), s.Synchronize()}
	_, err = d.Alloc(16)
	for _, err := range append(errs, err, m.Free()) {
		if err == nil {
			panic("a lost GPU went on")
		}
		list = append(list, finding{Message: err.Error(), Lost: errors.Is(err, ErrLost)})
	}
	if err := d.Close(); err != nil {
		panic(err)
	}
	return list
}
