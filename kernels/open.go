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
	Device  string // auto, cpu, cuda (the first GPU) or cuda:N; empty means auto, the CPU until every operator has a kernel for GPUs
	Threads int    // of the host; 0 means all that Go may use
	Exact   bool   // see CPU.Exact
}

// Open gives the device of the settings. A GPU that is asked for by name and cannot be used is an error.
func Open(s Settings) (Device, error) {
	n, err := parseDevice(s.Device)
	if err != nil {
		return nil, err
	}
	if n >= 0 {
		return openGPU(n)
	}
	d, err := NewCPU(cpu.Config{Threads: s.Threads})
	if err != nil {
		return nil, err
	}
	d.Exact = s.Exact
	return d, nil
}

// Fallback says why the device auto is the CPU in a program that can use GPUs; nil elsewhere.
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

// noGPU says why GPU n cannot be used.
func noGPU(n int) error {
	d, err := gpu.Find()
	switch {
	case err != nil:
		return err
	case n >= len(d.Devices):
		return fmt.Errorf("kernels: cuda:%d: %w: there are %d, counted from 0; `meseta doctor` lists them", n, gpu.ErrNoDevice, len(d.Devices))
	}
	return fmt.Errorf("kernels: %v is left alone, for some operators have %w for GPUs in this version; --device cuda computes the models that do without", d.Devices[n], ErrUnsupported)
}
