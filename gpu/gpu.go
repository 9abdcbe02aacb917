// Package gpu reaches NVIDIA GPUs: devices, memory, streams, events, modules of kernels, and graphs of their launches.
//
// It is the only package with C in it, and only under the tag nvidia: `make cuda` builds such a program. Without the tag Find and Open return
// ErrNotBuilt, and nothing else is there. With it the program still needs nothing but the C library to start: the driver's library is opened
// when Find is first called. What gorgonia.org/cu offers is taken from there; launches, copies and graphs stand beside it, each a single call of C without
// an allocation.
//
// A Device and what belongs to it may be used from any goroutine: every call makes the device's context current on its thread. What a stream is given runs in
// that order. Memory is freed by Free and Close alone.
//
// What is not here: kernels and their sources, which lie beside those for the CPU in the folders of package kernels.
package gpu

//go:generate go run ./_shim

import "fmt"

// LibraryVariable is the environment variable that names another library than the system's libcuda.so.1, for one that lies elsewhere and for tests;
// "none" stands for no driver.
const LibraryVariable = "MESETA_LIBCUDA"

// Driver is what was found of NVIDIA's driver.
type Driver struct {
	Library string // where the library lies
	Version int    // of CUDA that it supports: 12090 is 12.9
	JIT     bool   // whether the compiler for PTX, a library of the driver's, is there too
	Devices []Info
}

// CUDA gives the version as people write it.
func (d Driver) CUDA() string { return fmt.Sprintf("%d.%d", d.Version/1000, d.Version%1000/10) }

// Info describes a device.
type Info struct {
	Index           int
	Name            string
	Major, Minor    int   // compute capability
	Integrated      bool  // part of the host's processor, as on a Jetson
	Memory          int64 // bytes
	Multiprocessors int
	L2              int // bytes
	SharedMemory    int // bytes that one block may have, when its kernel asks for them
	Clock           int // the highest of the multiprocessors, in kHz
	MemoryClock     int // in kHz; 0 where the driver does not tell
	MemoryBits      int // that go to or from memory at once
}

// Rating is what the device can do at most by these numbers: float32 operations a second, a multiply-add being two, and bytes a second to and from its
// memory, which takes bits at both edges of its clock. NVIDIA's "CUDA C++ Programming Guide" has the lanes of a multiprocessor by compute capability.
func (i Info) Rating() (operations, bytes float64) {
	lanes := 128.0
	if i.Major == 7 || i.Major == 8 && i.Minor == 0 {
		lanes = 64
	}
	const kilo = 1e3
	return 2 * lanes * float64(i.Multiprocessors) * float64(i.Clock) * kilo, 2 * float64(i.MemoryClock) * kilo * float64(i.MemoryBits) / 8
}

// Capability gives the compute capability as people write it.
func (i Info) Capability() string { return fmt.Sprintf("%d.%d", i.Major, i.Minor) }

// String gives name, capability and memory.
func (i Info) String() string {
	return fmt.Sprintf("cuda:%d %s, compute capability %s, %.1f GiB", i.Index, i.Name, i.Capability(), float64(i.Memory)/(1<<30))
}
