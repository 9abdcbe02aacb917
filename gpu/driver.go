//go:build nvidia && cgo

package gpu

/*
#cgo LDFLAGS: -L${SRCDIR}/lib -Wl,--as-needed -ldl -lpthread
#include <stdlib.h>
#include "shim.h"

static const char *meseta_name(CUresult r) {
	const char *name = 0;
	return cuGetErrorName(r, &name) || !name ? "" : name;
}
*/
import "C"

import (
	"fmt"
	"os"
	"reflect"
	"sync"
	"unsafe"

	"gorgonia.org/cu"
)

// Built says whether this program can compute on GPUs.
const Built = true

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

// names are those of answers that come when the driver cannot be asked for them.
var names = map[int]string{
	codeStub: "CUDA_ERROR_STUB_LIBRARY", codeUnavailable: "CUDA_ERROR_DEVICE_UNAVAILABLE", codeNoDevice: "CUDA_ERROR_NO_DEVICE",
	codeMismatch: "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH",
	codeCompat:   "CUDA_ERROR_COMPAT_NOT_SUPPORTED_ON_DEVICE", codeUnknown: "CUDA_ERROR_UNKNOWN", codeOutOfMemory: "CUDA_ERROR_OUT_OF_MEMORY",
}

// refused is the error for an answer of gorgonia.org/cu.
func refused(op string, err error) *Error {
	code := codeUnknown
	if v := reflect.ValueOf(err); v.CanInt() { // its type is not exported
		code = int(v.Int())
	}
	return answered(op, C.CUresult(code))
}

// answered is the error for an answer of the driver.
func answered(op string, r C.CUresult) *Error {
	name := C.GoString(C.meseta_name(r))
	if name == "" {
		name = names[int(r)]
	}
	return &Error{Op: op, Code: int(r), Name: name, kind: kind(int(r))}
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
	for _, a := range []struct {
		attribute cu.DeviceAttribute
		to        *int
	}{
		{cu.ComputeCapabilityMajor, &info.Major},
		{cu.ComputeCapabilityMinor, &info.Minor},
		{cu.MultiprocessorCount, &info.Multiprocessors},
		{cu.L2CacheSize, &info.L2},
		{C.CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN, &info.SharedMemory},
	} {
		if err == nil {
			*a.to, err = d.Attribute(a.attribute)
		}
	}
	if err != nil {
		return info, refused(fmt.Sprintf("describing GPU %d", i), err)
	}
	return info, nil
}
