package kernels

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/meseta-go/meseta/gpu"
	"github.com/meseta-go/meseta/kernels/cpu"
)

// ErrDeviceName is wrapped by errors about words that name no device.
var ErrDeviceName = errors.New("not a device")

// Settings say what to compute on, and how.
type Settings struct {
	Device  string // auto, cpu, cuda (the first GPU) or cuda:N; empty means auto: the first GPU where there is one that can be used (see Fallback), else the CPU
	Threads int    // of the host; 0 means all that Go may use
	Exact   bool   // see CPU.Exact
}

// Open gives the device of the settings. A GPU that is asked for by name and cannot be used is an error.
func Open(s Settings) (Device, error) {
	n, err := parseDevice(s.Device)
	if err != nil {
		return nil, err
	}
	if n == deviceAuto && gpu.Built && Fallback() == nil {
		n = 0
	}
	if n >= 0 {
		if err := noGPU(n); err != nil {
			return nil, err
		}
		return openGPU(n)
	}
	d, err := NewCPU(cpu.Config{Threads: s.Threads})
	if err != nil {
		return nil, err
	}
	d.Exact = s.Exact
	return d, nil
}

// Fallback says why the device auto is the CPU in a program that can use GPUs: there is no driver, or no GPU that the kernels are for. It is nil where auto is
// a GPU, and in programs for the CPU only. A GPU that is there and fails is an error of Open, not a reason to fall back.
func Fallback() error {
	if !gpu.Built {
		return nil
	}
	return noGPU(0)
}

// CheckDevice says whether a word names a device, there or not.
func CheckDevice(name string) error {
	_, err := parseDevice(name)
	return err
}

// Numbers of devices that are none of a GPU.
const (
	deviceAuto = -1
	deviceCPU  = -2
)

// parseDevice gives the number of the GPU that a word names, or one of the constants.
func parseDevice(name string) (int, error) {
	switch name {
	case "", "auto":
		return deviceAuto, nil
	case "cpu":
		return deviceCPU, nil
	case "cuda":
		return 0, nil
	}
	if digits, ok := strings.CutPrefix(name, "cuda:"); ok {
		if n, err := strconv.ParseUint(digits, 10, 16); err == nil {
			return int(n), nil
		}
	}
	return 0, fmt.Errorf("kernels: %q is %w; want auto, cpu, cuda or cuda:N", name, ErrDeviceName)
}

// The oldest GPUs that the kernels' PTX is for; see _cuda/compile.py.
const leastMajor, leastMinor = 7, 5

// noGPU says why GPU n cannot be used; nil where it can.
func noGPU(n int) error {
	d, err := gpu.Find()
	switch {
	case err != nil:
		return err
	case n >= len(d.Devices):
		return fmt.Errorf("kernels: cuda:%d: %w: there are %d, counted from 0; `meseta doctor` lists them", n, gpu.ErrNoDevice, len(d.Devices))
	}
	return tooOld(d.Devices[n])
}

// tooOld says that the kernels are not for a GPU; nil if they are.
func tooOld(i gpu.Info) error {
	if i.Major > leastMajor || i.Major == leastMajor && i.Minor >= leastMinor {
		return nil
	}
	return fmt.Errorf("kernels: %v: %w for compute capability below %d.%d", i, ErrUnsupported, leastMajor, leastMinor)
}
