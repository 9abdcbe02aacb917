//go:build nvidia && cgo

package gpu

/*
#cgo LDFLAGS: -L${SRCDIR}/lib -Wl,--as-needed -ldl -lpthread
#include <stdlib.h>
#include "shim.h"
*/
import "C"

import (
	"fmt"
	"os"
	"sync"
	"unsafe"

	"gorgonia.org/cu"
)

// Built says whether this program can compute on GPUs.
const Built = true

// What kernels and this package need of a driver and a device. CUDA 11.4, driver 470, was the first to instantiate graphs with flags; PTX 7.0 is older. A
// T4, an RTX 2060 and all that came later have compute capability 7.5.
const (
	minDriver = 11040
	minMajor  = 7
	minMinor  = 5
)

// Find opens the driver and lists its devices. The first call's answer stays: drivers are not looked for again.
func Find() (Driver, error) { return find() }

var find = sync.OnceValues(func() (Driver, error) {
	library := os.Getenv(LibraryVariable)
	if library == "none" {
		return Driver{}, fmt.Errorf("gpu: %w: %s is none; unset it to look for one", ErrNoDriver, LibraryVariable)
	}
	asked := C.CString(library)
	defer C.free(unsafe.Pointer(asked))
	var path, why *C.char
	r := C.meseta_load(asked, &path, &why)
	d := Driver{Library: C.GoString(path)}
	if r != 0 {
		return d, startError(int(r), d.Library, C.GoString(why))
	}
	if d.Version = cu.Version(); d.Version < minDriver {
		return d, startError(codeNoSymbol, d.Library, "it supports CUDA "+d.CUDA()+" at most")
	}
	jit := C.CString("libnvidia-ptxjitcompiler.so.1")
	defer C.free(unsafe.Pointer(jit))
	d.JIT = C.meseta_opens(jit) != 0
	n, err := cu.NumDevices()
	if err != nil {
		return d, refused("counting GPUs", err)
	}
	for i := range n {
		info, err := describe(i)
		if err != nil {
			return d, err
		}
		d.Devices = append(d.Devices, info)
	}
	if n == 0 {
		return d, startError(codeNoDevice, d.Library, "")
	}
	return d, nil
})

// startError says why the driver did not start.
func startError(code int, library, why string) error {
	e := &Error{Op: "looking for an NVIDIA driver", Code: code, Name: names[code], Note: why, kind: ErrNoDriver}
	if library != "" {
		e.Op = "starting the driver " + library
	}
	switch {
	case code == codeNoLibrary:
		e.Op = "there is no NVIDIA driver"
	case code == codeNoSymbol:
		e.Op = library + " is no NVIDIA driver that can be used"
	case e.Name == "":
		e.Name = "cuInit failed"
	}
	if code == codeNoDevice {
		e.kind = ErrNoDevice
		if visible, ok := os.LookupEnv("CUDA_VISIBLE_DEVICES"); ok {
			e.Note = fmt.Sprintf("CUDA_VISIBLE_DEVICES is %q", visible)
		}
	}
	return e
}

// describe asks for a device's properties.
func describe(i int) (Info, error) {
	info := Info{Index: i}
	d, err := cu.GetDevice(i)
	if err == nil {
		info.Name, err = d.Name()
	}
	if err == nil {
		info.Memory, err = d.TotalMem()
	}
	var integrated int
	for _, a := range []struct {
		attribute cu.DeviceAttribute
		to        *int
	}{
		{cu.Integrated, &integrated},
		{cu.ComputeCapabilityMajor, &info.Major},
		{cu.ComputeCapabilityMinor, &info.Minor},
		{cu.MultiprocessorCount, &info.Multiprocessors},
		{cu.L2CacheSize, &info.L2},
		{C.CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN, &info.SharedMemory},
		{cu.ClockRate, &info.Clock},
		{cu.MemoryClockRate, &info.MemoryClock},
		{cu.GlobalMemoryBusWidth, &info.MemoryBits},
	} {
		if err == nil {
			*a.to, err = d.Attribute(a.attribute)
		}
	}
	if err != nil {
		return info, refused(fmt.Sprintf("describing GPU %d", i), err)
	}
	info.Integrated = integrated != 0
	return info, nil
}
