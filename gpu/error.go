package gpu

import (
	"errors"
	"fmt"
)

// What errors of this package wrap.
var (
	// ErrNotBuilt says that the program was built without the tag.
	ErrNotBuilt = errors.New("gpu: this program was built for the CPU only; `make cuda` in meseta's repository builds bin/meseta-cuda, which computes on NVIDIA GPUs")
	// ErrNoDriver says that there is no driver that works.
	ErrNoDriver = errors.New("no usable NVIDIA driver")
	// ErrNoDevice says that there is a driver but no such device.
	ErrNoDevice = errors.New("no such GPU")
	// ErrOutOfMemory says that the device has too little memory left.
	ErrOutOfMemory = errors.New("out of memory")
	// ErrLost says that the device failed. Everything that was asked of it since fails too, and what its memory held is gone.
	ErrLost = errors.New("the GPU is lost")
)

// Error is a call that the driver refused.
type Error struct {
	Op   string // what it should have done
	Code int    // what it answered
	Name string // of that answer; empty if it has none
	Note string // what the driver said beside it, as a compiler's messages
	kind error
}

// Error says what failed, what the driver answered, and what can be done about it.
func (e *Error) Error() string {
	s := "gpu: " + e.Op
	if e.Name != "" {
		s += fmt.Sprintf(": %s (%d)", e.Name, e.Code)
	}
	if e.Note != "" {
		s += ": " + e.Note
	}
	if a := advice[e.Code]; a != "" {
		s += "; " + a
	}
	return s
}

// Unwrap gives what kind of failure it is, one of the errors above; nil for others.
func (e *Error) Unwrap() error { return e.kind }

// The driver's answers that are told apart, from cuda.h.
const (
	codeInvalidValue       = 1
	codeOutOfMemory        = 2
	codeNotInitialized     = 3
	codeDeinitialized      = 4
	codeStub               = 34
	codeUnavailable        = 46
	codeNoDevice           = 100
	codeInvalidDevice      = 101
	codeNoBinary           = 209
	codeECC                = 214
	codeInvalidPTX         = 218
	codeNVLink             = 220
	codeNoJIT              = 221
	codeUnsupportedPTX     = 222
	codeJITDisabled        = 223
	codeContained          = 226
	codeNoSymbol           = 302
	codeNoLibrary          = 303
	codeNotFound           = 500
	codeIllegalAddress     = 700
	codeOutOfResources     = 701
	codeTimeout            = 702
	codeContextDestroyed   = 709
	codeAssert             = 710
	codeHardwareStack      = 714
	codeIllegalInstruction = 715
	codeMisaligned         = 716
	codeAddressSpace       = 717
	codeInvalidPC          = 718
	codeLaunchFailed       = 719
	codeTensorMemory       = 721
	codeNotReady           = 802
	codeMismatch           = 803
	codeCompat             = 804
	codeMPSTerminated      = 810
	codeUnknown            = 999
)

const rerun = "the memory of the GPU is gone: start again from the last checkpoint; if it happens again, `nvidia-smi -q` and the system's log say how the GPU is, and --device cpu goes on without it"

// advice says what to do about an answer.
var advice = map[int]string{
	codeOutOfMemory:        "take a smaller --batch, or end what else uses this GPU (nvidia-smi lists it)",
	codeStub:               "this is the toolkit's library for linking, not a driver: take its directory out of LD_LIBRARY_PATH",
	codeUnavailable:        "another process has the GPU to itself (nvidia-smi shows the compute mode)",
	codeNoDevice:           "the driver sees no GPU: `nvidia-smi -L` lists what there is, CUDA_VISIBLE_DEVICES can hide it, and a container wants --gpus all",
	codeInvalidDevice:      "`meseta doctor` lists the GPUs",
	codeNoBinary:           "the kernels were not compiled for this GPU; they want compute capability 7.5 or later",
	codeInvalidPTX:         "the driver's compiler refuses the kernels: update the NVIDIA driver",
	codeNoJIT:              "the driver's compiler libnvidia-ptxjitcompiler.so.1 is missing: install the whole driver; a container wants NVIDIA_DRIVER_CAPABILITIES=compute,utility",
	codeJITDisabled:        "CUDA_DISABLE_PTX_JIT or CUDA_DISABLE_JIT forbids the driver to compile kernels: unset it",
	codeUnsupportedPTX:     "the driver is older than the kernels: update the NVIDIA driver",
	codeNoSymbol:           "update the NVIDIA driver to 470 or later",
	codeNoLibrary:          "install the NVIDIA driver (470 or later); a container wants --gpus all and the NVIDIA Container Toolkit on its host; MESETA_LIBCUDA names a library that lies elsewhere",
	codeOutOfResources:     "the kernel wants more registers or shared memory than the GPU has",
	codeNotReady:           "a GPU behind NVSwitch wants the service nvidia-fabricmanager, of the driver's very version: start it (systemctl status nvidia-fabricmanager)",
	codeMismatch:           "the driver's library and the kernel module differ, as after an update: restart the machine",
	codeCompat:             "a forward-compatibility library (cuda-compat) is found first, which this GPU does not support: take it out of LD_LIBRARY_PATH",
	codeUnknown:            "load the module nvidia_uvm (`sudo nvidia-modprobe -u`), or restart the machine; after suspend this is usual",
	codeIllegalAddress:     rerun,
	codeLaunchFailed:       rerun,
	codeECC:                rerun,
	codeNVLink:             rerun,
	codeContained:          rerun,
	codeTimeout:            "a display on this GPU ends kernels that take seconds: use another GPU, or a smaller --batch",
	codeIllegalInstruction: rerun,
	codeMisaligned:         rerun,
	codeHardwareStack:      rerun,
	codeAddressSpace:       rerun,
	codeInvalidPC:          rerun,
	codeAssert:             rerun,
	codeTensorMemory:       rerun,
}
