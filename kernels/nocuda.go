//go:build !nvidia || !cgo

package kernels

func openGPU(n int) (Device, error) { return nil, noGPU(n) }
