//go:build nvidia && cgo

package gpu

/*
#include <cuda.h>

static const char *meseta_name(CUresult r) {
	const char *name = 0;
	return cuGetErrorName(r, &name) || !name ? "" : name;
}
*/
import "C"

import "reflect"

// names are those of answers that come when the driver cannot be asked for them.
var names = map[int]string{
	codeStub: "CUDA_ERROR_STUB_LIBRARY", codeUnavailable: "CUDA_ERROR_DEVICE_UNAVAILABLE", codeNoDevice: "CUDA_ERROR_NO_DEVICE",
	codeNotReady: "CUDA_ERROR_SYSTEM_NOT_READY", codeMismatch: "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH",
	codeCompat: "CUDA_ERROR_COMPAT_NOT_SUPPORTED_ON_DEVICE", codeUnknown: "CUDA_ERROR_UNKNOWN", codeOutOfMemory: "CUDA_ERROR_OUT_OF_MEMORY",
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

// kind says which of the errors above an answer of a driver that works is.
func kind(code int) error {
	switch {
	case code == codeOutOfMemory:
		return ErrOutOfMemory
	case code == codeNoDevice, code == codeInvalidDevice:
		return ErrNoDevice
	case lost[code]:
		return ErrLost
	}
	return nil
}

// lost has the answers after which a context answers nothing else. (The documentation of each says so: "leaves the process in an inconsistent state".)
var lost = map[int]bool{
	codeDeinitialized: true, codeECC: true, codeNVLink: true, codeContained: true, codeIllegalAddress: true, codeTimeout: true, codeContextDestroyed: true, codeAssert: true,
	codeHardwareStack: true, codeIllegalInstruction: true, codeMisaligned: true, codeAddressSpace: true, codeInvalidPC: true, codeLaunchFailed: true,
	codeTensorMemory: true, codeMPSTerminated: true, codeUnknown: true,
}
